/* SPDX-License-Identifier: MIT */
#include "gpu_cuda_priv.h"
#include "kernels_priv.h"

#include <errno.h>
#include <stdlib.h>

errint_t gpu_prepare(const struct tile_plan *plan, uint32_t *ret_together, struct ic_why *why)
{
	struct kernels_room room;
	cudaError_t error = kernels_prepare(plan, &room);
	if (error != cudaSuccess)
		return gpu_fail(why, "preparing the kernels", error);
	if (plan->room.nbytes > room.shared_nbytes)
		return ic_fail(why, -EOPNOTSUPP, "pixels of B = %u need %u bytes of shared memory, the device gives %u",
		               plan->block, plan->room.nbytes, room.shared_nbytes);
	*ret_together = room.together;
	return 0;
}

/* Means, and behind them scales, of all channels, to the device. */
static errint_t put_numbers(struct ic_gpu_plan *plan, const struct ic_tensor_spec *spec, struct ic_why *why)
{
	size_t n = plan->shape.channels + plan->shape.chroma_channels, nbytes = 2 * n * sizeof(float);
	float *numbers = malloc(nbytes);
	if (!numbers)
		return ic_fail(why, -ENOMEM, "out of memory");
	for (size_t c = 0; c < n; c++) {
		numbers[c] = spec->mean ? spec->mean[c] : 0;
		numbers[n + c] = spec->scale ? spec->scale[c] : 1;
	}
	const char *call = "cudaMalloc";
	cudaError_t error = cudaMalloc((void **)&plan->numbers, nbytes);
	if (error == cudaSuccess) {
		call = "cudaMemcpy";
		error = cudaMemcpy(plan->numbers, numbers, nbytes, cudaMemcpyHostToDevice);
	}
	/* From memory that is not page-locked, that may return before the copy is made: on the default stream, for which
	 * other streams need not wait. */
	if (error == cudaSuccess) {
		call = "cudaStreamSynchronize";
		error = gpu_settle(NULL);
	}
	free(numbers);
	plan->tile.mean = plan->numbers;
	plan->tile.scale = plan->numbers + n;
	return error == cudaSuccess ? 0 : gpu_fail(why, call, error);
}

static errint_t plan_init(struct ic_gpu_plan *plan, const struct ic_tensor_spec *spec, struct ic_why *why)
{
	int before = 0;
	errint_t err = gpu_enter(plan->device, &before, why);
	if (err)
		return err;
	err = gpu_prepare(plan->is_scaled ? &plan->source : &plan->tile, &plan->together, why);
	if (!err && plan->is_scaled) {
		cudaError_t error = kernels_prepare_scale();
		if (error != cudaSuccess)
			err = gpu_fail(why, "preparing the kernels", error);
	}
	if (!err)
		err = put_numbers(plan, spec, why);
	gpu_leave(plan->device, before);
	return err;
}

errint_t ic_gpu_plan_new(struct ic_gpu_device *device, const struct ic_design *design,
                         const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape,
                         struct ic_gpu_plan **ret_plan, struct ic_why *why)
{
	struct ic_gpu_plan *plan = calloc(1, sizeof *plan);
	if (!plan)
		return ic_fail(why, -ENOMEM, "out of memory");
	plan->device = device;
	plan->design = *design;
	plan->spec = *spec;
	plan->spec.mean = plan->spec.scale = NULL;
	plan->shape = *shape;
	plan->is_scaled = spec->fit == IC_FIT_RESIZE;
	errint_t err = tile_plan_init(&plan->tile, design, spec, shape, why);
	if (!err && plan->is_scaled)
		err = scale_source_init(&plan->source, design, why);
	if (!err)
		err = plan_init(plan, spec, why);
	if (err)
		ic_gpu_plan_free(plan);
	else
		*ret_plan = plan;
	return err;
}

void ic_gpu_plan_free(struct ic_gpu_plan *plan)
{
	int before = 0;
	if (plan && plan->numbers && !gpu_enter(plan->device, &before, NULL)) {
		cudaFree(plan->numbers);
		gpu_leave(plan->device, before);
	}
	free(plan);
}
