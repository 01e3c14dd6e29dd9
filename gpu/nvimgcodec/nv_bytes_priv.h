/* SPDX-License-Identifier: MIT */
/* nv_bytes_priv.h: the bytes of a code stream. */
#pragma once

#include "nv_common_priv.h"

/* Bytes that a stream maps, or a copy of them. `nbytes` is the whole stream's. */
struct nv_bytes {
	const uint8_t *bytes;
	size_t nbytes;
	uint8_t *owned;               /* NULL where they are mapped */
	nvimgcodecIoStreamDesc_t *io; /* for unmapping */
};

/*
 * All bytes of a stream. Where the stream can be mapped, any number of threads may do this at once, also for one stream;
 * reading moves the stream's one position, so a caller that shares streams must hold a lock around this.
 * -ENOMEM; -EIO, where the stream gives less than it says.
 */
errint_t nv_bytes_load(struct nv_bytes *ret_bytes, nvimgcodecIoStreamDesc_t *io, struct ic_why *why);
void nv_bytes_clear(struct nv_bytes *bytes); /* zeroed is fine */

/* The first bytes, `capacity` at most, and the size of the stream. Moves its position. -EIO. */
errint_t nv_bytes_head(nvimgcodecIoStreamDesc_t *io, uint8_t *out, size_t capacity, size_t *ret_nbytes,
                       size_t *ret_stream_nbytes, struct ic_why *why);
