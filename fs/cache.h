/* SPDX-License-Identifier: MIT */
/*
 * cache.h: objects in memory, each made once however many ask for it at the same time.
 *
 * Training reads every file once an epoch, in random order. A cache that evicts what was used least recently would then
 * evict each object just before its next use. So nothing that is in use is given up for something new: a new object
 * first passes a short queue, an eighth of the bytes but at most 64 MiB, so that the several reads of one file are
 * served by one making; at the queue's end it is kept if there is room in the rest, else dropped. What is kept goes
 * when it is out of date, and makes room when nobody asked for it for twice as long as it takes until objects are asked
 * for again (reuse.h).
 *
 * All functions are thread safe.
 */
#pragma once

#include "codec/face.h"
#include "fs/source.h"

#include <stddef.h>

struct object_key {
	struct source_identity identity;
	struct ic_variant variant;
};

/* Immutable bytes, counted. */
struct object {
	size_t nbytes;
	const uint8_t *bytes;
};

struct cache_counts {
	uint64_t hits;             /* found, or made by somebody else meanwhile */
	uint64_t misses;           /* made */
	uint64_t nbytes, nobjects; /* in memory; bytes of objects alone */
};

struct cache;

/* What an object takes beside its bytes, and is counted with: small ones are many. */
#define CACHE_SLOT_NBYTES 224u

/* At most `nbytes` of memory, but for the newest object, which stays however large it is. -ENOMEM. */
errint_t cache_new(uint64_t nbytes, struct cache **ret_cache);
void cache_free(struct cache *cache); /* no object may be in use; NULL is fine */

/* Make the object: malloc'ed bytes that the cache frees. Called without any lock. */
typedef errint_t cache_maker(void *context, uint8_t **ret_bytes, size_t *ret_nbytes);

/* The object, from memory or from `make`. All who wait for one that fails get its error; it is not remembered. The object
 * is the caller's until cache_put. */
errint_t cache_get(struct cache *cache, const struct object_key *key, cache_maker *make, void *context,
                   const struct object **ret_object);
void cache_put(struct cache *cache, const struct object *object);

/* The size of an object that is in memory; false where it is not, or is still being made. */
bool cache_get_size(struct cache *cache, const struct object_key *key, uint64_t *ret_nbytes);

/* Give up an object that is out of date. */
void cache_drop(struct cache *cache, const struct object_key *key);

struct cache_counts cache_counts(struct cache *cache);
