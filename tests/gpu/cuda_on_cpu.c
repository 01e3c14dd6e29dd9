/* SPDX-License-Identifier: MIT */
#include "cuda_on_cpu.h"

#include "cuda_on_cpu_priv.h"
#include "tests/codec/guard.h"

#include <cudaTypedefs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 256u /* of memory, as CUDA's */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned ncalls, fail_first, fail_count;
static const char *what_failed = "";
struct cuda_on_cpu_gpus cuda_gpus;
static bool has_context[QUEUES_NDEVICES];
static _Thread_local int current;
static _Thread_local cudaError_t last_error;

/* --- What the tests ask for ---------------------------------------------------------------------------------------- */

void cuda_on_cpu_start(uint64_t seed, unsigned nsteps_max)
{
	pthread_mutex_lock(&lock);
	queues_start(seed, nsteps_max);
	memset(has_context, 0, sizeof has_context);
	current = 0;
	cuda_gpus = (struct cuda_on_cpu_gpus){.have_no_code = false};
	pthread_mutex_unlock(&lock);
	cuda_on_cpu_fail(0, 0);
}

static __attribute__((constructor)) void start_once(void)
{
	cuda_on_cpu_start(0, 3);
}

void cuda_on_cpu_fail(unsigned first, unsigned count)
{
	pthread_mutex_lock(&lock);
	ncalls = 0;
	fail_first = first;
	fail_count = count;
	what_failed = "";
	pthread_mutex_unlock(&lock);
}

void cuda_on_cpu_be(struct cuda_on_cpu_gpus gpus)
{
	cuda_gpus = gpus;
}

unsigned cuda_on_cpu_ncalls(void)
{
	return ncalls;
}

const char *cuda_on_cpu_what_failed(void)
{
	return what_failed;
}

bool cuda_on_cpu_has_context(int device)
{
	return has_context[device];
}

bool cuda_on_cpu_is_busy(void)
{
	return queues_are_busy();
}

void cuda_on_cpu_drain(void)
{
	pthread_mutex_lock(&lock);
	queues_drain();
	pthread_mutex_unlock(&lock);
}

/* --- Calls --------------------------------------------------------------------------------------------------------- */

cudaError_t call_begin(const char *name, cudaError_t error)
{
	pthread_mutex_lock(&lock);
	ncalls++;
	if (ncalls < fail_first || ncalls - fail_first >= fail_count)
		return cudaSuccess;
	what_failed = name;
	return error;
}

cudaError_t call_end(cudaError_t error)
{
	if (error == cudaSuccess)
		queues_go();
	else
		last_error = error;
	pthread_mutex_unlock(&lock);
	return error;
}

int current_device(void)
{
	return current;
}

cudaError_t put(cudaStream_t stream, const struct step *step)
{
	stream = queue_of(stream, current);
	if (stream->device != current)
		return cudaErrorInvalidResourceHandle;
	has_context[current] = true;
	queue_put(stream, step);
	return cudaSuccess;
}

cudaError_t cudaGetLastError(void)
{
	cudaError_t error = last_error;
	last_error = cudaSuccess;
	return error;
}

const char *cudaGetErrorString(cudaError_t error)
{
	return error == cudaErrorMemoryAllocation ? "out of memory" : "a call was made to fail";
}

/* --- Devices ------------------------------------------------------------------------------------------------------- */

cudaError_t cudaGetDeviceCount(int *count)
{
	cudaError_t error = call_begin(__func__, cudaErrorInsufficientDriver);
	if (error == cudaSuccess)
		*count = QUEUES_NDEVICES;
	return call_end(error);
}

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *properties, int device)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess) {
		memset(properties, 0, sizeof *properties);
		snprintf(properties->name, sizeof properties->name, "CPU %d", device);
		properties->totalGlobalMem = 1u << 30;
	}
	return call_end(error);
}

cudaError_t cudaGetDevice(int *device)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		*device = current;
	return call_end(error);
}

/* Since CUDA 12, this starts the context. */
cudaError_t cudaSetDevice(int device)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess) {
		current = device;
		has_context[device] = true;
	}
	return call_end(error);
}

/* Of the driver. */
static CUresult context_state(CUdevice device, unsigned *flags, int *is_active)
{
	*flags = 0;
	*is_active = has_context[device];
	return CUDA_SUCCESS;
}

cudaError_t cudaGetDriverEntryPointByVersion(const char *name, void **ret, unsigned version, unsigned long long flags,
                                             enum cudaDriverEntryPointQueryResult *result)
{
	PFN_cuDevicePrimaryCtxGetState_v7000 function = context_state;
	if (strcmp(name, "cuDevicePrimaryCtxGetState") != 0 || version != 7000 || flags != cudaEnableDefault)
		abort();
	memcpy(ret, &function, sizeof function);
	*result = cudaDriverEntryPointSuccess;
	return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize(void)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		queues_drain();
	return call_end(error);
}

/* --- Memory -------------------------------------------------------------------------------------------------------- */

static struct memory {
	struct memory *next;
	struct guard guard;
	uint8_t *at;
	size_t nbytes;
	bool is_host;
} * memories;

static unsigned nevents;

unsigned cuda_on_cpu_nlive(void)
{
	unsigned n = nevents;
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
		has_context[current] = true;
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
	pthread_mutex_lock(&lock);
	has_context[current] = true;
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
	pthread_mutex_unlock(&lock);
	return at && !memory ? cudaErrorInvalidValue : cudaSuccess;
}

/* What starts a context can fail. */
cudaError_t cudaFree(void *at)
{
	cudaError_t error = cudaSuccess;
	if (!at && !has_context[current])
		error = call_end(call_begin(__func__, cudaErrorUnknown));
	return error == cudaSuccess ? release(at, false) : error;
}

cudaError_t cudaFreeHost(void *at)
{
	return release(at, true);
}

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
		queue_drain(queue_of(NULL, current));
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

/* --- Events -------------------------------------------------------------------------------------------------------- */

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *ret, unsigned flags)
{
	cudaError_t error = call_begin(__func__, cudaErrorMemoryAllocation);
	(void)flags;
	if (error == cudaSuccess) {
		*ret = calloc(1, sizeof **ret);
		if (!*ret)
			abort();
		(*ret)->device = current;
		nevents++;
	}
	return call_end(error);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
	pthread_mutex_lock(&lock);
	event_free(event);
	nevents--;
	pthread_mutex_unlock(&lock);
	return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	stream = queue_of(stream, current);
	if (error == cudaSuccess && stream->device != event->device)
		error = cudaErrorInvalidResourceHandle;
	if (error == cudaSuccess)
		queue_record(stream, event);
	return call_end(error);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	(void)flags;
	if (error == cudaSuccess)
		queue_wait_for(queue_of(stream, current), event);
	return call_end(error);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
	cudaError_t error = call_begin(__func__, cudaErrorUnknown);
	if (error == cudaSuccess)
		queues_reach(event);
	return call_end(error);
}
