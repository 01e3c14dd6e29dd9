/* SPDX-License-Identifier: MIT */
/* near.h: what pixels are by sums in double precision, and how far half precision may take them from that (IC_GPU_FAST_DCT). */
#pragma once

#include "codec/tensor.h"

#include "tests/codec/dice.h"
#include "tests/tools/jpegmake.h"

/* Channels of an object's pixels, three a pixel, by its transform, of 255 and not clamped; by how much each may be wrong. */
struct near {
	double *value, *error;
};
struct near near_new(const struct ic_view *view);
void near_clear(struct near *near);

/* Fail where `rgb`, three bytes a pixel, is not what may become of a region of an object: what lies outside of it is 0. */
void near_check(const struct ic_view *view, const struct ic_region *region, const struct ic_tensor_shape *shape,
                const uint8_t *rgb);

/* A wild object (wild.h) whose coefficients are no larger than those of photographs. Malloc'ed. */
struct bytes near_object(struct dice *dice, const struct ic_design *design, uint32_t width, uint32_t height,
                         unsigned ncomponents);
