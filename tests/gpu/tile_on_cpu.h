/* SPDX-License-Identifier: MIT */
/* tile_on_cpu.h: the kernels of gpu/, a thread after another: the same source as on a GPU, by the C compiler. */
#pragma once

#include "gpu/plan_priv.h"

/* Image `image` of a batch whose first one has its place at `out`, and at `chroma` where that is apart. */
void tile_on_cpu(const struct tile_plan *plan, const struct tile_image *image, size_t index, uint8_t *out,
                 uint8_t *chroma);
