/* SPDX-License-Identifier: MIT */
/*
 * tile_samples_priv.h: from the codes of an object to the samples of one tile, in the memory that the tile's threads share.
 *
 * Three steps, with a barrier between; each is a function of a thread's number. tile_begin says what the tile needs. tile_fetch
 * brings the codes, as they lie in the planes. tile_transform makes samples of these, a warp a piece (tile_transform_priv.h).
 * Where B is 1 a code is a sample, and tile_samples_of_codes is all.
 *
 * Blocks that stick out of the image on the right are made of whatever follows in the plane; nobody looks at them.
 */
#pragma once

#include "tile_transform_priv.h"

/*
 * What a tile needs of a component's samples; and how its codes lie in shared memory: for each plane its runs, one for all rows
 * of blocks, from the first code to the last, or, where there is more between them, one a row. A run begins with the multiple of
 * TILE_VECTOR at or before its first code. Behind a plane's last run is one vector more where that makes their number odd, so
 * that lanes which read the same code of other planes meet in fewer banks.
 */
struct tile_span {
	uint32_t first_col, ncols, ngroups; /* blocks, how many, and how many groups of TILE_GROUP */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows; /* samples */
	uint32_t across, npieces;  /* pieces in a row, and in all rows */
	uint32_t width;            /* of the component */
	uint32_t first_bit;        /* of the byte where the first code is */
	uint32_t nbits_row;        /* from a row of blocks to the next */
	uint32_t is_word;          /* codes are bytes, and those of each group are a word, at a multiple of 4 */
	uint32_t nruns, run_nbytes, nvectors, plane_nbytes; /* of a plane; of a run, from its first code on; in a run */
};

/* To divide by numbers of a span, for tile_quotient; and so many planes as all threads copy at once. */
enum { TILE_NGROUPS, TILE_ACROSS, TILE_PLANE_VECTORS, TILE_RUN_VECTORS, TILE_NINVERSES };
struct tile_inverses {
	uint32_t of[TILE_NINVERSES];
	uint32_t planes_at_once;
};

/* Lies first in shared memory, before the inverses for luma and for chroma. */
struct tile_head {
	struct tile_span luma, chroma;
	const uint8_t *codes[IC_COMPONENTS_MAX]; /* the byte of the first code that is needed, in the plane of the first frequency */
	uint32_t out_x, out_y; /* of the tile, in the output */
	uint32_t out_width, out_height;
	uint32_t own_width, own_height; /* of these, what shows the image */
	uint32_t from_x, from_y; /* pixel of the image that the tile's first one shows, or, flipped, its last own one */
	uint32_t is_flipped, is_gray;
	uint32_t chroma_height; /* samples of the image */
};

#define TILE_HEAD_NBYTES ((uint32_t)(sizeof(struct tile_head) + 2 * sizeof(struct tile_inverses)))

TILE_INLINE const struct tile_inverses *tile_inverses_of(const struct tile_head *head, uint32_t is_chroma)
{
	return (const struct tile_inverses *)(const void *)(head + 1) + is_chroma;
}

/* floor(n / d), by what tile_inverse says of d, where n * d < 2^24. */
TILE_INLINE uint32_t tile_inverse(uint32_t d)
{
	return d ? ((1u << 24) - 1 + d) / d : 0;
}

TILE_INLINE uint32_t tile_quotient(uint32_t n, uint32_t inverse)
{
	return (uint32_t)((uint64_t)n * inverse >> 24);
}

/* floor(n / d) for n below 2^31; what tile_divisor_of (plan.c) says of d. Granlund, Montgomery: Division by invariant integers
 * using multiplication, PLDI 1994. */
TILE_INLINE uint32_t tile_divide(uint32_t n, struct tile_divisor d)
{
	return (uint32_t)((uint64_t)n * d.magic >> 31) >> d.shift;
}

/* --- What a tile needs --------------------------------------------------------------------------------------------- */

TILE_INLINE void tile_set_runs(const struct tile_plan *plan, unsigned block, uint32_t cols, struct tile_span *span)
{
	const uint32_t vector = TILE_VECTOR(block), bits = plan->bits;
	uint32_t first = (uint32_t)(((uint64_t)span->first_block_row * cols + span->first_col) * bits) & 7;
	span->first_bit = first;
	span->nbits_row = cols * bits;
	span->is_word = bits == 8 && cols % 4 == 0;
	uint32_t row_nbytes = (7 + span->ncols * bits + 7) / 8;
	uint32_t all_nbytes = (first + (span->nblock_rows - 1) * span->nbits_row + span->ncols * bits + 7) / 8;
	uint32_t row_vectors = (row_nbytes + 2 * vector - 2) / vector, all_vectors = (all_nbytes + 2 * vector - 2) / vector;
	bool is_one = all_vectors <= row_vectors * span->nblock_rows;
	span->nruns = is_one ? 1 : span->nblock_rows;
	span->run_nbytes = is_one ? all_nbytes : row_nbytes;
	span->nvectors = is_one ? all_vectors : row_vectors;
	span->plane_nbytes = (span->nruns * span->nvectors | 1) * vector;
}

TILE_INLINE void tile_set_span(const struct tile_plan *plan, unsigned block, const struct tile_component *c,
                               uint32_t left, uint32_t right, uint32_t top, uint32_t bottom, struct tile_span *span)
{
	const uint32_t per = TILE_PER_SIDE(block);
	span->first_col = left / block;
	span->ncols = right / block + 1 - span->first_col;
	span->ngroups = (span->ncols + TILE_GROUP - 1) / TILE_GROUP;
	span->first_block_row = top / block;
	span->nblock_rows = bottom / block + 1 - span->first_block_row;
	span->first_row = top;
	span->nrows = bottom + 1 - top;
	span->across = (span->ngroups + per - 1) / per;
	span->npieces = span->across * ((span->nblock_rows + per - 1) / per);
	span->width = c->width;
	tile_set_runs(plan, block, c->cols, span);
}

TILE_INLINE uint32_t tile_least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Chroma on its own grid, with the neighbours that the triangle filter looks at. */
TILE_INLINE void tile_set_chroma(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 uint32_t left, uint32_t right, uint32_t top, uint32_t bottom, struct tile_span *span)
{
	const struct tile_component *c = &image->component[1];
	if (plan->is_half) {
		left = left >= 2 ? left / 2 - 1 : 0;
		top = top >= 2 ? top / 2 - 1 : 0;
		right = tile_least(right / 2 + 1, c->width - 1);
		bottom = tile_least(bottom / 2 + 1, c->height - 1);
	}
	tile_set_span(plan, block, c, left, right, top, bottom, span);
}

/* All but the inverses. */
TILE_INLINE void tile_set_head(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                               uint32_t tile, struct tile_head *head)
{
	uint32_t row = tile_divide(tile, plan->by_tiles_across);
	head->out_x = (tile - row * plan->tiles_across) * plan->tile_width;
	head->out_y = row * plan->tile_height;
	head->out_width = tile_least(plan->tile_width, plan->width - head->out_x);
	head->out_height = tile_least(plan->tile_height, plan->height - head->out_y);
	head->own_width = image->width > head->out_x ? tile_least(head->out_width, image->width - head->out_x) : 0;
	head->own_height = image->height > head->out_y ? tile_least(head->out_height, image->height - head->out_y) : 0;
	head->is_flipped = image->is_flipped;
	head->is_gray = image->ncomponents == 1;
	head->chroma_height = image->component[1].height;
	head->luma.nrows = head->luma.nblock_rows = head->luma.npieces = 0;
	head->luma.ngroups = head->luma.across = head->luma.nruns = head->luma.nvectors = 1;
	head->luma.run_nbytes = 0;
	head->chroma = head->luma;
	if (!head->own_width || !head->own_height)
		return;
	head->from_x = image->x + (image->is_flipped ? image->width - head->out_x - head->own_width : head->out_x);
	head->from_y = image->y + head->out_y;
	uint32_t right = head->from_x + head->own_width - 1, bottom = head->from_y + head->own_height - 1;
	tile_set_span(plan, block, &image->component[0], head->from_x, right, head->from_y, bottom, &head->luma);
	if (image->ncomponents == 3)
		tile_set_chroma(plan, image, block, head->from_x, right, head->from_y, bottom, &head->chroma);
	TILE_UNROLL
	for (uint32_t i = 0; i < IC_COMPONENTS_MAX; i++) {
		const struct tile_component *c = &image->component[i];
		struct tile_span *span = i ? &head->chroma : &head->luma;
		uint64_t first = ((uint64_t)span->first_block_row * c->cols + span->first_col) * plan->bits;
		head->codes[i] = image->object + (i < image->ncomponents ? c->plane + (first >> 3) : 0);
		span->is_word &=
		        ((uint32_t)(uintptr_t)head->codes[i] & 3) == 0 && (image->stride & 3) == 0;
	}
}

#define TILE_INVERSES (2 * TILE_NINVERSES) /* threads that find them, each one of its own, for divisions take long */

TILE_INLINE void tile_set_inverse(const struct tile_head *head, uint32_t thread, struct tile_inverses *inverses)
{
	uint32_t is_chroma = thread / TILE_NINVERSES, which = thread % TILE_NINVERSES;
	struct tile_span span = is_chroma ? head->chroma : head->luma;
	uint32_t d = which == TILE_NGROUPS         ? span.ngroups
	             : which == TILE_ACROSS        ? span.across
	             : which == TILE_PLANE_VECTORS ? span.nruns * span.nvectors
	                                           : span.nvectors;
	inverses[is_chroma].of[which] = tile_inverse(d);
	if (which == TILE_PLANE_VECTORS)
		inverses[is_chroma].planes_at_once = d < TILE_THREADS ? tile_quotient(TILE_THREADS, tile_inverse(d)) : 1;
}

/* --- Codes --------------------------------------------------------------------------------------------------------- */

TILE_INLINE struct tile_dequant tile_dequant_of(const struct tile_plan *plan, const struct tile_image *image,
                                                unsigned is_8bit, uint32_t plane)
{
	uint32_t entry = op_load4(image->object + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * plane);
	uint32_t step = entry & 0xff, nbits = entry >> 8 & 0xff;
	struct tile_dequant d = {step, 0};
	if (is_8bit)
		return d;
	d.step <<= nbits > plan->bits ? (nbits - plan->bits) % 8 : 0;
	d.means = ((entry >> 16 & 0xff) * d.step + 128) >> 8 & 0xffff;
	d.means |= ((entry >> 24) * d.step + 128) >> 8 << 16;
	return d;
}

/* A word of codes that begins at bit `bit`, below 8, of `from`, which may lie anywhere. */
TILE_INLINE uint32_t tile_codes(const uint8_t *from, uint32_t bit)
{
	const uint8_t *word = op_word_of(from);
	return op_funnel(op_load4_global(word), op_load4_global(word + 4), (uint32_t)(uintptr_t)from * 8 + bit);
}

/* --- Step 1: begin ------------------------------------------------------------------------------------------------- */

TILE_INLINE void tile_begin(const struct tile_plan *plan, const struct tile_image *image, unsigned block, uint32_t tile,
                            uint32_t thread, uint8_t *shared)
{
	if (thread < TILE_INVERSES) {
		struct tile_head own, *head = (struct tile_head *)(void *)shared;
		tile_set_head(plan, image, block, tile, &own);
		if (thread == 0)
			*head = own;
		tile_set_inverse(&own, thread, (struct tile_inverses *)(void *)(head + 1));
	}
	if (block == 1)
		return;
	tile_put_matrix(block, thread, shared + plan->room.matrix);
}

/* --- Step 2: codes ------------------------------------------------------------------------------------------------- */

/* Of each (v, u) of a piece and each component, how codes become coefficients, and where they are. What is not kept has the codes
 * of the first frequency, times 0. */
TILE_INLINE void tile_put_origins(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                  unsigned is_8bit, const struct tile_head *head, uint32_t thread, uint8_t *shared)
{
	const uint32_t nplaces = TILE_PLACES(block), mask = TILE_VECTOR(block) - 1;
	uint32_t ncomponents = image->ncomponents, stride = image->stride;
	for (uint32_t i = thread; i < nplaces * ncomponents; i += TILE_THREADS) {
		uint32_t component = i / nplaces, place = i % nplaces, f = 0;
		struct tile_dequant d = {0, 0};
		if (plan->freq_at[place] >= 0) {
			f = (uint32_t)plan->freq_at[place];
			d = tile_dequant_of(plan, image, is_8bit, f * ncomponents + component);
		}
		uint32_t plane_nbytes = component ? head->chroma.plane_nbytes : head->luma.plane_nbytes;
		uint32_t odd = ((uint32_t)(uintptr_t)head->codes[component] + f * stride) & mask;
		op_store4(shared + plan->room.origins + 4 * i, plan->room.codes[component] + f * plane_nbytes + odd);
		if (is_8bit)
			op_store4(shared + plan->room.dequants + 4 * i, d.step);
		else
			op_store8(shared + plan->room.dequants + 8 * i, d.step, d.means);
	}
}

/* Of luma, or of both components of chroma. */
TILE_INLINE void tile_fetch_span(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 const struct tile_head *head, uint32_t is_chroma, uint32_t thread, uint8_t *shared)
{
	const uint32_t vector = TILE_VECTOR(block), mask = vector - 1;
	const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
	const struct tile_inverses *inverses = tile_inverses_of(head, is_chroma);
	uint32_t at_once = inverses->planes_at_once, f = tile_quotient(thread, inverses->of[TILE_PLANE_VECTORS]);
	if (f >= at_once || span->nblock_rows == 0)
		return;
	uint32_t own = thread - f * (span->nruns * span->nvectors), plane_nbytes = span->plane_nbytes;
	uint32_t run = tile_quotient(own, inverses->of[TILE_RUN_VECTORS]), nbytes = span->run_nbytes;
	uint32_t behind = (own - run * span->nvectors) * vector; /* the run's first vector */
	const uint8_t *from = head->codes[is_chroma] + ((span->first_bit + run * span->nbits_row) >> 3);
	uint64_t stride = image->stride, to_other = (uint64_t)(head->codes[2] - head->codes[1]);
	uint8_t *to = shared + plan->room.codes[is_chroma] + f * plane_nbytes + own * vector;
	uint32_t other = plan->room.codes[2] - plan->room.codes[1];
	from += f * stride;
	TILE_LOOP
	for (; f < plan->nfreqs; f += at_once) {
		TILE_UNROLL
		for (unsigned i = 0; i < 2; i++) {
			const uint8_t *at = from + (i ? to_other : 0);
			uint32_t odd = (uint32_t)(uintptr_t)at & mask;
			if ((i && !is_chroma) || behind >= odd + nbytes)
				continue;
			if (vector == 16)
				op_copy16(to + (i ? other : 0), at - odd + behind);
			else
				op_copy4(to + (i ? other : 0), at - odd + behind);
		}
		from += at_once * stride;
		to += at_once * plane_nbytes;
	}
}

TILE_INLINE void tile_fetch(const struct tile_plan *plan, const struct tile_image *image, unsigned block, unsigned is_8bit,
                            uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	tile_fetch_span(plan, image, block, head, 1, thread, shared);
	tile_fetch_span(plan, image, block, head, 0, thread, shared);
	tile_put_origins(plan, image, block, is_8bit, head, thread, shared);
}

/* --- Samples of chroma --------------------------------------------------------------------------------------------- */

/* Samples `col` and the next of a row of chroma, whose place is `out`, where that row may end or begin: the samples left of the
 * first and right of the last one of a row are those. */
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

/* What samples of chroma are multiplied with in their words: what pixels have, after the filter too, is then the upper byte
 * of each half. */
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

/* --- Step 3: pieces to samples ------------------------------------------------------------------------------------- */

/* Where a lane's first pair of a unit's word `w`, lower or upper half, goes: a row and a column of the piece. */
TILE_INLINE uint32_t tile_unit_row(unsigned block, uint32_t lane, unsigned w, unsigned half)
{
	return block < 16 ? lane / 4 : 8 * (2 * (w / TILE_EIGHTHS(block)) + half) + lane / 4;
}

TILE_INLINE uint32_t tile_unit_col(unsigned block, uint32_t lane, unsigned unit, unsigned w, unsigned half)
{
	uint32_t pair = lane % 4 * 2; /* of the tile's columns: of block pair / block, where several make a tile */
	if (block >= 16)
		return unit * block + w % TILE_EIGHTHS(block) * 8 + pair;
	return (pair / block * TILE_GROUP + 2 * w + half) * block + pair % block;
}

TILE_INLINE void tile_put_luma(const struct tile_plan *plan, unsigned block, const struct tile_span *span, uint32_t lane,
                               unsigned unit, uint32_t row, uint32_t col, const struct tile_unit_words *words,
                               uint8_t *shared)
{
	uint8_t *out = shared + plan->room.luma + col;
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_UNIT_WORDS(block); w++) {
		TILE_UNROLL
		for (unsigned half = 0; half < 2; half++) {
			uint32_t y = row + tile_unit_row(block, lane, w, half);
			if (y < span->nrows)
				op_store2(out + y * plan->room.luma_stride + tile_unit_col(block, lane, unit, w, half),
				          words->word[w] >> 16 * half);
		}
	}
}

TILE_INLINE void tile_put_chroma(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                                 uint32_t lane, unsigned unit, uint32_t row, uint32_t col,
                                 const struct tile_unit_words *cb, const struct tile_unit_words *cr, uint8_t *shared)
{
	uint32_t left = span->first_col * block + col; /* of the piece, in the image */
	bool is_edge = left == 0 || left + 4 * TILE_SIDE(block) >= span->width;
	uint8_t *out = shared + plan->room.chroma + 4 * (TILE_LEAD + col);
	TILE_UNROLL
	for (unsigned w = 0; w < TILE_UNIT_WORDS(block); w++) {
		TILE_UNROLL
		for (unsigned half = 0; half < 2; half++) {
			uint32_t y = row + tile_unit_row(block, lane, w, half);
			uint32_t x = tile_unit_col(block, lane, unit, w, half), words[2];
			uint8_t *to = out + 4 * (y * plan->room.chroma_stride + x);
			tile_chroma_words(cb->word[w], cr->word[w], half ? 0x7362 : 0x5140, tile_chroma_shift(plan),
			                  words);
			if (y < span->nrows && is_edge)
				tile_put_chroma_edge(span->width, left + x, words, to);
			else if (y < span->nrows)
				op_store8(to, words[0], words[1]);
		}
	}
}

/* Where a lane finds the codes of one piece. */
TILE_INLINE void tile_set_source(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                                 uint32_t lane, uint32_t down, uint32_t right, struct tile_source *s)
{
	const uint32_t per = TILE_PER_SIDE(block);
	/* Of blocks that are transformed together, the lane's own. */
	uint32_t row = per == 1 ? down : tile_least(down * per + lane % 4 * 2 / block, span->nblock_rows - 1);
	uint32_t group = per == 1 ? right : right * per + lane / 4 / block;
	uint32_t bit = span->first_bit + row * span->nbits_row, before = 0;
	s->shift = 0;
	if (span->nruns > 1) {
		s->shift = bit >> 3;
		before = row * span->nvectors * TILE_VECTOR(block);
		bit &= 7;
	}
	bit += TILE_GROUP * group * plan->bits;
	s->byte = before + (bit >> 3);
	s->bit = bit & 7;
	s->is_word = span->is_word;
}

/* Of the components of a span, what a lane keeps where there is one tile; and where the others find theirs. */
struct tile_kept {
	struct tile_codes2 codes[2][TILE_SPMD];
};

TILE_INLINE void tile_keep(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t component,
                           uint32_t thread, const uint8_t *shared, struct tile_codes2 *codes)
{
	const uint8_t *origins = shared + plan->room.origins + 4 * component * TILE_PLACES(block);
	const uint8_t *dequants = shared + plan->room.dequants + (is_8bit ? 4 : 8) * component * TILE_PLACES(block);
	TILE_EACH_LANE(l)
	tile_load_origins(block, is_8bit, (thread + l) % TILE_LANES, 0, 0, dequants, origins, &codes[l]);
}

/* One unit of the pieces of a span, of luma or of both components of chroma. */
TILE_INLINE void tile_unit(const struct tile_plan *plan, unsigned block, unsigned is_8bit, const struct tile_span *span,
                           uint32_t across_inverse, uint32_t is_chroma, uint32_t index, uint32_t thread,
                           const struct tile_matrix_words *m, struct tile_kept *kept, uint8_t *shared)
{
	const uint32_t units = TILE_UNITS(block), side = TILE_SIDE(block);
	uint32_t piece = index / units, unit = index % units;
	uint32_t down = tile_quotient(piece, across_inverse), right = piece - down * span->across;
	uint32_t row = span->first_block_row * block + down * side - span->first_row, col = right * 4 * side;
	struct tile_unit_words out[2][TILE_SPMD];
	struct tile_source source[TILE_SPMD];
	if (units > 1 && right * TILE_GROUP + unit >= span->ncols)
		return;
	TILE_EACH_LANE(l)
	tile_set_source(plan, block, span, (thread + l) % TILE_LANES, down, right, &source[l]);
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		if (i == 1 && !is_chroma)
			continue;
		TILE_EACH_LANE(l)
		{
			uint32_t first = (is_chroma + i) * TILE_PLACES(block);
			source[l].shared = shared;
			source[l].origins = shared + plan->room.origins + 4 * first;
			source[l].dequants = shared + plan->room.dequants + (is_8bit ? 4 : 8) * first;
		}
		tile_transform_unit(plan, block, is_8bit, thread, unit, m, source, kept->codes[i], out[i]);
	}
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES;
		if (is_chroma)
			tile_put_chroma(plan, block, span, lane, unit, row, col, &out[0][l], &out[1][l], shared);
		else
			tile_put_luma(plan, block, span, lane, unit, row, col, &out[0][l], shared);
	}
}

/* `thread` is the first of TILE_SPMD. A warp takes every so many units, first those of chroma, of which each is two. */
TILE_INLINE void tile_transform(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t thread,
                                uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	const struct tile_span luma = head->luma, chroma = head->chroma;
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, nchroma = chroma.npieces * TILE_UNITS(block);
	uint32_t n = nchroma + luma.npieces * TILE_UNITS(block), index = thread / TILE_LANES;
	uint32_t luma_across = tile_inverses_of(head, 0)->of[TILE_ACROSS];
	uint32_t chroma_across = tile_inverses_of(head, 1)->of[TILE_ACROSS];
	struct tile_matrix_words m[TILE_SPMD];
	struct tile_kept kept;
	TILE_EACH_LANE(l)
	tile_load_matrix(block, (thread + l) % TILE_LANES, shared + plan->room.matrix, &m[l]);
	tile_keep(plan, block, is_8bit, 1, thread, shared, kept.codes[0]);
	tile_keep(plan, block, is_8bit, 2, thread, shared, kept.codes[1]);
	TILE_LOOP
	for (; index < nchroma; index += nwarps)
		tile_unit(plan, block, is_8bit, &chroma, chroma_across, 1, index, thread, m, &kept, shared);
	tile_keep(plan, block, is_8bit, 0, thread, shared, kept.codes[0]);
	TILE_LOOP
	for (; index < n; index += nwarps)
		tile_unit(plan, block, is_8bit, &luma, luma_across, 0, index - nchroma, thread, m, &kept, shared);
}

/* --- Where B is 1: codes are samples ------------------------------------------------------------------------------- */

/* Four of them. */
TILE_INLINE uint32_t tile_four_samples(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                       const struct tile_head *head, uint32_t component, uint32_t row, uint32_t group)
{
	const struct tile_span *span = component ? &head->chroma : &head->luma;
	uint32_t bit = span->first_bit + row * span->nbits_row + TILE_GROUP * group * plan->bits;
	uint32_t word = tile_codes(head->codes[component] + (bit >> 3), bit & 7);
	struct tile_dequant d = tile_dequant_of(plan, image, is_8bit, component);
	int32_t value[TILE_GROUP];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++)
		value[i] = (int32_t)tile_biased_of(is_8bit, plan->bits, word, i, d) - (1 << 15);
	return op_pack_s8(value[0], value[1], value[2], value[3]) ^ 0x80808080u;
}

TILE_INLINE void tile_four_of_chroma(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                     const struct tile_head *head, uint32_t row, uint32_t group, uint8_t *out)
{
	uint32_t cb = tile_four_samples(plan, image, is_8bit, head, 1, row, group);
	uint32_t cr = tile_four_samples(plan, image, is_8bit, head, 2, row, group), words[4];
	uint32_t col = head->chroma.first_col + TILE_GROUP * group, width = head->chroma.width;
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
                                       uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	TILE_UNROLL
	for (unsigned is_chroma = 0; is_chroma < 2; is_chroma++) {
		const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
		uint32_t inverse = tile_inverses_of(head, is_chroma)->of[TILE_NGROUPS];
		for (uint32_t place = thread; place < span->ngroups * span->nblock_rows; place += TILE_THREADS) {
			uint32_t row = tile_quotient(place, inverse), group = place - row * span->ngroups;
			if (is_chroma)
				tile_four_of_chroma(plan, image, is_8bit, head, row, group,
				                    shared + plan->room.chroma +
				                            4 * (row * plan->room.chroma_stride + TILE_LEAD +
				                                 TILE_GROUP * group));
			else
				op_store4(shared + plan->room.luma + row * plan->room.luma_stride + TILE_GROUP * group,
				          tile_four_samples(plan, image, is_8bit, head, 0, row, group));
		}
	}
}
