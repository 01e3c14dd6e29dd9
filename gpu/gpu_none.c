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

errint_t ic_gpu_open(unsigned index, struct ic_gpu_device **ret_device, struct ic_why *why)
{
	return no_device(why);
}

/* Without a device there are no plans and no batches: nobody can hold what the functions below would be given. */

void ic_gpu_close(struct ic_gpu_device *device)
{
}

errint_t ic_gpu_plan_new(struct ic_gpu_device *device, const struct ic_design *design,
                         const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape, unsigned flags,
                         struct ic_gpu_plan **ret_plan, struct ic_why *why)
{
	return no_device(why);
}

void ic_gpu_plan_free(struct ic_gpu_plan *plan)
{
}

errint_t ic_gpu_batch_new(struct ic_gpu_plan *plan, size_t nitems_max, struct ic_gpu_batch **ret_batch,
                          struct ic_why *why)
{
	return no_device(why);
}

void ic_gpu_batch_free(struct ic_gpu_batch *batch)
{
}

errint_t ic_gpu_batch_load(struct ic_gpu_batch *batch, struct ic_gpu_item *items, size_t nitems, unsigned flags,
                           size_t *ret_nfailed, struct ic_why *why)
{
	return no_device(why);
}

errint_t ic_gpu_batch_decode(struct ic_gpu_batch *batch, const struct ic_gpu_output *output, void *stream,
                             struct ic_why *why)
{
	return no_device(why);
}

errint_t ic_gpu_batch_wait(struct ic_gpu_batch *batch, struct ic_why *why)
{
	return no_device(why);
}
