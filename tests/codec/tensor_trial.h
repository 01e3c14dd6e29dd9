/* SPDX-License-Identifier: MIT */
/* tensor_trial.h: random objects, and tensors that may be asked of them: what every decoder to tensors is tried with. */
#pragma once

#include "codec/tensor.h"

#include "dice.h"
#include "guard.h"

#define TRIAL_CHANNELS_MAX (3 * IC_BLOCK_MAX * IC_BLOCK_MAX)

struct trial {
	struct ic_view view;
	struct guard object;
	struct ic_tensor_spec spec;
	struct ic_tensor_shape shape;
	struct ic_window window;
	struct ic_region region;
	float mean[TRIAL_CHANNELS_MAX], scale[TRIAL_CHANNELS_MAX];
};

/* A random object of a random design, in t->object and t->view; what was there before is freed. Aborts when memory runs
 * out. t was zeroed once; guard_clear(&t->object) ends it. */
void trial_object(struct trial *t, struct dice *dice);

/* The same, with a random spec and window of pixels or frequencies (enum ic_values). Whether there is such a tensor; a
 * window that the image does not hold becomes one at its corner. */
bool trial_any(struct trial *t, struct dice *dice, uint8_t values);

/* The same, of pixels from anywhere in the image. */
bool trial_crop(struct trial *t, struct dice *dice);

/* The same, of pixels that are resized, from a box that the image holds. */
bool trial_resize(struct trial *t, struct dice *dice);
