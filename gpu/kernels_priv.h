/* SPDX-License-Identifier: MIT */
/* kernels_priv.h: launching the kernels; for C, and for nvcc. */
#pragma once

#include "plan_priv.h"

#include <cuda_runtime_api.h>

#if defined(__cplusplus)
#define KERNELS_API extern "C"
#else
#define KERNELS_API
#endif

/* Whether this build has code that the current device can run: any of the errors that gpu_fail takes for -ENODEV, if not. */
KERNELS_API cudaError_t kernels_find(void);

/* What a kernel of pixels gets on the current device. */
struct kernels_room {
	uint32_t shared_nbytes; /* shared memory that a thread block may have */
	uint32_t together;      /* thread blocks that run at once (tile_plan_set_strips); 1 where it is too little */
};

/* Let the plan's kernel have its shared memory. What is too much for the device, the caller finds in the room: such a plan
 * cannot be launched. */
KERNELS_API cudaError_t kernels_prepare(const struct tile_plan *plan, struct kernels_room *ret_room);

/* The images are an array in device memory. Outputs and strides are those of tile_plan_set_outputs. */
KERNELS_API cudaError_t kernels_launch(const struct tile_plan *plan, const struct tile_image *images, uint32_t nimages,
                                       uint8_t *out, uint8_t *chroma, cudaStream_t stream);

/* As kernels_prepare, for what follows. */
KERNELS_API cudaError_t kernels_prepare_scale(void);

/* Of a chunk, whose first image is images[0] and goes to `out`: from what the kernel of pixels put into `scratch`, which
 * holds chunk->nbytes. */
KERNELS_API cudaError_t kernels_scale(const struct tile_plan *plan, const struct scale_chunk *chunk,
                                      const struct scale_image *images, uint8_t *scratch, uint8_t *out,
                                      cudaStream_t stream);
