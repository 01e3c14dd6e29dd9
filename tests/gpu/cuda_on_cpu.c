/* SPDX-License-Identifier: MIT */
#include "cuda_on_cpu.h"

#include "cuda_on_cpu_priv.h"

#include <cudaTypedefs.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void cuda_lock(void)
{
	pthread_mutex_lock(&lock);
}

void cuda_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

int current_device(void)
{
	return current;
}

void use_device(void)
{
	has_context[current] = true;
}

bool is_device_used(void)
{
	return has_context[current];
}

cudaError_t put(cudaStream_t stream, const struct step *step)
{
	stream = queue_of(stream, current);
	if (stream->device != current)
		return cudaErrorInvalidResourceHandle;
	use_device();
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

/* --- Events -------------------------------------------------------------------------------------------------------- */

static unsigned nevents;

unsigned cuda_on_cpu_nlive(void)
{
	return nevents + memory_count();
}

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
