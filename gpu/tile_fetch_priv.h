/* SPDX-License-Identifier: MIT */
/*
 * tile_fetch_priv.h: what one tile of pixels needs of an image, and its codes, from the object to the memory that the
 * tile's threads share: the first step.
 *
 * The codes come as they lie in the planes. What the tile is, every thread works out for itself, since all would wait
 * for one that does. Blocks that stick out of the image on the right are made of whatever follows in the plane; nobody
 * looks at them.
 */
#pragma once

#include "tile_transform_priv.h"

/*
 * What a tile needs of a component's samples; and how its codes lie in shared memory: for each plane its runs, one for
 * all rows of blocks, from the first code to the last, or, where there is more between them, one a row. A run begins
 * with the multiple of TILE_VECTOR at or before its first code. Behind a plane's last run is one vector more where that
 * makes their number odd, so that lanes which read the same code of other planes meet in fewer banks.
 */
struct tile_span {
	uint32_t first_col, ncols; /* blocks, and how many */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows;     /* samples */
	uint32_t across, across_log2;  /* pieces in a row, and the logarithm of as many as are counted for it */
	uint32_t npieces;              /* of all rows, so counted */
	uint32_t width;                /* of the component */
	uint32_t first_bit, nbits_row; /* of the byte where the first code is; from a row of blocks to the next */
	uint32_t is_word;              /* codes are bytes, and those of each group are a word, at a multiple of 4 */
	uint32_t nruns, run_nbytes, nvectors, plane_nbytes; /* of a plane; of a run, from its first code on; in a run */
};

/* Lies first in shared memory. */
struct tile_head {
	struct tile_span luma, chroma;
	/* The byte of the first code that is needed, in the plane of the first frequency. */
	const uint8_t *codes[IC_COMPONENTS_MAX];
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

/* floor(n / d) for n below 2^31; what tile_divisor_of (plan.c) says of d. Granlund, Montgomery: Division by
 * invariant integers using multiplication, PLDI 1994. */
TILE_INLINE uint32_t tile_divide(uint32_t n, struct tile_divisor d)
{
	return (uint32_t)((uint64_t)n * d.magic >> 31) >> d.shift;
}

/* --- What a tile needs -------------------------------------------------------------------------------------------- */

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
	span->run_nbytes =
	        c->is_one_run
	                ? (span->first_bit + (span->nblock_rows - 1) * span->nbits_row + span->ncols * bits + 7) / 8
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

/* The head is zeroed. */
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

/* Of each (v, u) of a piece and each component, how codes become coefficients, and where they are. What is not kept
 * has the codes of the first frequency, times 0. */
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
		const uint8_t *from =
		        first + (uint64_t)f * image->stride + ((span->first_bit + run * span->nbits_row) >> 3);
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

TILE_INLINE void tile_fetch(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                            unsigned is_8bit, uint32_t tile, uint32_t thread, uint8_t *shared)
{
	struct tile_head head = {0};
	tile_set_head(plan, image, block, tile, &head);
	if (thread == 0)
		*(struct tile_head *)(void *)shared = head;
	if (block == 1 || !head.luma.npieces)
		return;
	if (head.chroma.npieces)
		tile_fetch_span(plan, image, block, &head, 1, thread, shared);
	tile_fetch_span(plan, image, block, &head, 0, thread, shared);
	tile_put_origins(plan, image, block, is_8bit, &head, thread, shared);
	tile_put_matrix(block, thread, shared + plan->room.matrix);
}
