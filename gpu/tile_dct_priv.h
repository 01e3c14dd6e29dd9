/* SPDX-License-Identifier: MIT */
/*
 * tile_dct_priv.h: one line of the inverse transform (docs/format.md, section 3), modulo 2^32.
 *
 * The matrix folds: of the inputs that are odd multiples of s = B / size, output x and output size-1-x differ in the sign
 * alone, so a line of `size` outputs is one of half as many, plus and minus the part of these inputs.
 */
#pragma once

#include "tile_matrix_priv.h"

#define TILE_MATRIX_BITS 13
#define TILE_PASS_BITS 2
#define TILE_FIRST_BITS (TILE_MATRIX_BITS - TILE_PASS_BITS)

TILE_INLINE uint32_t tile_matrix(unsigned block, unsigned x, unsigned u)
{
	return (uint32_t)(block == 2    ? tile_matrix_2[x * 2 + u]
	                  : block == 4  ? tile_matrix_4[x * 4 + u]
	                  : block == 8  ? tile_matrix_8[x * 8 + u]
	                  : block == 16 ? tile_matrix_16[x * 16 + u]
	                                : tile_matrix_32[x * 32 + u]);
}

/* From a line of size / 2 sums to one of `size`. */
TILE_INLINE void tile_unfold(unsigned block, unsigned size, unsigned n, const int32_t *in, uint32_t *sums)
{
	unsigned s = block / size;
	TILE_UNROLL
	for (unsigned x = 0; x < size / 2; x++) {
		uint32_t odd = 0;
		TILE_UNROLL
		for (unsigned j = s; j < n; j += 2 * s)
			odd += tile_matrix(block, x, j) * (uint32_t)in[j];
		sums[size - 1 - x] = sums[x] - odd;
		sums[x] += odd;
	}
}

/* sums[0..block) of a line whose first n inputs may differ from 0; `bias` is added to each. block and n are constants
 * where this is called, so that every loop is unrolled and every array a set of registers. */
TILE_INLINE void tile_line(unsigned block, unsigned n, const int32_t *in, uint32_t bias, uint32_t *sums)
{
	uint32_t even = ((uint32_t)in[0] << TILE_MATRIX_BITS) + bias;
	uint32_t odd = block / 2 < n ? (uint32_t)in[block / 2] << TILE_MATRIX_BITS : 0;
	sums[0] = even + odd;
	sums[1] = even - odd;
	/* One by one, so that sizes are constants: no compiler unrolls a loop that doubles. */
	if (block >= 4)
		tile_unfold(block, 4, n, in, sums);
	if (block >= 8)
		tile_unfold(block, 8, n, in, sums);
	if (block >= 16)
		tile_unfold(block, 16, n, in, sums);
	if (block >= 32)
		tile_unfold(block, 32, n, in, sums);
}
