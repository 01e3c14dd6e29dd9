/* SPDX-License-Identifier: MIT */
/* hostile_samples.h: what hostile input is made of (mutant_new, attempt.h): by test_hostile, and, for Python, mkhostile. */
#pragma once

#include "attempt.h"
#include "tests/tools/jpegmake.h"

#define NSAMPLES 11

extern const struct jpeg_spec sample_kinds[NSAMPLES];

struct samples {
	struct sample list[NSAMPLES];
};

/* JPEGs of every kind that is encoded, and objects of as many designs. */
struct samples jpeg_samples(void);
struct samples object_samples(void);
void samples_clear(struct samples *samples);

/* A table and planes of noise behind a header that holds, of a random design; of what kind depends on i. Malloc'ed. */
struct bytes noisy_object(struct dice *dice, unsigned i);
