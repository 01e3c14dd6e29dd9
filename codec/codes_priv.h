/* SPDX-License-Identifier: MIT */
/*
 * codes_priv.h: from the coefficients of a plane to its 8-bit codes, and from those to Q bits and back (docs/format.md,
 * "Codes").
 */
#pragma once

#include "codec/format.h"

/* The coefficients of one plane before they are coded: values[i] * scale / unit JPEG units. */
struct plane_values {
	const int16_t *values;
	size_t n;
	uint32_t scale, unit;
	uint8_t least_step; /* 1 to 100, or the scale where the unit is 1 and values are codes: 1 to 255 */
};

/* Choose the step (docs/format.md, "Codes") and make the 8-bit codes. `codes` has room for n and may not overlap the values.
 * Returns the step. */
uint8_t codes_quantize(const struct plane_values *plane, int8_t *codes);

/* What the table says of a plane of 8-bit codes with this step, packed in `bits` bits. */
struct ic_plane_params codes_params(const int8_t *codes, size_t n, uint8_t step, unsigned bits);

/* Drop the low bits that do not fit and pack; writes ceil(n * bits / 8) bytes, the last one filled up with 0. */
void codes_pack(const int8_t *codes, size_t n, struct ic_plane_params params, unsigned bits, uint8_t *out);

/* The coefficient of each of the 2^bits packed codes. */
void codes_table(struct ic_plane_params params, unsigned bits, int16_t table[256]);

/* Look up `n` codes from code `first` on. */
void codes_unpack(const uint8_t *packed, unsigned bits, size_t first, size_t n, const int16_t table[256], int16_t *out);
