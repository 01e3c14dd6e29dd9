/* SPDX-License-Identifier: MIT */
/*
 * dct_priv.h: the two-dimensional DCT of docs/format.md, in whole numbers, for blocks of 1, 2, 4, 8, 16 and 32.
 *
 * Both directions are two passes of one integer matrix M[x][u] = 8192 * sqrt(B) * A[x][u], where A is the orthonormal
 * DCT-II, sums taken modulo 2^32. At B = 8 the inverse equals libjpeg's accurate one bit for bit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

extern const int16_t dct_matrix_1[1 * 1];
extern const int16_t dct_matrix_2[2 * 2];
extern const int16_t dct_matrix_4[4 * 4];
extern const int16_t dct_matrix_8[8 * 8];
extern const int16_t dct_matrix_16[16 * 16];
extern const int16_t dct_matrix_32[32 * 32];

#define DCT_FORWARD_UNIT 8 /* a forward coefficient is in 1/8 of a JPEG coefficient's unit */
#define DCT_NBLOCKS 8      /* blocks that are transformed together */

/* One filling of the transforms. All give the same bytes. */
struct dct_kernel {
	const char *name; /* of the instruction set; "c" for the compiler's default */

	/* coefs[(v * B + u) * DCT_NBLOCKS + i], in 1/DCT_FORWARD_UNIT, of the i-th of DCT_NBLOCKS blocks of samples that lie
	 * side by side. Only u < nu and v < nv are promised; others are written or left. */
	void (*forward)(unsigned block, unsigned nu, unsigned nv, const uint8_t *samples, size_t stride,
	                int16_t *coefs);

	/* Samples from coefs[v * B + u] in JPEG units. Those with u >= nu or v >= nv must be 0, and may be left unread. */
	void (*inverse)(unsigned block, unsigned nu, unsigned nv, const int16_t *coefs, uint8_t *samples,
	                size_t stride);
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct dct_kernel *dct_kernel_at(unsigned index);

static inline const struct dct_kernel *dct_kernel_best(void)
{
	return dct_kernel_at(0);
}
