/* SPDX-License-Identifier: MIT */
/*
 * tile_samples_priv.h: from the codes of a tile (tile_fetch_priv.h) to its samples, in the memory that its threads
 * share: the second step, after a barrier. tile_transform makes those of blocks of 16, a warp a piece, and of 32, a warp a
 * block (tile_transform_priv.h). Where B is 1 a code is a sample, and tile_samples_of_codes is all. Other blocks:
 * tile_lines_priv.h.
 *
 * A sample of luma is a byte. One of chroma is a word, of Cb in its lower half and of Cr in its upper one.
 */
#pragma once

#include "tile_fetch_priv.h"

/* --- Samples of chroma -------------------------------------------------------------------------------------------- */

/* Samples `col` and the next of a row of chroma, whose place is `out`, where that row may end or begin: the samples
 * left of the first and right of the last one of a row are those. */
TILE_INLINE void tile_put_chroma_edge(uint32_t width, uint32_t col, const uint32_t words[2], uint8_t *out)
{
	if (col == 0)
		op_store4(out - 4, words[0]);
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++, out += 4) {
		if (col + i < width)
			op_store4(out, words[i]);
		if (col + i + 1 == width)
			op_store4(out + 4, words[i]);
	}
}

/* What samples of chroma are multiplied with in their words: what pixels have, after the filter too, is then the
 * upper byte of each half. */
TILE_INLINE uint32_t tile_chroma_shift(const struct tile_plan *plan)
{
	return plan->is_half ? 4 : 8;
}

/* Words of Cb and Cr, of two samples each, the bytes of `cb` and `cr` that the selector names. */
TILE_INLINE void tile_chroma_words(uint32_t cb, uint32_t cr, uint32_t selector, uint32_t shift, uint32_t words[2])
{
	uint32_t both = op_permute(cb, cr, selector);
	words[0] = op_permute(both, 0, 0x4140) << shift;
	words[1] = op_permute(both, 0, 0x4342) << shift;
}

/* --- Pieces to samples -------------------------------------------------------------------------------------------- */

/* Where a lane's first pair of a unit's word `w`, lower or upper half, goes: a row and a column of the piece. */
TILE_INLINE uint32_t tile_unit_row(unsigned block, uint32_t lane, unsigned w, unsigned half)
{
	return 8 * (2 * (w / TILE_EIGHTHS(block)) + half) + lane / 4;
}

TILE_INLINE uint32_t tile_unit_col(unsigned block, uint32_t lane, unsigned unit, unsigned w)
{
	return unit * block + w % TILE_EIGHTHS(block) * 8 + lane % 4 * 2;
}

/* What is in the tile and not in the image has its place too. */
TILE_INLINE void tile_put_luma(const struct tile_plan *plan, unsigned block, const struct tile_rows *rows,
                               uint32_t lane, unsigned unit, int32_t row, uint32_t col,
                               const struct tile_unit_words *words, uint8_t *shared)
{
	uint8_t *out = shared + plan->room.luma + col;
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_UNIT_WORDS(block); w++) {
		TILE_UNROLL
		for (unsigned half = 0; half < 2; half++) {
			uint32_t y = (uint32_t)row + tile_unit_row(block, lane, w, half);
			y += y == plan->tile_height - 1 ? rows->parity : 0; /* tile_slot */
			op_store2(out + y * plan->room.luma_stride + tile_unit_col(block, lane, unit, w),
			          words->word[w] >> 16 * half);
		}
	}
}

/* Where row r of chroma is kept. */
TILE_INLINE uint32_t tile_chroma_slot(const struct tile_plan *plan, const struct tile_rows *rows, int32_t r)
{
	return tile_slot(r, plan->tile_height >> plan->is_half, rows->parity);
}

/* Samples `col` and the next of row y, where that is wanted; their place in the first row is `out`. */
TILE_INLINE void tile_put_two_of_chroma(const struct tile_plan *plan, const struct tile_span *span,
                                        const struct tile_rows *rows, bool is_edge, int32_t y, uint32_t col,
                                        const uint32_t words[2], uint8_t *out)
{
	if ((uint32_t)(y - rows->from) >= rows->nrows)
		return;
	out += 4 * tile_chroma_slot(plan, rows, y) * plan->room.chroma_stride;
	if (is_edge)
		tile_put_chroma_edge(span->width, col, words, out);
	else
		op_store8(out, words[0], words[1]);
}

TILE_INLINE void tile_put_chroma(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                                 const struct tile_rows *rows, uint32_t lane, unsigned unit, int32_t row, uint32_t col,
                                 const struct tile_unit_words *cb, const struct tile_unit_words *cr, uint8_t *shared)
{
	uint32_t left = span->first_col * block + col; /* of the piece, in the image */
	bool is_edge = left == 0 || left + TILE_GROUP * block >= span->width;
	uint8_t *out = shared + plan->room.chroma + 4 * (TILE_LEAD + col);
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_UNIT_WORDS(block); w++) {
		TILE_UNROLL
		for (unsigned half = 0; half < 2; half++) {
			int32_t y = row + (int32_t)tile_unit_row(block, lane, w, half);
			uint32_t x = tile_unit_col(block, lane, unit, w), words[2];
			tile_chroma_words(cb->word[w], cr->word[w], half ? 0x7362 : 0x5140, tile_chroma_shift(plan),
			                  words);
			tile_put_two_of_chroma(plan, span, rows, is_edge, y, left + x, words, out + 4 * x);
		}
	}
}

/* As both above, of fast transforms: words of two samples of luma, and of two of Cb and two of Cr. */
TILE_INLINE void tile_put_fast_luma(const struct tile_plan *plan, unsigned block, const struct tile_rows *rows,
                                    uint32_t lane, unsigned unit, int32_t row, uint32_t col,
                                    const struct tile_fast_words *words, uint8_t *shared)
{
	uint8_t *out = shared + plan->room.luma + 2 * col;
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_FAST_UNIT_WORDS(block); w++) {
		uint32_t y = (uint32_t)row + tile_unit_row(block, lane, w / 2, w % 2);
		y += y == plan->tile_height - 1 ? rows->parity : 0; /* tile_slot */
		op_store4(out + 2 * (y * plan->room.luma_stride + tile_unit_col(block, lane, unit, w / 2)),
		          words->word[w]);
	}
}

TILE_INLINE void tile_put_fast_chroma(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                                      const struct tile_rows *rows, uint32_t lane, unsigned unit, int32_t row,
                                      uint32_t col, const struct tile_fast_words *cb, const struct tile_fast_words *cr,
                                      uint8_t *shared)
{
	uint32_t left = span->first_col * block + col; /* of the piece, in the image */
	bool is_edge = left == 0 || left + TILE_GROUP * block >= span->width;
	uint8_t *out = shared + plan->room.chroma + 4 * (TILE_LEAD + col);
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_FAST_UNIT_WORDS(block); w++) {
		int32_t y = row + (int32_t)tile_unit_row(block, lane, w / 2, w % 2);
		uint32_t x = tile_unit_col(block, lane, unit, w / 2);
		uint32_t words[2] = {op_permute(cb->word[w], cr->word[w], 0x5410),
		                     op_permute(cb->word[w], cr->word[w], 0x7632)};
		tile_put_two_of_chroma(plan, span, rows, is_edge, y, left + x, words, out + 4 * x);
	}
}

/* Where the codes of one piece are. */
TILE_INLINE void tile_set_source(const struct tile_plan *plan, const struct tile_span *span,
                                 const struct tile_rows *rows, uint32_t down, uint32_t right, struct tile_source *s)
{
	uint32_t bit = rows->first_bit + down * span->nbits_row, before = 0;
	s->farther = 0;
	if (!span->is_one_run) {
		s->farther = bit >> 3;
		before = down * span->run_vectors * TILE_VECTOR;
		bit &= 7;
	}
	bit += TILE_GROUP * right * plan->bits;
	s->byte = before + (bit >> 3);
	s->bit = bit & 7;
	s->is_plain = span->is_word & span->is_one_run;
}

/* What lanes keep of a component, or of both of chroma: of each tile of a piece, where its codes are, and then
 * these. */
struct tile_kept {
	struct tile_codes2 codes[2][TILE_KEPT_MAX][TILE_SPMD];
};

TILE_INLINE struct tile_tables tile_tables_of(const struct tile_plan *plan, unsigned block, unsigned is_8bit,
                                              const struct tile_rows *rows, uint32_t component, const uint8_t *shared)
{
	uint32_t first = component * TILE_PLACES(block);
	struct tile_tables tables = {shared + plan->room.origins + 4 * first,
	                             shared + plan->room.dequants + (is_8bit ? 4 : 8) * first, (uint32_t)rows->byte};
	return tables;
}

TILE_INLINE void tile_keep(const struct tile_plan *plan, unsigned block, unsigned is_8bit, const struct tile_rows *rows,
                           uint32_t component, uint32_t thread, const uint8_t *shared,
                           struct tile_codes2 (*codes)[TILE_SPMD])
{
	const unsigned n = TILE_EIGHTHS(block);
	struct tile_tables tables = tile_tables_of(plan, block, is_8bit, rows, component, shared);
	TILE_UNROLL
	for (unsigned t = 0; t < TILE_KEPT(block); t++) {
		TILE_EACH_LANE(l)
		tile_load_origins(block, is_8bit, (thread + l) % TILE_LANES, t % n, t / n, &tables, &codes[t][l]);
	}
}

/* Where a warp works: a piece of a span, of luma or of both components of chroma. */
struct tile_work {
	const struct tile_span *span;
	const struct tile_rows *rows;
	uint32_t is_chroma;
	int32_t row; /* of the piece, from the tile's first sample on */
	uint32_t col;
	struct tile_source source[2][TILE_SPMD];
};

/* One unit of a piece. */
TILE_INLINE void tile_fast_unit(const struct tile_plan *plan, unsigned block, struct tile_work *w, unsigned unit,
                                uint32_t thread, const struct tile_matrix_words *m, struct tile_kept *kept,
                                uint8_t *shared)
{
	struct tile_fast_words out[2][TILE_SPMD];
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0 || w->is_chroma)
			tile_fast_transform_unit(block, thread, unit, w->is_chroma, m, w->source[i], kept->codes[i],
			                         out[i]);
	}
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES;
		if (w->is_chroma)
			tile_put_fast_chroma(plan, block, w->span, w->rows, lane, unit, w->row, w->col, &out[0][l],
			                     &out[1][l], shared);
		else
			tile_put_fast_luma(plan, block, w->rows, lane, unit, w->row, w->col, &out[0][l], shared);
	}
}

TILE_INLINE void tile_unit(const struct tile_plan *plan, unsigned block, unsigned is_8bit, struct tile_work *w,
                           unsigned unit, uint32_t thread, const struct tile_matrix_words *m, struct tile_kept *kept,
                           uint8_t *shared)
{
	struct tile_unit_words out[2][TILE_SPMD];
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0 || w->is_chroma)
			tile_transform_unit(plan, block, is_8bit, thread, unit, m, w->source[i], kept->codes[i],
			                    out[i]);
	}
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES;
		if (w->is_chroma)
			tile_put_chroma(plan, block, w->span, w->rows, lane, unit, w->row, w->col, &out[0][l],
			                &out[1][l], shared);
		else
			tile_put_luma(plan, block, w->rows, lane, unit, w->row, w->col, &out[0][l], shared);
	}
}

TILE_INLINE void tile_set_work(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t down,
                               uint32_t right, uint32_t thread, const uint8_t *shared, struct tile_work *w)
{
	w->row = w->rows->first + (int32_t)(down * block);
	w->col = right * TILE_GROUP * block;
	TILE_EACH_LANE(l)
	{
		struct tile_source *s = &w->source[0][l];
		tile_set_source(plan, w->span, w->rows, down, right, s);
		s->shared = shared;
		w->source[1][l] = *s;
		s->tables = tile_tables_of(plan, block, is_8bit, w->rows, w->is_chroma, shared);
		w->source[1][l].tables = tile_tables_of(plan, block, is_8bit, w->rows, 2, shared);
	}
}

/* What there is of pieces `index`, `index` + n, ... Where a piece is too much to be kept, a warp takes one of its
 * blocks. */
TILE_INLINE void tile_pieces(const struct tile_plan *plan, unsigned block, unsigned is_8bit, bool is_fast,
                             const struct tile_span *shared_span, const struct tile_rows *shared_rows,
                             uint32_t is_chroma, uint32_t index, uint32_t thread, const struct tile_matrix_words *m,
                             uint8_t *shared)
{
	/* Which nothing that is stored changes. */
	const struct tile_span own_span = *shared_span, *span = &own_span;
	const struct tile_rows own_rows = *shared_rows, *rows = &own_rows;
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, apart = TILE_KEPT(block) ? 1 : TILE_GROUP;
	const uint32_t side_by_side = TILE_KEPT(block) ? TILE_GROUP : 1;
	struct tile_work w = {.span = span, .rows = rows, .is_chroma = is_chroma};
	struct tile_kept kept;
	tile_keep(plan, block, is_8bit, rows, is_chroma, thread, shared, kept.codes[0]);
	if (is_chroma)
		tile_keep(plan, block, is_8bit, rows, 2, thread, shared, kept.codes[1]);
	TILE_LOOP
	for (; index < rows->npieces * apart; index += nwarps) {
		uint32_t piece = index / apart, down = piece >> span->across_log2;
		uint32_t right = piece - (down << span->across_log2);
		if (right >= span->across)
			continue;
		tile_set_work(plan, block, is_8bit, down, right, thread, shared, &w);
		TILE_UNROLL
		for (unsigned i = 0; i < 1 + is_chroma; i++)
			tile_load_kept(block, w.source[i], kept.codes[i]);
		TILE_LOOP
		for (unsigned i = 0; i < side_by_side; i++) {
			uint32_t unit = apart > 1 ? index % apart : i;
			if (right * TILE_GROUP + unit >= span->ncols)
				continue;
			if (is_fast)
				tile_fast_unit(plan, block, &w, unit, thread, m, &kept, shared);
			else
				tile_unit(plan, block, is_8bit, &w, unit, thread, m, &kept, shared);
		}
	}
}

/* `thread` is the first of TILE_SPMD. Warps go on with luma where those of chroma, of which each is two, end. */
TILE_INLINE void tile_transform(const struct tile_plan *plan, unsigned block, unsigned is_8bit, bool is_fast,
                                uint32_t index, uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, warp = thread / TILE_LANES;
	struct tile_matrix_words m[TILE_SPMD];
	TILE_EACH_LANE(l)
	{
		if (is_fast)
			tile_load_fast_matrix(block, (thread + l) % TILE_LANES, shared + plan->room.matrix, &m[l]);
		else
			tile_load_matrix(block, (thread + l) % TILE_LANES, shared + plan->room.matrix, &m[l]);
	}
	tile_pieces(plan, block, is_8bit, is_fast, &strip->chroma, &tile->chroma, 1, warp, thread, m, shared);
	tile_pieces(plan, block, is_8bit, is_fast, &strip->luma, &tile->luma, 0, nwarps - 1 - warp, thread, m, shared);
}

/* --- Where B is 1: codes are samples ------------------------------------------------------------------------------ */

/* Four of a row of those that are wanted. */
TILE_INLINE uint32_t tile_four_samples(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                       const struct tile_span *span, const struct tile_rows *rows, uint32_t component,
                                       uint32_t row, uint32_t group)
{
	uint32_t bit = rows->first_bit + row * span->nbits_row + TILE_GROUP * group * plan->bits;
	const uint8_t *plane = image->object + image->component[component].plane;
	uint32_t word = tile_codes(plane + rows->byte + (bit >> 3), bit & 7);
	struct tile_dequant d = tile_dequant_of(plan, image, is_8bit, component);
	int32_t value[TILE_GROUP];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++)
		value[i] = (int32_t)tile_biased_of(is_8bit, plan->bits, word, i, d) - (1 << 15);
	return op_pack_s8(value[0], value[1], value[2], value[3]) ^ 0x80808080u;
}

TILE_INLINE void tile_four_of_chroma(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                     const struct tile_span *span, const struct tile_rows *rows, uint32_t row,
                                     uint32_t group, uint8_t *shared)
{
	uint32_t cb = tile_four_samples(plan, image, is_8bit, span, rows, 1, row, group);
	uint32_t cr = tile_four_samples(plan, image, is_8bit, span, rows, 2, row, group), words[4];
	uint32_t col = span->first_col + TILE_GROUP * group, width = span->width;
	uint32_t slot = tile_chroma_slot(plan, rows, rows->first + (int32_t)row);
	uint8_t *out =
	        shared + plan->room.chroma + 4 * (slot * plan->room.chroma_stride + TILE_LEAD + TILE_GROUP * group);
	tile_chroma_words(cb, cr, 0x5140, tile_chroma_shift(plan), words);
	tile_chroma_words(cb, cr, 0x7362, tile_chroma_shift(plan), words + 2);
	if (col > 0 && col + TILE_GROUP < width) {
		op_store16(out, words[0], words[1], words[2], words[3]);
		return;
	}
	tile_put_chroma_edge(width, col, words, out);
	tile_put_chroma_edge(width, col + 2, words + 2, out + 8);
}

TILE_INLINE void tile_samples_of_codes(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                       uint32_t index, uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	TILE_UNROLL
	for (unsigned is_chroma = 0; is_chroma < 2; is_chroma++) {
		const struct tile_span *span = is_chroma ? &strip->chroma : &strip->luma;
		const struct tile_rows *rows = is_chroma ? &tile->chroma : &tile->luma;
		uint32_t ngroups = (span->ncols + TILE_GROUP - 1) / TILE_GROUP,
		         log2 = ngroups ? tile_log2_up(ngroups) : 0;
		for (uint32_t place = thread; place < rows->nblock_rows << log2; place += TILE_THREADS) {
			uint32_t row = place >> log2, group = place - (row << log2);
			if (group >= ngroups)
				continue;
			if (is_chroma) {
				tile_four_of_chroma(plan, image, is_8bit, span, rows, row, group, shared);
				continue;
			}
			uint32_t slot = tile_slot(rows->first + (int32_t)row, plan->tile_height, rows->parity);
			op_store4(shared + plan->room.luma + slot * plan->room.luma_stride + TILE_GROUP * group,
			          tile_four_samples(plan, image, is_8bit, span, rows, 0, row, group));
		}
	}
}
