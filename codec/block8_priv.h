/* SPDX-License-Identifier: MIT */
/*
 * block8_priv.h: the blocks that every JPEG is made of, on their way to samples and back, a row of them at a time: what most
 * of the time goes into that entropy decoding leaves.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* One filling. All give the same bytes: those of dct_kernel at 8. */
struct block8_kernel {
	const char *name; /* of the instruction set */

	/* Dequantize n blocks of coefficients at v * 8 + u, the products clamped to 16 bits, and write their samples side
	 * by side: 8 rows of 8 * n, `stride` apart. */
	void (*inverse)(const int16_t (*quantized)[64], const uint16_t steps[64], size_t n, uint8_t *samples,
	                size_t stride);

	/* Coefficients at v * 8 + u, in 1/DCT_FORWARD_UNIT, of n blocks of samples that lie side by side: 8 rows of 8 * n,
	 * `stride` apart. */
	void (*forward)(const uint8_t *samples, size_t stride, size_t n, int16_t (*coefs)[64]);
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct block8_kernel *block8_kernel_at(unsigned index);

static inline const struct block8_kernel *block8_kernel_best(void)
{
	return block8_kernel_at(0);
}

/* Plain C, for blocks that another filling leaves to it. */
void block8_inverse_c(const int16_t (*quantized)[64], const uint16_t steps[64], size_t n, uint8_t *samples,
                      size_t stride);
