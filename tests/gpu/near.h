/* SPDX-License-Identifier: MIT */
/*
 * near.h: what a transform that is not exact may give (IC_GPU_FAST_DCT): the pixels between two images, of samples that are
 * rounded from sums in double precision, less and plus what half precision may add to each.
 */
#pragma once

#include "codec/tensor.h"

#include "tests/codec/dice.h"
#include "tests/tools/jpegmake.h"

/* Fail where `rgb`, three bytes a pixel, is not what may become of a region of an object, by its transform: what lies outside of it is 0. */
void near_check(const struct ic_view *view, const struct ic_region *region, const struct ic_tensor_shape *shape,
                const uint8_t *rgb);

/* A wild object (wild.h) whose coefficients are no larger than those of photographs. Malloc'ed. */
struct bytes near_object(struct dice *dice, const struct ic_design *design, uint32_t width, uint32_t height,
                         unsigned ncomponents);
