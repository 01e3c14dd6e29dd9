/* SPDX-License-Identifier: MIT */
/*
 * tile_samples_priv.h: from the codes of an object to the samples of one tile, in the memory that the tile's threads share.
 *
 * Three steps, with a barrier between; each is a function of a thread's number. tile_begin says what the tile needs.
 * tile_columns transforms columns: a thread takes one column u of four neighbouring blocks, whose codes are one word of
 * each plane, and all threads of a warp the same u, so that none waits for frequencies that only others have. tile_rows
 * transforms rows: a thread takes one row of one block.
 *
 * Blocks that stick out of the image on the right are made of whatever follows in the plane; nobody looks at them.
 */
#pragma once

#include "tile_dct_priv.h"
#include "tile_priv.h"

/* What a tile needs of a component's samples, or, where B is 1, of its codes. */
struct tile_span {
	uint32_t first_col, ngroups; /* blocks, and how many groups of TILE_GROUP */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows; /* samples */
	uint32_t ngroups_inverse;  /* for tile_quotient */
	uint32_t nblocks_inverse;
};

/* Lies first in shared memory. */
struct tile_head {
	struct tile_span luma, chroma; /* chroma's is of both components */
	uint32_t out_x, out_y;         /* of the tile, in the output */
	uint32_t out_width, out_height;
	uint32_t own_width, own_height; /* of these, what shows the image */
	uint32_t from_x, from_y; /* pixel of the image that the tile's first one shows, or, flipped, its last own one */
};

/* floor(n / d), by what tile_inverse says of d, where n * d < 2^24. */
TILE_INLINE uint32_t tile_inverse(uint32_t d)
{
	return ((1u << 24) - 1 + d) / d;
}

TILE_INLINE uint32_t tile_quotient(uint32_t n, uint32_t inverse)
{
	return (uint32_t)((uint64_t)n * inverse >> 24);
}

/* --- What a tile needs --------------------------------------------------------------------------------------------- */

TILE_INLINE void tile_set_span(unsigned block, uint32_t left, uint32_t right, uint32_t top, uint32_t bottom,
                               unsigned ncomponents, struct tile_span *span)
{
	span->first_col = left / block;
	span->ngroups = (right / block - span->first_col + TILE_GROUP) / TILE_GROUP;
	span->first_row = top;
	span->nrows = bottom + 1 - top;
	span->first_block_row = top / block;
	span->nblock_rows = bottom / block + 1 - span->first_block_row;
	span->ngroups_inverse = tile_inverse(span->ngroups);
	span->nblocks_inverse = tile_inverse(span->ngroups * TILE_GROUP * ncomponents);
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
	tile_set_span(block, left, right, top, bottom, 2, span);
}

TILE_INLINE void tile_set_head(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                               uint32_t tile, struct tile_head *head)
{
	uint32_t row = tile / plan->tiles_across;
	head->out_x = (tile - row * plan->tiles_across) * plan->tile_width;
	head->out_y = row * plan->tile_height;
	head->out_width = tile_least(plan->tile_width, plan->width - head->out_x);
	head->out_height = tile_least(plan->tile_height, plan->height - head->out_y);
	head->own_width = image->width > head->out_x ? tile_least(head->out_width, image->width - head->out_x) : 0;
	head->own_height = image->height > head->out_y ? tile_least(head->out_height, image->height - head->out_y) : 0;
	head->luma.nrows = head->luma.nblock_rows = head->chroma.nrows = head->chroma.nblock_rows = 0;
	if (!image->object || !head->own_width || !head->own_height)
		return;
	head->from_x = image->x + (image->is_flipped ? image->width - head->out_x - head->own_width : head->out_x);
	head->from_y = image->y + head->out_y;
	uint32_t right = head->from_x + head->own_width - 1, bottom = head->from_y + head->own_height - 1;
	tile_set_span(block, head->from_x, right, head->from_y, bottom, 1, &head->luma);
	if (image->ncomponents == 3)
		tile_set_chroma(plan, image, block, head->from_x, right, head->from_y, bottom, &head->chroma);
}

/* --- Codes and coefficients ---------------------------------------------------------------------------------------- */

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

/* Coefficient `i` of a word of codes. The step of codes of 8 bits is one of 8, and there are no means. */
TILE_INLINE int32_t tile_coefficient(unsigned is_8bit, uint32_t bits, uint32_t word, unsigned i, struct tile_dequant d)
{
	if (is_8bit)
		return op_dot4(word, d.step << 8 * i);
	int32_t code = (int32_t)(word << (32 - bits * (i + 1))) >> (32 - bits);
	return code * (int32_t)d.step + (int32_t)(code < 0 ? d.means >> 16 : d.means & 0xffff);
}

/* A word of codes that begins at bit `bit` of `from`, which may lie anywhere. */
TILE_INLINE uint32_t tile_codes(const uint8_t *from, uint64_t bit)
{
	const uint8_t *first = from + (bit >> 3);
	uint32_t odd = (uint32_t)((uintptr_t)first & 3);
	uint32_t shift = odd * 8 + (uint32_t)(bit & 7);
	const uint8_t *word = first - odd;
	return op_funnel(op_load4(word), op_load4(word + 4), shift);
}

/* --- Step 1: begin ------------------------------------------------------------------------------------------------- */

TILE_INLINE void tile_begin(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                            unsigned is_8bit, uint32_t tile, uint32_t thread, uint8_t *shared)
{
	if (thread == 0)
		tile_set_head(plan, image, block, tile, (struct tile_head *)(void *)shared);
	if (!image->object)
		return;
	struct tile_dequant *params = (struct tile_dequant *)(void *)(shared + plan->room.params);
	for (uint32_t p = thread; p < plan->nfreqs * image->ncomponents; p += TILE_THREADS)
		params[p] = tile_dequant_of(plan, image, is_8bit, p);
}

/* --- Step 2: columns ----------------------------------------------------------------------------------------------- */

/* Four blocks of a row of blocks of a component, and where their columns go. */
struct tile_group {
	const uint8_t *planes; /* of the component's first frequency */
	uint64_t first;        /* code of the first block */
	uint32_t component;
	int32_t row;             /* of the span: the blocks' first; may lie before it */
	uint16_t *out;           /* [row][u][block], the first block's place */
	uint32_t out_u, out_row; /* from u to u, from row to row */
};

/* Which plane has frequency (u, v) of the group's component; none where this is past the image's planes. */
TILE_INLINE uint32_t tile_plane_of(const struct tile_plan *plan, const struct tile_image *image, uint32_t u, uint32_t v,
                                   const struct tile_group *group)
{
	return (uint32_t)plan->freq[u][v] * image->ncomponents + group->component;
}

/* One line of a column: block `i` of the group. */
TILE_INLINE void tile_column_line(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                  unsigned is_8bit, unsigned n, uint32_t u, const struct tile_group *group,
                                  const struct tile_dequant *params, const uint32_t *words, unsigned i, uint32_t *sums)
{
	int32_t in[IC_BLOCK_MAX];
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++) {
		bool is_kept = v < plan->nv[u] && plan->freq[u][v] >= 0;
		in[v] = is_kept ? tile_coefficient(is_8bit, plan->bits, words[v], i,
		                                   params[tile_plane_of(plan, image, u, v, group)])
		                : 0;
	}
	tile_line(block, n, in, 1u << (TILE_FIRST_BITS - 1), sums);
}

/* Column u of the four blocks, whose first n frequencies may be kept: one block after the other, or two where there are
 * registers for it. */
TILE_INLINE void tile_column(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                             unsigned is_8bit, unsigned n, uint32_t u, const struct tile_group *group, uint32_t nrows,
                             const struct tile_dequant *params)
{
	unsigned together = block > 8 ? 1 : 2;
	uint32_t words[IC_BLOCK_MAX], sums[2][IC_BLOCK_MAX];
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++) {
		int32_t f = v < plan->nv[u] ? plan->freq[u][v] : -1;
		words[v] =
		        f < 0 ? 0 : tile_codes(group->planes + (uint32_t)f * image->stride, group->first * plan->bits);
	}
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i += together) {
		TILE_UNROLL
		for (unsigned j = 0; j < together; j++)
			tile_column_line(plan, image, block, is_8bit, n, u, group, params, words, i + j, sums[j]);
		TILE_UNROLL
		for (unsigned y = 0; y < block; y++) {
			uint32_t row = (uint32_t)(group->row + (int32_t)y);
			uint16_t *out = group->out + row * group->out_row + u * group->out_u + i;
			uint32_t both = op_pack_s16((int32_t)sums[0][y] >> TILE_FIRST_BITS,
			                            together == 2 ? (int32_t)sums[1][y] >> TILE_FIRST_BITS : 0);
			if (row < nrows && together == 2)
				op_store4(out, both);
			else if (row < nrows)
				op_store2(out, both);
		}
	}
}

TILE_INLINE void tile_column_any(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 unsigned is_8bit, uint32_t u, const struct tile_group *group, uint32_t nrows,
                                 const struct tile_dequant *params)
{
	uint32_t n = plan->nv[u];
	if (block == 8 && n <= 2)
		tile_column(plan, image, block, is_8bit, 2, u, group, nrows, params);
	else if (block >= 4 && n <= block / 2)
		tile_column(plan, image, block, is_8bit, block / 2, u, group, nrows, params);
	else
		tile_column(plan, image, block, is_8bit, block, u, group, nrows, params);
}

/* Group `index` of a span, of which `ncomponents` components have as many each. */
TILE_INLINE struct tile_group tile_group_at(const struct tile_plan *plan, const struct tile_image *image,
                                            unsigned block, const struct tile_span *span, uint32_t component,
                                            uint32_t ncomponents, uint32_t nblocks, uint32_t index, uint8_t *columns)
{
	struct tile_group group;
	uint32_t line = tile_quotient(index, span->ngroups_inverse);
	uint32_t col = TILE_GROUP * (index - line * span->ngroups), block_row = line;
	if (ncomponents == 2) {
		block_row = line / 2;
		component += line % 2;
	}
	const struct tile_component *c = &image->component[component];
	uint32_t place = ncomponents == 2 && component == 2 ? span->ngroups * TILE_GROUP : 0;
	group.planes = image->object + c->plane;
	group.first = (uint64_t)(span->first_block_row + block_row) * c->cols + span->first_col + col;
	group.component = component;
	group.row = (int32_t)((span->first_block_row + block_row) * block) - (int32_t)span->first_row;
	group.out = (uint16_t *)(void *)columns + place + col;
	group.out_u = nblocks * ncomponents;
	group.out_row = group.out_u * plan->nu;
	return group;
}

/* Columns of a span, which warps 0, 1, ... take in turn. */
TILE_INLINE void tile_columns_of(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 unsigned is_8bit, const struct tile_span *span, uint32_t component,
                                 uint32_t ncomponents, uint32_t nblocks, uint32_t warp, uint32_t lane, uint8_t *shared,
                                 uint32_t columns)
{
	const struct tile_dequant *params = (const struct tile_dequant *)(const void *)(shared + plan->room.params);
	uint32_t ngroups = span->nblock_rows * span->ngroups * ncomponents;
	uint32_t nunits = (ngroups + TILE_LANES - 1) / TILE_LANES * plan->nu;
	for (uint32_t unit = warp; unit < nunits; unit += TILE_THREADS / TILE_LANES) {
		uint32_t chunk = unit / plan->nu, u = unit - chunk * plan->nu;
		uint32_t index = chunk * TILE_LANES + lane;
		if (index >= ngroups)
			continue;
		struct tile_group group = tile_group_at(plan, image, block, span, component, ncomponents, nblocks,
		                                        index, shared + columns);
		tile_column_any(plan, image, block, is_8bit, u, &group, span->nrows, params);
	}
}

TILE_INLINE void tile_columns(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                              unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	uint32_t warp = thread / TILE_LANES, lane = thread % TILE_LANES, nwarps = TILE_THREADS / TILE_LANES;
	if (block == 1)
		return;
	tile_columns_of(plan, image, block, is_8bit, &head->luma, 0, 1, plan->room.luma_blocks, warp, lane, shared,
	                plan->room.luma_columns);
	/* From the last warp on: the first ones may have had one column of luma more. */
	tile_columns_of(plan, image, block, is_8bit, &head->chroma, 1, 2, plan->room.chroma_blocks, nwarps - 1 - warp,
	                lane, shared, plan->room.chroma_columns);
}

/* --- Step 3: rows -------------------------------------------------------------------------------------------------- */

/* A row of a block of samples to `out`. */
TILE_INLINE void tile_row(unsigned block, unsigned n, uint32_t nu, const uint16_t *columns, uint32_t columns_u,
                          uint8_t *out)
{
	unsigned level = block == 2 ? 1 : block == 4 ? 2 : block == 8 ? 3 : block == 16 ? 4 : 5;
	unsigned bits = TILE_MATRIX_BITS + TILE_PASS_BITS + level;
	int32_t in[IC_BLOCK_MAX];
	uint32_t sums[IC_BLOCK_MAX];
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++)
		in[u] = u < nu ? (int16_t)columns[u * columns_u] : 0;
	tile_line(block, n, in, 1u << (bits - 1), sums);
	TILE_UNROLL
	for (unsigned x = 0; x < block; x++)
		sums[x] = (uint32_t)((int32_t)sums[x] >> bits);
	if (block == 2) {
		op_store2(out, op_pack_s8((int32_t)sums[0], (int32_t)sums[1], 0, 0) ^ 0x8080);
		return;
	}
	TILE_UNROLL
	for (unsigned x = 0; x < block; x += 4)
		op_store4(out + x, op_pack_s8((int32_t)sums[x], (int32_t)sums[x + 1], (int32_t)sums[x + 2],
		                              (int32_t)sums[x + 3]) ^
		                           0x80808080);
}

TILE_INLINE void tile_row_any(unsigned block, uint32_t nu, const uint16_t *columns, uint32_t columns_u, uint8_t *out)
{
	if (block == 8 && nu <= 2)
		tile_row(block, 2, nu, columns, columns_u, out);
	else if (block >= 4 && nu <= block / 2)
		tile_row(block, block / 2, nu, columns, columns_u, out);
	else
		tile_row(block, block, nu, columns, columns_u, out);
}

/* At B = 1 a code is a sample. */
TILE_INLINE void tile_codes_to_samples(const struct tile_plan *plan, const struct tile_image *image, unsigned is_8bit,
                                       const struct tile_span *span, uint32_t component, uint32_t line, uint32_t col,
                                       const struct tile_dequant *params, uint8_t *out)
{
	const struct tile_component *c = &image->component[component];
	uint64_t first = (uint64_t)(span->first_row + line) * c->cols + span->first_col + col;
	uint32_t word = tile_codes(image->object + c->plane, first * plan->bits);
	int32_t value[TILE_GROUP];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++)
		value[i] = tile_coefficient(is_8bit, plan->bits, word, i, params[component]);
	op_store4(out, op_pack_s8(value[0], value[1], value[2], value[3]) ^ 0x80808080);
}

/* The samples left of the first and right of the last one of a row are those. A block's own thread sees to it. */
TILE_INLINE void tile_repeat_edges(uint32_t width, uint32_t first, uint32_t n, uint8_t *out)
{
	if (first == 0)
		out[-1] = out[0];
	if (width - 1 - first < n)
		out[width - first] = out[width - 1 - first];
}

TILE_INLINE void tile_rows_of(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                              unsigned is_8bit, const struct tile_span *span, uint32_t component, uint32_t thread,
                              uint8_t *shared)
{
	const struct tile_room *room = &plan->room;
	const struct tile_dequant *params = (const struct tile_dequant *)(const void *)(shared + room->params);
	uint32_t ncomponents = component ? 2 : 1;
	uint32_t unit = block == 1 ? TILE_GROUP : 1; /* blocks that a thread takes */
	uint32_t ncols = span->ngroups * TILE_GROUP * ncomponents,
	         stride = component ? room->chroma_stride : room->luma_stride;
	uint32_t columns_u = (component ? room->chroma_blocks : room->luma_blocks) * ncomponents;
	const uint16_t *columns =
	        (const uint16_t *)(const void *)(shared + (component ? room->chroma_columns : room->luma_columns));
	for (uint32_t item = thread * unit; item < span->nrows * ncols; item += TILE_THREADS * unit) {
		uint32_t row = tile_quotient(item, span->nblocks_inverse), place = item - row * ncols, col = place,
		         c = component;
		if (component && place >= ncols / 2) {
			col -= ncols / 2;
			c = 2;
		}
		uint32_t first = (span->first_col + col) * block, width = image->component[c].width;
		if (first >= width)
			continue;
		uint8_t *out =
		        shared + (c == 0 ? room->luma : room->chroma[c - 1] + TILE_LEAD) + row * stride + col * block;
		if (block == 1)
			tile_codes_to_samples(plan, image, is_8bit, span, c, row, col, params, out);
		else
			tile_row_any(block, plan->nu, columns + row * columns_u * plan->nu + place, columns_u, out);
		if (component)
			tile_repeat_edges(width, first, block * unit, out);
	}
}

TILE_INLINE void tile_rows(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                           unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	tile_rows_of(plan, image, block, is_8bit, &head->luma, 0, thread, shared);
	tile_rows_of(plan, image, block, is_8bit, &head->chroma, 1, TILE_THREADS - 1 - thread, shared);
}
