/* SPDX-License-Identifier: MIT */
/*
 * tile_fast_halves_priv.h: what fast transforms (IC_GPU_FAST_DCT) begin and end with, in half precision, two numbers a word:
 * coefficients, times a power of two, and samples, as shares of 255.
 */
#pragma once

#include "tile_ops_priv.h"

/*
 * Steps of a pair of frequencies, to the pair by which a pair of codes becomes coefficients (tile_fast_pair): times 2^-16, and
 * 2^-17 at B = 32, so that the matrix is scaled by powers of two, too.
 */
struct tile_fast_steps2 {
	uint32_t by, bias;
};

TILE_INLINE struct tile_fast_steps2 tile_fast_steps2_of(unsigned block, float first, float second)
{
	const float by = block == 32 ? 0x1p7f : 0x1p8f, bias = block == 32 ? -0x1p-10f : -0x1p-9f;
	struct tile_fast_steps2 steps = {op_half2(first * by, second * by), op_half2(first * bias, second * bias)};
	return steps;
}

/* Two codes, plus 128, 16 bits each: as binary16 they say that times 2^-24. */
TILE_INLINE uint32_t tile_fast_pair(uint32_t codes, uint32_t by, uint32_t bias)
{
	return op_half2_fused(codes, by, bias);
}

/* Samples from sums: shares of 255, clamped to 0..1. */
TILE_INLINE uint32_t tile_fast_samples(float a, float b)
{
	const uint32_t by = 0x1c041c04u, center = 0x38043804u; /* 1 / 255, 128 / 255 */
	return op_half2_fused_clamped(op_half2(a, b), by, center);
}

/* Less 128 of 255. */
TILE_INLINE uint32_t tile_fast_chroma(float a, float b)
{
	const uint32_t one = 0x3c003c00u, center = 0xb804b804u; /* -128 / 255 */
	return op_half2_fused(tile_fast_samples(a, b), one, center);
}
