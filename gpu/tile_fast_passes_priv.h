/* SPDX-License-Identifier: MIT */
/*
 * tile_fast_passes_priv.h: the inverse transform of blocks of 16 and 32, fast and not exact (IC_GPU_FAST_DCT): both passes of
 * tile_transform_priv.h on matrix units that multiply half precision and add up in single. Where lanes keep what is the same.
 * Coefficients, the matrix and what is between the passes are rounded to 11 bits.
 */
#pragma once

#include "tile_fast_halves_priv.h"
#include "tile_transform_priv.h"

/* M, times 2^-7, so that both passes make samples of coefficients as tile_fast_pair has them: a pair of a row a word. */
TILE_INLINE void tile_put_fast_matrix(unsigned block, uint32_t thread, uint8_t *matrix)
{
	uint32_t n = TILE_EIGHTHS(block);
	for (uint32_t i = thread; i < n * n * TILE_LANES; i += TILE_THREADS) {
		uint32_t lane = i % TILE_LANES, tile = i / TILE_LANES;
		uint32_t x = tile / n * 8 + lane / 4, u = tile % n * 8 + lane % 4 * 2;
		op_store4(matrix + 4 * i, op_half2((float)tile_matrix(block, x, u) * 0x1p-7f,
		                                   (float)tile_matrix(block, x, u + 1) * 0x1p-7f));
	}
}

TILE_INLINE void tile_load_fast_matrix(unsigned block, uint32_t lane, const uint8_t *matrix,
                                       struct tile_matrix_words *m)
{
	TILE_UNROLL
	for (unsigned t = 0; t < TILE_EIGHTHS(block) * TILE_EIGHTHS(block); t++)
		m->tile[t] = op_load4(matrix + 4 * (t * TILE_LANES + lane));
}

/* Both coefficients of block `i` of the four, of a lane's two of a tile, whose steps are those of tile_fast_steps2. */
TILE_INLINE uint32_t tile_fast_codes2(const struct tile_codes2 *c, unsigned i)
{
	uint32_t both = op_permute(c->word[0], c->word[1], i | (4 + i) << 4) ^ 0x8080u;
	return tile_fast_pair(op_permute(both, 0, 0x4140), c->dequant[0].step, c->dequant[1].step);
}

TILE_INLINE void tile_zero_sums(float (*sums)[4])
{
	TILE_EACH_LANE(l)
	{
		TILE_UNROLL
		for (unsigned j = 0; j < 4; j++)
			sums[l][j] = 0;
	}
}

/* Of rows 16k to 16k + 15 of the first pass's outcome, tiles of columns u and u + 1: as the second pass takes them. */
struct tile_fast_pass {
	uint32_t rows[2][2][TILE_SPMD][4]; /* k, u / 2 */
};

TILE_INLINE void tile_fast_first_pass(unsigned block, uint32_t thread, unsigned i, const struct tile_matrix_words *m,
                                      const struct tile_source *source, struct tile_codes2 (*kept)[TILE_SPMD],
                                      struct tile_fast_pass *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	TILE_UNROLL
	for (unsigned u = 0; u < n; u++) {
		uint32_t in[2][TILE_SPMD][2]; /* of two tiles of v each */
		TILE_UNROLL
		for (unsigned v = 0; v < n; v++) {
			TILE_EACH_LANE(l)
			{
				struct tile_codes2 codes;
				if (n > 2) {
					tile_load_origins(block, 1, (thread + l) % TILE_LANES, u, v, &source[l].tables,
					                  &codes);
					tile_load_words(&source[l], &codes);
				} else {
					codes = kept[v * n + u][l];
				}
				in[v / 2][l][v % 2] = tile_fast_codes2(&codes, i);
			}
		}
		TILE_UNROLL
		for (unsigned k = 0; k < n / 2; k++) {
			float sums[TILE_SPMD][4];
			tile_zero_sums(sums);
			TILE_UNROLL
			for (unsigned v = 0; v < n; v += 2) {
				uint32_t matrix[TILE_SPMD][4];
				TILE_EACH_LANE(l)
				{
					TILE_UNROLL
					for (unsigned j = 0; j < 4; j++)
						matrix[l][j] = m[l].tile[(2 * k + j % 2) * n + v + j / 2];
				}
				op_multiply_halves(matrix, in[v / 2], sums);
			}
			TILE_EACH_LANE(l)
			{
				out->rows[k][u / 2][l][u % 2 * 2] = op_half2(sums[l][0], sums[l][1]);
				out->rows[k][u / 2][l][u % 2 * 2 + 1] = op_half2(sums[l][2], sums[l][3]);
			}
		}
	}
}

/* As tile_transform_unit: of each tile of samples a lane's pair. Word 2 * (k * n + x) is of row 16k + l / 4, the next of that
 * which is eight below. */
#define TILE_FAST_UNIT_WORDS(block) ((block) < 32 ? 4u : 16u)
struct tile_fast_words {
	uint32_t word[16];
};

TILE_INLINE void tile_fast_transform_unit(unsigned block, uint32_t thread, unsigned unit, bool is_chroma,
                                          const struct tile_matrix_words *m, const struct tile_source *source,
                                          struct tile_codes2 (*kept)[TILE_SPMD], struct tile_fast_words *out)
{
	const unsigned n = TILE_EIGHTHS(block);
	struct tile_fast_pass pass;
	tile_fast_first_pass(block, thread, unit, m, source, kept, &pass);
	TILE_UNROLL
	for (unsigned k = 0; k < n / 2; k++) {
		TILE_UNROLL
		for (unsigned x = 0; x < n; x++) {
			float sums[TILE_SPMD][4];
			tile_zero_sums(sums);
			TILE_UNROLL
			for (unsigned u = 0; u < n; u += 2) {
				uint32_t matrix[TILE_SPMD][2];
				TILE_EACH_LANE(l)
				{
					matrix[l][0] = m[l].tile[x * n + u];
					matrix[l][1] = m[l].tile[x * n + u + 1];
				}
				op_multiply_halves(pass.rows[k][u / 2], matrix, sums);
			}
			TILE_EACH_LANE(l)
			{
				uint32_t *word = &out[l].word[2 * (k * n + x)];
				word[0] = is_chroma ? tile_fast_chroma(sums[l][0], sums[l][1])
				                    : tile_fast_samples(sums[l][0], sums[l][1]);
				word[1] = is_chroma ? tile_fast_chroma(sums[l][2], sums[l][3])
				                    : tile_fast_samples(sums[l][2], sums[l][3]);
			}
		}
	}
}
