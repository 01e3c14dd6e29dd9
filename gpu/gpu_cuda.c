/* SPDX-License-Identifier: MIT */
#include "gpu/gpu.h"

#include <cuda_runtime_api.h>

#include <errno.h>
#include <stdio.h>

_Static_assert(sizeof(((struct ic_gpu *)0)->name) == sizeof(((struct cudaDeviceProp *)0)->name), "a name must fit");

unsigned ic_gpu_cuda_version(void)
{
	return CUDART_VERSION;
}

static errint_t no_device(struct ic_why *why, const char *call, cudaError_t error)
{
	return ic_fail(why, -ENODEV, "%s: %s", call, cudaGetErrorString(error));
}

errint_t ic_gpu_count(unsigned *ret_count, struct ic_why *why)
{
	int count = 0;
	cudaError_t error = cudaGetDeviceCount(&count);

	/* CUDA's own sentence for this, "driver version is insufficient", also stands for no driver at all. */
	if (error == cudaErrorInsufficientDriver)
		return ic_fail(why, -ENODEV, "no NVIDIA driver, or one too old for CUDA %d.%d", CUDART_VERSION / 1000,
		               CUDART_VERSION % 1000 / 10);
	if (error != cudaSuccess)
		return no_device(why, "cudaGetDeviceCount", error);
	if (count < 1)
		return ic_fail(why, -ENODEV, "the driver lists no device");
	*ret_count = (unsigned)count;
	return 0;
}

errint_t ic_gpu_query(unsigned index, struct ic_gpu *ret_gpu, struct ic_why *why)
{
	struct cudaDeviceProp properties;
	unsigned count = 0;
	cudaError_t error;
	errint_t err = ic_gpu_count(&count, why);

	if (err)
		return err;
	if (index >= count)
		return ic_fail(why, -ENODEV, "there is no GPU %u: %u in all", index, count);
	error = cudaGetDeviceProperties(&properties, (int)index);
	if (error != cudaSuccess)
		return no_device(why, "cudaGetDeviceProperties", error);
	snprintf(ret_gpu->name, sizeof(ret_gpu->name), "%s", properties.name);
	ret_gpu->memory_nbytes = properties.totalGlobalMem;
	return 0;
}
