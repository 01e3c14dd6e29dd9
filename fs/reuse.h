/* SPDX-License-Identifier: MIT */
/*
 * reuse.h: how long it takes until something is asked for again, estimated from a sample of the keys.
 *
 * Time is counted in requests. A key is in the sample when its hash is low enough, so that either all requests for it are
 * seen or none (Waldspurger and others, "Efficient MRC Construction with SHARDS", FAST 2015); the threshold falls as keys
 * come, so that memory is fixed. From the longest interval of late follows the horizon: what was not asked for within it
 * belongs to something that nobody reads any more, such as a view that was compared last week.
 *
 * Not thread safe.
 */
#pragma once

#include "codec/errint.h"

#include <stdint.h>

struct reuse;

errint_t reuse_new(struct reuse **ret_reuse); /* -ENOMEM */
void reuse_free(struct reuse *reuse);         /* NULL is fine */

/* Count a request for the key with this hash, all of whose bits are good. Returns the time it was made at: 1, 2, ... */
uint64_t reuse_note(struct reuse *reuse, uint64_t hash);

/* What was last asked for before this time is out of use: twice the longest interval seen of late has gone by since. 0
 * while too few intervals were seen to tell. */
uint64_t reuse_horizon(const struct reuse *reuse);
