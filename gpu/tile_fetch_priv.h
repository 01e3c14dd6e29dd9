/* SPDX-License-Identifier: MIT */
/*
 * tile_fetch_priv.h: what a thread block makes: a strip, tiles of the output that lie one below another; and the codes of
 * a tile, from the object to the memory that the threads share: the first step. Where blocks are small, codes stay where they
 * are (tile_lines_priv.h).
 *
 * Tiles begin at multiples of their height in the image, so that no block of luma is in two of them. Where chroma is
 * halved, the last row of a tile needs the chroma below it, and is made with the next tile; what the next tile looks at
 * of this one stays where it is. So only above a strip's first tile and below its last one a row is made of what is not its
 * own.
 *
 * Codes come as they lie in the planes. Blocks that stick out of the image on the right are made of whatever follows in
 * the plane; nobody looks at them.
 */
#pragma once

#include "tile_fast_passes_priv.h"

/*
 * What a strip needs of a component, and how its codes lie in shared memory: for each plane its runs, one for all rows
 * of blocks of a tile, from the first code to the last, or, where there is more between them, one a row. A run begins
 * with the multiple of TILE_VECTOR at or before its first code. Behind a plane's last run is one vector more where that
 * makes their number odd, so that lanes which read the same code of other planes meet in fewer banks.
 */
struct tile_span {
	uint32_t first_col, ncols;    /* blocks, and how many */
	uint32_t across, across_log2; /* pieces in a row, and the logarithm of as many as are counted for it */
	uint32_t width, height;       /* of the component */
	uint32_t nbits_row;           /* from a row of blocks to the next */
	uint32_t is_word;             /* codes are bytes, and those of each group are a word, at a multiple of 4 */
	uint32_t is_one_run;
	uint32_t run_vectors, plane_nbytes; /* from a run to the next, and from a plane to the next */
};

/* Lies first in shared memory. */
struct tile_strip {
	struct tile_span luma, chroma;
	const uint8_t *planes[IC_COMPONENTS_MAX]; /* of the first frequency */
	uint32_t out_x, out_width;                /* in the output */
	uint32_t y, end;                          /* its rows of the output */
	uint32_t own_width, own_height; /* of the strip's columns and the output's rows, what shows the image */
	uint32_t from_x;      /* column of the image that the strip's first one shows, or, flipped, its last own one */
	uint32_t from_y;      /* row of the image that the output's first one shows */
	uint32_t first, last; /* tiles, counted from the row of tiles that the output's first row is in */
	uint32_t is_empty;    /* nothing shows the image: one tile, of padding */
	uint32_t is_flipped, is_gray;
};

/* Rows of a component that a tile transforms. Rows of samples are counted from the tile's first one. */
struct tile_rows {
	uint64_t byte;      /* of a plane: where the first code is, */
	uint32_t first_bit; /* and the bit in it */
	uint32_t nblock_rows, npieces;
	int32_t first;   /* row of samples that the first row of blocks begins with */
	int32_t from;    /* the first one that is wanted, */
	uint32_t nrows;  /* and how many are */
	uint32_t parity; /* of the tile, where rows stay for the next one */
};

struct tile_tile {
	struct tile_rows luma, chroma;
	int32_t base;   /* the tile's first row, in the output; its first tile may begin above it */
	int32_t y, end; /* rows of the output that are made with the tile */
};

/* Behind the strip, two tiles in turns: one is fetched while the one before becomes pixels. */
#define TILE_TILES_AT (((uint32_t)sizeof(struct tile_strip) + 15) / 16 * 16)
#define TILE_TILE_NBYTES (((uint32_t)sizeof(struct tile_tile) + 15) / 16 * 16)
#define TILE_HEAD_NBYTES (TILE_TILES_AT + 2 * TILE_TILE_NBYTES)

TILE_INLINE const struct tile_strip *tile_strip_of(const uint8_t *shared)
{
	return (const struct tile_strip *)(const void *)shared;
}

TILE_INLINE struct tile_tile *tile_tile_of(uint8_t *shared, uint32_t tile)
{
	return (struct tile_tile *)(void *)(shared + TILE_TILES_AT + tile % 2 * TILE_TILE_NBYTES);
}

/*
 * Where row r of a tile of n rows is kept, -1 <= r <= n. The last one of a tile is where the next one, whose row -1 it is,
 * does not put its own. Row n is what lies below a strip.
 */
TILE_INLINE uint32_t tile_slot(int32_t r, uint32_t n, uint32_t parity)
{
	uint32_t slot = (uint32_t)r;
	if (r < 0)
		slot = n - parity;
	else if (slot + 1 == n)
		slot += parity;
	else if (slot == n)
		slot = n + 1;
	return slot;
}

/* The least l for which 2^l >= n, n at least 1: what threads share so is divided by shifts. */
TILE_INLINE uint32_t tile_log2_up(uint32_t n)
{
	return n == 1 ? 0 : 32 - op_leading_zeros(n - 1);
}

/* floor(n / d) for n below 2^31; what tile_divisor_of (plan.c) says of d. Granlund, Montgomery: Division by
 * invariant integers using multiplication, PLDI 1994. */
TILE_INLINE uint32_t tile_divide(uint32_t n, struct tile_divisor d)
{
	return (uint32_t)((uint64_t)n * d.magic >> 31) >> d.shift;
}

TILE_INLINE uint32_t tile_least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* --- What a strip needs ------------------------------------------------------------------------------------------- */

TILE_INLINE uint32_t tile_vectors(uint32_t nbytes) /* wherever they begin */
{
	return (nbytes + 2 * TILE_VECTOR - 2) / TILE_VECTOR;
}

/* Bytes of a run of n rows of blocks, or, where each has its own, of the longest. */
TILE_INLINE uint32_t tile_run_nbytes(const struct tile_plan *plan, const struct tile_span *span, uint32_t first_bit,
                                     uint32_t n)
{
	if (!span->is_one_run) {
		n = 1;
		first_bit = 7;
	}
	return (first_bit + (n - 1) * span->nbits_row + span->ncols * plan->bits + 7) / 8;
}

TILE_INLINE void tile_set_span(const struct tile_plan *plan, unsigned block, const struct tile_component *c,
                               uint32_t left, uint32_t right, uint32_t nblock_rows_max, struct tile_span *span)
{
	span->first_col = left / block;
	span->ncols = right / block + 1 - span->first_col;
	span->across = (span->ncols + TILE_GROUP - 1) / TILE_GROUP;
	span->across_log2 = tile_log2_up(span->across);
	span->width = c->width;
	span->height = c->height;
	span->nbits_row = c->cols * plan->bits;
	if (block < 16) /* codes stay where they are */
		return;
	span->is_word = c->is_words & (span->first_col % TILE_GROUP == 0);
	span->is_one_run = c->is_one_run;
	span->run_vectors = tile_vectors(tile_run_nbytes(plan, span, 7, nblock_rows_max));
	span->plane_nbytes = ((c->is_one_run ? 1 : nblock_rows_max) * span->run_vectors | 1) * TILE_VECTOR;
}

/* The strip is zeroed. */
TILE_INLINE void tile_set_strip(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                uint32_t index, struct tile_strip *strip)
{
	const struct tile_component *luma = &image->component[0], *chroma = &image->component[1];
	uint32_t row = tile_divide(index, plan->by_tiles_across), phase = image->y & (plan->tile_height - 1);
	uint32_t first = row * plan->strip_tiles, next = first + plan->strip_tiles;
	strip->out_x = (index - row * plan->tiles_across) * plan->tile_width;
	strip->out_width = tile_least(plan->tile_width, plan->width - strip->out_x);
	strip->y = row ? tile_least(first * plan->tile_height - phase, plan->height) : 0;
	strip->end = tile_least(next * plan->tile_height - phase, plan->height);
	strip->own_width = image->width > strip->out_x ? tile_least(strip->out_width, image->width - strip->out_x) : 0;
	strip->own_height = tile_least(image->height, plan->height);
	strip->is_flipped = image->is_flipped;
	strip->is_gray = image->ncomponents == 1;
	strip->from_y = image->y;
	uint32_t own_tiles = (phase + strip->own_height + plan->tile_height - 1) >> plan->tile_height_log2;
	strip->first = strip->last = first;
	strip->is_empty = !strip->own_width || own_tiles <= first;
	if (strip->is_empty)
		return;
	strip->last = tile_least(next, own_tiles) - 1;
	strip->from_x = image->x + (image->is_flipped ? image->width - strip->out_x - strip->own_width : strip->out_x);
	uint32_t left = strip->from_x, right = left + strip->own_width - 1;
	tile_set_span(plan, block, luma, left, right, plan->luma_block_rows, &strip->luma);
	if (image->ncomponents == 3) {
		if (plan->is_half) { /* with the neighbours that the triangle filter looks at */
			left = left >= 2 ? left / 2 - 1 : 0;
			right = tile_least(right / 2 + 1, chroma->width - 1);
		}
		tile_set_span(plan, block, chroma, left, right, plan->chroma_block_rows, &strip->chroma);
	}
	/* Of a component that there is not nothing is used. */
	TILE_UNROLL
	for (uint32_t i = 0; i < IC_COMPONENTS_MAX; i++)
		strip->planes[i] = image->object + image->component[i].plane;
}

/* --- What a tile needs -------------------------------------------------------------------------------------------- */

/* Of rows `top` to `bottom` of a component, where the tile's first one is row `base`. */
TILE_INLINE void tile_set_rows(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                               uint32_t base, uint32_t top, uint32_t bottom, struct tile_rows *rows)
{
	uint32_t block_row = top / block;
	uint64_t bit = (uint64_t)block_row * span->nbits_row + span->first_col * plan->bits;
	rows->byte = bit >> 3;
	rows->first_bit = (uint32_t)bit & 7;
	rows->nblock_rows = bottom / block + 1 - block_row;
	rows->npieces = rows->nblock_rows << span->across_log2;
	rows->first = (int32_t)(block_row * block - base);
	rows->from = (int32_t)(top - base);
	rows->nrows = bottom + 1 - top;
}

TILE_INLINE void tile_set_tile(const struct tile_plan *plan, const struct tile_strip *strip, unsigned block,
                               uint32_t index, struct tile_tile *tile)
{
	const uint32_t height = plan->tile_height, y = strip->from_y;
	uint32_t base = (y & ~(height - 1)) + index * height; /* in the image */
	uint32_t top = base > y ? base : y, bottom = tile_least(base + height, y + strip->own_height) - 1;
	bool is_first = index == strip->first, is_last = index == strip->last;
	int32_t lag = plan->is_half ? 1 : 0;
	tile->base = (int32_t)(base - y);
	tile->y = is_first ? (int32_t)strip->y : tile->base - lag;
	tile->end = is_last ? (int32_t)strip->end : tile->base + (int32_t)height - lag;
	if (strip->is_empty)
		return;
	tile_set_rows(plan, block, &strip->luma, base, top, bottom, &tile->luma);
	tile->luma.parity = tile->chroma.parity = plan->is_half & index;
	if (strip->is_gray)
		return;
	if (plan->is_half) {
		/* What the row above the first one and the one below the last one look at, too. */
		base /= 2;
		top = !is_first ? base : top >= 2 ? top / 2 - 1 : 0;
		bottom = is_last ? tile_least(bottom / 2 + 1, strip->chroma.height - 1) : bottom / 2;
	}
	tile_set_rows(plan, block, &strip->chroma, base, top, bottom, &tile->chroma);
}

/* --- Codes -------------------------------------------------------------------------------------------------------- */

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

/* --- To shared memory --------------------------------------------------------------------------------------------- */

/* Of each (v, u) of a piece and each component, how codes become coefficients; what is not kept is 0 times some code. */
TILE_INLINE void tile_put_dequants(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                   unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const uint32_t nplaces = TILE_PLACES(block);
	uint32_t ncomponents = image->ncomponents;
	for (uint32_t i = thread; i < nplaces * ncomponents; i += TILE_THREADS) {
		uint32_t component = i / nplaces;
		int32_t f = plan->freq_at[i % nplaces];
		struct tile_dequant d = {0, 0};
		if (f >= 0)
			d = tile_dequant_of(plan, image, is_8bit, (uint32_t)f * ncomponents + component);
		if (is_8bit)
			op_store4(shared + plan->room.dequants + 4 * i, d.step);
		else
			op_store8(shared + plan->room.dequants + 8 * i, d.step, d.means);
	}
}

/* Of fast transforms, for each pair of places of each component; at B = 8 (tile_fast_priv.h) of each pair of frequencies, one
 * after the other. Half the bytes of what others have are enough, as for codes of 8 bits. */
TILE_INLINE void tile_put_fast_dequants(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                        uint32_t thread, uint8_t *shared)
{
	const uint32_t npairs = TILE_PLACES(block) / 2;
	uint32_t ncomponents = image->ncomponents;
	for (uint32_t i = thread; i < npairs * ncomponents; i += TILE_THREADS) {
		uint32_t component = i / npairs, first = i % npairs * 2;
		float step[2];
		TILE_UNROLL
		for (uint32_t j = 0; j < 2; j++) {
			int32_t f = block == 8 ? (int32_t)(first + j) : plan->freq_at[first + j];
			step[j] = 0;
			if (f >= 0 && f < (int32_t)plan->nfreqs)
				step[j] = (float)tile_dequant_of(plan, image, 1, (uint32_t)f * ncomponents + component)
				                  .step;
		}
		struct tile_fast_steps2 steps = tile_fast_steps2_of(block, step[0], step[1]);
		op_store8(shared + plan->room.dequants + 8 * i, steps.by, steps.bias);
	}
}

/* And whose codes are meant, of transforms by lines; where none is kept, of the first. */
TILE_INLINE void tile_put_frequencies(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                      uint32_t thread, uint8_t *shared)
{
	const uint32_t nplaces = TILE_PLACES(block);
	for (uint32_t i = thread; i < nplaces * image->ncomponents; i += TILE_THREADS) {
		int32_t f = plan->freq_at[i % nplaces];
		op_store4(shared + plan->room.origins + 4 * i, f < 0 ? 0 : (uint32_t)f);
	}
}

/* On matrix units, where the codes are, if a run's first one is that of the plane; what is not kept has those of the first
 * frequency. */
TILE_INLINE void tile_put_origins(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                  uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const uint32_t nplaces = TILE_PLACES(block), mask = TILE_VECTOR - 1;
	for (uint32_t i = thread; i < nplaces * image->ncomponents; i += TILE_THREADS) {
		uint32_t component = i / nplaces;
		int32_t freq = plan->freq_at[i % nplaces];
		uint32_t f = freq < 0 ? 0 : (uint32_t)freq;
		uint32_t plane_nbytes = component ? strip->chroma.plane_nbytes : strip->luma.plane_nbytes;
		uint32_t odd = ((uint32_t)(uintptr_t)strip->planes[component] + f * image->stride) & mask;
		op_store4(shared + plan->room.origins + 4 * i, plan->room.codes[component] + f * plane_nbytes + odd);
	}
}

/* Of luma, or of both components of chroma. */
TILE_INLINE void tile_fetch_rows(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 const struct tile_strip *strip, const struct tile_rows *rows, uint32_t is_chroma,
                                 uint32_t thread, uint8_t *shared)
{
	const uint32_t vector = TILE_VECTOR, mask = vector - 1;
	const struct tile_span *span = is_chroma ? &strip->chroma : &strip->luma;
	uint32_t nbytes = tile_run_nbytes(plan, span, rows->first_bit, rows->nblock_rows);
	uint32_t nruns = span->is_one_run ? 1 : rows->nblock_rows, nvectors = tile_vectors(nbytes);
	uint32_t vectors_log2 = tile_log2_up(nvectors), plane_log2 = tile_log2_up(nruns << vectors_log2);
	const uint8_t *first = strip->planes[is_chroma] + rows->byte;
	uint64_t to_other = (uint64_t)(strip->planes[2] - strip->planes[1]);
	uint8_t *to = shared + plan->room.codes[is_chroma];
	uint32_t other = plan->room.codes[2] - plan->room.codes[1];
	TILE_LOOP
	for (uint32_t i = thread; i < plan->nfreqs << plane_log2; i += TILE_THREADS) {
		uint32_t f = i >> plane_log2, own = i - (f << plane_log2), run = own >> vectors_log2;
		uint32_t v = own - (run << vectors_log2), behind = v * vector; /* the run's first vector */
		if (run >= nruns || v >= nvectors)
			continue;
		const uint8_t *from =
		        first + (uint64_t)f * image->stride + ((rows->first_bit + run * span->nbits_row) >> 3);
		uint32_t at = f * span->plane_nbytes + (run * span->run_vectors + v) * vector;
		TILE_UNROLL
		for (unsigned k = 0; k < (is_chroma ? 2u : 1u); k++) {
			const uint8_t *own_from = from + (k ? to_other : 0);
			uint32_t odd = (uint32_t)(uintptr_t)own_from & mask;
			if (behind < odd + nbytes)
				op_copy4(to + at + (k ? other : 0), own_from - odd + behind);
		}
	}
}

/* What all tiles of a strip share: the first warp works out the strip, the others the rest. Before a barrier. */
TILE_INLINE void tile_begin(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                            unsigned is_8bit, bool is_fast, uint32_t index, uint32_t thread, uint8_t *shared)
{
	if (thread < TILE_LANES) {
		struct tile_strip strip = {0};
		tile_set_strip(plan, image, block, index, &strip);
		if (thread == 0)
			*(struct tile_strip *)(void *)shared = strip;
	}
	if (block == 1)
		return;
	/* In another order, so that the first warp has the least of it. */
	thread = TILE_THREADS - 1 - thread;
	if (is_fast) {
		tile_put_fast_dequants(plan, image, block, thread, shared);
		if (block > 8)
			tile_put_fast_matrix(block, thread, shared + plan->room.matrix);
		return;
	}
	tile_put_dequants(plan, image, block, is_8bit, thread, shared);
	if (TILE_BY_LINES(block))
		tile_put_frequencies(plan, image, block, thread, shared);
	else
		tile_put_matrix(block, thread, shared + plan->room.matrix);
}

/* A tile of the strip. */
TILE_INLINE void tile_fetch(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                            uint32_t index, uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	struct tile_tile tile = {0};
	if (block < 16 && thread >= TILE_LANES) /* there is nothing to fetch */
		return;
	tile_set_tile(plan, strip, block, index, &tile);
	if (thread == 0)
		*tile_tile_of(shared, index) = tile;
	if (block < 16 || strip->is_empty)
		return;
	if (index == strip->first)
		tile_put_origins(plan, image, block, thread, shared);
	tile_fetch_rows(plan, image, block, strip, &tile.luma, 0, thread, shared);
	/* From the middle on, so that warps which have nothing of luma have something of chroma. */
	if (!strip->is_gray)
		tile_fetch_rows(plan, image, block, strip, &tile.chroma, 1, thread ^ TILE_THREADS / 2, shared);
}
