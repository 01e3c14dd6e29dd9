/* SPDX-License-Identifier: MIT */
#include "codec/dct_priv.h"

#include <string.h>

#define MATRIX_BITS 13 /* M is scaled by 2^13 */
#define PASS_BITS 2    /* fraction kept between the passes, as libjpeg does for 8-bit samples */
#define BLOCK_MAX 32

#define INLINE static inline __attribute__((always_inline))

/* An arithmetic shift of a sum modulo 2^32. */
INLINE int32_t shift(uint32_t sum, unsigned bits)
{
	return (int32_t)sum >> bits;
}

INLINE int16_t clamp16(int32_t n)
{
	return (int16_t)(n > INT16_MAX ? INT16_MAX : n < INT16_MIN ? INT16_MIN : n);
}

INLINE uint8_t clamp8(int32_t n)
{
	return (uint8_t)(n > 255 ? 255 : n < 0 ? 0 : n);
}

INLINE unsigned log2_of(unsigned block)
{
	return (unsigned)__builtin_ctz(block);
}

/*
 * One pass along the rows of `in` (row r at in + r * B, `n` columns wide): out[v] = (sum over y of M[y][v] * in[y] + half)
 * >> bits for v < nv. M[B-1-y][v] is M[y][v] with the sign of (-1)^v, so rows y and B-1-y are added for even v and
 * subtracted for odd v. Columns are the inner loops: a compiler makes vectors of them.
 */
INLINE void pass_forward(unsigned block, unsigned nv, unsigned n, const int16_t *m, const int16_t *in, unsigned bits,
                         int16_t *out)
{
	int32_t even[BLOCK_MAX / 2 * BLOCK_MAX], odd[BLOCK_MAX / 2 * BLOCK_MAX];
	unsigned half = block / 2;
	for (unsigned y = 0; y < half; y++) {
		const int16_t *top = in + y * block, *bottom = in + (block - 1 - y) * block;
		for (unsigned x = 0; x < n; x++) {
			even[y * block + x] = top[x] + bottom[x];
			odd[y * block + x] = top[x] - bottom[x];
		}
	}
	for (unsigned v = 0; v < nv; v++) {
		const int32_t *folded = v % 2 ? odd : even;
		uint32_t sum[BLOCK_MAX];
		for (unsigned x = 0; x < n; x++)
			sum[x] = 1u << (bits - 1);
		for (unsigned y = 0; y < half; y++) {
			uint32_t factor = (uint32_t)(int32_t)m[y * block + v];
			for (unsigned x = 0; x < n; x++)
				sum[x] += factor * (uint32_t)folded[y * block + x];
		}
		for (unsigned x = 0; x < n; x++)
			out[v * block + x] = clamp16(shift(sum[x], bits));
	}
}

/* The other direction: out[y] = sum over v < nv of M[y][v] * in[v], rounded, for all y. */
INLINE void pass_inverse(unsigned block, unsigned nv, unsigned n, const int16_t *m, const int16_t *in, unsigned bits,
                         int16_t *out)
{
	for (unsigned y = 0; y < block / 2; y++) {
		uint32_t even[BLOCK_MAX], odd[BLOCK_MAX];
		for (unsigned x = 0; x < n; x++) {
			even[x] = 1u << (bits - 1);
			odd[x] = 0;
		}
		for (unsigned v = 0; v < nv; v++) {
			uint32_t *sum = v % 2 ? odd : even;
			uint32_t factor = (uint32_t)(int32_t)m[y * block + v];
			for (unsigned x = 0; x < n; x++)
				sum[x] += factor * (uint32_t)(int32_t)in[v * block + x];
		}
		for (unsigned x = 0; x < n; x++) {
			out[y * block + x] = clamp16(shift(even[x] + odd[x], bits));
			out[(block - 1 - y) * block + x] = clamp16(shift(even[x] - odd[x], bits));
		}
	}
}

INLINE void transpose(unsigned block, unsigned rows, unsigned cols, const int16_t *in, int16_t *out)
{
	for (unsigned y = 0; y < rows; y++)
		for (unsigned x = 0; x < cols; x++)
			out[x * block + y] = in[y * block + x];
}

INLINE void forward(unsigned block, unsigned nu, unsigned nv, const int16_t *m, const uint8_t *samples, size_t stride,
                    int16_t *coefs)
{
	int16_t a[BLOCK_MAX * BLOCK_MAX], b[BLOCK_MAX * BLOCK_MAX];
	for (unsigned y = 0; y < block; y++)
		for (unsigned x = 0; x < block; x++)
			a[y * block + x] = (int16_t)(samples[y * stride + x] - 128);
	pass_forward(block, nv, block, m, a, MATRIX_BITS - PASS_BITS, b);
	transpose(block, nv, block, b, a);
	pass_forward(block, nu, nv, m, a, MATRIX_BITS + PASS_BITS + log2_of(block) - log2_of(DCT_FORWARD_UNIT), b);
	transpose(block, nu, nv, b, coefs);
}

INLINE void inverse(unsigned block, unsigned nu, unsigned nv, const int16_t *m, const int16_t *coefs, uint8_t *samples,
                    size_t stride)
{
	int16_t a[BLOCK_MAX * BLOCK_MAX], b[BLOCK_MAX * BLOCK_MAX];
	pass_inverse(block, nv, nu, m, coefs, MATRIX_BITS - PASS_BITS, a);
	transpose(block, block, nu, a, b);
	pass_inverse(block, nu, block, m, b, MATRIX_BITS + PASS_BITS + log2_of(block), a);
	for (unsigned y = 0; y < block; y++)
		for (unsigned x = 0; x < block; x++)
			samples[y * stride + x] = clamp8(a[x * block + y] + 128);
}

void dct_forward(unsigned block, unsigned nu, unsigned nv, const uint8_t *samples, size_t stride, int16_t *coefs)
{
	/* Constant sizes, so that each case is a loop nest of its own for the compiler. */
	switch (block) {
	case 1:
		coefs[0] = (int16_t)((samples[0] - 128) * DCT_FORWARD_UNIT);
		break;
	case 2:
		forward(2, nu, nv, dct_matrix_2, samples, stride, coefs);
		break;
	case 4:
		forward(4, nu, nv, dct_matrix_4, samples, stride, coefs);
		break;
	case 8:
		forward(8, nu, nv, dct_matrix_8, samples, stride, coefs);
		break;
	case 16:
		forward(16, nu, nv, dct_matrix_16, samples, stride, coefs);
		break;
	case 32:
		forward(32, nu, nv, dct_matrix_32, samples, stride, coefs);
		break;
	}
}

/* A block of nothing but its mean, which many are; the same arithmetic with M[y][0] = 8192. */
static void inverse_flat(unsigned block, int16_t mean, uint8_t *samples, size_t stride)
{
	int32_t once = clamp16(mean * (1 << PASS_BITS));
	unsigned bits = MATRIX_BITS + PASS_BITS + log2_of(block);
	uint8_t value = clamp8(clamp16(shift((uint32_t)once * 8192u + (1u << (bits - 1)), bits)) + 128);
	for (unsigned y = 0; y < block; y++)
		memset(samples + y * stride, value, block);
}

void dct_inverse(unsigned block, unsigned nu, unsigned nv, const int16_t *coefs, uint8_t *samples, size_t stride)
{
	if (nu == 1 && nv == 1) {
		inverse_flat(block, coefs[0], samples, stride);
		return;
	}
	switch (block) {
	case 2:
		inverse(2, nu, nv, dct_matrix_2, coefs, samples, stride);
		break;
	case 4:
		inverse(4, nu, nv, dct_matrix_4, coefs, samples, stride);
		break;
	case 8:
		inverse(8, nu, nv, dct_matrix_8, coefs, samples, stride);
		break;
	case 16:
		inverse(16, nu, nv, dct_matrix_16, coefs, samples, stride);
		break;
	case 32:
		inverse(32, nu, nv, dct_matrix_32, coefs, samples, stride);
		break;
	}
}
