/* SPDX-License-Identifier: MIT */
#include "search/probe_work_priv.h"
#include "search/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define NTHREADS_MAX 256u

struct probe_workers {
	unsigned n;
	struct probe_worker worker[];
};

errint_t probe_workers_new(const struct probe_filters *filters, unsigned nthreads, struct probe_workers **ret_workers)
{
	unsigned n = nthreads < 1 ? 1 : nthreads > NTHREADS_MAX ? NTHREADS_MAX : nthreads;
	struct probe_workers *workers = calloc(1, sizeof *workers + n * sizeof workers->worker[0]);
	if (!workers)
		return -ENOMEM;
	for (; workers->n < n; workers->n++) {
		errint_t err = probe_scratch_new(filters, &workers->worker[workers->n].scratch);
		if (err) {
			probe_workers_free(workers);
			return err;
		}
	}
	*ret_workers = workers;
	return 0;
}

void probe_workers_free(struct probe_workers *workers)
{
	for (unsigned i = 0; workers && i < workers->n; i++)
		probe_scratch_free(workers->worker[i].scratch);
	free(workers);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

/* A loop whose passes are shared out among threads. */
struct loop {
	probe_task *task;
	void *context;
	size_t n;
	_Atomic size_t next;
	const atomic_bool *cancelled;
	atomic_bool failed;
	pthread_mutex_t lock; /* for what follows */
	errint_t err;
	struct ic_why why;
};

struct thread {
	struct loop *loop;
	struct probe_worker *worker;
	pthread_t id;
};

static void fail(struct loop *loop, errint_t err, const struct ic_why *why)
{
	pthread_mutex_lock(&loop->lock);
	if (!loop->err) {
		loop->err = err;
		loop->why = *why;
	}
	pthread_mutex_unlock(&loop->lock);
	atomic_store(&loop->failed, true);
}

static void *run_thread(void *argument)
{
	struct thread *thread = argument;
	struct loop *loop = thread->loop;
	while (!atomic_load(&loop->failed)) {
		struct ic_why why = {""};
		size_t index = atomic_fetch_add(&loop->next, 1);
		if (index >= loop->n)
			break;
		errint_t err = loop->cancelled && atomic_load(loop->cancelled)
		                       ? ic_fail(&why, -ECANCELED, "it was stopped")
		                       : loop->task(loop->context, thread->worker, index, &why);
		if (err)
			fail(loop, err, &why);
	}
	return NULL;
}

errint_t probe_work(struct probe_workers *workers, probe_task *task, void *context, size_t n,
                    const atomic_bool *cancelled, struct ic_why *why)
{
	struct loop loop = {.task = task, .context = context, .n = n, .cancelled = cancelled};
	struct thread threads[NTHREADS_MAX];
	unsigned nstarted = 1;
	pthread_mutex_init(&loop.lock, NULL);
	threads[0] = (struct thread){.loop = &loop, .worker = &workers->worker[0]};
	/* Where no more threads are to be had, those that there are do all of it. */
	for (; nstarted < workers->n; nstarted++) {
		threads[nstarted] = (struct thread){.loop = &loop, .worker = &workers->worker[nstarted]};
		if (pthread_create(&threads[nstarted].id, NULL, run_thread, &threads[nstarted]))
			break;
	}
	run_thread(&threads[0]);
	for (unsigned i = 1; i < nstarted; i++)
		pthread_join(threads[i].id, NULL);
	pthread_mutex_destroy(&loop.lock);
	return loop.err ? ic_fail(why, loop.err, "%s", loop.why.text) : 0;
}

struct probe_worker probe_workers_take_seconds(struct probe_workers *workers)
{
	struct probe_worker sum = {.scratch = NULL};
	for (unsigned i = 0; i < workers->n; i++) {
		struct probe_worker *w = &workers->worker[i];
		sum.object_s += w->object_s;
		sum.decode_s += w->decode_s;
		sum.features_s += w->features_s;
		w->object_s = w->decode_s = w->features_s = 0;
	}
	return sum;
}

double probe_thread_seconds(void)
{
	return clock_s(CLOCK_THREAD_CPUTIME_ID);
}

double probe_wall_seconds(void)
{
	return clock_s(CLOCK_MONOTONIC);
}
