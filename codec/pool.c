/* SPDX-License-Identifier: MIT */
#include "codec/pool_priv.h"
#include "codec/thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct run {
	pool_task *task;
	void *context;
	size_t n;
	atomic_size_t next;
};

struct worker {
	struct ic_pool *pool;
	pthread_t thread;
	struct pool_memory memory;
};

struct ic_pool {
	pthread_mutex_t turn;      /* held by whoever's batch runs */
	struct pool_memory memory; /* of the calling thread; under `turn` */
	struct run run;

	pthread_mutex_t lock; /* guards what follows */
	pthread_cond_t begun, done;
	unsigned long nruns;
	unsigned nbusy; /* workers that are not done with the run */
	bool stops;

	unsigned nworkers;
	struct worker workers[];
};

errint_t pool_memory_grow(struct pool_memory *memory, size_t nbytes)
{
	if (nbytes <= memory->nbytes)
		return 0;
	uint8_t *bytes = realloc(memory->bytes, nbytes);
	if (!bytes)
		return -ENOMEM;
	*memory = (struct pool_memory){bytes, nbytes};
	return 0;
}

static void work(struct run *run, struct pool_memory *memory)
{
	for (;;) {
		size_t index = atomic_fetch_add(&run->next, 1);
		if (index >= run->n)
			return;
		run->task(run->context, index, memory);
	}
}

static void *worker_main(void *argument)
{
	struct worker *worker = argument;
	struct ic_pool *pool = worker->pool;
	unsigned long seen = 0;
	pthread_mutex_lock(&pool->lock);
	for (;;) {
		while (pool->nruns == seen && !pool->stops)
			pthread_cond_wait(&pool->begun, &pool->lock);
		if (pool->stops)
			break;
		seen = pool->nruns;
		pthread_mutex_unlock(&pool->lock);
		work(&pool->run, &worker->memory);
		pthread_mutex_lock(&pool->lock);
		if (--pool->nbusy == 0)
			pthread_cond_signal(&pool->done);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

void pool_run(struct ic_pool *pool, pool_task *task, void *context, size_t n)
{
	pthread_mutex_lock(&pool->turn);
	pool->run.task = task;
	pool->run.context = context;
	pool->run.n = n;
	atomic_store(&pool->run.next, 0);

	pthread_mutex_lock(&pool->lock);
	pool->nbusy = pool->nworkers;
	pool->nruns++;
	pthread_cond_broadcast(&pool->begun);
	pthread_mutex_unlock(&pool->lock);

	work(&pool->run, &pool->memory);

	pthread_mutex_lock(&pool->lock);
	while (pool->nbusy)
		pthread_cond_wait(&pool->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_mutex_unlock(&pool->turn);
}

static errint_t start_worker(struct ic_pool *pool)
{
	struct worker *worker = &pool->workers[pool->nworkers];
	worker->pool = pool;
	errint_t err = thread_start(&worker->thread, worker_main, worker);
	if (!err)
		pool->nworkers++;
	return err;
}

errint_t ic_pool_new(unsigned nthreads, struct ic_pool **ret_pool, struct ic_why *why)
{
	if (nthreads < 1 || nthreads > IC_THREADS_MAX)
		return ic_fail(why, -EINVAL, "a pool has 1 to %u threads, not %u", IC_THREADS_MAX, nthreads);
	struct ic_pool *pool = calloc(1, sizeof *pool + (nthreads - 1) * sizeof *pool->workers);
	if (!pool)
		return ic_fail(why, -ENOMEM, "out of memory for a pool of threads");
	pthread_mutex_init(&pool->turn, NULL);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->begun, NULL);
	pthread_cond_init(&pool->done, NULL);
	errint_t err = 0;
	while (pool->nworkers < nthreads - 1 && !err)
		err = start_worker(pool);
	if (err) {
		unsigned started = pool->nworkers + 1;
		ic_pool_free(pool);
		return ic_fail(why, err, "only %u of %u threads could be started", started, nthreads);
	}
	*ret_pool = pool;
	return 0;
}

void ic_pool_free(struct ic_pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->stops = true;
	pthread_cond_broadcast(&pool->begun);
	pthread_mutex_unlock(&pool->lock);
	for (unsigned i = 0; i < pool->nworkers; i++) {
		pthread_join(pool->workers[i].thread, NULL);
		free(pool->workers[i].memory.bytes);
	}
	pthread_cond_destroy(&pool->done);
	pthread_cond_destroy(&pool->begun);
	pthread_mutex_destroy(&pool->lock);
	pthread_mutex_destroy(&pool->turn);
	free(pool->memory.bytes);
	free(pool);
}
