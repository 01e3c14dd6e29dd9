/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"
#include "codec/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define QUEUE_SIZE 8192 /* changes; 0.8 MB */
#define BATCH_MAX 1024  /* changes in a transaction */
#define STALL_S 2       /* without a batch written: nobody waits any more until one is */

int catalog_run(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int write_facts(const struct catalog_link *link, const struct catalog_change *change)
{
	catalog_bind_source(link->put_facts, &change->source);
	catalog_bind_facts(link->put_facts, 5, &change->facts);
	return catalog_run(link->put_facts);
}

static int write_size(const struct catalog_link *link, const struct catalog_change *change)
{
	const struct ic_variant *variant = &change->of_object.variant;

	catalog_bind_source(link->put_source, &change->source);
	int code = catalog_run(link->put_source);

	catalog_bind_variant(link->put_variant, 1, variant);
	if (code == SQLITE_OK)
		code = catalog_run(link->put_variant);

	sqlite3_bind_int64(link->put_size, 1, (sqlite3_int64)change->source.device);
	sqlite3_bind_int64(link->put_size, 2, (sqlite3_int64)change->source.inode);
	catalog_bind_variant(link->put_size, 3, variant);
	sqlite3_bind_int64(link->put_size, 6, (sqlite3_int64)change->of_object.size.nbytes);
	sqlite3_bind_int(link->put_size, 7, change->of_object.size.as_is);
	return code == SQLITE_OK ? catalog_run(link->put_size) : code;
}

static int forget(const struct catalog_link *link, const struct catalog_source *source)
{
	sqlite3_bind_int64(link->forget, 1, (sqlite3_int64)source->device);
	sqlite3_bind_int64(link->forget, 2, (sqlite3_int64)source->inode);
	return catalog_run(link->forget);
}

static int write_change(const struct catalog_link *link, const struct catalog_change *change)
{
	if (change->kind == CATALOG_FORGET)
		return forget(link, &change->source);
	/* What was known of the file as it was before goes first; then its row says what it is. */
	catalog_bind_source(link->drop_source, &change->source);
	int code = catalog_run(link->drop_source);
	if (code != SQLITE_OK)
		return code;
	return change->kind == CATALOG_FACTS ? write_facts(link, change) : write_size(link, change);
}

static errint_t write_batch(struct catalog *catalog, const struct catalog_change *changes, size_t n)
{
	const struct catalog_link *link = &catalog->writer;
	int code = catalog_run(link->begin_writing);
	for (size_t i = 0; i < n && code == SQLITE_OK; i++)
		code = write_change(link, &changes[i]);
	if (code == SQLITE_OK)
		code = catalog_run(link->commit);
	if (code == SQLITE_OK)
		return 0;
	errint_t err = catalog_error(link->db, code);
	if (!sqlite3_get_autocommit(link->db))
		catalog_run(link->rollback);
	return err;
}

static errint_t do_call(struct catalog_link *link, const struct catalog_call *call, bool is_writing)
{
	int code = catalog_run(is_writing ? link->begin_writing : link->begin);
	if (code != SQLITE_OK)
		return catalog_fail(link->db, code, sqlite3_db_filename(link->db, "main"), call->why);
	errint_t err = call->work(link, call->context, call->why);
	if (!err && (code = catalog_run(link->commit)) != SQLITE_OK)
		err = catalog_fail(link->db, code, sqlite3_db_filename(link->db, "main"), call->why);
	if (!sqlite3_get_autocommit(link->db))
		catalog_run(link->rollback);
	return err;
}

/* Measurements take hours: a commit of theirs outlives a power failure, as one of facts need not. */
static void serve_call(struct catalog *catalog, struct catalog_call *call)
{
	sqlite3_exec(catalog->writer.db, "PRAGMA synchronous = FULL", NULL, NULL, NULL);
	errint_t err = do_call(&catalog->writer, call, true);
	sqlite3_exec(catalog->writer.db, "PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	pthread_mutex_lock(&catalog->queue_lock);
	call->err = err;
	call->is_done = true;
	pthread_cond_broadcast(&catalog->written);
	pthread_mutex_unlock(&catalog->queue_lock);
}

/* Wait for something to do. A call, if there is one; else up to BATCH_MAX changes, 0 when the catalog closes and nothing is
 * left. */
static size_t take(struct catalog *catalog, struct catalog_change *changes, struct catalog_call **ret_call)
{
	size_t n = 0;
	pthread_mutex_lock(&catalog->queue_lock);
	while (!catalog->count && !catalog->calls && !catalog->closing)
		pthread_cond_wait(&catalog->queued, &catalog->queue_lock);
	*ret_call = catalog->calls;
	if (catalog->calls)
		catalog->calls = catalog->calls->next;
	if (!*ret_call && catalog->count == QUEUE_SIZE)
		pthread_cond_broadcast(&catalog->room);
	for (; !*ret_call && n < BATCH_MAX && catalog->count; n++, catalog->count--) {
		changes[n] = catalog->queue[catalog->first];
		catalog->first = (catalog->first + 1) % QUEUE_SIZE;
	}
	pthread_mutex_unlock(&catalog->queue_lock);
	return n;
}

static void *write_all(void *argument)
{
	struct catalog *catalog = argument;
	struct catalog_change *changes = catalog->queue + QUEUE_SIZE;
	struct catalog_call *call;
	for (size_t n; (n = take(catalog, changes, &call)) > 0 || call;) {
		if (call) {
			serve_call(catalog, call);
			continue;
		}
		errint_t err = write_batch(catalog, changes, n);
		pthread_mutex_lock(&catalog->queue_lock);
		if (err && catalog->closing) { /* nobody waits again for a database that cannot be written */
			n += catalog->count;
			catalog->count = 0;
		}
		catalog->done += n;
		catalog->err = err ? err : catalog->err;
		catalog->is_stalled = err;
		pthread_cond_broadcast(&catalog->written);
		pthread_mutex_unlock(&catalog->queue_lock);
	}
	return NULL;
}

errint_t catalog_start_writer(struct catalog *catalog)
{
	catalog->queue = malloc((QUEUE_SIZE + BATCH_MAX) * sizeof *catalog->queue);
	if (!catalog->queue)
		return -ENOMEM;
	errint_t err = thread_start(&catalog->thread, write_all, catalog);
	catalog->has_thread = !err;
	return err;
}

void catalog_stop_writer(struct catalog *catalog)
{
	if (catalog->has_thread) {
		pthread_mutex_lock(&catalog->queue_lock);
		catalog->closing = true;
		pthread_cond_signal(&catalog->queued);
		pthread_mutex_unlock(&catalog->queue_lock);
		pthread_join(catalog->thread, NULL);
	}
	free(catalog->queue);
}

static struct timespec after_a_stall(void)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += STALL_S;
	return until;
}

/* Who looks at a large directory outruns the disk, and is slowed down to its pace: what is known then need not be found
 * out again. */
static bool wait_for_room(struct catalog *catalog)
{
	struct timespec until = after_a_stall();
	uint64_t done = catalog->done;
	while (catalog->count == QUEUE_SIZE && !catalog->is_stalled) {
		if (pthread_cond_timedwait(&catalog->room, &catalog->queue_lock, &until) != ETIMEDOUT)
			continue;
		if (catalog->done != done) { /* others were faster to take the room */
			until = after_a_stall();
			done = catalog->done;
		} else if (catalog->count == QUEUE_SIZE) {
			catalog->is_stalled = true;
			pthread_cond_broadcast(&catalog->room);
		}
	}
	return catalog->count < QUEUE_SIZE;
}

static void put(struct catalog *catalog, const struct catalog_change *change)
{
	pthread_mutex_lock(&catalog->queue_lock);
	if (catalog->unwritable) {
		catalog->err = catalog->unwritable;
	} else if (catalog->count < QUEUE_SIZE || wait_for_room(catalog)) {
		catalog->queue[(catalog->first + catalog->count++) % QUEUE_SIZE] = *change;
		catalog->put++;
		pthread_cond_signal(&catalog->queued);
	}
	pthread_mutex_unlock(&catalog->queue_lock);
}

void catalog_put_facts(struct catalog *catalog, const struct catalog_source *source, const struct catalog_facts *facts)
{
	put(catalog, &(struct catalog_change){.kind = CATALOG_FACTS, .source = *source, .facts = *facts});
}

void catalog_put_size(struct catalog *catalog, const struct catalog_source *source, const struct ic_variant *variant,
                      struct catalog_size size)
{
	put(catalog, &(struct catalog_change){.kind = CATALOG_SIZE,
	                                      .source = *source,
	                                      .of_object = {.variant = *variant, .size = size}});
}

void catalog_forget(struct catalog *catalog, const struct catalog_source *source)
{
	put(catalog, &(struct catalog_change){.kind = CATALOG_FORGET, .source = *source});
}

errint_t catalog_flush(struct catalog *catalog)
{
	pthread_mutex_lock(&catalog->queue_lock);
	uint64_t until = catalog->put;
	while (catalog->done < until)
		pthread_cond_wait(&catalog->written, &catalog->queue_lock);
	errint_t err = catalog->err;
	catalog->err = 0;
	pthread_mutex_unlock(&catalog->queue_lock);
	return err;
}

errint_t catalog_write(struct catalog *catalog, catalog_work *work, void *context, struct ic_why *why)
{
	struct catalog_call call = {.work = work, .context = context, .why = why};
	if (catalog->unwritable)
		return catalog_check_writable(catalog, why);
	pthread_mutex_lock(&catalog->queue_lock);
	struct catalog_call **last = &catalog->calls;
	while (*last)
		last = &(*last)->next;
	*last = &call;
	pthread_cond_signal(&catalog->queued);
	while (!call.is_done)
		pthread_cond_wait(&catalog->written, &catalog->queue_lock);
	pthread_mutex_unlock(&catalog->queue_lock);
	return call.err;
}

errint_t catalog_read(struct catalog *catalog, catalog_work *work, void *context, struct ic_why *why)
{
	struct catalog_call call = {.work = work, .context = context, .why = why};
	errint_t err = catalog_begin_reading(catalog, why);
	if (!err)
		err = do_call(&catalog->reader, &call, false);
	return catalog_end_reading(catalog, err, why);
}
