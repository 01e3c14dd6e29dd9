/* SPDX-License-Identifier: MIT */
/*
 * store_ahead_priv.h: which part of a segment to ask of the disk before it is needed. Decides only; thread safe.
 *
 * A training reads all of a segment, in random order, and a disk gives 256 KiB in little more time than the one object of
 * 30 that is asked for. So a part is asked for whole at the first read from it, once alone: who reads few objects of a store
 * pays for that at most one reading of it, in the background. Who reads in order, which is that of warming and so of names,
 * finds that the parts to come have been asked for before.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define AHEAD_NBYTES (256u << 10) /* of a part */
#define AHEAD_PARTS 1024u

/* Parts that are to have been asked for when one is read in order: 40 objects, which take a reader longer than a disk. */
#define AHEAD_LEAD 4u
/* Parts that are asked for at once then, for each request costs. */
#define AHEAD_RUN 8u

struct store_ahead {
	_Atomic uint8_t is_asked[AHEAD_PARTS / 8]; /* a bit for each part, of very long segments for several */
	_Atomic uint64_t next;                     /* the part behind the one that was read from last; 0 at first */
};

struct ahead_range {
	uint64_t offset, nbytes;
};

/* Before `nbytes`, not 0, at `offset` of the segment are read. False where there is nothing to ask for. */
bool ahead_take(struct store_ahead *ahead, uint64_t offset, uint64_t nbytes, struct ahead_range *ret_range);
