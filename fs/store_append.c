/* SPDX-License-Identifier: MIT */
/* The writing of segments. */
#include "fs/store_priv.h"
#include "codec/encode.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define LOCK_WAIT_MS 1000 /* to give up files and make one takes milliseconds */
#define LOCK_PAUSE_MS 5

/* Have the file end with the records. Where that fails, what follows them is no record, and ends them too. */
static errint_t cut(const struct segment *segment)
{
	return ftruncate(segment->fd, (off_t)segment->scanned) ? -errno : 0;
}

/* A finished segment to go on with, locked. Its footer goes, the file ends with the records. */
static struct segment *reopen(struct store *store)
{
	for (size_t i = store->nslots; i-- > 0;) {
		struct segment *segment = store->segments[i];

		if (!segment || !atomic_load(&segment->is_finished) ||
		    segment->header.codec_version != IC_CODEC_VERSION ||
		    segment->scanned > store->settings.segment_nbytes / 2 || !segment_lock_unchanged(segment))
			continue;
		if (!cut(segment)) {
			segment->is_ours = true;
			segment->nbytes = segment->scanned;
			return segment;
		}
		segment_unlock(segment);
	}
	return NULL;
}

/* The permissions of the directory, so that who shares it shares the files. */
static mode_t file_mode(const struct store *store)
{
	struct stat st;

	return fstat(store->directory, &st) ? 0600 : st.st_mode & 0666;
}

static errint_t write_new_header(struct store *store, struct segment *segment)
{
	uint8_t bytes[SEGMENT_HEADER_SIZE];

	if (!segment_lock(segment))
		return -EBUSY;
	segment_write_header(bytes, &segment->header);
	ssize_t n = pwrite(segment->fd, bytes, sizeof(bytes), 0);
	if (n != sizeof(bytes))
		return n < 0 ? -errno : -ENOSPC;
	/* The name is to be found after a power loss: the records are worth it. */
	return fsync(store->directory) ? -errno : 0;
}

static errint_t create(struct store *store, struct segment **ret_segment)
{
	char name[SEGMENT_NAME_SIZE];
	int64_t now = clock_ns(CLOCK_REALTIME);
	uint64_t id = 0;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return -EIO;
	id |= 1; /* 0 stands for no header */
	uint64_t created = (uint64_t)now;
	snprintf(name, sizeof(name), "%016" PRIx64 "-%08x.seg", created, (unsigned)(id >> 32));
	int fd = openat(store->directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, file_mode(store));
	if (fd < 0)
		return -errno;
	struct segment *segment = segment_new(name, fd);
	errint_t err = segment ? 0 : -ENOMEM;
	if (!err) {
		segment->header = (struct segment_header){id, created, IC_CODEC_VERSION};
		segment->scanned = segment->nbytes = SEGMENT_HEADER_SIZE;
		segment->is_ours = true;
		atomic_store(&segment->used_s, now / NS_PER_S);
		err = write_new_header(store, segment);
	}
	if (!err)
		err = segment_add(store, segment);
	if (err) {
		unlinkat(store->directory, name, 0);
		close(fd);
		free(segment);
		return err;
	}
	*ret_segment = segment;
	return 0;
}

/* Others that begin one wait for each other, so that each counts what the other takes; not for long, since who reads may
 * hold the lock too. Where a file system has no locks, all of them may pass the bounds by a segment. */
static bool lock_bounds(const struct store *store)
{
	const struct timespec pause = {.tv_nsec = LOCK_PAUSE_MS * 1000000L};

	for (unsigned waited = 0; waited < LOCK_WAIT_MS; waited += LOCK_PAUSE_MS) {
		if (!flock(store->directory, LOCK_EX | LOCK_NB))
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

static errint_t begin(struct store *store, uint64_t nbytes)
{
	struct segment *segment = reopen(store);
	uint64_t there = segment ? segment->nbytes : 0;
	uint64_t wanted = store->settings.segment_nbytes;

	if (nbytes + there > wanted)
		wanted = nbytes + there;
	errint_t err = room_make(store, wanted - there) ? 0 : -ENOSPC;
	store->current_nbytes_max = UINT64_MAX;
	/* Where the disk has not that much left, the file takes what there is, and no more. */
	if (err && !store->settings.nbytes_max && room_make(store, nbytes)) {
		store->current_nbytes_max = there + room_left(store);
		err = 0;
	}
	if (!err && !segment)
		err = create(store, &segment);
	if (err) {
		if (segment)
			segment_finish(store, segment);
		return err;
	}
	/* From here on room for all of it is taken: not before room was made, where it would count twice. */
	atomic_store(&segment->is_finished, false);
	store->current = segment;
	return 0;
}

errint_t segment_begin(struct store *store, uint64_t nbytes)
{
	bool is_locked = lock_bounds(store);

	errint_t err = refresh_files(store); /* what others took since counts */
	if (!err)
		err = begin(store, nbytes);
	if (is_locked)
		flock(store->directory, LOCK_UN);
	return err;
}

static errint_t write_all(int fd, struct iovec *parts, int nparts, uint64_t offset)
{
	while (nparts) {
		ssize_t n = pwritev(fd, parts, nparts, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		offset += (uint64_t)n;
		for (; nparts && (size_t)n >= parts->iov_len; parts++, nparts--)
			n -= (ssize_t)parts->iov_len;
		if (nparts) {
			parts->iov_base = (uint8_t *)parts->iov_base + n;
			parts->iov_len -= (size_t)n;
		}
	}
	return 0;
}

errint_t segment_append(struct segment *segment, const struct job *job, struct scratch *scratch)
{
	static const uint8_t padding[SEGMENT_ALIGN];
	uint64_t nbytes = job->record.nbytes, offset = segment->scanned, all = record_nbytes(nbytes);
	size_t head = record_head_nbytes(nbytes);

	if (offset + all > SEGMENT_NBYTES_MAX)
		return -EFBIG;
	if (!scratch_reserve(scratch, head))
		return -ENOMEM;
	record_write_head(scratch->bytes, &job->record, job->object, segment->header.id, offset);
	struct iovec parts[] = {
	        {scratch->bytes, head},
	        {(void *)job->object, nbytes},
	        {(void *)padding, all - head - nbytes},
	};
	errint_t err = write_all(segment->fd, parts, 3, offset);
	if (err) {
		cut(segment);
		return err;
	}
	segment->scanned = segment->nbytes = offset + all;
	return 0;
}

/* The footer of a segment, from the index: what was superseded or forgotten meanwhile is not in it. */
static uint8_t *make_footer(struct store *store, const struct segment *segment, size_t *ret_nbytes)
{
	struct segment_trailer trailer = {.id = segment->header.id, .data_end = segment->scanned};

	pthread_mutex_lock(&store->lock);
	uint8_t *footer = malloc(segment->nlive * SEGMENT_ENTRY_SIZE + SEGMENT_TRAILER_SIZE);
	for (size_t i = 0; footer && i < store->index.capacity && trailer.nentries < segment->nlive; i++) {
		const struct store_entry *entry = &store->index.entries[i];
		if (entry->nbytes && entry->segment == segment->slot)
			segment_write_entry(footer + trailer.nentries++ * SEGMENT_ENTRY_SIZE, entry);
	}
	pthread_mutex_unlock(&store->lock);
	if (!footer)
		return NULL;
	size_t nbytes = trailer.nentries * SEGMENT_ENTRY_SIZE;
	trailer.entries_sum = segment_sum(footer, nbytes);
	segment_write_trailer(footer + nbytes, &trailer);
	*ret_nbytes = nbytes + SEGMENT_TRAILER_SIZE;
	return footer;
}

errint_t segment_finish(struct store *store, struct segment *segment)
{
	size_t nbytes = 0;
	uint8_t *footer = make_footer(store, segment, &nbytes);
	struct iovec part = {footer, nbytes};

	errint_t err = footer ? 0 : -ENOMEM;
	if (!err)
		err = cut(segment);
	if (!err)
		err = write_all(segment->fd, &part, 1, segment->scanned);
	if (!err && fdatasync(segment->fd))
		err = -errno;
	free(footer);
	segment->nbytes = segment->scanned + (err ? 0 : nbytes);
	/* Without a footer the records are found one by one, by whoever opens it next. */
	if (err)
		cut(segment);
	segment->is_ours = false;
	atomic_store(&segment->is_finished, !err);
	if (store->current == segment)
		store->current = NULL;
	segment_unlock(segment);
	return err;
}

void segment_finish_again(struct store *store, struct segment *segment)
{
	if (!store->read_only && atomic_load(&segment->is_finished) && segment_lock_unchanged(segment))
		segment_finish(store, segment);
}
