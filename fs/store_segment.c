/* SPDX-License-Identifier: MIT */
#include "fs/store_priv.h"
#include "codec/encode.h"
#include "fs/read_at.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool lock_if(struct segment *segment, bool unchanged)
{
	struct stat st;

	if (flock(segment->fd, LOCK_EX | LOCK_NB))
		return false;
	/* Somebody may have had the lock before us, and removed the file, or written to it. */
	if (!fstat(segment->fd, &st) && st.st_nlink && (!unchanged || (uint64_t)st.st_size == segment->nbytes))
		return true;
	segment_unlock(segment);
	return false;
}

bool segment_lock(struct segment *segment)
{
	return lock_if(segment, false);
}

bool segment_lock_unchanged(struct segment *segment)
{
	return lock_if(segment, true);
}

void segment_unlock(struct segment *segment)
{
	flock(segment->fd, LOCK_UN);
}

bool segment_read(const struct segment *segment, void *out, size_t nbytes, uint64_t offset)
{
	size_t n;

	return !read_at(segment->fd, out, nbytes, offset, &n) && n == nbytes;
}

void segment_free(struct segment *segment)
{
	if (segment->fd >= 0)
		close(segment->fd);
	free(segment);
}

struct segment *segment_get(struct store *store, uint16_t slot)
{
	struct segment *segment = store->segments[slot];

	segment->refs++;
	return segment;
}

void segment_put(struct store *store, struct segment *segment)
{
	pthread_mutex_lock(&store->lock);
	bool is_last = --segment->refs == 0 && segment->is_gone;
	pthread_mutex_unlock(&store->lock);
	if (is_last)
		segment_free(segment);
}

errint_t segment_index(struct store *store, struct segment *segment, const struct store_entry *entry)
{
	struct store_entry own = *entry, old;
	errint_t err = 0;

	own.segment = segment->slot;
	pthread_mutex_lock(&store->lock);
	const struct store_entry *present = index_find(&store->index, store_entry_tag(entry));
	if (!present || present->keep <= entry->keep) {
		err = index_put(&store->index, &own, &old);
		if (!err && old.nbytes)
			store->segments[old.segment]->nlive--;
		segment->nlive += !err;
	}
	pthread_mutex_unlock(&store->lock);
	return err;
}

void segment_forget(struct store *store, const struct store_entry *entry)
{
	pthread_mutex_lock(&store->lock);
	if (index_remove(&store->index, entry))
		store->segments[entry->segment]->nlive--;
	pthread_mutex_unlock(&store->lock);
}

static int by_offset(const void *a, const void *b)
{
	const struct store_entry *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

struct store_entry *segment_entries(struct store *store, const struct segment *segment, size_t *ret_count)
{
	size_t n = 0;

	pthread_mutex_lock(&store->lock);
	struct store_entry *entries = malloc((segment->nlive + 1) * sizeof(*entries));
	for (size_t i = 0; entries && i < store->index.capacity; i++)
		if (store->index.entries[i].nbytes && store->index.entries[i].segment == segment->slot)
			entries[n++] = store->index.entries[i];
	pthread_mutex_unlock(&store->lock);
	if (entries)
		qsort(entries, n, sizeof(*entries), by_offset);
	*ret_count = n;
	return entries;
}

errint_t segment_add(struct store *store, struct segment *segment)
{
	size_t slot = 0;
	errint_t err = 0;

	pthread_mutex_lock(&store->lock);
	while (slot < store->nslots && store->segments[slot])
		slot++;
	if (slot >= store->nsegments_max) {
		err = -EMFILE;
	} else if (slot == store->nslots) {
		struct segment **grown = realloc(store->segments, (slot + 1) * sizeof(struct segment *));
		err = grown ? 0 : -ENOMEM;
		if (grown)
			store->segments = grown;
		store->nslots += !err;
	}
	if (!err) {
		segment->slot = (uint16_t)slot;
		store->segments[slot] = segment;
	}
	pthread_mutex_unlock(&store->lock);
	return err;
}

void segment_drop(struct store *store, struct segment *segment)
{
	pthread_mutex_lock(&store->lock);
	index_remove_segment(&store->index, segment->slot);
	store->segments[segment->slot] = NULL;
	segment->is_gone = true;
	bool is_free = segment->refs == 0;
	pthread_mutex_unlock(&store->lock);
	if (store->current == segment)
		store->current = NULL;
	if (is_free)
		segment_free(segment);
}

/* What other machines' clocks may differ by. */
#define CLOCK_SLACK_SECONDS 60

int64_t segment_used_s(const struct stat *st)
{
	return st->st_mtim.tv_sec <= store_now_s() + CLOCK_SLACK_SECONDS ? st->st_mtim.tv_sec : 0;
}

static void look_at(struct segment *segment, const struct stat *st)
{
	segment->nbytes = (uint64_t)st->st_size;
	if (segment_used_s(st) > atomic_load(&segment->used_s))
		atomic_store(&segment->used_s, segment_used_s(st));
}

/* The header may come later than the file. One that never comes leaves a segment without records, the first to go. */
static bool has_header(struct segment *segment)
{
	uint8_t bytes[SEGMENT_HEADER_SIZE];

	if (segment->header.id)
		return true;
	segment->scanned = SEGMENT_HEADER_SIZE;
	return segment_read(segment, bytes, sizeof(bytes), 0) && segment_read_header(bytes, &segment->header);
}

/* It was cut by somebody who had no business to: nothing that was known of it holds. */
static void start_over(struct store *store, struct segment *segment)
{
	pthread_mutex_lock(&store->lock);
	index_remove_segment(&store->index, segment->slot);
	segment->nlive = 0;
	pthread_mutex_unlock(&store->lock);
	segment->scanned = SEGMENT_HEADER_SIZE;
}

errint_t segment_update(struct store *store, struct segment *segment)
{
	uint64_t before = segment->nbytes;
	struct stat st;

	if (segment->is_ours || fstat(segment->fd, &st))
		return 0;
	look_at(segment, &st);
	if (!has_header(segment) || segment->header.codec_version != IC_CODEC_VERSION ||
	    (atomic_load(&segment->is_finished) && segment->nbytes == before))
		return 0;
	if (segment->nbytes < segment->scanned)
		start_over(store, segment);
	if (segment->nbytes < SEGMENT_HEADER_SIZE) {
		atomic_store(&segment->is_finished, false);
		return 0;
	}
	errint_t err = scan_footer(store, segment);
	atomic_store(&segment->is_finished, !err);
	if (err != -ENOENT)
		return err;
	bool is_orphan = !store->read_only && segment_lock_unchanged(segment);
	err = scan_records(store, segment);
	if (is_orphan && !err)
		segment_finish(store, segment);
	else if (is_orphan)
		segment_unlock(segment);
	return err;
}

struct segment *segment_new(const char *name, int fd)
{
	struct segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	snprintf(segment->name, sizeof(segment->name), "%s", name);
	segment->fd = fd;
	atomic_init(&segment->is_finished, false);
	atomic_init(&segment->used_s, 0);
	atomic_init(&segment->touched_s, 0);
	return segment;
}

/* Of a plain file; a FIFO of that name would be waited for. */
static int open_file(const struct store *store, const char *name)
{
	const int flags = O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(store->directory, name, (store->read_only ? O_RDONLY : O_RDWR) | flags);
	struct stat st;

	if (fd < 0 && (errno == EACCES || errno == EPERM || errno == EROFS)) /* another user's; to be read at least */
		fd = openat(store->directory, name, O_RDONLY | flags);
	if (fd >= 0 && (fstat(fd, &st) || !S_ISREG(st.st_mode))) {
		close(fd);
		errno = EINVAL;
		return -1;
	}
	return fd;
}

/* The store does without a file: descriptors are for what readers hold open, too. */
static void leave_out(struct store *store)
{
	if (!store->is_cut_short)
		log_write(
		        store->log, LOG_LEVEL_WARNING,
		        "store %s: it has more than %zu files, half of what this process may hold open; the others are "
		        "not used",
		        store->settings.directory, store->nsegments_max);
	store->is_cut_short = true;
}

errint_t segment_load(struct store *store, const char *name)
{
	int fd = open_file(store, name);

	if (fd < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	struct segment *segment = segment_new(name, fd);
	if (!segment) {
		close(fd);
		return -ENOMEM;
	}
	errint_t err = segment_add(store, segment);
	if (err) {
		segment_free(segment);
		if (err != -EMFILE)
			return err;
		leave_out(store);
		return 0;
	}
	err = segment_update(store, segment);
	if (err)
		segment_drop(store, segment);
	return err;
}
