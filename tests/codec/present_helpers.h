/* SPDX-License-Identifier: MIT */
/*
 * present_helpers.h: what the suites of the faces share. What does not hold fails the Check test that called.
 */
#pragma once

#include "codec_helpers.h"
#include "jpegread.h"

#define NEAR_DB 46.0 /* what a JPEG of other blocks may differ from its object, RGB */

/* The face jpeg of an object, with markers or without; the memory is the caller's. */
struct bytes present_with(const struct ic_view *view, struct bytes markers);
struct bytes present(const struct ic_view *view);

/* The object's pixels, malloc'ed: rows of 3 * width bytes. */
uint8_t *rgb_of(const struct ic_view *view);

/* The JPEG is baseline, and has the object's size and sampling. */
void check_grid(const struct jpegread *read, const struct ic_layout *l);

/* And, of an object of B = 8, its steps and the multiples of them that are nearest to its coefficients. */
void check_coefficients(struct bytes jpeg, const struct ic_view *view);
