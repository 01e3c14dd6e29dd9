/* SPDX-License-Identifier: MIT */
/*
 * scale_priv.h: pixels of another size (IC_FIT_RESIZE), from those that the kernels of pixels made of an image's box: 8
 * bits, a plane a channel. Across first, then down, each in whole numbers and rounded to 8 bits, as the reference does it.
 *
 * Three kernels: pixels (tile_pixels_priv.h) and weights, then means. As there, functions of a thread's number. A thread
 * block of means makes SCALE_COLUMNS x SCALE_ROWS pixels of the output: of a band of rows of the box after the other their
 * means across, in shared memory, and of these what they add to those down. So it takes as much memory for any size.
 */
#pragma once

#include "codec/resize.h"
#include "tile_pixels_priv.h"

#define SCALE_COLUMNS 32u
#define SCALE_ROWS (TILE_THREADS / SCALE_COLUMNS)
#define SCALE_BAND 32u /* rows of the box */

/* Along one axis: `nin` samples of the box become `nall`, of which `nout` from `left` on are the output. */
struct scale_axis {
	uint32_t nin, nall, left, nout;
	uint32_t begin, end; /* samples that the output looks at: what is there of the box */
	uint32_t nwords;     /* of a place (below) */
	uint64_t at;         /* where the first place's are, in the chunk's words */
};

/* One image of a chunk. */
struct scale_image {
	struct scale_axis x, y;
	uint32_t is_there, is_flipped;
};

/*
 * Images that are scaled together, in memory that the next ones get. The box of the i-th one is at pixels + i *
 * image_nbytes, plane after plane, and its rows are `pitch` bytes apart. Of each place of an axis there are words: the
 * first sample, from `begin` on, how many, and their weights.
 */
struct scale_chunk {
	uint32_t first, n;      /* images of the batch */
	uint32_t pitch, height; /* of a plane */
	uint64_t image_nbytes, weights_at, nbytes;
};

#define SCALE_PLACE_WORDS 2u /* before the weights */

TILE_INLINE const uint32_t *scale_place(const struct scale_axis *axis, const uint32_t *words, uint32_t place)
{
	return words + axis->at + (uint64_t)place * axis->nwords;
}

/* Thread blocks of means, of one image. */
RESIZE_INLINE uint32_t scale_tiles_across(const struct tile_plan *plan)
{
	return (plan->width + SCALE_COLUMNS - 1) / SCALE_COLUMNS;
}

RESIZE_INLINE uint32_t scale_ntiles(const struct tile_plan *plan)
{
	return scale_tiles_across(plan) * ((plan->height + SCALE_ROWS - 1) / SCALE_ROWS);
}

/* --- Weights ------------------------------------------------------------------------------------------------------- */

TILE_INLINE void scale_put_place(const struct scale_axis *axis, uint32_t place, uint32_t *words)
{
	struct resize_triangle t = resize_triangle_at(axis->nin, axis->nall, axis->left + place);
	uint32_t *out = words + axis->at + (uint64_t)place * axis->nwords;
	double sum = 0;
	for (uint32_t i = 0; i < t.n; i++)
		sum += resize_height_at(&t, i);
	out[0] = t.first - axis->begin;
	out[1] = t.n;
	for (uint32_t i = 0; i < t.n; i++)
		out[SCALE_PLACE_WORDS + i] = resize_weight(resize_height_at(&t, i), sum);
}

/* Of both axes, place `index` and every `step`th one. */
TILE_INLINE void scale_put_weights(const struct scale_image *image, uint32_t index, uint32_t step, uint32_t *words)
{
	if (!image->is_there)
		return;
	for (; index < image->x.nout + image->y.nout; index += step) {
		bool is_x = index < image->x.nout;
		scale_put_place(is_x ? &image->x : &image->y, is_x ? index : index - image->x.nout, words);
	}
}

/* --- Means --------------------------------------------------------------------------------------------------------- */

/* What a thread of a thread block of means keeps: its pixel's sums, and which rows of the box the block looks at. */
struct scale_state {
	uint32_t x, y; /* of the output, not flipped */
	uint32_t first, end;
	uint32_t sum[3];
};

TILE_INLINE struct scale_state scale_begin(const struct scale_image *image, const uint32_t *words, uint32_t tile,
                                           uint32_t tiles_across, uint32_t thread)
{
	uint32_t down = tile / tiles_across, top = down * SCALE_ROWS;
	const uint32_t *first = scale_place(&image->y, words, top);
	const uint32_t *last = scale_place(&image->y, words, tile_least(top + SCALE_ROWS, image->y.nout) - 1);
	struct scale_state s = {(tile - down * tiles_across) * SCALE_COLUMNS + thread % SCALE_COLUMNS,
	                        top + thread / SCALE_COLUMNS,
	                        first[0],
	                        last[0] + last[1],
	                        {0, 0, 0}};
	return s;
}

/* Weights add up to RESIZE_ONE, give or take half of one each, of at most 2^17. */
TILE_INLINE uint32_t scale_rounded(uint32_t sum)
{
	return tile_least((sum + RESIZE_ONE / 2) >> RESIZE_BITS, 255);
}

/* Means across, of rows `row` to row + SCALE_BAND - 1 of the box, of which some may lie behind s->end: a word each, of three
 * bytes. */
TILE_INLINE void scale_across(const struct scale_chunk *chunk, const struct scale_image *image, const uint8_t *pixels,
                              const uint32_t *words, const struct scale_state *s, uint32_t row, uint32_t thread,
                              uint32_t *band)
{
	uint64_t plane = (uint64_t)chunk->pitch * chunk->height;
	if (s->x >= image->x.nout)
		return;
	const uint32_t *place = scale_place(&image->x, words, s->x);
	uint32_t n = place[1];
	for (uint32_t i = thread / SCALE_COLUMNS; i < SCALE_BAND && row + i < s->end; i += SCALE_ROWS) {
		const uint8_t *from = pixels + (uint64_t)(row + i) * chunk->pitch + place[0];
		uint32_t sum[3] = {0, 0, 0};
		for (uint32_t k = 0; k < n; k++) {
			uint32_t weight = place[SCALE_PLACE_WORDS + k];
			TILE_UNROLL
			for (unsigned c = 0; c < 3; c++)
				sum[c] += weight * from[c * plane + k];
		}
		band[i * SCALE_COLUMNS + thread % SCALE_COLUMNS] =
		        scale_rounded(sum[0]) | scale_rounded(sum[1]) << 8 | scale_rounded(sum[2]) << 16;
	}
}

/* What these add to the thread's pixel. */
TILE_INLINE void scale_down(const struct scale_image *image, const uint32_t *words, uint32_t row, uint32_t thread,
                            const uint32_t *band, struct scale_state *s)
{
	if (s->x >= image->x.nout || s->y >= image->y.nout)
		return;
	const uint32_t *place = scale_place(&image->y, words, s->y);
	uint32_t first = place[0], end = tile_least(first + place[1], row + SCALE_BAND);
	for (uint32_t r = first > row ? first : row; r < end; r++) {
		uint32_t weight = place[SCALE_PLACE_WORDS + r - first];
		uint32_t three = band[(r - row) * SCALE_COLUMNS + thread % SCALE_COLUMNS];
		TILE_UNROLL
		for (unsigned c = 0; c < 3; c++)
			s->sum[c] += weight * (three >> 8 * c & 0xff);
	}
}

/* `plan` says what a pixel becomes; the image's place is `out`. */
TILE_INLINE void scale_put(const struct tile_plan *plan, const struct scale_image *image, const struct scale_state *s,
                           uint8_t *out)
{
	uint32_t pixel_nbytes = plan->value_nbytes * (plan->axes == IC_NHWC ? 3 : 1);
	if (s->x >= image->x.nout || s->y >= image->y.nout)
		return;
	out += ((uint64_t)s->y * plan->width + (image->is_flipped ? image->x.nout - 1 - s->x : s->x)) * pixel_nbytes;
	TILE_UNROLL
	for (unsigned c = 0; c < 3; c++, out += plan->channel_nbytes) {
		uint32_t byte = scale_rounded(s->sum[c]);
		if (plan->type == IC_UINT8)
			*out = (uint8_t)byte;
		else
			tile_put_number(plan->type, op_normalize((float)byte, plan->rgb_mean[c], plan->rgb_scale[c]),
			                out);
	}
}

/* Of an image that is not there. */
TILE_INLINE void scale_zero(const struct tile_plan *plan, uint32_t tile, uint32_t ntiles, uint32_t thread, uint8_t *out)
{
	uint64_t nbytes = (uint64_t)plan->width * plan->height * 3 * plan->value_nbytes;
	for (uint64_t i = (uint64_t)tile * TILE_THREADS + thread; i < nbytes; i += (uint64_t)ntiles * TILE_THREADS)
		out[i] = 0;
}
