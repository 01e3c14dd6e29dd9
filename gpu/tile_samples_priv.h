/* SPDX-License-Identifier: MIT */
/*
 * tile_samples_priv.h: from the codes of an object to the samples of one tile, in the memory that the tile's threads share.
 *
 * Two steps, with a barrier between; each is a function of a thread's number. tile_fetch brings the codes, as they lie in the
 * planes; what the tile is, every thread works out for itself, since all would wait for one that does. tile_transform makes
 * samples of them, a warp a piece (tile_transform_priv.h). Where B is 1 a code is a sample, and tile_samples_of_codes is all.
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
	uint32_t first_col, ncols; /* blocks, and how many */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows;     /* samples */
	uint32_t across, across_log2;  /* pieces in a row; less than so many are counted there */
	uint32_t npieces;              /* so counted, in all rows */
	uint32_t width;                /* of the component */
	uint32_t first_bit, nbits_row; /* of the byte where the first code is; from a row of blocks to the next */
	uint32_t is_word;              /* codes are bytes, and those of each group are a word, at a multiple of 4 */
	uint32_t nruns, run_nbytes, nvectors, plane_nbytes; /* of a plane; of a run, from its first code on; in a run */
};

/* Lies first in shared memory. */
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

#define TILE_HEAD_NBYTES ((uint32_t)sizeof(struct tile_head))

/* The least l for which 2^l >= n, n at least 1: what threads share so is divided by shifts. */
TILE_INLINE uint32_t tile_log2_up(uint32_t n)
{
	return n == 1 ? 0 : 32 - op_leading_zeros(n - 1);
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

TILE_INLINE uint32_t tile_vectors(unsigned block, uint32_t nbytes) /* wherever they begin */
{
	return (nbytes + 2 * TILE_VECTOR(block) - 2) / TILE_VECTOR(block);
}

TILE_INLINE void tile_set_span(const struct tile_plan *plan, unsigned block, const struct tile_component *c,
                               uint32_t left, uint32_t right, uint32_t top, uint32_t bottom, struct tile_span *span)
{
	const uint32_t per = TILE_PER_SIDE(block), bits = plan->bits;
	span->first_col = left / block;
	span->ncols = right / block + 1 - span->first_col;
	span->first_block_row = top / block;
	span->nblock_rows = bottom / block + 1 - span->first_block_row;
	span->first_row = top;
	span->nrows = bottom + 1 - top;
	span->across = (span->ncols + TILE_GROUP * per - 1) / (TILE_GROUP * per);
	span->across_log2 = tile_log2_up(span->across);
	span->npieces = ((span->nblock_rows + per - 1) / per) << span->across_log2;
	span->width = c->width;
	/* Modulo 2^32 for what is less than a byte of it. */
	span->first_bit = (span->first_block_row * c->cols + span->first_col) * bits & 7;
	span->nbits_row = c->cols * bits;
	span->is_word = c->is_words & (span->first_col % TILE_GROUP == 0);
	span->nruns = c->is_one_run ? 1 : span->nblock_rows;
	span->run_nbytes = c->is_one_run ? (span->first_bit + (span->nblock_rows - 1) * span->nbits_row +
	                                    span->ncols * bits + 7) / 8
	                                 : (14 + span->ncols * bits) / 8;
	span->nvectors = tile_vectors(block, span->run_nbytes);
	span->plane_nbytes = (span->nruns * span->nvectors | 1) * TILE_VECTOR(block);
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
	head->luma.nrows = head->luma.nblock_rows = head->luma.ncols = head->luma.npieces = 0;
	head->luma.first_block_row = head->luma.first_col = 0;
	head->chroma = head->luma;
	if (!head->own_width || !head->own_height)
		return;
	head->from_x = image->x + (image->is_flipped ? image->width - head->out_x - head->own_width : head->out_x);
	head->from_y = image->y + head->out_y;
	uint32_t right = head->from_x + head->own_width - 1, bottom = head->from_y + head->own_height - 1;
	tile_set_span(plan, block, &image->component[0], head->from_x, right, head->from_y, bottom, &head->luma);
	if (image->ncomponents == 3)
		tile_set_chroma(plan, image, block, head->from_x, right, head->from_y, bottom, &head->chroma);
	/* Of a component that there is not nothing is used. */
	TILE_UNROLL
	for (uint32_t i = 0; i < IC_COMPONENTS_MAX; i++) {
		const struct tile_component *c = &image->component[i];
		const struct tile_span *span = i ? &head->chroma : &head->luma;
		uint64_t first = ((uint64_t)span->first_block_row * c->cols + span->first_col) * plan->bits;
		head->codes[i] = image->object + c->plane + (first >> 3);
	}
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

/* --- Step 1: codes ------------------------------------------------------------------------------------------------- */

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
		/* No index: what is to stay in registers has none. */
		const uint8_t *codes = component == 0   ? head->codes[0]
		                       : component == 1 ? head->codes[1]
		                                        : head->codes[2];
		uint32_t odd = ((uint32_t)(uintptr_t)codes + f * stride) & mask;
		op_store4(shared + plan->room.origins + 4 * i, plan->room.codes[component] + f * plane_nbytes + odd);
		if (is_8bit)
			op_store4(shared + plan->room.dequants + 4 * i, d.step);
		else
			op_store8(shared + plan->room.dequants + 8 * i, d.step, d.means);
	}
}

TILE_INLINE void tile_copy_vector(unsigned block, const uint8_t *from, uint8_t *to)
{
	if (TILE_VECTOR(block) == 16)
		op_copy16(to, from);
	else
		op_copy4(to, from);
}

/* Of luma, or of both components of chroma. */
TILE_INLINE void tile_fetch_span(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 const struct tile_head *head, uint32_t is_chroma, uint32_t thread, uint8_t *shared)
{
	const uint32_t vector = TILE_VECTOR(block), mask = vector - 1;
	const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
	uint32_t vectors_log2 = tile_log2_up(span->nvectors);
	uint32_t plane_log2 = tile_log2_up(span->nruns << vectors_log2);
	const uint8_t *first = head->codes[is_chroma];
	uint64_t to_other = (uint64_t)(head->codes[2] - head->codes[1]);
	uint8_t *to = shared + plan->room.codes[is_chroma];
	uint32_t other = plan->room.codes[2] - plan->room.codes[1];
	TILE_LOOP
	for (uint32_t i = thread; i < plan->nfreqs << plane_log2; i += TILE_THREADS) {
		uint32_t f = i >> plane_log2, own = i - (f << plane_log2), run = own >> vectors_log2;
		uint32_t v = own - (run << vectors_log2), behind = v * vector; /* the run's first vector */
		if (run >= span->nruns || v >= span->nvectors)
			continue;
		const uint8_t *from = first + (uint64_t)f * image->stride + ((span->first_bit + run * span->nbits_row) >> 3);
		uint32_t at = f * span->plane_nbytes + (run * span->nvectors + v) * vector;
		TILE_UNROLL
		for (unsigned k = 0; k < (is_chroma ? 2u : 1u); k++) {
			const uint8_t *own_from = from + (k ? to_other : 0);
			uint32_t odd = (uint32_t)(uintptr_t)own_from & mask;
			if (behind < odd + span->run_nbytes)
				tile_copy_vector(block, own_from - odd + behind, to + at + (k ? other : 0));
		}
	}
}

TILE_INLINE void tile_fetch(const struct tile_plan *plan, const struct tile_image *image, unsigned block, unsigned is_8bit,
                            uint32_t tile, uint32_t thread, uint8_t *shared)
{
	struct tile_head head;
	tile_set_head(plan, image, block, tile, &head);
	if (thread == 0)
		*(struct tile_head *)(void *)shared = head;
	if (block == 1)
		return;
	if (head.chroma.npieces)
		tile_fetch_span(plan, image, block, &head, 1, thread, shared);
	if (head.luma.npieces)
		tile_fetch_span(plan, image, block, &head, 0, thread, shared);
	tile_put_origins(plan, image, block, is_8bit, &head, thread, shared);
	tile_put_matrix(block, thread, shared + plan->room.matrix);
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

/* The same of one component, whose half of each word is at `out`; the values are two bytes. */
TILE_INLINE void tile_put_half_edge(uint32_t width, uint32_t col, uint32_t values, uint32_t shift, uint8_t *out)
{
	if (col == 0)
		op_store2(out - 4, (values & 0xff) << shift);
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++, out += 4) {
		uint32_t value = (values >> 8 * i & 0xff) << shift;
		if (col + i < width)
			op_store2(out, value);
		if (col + i + 1 == width)
			op_store2(out + 4, value);
	}
}

/* Words of Cb and Cr, of two samples each, the bytes of `cb` and `cr` that the selector names. */
TILE_INLINE void tile_chroma_words(uint32_t cb, uint32_t cr, uint32_t selector, uint32_t shift, uint32_t words[2])
{
	uint32_t both = op_permute(cb, cr, selector);
	words[0] = op_permute(both, 0, 0x4140) << shift;
	words[1] = op_permute(both, 0, 0x4342) << shift;
}

/* --- Step 2: pieces to samples ------------------------------------------------------------------------------------- */

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

/* What lanes keep of a component, or of both of chroma: of each tile of a piece, where its codes are, and then these. */
struct tile_kept {
	struct tile_codes2 codes[2][TILE_KEPT_MAX][TILE_SPMD];
};

TILE_INLINE void tile_keep(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t component,
                           uint32_t thread, const uint8_t *shared, struct tile_codes2 (*codes)[TILE_SPMD])
{
	const unsigned n = TILE_EIGHTHS(block);
	const uint8_t *origins = shared + plan->room.origins + 4 * component * TILE_PLACES(block);
	const uint8_t *dequants = shared + plan->room.dequants + (is_8bit ? 4 : 8) * component * TILE_PLACES(block);
	TILE_UNROLL
	for (unsigned t = 0; t < TILE_KEPT(block); t++) {
		TILE_EACH_LANE(l)
		tile_load_origins(block, is_8bit, (thread + l) % TILE_LANES, t % n, t / n, dequants, origins, &codes[t][l]);
	}
}

/* Where a warp works: a piece of a span, of luma or of both components of chroma. */
struct tile_work {
	const struct tile_span *span;
	uint32_t is_chroma;
	uint32_t row, col; /* of the piece, from the tile's first sample on */
	struct tile_source source[2][TILE_SPMD];
};

/* One unit of a piece. */
TILE_INLINE void tile_unit(const struct tile_plan *plan, unsigned block, unsigned is_8bit, struct tile_work *w,
                           unsigned unit, uint32_t thread, const struct tile_matrix_words *m, struct tile_kept *kept,
                           uint8_t *shared)
{
	struct tile_unit_words out[2][TILE_SPMD];
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		if (i == 0 || w->is_chroma)
			tile_transform_unit(plan, block, is_8bit, thread, unit, m, w->source[i], kept->codes[i], out[i]);
	}
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES;
		if (w->is_chroma)
			tile_put_chroma(plan, block, w->span, lane, unit, w->row, w->col, &out[0][l], &out[1][l], shared);
		else
			tile_put_luma(plan, block, w->span, lane, unit, w->row, w->col, &out[0][l], shared);
	}
}

TILE_INLINE void tile_set_work(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t down,
                               uint32_t right, uint32_t thread, const uint8_t *shared, struct tile_work *w)
{
	const uint32_t side = TILE_SIDE(block);
	w->row = w->span->first_block_row * block + down * side - w->span->first_row;
	w->col = right * 4 * side;
	TILE_EACH_LANE(l)
	{
		struct tile_source *s = &w->source[0][l];
		uint32_t first = w->is_chroma * TILE_PLACES(block);
		tile_set_source(plan, block, w->span, (thread + l) % TILE_LANES, down, right, s);
		s->shared = shared;
		s->origins = shared + plan->room.origins + 4 * first;
		s->dequants = shared + plan->room.dequants + (is_8bit ? 4 : 8) * first;
		w->source[1][l] = *s;
		w->source[1][l].origins += 4 * TILE_PLACES(block);
		w->source[1][l].dequants += (is_8bit ? 4 : 8) * TILE_PLACES(block);
	}
}

/* A piece of chroma of which one row is wanted, at B = 8. */
TILE_INLINE void tile_edge(const struct tile_plan *plan, unsigned is_8bit, const struct tile_work *w, uint32_t thread,
                           const struct tile_matrix_words *m, struct tile_kept *kept, uint8_t *shared)
{
	const struct tile_span *span = w->span;
	uint32_t is_last = (int32_t)w->row < 0, y = is_last ? 0 : w->row, shift = tile_chroma_shift(plan);
	uint32_t out[TILE_SPMD];
	tile_transform_edge(plan, is_8bit, thread, is_last, m, shared + plan->room.matrix, kept->codes[0], kept->codes[1],
	                    out);
	TILE_EACH_LANE(l)
	{
		uint32_t lane = (thread + l) % TILE_LANES, left = span->first_col * 8 + w->col;
		uint32_t x = lane / 4 % 4 * 8 + lane % 4 * 2;
		uint8_t *to = shared + plan->room.chroma +
		              4 * (y * plan->room.chroma_stride + TILE_LEAD + w->col + x) + lane / 16 * 2;
		if (left == 0 || left + 32 >= span->width) {
			tile_put_half_edge(span->width, left + x, out[l], shift, to);
			continue;
		}
		op_store2(to, (out[l] & 0xff) << shift);
		op_store2(to + 4, (out[l] >> 8 & 0xff) << shift);
	}
}

/* What there is of pieces `index`, `index` + n, ... Where a piece is too much to be kept, a warp takes one of its blocks. */
TILE_INLINE void tile_pieces(const struct tile_plan *plan, unsigned block, unsigned is_8bit, const struct tile_span *span,
                             uint32_t is_chroma, uint32_t index, uint32_t thread, const struct tile_matrix_words *m,
                             uint8_t *shared)
{
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, apart = TILE_KEPT(block) ? 1 : TILE_GROUP;
	const uint32_t side_by_side = TILE_KEPT(block) ? TILE_UNITS(block) : 1;
	struct tile_work w = {.span = span, .is_chroma = is_chroma};
	struct tile_kept kept;
	tile_keep(plan, block, is_8bit, is_chroma, thread, shared, kept.codes[0]);
	if (is_chroma)
		tile_keep(plan, block, is_8bit, 2, thread, shared, kept.codes[1]);
	TILE_LOOP
	for (; index < span->npieces * apart; index += nwarps) {
		uint32_t piece = index / apart, down = piece >> span->across_log2;
		uint32_t right = piece - (down << span->across_log2);
		if (right >= span->across)
			continue;
		tile_set_work(plan, block, is_8bit, down, right, thread, shared, &w);
		TILE_UNROLL
		for (unsigned i = 0; i < 1 + is_chroma; i++)
			tile_load_kept(block, w.source[i], kept.codes[i]);
		if (block == 8 && is_chroma && (w.row + 7 == 0 || w.row + 1 == span->nrows)) {
			tile_edge(plan, is_8bit, &w, thread, m, &kept, shared);
			continue;
		}
		TILE_LOOP
		for (unsigned i = 0; i < side_by_side; i++) {
			uint32_t unit = apart > 1 ? index % apart : i;
			if (TILE_UNITS(block) == 1 || right * TILE_GROUP + unit < span->ncols)
				tile_unit(plan, block, is_8bit, &w, unit, thread, m, &kept, shared);
		}
	}
}

/* `thread` is the first of TILE_SPMD. Warps go on with luma where those of chroma, of which each is two, end. */
TILE_INLINE void tile_transform(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t thread,
                                uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	const uint32_t nwarps = TILE_THREADS / TILE_LANES, warp = thread / TILE_LANES;
	const struct tile_span luma = head->luma, chroma = head->chroma;
	struct tile_matrix_words m[TILE_SPMD];
	TILE_EACH_LANE(l)
	tile_load_matrix(block, (thread + l) % TILE_LANES, shared + plan->room.matrix, &m[l]);
	tile_pieces(plan, block, is_8bit, &chroma, 1, warp, thread, m, shared);
	tile_pieces(plan, block, is_8bit, &luma, 0, nwarps - 1 - warp, thread, m, shared);
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
		uint32_t ngroups = (span->ncols + TILE_GROUP - 1) / TILE_GROUP, log2 = ngroups ? tile_log2_up(ngroups) : 0;
		for (uint32_t place = thread; place < span->nblock_rows << log2; place += TILE_THREADS) {
			uint32_t row = place >> log2, group = place - (row << log2);
			if (group >= ngroups)
				continue;
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
