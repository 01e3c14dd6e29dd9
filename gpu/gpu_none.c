/* SPDX-License-Identifier: MIT */
#include "gpu/gpu.h"

#include <errno.h>

static errint_t no_device(struct ic_why *why)
{
	return ic_fail(why, -ENODEV, "this icfs was built without CUDA");
}

unsigned ic_gpu_cuda_version(void)
{
	return 0;
}

errint_t ic_gpu_count(unsigned *ret_count, struct ic_why *why)
{
	return no_device(why);
}

errint_t ic_gpu_query(unsigned index, struct ic_gpu *ret_gpu, struct ic_why *why)
{
	return no_device(why);
}
