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

/* The plan of the kernel that makes pixels. */
static struct tile_plan *pixels_of(struct ic_gpu_plan *plan)
{
	return plan->is_scaled ? &plan->source : &plan->tile;
}

/* The basis of a fast transform, at a multiple of 16, and behind it means and scales, of all channels, to the device. */
static errint_t put_numbers(struct ic_gpu_plan *plan, const struct ic_tensor_spec *spec, struct ic_why *why)
{
	size_t n = plan->shape.channels + plan->shape.chroma_channels, nbasis = tile_plan_basis_nwords(pixels_of(plan));
	size_t nbytes = nbasis * sizeof(uint32_t) + 2 * n * sizeof(float);
	uint32_t *words = malloc(nbytes);
	if (!words)
		return ic_fail(why, -ENOMEM, "out of memory");
	float *numbers = (float *)(words + nbasis);
	tile_plan_put_basis(pixels_of(plan), &plan->design, words);
	for (size_t c = 0; c < n; c++) {
		numbers[c] = spec->mean ? spec->mean[c] : 0;
		numbers[n + c] = spec->scale ? spec->scale[c] : 1;
	}
	const char *call = "cudaMalloc";
	cudaError_t error = cudaMalloc((void **)&plan->numbers, nbytes);
	if (error == cudaSuccess) {
		call = "cudaMemcpy";
		error = cudaMemcpy(plan->numbers, words, nbytes, cudaMemcpyHostToDevice);
	}
	/* From memory that is not page-locked, that may return before the copy is made: on the default stream, for which
	 * other streams need not wait. */
	if (error == cudaSuccess) {
		call = "cudaStreamSynchronize";
		error = gpu_settle(NULL);
	}
	free(words);
	if (error != cudaSuccess)
		return gpu_fail(why, call, error);
	pixels_of(plan)->basis = plan->numbers;
	plan->tile.mean = (const float *)(plan->numbers + nbasis);
	plan->tile.scale = plan->tile.mean + n;
	return 0;
}

static errint_t plan_init(struct ic_gpu_plan *plan, const struct ic_tensor_spec *spec, struct ic_why *why)
{
	int before = 0;
	errint_t err = gpu_enter(plan->device, &before, why);
	if (err)
		return err;
	err = gpu_prepare(pixels_of(plan), &plan->together, why);
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
                         const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape, unsigned flags,
                         struct ic_gpu_plan **ret_plan, struct ic_why *why)
{
	const bool is_fast = flags & IC_GPU_FAST_DCT;
	if (flags & ~IC_GPU_FAST_DCT)
		return ic_fail(why, -EINVAL, "unknown flags 0x%x", flags);
	struct ic_gpu_plan *plan = calloc(1, sizeof *plan);
	if (!plan)
		return ic_fail(why, -ENOMEM, "out of memory");
	plan->device = device;
	plan->design = *design;
	plan->spec = *spec;
	plan->spec.mean = plan->spec.scale = NULL;
	plan->shape = *shape;
	plan->is_scaled = spec->fit == IC_FIT_RESIZE;
	errint_t err = tile_plan_init(&plan->tile, design, spec, shape, is_fast, why);
	if (!err && plan->is_scaled)
		err = scale_source_init(&plan->source, design, is_fast, why);
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
