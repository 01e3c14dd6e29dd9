/* SPDX-License-Identifier: MIT */
#include "fs/cache.h"
#include "fs/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define QUEUE_SHARE 8 /* the queue gets 1/8 of the bytes */
#define BUCKETS_MIN 1024u

enum place { PLACE_MAKING, PLACE_QUEUE, PLACE_KEPT, PLACE_NONE };

struct slot {
	struct object object; /* first, so that one is the other */
	struct object_key key;
	struct slot *next;        /* in its bucket */
	struct slot *queue_next;  /* towards the newest */
	struct slot **queue_link; /* what points here in the queue */
	pthread_cond_t made;
	unsigned refs; /* users, waiters, and the bucket */
	enum place place;
	errint_t err;
};

struct cache {
	pthread_mutex_t lock;
	struct slot **buckets;
	size_t nbuckets, count;
	struct slot *queue_oldest, **queue_end;
	uint64_t queue_nbytes, queue_nbytes_max;
	uint64_t kept_nbytes, nbytes_max;
	uint64_t hits, misses;
};

errint_t cache_new(uint64_t nbytes, struct cache **ret_cache)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->nbuckets = BUCKETS_MIN;
	cache->buckets = calloc(cache->nbuckets, sizeof(*cache->buckets));
	if (!cache->buckets) {
		free(cache);
		return -ENOMEM;
	}
	pthread_mutex_init(&cache->lock, NULL);
	cache->queue_end = &cache->queue_oldest;
	cache->nbytes_max = nbytes;
	cache->queue_nbytes_max = nbytes / QUEUE_SHARE;
	*ret_cache = cache;
	return 0;
}

static void slot_free(struct slot *slot)
{
	pthread_cond_destroy(&slot->made);
	free((void *)slot->object.bytes);
	free(slot);
}

void cache_free(struct cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < cache->nbuckets; i++) {
		for (struct slot *slot = cache->buckets[i], *next; slot; slot = next) {
			next = slot->next;
			slot_free(slot);
		}
	}
	free(cache->buckets);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static size_t bucket_of(const struct cache *cache, const struct object_key *key)
{
	const struct ic_design *d = &key->variant.design;
	const uint8_t design[] = {d->sx, d->sy, d->block, d->keep, d->bits, d->chroma, d->filter, d->order};
	uint64_t hash = hash_bytes(HASH_SEED, design, sizeof(design));

	hash = hash_u64(hash_u64(hash, key->identity.ino), key->identity.dev);
	hash = hash_u64(hash_u64(hash, (uint64_t)key->identity.mtime_ns), key->identity.size);
	return hash_u64(hash, key->variant.face) & (cache->nbuckets - 1);
}

static bool is_key(const struct object_key *a, const struct object_key *b)
{
	return source_identity_equal(&a->identity, &b->identity) && ic_variant_equal(&a->variant, &b->variant);
}

static struct slot *find(const struct cache *cache, const struct object_key *key)
{
	struct slot *slot = cache->buckets[bucket_of(cache, key)];

	while (slot && !is_key(&slot->key, key))
		slot = slot->next;
	return slot;
}

static void grow(struct cache *cache)
{
	size_t old_n = cache->nbuckets;
	struct slot **old = cache->buckets;
	struct slot **new = calloc(old_n * 2, sizeof(*new));

	if (!new)
		return;
	cache->buckets = new;
	cache->nbuckets = old_n * 2;
	for (size_t i = 0; i < old_n; i++) {
		for (struct slot *slot = old[i], *next; slot; slot = next) {
			next = slot->next;
			size_t b = bucket_of(cache, &slot->key);
			slot->next = new[b];
			new[b] = slot;
		}
	}
	free(old);
}

static void unref(struct slot *slot)
{
	if (--slot->refs == 0)
		slot_free(slot);
}

static void enqueue(struct cache *cache, struct slot *slot)
{
	slot->place = PLACE_QUEUE;
	slot->queue_next = NULL;
	slot->queue_link = cache->queue_end;
	*cache->queue_end = slot;
	cache->queue_end = &slot->queue_next;
	cache->queue_nbytes += slot->object.nbytes;
}

static void dequeue(struct cache *cache, struct slot *slot)
{
	*slot->queue_link = slot->queue_next;
	if (slot->queue_next)
		slot->queue_next->queue_link = slot->queue_link;
	else
		cache->queue_end = slot->queue_link;
	cache->queue_nbytes -= slot->object.nbytes;
}

static void forget(struct cache *cache, struct slot *slot)
{
	struct slot **at = &cache->buckets[bucket_of(cache, &slot->key)];

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	cache->count--;
	if (slot->place == PLACE_QUEUE)
		dequeue(cache, slot);
	if (slot->place == PLACE_KEPT)
		cache->kept_nbytes -= slot->object.nbytes;
	slot->place = PLACE_NONE;
	unref(slot);
}

/* Keep the queue to its share: its oldest moves on, or goes. The newest stays however large it is, else the next read of
 * the same file would make it again. */
static void shorten_queue(struct cache *cache)
{
	while (cache->queue_nbytes > cache->queue_nbytes_max && cache->queue_oldest->queue_next) {
		struct slot *slot = cache->queue_oldest;
		if (cache->kept_nbytes + slot->object.nbytes > cache->nbytes_max - cache->queue_nbytes_max) {
			forget(cache, slot);
			continue;
		}
		dequeue(cache, slot);
		slot->place = PLACE_KEPT;
		cache->kept_nbytes += slot->object.nbytes;
	}
}

/* A slot under making, known to others from now on. */
static struct slot *begin(struct cache *cache, const struct object_key *key)
{
	struct slot *slot = calloc(1, sizeof(*slot));

	if (!slot)
		return NULL;
	pthread_cond_init(&slot->made, NULL);
	slot->key = *key;
	slot->place = PLACE_MAKING;
	slot->refs = 2;
	if (cache->count >= cache->nbuckets)
		grow(cache);
	size_t b = bucket_of(cache, key);
	slot->next = cache->buckets[b];
	cache->buckets[b] = slot;
	cache->count++;
	cache->misses++;
	return slot;
}

/* `slot` was dropped while it was made when its place is PLACE_NONE: then it serves those who waited, no others. */
static void finish(struct cache *cache, struct slot *slot, errint_t err, uint8_t *bytes, size_t nbytes)
{
	slot->err = err;
	if (!err) {
		slot->object.bytes = bytes;
		slot->object.nbytes = nbytes;
	}
	if (slot->place == PLACE_MAKING) {
		if (err) {
			forget(cache, slot);
		} else {
			enqueue(cache, slot);
			shorten_queue(cache);
		}
	}
	pthread_cond_broadcast(&slot->made);
}

static bool is_made(const struct slot *slot)
{
	return slot->object.bytes || slot->err;
}

errint_t cache_get(struct cache *cache, const struct object_key *key, cache_maker *make, void *context,
                   const struct object **ret_object)
{
	uint8_t *bytes = NULL;
	size_t nbytes = 0;
	errint_t err;

	pthread_mutex_lock(&cache->lock);
	struct slot *slot = find(cache, key);
	if (slot) {
		slot->refs++;
		cache->hits++;
		while (!is_made(slot))
			pthread_cond_wait(&slot->made, &cache->lock);
	} else {
		slot = begin(cache, key);
		if (!slot) {
			pthread_mutex_unlock(&cache->lock);
			return -ENOMEM;
		}
		pthread_mutex_unlock(&cache->lock);
		err = make(context, &bytes, &nbytes);
		pthread_mutex_lock(&cache->lock);
		finish(cache, slot, err, bytes, nbytes);
	}
	err = slot->err;
	if (err)
		unref(slot);
	else
		*ret_object = &slot->object;
	pthread_mutex_unlock(&cache->lock);
	return err;
}

void cache_put(struct cache *cache, const struct object *object)
{
	pthread_mutex_lock(&cache->lock);
	unref((struct slot *)object);
	pthread_mutex_unlock(&cache->lock);
}

bool cache_get_size(struct cache *cache, const struct object_key *key, uint64_t *ret_nbytes)
{
	pthread_mutex_lock(&cache->lock);
	const struct slot *slot = find(cache, key);
	bool is_there = slot && slot->object.bytes;
	if (is_there)
		*ret_nbytes = slot->object.nbytes;
	pthread_mutex_unlock(&cache->lock);
	return is_there;
}

void cache_drop(struct cache *cache, const struct object_key *key)
{
	pthread_mutex_lock(&cache->lock);
	struct slot *slot = find(cache, key);
	if (slot)
		forget(cache, slot);
	pthread_mutex_unlock(&cache->lock);
}

struct cache_counts cache_counts(struct cache *cache)
{
	pthread_mutex_lock(&cache->lock);
	struct cache_counts counts = {
	        .hits = cache->hits,
	        .misses = cache->misses,
	        .nbytes = cache->queue_nbytes + cache->kept_nbytes,
	        .nobjects = cache->count,
	};
	pthread_mutex_unlock(&cache->lock);
	return counts;
}
