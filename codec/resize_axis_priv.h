/* SPDX-License-Identifier: MIT */
/* resize_axis_priv.h: along one axis, what each place of a resized image is a mean of. Weights are Pillow's, bit for bit:
 * those of its resize() with BILINEAR, in whole numbers of 1 / RESIZE_ONE. */
#pragma once

#include "codec/errint.h"
#include "codec/tensor_kernel_priv.h"

struct resize_axis {
	uint32_t nout;
	uint32_t begin, end; /* samples that have a weight at any place: [begin, end) */
	uint32_t ntaps_max;  /* weights of one place, at the most */
	uint32_t *first;     /* of its samples, for each place */
	uint32_t *start;     /* of its weights in taps; nout of them, and where the last one's end */
	struct resize_taps *taps;
};

/* `nin` samples become `nall`, of which `nout` from `left` on are wanted; none is 0. Zeroed is empty. -ENOMEM leaves it
 * empty. It takes at most 8 * nin + 32 * nout bytes and 4, and 16 * nin + 24 more while it is made. */
errint_t resize_axis_init(struct resize_axis *axis, uint32_t nin, uint32_t nall, uint32_t left, uint32_t nout);
void resize_axis_clear(struct resize_axis *axis);

static inline const struct resize_taps *resize_axis_taps(const struct resize_axis *axis, uint32_t place)
{
	return axis->taps + axis->start[place];
}

/* Pairs of weights of a place. */
static inline uint32_t resize_axis_npairs(const struct resize_axis *axis, uint32_t place)
{
	return axis->start[place + 1] - axis->start[place];
}
