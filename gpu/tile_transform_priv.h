/* SPDX-License-Identifier: MIT */
/*
 * tile_transform_priv.h: the inverse transform (docs/format.md, section 3) of blocks of 16 and 32 on matrix units, which
 * multiply 8-bit whole numbers: bit for bit what it is by multiplications of 32 bits. Smaller blocks: tile_lines_priv.h.
 *
 * Both passes are products with the matrix M, of 15 bits: first M X of a block's coefficients X[v][u], then, rounded to
 * 16 bits, the product of the outcome with the transpose of M. M is 256 * high + low, two signed bytes, and what it is
 * multiplied with, plus 2^15, is two unsigned ones, 256 * h + l; so a product of both is low * l + 256 * (high * l +
 * low * h) + 65536 * high * h, and three sums of products of bytes make a sum, modulo 2^32 as the definition has it.
 * What 2^15 adds is 2^15 times the sum of a row of M, which is taken off.
 *
 * A warp works on tiles of 8 x 8; blocks are 2 x 2 or 4 x 4 of these.
 *
 * Where lanes keep what (PTX ISA, "Matrix Fragments for mma.m16n8k16", 8-bit types) is such that no number changes
 * lanes: lane l has, of a tile, the pair of row l / 4 and columns 2 * (l % 4) and the next, of codes, of coefficients
 * (rows are u, columns v), of the outcome of the first pass (rows are y, columns u) and of samples (rows are y, columns
 * x). So a warp's functions are written for TILE_SPMD lanes: on a GPU for the thread's own, in C for all 32 one after
 * another.
 */
#pragma once

#include "tile_matrix_priv.h"
#include "tile_priv.h"

#define TILE_MATRIX_BITS 13
#define TILE_PASS_BITS 2
#define TILE_FIRST_BITS (TILE_MATRIX_BITS - TILE_PASS_BITS)

#define TILE_EACH_LANE(l) TILE_UNROLL for (unsigned l = 0; l < TILE_SPMD; l++)

/* How many tiles of 8 a block's side is. */
#define TILE_EIGHTHS(block) ((block) / 8)

/* By lines, and not on matrix units. */
#define TILE_BY_LINES(block) ((block) > 1 && (block) < 16)

/*
 * A piece is four blocks side by side: codes come as words of those of four. What belongs to (v, u), row and column of a
 * block's frequencies, has a place: where blocks are a tile or less, those of a column lie together, and else those of a
 * column of a tile, so that a lane's pair is at a multiple of 2.
 */
#define TILE_PLACES(block) ((block) * (block))
#define TILE_PLACE(block, u, v) ((v) / 8 * 8 * (block) + (u) * ((block) < 8 ? (block) : 8u) + (v) % 8)

#define TILE_VECTOR 4u /* bytes that are copied at a time: planes of large blocks are short */

TILE_INLINE int32_t tile_matrix(unsigned block, uint32_t x, uint32_t u)
{
	return block == 2    ? tile_matrix_2[x * 2 + u]
	       : block == 4  ? tile_matrix_4[x * 4 + u]
	       : block == 8  ? tile_matrix_8[x * 8 + u]
	       : block == 16 ? tile_matrix_16[x * 16 + u]
	                     : tile_matrix_32[x * 32 + u];
}

/* The sum of a row of the matrix. */
TILE_INLINE int32_t tile_matrix_sum(unsigned block, uint32_t x)
{
	return block == 16 ? tile_sums_16[x] : tile_sums_32[x];
}

/* --- The matrix, as lanes want it --------------------------------------------------------------------------------- */

/* In shared memory: a word for each tile and lane, and for each row 2^15 times its sum. */
#define TILE_DIGITS_NBYTES(block) (TILE_EIGHTHS(block) * TILE_EIGHTHS(block) * TILE_LANES * 4)
#define TILE_MATRIX_NBYTES(block) (TILE_DIGITS_NBYTES(block) + (block)*4)

/* The two bytes of each of two numbers: high, low, high, low. */
TILE_INLINE uint32_t tile_digits_of(int32_t a, int32_t b)
{
	int32_t low_a = (int8_t)a, low_b = (int8_t)b;
	return ((uint32_t)(a - low_a) >> 8 & 0xff) | ((uint32_t)low_a & 0xff) << 8 |
	       ((uint32_t)(b - low_b) >> 8 & 0xff) << 16 | (uint32_t)low_b << 24;
}

TILE_INLINE void tile_put_matrix(unsigned block, uint32_t thread, uint8_t *matrix)
{
	uint32_t n = TILE_EIGHTHS(block);
	for (uint32_t i = thread; i < n * n * TILE_LANES; i += TILE_THREADS) {
		uint32_t lane = i % TILE_LANES, tile = i / TILE_LANES;
		uint32_t x = tile / n * 8 + lane / 4, u = tile % n * 8 + lane % 4 * 2;
		op_store4(matrix + 4 * i, tile_digits_of(tile_matrix(block, x, u), tile_matrix(block, x, u + 1)));
	}
	if (thread < block)
		op_store4(matrix + TILE_DIGITS_NBYTES(block) + 4 * thread, (uint32_t)tile_matrix_sum(block, thread)
		                                                                   << 15);
}

/* Of a word of the matrix, what the sum that counts 256^power multiplies (l, h, l, h) with. */
TILE_INLINE uint32_t tile_digits(uint32_t word, unsigned power)
{
	return power == 0 ? word >> 8 & 0x00ff00ff : power == 1 ? word : (word & 0x00ff00ff) << 8;
}

/* From the three sums, and what is added: 0 where the first one began with it, which takes registers for more than the
 * number itself, and an addition less. */
TILE_INLINE int32_t tile_joined(int32_t low, int32_t middle, int32_t high, uint32_t bias)
{
	return (int32_t)(((uint32_t)high << 16) + (((uint32_t)middle << 8) + (uint32_t)low) + bias);
}

#define TILE_LEVEL(block) ((block) == 2 ? 1u : (block) == 4 ? 2u : (block) == 8 ? 3u : (block) == 16 ? 4u : 5u)
#define TILE_SECOND_BITS(block) (TILE_MATRIX_BITS + TILE_PASS_BITS + TILE_LEVEL(block))

/* --- A piece ------------------------------------------------------------------------------------------------------ */

/* What a lane keeps of the matrix. */
struct tile_matrix_words {
	uint32_t tile[16];     /* TILE_EIGHTHS squared */
	uint32_t first[4];     /* for each eighth of rows: what is added in the first pass */
	uint32_t second[4][2]; /* and in the second, of two columns */
};

TILE_INLINE void tile_load_matrix(unsigned block, uint32_t lane, const uint8_t *matrix, struct tile_matrix_words *m)
{
	const uint8_t *sums = matrix + TILE_DIGITS_NBYTES(block);
	TILE_UNROLL
	for (unsigned t = 0; t < TILE_EIGHTHS(block) * TILE_EIGHTHS(block); t++)
		m->tile[t] = op_load4(matrix + 4 * (t * TILE_LANES + lane));
	TILE_UNROLL
	for (unsigned r = 0; r < TILE_EIGHTHS(block); r++) {
		const unsigned bits = TILE_SECOND_BITS(block);
		m->first[r] = (1u << (TILE_FIRST_BITS - 1)) - op_load4(sums + 4 * (8 * r + lane / 4));
		TILE_UNROLL
		for (unsigned i = 0; i < 2; i++)
			m->second[r][i] = (1u << (bits - 1)) - op_load4(sums + 4 * (8 * r + lane % 4 * 2 + i));
	}
}

/* What one of the codes of a word becomes, its magnitude at most 128 * 255. */
TILE_INLINE int32_t tile_coefficient(unsigned is_8bit, uint32_t bits, uint32_t word, unsigned i, struct tile_dequant d)
{
	if (is_8bit)
		return op_dot4(word, d.step << 8 * i, 0);
	int32_t code = (int32_t)(word << (32 - bits * (i + 1))) >> (32 - bits);
	return code * (int32_t)d.step + (int32_t)(code < 0 ? d.means >> 16 : d.means & 0xffff);
}

/* Plus 2^15: 16 bits. */
TILE_INLINE uint32_t tile_biased_of(unsigned is_8bit, uint32_t bits, uint32_t word, unsigned i, struct tile_dequant d)
{
	if (is_8bit)
		return (uint32_t)op_dot4(word, d.step << 8 * i, 1 << 15);
	return (uint32_t)(tile_coefficient(0, bits, word, i, d) + (1 << 15)) & 0xffff;
}

/* A lane's two of a tile: how their codes become coefficients, where they begin, and words of four codes each. */
struct tile_codes2 {
	struct tile_dequant dequant[2];
	uint32_t origin[2];
	uint32_t word[2];
};

/* Of a component, in shared memory (tile_fetch_priv.h), where all codes lie so many bytes farther behind in their planes
 * than the tables say. */
struct tile_tables {
	const uint8_t *origins, *dequants;
	uint32_t farther;
};

/* Where a code is whose vector begins a run, if it lies `farther` behind in its plane than one that was at `origin`. */
TILE_INLINE uint32_t tile_moved(uint32_t origin, uint32_t farther)
{
	const uint32_t mask = TILE_VECTOR - 1;
	return (origin & ~mask) + ((origin + farther) & mask);
}

/* Of tile (u, v) of the four of a piece, all but the words. */
TILE_INLINE void tile_load_origins(unsigned block, unsigned is_8bit, uint32_t lane, unsigned u, unsigned v,
                                   const struct tile_tables *tables, struct tile_codes2 *c)
{
	uint32_t place = v * 8 * block + u * 64 + 2 * lane, four[4] = {0, 0, 0, 0};
	op_load8(tables->origins + 4 * place, c->origin);
	if (is_8bit)
		op_load8(tables->dequants + 4 * place, four);
	else
		op_load16(tables->dequants + 8 * place, four);
	TILE_UNROLL
	for (unsigned i = 0; i < 2; i++) {
		c->origin[i] = tile_moved(c->origin[i], tables->farther);
		c->dequant[i].step = is_8bit ? four[i] : four[2 * i];
		c->dequant[i].means = is_8bit ? 0 : four[2 * i + 1];
	}
}

/* Where the codes of a component are that a unit (below) is made of. `byte` and `bit` say where the group of four blocks is,
 * from the tile's first code of the plane on; or, if that is of another run, from the run's first code, which lies `farther`
 * behind in the plane. is_plain: there is one run, and the codes are a word at a multiple of 4. */
struct tile_source {
	const uint8_t *shared;
	struct tile_tables tables;
	uint32_t byte, bit, farther;
	uint32_t is_plain;
};

/* A word of codes of the plane whose first code's place is `origin`. */
TILE_INLINE uint32_t tile_source_word(const struct tile_source *s, uint32_t origin)
{
	uint32_t at = tile_moved(origin, s->farther) + s->byte;
	const uint8_t *word = s->shared + (at & ~3u);
	return op_funnel(op_load4(word), op_load4(word + 4), (at & 3) * 8 + s->bit);
}

TILE_INLINE void tile_load_words(const struct tile_source *s, struct tile_codes2 *c)
{
	if (s->is_plain) {
		c->word[0] = op_load4(s->shared + c->origin[0] + s->byte);
		c->word[1] = op_load4(s->shared + c->origin[1] + s->byte);
		return;
	}
	c->word[0] = tile_source_word(s, c->origin[0]);
	c->word[1] = tile_source_word(s, c->origin[1]);
}

/* Both coefficients of block `i` of the four. */
TILE_INLINE uint32_t tile_biased2(unsigned is_8bit, uint32_t bits, const struct tile_codes2 *c, unsigned i)
{
	return op_permute(tile_biased_of(is_8bit, bits, c->word[0], i, c->dequant[0]),
	                  tile_biased_of(is_8bit, bits, c->word[1], i, c->dequant[1]), 0x5410);
}

/* Of block `i` of a piece, the first pass: of tile (y, u) of the outcome, each lane's pair. */
struct tile_pairs16 {
	uint32_t tile[TILE_SPMD][16];
};

TILE_INLINE uint32_t tile_pack16(int32_t a, int32_t b)
{
	return op_pack_s16(a, b) ^ 0x80008000u;
}

TILE_INLINE uint32_t tile_pack8(const int32_t s[4])
{
	return op_pack_s8(s[0], s[1], s[2], s[3]) ^ 0x80808080u;
}

/* Tiles (y, u) and (y + 1, u), of coefficients in[v]. */
TILE_INLINE void tile_first_sums(unsigned block, unsigned y, unsigned u, const struct tile_matrix_words *m,
                                 uint32_t (*in)[TILE_SPMD], struct tile_pairs16 *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	int32_t sums[2][TILE_SPMD][4], high[TILE_SPMD][4]; /* low and middle; and of both tiles */
	TILE_EACH_LANE(l)
	{
		TILE_UNROLL
		for (unsigned j = 0; j < 4; j++)
			high[l][j] = sums[0][l][j] = sums[1][l][j] = 0;
	}
	TILE_UNROLL
	for (unsigned v = 0; v < n; v++) {
		uint32_t low[TILE_SPMD], middle[TILE_SPMD], top[2][TILE_SPMD];
		TILE_UNROLL
		for (unsigned k = 0; k < 2; k++) {
			TILE_EACH_LANE(l)
			{
				uint32_t word = m[l].tile[(y + k) * n + v];
				low[l] = tile_digits(word, 0);
				middle[l] = tile_digits(word, 1);
				top[k][l] = tile_digits(word, 2);
			}
			op_multiply_rows(low, middle, in[v], sums[k], sums[k]);
		}
		op_multiply_rows(top[0], top[1], in[v], high, high);
	}
	TILE_EACH_LANE(l)
	{
		TILE_UNROLL
		for (unsigned k = 0; k < 2; k++) {
			const int32_t *s = sums[k][l], *h = high[l] + 2 * k;
			uint32_t bias = m[l].first[y + k];
			out->tile[l][(y + k) * n + u] =
			        tile_pack16(tile_joined(s[0], s[2], h[0], bias) >> TILE_FIRST_BITS,
			                    tile_joined(s[1], s[3], h[1], bias) >> TILE_FIRST_BITS);
		}
	}
}

/* Of block `i` of a piece. */
TILE_INLINE void tile_first_pass(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t thread,
                                 unsigned i, const struct tile_matrix_words *m, const struct tile_source *source,
                                 struct tile_codes2 (*kept)[TILE_SPMD], struct tile_pairs16 *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++) {
		uint32_t in[4][TILE_SPMD];
		TILE_UNROLL
		for (unsigned v = 0; v < n; v++) {
			TILE_EACH_LANE(l)
			{
				struct tile_codes2 codes;
				if (n > 2) {
					tile_load_origins(block, is_8bit, (thread + l) % TILE_LANES, u, v,
					                  &source[l].tables, &codes);
					tile_load_words(&source[l], &codes);
				} else {
					codes = kept[v * n + u][l];
				}
				in[v][l] = tile_biased2(is_8bit, plan->bits, &codes, i);
			}
		}
		TILE_UNROLL
		for (unsigned y = 0; y < n; y += 2)
			tile_first_sums(block, y, u, m, in, out);
	}
}

/* What a lane gets of a unit (below). */
struct tile_unit_words {
	uint32_t word[8];
};

/* The second pass, of two tiles of rows: of tile `x` of their samples, each lane's two pairs, the first's in the lower half. */
TILE_INLINE void tile_second_pass(unsigned block, unsigned x, const struct tile_matrix_words *m,
                                  uint32_t (*a)[TILE_SPMD], uint32_t (*b)[TILE_SPMD], unsigned word,
                                  struct tile_unit_words *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	int32_t sums[3][TILE_SPMD][4];
	TILE_EACH_LANE(l)
	{
		TILE_UNROLL
		for (unsigned j = 0; j < 4; j++) {
			sums[0][l][j] = (int32_t)m[l].second[x][j % 2];
			sums[1][l][j] = sums[2][l][j] = 0;
		}
	}
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++) {
		TILE_UNROLL
		for (unsigned power = 0; power < 3; power++) {
			uint32_t digits[TILE_SPMD];
			TILE_EACH_LANE(l)
			digits[l] = tile_digits(m[l].tile[x * n + u], power);
			op_multiply_columns(a[u], b[u], digits, sums[power], sums[power]);
		}
	}
	TILE_EACH_LANE(l)
	{
		int32_t s[4];
		TILE_UNROLL
		for (unsigned j = 0; j < 4; j++)
			s[j] = tile_joined(sums[0][l][j], sums[1][l][j], sums[2][l][j], 0) >> TILE_SECOND_BITS(block);
		out[l].word[word] = tile_pack8(s);
	}
}

/*
 * What a warp transforms at a time, a unit, is a block of a piece. Each lane gets words of two pairs of samples: of tiles of
 * rows 2k and 2k + 1 and of columns x, in words[k * TILE_EIGHTHS + x].
 */
#define TILE_UNIT_WORDS(block) ((block) < 32 ? 2u : 8u)

/* Tiles of a piece whose codes a lane keeps; at B = 32 they are more than it has registers for. */
#define TILE_KEPT(block) ((block) < 32 ? TILE_EIGHTHS(block) * TILE_EIGHTHS(block) : 0)
#define TILE_KEPT_MAX 4

TILE_INLINE void tile_load_kept(unsigned block, const struct tile_source *source, struct tile_codes2 (*kept)[TILE_SPMD])
{
	TILE_UNROLL
	for (unsigned t = 0; t < TILE_KEPT(block); t++) {
		TILE_EACH_LANE(l)
		tile_load_words(&source[l], &kept[t][l]);
	}
}

TILE_INLINE void tile_transform_unit(const struct tile_plan *plan, unsigned block, unsigned is_8bit, uint32_t thread,
                                     unsigned unit, const struct tile_matrix_words *m, const struct tile_source *source,
                                     struct tile_codes2 (*kept)[TILE_SPMD], struct tile_unit_words *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	uint32_t a[4][TILE_SPMD], b[4][TILE_SPMD];
	struct tile_pairs16 first;
	tile_first_pass(plan, block, is_8bit, thread, unit, m, source, kept, &first);
	TILE_UNROLL
	for (unsigned y = 0; y < n; y += 2) {
		TILE_UNROLL
		for (unsigned u = 0; u < n; u++) {
			TILE_EACH_LANE(l)
			{
				a[u][l] = first.tile[l][y * n + u];
				b[u][l] = first.tile[l][(y + 1) * n + u];
			}
		}
		TILE_UNROLL
		for (unsigned x = 0; x < n; x++)
			tile_second_pass(block, x, m, a, b, y / 2 * n + x, out);
	}
}
