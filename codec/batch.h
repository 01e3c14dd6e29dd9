/* SPDX-License-Identifier: MIT */
/*
 * batch.h: many objects into one tensor, in one call, by one or more threads. Objects are given as bytes or as names of
 * files, which the same threads read: the first 64 KiB, and then as much as is decoded.
 *
 * One bad image costs its own place, which is zeroed, and its own error code; the others are as if it were not there.
 */
#pragma once

#include "tensor.h"

/*
 * Threads that decode. `nthreads` (1..IC_THREADS_MAX) counts the one that calls ic_batch_decode, which works too: 1 starts
 * none, and only keeps the memory that reading files takes from one batch to the next.
 *
 * A pool may be shared by threads; it runs one batch at a time, the others wait for it. Its threads block all signals. It
 * does not survive fork(): a child must make its own, and must not free its parent's. -EINVAL, -ENOMEM, -EAGAIN (no more
 * threads).
 */
struct ic_pool;
#define IC_THREADS_MAX 1024u
IC_API errint_t ic_pool_new(unsigned nthreads, struct ic_pool **ret_pool, struct ic_why *why);
IC_API void ic_pool_free(struct ic_pool *pool); /* NULL is fine; no batch may be running */

/* One image of a batch: `nbytes` of memory at `bytes`, or, where bytes is NULL, the file `path`. Both are the caller's,
 * and only read. A file may be the head of an object, where batch.design needs no more; so may bytes. */
struct ic_item {
	const uint8_t *bytes;
	size_t nbytes;
	const char *path; /* relative to batch.dirfd */
	struct ic_window window;

	/* Written by ic_batch_decode. */
	struct ic_region region; /* what of the image is shown (tensor.h); zeroed where err is not 0 */
	uint8_t orientation;     /* EXIF, 1..8, not applied; 0 where err is not 0 */
	uint16_t flags;          /* IC_FLAG_: its source ended early, or was damaged; 0 where err is not 0 */
	errint_t err;            /* 0, or why this image's place is zeroed */
};

struct ic_batch {
	struct ic_tensor_spec spec;
	struct ic_tensor_shape shape; /* what ic_tensor_shape says of one image; an image of another is -ERANGE */

	/* NULL: each image is decoded as its object is, so that frequencies of different designs may come together. Else the
	 * design as which each is read: an object of the same sampling, block size, chroma, filter, order and bits that
	 * keeps as much or more, of which no more is read. Another object is -ERANGE. */
	const struct ic_design *design;

	/* Image i is written at out + i * out_stride, of which shape.nbytes bytes are its own; likewise `chroma`, where the
	 * spec has it apart. Strides are in bytes, at least that many, and multiples of shape.value_nbytes. */
	void *out;
	size_t out_stride;
	void *chroma;
	size_t chroma_stride;

	int dirfd; /* of a directory, or AT_FDCWD */
	struct ic_item *items;
	size_t nitems;
};

/*
 * Decode all items, and return when all are done. `pool` may be NULL: the calling thread, and memory of its own.
 *
 * 0, with the number of items that failed in *ret_nfailed (may be NULL) and a sentence for the first of them in `why`.
 * -EINVAL for a batch that contradicts itself, before anything is written. Of none, nothing is asked.
 *
 * Codes of items: those of ic_view_parse_prefix and ic_tensor_decode; -ERANGE for an object whose shape or design is not
 * the batch's; those of open() and read(); -EBADMSG for what is no regular file.
 */
IC_API errint_t ic_batch_decode(struct ic_pool *pool, const struct ic_batch *batch, size_t *ret_nfailed,
                                struct ic_why *why);
