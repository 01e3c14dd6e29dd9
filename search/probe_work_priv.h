/* SPDX-License-Identifier: MIT */
/* probe_work_priv.h: one task for each of many images, by a number of threads. */
#pragma once

#include "search/probe_features_priv.h"

#include <stdatomic.h>

/* What a thread has; the seconds of processor time are summed up by tasks. */
struct probe_worker {
	struct probe_scratch *scratch;
	double object_s, decode_s, features_s;
};

struct probe_workers;
errint_t probe_workers_new(const struct probe_filters *filters, unsigned nthreads, struct probe_workers **ret_workers);
void probe_workers_free(struct probe_workers *workers); /* NULL is fine */

typedef errint_t probe_task(void *context, struct probe_worker *worker, size_t index, struct ic_why *why);

/* Run the task for 0..n-1, each once, in any order; the calling thread works too. The first failure stops all, and is
 * returned with its sentence; -ECANCELED once `cancelled` (may be NULL) is set. */
errint_t probe_work(struct probe_workers *workers, probe_task *task, void *context, size_t n,
                    const atomic_bool *cancelled, struct ic_why *why);

/* The sums of all workers; they begin anew. Its scratch is none. */
struct probe_worker probe_workers_take_seconds(struct probe_workers *workers);

/* Processor time of this thread, and time that passes; seconds. */
double probe_thread_seconds(void);
double probe_wall_seconds(void);
