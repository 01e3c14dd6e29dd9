/* SPDX-License-Identifier: MIT */
/* pool_priv.h: one task for each of n things, by the threads of a pool. */
#pragma once

#include "codec/batch.h"

/* What a thread keeps from one thing to the next: memory that grows. Zeroed is empty. */
struct pool_memory {
	uint8_t *bytes;
	size_t nbytes;
};
/* At least `nbytes`, as they were or not; -ENOMEM leaves what there was. */
errint_t pool_memory_grow(struct pool_memory *memory, size_t nbytes);

/* May run in several threads at a time; `index` is below n. */
typedef void pool_task(void *context, size_t index, struct pool_memory *memory);

/* Run `task` for each index, and return when all are done. */
void pool_run(struct ic_pool *pool, pool_task *task, void *context, size_t n);
