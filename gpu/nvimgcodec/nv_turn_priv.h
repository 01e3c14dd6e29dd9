/* SPDX-License-Identifier: MIT */
/*
 * nv_turn_priv.h: orientations. An image is stored one way and displayed another; a turn leads from one to the other.
 */
#pragma once

#include "nv_common_priv.h"

#include <stdbool.h>

/* First rows become columns, if `transposed`; then the result is mirrored. Zeroed: displayed as stored. */
struct nv_turn {
	bool transposed;
	bool flip_x, flip_y; /* left to right, top to bottom; as displayed */
};

/* Of EXIF's 1..8; others are as 1. */
struct nv_turn nv_turn_of_exif(unsigned orientation);

/* The same in nvImageCodec's terms, and back. */
nvimgcodecOrientation_t nv_turn_to_orientation(struct nv_turn turn);
struct nv_turn nv_turn_of_orientation(const nvimgcodecOrientation_t *orientation);
