/* SPDX-License-Identifier: MIT */
/*
 * store.h: objects on disk, so that a source is decoded once and not once a mount.
 *
 * A store is a directory of segments, append-only files of packed records (docs/store.md). A record is the q8 object of one
 * source with the largest K that was asked for; it yields every sparser design of the same sampling, block size, chroma,
 * filter and order, bit for bit as a direct encode. It is a cache: whatever is missing, cut short or damaged is found out
 * by checksums and made again; nothing it holds is ever served wrong.
 *
 * Any number of processes may use one directory at the same time. Each writes segments of its own and sees what the others
 * have written within a second of asking in vain. A source is known by its name, inode, size and mtime, not by its device,
 * so that a store outlives reboots and is shared by machines that see the same file system.
 *
 * All functions are thread safe. None but those that say so waits for the disk to write. A store does not survive fork:
 * open it in the process that uses it.
 */
#pragma once

#include "codec/format.h"
#include "fs/log.h"

struct store_settings {
	const char *directory; /* required; made, with mode 0700, where it is missing; its parent must be there */

	/* Bytes that all segments may take together. A segment is begun only where there is room for all of it. 0: no bound.
	 * Default 0. */
	uint64_t nbytes_max;
	/* Bytes to leave free on the file system; default 1 GiB. */
	uint64_t free_nbytes_min;
	/* A segment is closed at this size: the unit in which space is given back. Default 256 MiB, and at most a sixteenth
	 * of nbytes_max. */
	uint64_t segment_nbytes;
	/* Bytes of objects that may wait to be written; default 64 MiB. One alone may be larger. */
	uint64_t queue_nbytes;
	/* A segment that was read from within this time is not given up for new objects: a training reads everything once
	 * an epoch, and giving up what was used least recently would always hit what is needed next. Only what the two
	 * bounds demand goes earlier. Seconds; default 3600. */
	unsigned rest_seconds;
	/* What was not read from since this store was opened may go for new objects, whatever rest_seconds says; what was
	 * stays. For who knows that the new ones are wanted more. Default false. */
	bool takes_over;
	/* After writing failed (full disk, quota, I/O error) it is tried again after this time; default 30. */
	unsigned retry_seconds;
	/* A look for what other processes wrote or removed at least this often, from 1 on; default 10. */
	unsigned look_seconds;
	/* Write nothing; also what becomes of a directory that cannot be written to. Default false. */
	bool read_only;
};
struct store_settings store_settings_default(void);

/* A source at one point of its life: one that changed is another. */
struct store_source {
	const char *name; /* its base name */
	uint64_t inode;
	uint64_t nbytes;
	int64_t mtime_ns; /* since the epoch */
};

struct store_counts {
	uint64_t hits, misses;
	uint64_t records, nbytes, segments; /* there are now; nbytes of their files */
	uint64_t written, written_nbytes;   /* records of this process */
	uint64_t dropped;                   /* not stored: the queue was full, the store too, or writing failed */
	uint64_t corrupt;                   /* records that did not verify, or could not be read */
	uint64_t evicted;                   /* segments that this process gave up for space */
	uint64_t queued_nbytes;
	uint64_t index_nbytes; /* memory */
};

struct store;

/* -EINVAL where `directory`, which need not be there yet, is `tree` or lies in it: what is written there would be served, and
 * a source is never written to. */
errint_t store_check_place(const char *directory, const char *tree, struct ic_why *why);

/* Open the store and read what it has: the index of each finished segment, and a segment whose writer died whole. The log
 * (may be NULL) gets one line for what goes wrong later. -errno of the directory, -EINVAL (no directory named), -ENOMEM. */
errint_t store_open(const struct store_settings *settings, struct log *log, struct store **ret_store,
                    struct ic_why *why);

/* Whether nothing can be put, by the settings or because of the directory. */
bool store_is_read_only(const struct store *store);

/* Write what is queued and finish the segment under way: waits. NULL is fine. */
void store_close(struct store *store);

/*
 * The stored q8 object that holds `design`, or of a denser one its head: the header, the table and all planes that `design`
 * keeps, and no more may be read of the view (ic_derive, ic_make_from_object). *ret_bytes is malloc'ed and the caller's; the
 * view points into it. Flags, such as IC_FLAG_TRUNCATED, are as they were put.
 *
 * -ENOENT: nothing that covers it, or what there was did not verify and is forgotten. -ENOMEM.
 */
errint_t store_get(struct store *store, const struct store_source *source, const struct ic_design *design,
                   uint8_t **ret_bytes, struct ic_view *ret_view);

/* Whether store_get would find one, as far as the index knows. Not counted. */
bool store_has(struct store *store, const struct store_source *source, const struct ic_design *design);
/* The same, and where there is one it counts as read now, so that this process gives up others first. */
bool store_has_kept(struct store *store, const struct store_source *source, const struct ic_design *design);

/* Keep a copy of an object, which must be q8. One that is stored at the same K or a larger one already, that there is no
 * room for in the queue, or that is 4 GiB or larger is not kept. */
void store_put(struct store *store, const struct store_source *source, const struct ic_view *object);

/* The same, but wait for room in the queue. -ENOSPC: the store takes nothing more for now. */
errint_t store_put_wait(struct store *store, const struct store_source *source, const struct ic_view *object);

/* Wait until what was put before is written or dropped. */
void store_flush(struct store *store);

/* Look now for what other processes wrote or removed: waits for the disk. It happens by itself after misses. */
void store_refresh(struct store *store);

/* Give up segments, those that nothing was read from for longest first, until all take at most `nbytes`. Those that a
 * living process writes stay. Returns how many went. */
uint64_t store_evict(struct store *store, uint64_t nbytes);

/* Read every record and verify it whole. What does not verify is forgotten, for good where the segment can be written.
 * `each` (may be NULL) is called after each record; its returning false ends the check early. */
struct store_check {
	uint64_t records, nbytes; /* verified, of all records that there were */
	uint64_t total;
	uint64_t corrupt;
};
typedef bool store_check_progress(void *context, const struct store_check *so_far);
errint_t store_verify(struct store *store, store_check_progress *each, void *context, struct store_check *ret_check);

/*
 * Giving up what nobody can ask for any more, found by somebody who knows every source that may be asked for. What is put
 * meanwhile, by this process or another, stays.
 *
 * store_sweep_new: doubt all records that there are; reads the head of each. One sweep of a store at a time. -EROFS, -ENOMEM.
 * store_sweep_keep: what there is of this source is not in doubt, under whatever design.
 * store_sweep_end: forget what still is, for good where a segment can be written, and give up segments of which nothing is
 * left. -ENOMEM.
 */
struct store_sweep;
struct store_swept {
	uint64_t records, segments;
};
errint_t store_sweep_new(struct store *store, struct store_sweep **ret_sweep);
void store_sweep_keep(struct store_sweep *sweep, const struct store_source *source);
errint_t store_sweep_end(struct store_sweep *sweep, struct store_swept *ret_swept);
void store_sweep_free(struct store_sweep *sweep); /* NULL is fine; without store_sweep_end nothing goes */

struct store_counts store_counts(struct store *store);

/* Bytes that a record takes on disk for an object of this size, its place in the segment's index included. 128 bytes a
 * segment come on top. */
uint64_t store_record_nbytes(uint64_t object_nbytes);
