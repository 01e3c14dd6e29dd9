/* SPDX-License-Identifier: MIT */
#include "fs/cache.h"
#include "fs/hash.h"
#include "fs/reuse.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define QUEUE_SHARE 8                         /* the queue gets 1/8 of the bytes, */
#define QUEUE_NBYTES_MAX (UINT64_C(64) << 20) /* which is enough for the files that are being read at one time */
#define BUCKETS_MIN 1024u

enum place { PLACE_MAKING, PLACE_QUEUE, PLACE_KEPT, PLACE_NONE };

struct slot {
	struct object object; /* first, so that one is the other */
	struct object_key key;
	struct slot *next;          /* in its bucket */
	struct slot *older, *newer; /* in its line */
	uint64_t time;              /* of the last request, while it was made or is kept; see reuse.h */
	pthread_cond_t made;
	unsigned refs; /* users, waiters, and the bucket */
	enum place place;
	errint_t err;
};

/* Beside a slot, malloc takes 8 bytes for itself and up to 15 to fill up, twice, and the buckets up to 16. */
_Static_assert(sizeof(struct slot) + 40 <= CACHE_SLOT_NBYTES, "an object takes more than it is counted with");

/* Slots from the oldest to the newest. */
struct line {
	struct slot *oldest, *newest;
	uint64_t nbytes, nbytes_max; /* of memory */
	uint64_t nobjects;
};

struct cache {
	pthread_mutex_t lock;
	struct slot **buckets;
	size_t nbuckets, count;
	struct line queue; /* in the order of making */
	struct line kept;  /* in the order of use */
	struct reuse *reuse;
	uint64_t hits, misses;
};

errint_t cache_new(uint64_t nbytes, struct cache **ret_cache)
{
	struct cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->nbuckets = BUCKETS_MIN;
	cache->buckets = calloc(cache->nbuckets, sizeof(*cache->buckets));
	if (!cache->buckets || reuse_new(&cache->reuse)) {
		free(cache->buckets);
		free(cache);
		return -ENOMEM;
	}
	pthread_mutex_init(&cache->lock, NULL);
	cache->queue.nbytes_max = nbytes / QUEUE_SHARE < QUEUE_NBYTES_MAX ? nbytes / QUEUE_SHARE : QUEUE_NBYTES_MAX;
	cache->kept.nbytes_max = nbytes - cache->queue.nbytes_max;
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
	reuse_free(cache->reuse);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

static uint64_t hash_of(const struct object_key *key)
{
	const struct ic_design *d = &key->variant.design;
	const uint8_t design[] = {d->sx, d->sy, d->block, d->keep, d->bits, d->chroma, d->filter, d->order};
	uint64_t hash = hash_bytes(HASH_SEED, design, sizeof(design));

	hash = hash_u64(hash_u64(hash, key->identity.ino), key->identity.dev);
	hash = hash_u64(hash_u64(hash, (uint64_t)key->identity.mtime_ns), key->identity.size);
	return hash_u64(hash_u64(hash, key->variant.face), key->variant.keeps_metadata);
}

static size_t bucket_of(const struct cache *cache, const struct object_key *key)
{
	return hash_of(key) & (cache->nbuckets - 1);
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

static uint64_t memory_of(const struct slot *slot)
{
	return slot->object.nbytes + CACHE_SLOT_NBYTES;
}

static uint64_t object_nbytes(const struct line *line)
{
	return line->nbytes - line->nobjects * CACHE_SLOT_NBYTES;
}

static void join(struct line *line, struct slot *slot, enum place place)
{
	slot->place = place;
	slot->older = line->newest;
	slot->newer = NULL;
	*(line->newest ? &line->newest->newer : &line->oldest) = slot;
	line->newest = slot;
	line->nbytes += memory_of(slot);
	line->nobjects++;
}

static void leave(struct line *line, struct slot *slot)
{
	*(slot->older ? &slot->older->newer : &line->oldest) = slot->newer;
	*(slot->newer ? &slot->newer->older : &line->newest) = slot->older;
	line->nbytes -= memory_of(slot);
	line->nobjects--;
}

static void forget(struct cache *cache, struct slot *slot)
{
	struct slot **at = &cache->buckets[bucket_of(cache, &slot->key)];

	while (*at != slot)
		at = &(*at)->next;
	*at = slot->next;
	cache->count--;
	if (slot->place == PLACE_QUEUE)
		leave(&cache->queue, slot);
	if (slot->place == PLACE_KEPT)
		leave(&cache->kept, slot);
	slot->place = PLACE_NONE;
	unref(slot);
}

/* Whether there is room to keep so many bytes more, once what is out of use has gone for them. */
static bool has_room(struct cache *cache, uint64_t nbytes)
{
	struct line *kept = &cache->kept;
	uint64_t horizon = reuse_horizon(cache->reuse);

	if (nbytes > kept->nbytes_max)
		return false;
	while (kept->nbytes + nbytes > kept->nbytes_max && kept->oldest->time < horizon)
		forget(cache, kept->oldest);
	return kept->nbytes + nbytes <= kept->nbytes_max;
}

/* Keep the queue to its share: its oldest moves on, or goes. The newest stays however large it is, else the next read of
 * the same file would make it again. */
static void shorten_queue(struct cache *cache)
{
	struct line *queue = &cache->queue;

	while (queue->nbytes > queue->nbytes_max && queue->oldest != queue->newest) {
		struct slot *slot = queue->oldest;
		if (!has_room(cache, memory_of(slot))) {
			forget(cache, slot);
			continue;
		}
		leave(queue, slot);
		join(&cache->kept, slot, PLACE_KEPT);
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
	slot->time = reuse_note(cache->reuse, hash_of(key));
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
			join(&cache->queue, slot, PLACE_QUEUE);
			shorten_queue(cache);
		}
	}
	pthread_cond_broadcast(&slot->made);
}

/* A request for what is there already. Those of the queue are the several reads of one file, which say nothing of when a
 * file is read again. */
static void use(struct cache *cache, struct slot *slot)
{
	cache->hits++;
	if (slot->place != PLACE_KEPT)
		return;
	slot->time = reuse_note(cache->reuse, hash_of(&slot->key));
	leave(&cache->kept, slot);
	join(&cache->kept, slot, PLACE_KEPT);
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
		use(cache, slot);
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
	        .nbytes = object_nbytes(&cache->queue) + object_nbytes(&cache->kept),
	        .nobjects = cache->count,
	};
	pthread_mutex_unlock(&cache->lock);
	return counts;
}
