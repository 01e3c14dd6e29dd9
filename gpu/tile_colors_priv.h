/* SPDX-License-Identifier: MIT */
/*
 * tile_colors_priv.h: from samples in shared memory to colours (docs/format.md, section 4), of eight pixels of a row.
 *
 * Two numbers are computed with at a time, 16 bits each, in one word: Cb and Cr of a sample, then the same of two
 * neighbouring pixels. All of it fits 16 bits unsigned, but for what chroma adds to luma.
 */
#pragma once

#include "tile_fast_priv.h"

/* One channel of eight pixels: of 0 and 1, 2 and 3, ... */
struct tile_pairs {
	uint32_t pair[4];
};

/* Eight bytes. */
struct tile_bytes {
	uint32_t low, high;
};

/* From anywhere in shared memory. */
TILE_INLINE struct tile_bytes tile_bytes_at(const uint8_t *from)
{
	uint32_t odd = (uint32_t)((uintptr_t)from & 3);
	const uint8_t *word = from - odd;
	uint32_t a = op_load4(word), b = op_load4(word + 4), c = op_load4(word + 8);
	struct tile_bytes bytes = {op_funnel(a, b, 8 * odd), op_funnel(b, c, 8 * odd)};
	return bytes;
}

/* --- Chroma on luma's grid ---------------------------------------------------------------------------------------- */

/* Six samples of a row, or of the filtered sum of two: the one left of the first pixel's, and those that follow. */
struct tile_six {
	uint32_t sample[6];
};

/* is_together: those after the first lie at a multiple of 16. */
TILE_INLINE struct tile_six tile_six_at(const uint8_t *from, bool is_together)
{
	struct tile_six six;
	if (is_together) {
		six.sample[0] = op_load4(from);
		op_load16(from + 4, six.sample + 1);
		six.sample[5] = op_load4(from + 20);
		return six;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < 6; i++)
		six.sample[i] = op_load4(from + 4 * i);
	return six;
}

TILE_INLINE struct tile_six tile_vertical(const struct tile_six *near, const struct tile_six *far)
{
	struct tile_six six;
	TILE_UNROLL
	for (unsigned i = 0; i < 6; i++)
		six.sample[i] = 3 * near->sample[i] + far->sample[i];
	return six;
}

/* Chroma of eight pixels, a word each: Cb and Cr are the upper byte of each half, and no more counts. */
struct tile_chroma8 {
	uint32_t pixel[8];
};

/* The triangle filter: eight pixels, the first of which is one of the two over sample 1, and the second of these if
 * is_odd. (3 * center + side + 8) >> 4 where the side is on the left, and + 7 where it is on the right; all of it
 * times 16. */
TILE_INLINE struct tile_chroma8 tile_triangle(const struct tile_six *t, uint32_t is_odd)
{
	const uint32_t seven = 0x00700070u, one = 0x00100010u;
	struct tile_chroma8 even, odd;
	TILE_UNROLL
	for (unsigned i = 1; i < 6; i++) {
		uint32_t center = 3 * t->sample[i] + seven;
		uint32_t left = center + t->sample[i - 1] + one;
		if (i < 5) {
			even.pixel[2 * i - 2] = left;
			even.pixel[2 * i - 1] = odd.pixel[2 * i - 2] = center + t->sample[i + 1];
		}
		if (i > 1)
			odd.pixel[2 * i - 3] = left;
	}
	return is_odd ? odd : even;
}

/* Narrow chroma is repeated: JPEG decoders do not filter fewer than three samples a row. */
TILE_INLINE struct tile_chroma8 tile_repeat(const struct tile_six *near, uint32_t is_odd)
{
	struct tile_chroma8 even, odd;
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++) {
		even.pixel[i] = near->sample[1 + i / 2] << 4;
		odd.pixel[i] = near->sample[1 + (i + 1) / 2] << 4;
	}
	return is_odd ? odd : even;
}

/* Chroma that has luma's grid. */
TILE_INLINE struct tile_chroma8 tile_eight_of_chroma(const uint8_t *from)
{
	struct tile_chroma8 chroma;
	TILE_UNROLL
	for (unsigned i = 0; i < 8; i++)
		chroma.pixel[i] = op_load4(from + 4 * i);
	return chroma;
}

/* --- Colour ------------------------------------------------------------------------------------------------------- */

#define TILE_ZERO_BYTE 4u /* byte 4 of (word, 0) */

/* Bytes a and b of a word, 16 bits each. */
TILE_INLINE uint32_t tile_pair(uint32_t word, uint32_t a, uint32_t b)
{
	return op_permute(word, 0, a | TILE_ZERO_BYTE << 4 | b << 8 | TILE_ZERO_BYTE << 12);
}

struct tile_rgb_pair {
	uint32_t c[3];
};

/* Two pixels. What chroma adds to luma is computed times 2^16, with the coefficients and the rounding of
 * docs/format.md, where 128 is taken off; factors above 2^16 are sums of two, and what is taken off for green is
 * added to 255 - c. */
TILE_INLINE struct tile_rgb_pair tile_color2(uint32_t luma, const uint32_t chroma[2])
{
	const uint32_t half = 32768, red = 45941u | 45940u << 16, green = 22554u | 46802u << 16,
	               blue = 58065u | 58065u << 16;
	const uint32_t red_bias = half - 128 * 91881u, blue_bias = half - 128 * 116130u,
	               green_bias = half - 127 * (22554u + 46802u);
	uint32_t cr = op_permute(chroma[0], chroma[1], 0x7733), cb = op_permute(chroma[0], chroma[1], 0x5511);
	uint32_t turned = ~op_permute(chroma[0], chroma[1], 0x7531);
	uint32_t r[2] = {op_dot2_low(red, cr, red_bias), op_dot2_high(red, cr, red_bias)};
	uint32_t g[2] = {op_dot2_low(green, turned, green_bias), op_dot2_high(green, turned, green_bias)};
	uint32_t b[2] = {op_dot2_low(blue, cb, blue_bias), op_dot2_high(blue, cb, blue_bias)};
	struct tile_rgb_pair rgb;
	rgb.c[0] = op_add_clamp(luma, op_permute(r[0], r[1], 0x7632));
	rgb.c[1] = op_add_clamp(luma, op_permute(g[0], g[1], 0x7632));
	rgb.c[2] = op_add_clamp(luma, op_permute(b[0], b[1], 0x7632));
	return rgb;
}

/* Eight pixels: a channel's are in pairs, and nothing is above the lowest byte of each. */
struct tile_rgb8 {
	struct tile_pairs c[3];
};

TILE_INLINE struct tile_pairs tile_pairs_of(struct tile_bytes bytes)
{
	struct tile_pairs pairs = {{tile_pair(bytes.low, 0, 1), tile_pair(bytes.low, 2, 3), tile_pair(bytes.high, 0, 1),
	                            tile_pair(bytes.high, 2, 3)}};
	return pairs;
}

/* One after the other. */
TILE_INLINE struct tile_bytes tile_bytes_of(const struct tile_pairs *pairs)
{
	struct tile_bytes bytes = {op_permute(pairs->pair[0], pairs->pair[1], 0x6420),
	                           op_permute(pairs->pair[2], pairs->pair[3], 0x6420)};
	return bytes;
}

TILE_INLINE struct tile_rgb8 tile_colors(struct tile_bytes luma, const struct tile_chroma8 *chroma)
{
	struct tile_pairs lumas = tile_pairs_of(luma);
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++) {
		struct tile_rgb_pair two = tile_color2(lumas.pair[i], &chroma->pixel[2 * i]);
		TILE_UNROLL
		for (unsigned c = 0; c < 3; c++)
			out.c[c].pair[i] = two.c[c];
	}
	return out;
}

TILE_INLINE struct tile_rgb8 tile_grays(struct tile_bytes luma)
{
	struct tile_pairs lumas = tile_pairs_of(luma);
	struct tile_rgb8 out = {{lumas, lumas, lumas}};
	return out;
}
