/* SPDX-License-Identifier: MIT */
/* The one thread that waits for the disk to write. */
#include "fs/store_priv.h"
#include "codec/encode.h"
#include "codec/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* How often the bounds are looked at while a segment grows, and what is written is sent to the disk, so that finishing a
 * segment does not have to. */
#define CHECK_NBYTES (16u << 20)

struct writer {
	struct store *store;
	struct scratch scratch;
	uint64_t unchecked; /* bytes since the last look */
};

static void drop(struct store *store)
{
	atomic_fetch_add(&store->dropped, 1);
}

/* Nothing is written for a while; said once until it works again. */
static void pause_writing(struct store *store, errint_t err)
{
	atomic_store(&store->retry_ms, store_now_ms() + (int64_t)store->settings.retry_seconds * 1000);
	if (!store->is_failing)
		log_write(store->log, LOG_LEVEL_WARNING, "store %s: nothing is added for now: %s",
		          store->settings.directory,
		          err == -ENOSPC ? "there is no room within its bounds, or on the disk" : strerror(-err));
	store->is_failing = true;
}

static bool is_paused(struct store *store)
{
	return store_now_ms() < atomic_load(&store->retry_ms);
}

static void finish_current(struct store *store)
{
	if (store->current)
		segment_finish(store, store->current);
	refresh_counts(store);
}

/* A segment that has room, and bounds that still hold. */
static errint_t prepare(struct writer *writer, uint64_t nbytes)
{
	struct store *store = writer->store;
	struct segment *current = store->current;

	if (current && writer->unchecked >= CHECK_NBYTES) {
		sync_file_range(current->fd, (off_t)(current->scanned - writer->unchecked), (off_t)writer->unchecked,
		                SYNC_FILE_RANGE_WRITE);
		writer->unchecked = 0;
		refresh_files(store);
		if (!room_make(store, 0))
			return -ENOSPC;
	}
	if (store->current && store->current->scanned + nbytes > store->current_nbytes_max)
		finish_current(store);
	return store->current ? 0 : segment_begin(store, nbytes);
}

static errint_t write_record(struct writer *writer, const struct job *job)
{
	struct store *store = writer->store;
	uint64_t nbytes = record_nbytes(job->record.nbytes);

	errint_t err = prepare(writer, nbytes + SEGMENT_ENTRY_SIZE + SEGMENT_TRAILER_SIZE);
	if (err)
		return err;
	struct segment *segment = store->current;
	struct store_entry entry = record_entry(&job->record, segment->scanned);
	err = segment_append(segment, job, &writer->scratch);
	if (err)
		return err;
	writer->unchecked += nbytes;
	room_take(store, nbytes);
	atomic_fetch_add(&store->nbytes, nbytes);
	atomic_store(&segment->used_s, store_now_s());
	return segment_index(store, segment, &entry);
}

static bool is_superfluous(struct store *store, const struct job *job)
{
	pthread_mutex_lock(&store->lock);
	const struct store_entry *present = index_find(&store->index, job->record.key.low);
	bool is = present && present->keep >= job->record.design.keep;
	pthread_mutex_unlock(&store->lock);
	return is;
}

static void write_job(struct writer *writer, const struct job *job)
{
	struct store *store = writer->store;

	if (is_paused(store)) {
		drop(store);
		return;
	}
	if (is_superfluous(store, job))
		return;
	errint_t err = write_record(writer, job);
	if (err) {
		drop(store);
		finish_current(store);
		pause_writing(store, err);
		return;
	}
	store->is_failing = false;
	atomic_fetch_add(&store->written, 1);
	atomic_fetch_add(&store->written_nbytes, job->record.nbytes);
	if (store->current->scanned >= store->settings.segment_nbytes) {
		writer->unchecked = 0;
		finish_current(store);
	}
}

/* Wait for something to do. NULL with *ret_refresh for a look at the files, NULL without at the end. A look is due every so
 * often even where nothing is missed: files that others removed take their place on the disk until they are closed here. */
static struct job *take(struct store *store, bool *ret_refresh)
{
	int64_t due_ms = atomic_load(&store->refreshed_ms) + (int64_t)store->settings.look_seconds * 1000;
	struct timespec due = {.tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000};
	struct queue *queue = &store->queue;
	struct job *job = NULL;

	pthread_mutex_lock(&queue->lock);
	queue->wants_refresh = queue->wants_refresh || store_now_ms() >= due_ms;
	while (!queue->first && !queue->is_ending && !queue->wants_refresh)
		if (pthread_cond_timedwait(&queue->more, &queue->lock, &due) == ETIMEDOUT)
			queue->wants_refresh = true;
	*ret_refresh = queue->wants_refresh && !queue->is_ending;
	if (!*ret_refresh)
		job = queue->first;
	queue->wants_refresh = false;
	if (job) {
		queue->first = job->next;
		if (!queue->first)
			queue->end = &queue->first;
	}
	pthread_mutex_unlock(&queue->lock);
	return job;
}

static void done(struct queue *queue, struct job *job)
{
	pthread_mutex_lock(&queue->lock);
	queue->nbytes -= job->record.nbytes;
	pthread_cond_broadcast(&queue->room);
	pthread_mutex_unlock(&queue->lock);
	free(job);
}

static void *run(void *context)
{
	struct writer writer = {.store = context};
	struct store *store = context;
	bool wants_refresh;

	for (;;) {
		struct job *job = take(store, &wants_refresh);
		if (!job && !wants_refresh)
			break;
		pthread_mutex_lock(&store->files);
		if (job)
			write_job(&writer, job);
		else
			refresh_files(store);
		pthread_mutex_unlock(&store->files);
		if (job)
			done(&store->queue, job);
	}
	pthread_mutex_lock(&store->files);
	finish_current(store);
	pthread_mutex_unlock(&store->files);
	scratch_clear(&writer.scratch);
	return NULL;
}

errint_t writer_start(struct store *store)
{
	errint_t err = thread_start(&store->thread, run, store);

	store->has_thread = !err;
	return err;
}

void writer_stop(struct store *store)
{
	if (!store->has_thread)
		return;
	pthread_mutex_lock(&store->queue.lock);
	store->queue.is_ending = true;
	pthread_cond_signal(&store->queue.more);
	pthread_mutex_unlock(&store->queue.lock);
	pthread_join(store->thread, NULL);
}

void writer_want_refresh(struct store *store)
{
	pthread_mutex_lock(&store->queue.lock);
	store->queue.wants_refresh = true;
	pthread_cond_signal(&store->queue.more);
	pthread_mutex_unlock(&store->queue.lock);
}

/* --- Putting ------------------------------------------------------------------------------------------------------ */

static struct job *make_job(const struct store_source *source, const struct ic_view *object)
{
	const struct ic_layout *layout = &object->layout;
	struct job *job = malloc(sizeof(*job) + layout->nbytes);

	if (!job)
		return NULL;
	job->next = NULL;
	job->record = (struct record){
	        .key = store_key(source, &layout->design),
	        .inode = source->inode,
	        .source_nbytes = source->nbytes,
	        .mtime_ns = source->mtime_ns,
	        .nbytes = layout->nbytes,
	        .design = layout->design,
	        .codec_version = IC_CODEC_VERSION,
	        .ncomponents = (uint8_t)layout->ncomponents,
	};
	memcpy(job->object, object->bytes, layout->nbytes);
	return job;
}

/* Whether it may go to the queue; what is alone may be as large as it likes. */
static bool has_room(const struct store *store, uint64_t nbytes)
{
	const struct queue *queue = &store->queue;

	return queue->nbytes == 0 || queue->nbytes + nbytes <= store->settings.queue_nbytes;
}

static bool is_wanted(struct store *store, const struct store_source *source, const struct ic_view *object)
{
	const struct ic_layout *layout = &object->layout;

	return !store->read_only && layout->design.bits == 8 && layout->nbytes <= UINT32_MAX &&
	       !store_has(store, source, &layout->design);
}

/* Whatever is given up for it. */
static bool never_fits(const struct store *store, const struct ic_view *object)
{
	uint64_t nbytes = store_record_nbytes(object->layout.nbytes) + SEGMENT_HEADER_SIZE + SEGMENT_ENTRY_SIZE +
	                  SEGMENT_TRAILER_SIZE;

	return store->settings.nbytes_max && nbytes > store->settings.nbytes_max;
}

static bool enqueue(struct store *store, const struct store_source *source, const struct ic_view *object, bool waits)
{
	struct queue *queue = &store->queue;
	uint64_t nbytes = object->layout.nbytes;

	pthread_mutex_lock(&queue->lock);
	while (waits && !has_room(store, nbytes))
		pthread_cond_wait(&queue->room, &queue->lock);
	bool may = has_room(store, nbytes);
	if (may)
		queue->nbytes += nbytes;
	pthread_mutex_unlock(&queue->lock);
	if (!may)
		return false;
	struct job *job = make_job(source, object);
	pthread_mutex_lock(&queue->lock);
	if (job) {
		*queue->end = job;
		queue->end = &job->next;
		pthread_cond_signal(&queue->more);
	} else {
		queue->nbytes -= nbytes;
		pthread_cond_broadcast(&queue->room);
	}
	pthread_mutex_unlock(&queue->lock);
	return job;
}

void store_put(struct store *store, const struct store_source *source, const struct ic_view *object)
{
	if (!is_wanted(store, source, object))
		return;
	if (never_fits(store, object) || is_paused(store) || !enqueue(store, source, object, false))
		drop(store);
}

errint_t store_put_wait(struct store *store, const struct store_source *source, const struct ic_view *object)
{
	if (!is_wanted(store, source, object))
		return 0;
	if (never_fits(store, object))
		return -EFBIG;
	if (is_paused(store))
		return -ENOSPC;
	if (enqueue(store, source, object, true))
		return 0;
	drop(store);
	return -ENOMEM;
}

void store_flush(struct store *store)
{
	struct queue *queue = &store->queue;

	pthread_mutex_lock(&queue->lock);
	while (queue->nbytes)
		pthread_cond_wait(&queue->room, &queue->lock);
	pthread_mutex_unlock(&queue->lock);
}
