/* SPDX-License-Identifier: MIT */
/*
 * tile_samples_priv.h: from the codes of an object to the samples of one tile, in the memory that the tile's threads share.
 *
 * Three steps, with a barrier between; each is a function of a thread's number. tile_begin says what the tile needs.
 * tile_gather brings the codes, from planes of one frequency each, to where all frequencies of four neighbouring blocks lie
 * together. tile_transform makes samples of these, a warp a piece (tile_transform_priv.h). Where B is 1 a code is a sample,
 * and tile_samples_of_codes is all.
 *
 * Blocks that stick out of the image on the right are made of whatever follows in the plane; nobody looks at them.
 */
#pragma once

#include "tile_transform_priv.h"

/* What a tile needs of a component's samples. */
struct tile_span {
	uint32_t first_col, ncols, ngroups; /* blocks, how many, and how many groups of TILE_GROUP */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows; /* samples */
	uint32_t nplaces;          /* groups, in all rows */
	uint32_t across, npieces;  /* pieces in a row, and in all rows */
	uint32_t width;            /* of the component */
};

/* Where the codes of a component are, from the first one on that the tile needs. */
struct tile_codes_of {
	const uint8_t *planes; /* that code's byte, in the plane of the first frequency */
	uint32_t first_bit;    /* of this byte */
	uint32_t nbits_row;    /* from a row of blocks to the next */
};

/* To divide by numbers of a span, for tile_quotient; and so many frequencies as all threads take at once. */
enum { TILE_NPLACES, TILE_NGROUPS, TILE_ACROSS };
struct tile_inverses {
	uint32_t of[3];
	uint32_t freqs_at_once;
};

/* Lies first in shared memory, before the inverses for luma and for chroma. */
struct tile_head {
	struct tile_span luma, chroma;
	struct tile_codes_of codes[IC_COMPONENTS_MAX];
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

TILE_INLINE void tile_set_span(unsigned block, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom,
                               struct tile_span *span)
{
	const uint32_t per = TILE_PER_SIDE(block);
	span->first_col = left / block;
	span->ncols = right / block + 1 - span->first_col;
	span->ngroups = (span->ncols + TILE_GROUP - 1) / TILE_GROUP;
	span->first_block_row = top / block;
	span->nblock_rows = bottom / block + 1 - span->first_block_row;
	span->first_row = top;
	span->nrows = bottom + 1 - top;
	span->nplaces = span->ngroups * span->nblock_rows;
	span->across = (span->ngroups + per - 1) / per;
	span->npieces = span->across * ((span->nblock_rows + per - 1) / per);
}

TILE_INLINE void tile_set_codes(const struct tile_plan *plan, const struct tile_image *image, uint32_t component,
                                const struct tile_span *span, struct tile_codes_of *codes)
{
	const struct tile_component *c = &image->component[component];
	uint64_t first = ((uint64_t)span->first_block_row * c->cols + span->first_col) * plan->bits;
	codes->planes = image->object + c->plane + (first >> 3);
	codes->first_bit = (uint32_t)first & 7;
	codes->nbits_row = c->cols * plan->bits;
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
	tile_set_span(block, left, right, top, bottom, span);
	span->width = c->width;
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
	head->luma.nrows = head->luma.nplaces = head->luma.npieces = 0;
	head->luma.ngroups = head->luma.across = 1;
	head->chroma = head->luma;
	if (!head->own_width || !head->own_height)
		return;
	head->from_x = image->x + (image->is_flipped ? image->width - head->out_x - head->own_width : head->out_x);
	head->from_y = image->y + head->out_y;
	uint32_t right = head->from_x + head->own_width - 1, bottom = head->from_y + head->own_height - 1;
	tile_set_span(block, head->from_x, right, head->from_y, bottom, &head->luma);
	head->luma.width = image->component[0].width;
	if (image->ncomponents == 3)
		tile_set_chroma(plan, image, block, head->from_x, right, head->from_y, bottom, &head->chroma);
	TILE_UNROLL
	for (uint32_t c = 0; c < IC_COMPONENTS_MAX; c++) {
		if (c < image->ncomponents)
			tile_set_codes(plan, image, c, c ? &head->chroma : &head->luma, &head->codes[c]);
	}
}

#define TILE_INVERSES 6u /* threads that find them, each one of its own, for divisions take long */

TILE_INLINE void tile_set_inverse(const struct tile_head *head, uint32_t thread, struct tile_inverses *inverses)
{
	uint32_t is_chroma = thread / 3, which = thread % 3;
	uint32_t d = which == TILE_NPLACES   ? (is_chroma ? head->chroma.nplaces : head->luma.nplaces)
	             : which == TILE_NGROUPS ? (is_chroma ? head->chroma.ngroups : head->luma.ngroups)
	                                     : (is_chroma ? head->chroma.across : head->luma.across);
	inverses[is_chroma].of[which] = tile_inverse(d);
	if (which == TILE_NPLACES)
		inverses[is_chroma].freqs_at_once = d < TILE_THREADS ? tile_quotient(TILE_THREADS, tile_inverse(d)) : 1;
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
	/* Frequencies that are not kept have a step of 0: what their codes are does not matter. */
	for (uint32_t i = 16 * thread; i < plan->room.params_nbytes; i += 16 * TILE_THREADS)
		op_store16(shared + plan->room.params + i, 0, 0, 0, 0);
}

/* --- Step 2: codes to pieces --------------------------------------------------------------------------------------- */

/* How the codes of each frequency become coefficients, in each of the blocks that are transformed together. */
TILE_INLINE void tile_put_params(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const uint32_t per = TILE_PER_SIDE(block);
	uint32_t ncomponents = image->ncomponents;
	for (uint32_t p = thread; p < plan->nfreqs * ncomponents; p += TILE_THREADS) {
		uint32_t f = ncomponents == 1 ? p : p / IC_COMPONENTS_MAX, component = p - f * ncomponents;
		uint32_t first = component * TILE_PIECE_WORDS(block) + plan->place[f];
		struct tile_dequant d = tile_dequant_of(plan, image, is_8bit, p);
		for (uint32_t i = 0; i < per * per; i++) {
			uint32_t at = first + i / per * 8 * block + i % per * block;
			if (is_8bit)
				op_store4(shared + plan->room.params + 4 * at, d.step);
			else
				op_store8(shared + plan->room.params + 8 * at, d.step, d.means);
		}
	}
}

#define TILE_IN_FLIGHT 4u /* words that a thread waits for together */

/* A group's words of every so many frequencies, the first of which is `f`. is_word: each is a word of the object's. Behind the
 * last frequency is the last one, again: asking would cost more. */
TILE_INLINE void tile_gather_group(const struct tile_plan *plan, const uint8_t *from, uint32_t stride, uint32_t bit,
                                   bool is_word, uint32_t f, uint32_t at_once, uint8_t *to)
{
	const uint32_t last = plan->nfreqs - 1;
	TILE_LOOP
	for (; f <= last; f += TILE_IN_FLIGHT * at_once) {
		uint32_t words[TILE_IN_FLIGHT], places[TILE_IN_FLIGHT];
		TILE_UNROLL
		for (unsigned i = 0; i < TILE_IN_FLIGHT; i++) {
			uint32_t own = tile_least(f + i * at_once, last);
			const uint8_t *at = from + (uint64_t)own * stride;
			places[i] = plan->place[own];
			words[i] = is_word ? op_load4_global(at) : tile_codes(at, bit);
		}
		TILE_UNROLL
		for (unsigned i = 0; i < TILE_IN_FLIGHT; i++)
			op_store4(to + 4 * places[i], words[i]);
	}
}

TILE_INLINE void tile_gather_component(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                       const struct tile_head *head, unsigned component, uint32_t thread,
                                       uint8_t *shared)
{
	const uint32_t per = TILE_PER_SIDE(block);
	const struct tile_span *span = component ? &head->chroma : &head->luma;
	const struct tile_inverses *inverses = tile_inverses_of(head, component > 0);
	const struct tile_codes_of *codes = &head->codes[component];
	uint32_t at_once = inverses->freqs_at_once, f = tile_quotient(thread, inverses->of[TILE_NPLACES]);
	uint32_t first = thread - f * span->nplaces;
	if (at_once == 1) { /* there may be more places than threads */
		f = 0;
		first = thread;
	}
	if (f >= at_once)
		return;
	for (uint32_t place = first; place < span->nplaces; place += TILE_THREADS) {
		uint32_t row = tile_quotient(place, inverses->of[TILE_NGROUPS]), group = place - row * span->ngroups;
		uint32_t bit = codes->first_bit + row * codes->nbits_row + TILE_GROUP * group * plan->bits;
		const uint8_t *from = codes->planes + (bit >> 3);
		uint32_t piece = row / per * span->across + group / per;
		uint8_t *to = shared + plan->room.words[component] + piece * TILE_PIECE_NBYTES(block) +
		              4 * (group % per * 8 * block + row % per * block);
		if (((bit & 7) | ((uint32_t)(uintptr_t)from & 3) | (image->stride & 3)) == 0)
			tile_gather_group(plan, from, image->stride, 0, true, f, at_once, to);
		else
			tile_gather_group(plan, from, image->stride, bit & 7, false, f, at_once, to);
	}
}

TILE_INLINE void tile_gather(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                             unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	tile_put_params(plan, image, block, is_8bit, thread, shared);
	TILE_LOOP
	for (unsigned component = 0; component < image->ncomponents; component++)
		tile_gather_component(plan, image, block, head, component, thread, shared);
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

/* One unit of the pieces of a span, of luma or of both components of chroma. */
TILE_INLINE void tile_unit(const struct tile_plan *plan, unsigned block, unsigned is_8bit, const struct tile_span *span,
                           uint32_t across_inverse, uint32_t is_chroma, uint32_t index, uint32_t thread,
                           const struct tile_matrix_words *m, uint8_t *shared)
{
	const uint32_t units = TILE_UNITS(block), side = TILE_SIDE(block);
	uint32_t piece = index / units, unit = index % units, param_nbytes = is_8bit ? 4 : 8;
	uint32_t down = tile_quotient(piece, across_inverse), right = piece - down * span->across;
	uint32_t row = span->first_block_row * block + down * side - span->first_row, col = right * 4 * side;
	struct tile_unit_words out[2][TILE_SPMD];
	if (units > 1 && right * TILE_GROUP + unit >= span->ncols)
		return;
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		uint32_t component = is_chroma + i;
		if (i == 1 && !is_chroma)
			continue;
		tile_transform_unit(plan, block, is_8bit, thread, unit, m,
		                    shared + plan->room.words[component] + piece * TILE_PIECE_NBYTES(block),
		                    shared + plan->room.params + component * TILE_PIECE_WORDS(block) * param_nbytes,
		                    out[i]);
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
	TILE_EACH_LANE(l)
	tile_load_matrix(block, (thread + l) % TILE_LANES, shared + plan->room.matrix, &m[l]);
	TILE_LOOP
	for (; index < nchroma; index += nwarps)
		tile_unit(plan, block, is_8bit, &chroma, chroma_across, 1, index, thread, m, shared);
	TILE_LOOP
	for (; index < n; index += nwarps)
		tile_unit(plan, block, is_8bit, &luma, luma_across, 0, index - nchroma, thread, m, shared);
}

/* --- Where B is 1: codes are samples ------------------------------------------------------------------------------- */

/* Four of them. */
TILE_INLINE uint32_t tile_four_samples(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                       const struct tile_codes_of *codes, uint32_t component, uint32_t row, uint32_t group)
{
	uint32_t bit = codes->first_bit + row * codes->nbits_row + TILE_GROUP * group * plan->bits;
	uint32_t word = tile_codes(codes->planes + (bit >> 3), bit & 7);
	struct tile_dequant d = tile_dequant_of(plan, image, is_8bit, component);
	int32_t value[TILE_GROUP];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++)
		value[i] = (int32_t)tile_biased(is_8bit, plan->bits, word, i, d) - (1 << 15);
	return op_pack_s8(value[0], value[1], value[2], value[3]) ^ 0x80808080u;
}

TILE_INLINE void tile_four_of_chroma(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                     const struct tile_head *head, uint32_t row, uint32_t group, uint8_t *out)
{
	uint32_t cb = tile_four_samples(plan, image, is_8bit, &head->codes[1], 1, row, group);
	uint32_t cr = tile_four_samples(plan, image, is_8bit, &head->codes[2], 2, row, group), words[4];
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
		for (uint32_t place = thread; place < span->nplaces; place += TILE_THREADS) {
			uint32_t row = tile_quotient(place, inverse), group = place - row * span->ngroups;
			if (is_chroma)
				tile_four_of_chroma(plan, image, is_8bit, head, row, group,
				                    shared + plan->room.chroma +
				                            4 * (row * plan->room.chroma_stride + TILE_LEAD +
				                                 TILE_GROUP * group));
			else
				op_store4(shared + plan->room.luma + row * plan->room.luma_stride + TILE_GROUP * group,
				          tile_four_samples(plan, image, is_8bit, &head->codes[0], 0, row, group));
		}
	}
}
