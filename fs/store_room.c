/* SPDX-License-Identifier: MIT */
/* The bounds of a store: bytes of its own, and bytes left free for others. */
#include "fs/store_priv.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct candidate {
	struct segment *segment;
	int64_t used_s;
	bool is_dead; /* nothing in it is found any more */
};

/* What it takes, or will when it is full. */
static uint64_t reserved(const struct store *store, const struct segment *segment)
{
	bool grows = segment->header.id && !atomic_load(&segment->is_finished);

	return grows && segment->nbytes < store->settings.segment_nbytes ? store->settings.segment_nbytes
	                                                                 : segment->nbytes;
}

static uint64_t total(const struct store *store)
{
	uint64_t nbytes = 0;

	for (size_t i = 0; i < store->nslots; i++)
		if (store->segments[i])
			nbytes += reserved(store, store->segments[i]);
	return nbytes;
}

static uint64_t sum(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t missing(uint64_t wanted, uint64_t there)
{
	return wanted > there ? wanted - there : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Dead ones first, then by last use. */
static int by_use(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->is_dead != y->is_dead)
		return x->is_dead ? -1 : 1;
	return (x->used_s > y->used_s) - (x->used_s < y->used_s);
}

/* Every segment that nobody writes, sorted. NULL for none, or no memory. */
static struct candidate *collect(struct store *store, size_t *ret_count)
{
	struct candidate *candidates = malloc((store->nslots + 1) * sizeof(*candidates));
	size_t n = 0;

	for (size_t i = 0; candidates && i < store->nslots; i++) {
		struct segment *segment = store->segments[i];
		struct stat st;
		if (!segment || segment->is_ours)
			continue;
		/* Other processes use it too, and write that down. */
		int64_t used = atomic_load(&segment->used_s);
		if (!fstat(segment->fd, &st) && segment_used_s(&st) > used)
			used = segment_used_s(&st);
		pthread_mutex_lock(&store->lock);
		candidates[n++] = (struct candidate){segment, used, segment->nlive == 0};
		pthread_mutex_unlock(&store->lock);
	}
	if (n)
		qsort(candidates, n, sizeof(*candidates), by_use);
	*ret_count = n;
	return candidates;
}

static bool has_nothing(struct store *store, const struct segment *segment)
{
	pthread_mutex_lock(&store->lock);
	bool has_nothing = segment->nlive == 0;
	pthread_mutex_unlock(&store->lock);
	return has_nothing;
}

/* Remove the file, if nobody else writes it, or has written it since it was found to have nothing. Who has it open goes on
 * reading. */
bool room_give_up(struct store *store, struct segment *segment)
{
	if (!(has_nothing(store, segment) ? segment_lock_unchanged(segment) : segment_lock(segment)))
		return false;
	bool is_removed = !unlinkat(store->directory, segment->name, 0);
	segment_unlock(segment);
	if (is_removed) {
		atomic_fetch_add(&store->evicted, 1);
		segment_drop(store, segment);
	}
	return is_removed;
}

static bool is_at_rest(const struct store *store, const struct candidate *candidate)
{
	if (candidate->is_dead)
		return true;
	if (store->settings.takes_over)
		return candidate->used_s < store->opened_s;
	return store_now_s() - candidate->used_s >= (int64_t)store->settings.rest_seconds;
}

/* Give up `must` bytes whatever is in them, and up to `want` where that much is not in use. Returns what went. */
static uint64_t free_bytes(struct store *store, uint64_t must, uint64_t want, uint64_t *ret_count)
{
	uint64_t freed = 0, resting = 0;
	size_t n;
	struct candidate *candidates = collect(store, &n);

	*ret_count = 0;
	for (size_t i = 0; candidates && i < n; i++)
		if (is_at_rest(store, &candidates[i]))
			resting += candidates[i].segment->nbytes;
	if (resting < want)
		want = must;
	for (size_t i = 0; candidates && i < n && freed < larger(must, want); i++) {
		uint64_t nbytes = candidates[i].segment->nbytes;
		if ((freed < must || is_at_rest(store, &candidates[i])) && room_give_up(store, candidates[i].segment)) {
			freed += nbytes;
			++*ret_count;
		}
	}
	free(candidates);
	return freed;
}

static bool get_free(const struct store *store, uint64_t *ret_nbytes)
{
	struct statvfs fs;

	if (fstatvfs(store->directory, &fs))
		return false;
	*ret_nbytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return true;
}

/* Bytes that the disk has left, and that it will have once other processes close what was given up. */
static bool get_available(const struct store *store, uint64_t *ret_nbytes)
{
	if (!get_free(store, ret_nbytes))
		return false;
	if (store_now_ms() < store->expected_until_ms)
		*ret_nbytes = larger(*ret_nbytes, store->expected_nbytes);
	return true;
}

/* Others look for files that went every so often (store_writer.c); until then what they have open takes its place, and giving
 * up more would gain nothing. Who has not closed them by then keeps them. */
static void expect(struct store *store, uint64_t before, uint64_t freed)
{
	uint64_t after, gained;

	if (!get_free(store, &after))
		return;
	gained = missing(after, before);
	if (store_now_ms() >= store->expected_until_ms) {
		store->expected_nbytes = after;
		store->expected_until_ms = store_now_ms() + 2 * (int64_t)store->settings.look_seconds * 1000;
	}
	store->expected_nbytes = sum(store->expected_nbytes, missing(freed, gained));
}

void room_take(struct store *store, uint64_t nbytes)
{
	store->expected_nbytes = missing(store->expected_nbytes, nbytes);
}

uint64_t room_left(const struct store *store)
{
	uint64_t available;

	return get_available(store, &available) ? missing(available, store->settings.free_nbytes_min) : UINT64_MAX;
}

bool room_make(struct store *store, uint64_t nbytes)
{
	const struct store_settings *settings = &store->settings;
	uint64_t over_must = 0, over = 0, low_must = 0, low = 0, available = 0, before = 0, count;
	bool is_known = get_available(store, &available) && get_free(store, &before);

	if (settings->nbytes_max) {
		uint64_t there = total(store);
		if (nbytes > settings->nbytes_max)
			return false;
		over_must = missing(there, settings->nbytes_max);
		over = missing(there + nbytes, settings->nbytes_max);
	}
	if (is_known) {
		low_must = missing(settings->free_nbytes_min, available);
		low = missing(sum(settings->free_nbytes_min, nbytes), available);
	}
	uint64_t want = larger(over, low);
	if (!want)
		return true;
	uint64_t freed = free_bytes(store, larger(over_must, low_must), want, &count);
	if (is_known && freed)
		expect(store, before, freed);
	return freed >= want;
}

uint64_t room_shrink(struct store *store, uint64_t nbytes)
{
	uint64_t there = 0, count;

	for (size_t i = 0; i < store->nslots; i++)
		if (store->segments[i])
			there += store->segments[i]->nbytes;
	free_bytes(store, missing(there, nbytes), 0, &count);
	return count;
}
