/* SPDX-License-Identifier: MIT */
/*
 * tile_pixels_priv.h: from the samples of a tile to its pixels (docs/format.md, section 4), in the type and the order of
 * axes that the batch wants: the fourth and last step. A thread takes eight pixels of a row of the output.
 *
 * Samples of neighbouring pixels are computed with in pairs, 16 bits each, in one word: nothing here is negative or passes
 * 4095. Pairs are of every second pixel, since that is how the filter makes them.
 */
#pragma once

#include "tile_samples_priv.h"

/* One component of eight pixels: of 0 and 2, 1 and 3, 4 and 6, 5 and 7. */
struct tile_pairs {
	uint32_t even[2], odd[2];
};

/* Eight bytes from anywhere in shared memory. */
struct tile_bytes {
	uint32_t low, high;
};

TILE_INLINE struct tile_bytes tile_bytes_at(const uint8_t *from)
{
	uint32_t odd = (uint32_t)((uintptr_t)from & 3);
	const uint8_t *word = from - odd;
	uint32_t a = op_load4(word), b = op_load4(word + 4), c = op_load4(word + 8);
	struct tile_bytes bytes = {op_funnel(a, b, 8 * odd), op_funnel(b, c, 8 * odd)};
	return bytes;
}

/* --- Chroma on luma's grid ----------------------------------------------------------------------------------------- */

#define TILE_ZERO_BYTE 4u /* byte 4 of (word, 0) */

/* Bytes a and b of a word, 16 bits each. */
TILE_INLINE uint32_t tile_pair(uint32_t word, uint32_t a, uint32_t b)
{
	return op_permute(word, 0, a | TILE_ZERO_BYTE << 4 | b << 8 | TILE_ZERO_BYTE << 12);
}

TILE_INLINE uint32_t tile_vertical(uint32_t near, uint32_t far, uint32_t a, uint32_t b)
{
	return 3 * tile_pair(near, a, b) + tile_pair(far, a, b);
}

/* (3 * center + side + rounding) >> 4 of pairs */
TILE_INLINE uint32_t tile_across(uint32_t center, uint32_t side, uint32_t rounding)
{
	return (3 * center + side + (rounding | rounding << 16)) >> 4 & 0x00ff00ffu;
}

/* The upper half of a and the lower one of b. */
TILE_INLINE uint32_t tile_between(uint32_t a, uint32_t b)
{
	return op_permute(a, b, 0x5432);
}

/* The triangle filter: eight pixels, the first of which is one of the two over sample 1 of `near` and `far`, and the second
 * of these if is_odd. */
TILE_INLINE struct tile_pairs tile_triangle(struct tile_bytes near, struct tile_bytes far, uint32_t is_odd)
{
	uint32_t t01 = tile_vertical(near.low, far.low, 0, 1), t23 = tile_vertical(near.low, far.low, 2, 3);
	uint32_t t45 = tile_vertical(near.high, far.high, 0, 1);
	uint32_t t12 = tile_between(t01, t23), t34 = tile_between(t23, t45);
	uint32_t right12 = tile_across(t12, t23, 7), right34 = tile_across(t34, t45, 7);
	struct tile_pairs pairs;
	if (is_odd) {
		pairs.even[0] = right12;
		pairs.odd[0] = tile_across(t23, t12, 8);
		pairs.even[1] = right34;
		pairs.odd[1] = tile_across(t45, t34, 8);
	} else {
		pairs.even[0] = tile_across(t12, t01, 8);
		pairs.odd[0] = right12;
		pairs.even[1] = tile_across(t34, t23, 8);
		pairs.odd[1] = right34;
	}
	return pairs;
}

/* Narrow chroma is repeated. */
TILE_INLINE struct tile_pairs tile_repeat(struct tile_bytes near, uint32_t is_odd)
{
	struct tile_pairs pairs;
	if (is_odd) {
		pairs.even[0] = tile_pair(near.low, 1, 2);
		pairs.odd[0] = tile_pair(near.low, 2, 3);
		pairs.even[1] = op_permute(near.low, near.high, 0x0403) & 0x00ff00ffu;
		pairs.odd[1] = tile_pair(near.high, 0, 1);
	} else {
		pairs.even[0] = pairs.odd[0] = tile_pair(near.low, 1, 2);
		pairs.even[1] = pairs.odd[1] = op_permute(near.low, near.high, 0x0403) & 0x00ff00ffu;
	}
	return pairs;
}

TILE_INLINE struct tile_pairs tile_apart(struct tile_bytes bytes)
{
	struct tile_pairs pairs;
	pairs.even[0] = tile_pair(bytes.low, 0, 2);
	pairs.odd[0] = tile_pair(bytes.low, 1, 3);
	pairs.even[1] = tile_pair(bytes.high, 0, 2);
	pairs.odd[1] = tile_pair(bytes.high, 1, 3);
	return pairs;
}

/* The rows that pixels of row y are filtered from, as offsets from the first sample of chroma: x is where they begin, of the
 * image. JPEG decoders do not filter chroma of fewer than three samples a row. */
struct tile_chroma_rows {
	uint32_t near, far;
	uint32_t is_odd;
};

TILE_INLINE struct tile_chroma_rows tile_rows_for(const struct tile_plan *plan, const struct tile_head *head,
                                                  unsigned block, uint32_t x, uint32_t y)
{
	const struct tile_span *span = &head->chroma;
	uint32_t stride = plan->room.chroma_stride, left = span->first_col * block;
	struct tile_chroma_rows rows;
	if (!plan->is_half) {
		rows.near = rows.far = TILE_LEAD + (y - span->first_row) * stride + x - left;
		rows.is_odd = 0;
		return rows;
	}
	uint32_t near = y / 2, far = y % 2 ? near + 1 : near - 1;
	if (far >= head->chroma_height) /* also above the first */
		far = near;
	uint32_t at = TILE_LEAD - 1 + x / 2 - left;
	rows.near = at + (near - span->first_row) * stride;
	rows.far = at + (far - span->first_row) * stride;
	rows.is_odd = x % 2;
	return rows;
}

TILE_INLINE struct tile_pairs tile_chroma_pixels(const struct tile_plan *plan, const struct tile_head *head,
                                                 const struct tile_chroma_rows *rows, const uint8_t *samples)
{
	struct tile_bytes near = tile_bytes_at(samples + rows->near);
	if (!plan->is_half)
		return tile_apart(near);
	if (head->chroma.width < 3)
		return tile_repeat(near, rows->is_odd);
	return tile_triangle(near, tile_bytes_at(samples + rows->far), rows->is_odd);
}

/* --- Colour -------------------------------------------------------------------------------------------------------- */

/* Four pixels, a byte each. */
struct tile_rgb4 {
	uint32_t c[3];
};

/* What a pixel is times 2^16, rounding included: luma's byte stands in the upper half already. */
struct tile_wide_rgb {
	uint32_t r, g, b;
};

TILE_INLINE struct tile_wide_rgb tile_color1(uint32_t luma, uint32_t cb, uint32_t cr)
{
	struct tile_wide_rgb wide = {
	        luma + 91881u * cr,
	        luma - 22554u * cb - 46802u * cr,
	        luma + 116130u * cb,
	};
	return wide;
}

/* cb and cr: of pixels 0 and 2, and of 1 and 3. */
TILE_INLINE struct tile_rgb4 tile_color4(uint32_t luma, uint32_t cb_even, uint32_t cb_odd, uint32_t cr_even,
                                         uint32_t cr_odd)
{
	struct tile_wide_rgb wide[4];
	struct tile_rgb4 rgb;
	uint32_t cbs[2] = {cb_even ^ 0x00800080u, cb_odd ^ 0x00800080u};
	uint32_t crs[2] = {cr_even ^ 0x00800080u, cr_odd ^ 0x00800080u};
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++) {
		/* Less 128 is its upper bit turned, as a signed byte. Luma, a half, and nothing below. */
		uint32_t sign_extended = i < 2 ? 0x8880 : 0xaaa2;
		uint32_t cb = op_permute(cbs[i % 2], 0, sign_extended), cr = op_permute(crs[i % 2], 0, sign_extended);
		wide[i] = tile_color1(op_permute(luma, 0x00000080, 0x5045 | i << 8), cb, cr);
	}
	rgb.c[0] = op_pack_u8((int32_t)wide[0].r >> 16, (int32_t)wide[1].r >> 16, (int32_t)wide[2].r >> 16,
	                      (int32_t)wide[3].r >> 16);
	rgb.c[1] = op_pack_u8((int32_t)wide[0].g >> 16, (int32_t)wide[1].g >> 16, (int32_t)wide[2].g >> 16,
	                      (int32_t)wide[3].g >> 16);
	rgb.c[2] = op_pack_u8((int32_t)wide[0].b >> 16, (int32_t)wide[1].b >> 16, (int32_t)wide[2].b >> 16,
	                      (int32_t)wide[3].b >> 16);
	return rgb;
}

/* Eight pixels, those of a channel side by side. */
struct tile_rgb8 {
	uint32_t c[3][2];
};

TILE_INLINE struct tile_rgb8 tile_colors(const struct tile_plan *plan, unsigned block, const struct tile_head *head,
                                         uint32_t x, uint32_t y, const uint8_t *shared)
{
	struct tile_rgb8 out;
	const struct tile_span *luma = &head->luma;
	struct tile_bytes lumas =
	        tile_bytes_at(shared + plan->room.luma + (y - luma->first_row) * plan->room.luma_stride + x -
	                      luma->first_col * block);
	if (head->is_gray) {
		TILE_UNROLL
		for (unsigned c = 0; c < 3; c++) {
			out.c[c][0] = lumas.low;
			out.c[c][1] = lumas.high;
		}
		return out;
	}
	struct tile_chroma_rows rows = tile_rows_for(plan, head, block, x, y);
	struct tile_pairs cb = tile_chroma_pixels(plan, head, &rows, shared + plan->room.chroma[0]);
	struct tile_pairs cr = tile_chroma_pixels(plan, head, &rows, shared + plan->room.chroma[1]);
	TILE_UNROLL
	for (unsigned half = 0; half < 2; half++) {
		struct tile_rgb4 rgb = tile_color4(half ? lumas.high : lumas.low, cb.even[half], cb.odd[half],
		                                   cr.even[half], cr.odd[half]);
		TILE_UNROLL
		for (unsigned c = 0; c < 3; c++)
			out.c[c][half] = rgb.c[c];
	}
	return out;
}

/* Turn the order of the first n of eight pixels. */
TILE_INLINE struct tile_rgb8 tile_mirrored(struct tile_rgb8 in, uint32_t n)
{
	struct tile_rgb8 out;
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++) {
		uint32_t low = op_permute(in.c[c][1], 0, 0x0123), high = op_permute(in.c[c][0], 0, 0x0123);
		/* Eight turned, of which the last n are those that are wanted: n is at least 1. */
		uint32_t shift = 8 * (TILE_PIXELS - n);
		out.c[c][0] = shift >= 32 ? high >> (shift - 32) : op_funnel(low, high, shift);
		out.c[c][1] = shift >= 32 ? 0 : high >> shift;
	}
	return out;
}

/* --- Out ----------------------------------------------------------------------------------------------------------- */

/* Byte `i` of a word, exactly, by way of 2^23 + i. */
TILE_INLINE float tile_float_of(uint32_t word, unsigned i)
{
	return op_bits_float(op_permute(word, 0x4b000000, 0x7440 | i)) - 8388608.0f;
}

TILE_INLINE uint32_t tile_two(uint32_t type, float a, float b)
{
	return type == IC_FLOAT16 ? op_half2(a, b) : op_bfloat2(a, b);
}

/* One value that is finished but for its type. */
TILE_INLINE void tile_put_number(uint32_t type, float value, uint8_t *out)
{
	if (type == IC_FLOAT32)
		op_store4(out, op_float_bits(value));
	else
		op_store2(out, tile_two(type, value, value));
}

/* To the nearest, halves to even: sums from 1.5 * 2^23 on have no fraction. */
TILE_INLINE int32_t tile_whole(float value, int32_t min, int32_t max)
{
	const float no_fraction = 12582912.0f;
	return value > (float)max ? max : value < (float)min ? min : (int32_t)(value + no_fraction - no_fraction);
}

TILE_INLINE void tile_put_pad(const struct tile_plan *plan, uint8_t *out)
{
	if (plan->type == IC_UINT8)
		*out = (uint8_t)tile_whole(plan->pad, 0, UINT8_MAX);
	else if (plan->type == IC_INT8)
		*out = (uint8_t)tile_whole(plan->pad, INT8_MIN, INT8_MAX);
	else if (plan->type == IC_INT16)
		op_store2(out, (uint32_t)tile_whole(plan->pad, INT16_MIN, INT16_MAX));
	else
		tile_put_number(plan->type, plan->pad, out);
}

/* Eight values of a channel, as numbers, two words of bytes. */
TILE_INLINE void tile_numbers8(const struct tile_plan *plan, unsigned c, const uint32_t bytes[2], float *out)
{
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_PIXELS; i++)
		out[i] = op_normalize(tile_float_of(bytes[i / 4], i % 4), plan->rgb_mean[c], plan->rgb_scale[c]);
}

TILE_INLINE void tile_put_numbers(uint32_t type, const float *numbers, unsigned n, uint8_t *out)
{
	if (type == IC_FLOAT32) {
		TILE_UNROLL
		for (unsigned i = 0; i < n; i += 4)
			op_store16(out + 4 * i, op_float_bits(numbers[i]), op_float_bits(numbers[i + 1]),
			           op_float_bits(numbers[i + 2]), op_float_bits(numbers[i + 3]));
		return;
	}
	TILE_UNROLL
	for (unsigned i = 0; i < n; i += 8)
		op_store16(out + 2 * i, tile_two(type, numbers[i], numbers[i + 1]),
		           tile_two(type, numbers[i + 2], numbers[i + 3]),
		           tile_two(type, numbers[i + 4], numbers[i + 5]),
		           tile_two(type, numbers[i + 6], numbers[i + 7]));
}

/* Channels apart: eight pixels whose place is `out` in the first channel. `type` is a constant where this is called. */
TILE_INLINE void tile_put_apart(const struct tile_plan *plan, uint32_t type, const struct tile_rgb8 *rgb, uint8_t *out)
{
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++, out += plan->channel_nbytes) {
		float numbers[TILE_PIXELS];
		if (type == IC_UINT8) {
			op_store8(out, rgb->c[c][0], rgb->c[c][1]);
			continue;
		}
		tile_numbers8(plan, c, rgb->c[c], numbers);
		tile_put_numbers(type, numbers, TILE_PIXELS, out);
	}
}

/* Four pixels of one byte a channel, side by side: three words. */
TILE_INLINE void tile_join4(uint32_t r, uint32_t g, uint32_t b, uint32_t out[3])
{
	uint32_t rg_low = op_permute(r, g, 0x5140), rg_high = op_permute(r, g, 0x7362); /* r0 g0 r1 g1, r2 g2 r3 g3 */
	out[0] = op_permute(rg_low, b, 0x2410);
	out[1] = op_permute(op_permute(rg_low, b, 0x0053), rg_high, 0x5410); /* g1 b1 r2 g2 */
	out[2] = op_permute(op_permute(b, rg_high, 0x0762), b, 0x7210);      /* b2 r3 g3 b3 */
}

TILE_INLINE void tile_put_joined(const struct tile_plan *plan, uint32_t type, const struct tile_rgb8 *rgb, uint8_t *out)
{
	float numbers[3][TILE_PIXELS], joined[3 * TILE_PIXELS];
	if (type == IC_UINT8) {
		uint32_t words[6];
		tile_join4(rgb->c[0][0], rgb->c[1][0], rgb->c[2][0], words);
		tile_join4(rgb->c[0][1], rgb->c[1][1], rgb->c[2][1], words + 3);
		TILE_UNROLL
		for (unsigned i = 0; i < 6; i += 2)
			op_store8(out + 4 * i, words[i], words[i + 1]);
		return;
	}
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++)
		tile_numbers8(plan, c, rgb->c[c], numbers[c]);
	TILE_UNROLL
	for (unsigned i = 0; i < 3 * TILE_PIXELS; i++)
		joined[i] = numbers[i % 3][i / 3];
	tile_put_numbers(type, joined, 3 * TILE_PIXELS, out);
}

/* Value by value: the first `own` of n pixels are the image's, what follows is padding. */
TILE_INLINE void tile_put_some(const struct tile_plan *plan, const struct tile_rgb8 *rgb, uint32_t own, uint32_t n,
                               uint32_t pixel_nbytes, uint8_t *out)
{
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++) {
		TILE_UNROLL
		for (unsigned i = 0; i < TILE_PIXELS; i++) {
			if (i >= n)
				continue;
			uint8_t *to = out + c * plan->channel_nbytes + i * pixel_nbytes;
			uint32_t byte = rgb->c[c][i / 4] >> 8 * (i % 4) & 0xff;
			if (i >= own)
				tile_put_pad(plan, to);
			else if (plan->type == IC_UINT8)
				*to = (uint8_t)byte;
			else
				tile_put_number(plan->type,
				                op_normalize((float)byte, plan->rgb_mean[c], plan->rgb_scale[c]), to);
		}
	}
}

TILE_INLINE void tile_put_all(const struct tile_plan *plan, uint32_t type, const struct tile_rgb8 *rgb, uint8_t *out)
{
	if (plan->axes == IC_NHWC)
		tile_put_joined(plan, type, rgb, out);
	else
		tile_put_apart(plan, type, rgb, out);
}

/* --- Step 4 -------------------------------------------------------------------------------------------------------- */

/* Pixels [x, x + n) of row y of the tile, whose first one's place is `out`. */
TILE_INLINE void tile_put_pixels(const struct tile_plan *plan, unsigned block, const struct tile_head *head, uint32_t x,
                                 uint32_t y, uint32_t n, const uint8_t *shared, uint8_t *out)
{
	uint32_t pixel_nbytes = plan->value_nbytes * (plan->axes == IC_NHWC ? 3 : 1);
	uint32_t own = y < head->own_height && x < head->own_width ? tile_least(n, head->own_width - x) : 0;
	struct tile_rgb8 rgb = {{{0, 0}, {0, 0}, {0, 0}}};
	out += (uint64_t)(y * plan->width + x) * pixel_nbytes;
	if (own) {
		uint32_t first = head->is_flipped ? head->own_width - x - own : x;
		rgb = tile_colors(plan, block, head, head->from_x + first, head->from_y + y, shared);
		if (head->is_flipped)
			rgb = tile_mirrored(rgb, own);
	}
	if (own < TILE_PIXELS || !plan->is_aligned)
		tile_put_some(plan, &rgb, own, n, pixel_nbytes, out);
	else if (plan->type == IC_UINT8)
		tile_put_all(plan, IC_UINT8, &rgb, out);
	else if (plan->type == IC_FLOAT16)
		tile_put_all(plan, IC_FLOAT16, &rgb, out);
	else if (plan->type == IC_FLOAT32)
		tile_put_all(plan, IC_FLOAT32, &rgb, out);
	else
		tile_put_all(plan, IC_BFLOAT16, &rgb, out);
}

TILE_INLINE void tile_pixels(const struct tile_plan *plan, unsigned block, uint32_t thread, uint8_t *shared,
                             uint8_t *out)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	uint32_t across = plan->tile_width / TILE_PIXELS, nitems = across * head->out_height;
	uint32_t pixel_nbytes = plan->value_nbytes * (plan->axes == IC_NHWC ? 3 : 1);
	out += ((uint64_t)head->out_y * plan->width + head->out_x) * pixel_nbytes;
	for (uint32_t item = thread; item < nitems; item += TILE_THREADS) {
		uint32_t y = tile_quotient(item, plan->across_inverse), x = (item - y * across) * TILE_PIXELS;
		if (x < head->out_width)
			tile_put_pixels(plan, block, head, x, y, tile_least(TILE_PIXELS, head->out_width - x), shared,
			                out);
	}
}

/* Of an image that is not there. */
TILE_INLINE void tile_zero_pixels(const struct tile_plan *plan, uint32_t tile, uint32_t thread, uint8_t *out)
{
	uint64_t nbytes = (uint64_t)plan->width * plan->height * 3 * plan->value_nbytes;
	uint64_t ntiles = (uint64_t)plan->tiles_across * plan->tiles_down;
	for (uint64_t i = (uint64_t)tile * TILE_THREADS + thread; i < nbytes; i += ntiles * TILE_THREADS)
		out[i] = 0;
}
