/* SPDX-License-Identifier: MIT */
/*
 * grid_priv.h: from a component's own grid of samples to another one (docs/format.md, "Grids").
 *
 * Along each axis, target sample i stands for the source interval that begins at i * num / den. A ratio num / den of 1 or
 * more takes the mean of the whole samples of that interval which the filter keeps; a ratio below 1 repeats samples, or,
 * at 1/2 where JPEG decoders do, weighs neighbours 3 to 1 (the triangle filter, "fancy upsampling").
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grid_axis {
	uint32_t num, den; /* source samples a target sample: num / den */
	uint32_t span;     /* source samples that the mean is taken over: span / den, at least 1 sample */
};

struct plane8 {
	const uint8_t *samples;
	size_t stride; /* bytes from row to row */
	uint32_t width, height;
};

static inline bool grid_is_identity(const struct grid_axis *x, const struct grid_axis *y)
{
	return x->num == x->den && y->num == y->den;
}

/* Whether the target is nowhere finer than the source. */
static inline bool grid_is_reduction(const struct grid_axis *x, const struct grid_axis *y)
{
	return x->num >= x->den && y->num >= y->den;
}

/* Fill `out`, height rows of width samples; reading past an edge of the source repeats the edge. -ENOMEM. */
int grid_resample(const struct plane8 *source, struct grid_axis x, struct grid_axis y, uint32_t width, uint32_t height,
                  uint8_t *out, size_t out_stride);

/* Repeat the last column up to `stride`, and the last row up to padded_height. */
void grid_pad(uint8_t *samples, size_t stride, uint32_t width, uint32_t height, uint32_t padded_height);
