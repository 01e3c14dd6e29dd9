/* SPDX-License-Identifier: MIT */
/*
 * probe_resample_priv.h: a plane of samples of any size on a grid of a fixed one, by the triangle filter: linear
 * interpolation where the plane is smaller, a mean with weights that fall off linearly where it is larger, so that
 * nothing aliases. Whole numbers all the way: the same bytes on every machine.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>
#include <stdint.h>

/* What each place of the grid is a mean of, along one axis. */
struct resample_axis {
	uint32_t nin, nout;
	uint32_t *first;   /* of the samples, for each place; nout of them, and where the last one's weights end */
	uint32_t *start;   /* of the place's weights, likewise */
	uint16_t *weights; /* in 1/256; those of a place add up to 256 */
};

/* nin from 1 on. Zeroed is empty. -ENOMEM leaves it empty. */
errint_t resample_axis_init(struct resample_axis *axis, uint32_t nin, uint32_t nout);
void resample_axis_clear(struct resample_axis *axis);

/* `out` is x->nout columns of y->nout samples, one column behind the other: both passes go along rows, where loops
 * become vectors, with the picture laid on its side between them. `memory` has room for resample_nbytes, aligned for 16
 * bits. */
size_t resample_nbytes(const struct resample_axis *x, const struct resample_axis *y);
void resample(const struct resample_axis *x, const struct resample_axis *y, const uint8_t *in, size_t stride,
              void *memory, uint8_t *out);
