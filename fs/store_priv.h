/* SPDX-License-Identifier: MIT */
/*
 * store_priv.h: a store from within.
 *
 * Locks, in the order they may be taken: `files`, then `lock`. `lock` is held for memory alone. `files` is held by who
 * adds, finishes, removes or looks for segments, and so while the disk is waited for; store_get never takes it.
 */
#pragma once

#include "fs/store_ahead_priv.h"
#include "fs/store_index_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#define SEGMENT_NAME_SIZE 48
#define SEGMENTS_MAX 65535u /* slots are 16 bits */

struct segment {
	char name[SEGMENT_NAME_SIZE];
	int fd; /* open for writing too where the store is */
	uint16_t slot;
	struct segment_header header;

	/* `files` */
	uint64_t scanned; /* records up to here are known, those before it in the index */
	uint64_t nbytes;  /* of the file, at the last look */
	bool is_ours;     /* being written by us: the file is locked */

	/* `lock` */
	unsigned refs;  /* readers */
	bool is_gone;   /* given up: who reads from it last closes it */
	uint64_t nlive; /* entries in the index */

	struct store_ahead ahead;
	atomic_bool is_finished;       /* has a footer */
	atomic_int_fast64_t used_s;    /* when something was read from it, or put in, since the epoch */
	atomic_int_fast64_t touched_s; /* when that was last written down, as the file's mtime */
};

struct job {
	struct job *next;
	struct record record;
	uint8_t object[];
};

struct queue {
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	struct job *first, **end;
	uint64_t nbytes; /* of objects that wait or are being written */
	bool is_ending;
	bool wants_refresh;
};

struct store {
	struct store_settings settings;
	struct log *log;
	int directory;
	bool read_only;
	int64_t opened_s; /* since the epoch */

	pthread_mutex_t files;
	struct segment *current; /* being written; `files` */

	pthread_mutex_t lock;
	struct store_index index;
	struct segment **segments; /* by slot, NULL where free */
	size_t nslots, nsegments_max;
	bool is_cut_short;                      /* there are more files than that; said so; `files` */
	atomic_uint_fast64_t nbytes, nsegments; /* of files, at the last look */

	struct queue queue;
	pthread_t thread;
	bool has_thread;
	atomic_int_fast64_t refreshed_ms; /* monotonic */
	atomic_int_fast64_t retry_ms;     /* no writing until then; monotonic */
	bool is_failing;                  /* said so; the writer's */
	uint64_t expected_nbytes;    /* free on the disk, once others close the files that were given up; `files` */
	int64_t expected_until_ms;   /* but no longer than that; monotonic; `files` */
	uint64_t current_nbytes_max; /* that `current` may grow to; `files` */

	atomic_uint_fast64_t hits, misses, written, written_nbytes, dropped, corrupt, evicted;
};

int64_t store_now_ms(void); /* monotonic */
int64_t store_now_s(void);  /* since the epoch */

/* store_scan.c: bytes that grow as needed. */
struct scratch {
	uint8_t *bytes;
	size_t size;
};
bool scratch_reserve(struct scratch *scratch, size_t size);
void scratch_clear(struct scratch *scratch);

/* Read the head of the record at `offset` of a segment whose file has `nbytes`, into scratch->bytes. False where there is
 * none, or not all of it. Objects are verified when they are read. */
bool scan_head(const struct segment *segment, uint64_t offset, uint64_t nbytes, struct scratch *scratch,
               struct record *ret_record);

/* Index the records from segment->scanned on, up to what is none. -ENOMEM. */
errint_t scan_records(struct store *store, struct segment *segment);

/* Index what the footer lists from segment->scanned on. -ENOENT where there is no footer, -ENOMEM. */
errint_t scan_footer(struct store *store, struct segment *segment);

/* store_append.c; under `files`. */

/* Make a segment store->current: one that is finished, small and not locked, so that many short lives do not leave as many
 * files, or a new one. `nbytes` is what it has to take at least. -ENOSPC where the bounds leave no room, -errno. */
errint_t segment_begin(struct store *store, uint64_t nbytes);

/* Write at its end, which moves. -errno; then the file is as it was. */
errint_t segment_append(struct segment *segment, const struct job *job, struct scratch *scratch);

/* Append the footer, and have all of it on the disk. -errno. */
errint_t segment_finish(struct store *store, struct segment *segment);

/* Have the footer of a finished segment no longer list what was forgotten; nothing where somebody else has the file. */
void segment_finish_again(struct store *store, struct segment *segment);

/* store_segment.c; under `files`, but for segment_get, segment_put and segment_forget. */

struct segment *segment_new(const char *name, int fd); /* NULL: no memory; the descriptor is its own then */
void segment_free(struct segment *segment);
errint_t segment_add(struct store *store, struct segment *segment); /* give it a slot; -EMFILE, -ENOMEM */

/* Take in a file that is not known yet. Files that are no segments are ignored. -ENOMEM, -errno. */
errint_t segment_load(struct store *store, const char *name);

/* Take in what has been added since. A segment that is not finished and that nobody writes is finished. -ENOMEM. */
errint_t segment_update(struct store *store, struct segment *segment);

/* When a file was last used, by its mtime; 0 where a clock that was ahead wrote it, and nobody knows. */
int64_t segment_used_s(const struct stat *st);

/* Take it out of the index; the file is not touched. */
void segment_drop(struct store *store, struct segment *segment);

/* Lock the file against writers and who gives up segments; false where somebody has it. */
bool segment_lock(struct segment *segment);
bool segment_lock_unchanged(struct segment *segment); /* false also where it is not as it was looked at last */
void segment_unlock(struct segment *segment);

struct segment *segment_get(struct store *store, uint16_t slot); /* under `lock` */
void segment_put(struct store *store, struct segment *segment);  /* without it; closes a gone one */

/* Put an entry into the index; one that holds no more than the one there is not. -ENOMEM. */
errint_t segment_index(struct store *store, struct segment *segment, const struct store_entry *entry);

/* Forget an entry that turned out bad. */
void segment_forget(struct store *store, const struct store_entry *entry);

/* A copy of the entries of a segment, in the order in which they lie there, to be freed. NULL: no memory. */
struct store_entry *segment_entries(struct store *store, const struct segment *segment, size_t *ret_count);

/* Bytes from `offset` on; false unless there are as many. */
bool segment_read(const struct segment *segment, void *out, size_t nbytes, uint64_t offset);

/* store_room.c: the bounds; under `files`. */

/* Make room for a segment of `nbytes`. False where there is none without giving up what is in use. */
bool room_make(struct store *store, uint64_t nbytes);
bool room_give_up(struct store *store, struct segment *segment); /* remove the file, unless somebody writes it */
uint64_t room_shrink(struct store *store, uint64_t nbytes);      /* to at most that; how many went */
uint64_t room_left(const struct store *store);                   /* on the disk, beside what is to be left free */
void room_take(struct store *store, uint64_t nbytes);            /* they were written */

/* store_refresh.c; under `files`. */
errint_t refresh_files(struct store *store);
void refresh_counts(struct store *store); /* bytes and segments, of what is known */

/* store_writer.c */
errint_t writer_start(struct store *store);
void writer_stop(struct store *store);
void writer_want_refresh(struct store *store);
