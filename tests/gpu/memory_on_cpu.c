/* SPDX-License-Identifier: MIT */
/* The stand-in's memory, and copies. */
#include "cuda_on_cpu_priv.h"

#include "tests/codec/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 256u /* as CUDA's */

struct memory {
	struct memory *next;
	struct guard guard;
	uint8_t *at;
	size_t nbytes;
	bool is_host;
};

static struct memory *memories;

unsigned memory_count(void)
{
	unsigned n = 0;
	for (const struct memory *memory = memories; memory; memory = memory->next)
		n++;
	return n;
}

static cudaError_t allocate(const char *name, void **ret, size_t nbytes, bool is_host)
{
	cudaError_t error = call_begin(name, cudaErrorMemoryAllocation);
	if (error == cudaSuccess) {
		struct memory *memory = malloc(sizeof *memory);
		size_t room = (nbytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
		if (!memory)
			abort();
		*memory = (struct memory){memories, guard_new(room), NULL, nbytes, is_host};
		memory->at = guard_tail(&memory->guard, room);
		memset(memory->at, 0xcd, room);
		memories = memory;
		*ret = memory->at;
		use_device();
	}
	return call_end(error);
}

cudaError_t cudaMalloc(void **ret, size_t nbytes)
{
	return allocate(__func__, ret, nbytes, false);
}

cudaError_t cudaHostAlloc(void **ret, size_t nbytes, unsigned flags)
{
	(void)flags;
	return allocate(__func__, ret, nbytes, true);
}

static void must_be_idle(const struct memory *memory)
{
	if (queues_touch(memory->at, memory->nbytes)) {
		fprintf(stderr, "cuda_on_cpu: memory is freed that is in use\n");
		abort();
	}
}

static cudaError_t release(void *at, bool is_host)
{
	cuda_lock();
	use_device();
	struct memory **link = &memories;
	while (at && *link && ((*link)->at != at || (*link)->is_host != is_host))
		link = &(*link)->next;
	struct memory *memory = at ? *link : NULL;
	if (memory) {
		must_be_idle(memory);
		*link = memory->next;
		guard_clear(&memory->guard);
		free(memory);
	}
	cuda_unlock();
	return at && !memory ? cudaErrorInvalidValue : cudaSuccess;
}

/* What starts a context can fail. */
cudaError_t cudaFree(void *at)
{
	cudaError_t error = cudaSuccess;
	if (!at && !is_device_used())
		error = call_end(call_begin(__func__, cudaErrorUnknown));
	return error == cudaSuccess ? release(at, false) : error;
}

cudaError_t cudaFreeHost(void *at)
{
	return release(at, true);
}

/* --- Copies -------------------------------------------------------------------------------------------------------- */

static bool is_page_locked(const void *at)
{
	for (const struct memory *memory = memories; memory; memory = memory->next) {
		if (memory->is_host && (uintptr_t)at - (uintptr_t)memory->at < memory->nbytes)
			return true;
	}
	return false;
}

static void run_copy(const struct step *step)
{
	if (step->copy.from)
		memcpy(step->copy.to, step->copy.from, step->copy.nbytes);
	else
		memset(step->copy.to, step->copy.byte, step->copy.nbytes);
	free(step->copy.staged);
}

/* The caller's memory, if it is not page-locked, is his again when this returns; the copy may be made later. */
static cudaError_t put_copy(void *to, const void *from, size_t nbytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	struct step step = {.run = run_copy, .touched = {to, from}, .copy = {.to = to, .from = from, .nbytes = nbytes}};
	if (kind == cudaMemcpyHostToDevice && !is_page_locked(from)) {
		step.copy.staged = malloc(nbytes);
		if (!step.copy.staged)
			abort();
		step.touched[1] = NULL;
		step.copy.from = memcpy(step.copy.staged, from, nbytes);
	}
	cudaError_t error = put(stream, &step);
	if (error != cudaSuccess)
		free(step.copy.staged);
	return error;
}

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t nbytes, enum cudaMemcpyKind kind, cudaStream_t stream)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		error = put_copy(to, from, nbytes, kind, stream);
	return call_end(error);
}

cudaError_t cudaMemcpy(void *to, const void *from, size_t nbytes, enum cudaMemcpyKind kind)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		error = put_copy(to, from, nbytes, kind, NULL);
	if (error == cudaSuccess && (kind != cudaMemcpyHostToDevice || is_page_locked(from)))
		queue_drain(queue_of(NULL, current_device()));
	return call_end(error);
}

cudaError_t cudaMemset(void *to, int byte, size_t nbytes)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		error = put(NULL, &(struct step){.run = run_copy,
		                                 .touched = {to},
		                                 .copy = {.to = to, .byte = byte, .nbytes = nbytes}});
	return call_end(error);
}
