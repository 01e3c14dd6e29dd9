/* SPDX-License-Identifier: MIT */
/*
 * tile_lines_priv.h: the inverse transform (docs/format.md, section 3) of blocks of 2, 4 and 8, by lines: where sums are short,
 * multiplications of 32 bits are as many as there are units for, and what matrix units need around them is more.
 *
 * Two steps, with a barrier between. tile_columns: a thread takes one column u of four neighbouring blocks of a component,
 * whose codes are one word of each plane, and, where they are enough, all threads of a warp the same u, so that none waits
 * for frequencies that only others have. Codes come straight from the object: so many words at once hide the way.
 * tile_line_rows: a thread takes one row of one block, of chroma of both components.
 *
 * Of blocks of which one row is wanted, as where a tile's chroma ends, columns are made for that row.
 */
#pragma once

#include "tile_samples_priv.h"

/* --- A line ------------------------------------------------------------------------------------------------------- */

/*
 * From a line of size / 2 sums to one of `size`. The matrix folds: of the inputs that are odd multiples of s = B / size,
 * output x and output size-1-x differ in the sign alone.
 */
TILE_INLINE void tile_unfold(unsigned block, unsigned size, unsigned n, const int32_t *in, uint32_t *sums)
{
	unsigned s = block / size;
	TILE_UNROLL
	for (unsigned x = 0; x < size / 2; x++) {
		uint32_t odd = 0;
		TILE_UNROLL
		for (unsigned j = s; j < n; j += 2 * s)
			odd += (uint32_t)tile_matrix(block, x, j) * (uint32_t)in[j];
		sums[size - 1 - x] = sums[x] - odd;
		sums[x] += odd;
	}
}

/* sums[0..block) of a line whose first n inputs may differ from 0, modulo 2^32; `bias` is added to each. block and n are
 * constants where this is called, so that every loop is unrolled and every array a set of registers. */
TILE_INLINE void tile_line(unsigned block, unsigned n, const int32_t *in, uint32_t bias, uint32_t *sums)
{
	uint32_t even = ((uint32_t)in[0] << TILE_MATRIX_BITS) + bias;
	uint32_t odd = block / 2 < n ? (uint32_t)in[block / 2] << TILE_MATRIX_BITS : 0;
	sums[0] = even + odd;
	sums[1] = even - odd;
	/* One by one, so that sizes are constants: no compiler unrolls a loop that doubles. */
	if (block >= 4)
		tile_unfold(block, 4, n, in, sums);
	if (block >= 8)
		tile_unfold(block, 8, n, in, sums);
}

/* --- Columns ------------------------------------------------------------------------------------------------------ */

/* Where outcomes of columns lie in shared memory: of each row of samples that is wanted, for each component and group of four
 * blocks, [u][block]. 8 bytes more, and no two threads of a warp load from the same bank, while of those
 * that store two meet. */
#define TILE_LINE_U (TILE_GROUP * 2u)
#define TILE_LINE_NBYTES(block) (((block) + 1) * TILE_LINE_U)

/* Column u of four blocks. */
struct tile_column {
	const uint8_t *planes;             /* the byte of the first block's code, in the plane of the first frequency */
	uint32_t bit;                      /* and the bit in it */
	const uint8_t *origins, *dequants; /* of (u, 0): tile_put_dequants, tile_put_frequencies */
	int32_t row;                       /* of those wanted: the blocks' first; may lie before it */
	uint8_t *out;                      /* their place in the first that is wanted */
};

/* n words, 2 or a multiple of 4. */
TILE_INLINE void tile_load_words_of(unsigned n, const uint8_t *from, uint32_t *out)
{
	if (n == 2)
		op_load8(from, out);
	TILE_UNROLL
	for (unsigned i = 0; i + 4 <= n; i += 4)
		op_load16(from + 4 * i, out + i);
}

/* The codes of the first n frequencies, a word each, and by what they become coefficients. */
TILE_INLINE void tile_load_column(const struct tile_image *image, unsigned is_8bit, unsigned n,
                                  const struct tile_column *c, uint32_t *words, struct tile_dequant *dequants)
{
	uint32_t f[8], d[16];
	tile_load_words_of(n, c->origins, f);
	tile_load_words_of(is_8bit ? n : 2 * n, c->dequants, d);
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++) {
		words[v] = tile_codes(c->planes + (uint64_t)f[v] * image->stride, c->bit);
		dequants[v].step = is_8bit ? d[v] : d[2 * v];
		dequants[v].means = is_8bit ? 0 : d[2 * v + 1];
	}
}

/* The one row that is wanted: the first of the blocks' or, if that is the tile's top, the last, in which the odd frequencies
 * have the other sign. */
TILE_INLINE void tile_put_edge(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                               unsigned is_8bit, unsigned n, const struct tile_column *c, bool is_top)
{
	uint32_t words[8];
	int32_t sums[TILE_GROUP];
	struct tile_dequant dequants[8];
	tile_load_column(image, is_8bit, n, c, words, dequants);
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i++) {
		uint32_t even = 1u << (TILE_FIRST_BITS - 1), odd = 0;
		TILE_UNROLL
		for (unsigned v = 0; v < n; v++) {
			uint32_t product = (uint32_t)tile_matrix(block, 0, v) *
			                   (uint32_t)tile_coefficient(is_8bit, plan->bits, words[v], i, dequants[v]);
			if (v % 2)
				odd += product;
			else
				even += product;
		}
		sums[i] = (int32_t)(is_top ? even - odd : even + odd) >> TILE_FIRST_BITS;
	}
	op_store8(c->out, op_pack_s16(sums[0], sums[1]), op_pack_s16(sums[2], sums[3]));
}

/* The first n frequencies may be kept. Two blocks at a time. */
TILE_INLINE void tile_put_column(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                 unsigned is_8bit, unsigned n, const struct tile_column *c, uint32_t nrows,
                                 uint32_t row_nbytes)
{
	uint32_t words[8], sums[2][8];
	struct tile_dequant dequants[8];
	tile_load_column(image, is_8bit, n, c, words, dequants);
	TILE_UNROLL
	for (unsigned i = 0; i < TILE_GROUP; i += 2) {
		TILE_UNROLL
		for (unsigned j = 0; j < 2; j++) {
			int32_t in[8];
			TILE_UNROLL
			for (unsigned v = 0; v < n; v++)
				in[v] = tile_coefficient(is_8bit, plan->bits, words[v], i + j, dequants[v]);
			tile_line(block, n, in, 1u << (TILE_FIRST_BITS - 1), sums[j]);
		}
		TILE_UNROLL
		for (unsigned y = 0; y < block; y++) {
			uint32_t row = (uint32_t)(c->row + (int32_t)y);
			if (row < nrows)
				op_store4(c->out + row * row_nbytes + 2 * i,
				          op_pack_s16((int32_t)sums[0][y] >> TILE_FIRST_BITS,
				                      (int32_t)sums[1][y] >> TILE_FIRST_BITS));
		}
	}
}

/* By how many frequencies are kept, u being one that is. */
TILE_INLINE void tile_put_columns(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                  unsigned is_8bit, uint32_t u, const struct tile_column *c, bool is_edge, bool is_top,
                                  uint32_t nrows, uint32_t row_nbytes)
{
	uint32_t n = plan->nv[u];
	if (is_edge && block >= 4 && n <= block / 2)
		tile_put_edge(plan, image, block, is_8bit, block / 2, c, is_top);
	else if (is_edge)
		tile_put_edge(plan, image, block, is_8bit, block, c, is_top);
	else if (block == 8 && n <= 2)
		tile_put_column(plan, image, block, is_8bit, 2, c, nrows, row_nbytes);
	else if (block >= 4 && n <= block / 2)
		tile_put_column(plan, image, block, is_8bit, block / 2, c, nrows, row_nbytes);
	else
		tile_put_column(plan, image, block, is_8bit, block, c, nrows, row_nbytes);
}

/* Rows of blocks of which more than one row of samples is wanted, and, before and behind, those where it is one. */
struct tile_block_rows {
	uint32_t has_top, has_bottom, nwhole;
};

TILE_INLINE struct tile_block_rows tile_block_rows_of(unsigned block, const struct tile_rows *rows)
{
	uint32_t before = (uint32_t)(rows->from - rows->first);
	struct tile_block_rows r = {before == block - 1, 0, 0};
	r.has_bottom = rows->nblock_rows > r.has_top && (before + rows->nrows - 1) % block == 0;
	r.nwhole = rows->nblock_rows - r.has_top - r.has_bottom;
	return r;
}

/* Columns of luma, or of both components of chroma: of the rows of blocks of which one row of samples is wanted (is_edge), or
 * of the others. Threads go on with what comes next where those of the work before end; all of a warp do the same. Returns
 * the thread for what comes next. */
TILE_INLINE uint32_t tile_columns_of(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                                     unsigned is_8bit, const struct tile_strip *strip, const struct tile_rows *rows,
                                     const struct tile_block_rows *wanted, uint32_t is_chroma, bool is_edge,
                                     uint32_t thread, uint8_t *shared)
{
	const struct tile_span *span = is_chroma ? &strip->chroma : &strip->luma;
	uint32_t nblock_rows = is_edge ? wanted->has_top + wanted->has_bottom : wanted->nwhole;
	if (!nblock_rows)
		return thread;
	uint32_t row_nbytes = plan->room.line_nbytes[is_chroma], each = nblock_rows << span->across_log2;
	uint32_t nslots = each << is_chroma, slots_log2 = tile_log2_up(nslots), n = plan->nu << slots_log2;
	for (uint32_t item = thread; item < n; item += TILE_THREADS) {
		uint32_t u = item >> slots_log2, slot = item - (u << slots_log2);
		uint32_t is_second = is_chroma & (slot >= each), own = slot - (is_second ? each : 0);
		uint32_t block_row = own >> span->across_log2, group = own - (block_row << span->across_log2);
		if (slot >= nslots || group >= span->across)
			continue;
		bool is_top = is_edge && wanted->has_top && block_row == 0;
		if (is_edge)
			block_row = is_top ? 0 : rows->nblock_rows - 1;
		else
			block_row += wanted->has_top;
		uint32_t bit = rows->first_bit + block_row * span->nbits_row + TILE_GROUP * group * plan->bits;
		uint32_t place = (is_chroma + is_second) * TILE_PLACES(block) + u * block;
		struct tile_column c;
		c.planes = strip->planes[is_chroma + is_second] + rows->byte + (bit >> 3);
		c.bit = bit & 7;
		c.origins = shared + plan->room.origins + 4 * place;
		c.dequants = shared + plan->room.dequants + (is_8bit ? 4 : 8) * place;
		c.row = (int32_t)(block_row * block) + rows->first - rows->from;
		c.out = shared + plan->room.lines[is_chroma] + is_second * plan->room.line_second +
		        group * TILE_LINE_NBYTES(block) + u * TILE_LINE_U;
		if (is_edge && !is_top)
			c.out += (rows->nrows - 1) * row_nbytes;
		tile_put_columns(plan, image, block, is_8bit, u, &c, is_edge, is_top, rows->nrows, row_nbytes);
	}
	return (thread - (n + TILE_LANES - 1) / TILE_LANES * TILE_LANES) % TILE_THREADS;
}

TILE_INLINE void tile_columns(const struct tile_plan *plan, const struct tile_image *image, unsigned block,
                              unsigned is_8bit, uint32_t index, uint32_t thread, uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	TILE_UNROLL
	for (unsigned is_chroma = 0; is_chroma < 2; is_chroma++) {
		const struct tile_rows *rows = is_chroma ? &tile->chroma : &tile->luma;
		if (strip->is_empty || (is_chroma && strip->is_gray))
			return;
		struct tile_block_rows wanted = tile_block_rows_of(block, rows);
		thread = tile_columns_of(plan, image, block, is_8bit, strip, rows, &wanted, is_chroma, false, thread,
		                         shared);
		thread = tile_columns_of(plan, image, block, is_8bit, strip, rows, &wanted, is_chroma, true, thread,
		                         shared);
	}
}

/* --- Rows --------------------------------------------------------------------------------------------------------- */

/* A row of a block of samples: words of four, or of two. */
TILE_INLINE void tile_row(unsigned block, unsigned n, uint32_t nu, const uint8_t *columns, uint32_t words[2])
{
	const unsigned bits = TILE_SECOND_BITS(block);
	int32_t in[8];
	uint32_t sums[8];
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++)
		in[u] = u < nu ? op_load_s16(columns + u * TILE_LINE_U) : 0;
	tile_line(block, n, in, 1u << (bits - 1), sums);
	TILE_UNROLL
	for (unsigned x = 0; x < block; x++)
		sums[x] = (uint32_t)((int32_t)sums[x] >> bits);
	if (block == 2) {
		words[0] = op_pack_s8((int32_t)sums[0], (int32_t)sums[1], 0, 0) ^ 0x8080;
		return;
	}
	TILE_UNROLL
	for (unsigned x = 0; x < block; x += 4)
		words[x / 4] =
		        op_pack_s8((int32_t)sums[x], (int32_t)sums[x + 1], (int32_t)sums[x + 2], (int32_t)sums[x + 3]) ^
		        0x80808080u;
}

TILE_INLINE void tile_row_any(unsigned block, uint32_t nu, const uint8_t *columns, uint32_t words[2])
{
	if (block == 8 && nu <= 2)
		tile_row(block, 2, nu, columns, words);
	else if (block >= 4 && nu <= block / 2)
		tile_row(block, block / 2, nu, columns, words);
	else
		tile_row(block, block, nu, columns, words);
}

TILE_INLINE void tile_store_luma(unsigned block, const uint32_t words[2], uint8_t *out)
{
	if (block == 2)
		op_store2(out, words[0]);
	else if (block == 4)
		op_store4(out, words[0]);
	else
		op_store8(out, words[0], words[1]);
}

/* `col` is that of the block's first sample. */
TILE_INLINE void tile_store_chroma(const struct tile_plan *plan, unsigned block, uint32_t width, uint32_t col,
                                   const uint32_t cb[2], const uint32_t cr[2], uint8_t *out)
{
	bool is_edge = col == 0 || col + block >= width;
	TILE_UNROLL
	for (unsigned x = 0; x < block; x += 2) {
		uint32_t words[2];
		tile_chroma_words(cb[x / 4], cr[x / 4], x % 4 ? 0x7362 : 0x5140, tile_chroma_shift(plan), words);
		if (is_edge)
			tile_put_chroma_edge(width, col + x, words, out + 4 * x);
		else
			op_store8(out + 4 * x, words[0], words[1]);
	}
}

TILE_INLINE void tile_rows_by_lines(const struct tile_plan *plan, unsigned block, const struct tile_span *span,
                                    const struct tile_rows *rows, uint32_t is_chroma, uint32_t thread, uint8_t *shared)
{
	uint32_t row_nbytes = plan->room.line_nbytes[is_chroma], cols_log2 = tile_log2_up(span->ncols);
	for (uint32_t place = thread; place < rows->nrows << cols_log2; place += TILE_THREADS) {
		uint32_t row = place >> cols_log2, col = place - (row << cols_log2), x = col * block;
		if (col >= span->ncols)
			continue;
		const uint8_t *columns = shared + plan->room.lines[is_chroma] + row * row_nbytes +
		                         col / TILE_GROUP * TILE_LINE_NBYTES(block) + col % TILE_GROUP * 2;
		uint32_t first[2], second[2];
		int32_t y = rows->from + (int32_t)row;
		tile_row_any(block, plan->nu, columns, first);
		if (!is_chroma) {
			uint32_t slot = tile_slot(y, plan->tile_height, rows->parity);
			tile_store_luma(block, first, shared + plan->room.luma + slot * plan->room.luma_stride + x);
			continue;
		}
		tile_row_any(block, plan->nu, columns + plan->room.line_second, second);
		uint32_t at = tile_chroma_slot(plan, rows, y) * plan->room.chroma_stride + TILE_LEAD + x;
		tile_store_chroma(plan, block, span->width, span->first_col * block + x, first, second,
		                  shared + plan->room.chroma + 4 * at);
	}
}

TILE_INLINE void tile_line_rows(const struct tile_plan *plan, unsigned block, uint32_t index, uint32_t thread,
                                uint8_t *shared)
{
	const struct tile_strip *strip = tile_strip_of(shared);
	const struct tile_tile *tile = tile_tile_of(shared, index);
	if (strip->is_empty)
		return;
	tile_rows_by_lines(plan, block, &strip->luma, &tile->luma, 0, thread, shared);
	/* From the other end on, where fewer have something of luma. */
	if (!strip->is_gray)
		tile_rows_by_lines(plan, block, &strip->chroma, &tile->chroma, 1, TILE_THREADS - 1 - thread, shared);
}
