/* SPDX-License-Identifier: MIT */
/* tensor_expected.h: tensors by their definition, a value at a time, from ic_decode_rgb and ic_decode_coefficients. */
#pragma once

#include "codec/tensor.h"

#include <stdbool.h>

struct expected {
	uint8_t *out, *chroma; /* as ic_tensor_decode writes them; chroma may be NULL. Malloc'ed */
};

/* Shape and region are what is under test elsewhere. */
struct expected expected_tensor(const struct ic_view *view, const struct ic_tensor_spec *spec,
                                const struct ic_tensor_shape *shape, const struct ic_region *region, bool flip);
void expected_clear(struct expected *expected);

/* IEEE binary16 of a number, by the definition of rounding. */
uint16_t expected_half(double value);
