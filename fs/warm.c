/* SPDX-License-Identifier: MIT */
#include "fs/warm.h"
#include "fs/priority.h"
#include "search/clock.h"
#include "codec/thread.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct filling {
	struct walk *walk;
	const struct warm_hooks *hooks; /* NULL: count, store nothing */
	atomic_uint_fast64_t files, nbytes, there_files, there_nbytes, failed;
};

static void tell_done(struct filling *filling, uint64_t nbytes, bool was_there)
{
	const struct warm_hooks *hooks = filling->hooks;

	atomic_fetch_add(was_there ? &filling->there_files : &filling->files, 1);
	atomic_fetch_add(was_there ? &filling->there_nbytes : &filling->nbytes, nbytes);
	if (hooks && hooks->done)
		hooks->done(hooks->context, nbytes, was_there);
}

static void tell_failed(struct filling *filling, const char *path, errint_t err, const char *why)
{
	const struct warm_hooks *hooks = filling->hooks;

	atomic_fetch_add(&filling->failed, 1);
	if (hooks && hooks->failed)
		hooks->failed(hooks->context, path, err, why);
}

static void fill_entry(void *context, unsigned thread, struct walk_entry *entry)
{
	struct filling *filling = context;
	uint64_t nbytes = walk_stored_nbytes(entry);
	struct ic_why why = {""};

	if (entry->kind == WALK_OBJECT && entry->err)
		tell_failed(filling, entry->path, entry->err, entry->why);
	if (!nbytes)
		return;
	bool was_there = walk_is_stored(filling->walk, entry);
	errint_t err = was_there || !filling->hooks ? 0 : walk_store(filling->walk, entry, &why);
	if (!err) {
		tell_done(filling, nbytes, was_there);
	} else if (err == -ENOSPC) {
		walk_fail(filling->walk, err);
	} else {
		tell_failed(filling, entry->path, err, ic_why_text(&why, err));
	}
}

static void fail_entry(void *context, const char *path, errint_t err)
{
	tell_failed(context, path, err, strerror(-err));
}

static errint_t run(struct walk *walk, const struct warm_hooks *hooks, struct warm_counts *ret_counts)
{
	struct filling filling = {.walk = walk, .hooks = hooks};
	struct walk_hooks walk_hooks = {.context = &filling, .entry = fill_entry, .failed = fail_entry};

	errint_t err = walk_run(walk, &walk_hooks);
	*ret_counts = (struct warm_counts){
	        .files = atomic_load(&filling.files),
	        .nbytes = atomic_load(&filling.nbytes),
	        .there_files = atomic_load(&filling.there_files),
	        .there_nbytes = atomic_load(&filling.there_nbytes),
	        .failed = atomic_load(&filling.failed),
	};
	return err;
}

errint_t warm_plan(struct walk *walk, struct warm_counts *ret_counts)
{
	return run(walk, NULL, ret_counts);
}

errint_t warm_fill(struct walk *walk, const struct warm_hooks *hooks, struct warm_counts *ret_counts)
{
	static const struct warm_hooks none;

	return run(walk, hooks ? hooks : &none, ret_counts);
}

/* --- In the background -------------------------------------------------------------------------------------------- */

struct warm {
	struct walk *walk;
	struct log *log;
	pthread_t thread;
	bool has_thread;
	int64_t opened_ns; /* since the epoch */

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t woken;
	bool is_wanted; /* once more */
	bool is_ending;
};

errint_t warm_new(const struct walk_settings *settings, struct log *log, struct warm **ret_warm, struct ic_why *why)
{
	struct warm *warm = calloc(1, sizeof(*warm));

	if (!warm)
		return ic_fail(why, -ENOMEM, "out of memory");
	warm->log = log;
	warm->opened_ns = clock_ns(CLOCK_REALTIME);
	pthread_mutex_init(&warm->lock, NULL);
	pthread_cond_init(&warm->woken, NULL);
	/* The mount logs what it finds of sources; here it would be said twice. */
	errint_t err = walk_new(settings, NULL, &warm->walk, why);
	if (err) {
		warm_free(warm);
		return err;
	}
	*ret_warm = warm;
	return 0;
}

struct walk *warm_walk(struct warm *warm)
{
	return warm->walk;
}

static void fill_once(struct warm *warm)
{
	struct warm_counts counts;

	log_write(warm->log, LOG_LEVEL_INFO, "warming the store");
	errint_t err = warm_fill(warm->walk, NULL, &counts);
	log_write(warm->log, LOG_LEVEL_INFO,
	          "warming the store %s: %" PRIu64 " objects stored, %" PRIu64 " there before, %" PRIu64 " failed",
	          err                           ? strerror(-err)
	          : walk_is_stopped(warm->walk) ? "ended early"
	                                        : "is done",
	          counts.files, counts.there_files, counts.failed);
}

/* False at the end. */
static bool wait_until_wanted(struct warm *warm)
{
	pthread_mutex_lock(&warm->lock);
	while (!warm->is_wanted && !warm->is_ending)
		pthread_cond_wait(&warm->woken, &warm->lock);
	bool goes_on = !warm->is_ending;
	warm->is_wanted = false;
	pthread_mutex_unlock(&warm->lock);
	return goes_on;
}

static void *run_idle(void *context)
{
	struct warm *warm = context;

	priority_become_idle();
	do {
		fill_once(warm);
	} while (wait_until_wanted(warm));
	return NULL;
}

void warm_policy_changed(void *context, int64_t when_ns)
{
	struct warm *warm = context;

	if (when_ns < warm->opened_ns)
		return; /* read for the first time: it was there when the tree was gone through */
	pthread_mutex_lock(&warm->lock);
	warm->is_wanted = true;
	pthread_cond_signal(&warm->woken);
	pthread_mutex_unlock(&warm->lock);
}

errint_t warm_start(struct warm *warm)
{
	errint_t err = thread_start(&warm->thread, run_idle, warm);

	warm->has_thread = !err;
	return err;
}

void warm_free(struct warm *warm)
{
	if (!warm)
		return;
	if (warm->has_thread) {
		walk_stop(warm->walk);
		pthread_mutex_lock(&warm->lock);
		warm->is_ending = true;
		pthread_cond_signal(&warm->woken);
		pthread_mutex_unlock(&warm->lock);
		pthread_join(warm->thread, NULL);
	}
	walk_free(warm->walk);
	pthread_cond_destroy(&warm->woken);
	pthread_mutex_destroy(&warm->lock);
	free(warm);
}
