/* SPDX-License-Identifier: MIT */
/* plan_priv.h: what the kernels are told (tile_priv.h), from designs, specs and layouts. Knows nothing of CUDA. */
#pragma once

#include "tile_priv.h"

/*
 * A plan for images of a design that become `shape` under `spec` (ic_tensor_shape). mean and scale are left NULL, alignment
 * and strides 0: the caller has memory and outputs.
 *
 * -EINVAL: the shape is not one of this design and spec. -EFBIG: one image has 2^31 values or more.
 */
errint_t tile_plan_init(struct tile_plan *plan, const struct ic_design *design, const struct ic_tensor_spec *spec,
                        const struct ic_tensor_shape *shape, struct ic_why *why);

/* How many tiles of pixels a thread block makes, of a batch of nimages where so many thread blocks run together. */
void tile_plan_set_strips(struct tile_plan *plan, uint32_t nimages, uint32_t together);

/* Whether both outputs may be written in vectors. */
void tile_plan_set_outputs(struct tile_plan *plan, const void *out, uint64_t out_stride, const void *chroma,
                           uint64_t chroma_stride);

/* Images whose frequencies take more bytes each than 32 bits count are not for the kernels: -EFBIG. */
errint_t tile_image_check(const struct ic_layout *layout, struct ic_why *why);

/* Of an image whose object lies at `object` in the memory of the device. The layout is that of the plan's design, but its
 * data may lie farther behind, as ic_view_parse_prefix has it. */
void tile_image_init(struct tile_image *image, const struct tile_plan *plan, const struct ic_layout *layout,
                     const struct ic_region *region, bool flip, const uint8_t *object);
