/* SPDX-License-Identifier: MIT */
/* resize_expected.h: IC_FIT_RESIZE by its definition, a pixel at a time. */
#pragma once

#include "codec/tensor.h"

/* The pixels of a whole image, 3 bytes each, to those of the output, spec->width x spec->height of them. Malloc'ed. */
uint8_t *expected_resize(const uint8_t *rgb, uint32_t width, const struct ic_region *box,
                         const struct ic_tensor_spec *spec);
