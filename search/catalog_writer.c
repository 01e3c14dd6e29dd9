/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"

#include "codec/encode.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Facts; 0.5 MB. Who looks at a large directory may outrun the disk: the rest is found out again. */
#define QUEUE_SIZE 8192
#define BATCH_MAX 1024 /* facts in a transaction */

/* Run a statement that returns no row. */
static int run(sqlite3_stmt *statement)
{
	int code = sqlite3_step(statement);
	sqlite3_reset(statement);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int write_fact(const struct catalog_link *link, const struct catalog_fact *fact)
{
	const struct catalog_source *source = &fact->source;
	struct catalog_variant_text text = catalog_variant_text(&fact->variant);

	/* Sizes of what the file was before go first; then its row says what it is. */
	sqlite3_bind_int64(link->drop_source, 1, (sqlite3_int64)source->device);
	sqlite3_bind_int64(link->drop_source, 2, (sqlite3_int64)source->inode);
	sqlite3_bind_int64(link->drop_source, 3, (sqlite3_int64)source->nbytes);
	sqlite3_bind_int64(link->drop_source, 4, source->mtime_ns);
	int code = run(link->drop_source);

	sqlite3_bind_int64(link->put_source, 1, (sqlite3_int64)source->device);
	sqlite3_bind_int64(link->put_source, 2, (sqlite3_int64)source->inode);
	sqlite3_bind_int64(link->put_source, 3, (sqlite3_int64)source->nbytes);
	sqlite3_bind_int64(link->put_source, 4, source->mtime_ns);
	if (code == SQLITE_OK)
		code = run(link->put_source);

	sqlite3_bind_text(link->put_variant, 1, text.design, -1, SQLITE_STATIC);
	sqlite3_bind_text(link->put_variant, 2, text.face, -1, SQLITE_STATIC);
	sqlite3_bind_int(link->put_variant, 3, IC_CODEC_VERSION);
	if (code == SQLITE_OK)
		code = run(link->put_variant);

	sqlite3_bind_int64(link->put_size, 1, (sqlite3_int64)source->device);
	sqlite3_bind_int64(link->put_size, 2, (sqlite3_int64)source->inode);
	sqlite3_bind_text(link->put_size, 3, text.design, -1, SQLITE_STATIC);
	sqlite3_bind_text(link->put_size, 4, text.face, -1, SQLITE_STATIC);
	sqlite3_bind_int(link->put_size, 5, IC_CODEC_VERSION);
	sqlite3_bind_int64(link->put_size, 6, (sqlite3_int64)fact->size.nbytes);
	sqlite3_bind_int(link->put_size, 7, fact->size.as_is);
	if (code == SQLITE_OK)
		code = run(link->put_size);
	sqlite3_clear_bindings(link->put_variant);
	sqlite3_clear_bindings(link->put_size);
	return code;
}

static errint_t write_batch(struct catalog *catalog, const struct catalog_fact *facts, size_t n)
{
	const struct catalog_link *link = &catalog->writer;
	int code = run(link->begin);
	for (size_t i = 0; i < n && code == SQLITE_OK; i++)
		code = write_fact(link, &facts[i]);
	if (code == SQLITE_OK)
		code = run(link->commit);
	if (code == SQLITE_OK)
		return 0;
	errint_t err = catalog_error(link->db, code);
	if (!sqlite3_get_autocommit(link->db))
		run(link->rollback);
	return err;
}

/* Take up to BATCH_MAX facts, waiting for the first; 0 when the catalog closes and nothing is left. */
static size_t take(struct catalog *catalog, struct catalog_fact *facts)
{
	size_t n = 0;
	pthread_mutex_lock(&catalog->queue_lock);
	while (!catalog->count && !catalog->closing)
		pthread_cond_wait(&catalog->queued, &catalog->queue_lock);
	for (; n < BATCH_MAX && catalog->count; n++, catalog->count--) {
		facts[n] = catalog->queue[catalog->first];
		catalog->first = (catalog->first + 1) % QUEUE_SIZE;
	}
	pthread_mutex_unlock(&catalog->queue_lock);
	return n;
}

static void *write_all(void *argument)
{
	struct catalog *catalog = argument;
	struct catalog_fact *facts = catalog->queue + QUEUE_SIZE;
	for (size_t n; (n = take(catalog, facts)) > 0;) {
		errint_t err = write_batch(catalog, facts, n);
		pthread_mutex_lock(&catalog->queue_lock);
		if (err && catalog->closing) { /* nobody waits again for a database that cannot be written */
			n += catalog->count;
			catalog->count = 0;
		}
		catalog->done += n;
		catalog->err = err ? err : catalog->err;
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
	/* A signal that is to end the program must find a thread that is waiting for one. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int err = pthread_create(&catalog->thread, NULL, write_all, catalog);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	catalog->has_thread = !err;
	return -err;
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

void catalog_put_size(struct catalog *catalog, const struct catalog_source *source, const struct ic_variant *variant,
                      struct catalog_size size)
{
	pthread_mutex_lock(&catalog->queue_lock);
	if (catalog->count < QUEUE_SIZE) {
		catalog->queue[(catalog->first + catalog->count++) % QUEUE_SIZE] =
		        (struct catalog_fact){*source, *variant, size};
		catalog->put++;
		pthread_cond_signal(&catalog->queued);
	}
	pthread_mutex_unlock(&catalog->queue_lock);
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
