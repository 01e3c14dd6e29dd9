/* SPDX-License-Identifier: MIT */
/*
 * tile_fast_colors_priv.h: from the samples of tile_fast_priv.h to colours, in half precision, two at a time as in
 * tile_colors_priv.h: shares of 255, clamped to 0..1. Half precision takes its numbers of these; for all other types they are
 * rounded to bytes.
 */
#pragma once

#include "tile_colors_priv.h"

/* Both halves, in binary16. */
#define TILE_HALVES_3 0x42004200u
#define TILE_HALVES_16 0x4c004c00u
#define TILE_HALVES_255 0x5bf85bf8u
#define TILE_HALVES_1024 0x64006400u

/* Eight samples of luma of a row, from anywhere in shared memory. */
TILE_INLINE struct tile_pairs tile_fast_luma_at(const uint8_t *from, bool is_plain)
{
	struct tile_pairs luma;
	uint32_t words[5], odd = (uint32_t)((uintptr_t)from & 2);
	if (is_plain) {
		op_load16(from, luma.pair);
		return luma;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < 5; i++)
		words[i] = op_load4(from - odd + 4 * i);
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++)
		luma.pair[i] = op_funnel(words[i], words[i + 1], 8 * odd);
	return luma;
}

/* As tile_vertical and tile_triangle: 16 times chroma. */
TILE_INLINE struct tile_chroma8 tile_fast_triangle(const struct tile_six *near, const struct tile_six *far,
                                                   uint32_t is_odd)
{
	struct tile_six t;
	struct tile_chroma8 even, odd;
	TILE_UNROLL
	for (unsigned i = 0; i < 6; i++)
		t.sample[i] = op_half2_fused(near->sample[i], TILE_HALVES_3, far->sample[i]);
	TILE_UNROLL
	for (unsigned i = 1; i < 6; i++) {
		uint32_t left = op_half2_fused(t.sample[i], TILE_HALVES_3, t.sample[i - 1]);
		if (i < 5) {
			even.pixel[2 * i - 2] = left;
			even.pixel[2 * i - 1] = odd.pixel[2 * i - 2] =
			        op_half2_fused(t.sample[i], TILE_HALVES_3, t.sample[i + 1]);
		}
		if (i > 1)
			odd.pixel[2 * i - 3] = left;
	}
	return is_odd ? odd : even;
}

TILE_INLINE struct tile_chroma8 tile_fast_repeat(const struct tile_six *near, uint32_t is_odd)
{
	struct tile_chroma8 chroma;
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++)
		chroma.pixel[i] = op_half2_fused(near->sample[1 + (is_odd ? (i + 1) / 2 : i / 2)], TILE_HALVES_16, 0);
	return chroma;
}

/* What a channel takes of Cb and Cr (docs/format.md), where these come 16 times, and where they do not. */
struct tile_fast_colors {
	uint32_t red, green_cb, green_cr, blue;
};

TILE_INLINE struct tile_fast_colors tile_fast_colors_of(uint32_t is_half)
{
	const struct tile_fast_colors once = {0x3d9c3d9cu, 0xb582b582u, 0xb9b7b9b7u, 0x3f173f17u};
	const struct tile_fast_colors sixteenth = {0x2d9c2d9cu, 0xa582a582u, 0xa9b7a9b7u, 0x2f172f17u};
	return is_half ? sixteenth : once;
}

TILE_INLINE struct tile_rgb8 tile_fast_colors(const struct tile_pairs *luma, const struct tile_chroma8 *chroma,
                                              uint32_t is_half)
{
	const struct tile_fast_colors by = tile_fast_colors_of(is_half);
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++) {
		uint32_t first = chroma->pixel[2 * i], second = chroma->pixel[2 * i + 1], y = luma->pair[i];
		uint32_t cb = op_permute(first, second, 0x5410), cr = op_permute(first, second, 0x7632);
		uint32_t green = op_half2_fused(cr, by.green_cr, y);
		out.c[0].pair[i] = op_half2_fused_clamped(cr, by.red, y);
		out.c[1].pair[i] = op_half2_fused_clamped(cb, by.green_cb, green);
		out.c[2].pair[i] = op_half2_fused_clamped(cb, by.blue, y);
	}
	return out;
}

TILE_INLINE struct tile_rgb8 tile_fast_grays(const struct tile_pairs *luma)
{
	struct tile_rgb8 out = {{*luma, *luma, *luma}};
	return out;
}

/* Numbers from 1024 on have no fraction, and their lowest bits say by how much they are above. */
TILE_INLINE struct tile_rgb8 tile_fast_bytes(const struct tile_rgb8 *shares)
{
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned i = 0; i < 12; i++)
		out.c[i / 4].pair[i % 4] =
		        op_half2_fused(shares->c[i / 4].pair[i % 4], TILE_HALVES_255, TILE_HALVES_1024) & 0x00ff00ffu;
	return out;
}

/* --- Half precision ----------------------------------------------------------------------------------------------- */

TILE_INLINE struct tile_rgb8 tile_fast_numbers(const struct tile_plan *plan, const struct tile_rgb8 *shares)
{
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned i = 0; i < 12; i++)
		out.c[i / 4].pair[i % 4] =
		        op_half2_fused(shares->c[i / 4].pair[i % 4], plan->fast_scale[i / 4], plan->fast_offset[i / 4]);
	return out;
}

TILE_INLINE struct tile_rgb8 tile_fast_mirrored(const struct tile_rgb8 *in)
{
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned i = 0; i < 12; i++)
		out.c[i / 4].pair[i % 4] = op_permute(in->c[i / 4].pair[3 - i % 4], 0, 0x1032);
	return out;
}

/* Eight pixels, in vectors. */
TILE_INLINE void tile_fast_put_apart(const struct tile_plan *plan, const struct tile_rgb8 *numbers, uint8_t *out)
{
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++, out += plan->channel_nbytes) {
		const uint32_t *pair = numbers->c[c].pair;
		op_store16(out, pair[0], pair[1], pair[2], pair[3]);
	}
}

TILE_INLINE void tile_fast_put_joined(const struct tile_rgb8 *numbers, uint8_t *out)
{
	uint32_t words[12];
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++) {
		uint32_t r = numbers->c[0].pair[i], g = numbers->c[1].pair[i], b = numbers->c[2].pair[i];
		words[3 * i] = op_permute(r, g, 0x5410);
		words[3 * i + 1] = op_permute(b, r, 0x7610);
		words[3 * i + 2] = op_permute(g, b, 0x7632);
	}
	TILE_UNROLL
	for (unsigned i = 0; i < 12; i += 4)
		op_store16(out + 4 * i, words[i], words[i + 1], words[i + 2], words[i + 3]);
}

/* Value by value: the first `own` of eight pixels, in this order or turned. */
TILE_INLINE void tile_fast_put_some(const struct tile_plan *plan, const struct tile_rgb8 *numbers, uint32_t own,
                                    bool is_flipped, uint32_t pixel_nbytes, uint8_t *out)
{
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_PIXELS; i++) {
		if (i >= own)
			continue;
		uint8_t *to = out + (is_flipped ? own - 1 - i : i) * pixel_nbytes;
		TILE_UNROLL
		for (unsigned c = 0; c < 3; c++)
			op_store2(to + c * plan->channel_nbytes, numbers->c[c].pair[i / 2] >> 16 * (i % 2));
	}
}
