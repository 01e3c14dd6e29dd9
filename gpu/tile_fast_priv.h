/* SPDX-License-Identifier: MIT */
/*
 * tile_fast_priv.h: the inverse transform of blocks of 8 whose codes are bytes, fast and not exact (IC_GPU_FAST_DCT): one
 * product on matrix units, which multiply half precision and add up in single. Codes come straight from the object, and samples
 * go to shared memory: no column lies there between, and no sum is rounded to whole numbers.
 *
 * A sample is the sum, over frequencies, of the coefficient and of what the frequency is at the sample's place: of 16 places
 * and 16 frequencies at a time, the basis, by 16 frequencies of 8 blocks. As many frequencies are multiplied as are kept,
 * rounded up. Coefficients times 2^-16 and the basis times 2^16 are rounded to the 11 bits of half precision, by 2^-11 of
 * themselves at the most; the basis of the mean is exact.
 *
 * What a warp makes at a time, a unit, are the blocks of eight columns, four words of codes each: of luma eight groups of four
 * blocks, of chroma Cb and Cr of four groups, in turns. Where lanes keep what: PTX ISA, "Matrix Fragments for mma.m16n8k16",
 * types of 16 bits. Lane l loads the words of column l / 4. Of columns 2 * (l % 4) and the next it gets row l / 4 of each
 * block: places of product m are samples 2m of all eight rows, and then 2m + 1.
 */
#pragma once

#include "tile_lines_priv.h"

#define TILE_FAST_DEEP 16u /* frequencies of a product */
#define TILE_FAST_TALL 4u  /* products, one below another, for all places of a block */

/* Products for all frequencies that are kept. */
#define TILE_FAST_STEPS_MAX 4u
TILE_INLINE uint32_t tile_fast_steps(uint32_t nfreqs)
{
	return (nfreqs + TILE_FAST_DEEP - 1) / TILE_FAST_DEEP;
}

/* Where a column's codes are, the word of the plane of the first frequency; how they become coefficients; and which bytes of
 * two words its first two blocks are, and its others: the order is one in which lanes that store use different banks. */
struct tile_fast_column {
	const uint8_t *codes, *table;
	uint32_t first, second;
};

/* Words of a lane: of each product frequencies 2k, 2k + 1, 2k + 8 and 2k + 9, k being l % 4. */
TILE_INLINE void tile_fast_load(const struct tile_plan *plan, const struct tile_image *image, unsigned nsteps,
                                uint32_t lane, const struct tile_fast_column *column, bool is_words, uint32_t *words)
{
	TILE_UNROLL
	for (unsigned i = 0; i < 4 * nsteps; i++) {
		uint32_t f = i / 4 * TILE_FAST_DEEP + i / 2 % 2 * 8 + i % 2 + lane % 4 * 2;
		if (i / 4 + 1 == nsteps)
			f = tile_least(f, plan->nfreqs - 1);
		const uint8_t *from = column->codes + (uint64_t)f * image->stride;
		words[i] = is_words ? op_load4_global(from) : tile_codes(from, 0);
	}
}

/* Coefficients of the four blocks of a lane's column. */
TILE_INLINE void tile_fast_coefficients(unsigned nsteps, uint32_t lane, const struct tile_fast_column *column,
                                        const uint32_t *words, uint32_t (*out)[TILE_FAST_STEPS_MAX][2])
{
	TILE_UNROLL
	for (unsigned i = 0; i < 2 * nsteps; i++) {
		uint32_t pair = i / 2 * (TILE_FAST_DEEP / 2) + i % 2 * 4 + lane % 4, by[2];
		uint32_t first = op_permute(words[2 * i], words[2 * i + 1], column->first) ^ 0x80808080u;
		uint32_t second = op_permute(words[2 * i], words[2 * i + 1], column->second) ^ 0x80808080u;
		op_load8(column->table + 8 * pair, by);
		out[0][i / 2][i % 2] = tile_fast_pair(op_permute(first, 0, 0x4140), by[0], by[1]);
		out[1][i / 2][i % 2] = tile_fast_pair(op_permute(first, 0, 0x4342), by[0], by[1]);
		out[2][i / 2][i % 2] = tile_fast_pair(op_permute(second, 0, 0x4140), by[0], by[1]);
		out[3][i / 2][i % 2] = tile_fast_pair(op_permute(second, 0, 0x4342), by[0], by[1]);
	}
}

/* Of a lane, of each of four blocks, four of the samples of the row that it has of them, two a word: of luma of two columns,
 * of chroma Cb and Cr, less 128. */
struct tile_fast_samples4 {
	uint32_t luma[2][4][2];
	uint32_t chroma[4][4];
};

/* Sums of a product: of a block those of two columns, of samples 2m and then 2m + 1; m modulo 2. */
TILE_INLINE void tile_fast_take(unsigned m, unsigned block, uint32_t is_chroma, const float *sums,
                                struct tile_fast_samples4 *out)
{
	if (is_chroma) {
		out->chroma[block][2 * m] = tile_fast_chroma(sums[0], sums[1]);
		out->chroma[block][2 * m + 1] = tile_fast_chroma(sums[2], sums[3]);
	} else {
		out->luma[0][block][m] = tile_fast_samples(sums[0], sums[2]);
		out->luma[1][block][m] = tile_fast_samples(sums[1], sums[3]);
	}
}

/* Product m of the four blocks of all columns. */
TILE_INLINE void tile_fast_product(const struct tile_plan *plan, unsigned nsteps, uint32_t thread, uint32_t is_chroma,
                                   unsigned m, uint32_t (*coefficients)[TILE_FAST_STEPS_MAX][TILE_SPMD][2],
                                   struct tile_fast_samples4 *out)
{
	float sums[4][TILE_SPMD][4];
	TILE_UNROLL
	for (unsigned block = 0; block < 4; block++)
		tile_zero_sums(sums[block]);
	TILE_UNROLL
	for (unsigned s = 0; s < nsteps; s++) {
		uint32_t basis[TILE_SPMD][4];
		TILE_EACH_LANE(l)
		op_load16_global(plan->basis + 4 * ((m * nsteps + s) * TILE_LANES + (thread + l) % TILE_LANES),
		                 basis[l]);
		TILE_UNROLL
		for (unsigned block = 0; block < 4; block++)
			op_multiply_halves(basis, coefficients[block][s], sums[block]);
	}
	TILE_EACH_LANE(l)
	{
		TILE_UNROLL
		for (unsigned block = 0; block < 4; block++)
			tile_fast_take(m % 2, block, is_chroma, sums[block][l], &out[l]);
	}
}

/* Samples 4 * part and the next three of row `row`, counted from the tile's first, of the four blocks of a group. */
TILE_INLINE void tile_fast_store_luma(const struct tile_plan *plan, const struct tile_rows *rows, int32_t row,
                                      uint32_t group, unsigned part, uint32_t (*blocks)[2], uint8_t *shared)
{
	uint32_t slot = tile_slot(row, plan->tile_height, rows->parity);
	uint32_t at = slot * plan->room.luma_stride + 8 * TILE_GROUP * group + 4 * part;
	uint8_t *out = shared + plan->room.luma + 2 * at;
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++)
		op_store8(out + 16 * i, blocks[i][0], blocks[i][1]);
}

/* With the samples left of the first and right of the last one of a row, which are those. */
TILE_INLINE void tile_fast_store_chroma(const struct tile_plan *plan, const struct tile_span *span,
                                        const struct tile_rows *rows, int32_t row, uint32_t group, unsigned part,
                                        uint32_t order, uint32_t (*blocks)[4], uint8_t *shared)
{
	uint32_t slot = tile_chroma_slot(plan, rows, row), x = 8 * TILE_GROUP * group;
	uint8_t *out = shared + plan->room.chroma + 4 * (slot * plan->room.chroma_stride + TILE_LEAD + x);
	uint32_t left = 8 * span->first_col + x, ends = span->width - left; /* of the group, the one behind the last */
	TILE_UNROLL
	for (unsigned i = 0; i < 4; i++) {
		uint32_t own = 8 * (i ^ order) + 4 * part;
		if (left + own < span->width)
			op_store16(out + 4 * own, blocks[i][0], blocks[i][1], blocks[i][2], blocks[i][3]);
	}
	if (part == 0) /* the others are to come */
		return;
	if (left == 0)
		op_store4(out - 4, op_load4(out));
	if (left < span->width && ends <= 8 * TILE_GROUP)
		op_store4(out + 4 * ends, op_load4(out + 4 * ends - 4));
}

/* A group of four blocks of those that are counted for a tile's rows of a component; if there is none, the first. */
struct tile_fast_group {
	uint32_t block_row, group, is_there;
};

TILE_INLINE struct tile_fast_group tile_fast_group_of(const struct tile_span *span, uint32_t nslots, uint32_t slot)
{
	struct tile_fast_group own = {slot >> span->across_log2, 0, 0};
	own.group = slot - (own.block_row << span->across_log2);
	own.is_there = slot < nslots && own.group < span->across;
	if (!own.is_there)
		own.block_row = own.group = 0;
	return own;
}

/* Where a warp works: one unit of luma, or of both components of chroma. */
struct tile_fast_work {
	const struct tile_span *span;
	const struct tile_rows *rows;
	uint32_t is_chroma, is_words; /* words of codes lie at multiples of 4 */
	uint32_t nslots, first_slot;  /* groups that are counted, and the unit's first one */
};

/* Whose groups of a unit columns c are: every second one of luma's the same of the first four, then those of the others. */
TILE_INLINE struct tile_fast_group tile_fast_group_at(const struct tile_fast_work *w, uint32_t column)
{
	uint32_t own = w->is_chroma ? column / 2 : column % 2 * 4 + column / 2;
	return tile_fast_group_of(w->span, w->nslots, w->first_slot + own);
}

TILE_INLINE struct tile_fast_column tile_fast_column_of(const struct tile_plan *plan, const struct tile_strip *strip,
                                                        const struct tile_fast_work *w, uint32_t lane,
                                                        const uint8_t *shared)
{
	uint32_t number = lane / 4, component = w->is_chroma ? 1 + number % 2 : 0;
	uint32_t order = w->is_chroma ? number / 2 * 0x1111u : 0; /* block i of chroma comes as block i ^ order */
	struct tile_fast_group own = tile_fast_group_at(w, number);
	struct tile_fast_column column = {strip->planes[component] + w->rows->byte +
	                                          own.block_row * (w->span->nbits_row / 8) + TILE_GROUP * own.group,
	                                  shared + plan->room.dequants + component * (4 * TILE_PLACES(8)),
	                                  0x5140u ^ order, 0x7362u ^ order};
	return column;
}

/* What a lane has, where it is wanted. */
TILE_INLINE void tile_fast_store(const struct tile_plan *plan, const struct tile_fast_work *w, uint32_t lane,
                                 unsigned part, struct tile_fast_samples4 *samples, uint8_t *shared)
{
	TILE_UNROLL
	for (unsigned i = 0; i < (w->is_chroma ? 1u : 2u); i++) {
		struct tile_fast_group own = tile_fast_group_at(w, lane % 4 * 2 + i);
		int32_t row = w->rows->first + (int32_t)(8 * own.block_row + lane / 4);
		if (!own.is_there || (uint32_t)(row - w->rows->from) >= w->rows->nrows)
			continue;
		if (w->is_chroma)
			tile_fast_store_chroma(plan, w->span, w->rows, row, own.group, part, lane % 4, samples->chroma,
			                       shared);
		else
			tile_fast_store_luma(plan, w->rows, row, own.group, part, samples->luma[i], shared);
	}
}

TILE_INLINE void tile_fast_unit8(const struct tile_plan *plan, const struct tile_image *image, unsigned nsteps,
                                 const struct tile_strip *strip, const struct tile_fast_work *w, uint32_t thread,
                                 uint8_t *shared)
{
	uint32_t coefficients[4][TILE_FAST_STEPS_MAX][TILE_SPMD][2];
	struct tile_fast_samples4 samples[TILE_SPMD];
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES, words[4 * TILE_FAST_STEPS_MAX];
		uint32_t own[4][TILE_FAST_STEPS_MAX][2];
		struct tile_fast_column column = tile_fast_column_of(plan, strip, w, lane, shared);
		if (w->is_words)
			tile_fast_load(plan, image, nsteps, lane, &column, true, words);
		else
			tile_fast_load(plan, image, nsteps, lane, &column, false, words);
		tile_fast_coefficients(nsteps, lane, &column, words, own);
		TILE_UNROLL
		for (unsigned i = 0; i < 8 * nsteps; i++)
			coefficients[i % 4][i / 8][l][i / 4 % 2] = own[i % 4][i / 8][i / 4 % 2];
	}
	TILE_UNROLL
	for (unsigned m = 0; m < TILE_FAST_TALL; m++) {
		tile_fast_product(plan, nsteps, thread, w->is_chroma, m, coefficients, samples);
		TILE_EACH_LANE(l)
		{
			if (m % 2)
				tile_fast_store(plan, w, (thread + l) % TILE_LANES, m / 2, &samples[l], shared);
		}
	}
}

/* Units of luma, or of both components of chroma. `thread` is the first of TILE_SPMD. Warps go on with what comes next where
 * those of the work before end: returns the warp for that. */
TILE_INLINE uint32_t tile_fast_units(const struct tile_plan *plan, const struct tile_image *image, unsigned nsteps,
                                     const struct tile_strip *strip, const struct tile_rows *rows, uint32_t is_chroma,
                                     uint32_t warp, uint32_t thread, uint8_t *shared)
{
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, each_log2 = is_chroma ? 2 : 3; /* groups of a unit */
	struct tile_fast_work w = {
	        .span = is_chroma ? &strip->chroma : &strip->luma, .rows = rows, .is_chroma = is_chroma};
	w.nslots = rows->nblock_rows << w.span->across_log2;
	w.is_words =
	        image->component[is_chroma].is_words && w.span->first_col % TILE_GROUP == 0; /* of Cr where of Cb */
	uint32_t nunits = (w.nslots + (1u << each_log2) - 1) >> each_log2;
	for (uint32_t unit = warp; unit < nunits; unit += nwarps) {
		w.first_slot = unit << each_log2;
		tile_fast_unit8(plan, image, nsteps, strip, &w, thread, shared);
	}
	return (warp - nunits) % nwarps;
}

TILE_INLINE void tile_fast_of(const struct tile_plan *plan, const struct tile_image *image, unsigned nsteps,
                              const struct tile_strip *strip, const struct tile_tile *tile, uint32_t thread,
                              uint8_t *shared)
{
	uint32_t warp =
	        tile_fast_units(plan, image, nsteps, strip, &tile->luma, 0, thread / TILE_LANES, thread, shared);
	if (!strip->is_gray)
		tile_fast_units(plan, image, nsteps, strip, &tile->chroma, 1, warp, thread, shared);
}

/* `thread` is the first of TILE_SPMD. */
TILE_INLINE void tile_fast(const struct tile_plan *plan, const struct tile_image *image, uint32_t index,
                           uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	uint32_t nsteps = tile_fast_steps(plan->nfreqs);
	if (strip->is_empty)
		return;
	if (nsteps == 1)
		tile_fast_of(plan, image, 1, strip, tile, thread, shared);
	else if (nsteps == 2)
		tile_fast_of(plan, image, 2, strip, tile, thread, shared);
	else if (nsteps == 3)
		tile_fast_of(plan, image, 3, strip, tile, thread, shared);
	else
		tile_fast_of(plan, image, 4, strip, tile, thread, shared);
}
