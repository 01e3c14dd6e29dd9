/* SPDX-License-Identifier: MIT */
/* object_priv.h: an object while its planes are written, by an encoder or from a denser object. */
#pragma once

#include "codec/format.h"

struct object {
	struct ic_layout layout;
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX]; /* layout.nfreqs of them */
	unsigned nu, nv; /* frequencies below these are all that is kept: max(u) + 1, max(v) + 1 */
	uint8_t *bytes;  /* layout.nbytes; owned */
};

/* -EINVAL, -ENOMEM. */
errint_t object_init(struct object *object, const struct ic_design *design, uint32_t source_width,
                     uint32_t source_height, unsigned ncomponents, struct ic_why *why);
void object_clear(struct object *object); /* zeroed is fine */

/* Write plane `p` and its table entry from 8-bit codes, one for each of its blocks. */
void object_put_plane(struct object *object, unsigned p, const int8_t *codes, uint8_t step);

/* Write plane `p` as it lies in another object of the same number of bits. */
void object_copy_plane(struct object *object, unsigned p, const struct ic_view *from, unsigned from_p);

void object_put_header(struct object *object, uint8_t orientation, uint16_t flags);

/* The bytes become the caller's. */
uint8_t *object_steal(struct object *object);
