/* SPDX-License-Identifier: MIT */
/*
 * tile_pixels_priv.h: from the samples of a tile to its pixels, in the type and the order of axes that the batch wants: the
 * third and last step. A thread takes eight pixels of a row of the output.
 */
#pragma once

#include "tile_fast_colors_priv.h"

/* Turn the order of the first n of eight pixels. */
TILE_INLINE struct tile_rgb8 tile_mirrored(const struct tile_rgb8 *in, uint32_t n)
{
	struct tile_rgb8 out;
	/* Eight turned, of which the last n are those that are wanted: n is at least 1. */
	uint32_t shift = 8 * (TILE_PIXELS - n);
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++) {
		struct tile_bytes bytes = tile_bytes_of(&in->c[c]);
		uint32_t low = op_permute(bytes.high, 0, 0x0123), high = op_permute(bytes.low, 0, 0x0123);
		bytes.low = shift >= 32 ? high >> (shift - 32) : op_funnel(low, high, shift);
		bytes.high = shift >= 32 ? 0 : high >> shift;
		out.c[c] = tile_pairs_of(bytes);
	}
	return out;
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

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

/* Eight values of a channel, as numbers: each is a byte times 2^-24 first, which is what its 16 bits say in
 * binary16. */
TILE_INLINE void tile_numbers8(const struct tile_plan *plan, bool is_fused, unsigned c, const struct tile_pairs *pairs,
                               float *out)
{
	float mean = plan->rgb_mean[c], scale = plan->rgb_scale[c], tiny_scale = plan->rgb_tiny_scale[c],
	      offset = plan->rgb_offset[c];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_PIXELS; i++) {
		float tiny = i % 2 ? op_tiny_high(pairs->pair[i / 2]) : op_tiny_low(pairs->pair[i / 2]);
		out[i] = is_fused ? op_fused(tiny, tiny_scale, offset)
		                  : op_product(op_fused(tiny, 0x1p24f, 0.0f - mean), scale);
	}
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

/* Channels apart: eight pixels whose place is `out` in the first channel. `type` and `is_fused` are constants where
 * this is called. */
TILE_INLINE void tile_put_apart(const struct tile_plan *plan, uint32_t type, bool is_fused, const struct tile_rgb8 *rgb,
                                uint8_t *out)
{
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++, out += plan->channel_nbytes) {
		float numbers[TILE_PIXELS];
		if (type == IC_UINT8) {
			struct tile_bytes bytes = tile_bytes_of(&rgb->c[c]);
			op_store8(out, bytes.low, bytes.high);
			continue;
		}
		tile_numbers8(plan, is_fused, c, &rgb->c[c], numbers);
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

TILE_INLINE void tile_put_joined(const struct tile_plan *plan, uint32_t type, bool is_fused,
                                 const struct tile_rgb8 *rgb, uint8_t *out)
{
	float numbers[3][TILE_PIXELS], joined[3 * TILE_PIXELS];
	if (type == IC_UINT8) {
		struct tile_bytes r = tile_bytes_of(&rgb->c[0]), g = tile_bytes_of(&rgb->c[1]);
		struct tile_bytes b = tile_bytes_of(&rgb->c[2]);
		uint32_t words[6];
		tile_join4(r.low, g.low, b.low, words);
		tile_join4(r.high, g.high, b.high, words + 3);
		TILE_UNROLL
		for (unsigned i = 0; i < 6; i += 2)
			op_store8(out + 4 * i, words[i], words[i + 1]);
		return;
	}
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++)
		tile_numbers8(plan, is_fused, c, &rgb->c[c], numbers[c]);
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
		struct tile_bytes bytes = tile_bytes_of(&rgb->c[c]);
		TILE_LOOP
		for (unsigned i = 0; i < n; i++) {
			uint8_t *to = out + c * plan->channel_nbytes + i * pixel_nbytes;
			uint32_t byte = (i < 4 ? bytes.low : bytes.high) >> 8 * (i % 4) & 0xff;
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

TILE_INLINE void tile_put_all(const struct tile_plan *plan, uint32_t type, bool is_fused, const struct tile_rgb8 *rgb,
                              uint8_t *out)
{
	if (plan->axes == IC_NHWC)
		tile_put_joined(plan, type, is_fused, rgb, out);
	else
		tile_put_apart(plan, type, is_fused, rgb, out);
}

/* --- Rows of pixels ----------------------------------------------------------------------------------------------- */

/* Eight columns of a tile's output, and where the samples that show there are: of luma, in the tile's first row. */
struct tile_eight {
	uint32_t x, n, own; /* n columns, of which the first `own` show the image, where its rows do */
	uint32_t luma, chroma;
	uint32_t is_odd; /* the first is the second of two that a sample of chroma stands for */
	uint32_t pixel_nbytes;
};

TILE_INLINE struct tile_eight tile_eight_at(const struct tile_plan *plan, const struct tile_strip *strip,
                                            unsigned block, uint32_t x)
{
	struct tile_eight e;
	e.x = x;
	e.n = tile_least(TILE_PIXELS, strip->out_width - x);
	e.own = x < strip->own_width ? tile_least(e.n, strip->own_width - x) : 0;
	uint32_t from_x = strip->from_x + (strip->is_flipped ? strip->own_width - x - e.own : x);
	uint32_t left = strip->chroma.first_col * block;
	e.luma = from_x - strip->luma.first_col * block;
	e.chroma = TILE_LEAD + (plan->is_half ? from_x / 2 - 1 : from_x) - left;
	e.is_odd = plan->is_half & from_x & 1;
	e.pixel_nbytes = plan->value_nbytes * (plan->axes == IC_NHWC ? 3 : 1);
	return e;
}

/* Eight pixels of a row whose place is `out`, in vectors. */
TILE_INLINE void tile_put_eight_pixels(const struct tile_plan *plan, const struct tile_rgb8 *rgb, uint8_t *out)
{
	if (plan->type == IC_UINT8)
		tile_put_all(plan, IC_UINT8, false, rgb, out);
	else if (plan->type == IC_FLOAT32)
		tile_put_all(plan, IC_FLOAT32, false, rgb, out);
	else if (plan->type == IC_FLOAT16 && plan->is_fused)
		tile_put_all(plan, IC_FLOAT16, true, rgb, out);
	else if (plan->type == IC_FLOAT16)
		tile_put_all(plan, IC_FLOAT16, false, rgb, out);
	else if (plan->is_fused)
		tile_put_all(plan, IC_BFLOAT16, true, rgb, out);
	else
		tile_put_all(plan, IC_BFLOAT16, false, rgb, out);
}

/* Row y of the output, whose colours are `rgb`, or nothing, and whose place is `out`. */
TILE_INLINE void tile_put_row(const struct tile_plan *plan, const struct tile_strip *strip, const struct tile_eight *e,
                              uint32_t y, struct tile_rgb8 *rgb, uint8_t *out)
{
	uint32_t own = y < strip->own_height ? e->own : 0;
	if (!own && plan->has_no_padding)
		return;
	if (strip->is_flipped && own)
		*rgb = tile_mirrored(rgb, own);
	if (own < TILE_PIXELS || !plan->is_aligned)
		tile_put_some(plan, rgb, own, e->n, e->pixel_nbytes, out);
	else
		tile_put_eight_pixels(plan, rgb, out);
}

/* Of two rows. */
struct tile_chroma8x2 {
	struct tile_chroma8 row[2];
};

/* Rows y and y + 1 of the output, where they are the image's. is_plain: chroma is halved in both directions and
 * filtered, and the first pixel is the first over its sample, which lies at a multiple of 16. */
TILE_INLINE struct tile_chroma8x2 tile_chroma_rows(const struct tile_plan *plan, const struct tile_strip *strip,
                                                   const struct tile_tile *tile, const struct tile_eight *e, int32_t y,
                                                   bool is_fast, bool is_plain, const uint8_t *shared)
{
	struct tile_chroma8x2 chroma;
	uint32_t stride = 4 * plan->room.chroma_stride, a, b;
	const uint8_t *samples = shared + plan->room.chroma + 4 * e->chroma;
	if (!is_plain && !plan->is_half) {
		a = (uint32_t)(y - tile->base);
		uint32_t end = tile_least((uint32_t)tile->end, strip->own_height);
		b = tile_least((uint32_t)(y + 1), end - 1) - (uint32_t)tile->base;
		chroma.row[0] = tile_eight_of_chroma(samples + a * stride);
		chroma.row[1] = tile_eight_of_chroma(samples + b * stride);
		return chroma;
	}
	/* Rows 2j + 1 and 2j + 2 of the image lie over rows j and j + 1 of halved chroma, of which either may be the
	 * other where there is no such row. j is -1 above the image. */
	int32_t j = ((int32_t)strip->from_y + y) >> 1, base = ((int32_t)strip->from_y + tile->base) >> 1;
	int32_t below_row = (int32_t)tile_least((uint32_t)(j + 1), strip->chroma.height - 1);
	a = tile_chroma_slot(plan, &tile->chroma, (j < 0 ? 0 : j) - base);
	b = tile_chroma_slot(plan, &tile->chroma, below_row - base);
	struct tile_six above = tile_six_at(samples + a * stride, is_plain);
	struct tile_six below = tile_six_at(samples + b * stride, is_plain);
	uint32_t is_odd = is_plain ? 0 : e->is_odd;
	if (!is_plain && strip->chroma.width < 3) {
		chroma.row[0] = is_fast ? tile_fast_repeat(&above, is_odd) : tile_repeat(&above, is_odd);
		chroma.row[1] = is_fast ? tile_fast_repeat(&below, is_odd) : tile_repeat(&below, is_odd);
	} else if (is_fast) {
		chroma.row[0] = tile_fast_triangle(&above, &below, is_odd);
		chroma.row[1] = tile_fast_triangle(&below, &above, is_odd);
	} else {
		struct tile_six first = tile_vertical(&above, &below), second = tile_vertical(&below, &above);
		chroma.row[0] = tile_triangle(&first, is_odd);
		chroma.row[1] = tile_triangle(&second, is_odd);
	}
	return chroma;
}

TILE_INLINE struct tile_bytes tile_luma_at(const uint8_t *from, bool is_plain)
{
	uint32_t words[2];
	if (!is_plain)
		return tile_bytes_at(from);
	op_load8(from, words);
	struct tile_bytes bytes = {words[0], words[1]};
	return bytes;
}

/* Colours of eight pixels, whose luma is sample `at` and the next ones. No chroma: gray. */
TILE_INLINE struct tile_rgb8 tile_rgb8_at(const struct tile_plan *plan, bool is_fast, bool is_plain, uint32_t at,
                                          const struct tile_chroma8 *chroma, const uint8_t *shared)
{
	const uint8_t *from = shared + plan->room.luma + (is_fast ? 2 : 1) * at;
	if (is_fast) {
		struct tile_pairs luma = tile_fast_luma_at(from, is_plain);
		return chroma ? tile_fast_colors(&luma, chroma, plan->is_half) : tile_fast_grays(&luma);
	}
	struct tile_bytes luma = tile_luma_at(from, is_plain);
	return chroma ? tile_colors(luma, chroma) : tile_grays(luma);
}

/* As tile_put_row, of shares that become half precision. */
TILE_INLINE void tile_fast_put_row(const struct tile_plan *plan, const struct tile_strip *strip,
                                   const struct tile_eight *e, uint32_t y, const struct tile_rgb8 *shares, uint8_t *out)
{
	uint32_t own = y < strip->own_height ? e->own : 0;
	struct tile_rgb8 numbers = tile_fast_numbers(plan, shares);
	if (own == TILE_PIXELS && plan->is_aligned) {
		if (strip->is_flipped)
			numbers = tile_fast_mirrored(&numbers);
		if (plan->axes == IC_NHWC)
			tile_fast_put_joined(&numbers, out);
		else
			tile_fast_put_apart(plan, &numbers, out);
		return;
	}
	tile_fast_put_some(plan, &numbers, own, strip->is_flipped, e->pixel_nbytes, out);
	for (uint32_t i = own; i < e->n; i++) {
		for (unsigned c = 0; c < 3; c++)
			tile_put_pad(plan, out + c * plan->channel_nbytes + i * e->pixel_nbytes);
	}
}

/* What is known of a thread's pixels where its loop over rows begins: of plain ones, that all of the tile is the image's, as
 * it lies, in colour, its samples take vectors, and so does the output; and of usual ones, what they become, too. */
enum {
	TILE_ANY,
	TILE_PLAIN,
	TILE_USUAL, /* half precision, fused or fast, channels apart */
};

/* Rows y and y + 1 of the output, where they are made with the tile; `out` is the place of the first. */
TILE_INLINE void tile_put_two(const struct tile_plan *plan, const struct tile_strip *strip,
                              const struct tile_tile *tile, const struct tile_eight *e, int32_t y, bool is_fast,
                              unsigned known, const uint8_t *shared, uint8_t *out)
{
	struct tile_chroma8x2 chroma;
	const bool is_plain = known != TILE_ANY;
	bool is_own = is_plain || (e->own && (uint32_t)(y < 0 ? 0 : y) < strip->own_height);
	bool is_gray = !is_plain && strip->is_gray;
	if (is_own && !is_gray)
		chroma = tile_chroma_rows(plan, strip, tile, e, y, is_fast, is_plain, shared);
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++, out += (uint64_t)plan->width * e->pixel_nbytes) {
		int32_t row = y + (int32_t)i;
		struct tile_rgb8 rgb = {{{{0, 0, 0, 0}}, {{0, 0, 0, 0}}, {{0, 0, 0, 0}}}};
		if (row < tile->y || row >= tile->end)
			continue;
		if (is_plain || (is_own && (uint32_t)row < strip->own_height)) {
			uint32_t slot = tile_slot(row - tile->base, plan->tile_height, tile->luma.parity);
			rgb = tile_rgb8_at(plan, is_fast, is_plain, slot * plan->room.luma_stride + e->luma,
			                   is_gray ? NULL : &chroma.row[i], shared);
		}
		if (is_fast && known == TILE_USUAL) {
			rgb = tile_fast_numbers(plan, &rgb);
			tile_fast_put_apart(plan, &rgb, out);
			continue;
		}
		if (is_fast && plan->type == IC_FLOAT16) {
			tile_fast_put_row(plan, strip, e, (uint32_t)row, &rgb, out);
			continue;
		}
		if (is_fast)
			rgb = tile_fast_bytes(&rgb);
		if (known == TILE_USUAL)
			tile_put_apart(plan, IC_FLOAT16, true, &rgb, out);
		else if (is_plain)
			tile_put_eight_pixels(plan, &rgb, out);
		else
			tile_put_row(plan, strip, e, (uint32_t)row, &rgb, out);
	}
}

/* Whether eight columns of a tile are plain. */
TILE_INLINE bool tile_is_all_plain(const struct tile_plan *plan, const struct tile_strip *strip,
                                   const struct tile_tile *tile, const struct tile_eight *e)
{
	return e->own == TILE_PIXELS && tile->end <= (int32_t)strip->own_height && plan->is_aligned &&
	       !strip->is_flipped && !strip->is_gray && plan->is_half && !e->is_odd && e->luma % 8 == 0 &&
	       e->chroma % 4 == 3 && strip->chroma.width >= 3;
}

/* A thread's pixels: eight columns, and of these every so many pairs of rows. A pair begins in an odd row of the
 * image. */
TILE_INLINE void tile_pixels(const struct tile_plan *plan, unsigned block, bool is_fast, uint32_t index,
                             uint32_t thread, uint8_t *shared, uint8_t *out)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	uint32_t across = plan->tile_width / TILE_PIXELS, pair = tile_divide(thread, plan->by_across);
	uint32_t x = (thread - pair * across) * TILE_PIXELS;
	if (pair >= plan->pairs_at_once || x >= strip->out_width)
		return;
	struct tile_eight e = tile_eight_at(plan, strip, block, x);
	uint32_t is_even = plan->is_half & ~(strip->from_y + (uint32_t)tile->y) & 1;
	int32_t y = tile->y + (int32_t)(2 * pair) - (int32_t)is_even;
	int32_t step = (int32_t)(2 * plan->pairs_at_once), end = tile->end;
	out += ((int64_t)y * plan->width + strip->out_x + x) * e.pixel_nbytes;
	uint64_t out_step = (uint64_t)plan->width * e.pixel_nbytes * (uint32_t)step;
	bool is_usual = plan->type == IC_FLOAT16 && (is_fast || plan->is_fused) && plan->axes == IC_NCHW;
	if (!tile_is_all_plain(plan, strip, tile, &e)) {
		for (; y < end; y += step, out += out_step)
			tile_put_two(plan, strip, tile, &e, y, is_fast, TILE_ANY, shared, out);
	} else if (!is_usual) {
		for (; y < end; y += step, out += out_step)
			tile_put_two(plan, strip, tile, &e, y, is_fast, TILE_PLAIN, shared, out);
	} else {
		for (; y < end; y += step, out += out_step)
			tile_put_two(plan, strip, tile, &e, y, is_fast, TILE_USUAL, shared, out);
	}
}

/* Of an image that is not there. */
TILE_INLINE void tile_zero_pixels(const struct tile_plan *plan, uint32_t strip, uint32_t thread, uint8_t *out)
{
	uint64_t nbytes = (uint64_t)plan->width * plan->height * 3 * plan->value_nbytes;
	uint64_t nstrips = (uint64_t)plan->tiles_across * plan->strips_down;
	for (uint64_t i = (uint64_t)strip * TILE_THREADS + thread; i < nbytes; i += nstrips * TILE_THREADS)
		out[i] = 0;
}
