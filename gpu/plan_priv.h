/* SPDX-License-Identifier: MIT */
/* plan_priv.h: what the kernels are told (tile_priv.h), from designs, specs and layouts. Knows nothing of CUDA. */
#pragma once

#include "scale_priv.h"
#include "tile_priv.h"

/*
 * A plan for images of a design that become `shape` under `spec` (ic_tensor_shape). mean, scale and basis are left NULL,
 * alignment and strides 0: the caller has memory and outputs. is_fast: as IC_GPU_FAST_DCT of gpu.h.
 *
 * -EINVAL: the shape is not one of this design and spec. -EFBIG: one image has 2^31 values or more.
 */
errint_t tile_plan_init(struct tile_plan *plan, const struct ic_design *design, const struct ic_tensor_spec *spec,
                        const struct ic_tensor_shape *shape, bool is_fast, struct ic_why *why);

/* What plan->basis is to point to, where the plan is fast: words in `out`, of which there are tile_plan_basis_nwords. */
#define TILE_BASIS_NWORDS_MAX 2048u
size_t tile_plan_basis_nwords(const struct tile_plan *plan); /* 0 where it is not */
void tile_plan_put_basis(const struct tile_plan *plan, const struct ic_design *design, uint32_t *out);

/* Columns of a tile, at the most: with so many it takes the most shared memory. */
uint32_t tile_plan_columns_max(const struct tile_plan *plan);

/* Pixels of images of another size than the plan was made for. Images that are there need tile_image_set_runs. */
void tile_plan_set_size(struct tile_plan *plan, uint32_t width, uint32_t height);

/* How many tiles of pixels a thread block makes, of a batch of nimages where so many thread blocks run together: one, where
 * blocks are smaller than 16. */
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

/* How a tile's codes are taken, which depends on the tile's width. */
void tile_image_set_runs(struct tile_image *image, const struct tile_plan *plan);

/* --- Images that are resized (scale_priv.h) ------------------------------------------------------------------------- */

/* What kernels of pixels are told whose output is resized: 8 bits, channels apart, and no padding. Its size is a chunk's;
 * until it is set, one that takes as much shared memory as any. */
errint_t scale_source_init(struct tile_plan *source, const struct ic_design *design, bool is_fast, struct ic_why *why);

/* Of an image whose region is `box`; with what of the image its result looks at, which the kernel of pixels makes. -EFBIG, and
 * *scale is as it was: that is 2^31 bytes or more. */
errint_t scale_image_init(struct scale_image *scale, const struct ic_tensor_spec *spec, const struct ic_region *box,
                          bool flip, struct ic_region *ret_source, struct ic_why *why);

/* What of n images, of which `first` is the first one of the chunk, is scaled together: at least that one, and no more than
 * take nbytes_max. Sets where their weights are. */
#define SCALE_CHUNK_NBYTES (UINT64_C(128) << 20)
struct scale_chunk scale_chunk_init(struct scale_image *scales, uint32_t first, uint32_t n, uint64_t nbytes_max);
