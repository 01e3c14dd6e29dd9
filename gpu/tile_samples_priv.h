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

/* What a tile needs of a component's samples, or, where B is 1, of its codes; of chroma, of both components. */
struct tile_span {
	uint32_t first_col, ngroups; /* blocks, and how many groups of TILE_GROUP */
	uint32_t first_block_row, nblock_rows;
	uint32_t first_row, nrows; /* samples */
	uint32_t has_top_edge;     /* of the first row of blocks the last samples alone */
	uint32_t nwhole,
	        nedge; /* groups, in all rows and components: where but one row of samples is needed, and the others */
	uint32_t across;      /* threads that a row of all components takes */
	uint32_t columns;     /* where its columns go in shared memory: [row][component][group][u][block of four] */
	uint32_t columns_row; /* bytes from row to row */
	uint32_t width;       /* of the component */
};

/* Where the codes of a component are, from the first one on that the tile needs. */
struct tile_codes_of {
	const uint8_t *planes; /* that code's byte, in the plane of the first frequency */
	uint32_t first_bit;    /* of this byte */
	uint32_t nbits_row;    /* from a row of blocks to the next */
};

/* To divide by numbers of a span, for tile_quotient; and so many rows as all threads take at once. */
enum { TILE_NGROUPS, TILE_NWHOLE, TILE_NEDGE, TILE_ACROSS };
struct tile_inverses {
	uint32_t of[4];
	uint32_t rows_at_once;
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

/* What became of a group's columns in one row lies together, [u][block of four], so that a thread that wants a row of a
 * block finds all of it at constant distances. 8 bytes more, and no two threads of a warp want the same bank. */
#define TILE_COLUMNS_U (TILE_GROUP * (uint32_t)sizeof(uint16_t))

TILE_INLINE uint32_t tile_columns_nbytes(unsigned block)
{
	return block == 1 ? 0 : (block + 1) * TILE_COLUMNS_U;
}

/* --- What a tile needs --------------------------------------------------------------------------------------------- */

TILE_INLINE void tile_set_span(const struct tile_plan *plan, unsigned block, uint32_t left, uint32_t right,
                               uint32_t top, uint32_t bottom, unsigned ncomponents, struct tile_span *span)
{
	uint32_t has_bottom_edge = block > 1 && bottom % block == 0;
	span->first_col = left / block;
	span->ngroups = (right / block - span->first_col + TILE_GROUP) / TILE_GROUP;
	span->first_row = top;
	span->nrows = bottom + 1 - top;
	span->first_block_row = top / block;
	span->nblock_rows = bottom / block + 1 - span->first_block_row;
	span->has_top_edge = block > 1 && top % block == block - 1;
	uint32_t per_row = span->ngroups * ncomponents;
	span->nedge = per_row * (span->has_top_edge + has_bottom_edge);
	span->nwhole = per_row * span->nblock_rows - span->nedge;
	span->across = per_row * (block == 1 ? 1 : TILE_GROUP);
	span->columns = ncomponents == 1 ? plan->room.luma_columns : plan->room.chroma_columns;
	span->columns_row = per_row * tile_columns_nbytes(block);
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
	tile_set_span(plan, block, left, right, top, bottom, 2, span);
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
	head->luma.nrows = head->luma.nwhole = head->luma.nedge = 0;
	head->luma.ngroups = head->luma.across = 1;
	head->chroma = head->luma;
	if (!head->own_width || !head->own_height)
		return;
	head->from_x = image->x + (image->is_flipped ? image->width - head->out_x - head->own_width : head->out_x);
	head->from_y = image->y + head->out_y;
	uint32_t right = head->from_x + head->own_width - 1, bottom = head->from_y + head->own_height - 1;
	tile_set_span(plan, block, head->from_x, right, head->from_y, bottom, 1, &head->luma);
	head->luma.width = image->component[0].width;
	if (image->ncomponents == 3)
		tile_set_chroma(plan, image, block, head->from_x, right, head->from_y, bottom, &head->chroma);
	TILE_UNROLL
	for (uint32_t c = 0; c < IC_COMPONENTS_MAX; c++) {
		if (c < image->ncomponents)
			tile_set_codes(plan, image, c, c ? &head->chroma : &head->luma, &head->codes[c]);
	}
}

#define TILE_INVERSES 8u /* threads that find them, each one of its own, for divisions take long */

TILE_INLINE void tile_set_inverse(const struct tile_head *head, uint32_t thread, struct tile_inverses *inverses)
{
	uint32_t is_chroma = thread / 4, which = thread % 4;
	uint32_t d = which == 0   ? (is_chroma ? head->chroma.ngroups : head->luma.ngroups)
	             : which == 1 ? (is_chroma ? head->chroma.nwhole : head->luma.nwhole)
	             : which == 2 ? (is_chroma ? head->chroma.nedge : head->luma.nedge)
	                          : (is_chroma ? head->chroma.across : head->luma.across);
	inverses[is_chroma].of[which] = tile_inverse(d);
	if (which == TILE_ACROSS)
		inverses[is_chroma].rows_at_once = d < TILE_THREADS ? tile_quotient(TILE_THREADS, tile_inverse(d)) : 1;
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
	return code * (int32_t)(d.step & 0xffff) + (int32_t)(code < 0 ? d.means >> 16 : d.means & 0xffff);
}

/* A word of codes that begins at bit `bit`, below 8, of `from`, which may lie anywhere. */
TILE_INLINE uint32_t tile_codes(const uint8_t *from, uint32_t bit)
{
	const uint8_t *word = op_word_of(from);
	return op_funnel(op_load4_global(word), op_load4_global(word + 4), (uint32_t)(uintptr_t)from * 8 + bit);
}

/* --- Step 1: begin ------------------------------------------------------------------------------------------------- */

/* Of each (component, u, v): rows and columns behind the kept ones are never looked at. */
TILE_INLINE struct tile_dequant tile_param(const struct tile_plan *plan, const struct tile_image *image,
                                           unsigned is_8bit, uint32_t component, uint32_t u, uint32_t v)
{
	struct tile_dequant d = {0, 0};
	int32_t f = plan->freq[u][v];
	if (f < 0)
		return d;
	d = tile_dequant_of(plan, image, is_8bit, (uint32_t)f * image->ncomponents + component);
	if (is_8bit)
		d.means = (uint32_t)f;
	else
		d.step |= (uint32_t)f << 16;
	return d;
}

TILE_INLINE void tile_begin(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                            unsigned is_8bit, uint32_t tile, uint32_t thread, uint8_t *shared)
{
	struct tile_dequant *params = (struct tile_dequant *)(void *)(shared + plan->room.params);
	if (thread < TILE_INVERSES) {
		struct tile_head own, *head = (struct tile_head *)(void *)shared;
		tile_set_head(plan, image, block, tile, &own);
		if (thread == 0)
			*head = own;
		tile_set_inverse(&own, thread, (struct tile_inverses *)(void *)(head + 1));
	}
	for (uint32_t p = thread; p < image->ncomponents * block * block; p += TILE_THREADS)
		params[p] = tile_param(plan, image, is_8bit, p / (block * block), p / block % block, p % block);
}

/* --- Step 2: columns ----------------------------------------------------------------------------------------------- */

/* Column u of four blocks of a row of blocks of a component, and where it goes. */
struct tile_column {
	const uint8_t *planes;             /* the byte of the first block's code, in the plane of the first frequency */
	uint32_t bit;                      /* of this byte */
	const struct tile_dequant *params; /* of (u, 0) */
	int32_t row;                       /* of the span: the blocks' first; may lie before it */
	uint8_t *out;                      /* their place in row 0 */
};

/* The codes of the first n frequencies, a word each. By what they become coefficients stays in shared memory where blocks are
 * large, and registers few: the result is where to find it. */
TILE_INLINE const struct tile_dequant *tile_load_column(const struct tile_image *image, unsigned block,
                                                        unsigned is_8bit, unsigned n, const struct tile_column *c,
                                                        uint32_t *words, struct tile_dequant params[8])
{
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++) {
		struct tile_dequant d = c->params[v];
		uint32_t f = is_8bit ? d.means : d.step >> 16;
		words[v] = tile_codes(c->planes + (uint64_t)f * image->stride, c->bit);
		if (block <= 8)
			params[v % 8] = d;
	}
	return block <= 8 ? params : c->params;
}

/* One line: block `i` of the four. */
TILE_INLINE void tile_column_line(const struct tile_plan *plan, unsigned block, unsigned is_8bit, unsigned n,
                                  const uint32_t *words, const struct tile_dequant *params, unsigned i, uint32_t *sums)
{
	int32_t in[IC_BLOCK_MAX];
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++)
		in[v] = tile_coefficient(is_8bit, plan->bits, words[v], i, params[v]);
	tile_line(block, n, in, 1u << (TILE_FIRST_BITS - 1), sums);
}

/* The row that an edge needs: the first of the blocks' or, if it is the top one, the last, in which the odd frequencies have
 * the other sign. */
TILE_INLINE void tile_put_edge(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                               unsigned is_8bit, unsigned n, const struct tile_column *c, uint32_t is_top)
{
	uint32_t words[IC_BLOCK_MAX], sums[TILE_GROUP];
	struct tile_dequant few[8];
	const struct tile_dequant *params = tile_load_column(image, block, is_8bit, n, c, words, few);
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++) {
		uint32_t even = 1u << (TILE_FIRST_BITS - 1), odd = 0;
		TILE_UNROLL
		for (unsigned v = 0; v < n; v++) {
			uint32_t coefficient = (uint32_t)tile_coefficient(is_8bit, plan->bits, words[v], i, params[v]);
			if (v % 2)
				odd += tile_matrix(block, 0, v) * coefficient;
			else
				even += tile_matrix(block, 0, v) * coefficient;
		}
		sums[i] = (uint32_t)((int32_t)(is_top ? even - odd : even + odd) >> TILE_FIRST_BITS);
	}
	op_store8(c->out, op_pack_s16((int32_t)sums[0], (int32_t)sums[1]),
	          op_pack_s16((int32_t)sums[2], (int32_t)sums[3]));
}

/* The first n frequencies may be kept. One block after the other, or two where there are registers for it. */
TILE_INLINE void tile_put_column(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 unsigned is_8bit, unsigned n, const struct tile_column *c, uint32_t nrows,
                                 uint32_t columns_row)
{
	unsigned together = block > 8 ? 1 : 2;
	uint32_t words[IC_BLOCK_MAX], sums[2][IC_BLOCK_MAX];
	struct tile_dequant few[8];
	const struct tile_dequant *params = tile_load_column(image, block, is_8bit, n, c, words, few);
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i += together) {
		TILE_UNROLL
		for (unsigned j = 0; j < together; j++)
			tile_column_line(plan, block, is_8bit, n, words, params, i + j, sums[j]);
		TILE_UNROLL
		for (unsigned y = 0; y < block; y++) {
			uint32_t row = (uint32_t)(c->row + (int32_t)y);
			uint32_t both = op_pack_s16((int32_t)sums[0][y] >> TILE_FIRST_BITS,
			                            together == 2 ? (int32_t)sums[1][y] >> TILE_FIRST_BITS : 0);
			if (row < nrows && together == 2)
				op_store4(c->out + row * columns_row + 2 * i, both);
			else if (row < nrows)
				op_store2(c->out + row * columns_row + 2 * i, both);
		}
	}
}

/* Column `index` of a span: of u, and of a group of blocks. is_edge: of which a row is needed. */
TILE_INLINE void tile_column_at(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                unsigned is_8bit, const struct tile_head *head, uint32_t is_chroma, bool is_edge,
                                uint32_t index, uint8_t *shared)
{
	const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
	const struct tile_inverses *inverses = tile_inverses_of(head, is_chroma);
	const struct tile_dequant *params = (const struct tile_dequant *)(const void *)(shared + plan->room.params);
	uint32_t u = tile_quotient(index, inverses->of[is_edge ? TILE_NEDGE : TILE_NWHOLE]), n = plan->nv[u];
	uint32_t line_group = index - u * (is_edge ? span->nedge : span->nwhole);
	uint32_t line = tile_quotient(line_group, inverses->of[TILE_NGROUPS]),
	         group = line_group - line * span->ngroups;
	uint32_t is_second = is_chroma & line, block_row = is_chroma ? line / 2 : line;
	uint32_t is_top = is_edge & span->has_top_edge & (block_row == 0);
	if (!is_edge)
		block_row += span->has_top_edge;
	else if (!is_top)
		block_row = span->nblock_rows - 1;
	const struct tile_codes_of *codes = &head->codes[is_chroma + is_second];
	uint32_t bit = codes->first_bit + block_row * codes->nbits_row + TILE_GROUP * group * plan->bits;
	struct tile_column c;
	c.planes = codes->planes + (bit >> 3);
	c.bit = bit & 7;
	c.params = params + ((is_chroma + is_second) * block + u) * block;
	c.row = (int32_t)((span->first_block_row + block_row) * block) - (int32_t)span->first_row;
	c.out = shared + span->columns + (is_second * span->ngroups + group) * tile_columns_nbytes(block) +
	        u * TILE_COLUMNS_U;
	if (is_edge)
		c.out += is_top ? 0 : (span->nrows - 1) * span->columns_row;
	if (is_edge && block >= 4 && n <= block / 2)
		tile_put_edge(plan, image, block, is_8bit, block / 2, &c, is_top);
	else if (is_edge)
		tile_put_edge(plan, image, block, is_8bit, block, &c, is_top);
	else if (block == 8 && n <= 2)
		tile_put_column(plan, image, block, is_8bit, 2, &c, span->nrows, span->columns_row);
	else if (block >= 4 && n <= block / 2)
		tile_put_column(plan, image, block, is_8bit, block / 2, &c, span->nrows, span->columns_row);
	else
		tile_put_column(plan, image, block, is_8bit, block, &c, span->nrows, span->columns_row);
}

/* Threads go on with what comes next where those of the work before end; all of a warp do the same. */
TILE_INLINE uint32_t tile_turn(uint32_t thread, uint32_t n)
{
	return (thread - (n + TILE_LANES - 1) / TILE_LANES * TILE_LANES) % TILE_THREADS;
}

TILE_INLINE void tile_columns(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                              unsigned is_8bit, uint32_t thread, uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	if (block == 1)
		return;
	TILE_UNROLL
	for (unsigned is_chroma = 0; is_chroma < 2; is_chroma++) {
		const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
		uint32_t n = span->nwhole * plan->nu;
		for (uint32_t item = thread; item < n; item += TILE_THREADS)
			tile_column_at(plan, image, block, is_8bit, head, is_chroma, false, item, shared);
		thread = tile_turn(thread, n);
		n = span->nedge * plan->nu;
		for (uint32_t item = thread; item < n; item += TILE_THREADS)
			tile_column_at(plan, image, block, is_8bit, head, is_chroma, true, item, shared);
		thread = tile_turn(thread, n);
	}
}

/* --- Step 3: rows -------------------------------------------------------------------------------------------------- */

/* A row of a block of samples to `out`. */
TILE_INLINE void tile_row(unsigned block, unsigned n, uint32_t nu, const uint8_t *columns, uint8_t *out)
{
	unsigned level = block == 2 ? 1 : block == 4 ? 2 : block == 8 ? 3 : block == 16 ? 4 : 5;
	unsigned bits = TILE_MATRIX_BITS + TILE_PASS_BITS + level;
	int32_t in[IC_BLOCK_MAX];
	uint32_t sums[IC_BLOCK_MAX], words[IC_BLOCK_MAX / 4];
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++)
		in[u] = u < nu ? op_load_s16(columns + u * TILE_COLUMNS_U) : 0;
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
		words[x / 4] =
		        op_pack_s8((int32_t)sums[x], (int32_t)sums[x + 1], (int32_t)sums[x + 2], (int32_t)sums[x + 3]) ^
		        0x80808080;
	if (block == 4)
		op_store4(out, words[0]);
	TILE_UNROLL
	for (unsigned x = 0; x + 8 <= block; x += 8)
		op_store8(out + x, words[x / 4], words[x / 4 + 1]);
}

TILE_INLINE void tile_row_any(unsigned block, uint32_t nu, const uint8_t *columns, uint8_t *out)
{
	if (block == 8 && nu <= 2)
		tile_row(block, 2, nu, columns, out);
	else if (block >= 4 && nu <= block / 2)
		tile_row(block, block / 2, nu, columns, out);
	else
		tile_row(block, block, nu, columns, out);
}

/* At B = 1 a code is a sample. */
TILE_INLINE void tile_codes_to_samples(const struct tile_plan *plan, unsigned is_8bit, const uint8_t *planes,
                                       uint32_t bit, struct tile_dequant param, uint8_t *out)
{
	uint32_t word = tile_codes(planes + (bit >> 3), bit & 7);
	int32_t value[TILE_GROUP];
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++)
		value[i] = tile_coefficient(is_8bit, plan->bits, word, i, param);
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

/* Rows `row`, `row` + at_once, ... of a block, the one at `place` of those of all components of the span, or, where B
 * is 1, of four of them. */
TILE_INLINE void tile_block_rows(const struct tile_plan *plan, unsigned block, unsigned is_8bit,
                                 const struct tile_head *head, uint32_t is_chroma, uint32_t row, uint32_t place,
                                 uint8_t *shared)
{
	const struct tile_room *room = &plan->room;
	const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
	uint32_t at_once = tile_inverses_of(head, is_chroma)->rows_at_once;
	uint32_t is_second = is_chroma && place >= span->across / 2, col = is_second ? place - span->across / 2 : place;
	uint32_t width = block == 1 ? TILE_GROUP : block, first = span->first_col * block + col * width;
	if (first >= span->width)
		return;
	uint32_t stride = is_chroma ? room->chroma_stride : room->luma_stride;
	uint8_t *out =
	        shared + (is_chroma ? room->chroma[is_second] + TILE_LEAD : room->luma) + row * stride + col * width;
	const uint8_t *columns = shared + span->columns + row * span->columns_row +
	                         place / TILE_GROUP * tile_columns_nbytes(block) + place % TILE_GROUP * 2;
	const struct tile_codes_of *codes = &head->codes[is_chroma + is_second];
	uint32_t bit = codes->first_bit + row * codes->nbits_row + col * TILE_GROUP * plan->bits;
	struct tile_dequant param = {0, 0};
	if (block == 1)
		param = ((const struct tile_dequant *)(const void *)(shared + room->params))[is_chroma + is_second];
	for (; row < span->nrows; row += at_once) {
		if (block == 1)
			tile_codes_to_samples(plan, is_8bit, codes->planes, bit, param, out);
		else
			tile_row_any(block, plan->nu, columns, out);
		if (is_chroma)
			tile_repeat_edges(span->width, first, width, out);
		out += at_once * stride;
		columns += at_once * span->columns_row;
		bit += at_once * codes->nbits_row;
	}
}

TILE_INLINE void tile_rows_of(const struct tile_plan *plan, unsigned block, unsigned is_8bit,
                              const struct tile_head *head, uint32_t is_chroma, uint32_t thread, uint8_t *shared)
{
	const struct tile_span *span = is_chroma ? &head->chroma : &head->luma;
	if (span->nrows == 0)
		return;
	const struct tile_inverses *inverses = tile_inverses_of(head, is_chroma);
	uint32_t row = tile_quotient(thread, inverses->of[TILE_ACROSS]);
	if (row >= inverses->rows_at_once)
		return;
	/* Once, but for the widest rows of the smallest blocks. */
	for (uint32_t place = thread - row * span->across; place < span->across; place += TILE_THREADS)
		tile_block_rows(plan, block, is_8bit, head, is_chroma, row, place, shared);
}

TILE_INLINE void tile_rows(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t thread,
                           uint8_t *shared)
{
	const struct tile_head *head = (const struct tile_head *)(const void *)shared;
	tile_rows_of(plan, block, is_8bit, head, 0, thread, shared);
	tile_rows_of(plan, block, is_8bit, head, 1, thread, shared);
}
