/* SPDX-License-Identifier: MIT */
/*
 * The transforms of docs/format.md, section 3, at B = 8, two blocks at a time, one in each half of a register.
 *
 * A sum over v, or y, is one of pairs of values by pairs of constants, which one instruction multiplies and adds. No
 * constant is -2^15, so that it is exact modulo 2^32, as the format wants its sums; and packing clamps as it wants them.
 */
#include "codec/block8_priv.h"

#include "codec/dct_priv.h"

#include <string.h>

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

/* M[x][u] of x < 4: the others follow by sign. */
INLINE int m(unsigned x, unsigned u)
{
	return dct_matrix_8[x * 8 + u];
}

/* Constants for a pair of interleaved rows. */
INLINE __m256i pair(int first, int second)
{
	return _mm256_set1_epi32((int)((uint32_t)second << 16 | (uint16_t)first));
}

/* --- From coefficients to samples --------------------------------------------------------------------------------- */

/* What the rows of one half of the columns (four of each block) come to. */
struct row_sums {
	__m256i at[8];
};

INLINE __m256i add(__m256i a, __m256i b)
{
	return _mm256_add_epi32(a, b);
}

INLINE __m256i sub(__m256i a, __m256i b)
{
	return _mm256_sub_epi32(a, b);
}

/* p04 holds rows 0 and 4 interleaved, and so on. Rows x and 7 - x differ in the sign of the odd terms, and of the even
 * ones rows x and 3 - x in that of 2 and 6. */
INLINE struct row_sums sum_pairs(__m256i p04, __m256i p26, __m256i p13, __m256i p57, int half, int bits)
{
	__m256i round = _mm256_set1_epi32(half), even[4], odd[4];
	__m256i a0 = add(_mm256_madd_epi16(p04, pair(m(0, 0), m(0, 4))), round);
	__m256i a1 = add(_mm256_madd_epi16(p04, pair(m(1, 0), m(1, 4))), round);
	__m256i b0 = _mm256_madd_epi16(p26, pair(m(0, 2), m(0, 6)));
	__m256i b1 = _mm256_madd_epi16(p26, pair(m(1, 2), m(1, 6)));
	even[0] = add(a0, b0);
	even[1] = add(a1, b1);
	even[2] = sub(a1, b1);
	even[3] = sub(a0, b0);
	struct row_sums sums;
	for (unsigned x = 0; x < 4; x++) {
		odd[x] = add(_mm256_madd_epi16(p13, pair(m(x, 1), m(x, 3))),
		             _mm256_madd_epi16(p57, pair(m(x, 5), m(x, 7))));
		sums.at[x] = _mm256_srai_epi32(add(even[x], odd[x]), bits);
		sums.at[7 - x] = _mm256_srai_epi32(sub(even[x], odd[x]), bits);
	}
	return sums;
}

/* One pass down the columns. */
INLINE void inverse_columns(__m256i r[8], int bits)
{
	int half = 1 << (bits - 1);
	struct row_sums low =
	        sum_pairs(_mm256_unpacklo_epi16(r[0], r[4]), _mm256_unpacklo_epi16(r[2], r[6]),
	                  _mm256_unpacklo_epi16(r[1], r[3]), _mm256_unpacklo_epi16(r[5], r[7]), half, bits);
	struct row_sums high =
	        sum_pairs(_mm256_unpackhi_epi16(r[0], r[4]), _mm256_unpackhi_epi16(r[2], r[6]),
	                  _mm256_unpackhi_epi16(r[1], r[3]), _mm256_unpackhi_epi16(r[5], r[7]), half, bits);
	for (unsigned y = 0; y < 8; y++)
		r[y] = _mm256_packs_epi32(low.at[y], high.at[y]);
}

/* Three rounds of interleaving row i with row i + 4. */
INLINE void transpose(__m256i r[8])
{
	__m256i s[8];
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++) {
			s[2 * i] = _mm256_unpacklo_epi16(r[i], r[i + 4]);
			s[2 * i + 1] = _mm256_unpackhi_epi16(r[i], r[i + 4]);
		}
		memcpy(r, s, sizeof s);
	}
}

/* Products of two rows of 16 bits, clamped to 16. */
INLINE __m256i multiply(__m256i a, __m256i b)
{
	__m256i low = _mm256_mullo_epi16(a, b), high = _mm256_mulhi_epi16(a, b);
	return _mm256_packs_epi32(_mm256_unpacklo_epi16(low, high), _mm256_unpackhi_epi16(low, high));
}

INLINE __m256i load_rows(const int16_t *a, const int16_t *b)
{
	return _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)a)),
	                               _mm_loadu_si128((const __m128i *)b), 1);
}

/* Rows y and y + 1 of two blocks, as bytes about 128: row y of both, then row y + 1. */
INLINE void store_rows(__m256i row, __m256i next, uint8_t *samples, size_t stride)
{
	__m256i bytes = _mm256_xor_si256(_mm256_packs_epi16(row, next), _mm256_set1_epi8((char)0x80));
	bytes = _mm256_permute4x64_epi64(bytes, _MM_SHUFFLE(3, 1, 2, 0));
	_mm_storeu_si128((__m128i *)samples, _mm256_castsi256_si128(bytes));
	_mm_storeu_si128((__m128i *)(samples + stride), _mm256_extracti128_si256(bytes, 1));
}

/* Samples of blocks a and b, side by side. */
INLINE void inverse_two(const int16_t *a, const int16_t *b, const __m256i steps[8], uint8_t *samples, size_t stride)
{
	__m256i r[8];
	for (unsigned v = 0; v < 8; v++)
		r[v] = multiply(load_rows(a + v * 8, b + v * 8), steps[v]);
	inverse_columns(r, 11);
	transpose(r);
	inverse_columns(r, 18);
	transpose(r);
	for (unsigned y = 0; y < 8; y += 2)
		store_rows(r[y], r[y + 1], samples + y * stride, stride);
}

static void inverse(const int16_t (*quantized)[64], const uint16_t steps[64], size_t n, uint8_t *samples, size_t stride)
{
	__m256i rows[8];
	for (unsigned i = 0; i < 64; i++) {
		if (steps[i] > INT16_MAX) { /* multiply() takes it for negative */
			block8_inverse_c(quantized, steps, n, samples, stride);
			return;
		}
	}
	for (unsigned v = 0; v < 8; v++)
		rows[v] = load_rows((const int16_t *)steps + v * 8, (const int16_t *)steps + v * 8);
	for (size_t i = 0; i + 1 < n; i += 2)
		inverse_two(quantized[i], quantized[i + 1], rows, samples + i * 8, stride);
	if (n % 2) {
		uint8_t both[8][16];
		inverse_two(quantized[n - 1], quantized[n - 1], rows, both[0], sizeof both[0]);
		for (unsigned y = 0; y < 8; y++)
			memcpy(samples + y * stride + (n - 1) * 8, both[y], 8);
	}
}

/* --- From samples to coefficients --------------------------------------------------------------------------------- */

/* The frequencies of one half of the columns. Rows y and 7 - y come added (sum) and subtracted (odd): M[7 - y][v] is M[y][v]
 * with the sign of (-1)^v; and the sums of rows y and 3 - y likewise, for v and v / 2. Samples about 128 and what the first
 * pass makes of them are at most 2^12, so that all these fit 16 bits. */
INLINE struct row_sums sum_rows(__m256i sum, __m256i difference, __m256i odd01, __m256i odd23, int half, int bits)
{
	__m256i round = _mm256_set1_epi32(half);
	struct row_sums sums;
	for (unsigned v = 0; v < 8; v++) {
		__m256i even = v % 4 ? difference : sum, s;
		if (v % 2)
			s = add(_mm256_madd_epi16(odd01, pair(m(0, v), m(1, v))),
			        _mm256_madd_epi16(odd23, pair(m(2, v), m(3, v))));
		else
			s = _mm256_madd_epi16(even, pair(m(0, v), m(1, v)));
		sums.at[v] = _mm256_srai_epi32(add(s, round), bits);
	}
	return sums;
}

/* One pass down the columns. */
INLINE void forward_columns(__m256i r[8], int bits)
{
	__m256i even[4], odd[4];
	int half = 1 << (bits - 1);
	for (unsigned y = 0; y < 4; y++) {
		even[y] = _mm256_add_epi16(r[y], r[7 - y]);
		odd[y] = _mm256_sub_epi16(r[y], r[7 - y]);
	}
	__m256i s0 = _mm256_add_epi16(even[0], even[3]), s1 = _mm256_add_epi16(even[1], even[2]);
	__m256i d0 = _mm256_sub_epi16(even[0], even[3]), d1 = _mm256_sub_epi16(even[1], even[2]);
	struct row_sums low =
	        sum_rows(_mm256_unpacklo_epi16(s0, s1), _mm256_unpacklo_epi16(d0, d1),
	                 _mm256_unpacklo_epi16(odd[0], odd[1]), _mm256_unpacklo_epi16(odd[2], odd[3]), half, bits);
	struct row_sums high =
	        sum_rows(_mm256_unpackhi_epi16(s0, s1), _mm256_unpackhi_epi16(d0, d1),
	                 _mm256_unpackhi_epi16(odd[0], odd[1]), _mm256_unpackhi_epi16(odd[2], odd[3]), half, bits);
	for (unsigned v = 0; v < 8; v++)
		r[v] = _mm256_packs_epi32(low.at[v], high.at[v]);
}

/* Coefficients of two blocks of samples, side by side. */
INLINE void forward_two(const uint8_t *samples, size_t stride, int16_t *a, int16_t *b)
{
	__m256i r[8];
	for (unsigned y = 0; y < 8; y++) {
		__m128i row = _mm_loadu_si128((const __m128i *)(samples + y * stride));
		r[y] = _mm256_cvtepi8_epi16(_mm_xor_si128(row, _mm_set1_epi8((char)0x80)));
	}
	forward_columns(r, 11);
	transpose(r);
	forward_columns(r, 15);
	transpose(r);
	for (unsigned v = 0; v < 8; v++) {
		_mm_storeu_si128((__m128i *)(a + v * 8), _mm256_castsi256_si128(r[v]));
		_mm_storeu_si128((__m128i *)(b + v * 8), _mm256_extracti128_si256(r[v], 1));
	}
}

static void forward(const uint8_t *samples, size_t stride, size_t n, int16_t (*coefs)[64])
{
	for (size_t i = 0; i + 1 < n; i += 2)
		forward_two(samples + i * 8, stride, coefs[i], coefs[i + 1]);
	if (n % 2) {
		uint8_t both[8][16] = {{0}};
		int16_t other[64];
		for (unsigned y = 0; y < 8; y++)
			memcpy(both[y], samples + y * stride + (n - 1) * 8, 8);
		forward_two(both[0], sizeof both[0], coefs[n - 1], other);
	}
}

const struct block8_kernel block8_kernel_avx2 = {"avx2", inverse, forward};
