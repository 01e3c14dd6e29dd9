/* SPDX-License-Identifier: MIT */
/* gpu_cuda_priv.h: what the files behind gpu.h share, where there is CUDA. */
#pragma once

#include "gpu/gpu.h"

#include "plan_priv.h"

#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

struct ic_gpu_device {
	int index;
	PFN_cuDevicePrimaryCtxGetState_v7000 context_state; /* the driver's; NULL where it could not be found */
};

struct ic_gpu_plan {
	struct ic_gpu_device *device;
	struct ic_design design;
	struct ic_tensor_spec spec; /* without mean and scale */
	struct ic_tensor_shape shape;
	struct tile_plan tile;
	struct tile_plan source; /* IC_FIT_RESIZE: of what is resized */
	bool is_scaled;
	uint32_t together; /* thread blocks of pixels that the device runs at once */
	uint32_t *numbers; /* on the device: words of the basis, means, scales */
};

/* A failed call of CUDA: the code that gpu.h says, its name and its text. */
errint_t gpu_fail(struct ic_why *why, const char *call, cudaError_t error);

/* Make the device current, and, when done, the one that was so before, if it has a context: to make it current would give it
 * one (since CUDA 12), some 500 MB of it, of a device that nobody may want to use. */
errint_t gpu_enter(const struct ic_gpu_device *device, int *ret_before, struct ic_why *why);
void gpu_leave(const struct ic_gpu_device *device, int before);

/* The plan's kernel, on the current device; with how many of its thread blocks run together. -EOPNOTSUPP: it needs more shared
 * memory than the device gives. */
errint_t gpu_prepare(const struct tile_plan *plan, uint32_t *ret_together, struct ic_why *why);

/* Until all that was put into the stream is done; where that fails, all of the device, for memory may be freed next. */
cudaError_t gpu_settle(cudaStream_t stream);
