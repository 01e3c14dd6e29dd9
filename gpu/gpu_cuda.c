/* SPDX-License-Identifier: MIT */
#include "gpu/gpu.h"

#include "gpu_cuda_priv.h"
#include "kernels_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The function as it has been since CUDA 7. */
#if CUDART_VERSION >= 12050
#define GET_ENTRY_POINT(name, function, result)                                                                        \
	cudaGetDriverEntryPointByVersion(name, function, 7000, cudaEnableDefault, result)
#else
#define GET_ENTRY_POINT(name, function, result) cudaGetDriverEntryPoint(name, function, cudaEnableDefault, result)
#endif

_Static_assert(sizeof(((struct ic_gpu *)0)->name) == sizeof(((struct cudaDeviceProp *)0)->name), "a name must fit");

/* There is no device, or none that this build's kernels run on: what they were compiled for is not there, and the driver cannot
 * compile them, or is too old to. */
static bool is_missing(cudaError_t error)
{
	return error == cudaErrorNoDevice || error == cudaErrorInvalidDevice || error == cudaErrorInsufficientDriver ||
	       error == cudaErrorNoKernelImageForDevice || error == cudaErrorInvalidDeviceFunction ||
	       error == cudaErrorUnsupportedPtxVersion || error == cudaErrorJitCompilationDisabled ||
	       error == cudaErrorJitCompilerNotFound;
}

errint_t gpu_fail(struct ic_why *why, const char *call, cudaError_t error)
{
	errint_t err = error == cudaErrorMemoryAllocation ? -ENOMEM : is_missing(error) ? -ENODEV : -EIO;
	(void)cudaGetLastError(); /* told here, and no more */
	return ic_fail(why, err, "%s: %s", call, cudaGetErrorString(error));
}

/* --- What there is ------------------------------------------------------------------------------------------------- */

unsigned ic_gpu_cuda_version(void)
{
	return CUDART_VERSION;
}

errint_t ic_gpu_count(unsigned *ret_count, struct ic_why *why)
{
	int count = 0;
	cudaError_t error = cudaGetDeviceCount(&count);
	if (error != cudaSuccess)
		(void)cudaGetLastError(); /* told here, and no more */

	/* CUDA's own sentence for this, "driver version is insufficient", also stands for no driver at all. */
	if (error == cudaErrorInsufficientDriver)
		return ic_fail(why, -ENODEV, "no NVIDIA driver, or one too old for CUDA %d.%d", CUDART_VERSION / 1000,
		               CUDART_VERSION % 1000 / 10);
	if (error != cudaSuccess)
		return ic_fail(why, -ENODEV, "cudaGetDeviceCount: %s", cudaGetErrorString(error));
	if (count < 1)
		return ic_fail(why, -ENODEV, "the driver lists no device");
	*ret_count = (unsigned)count;
	return 0;
}

static errint_t check_index(unsigned index, struct ic_why *why)
{
	unsigned count = 0;
	errint_t err = ic_gpu_count(&count, why);

	if (!err && index >= count)
		err = ic_fail(why, -ENODEV, "there is no GPU %u: %u in all", index, count);
	return err;
}

errint_t ic_gpu_query(unsigned index, struct ic_gpu *ret_gpu, struct ic_why *why)
{
	struct cudaDeviceProp properties;
	errint_t err = check_index(index, why);

	if (err)
		return err;
	cudaError_t error = cudaGetDeviceProperties(&properties, (int)index);
	if (error != cudaSuccess)
		return gpu_fail(why, "cudaGetDeviceProperties", error);
	snprintf(ret_gpu->name, sizeof(ret_gpu->name), "%s", properties.name);
	ret_gpu->memory_nbytes = properties.totalGlobalMem;
	return 0;
}

/* --- A device ------------------------------------------------------------------------------------------------------ */

errint_t gpu_enter(const struct ic_gpu_device *device, int *ret_before, struct ic_why *why)
{
	int before = 0;
	cudaError_t error = cudaGetDevice(&before);
	if (error == cudaSuccess && before != device->index)
		error = cudaSetDevice(device->index);
	if (error != cudaSuccess)
		return gpu_fail(why, "cudaSetDevice", error);
	*ret_before = before;
	return 0;
}

static bool has_context(const struct ic_gpu_device *device, int index)
{
	unsigned flags;
	int is_active = 1;
	return !device->context_state || device->context_state(index, &flags, &is_active) != CUDA_SUCCESS || is_active;
}

void gpu_leave(const struct ic_gpu_device *device, int before)
{
	if (before != device->index && has_context(device, before))
		cudaSetDevice(before);
}

/* The driver is not linked, so that all starts without one. Any that CUDA 12 takes has this function. */
static void find_context_state(struct ic_gpu_device *device)
{
	enum cudaDriverEntryPointQueryResult result;
	if (GET_ENTRY_POINT("cuDevicePrimaryCtxGetState", (void **)&device->context_state, &result) != cudaSuccess ||
	    result != cudaDriverEntryPointSuccess) {
		(void)cudaGetLastError();
		device->context_state = NULL;
	}
}

cudaError_t gpu_settle(cudaStream_t stream)
{
	cudaError_t error = cudaStreamSynchronize(stream);
	if (error != cudaSuccess)
		cudaDeviceSynchronize();
	return error;
}

errint_t ic_gpu_open(unsigned index, struct ic_gpu_device **ret_device, struct ic_why *why)
{
	errint_t err = check_index(index, why);
	if (err)
		return err;
	struct ic_gpu_device *device = calloc(1, sizeof *device);
	if (!device)
		return ic_fail(why, -ENOMEM, "out of memory");
	device->index = (int)index;
	int before = 0;
	err = gpu_enter(device, &before, why);
	if (err) {
		free(device);
		return err;
	}
	find_context_state(device);
	const char *call = "cudaFree";
	cudaError_t error = cudaFree(NULL); /* starts the context, and tells what is wrong with it */
	if (error == cudaSuccess) {
		call = "looking for kernels that this GPU can run";
		error = kernels_find();
	}
	if (error != cudaSuccess)
		err = gpu_fail(why, call, error);
	gpu_leave(device, before);
	if (err)
		free(device);
	else
		*ret_device = device;
	return err;
}

void ic_gpu_close(struct ic_gpu_device *device)
{
	free(device);
}
