/* SPDX-License-Identifier: MIT */
/*
 * space.h: the bytes that a set of sources takes under a design, exactly, without encoding any of them.
 *
 * An object's size follows from the width, height and components of its source alone, so that sources are described by
 * shapes: "so many of this size". A data set of a million photographs has some ten thousand shapes, and the functions
 * here take time by the shape: merge first.
 *
 * All functions are pure and thread safe. ncomponents is that of the object, 1 or 3 (ic_jpeg_info.nobject_components).
 */
#pragma once

#include "codec/design.h"

struct space_shape {
	uint32_t width, height; /* pixels of the source */
	unsigned ncomponents;   /* 1 or 3 */
	uint64_t count;         /* sources of this shape */
};

/* Sort the shapes by width, height and components and join equal ones by adding their counts, in place; returns how many
 * are left. Equal shapes whose counts add up to more than 64 bits hold stay apart, which changes no sum. */
size_t space_merge(struct space_shape *shapes, size_t nshapes);

/* The sum of the sizes of all objects under any valid design. -EINVAL for an invalid design or shape, -EFBIG for a sum of
 * 2^64 or more. No shapes: 0 bytes. */
errint_t space_of_design(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                         uint64_t *ret_nbytes);

/* The same for every design of the base space, in the order of ic_design_at; much faster than one call for each. `out` is
 * untouched on failure. */
errint_t space_of_base(const struct space_shape *shapes, size_t nshapes, uint64_t out[IC_DESIGN_COUNT]);
