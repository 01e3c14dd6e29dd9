/* SPDX-License-Identifier: MIT */
/* tile_on_cpu.h: the kernels of gpu/, a thread after another: the same source as on a GPU, by the C compiler. */
#pragma once

#include "gpu/plan_priv.h"

/* A batch whose first image has its place at `out`, and at `chroma` where that is apart. */
void tile_on_cpu(const struct tile_plan *plan, const struct tile_image *images, uint32_t nimages, uint8_t *out,
                 uint8_t *chroma);

/* A chunk's images, of which images[0] and scales[0] are the first, to `out`. Only what scale_chunk says is touched of its
 * memory, which is filled with `fill` before. */
void scale_on_cpu(const struct tile_plan *plan, const struct tile_plan *source, const struct scale_chunk *chunk,
                  const struct tile_image *images, const struct scale_image *scales, uint8_t fill, uint8_t *out);

/* The same, of pixels that are in `scratch`, which holds chunk->nbytes. */
void scale_pixels_on_cpu(const struct tile_plan *plan, const struct scale_chunk *chunk,
                         const struct scale_image *scales, uint8_t *scratch, uint8_t *out);
