/* SPDX-License-Identifier: MIT */
/*
 * The transforms of docs/format.md, section 3. This file is compiled once for each instruction set (codec/meson.build);
 * DCT_KERNEL is the name of the table it fills. It is plain C in vectors of eight, which compilers bring to whatever the
 * instruction set has, so that all fillings are the same arithmetic.
 */
#include "codec/dct_priv.h"

#include "codec/transpose8_priv.h"

#include <string.h>

#define MATRIX_BITS 13 /* M is scaled by 2^13 */
#define PASS_BITS 2    /* fraction kept between the passes, as libjpeg does for 8-bit samples */
#define BLOCK_MAX 32
#define LANES DCT_NBLOCKS

#define INLINE static inline __attribute__((always_inline))

typedef uint32_t lanes32 __attribute__((vector_size(LANES * sizeof(uint32_t))));
typedef int32_t lanes32s __attribute__((vector_size(LANES * sizeof(int32_t))));

/* The fraction that the forward direction keeps: at B = 32 the sums of two bits would leave 32. */
INLINE unsigned forward_pass_bits(unsigned block)
{
	return block == 32 ? PASS_BITS - 1 : PASS_BITS;
}

INLINE unsigned log2_of(unsigned block)
{
	return (unsigned)__builtin_ctz(block);
}

/* What the sums of the two passes are shifted by. */
INLINE unsigned first_bits(unsigned block)
{
	return MATRIX_BITS - forward_pass_bits(block);
}

INLINE unsigned second_bits(unsigned block)
{
	return MATRIX_BITS + forward_pass_bits(block) + log2_of(block) - log2_of(DCT_FORWARD_UNIT);
}

INLINE lanes32 load(const int16_t *p)
{
	lanes16 v;
	memcpy(&v, p, sizeof v);
	return (lanes32) __builtin_convertvector(v, lanes32s);
}

/* An arithmetic shift of sums modulo 2^32, clamped to 16 bits. */
INLINE void store(lanes32 sum, unsigned bits, int16_t *p)
{
	lanes32s shifted = (lanes32s)sum >> (int)bits;
	lanes32s over = shifted > INT16_MAX, under = shifted < INT16_MIN;
	shifted = (shifted & ~(over | under)) | (over & INT16_MAX) | (under & INT16_MIN);
	lanes16 v = __builtin_convertvector(shifted, lanes16);
	memcpy(p, &v, sizeof v);
}

/*
 * One pass down eight columns (row r at in + r * stride): out[v] = (sum over y of M[y][v] * in[y] + half) >> bits, for v <
 * nv. M[B-1-y][v] is M[y][v] with the sign of (-1)^v, so rows y and B-1-y are added for even v and subtracted for odd v.
 */
INLINE void forward_columns(unsigned block, unsigned nv, const int16_t *m, const int16_t *in, unsigned bits,
                            int16_t *out, unsigned stride)
{
	lanes32 even[BLOCK_MAX / 2], odd[BLOCK_MAX / 2];
	for (unsigned y = 0; y < block / 2; y++) {
		lanes32 top = load(in + y * stride), bottom = load(in + (block - 1 - y) * stride);
		even[y] = top + bottom;
		odd[y] = top - bottom;
	}
	for (unsigned v = 0; v < nv; v++) {
		const lanes32 *folded = v % 2 ? odd : even;
		lanes32 sum = (lanes32){0} + (1u << (bits - 1));
		for (unsigned y = 0; y < block / 2; y++)
			sum += folded[y] * (uint32_t)(int32_t)m[y * block + v];
		store(sum, bits, out + v * stride);
	}
}

/* The other direction: out[y] = sum over v < nv of M[y][v] * in[v], rounded, for all y. */
INLINE void inverse_columns(unsigned block, unsigned nv, const int16_t *m, const int16_t *in, unsigned bits,
                            int16_t *out, unsigned stride)
{
	lanes32 rows[BLOCK_MAX];
	for (unsigned v = 0; v < nv; v++)
		rows[v] = load(in + v * stride);
	for (unsigned y = 0; y < block / 2; y++) {
		lanes32 even = (lanes32){0} + (1u << (bits - 1)), odd = {0};
		for (unsigned v = 0; v < nv; v += 2)
			even += rows[v] * (uint32_t)(int32_t)m[y * block + v];
		for (unsigned v = 1; v < nv; v += 2)
			odd += rows[v] * (uint32_t)(int32_t)m[y * block + v];
		store(even + odd, bits, out + y * stride);
		store(even - odd, bits, out + (block - 1 - y) * stride);
	}
}

/* Blocks of 2 and 4 are stored in rows of eight all the same; the lanes beyond are of no account. */
INLINE unsigned stride_of(unsigned block)
{
	return block < LANES ? LANES : block;
}

INLINE void transpose(unsigned rows, unsigned cols, unsigned stride, const int16_t *in, int16_t *out)
{
	for (unsigned y = 0; y < rows; y++)
		for (unsigned x = 0; x < cols; x++)
			out[x * stride + y] = in[y * stride + x];
}

INLINE void transpose_block(unsigned block, unsigned rows, unsigned cols, const int16_t *in, int16_t *out)
{
	lanes16 r[LANES];
	if (block != LANES) {
		transpose(rows, cols, stride_of(block), in, out);
		return;
	}
	memcpy(r, in, sizeof r);
	transpose8(r);
	memcpy(out, r, sizeof r);
}

/* A block to a lane: nothing is transposed, and small blocks fill the registers. */
INLINE void forward(unsigned block, unsigned nu, unsigned nv, const int16_t *m, const uint8_t *samples, size_t stride,
                    int16_t *coefs)
{
	int16_t a[BLOCK_MAX * BLOCK_MAX * LANES], b[BLOCK_MAX * BLOCK_MAX * LANES];
	unsigned s = block * LANES;
	for (unsigned y = 0; y < block; y++)
		for (unsigned x = 0; x < block; x++)
			for (unsigned i = 0; i < LANES; i++)
				a[y * s + x * LANES + i] = (int16_t)(samples[y * stride + i * block + x] - 128);
	for (unsigned x = 0; x < block; x++)
		forward_columns(block, nv, m, a + x * LANES, first_bits(block), b + x * LANES, s);
	for (unsigned v = 0; v < nv; v++)
		forward_columns(block, nu, m, b + v * s, second_bits(block), coefs + v * s, LANES);
}

INLINE void inverse(unsigned block, unsigned nu, unsigned nv, const int16_t *m, const int16_t *coefs, uint8_t *samples,
                    size_t stride)
{
	int16_t a[BLOCK_MAX * BLOCK_MAX], b[BLOCK_MAX * BLOCK_MAX];
	unsigned s = stride_of(block);
	if (block < LANES) {
		memset(b, 0, block * s * sizeof *b);
		for (unsigned v = 0; v < nv; v++)
			memcpy(b + v * s, coefs + v * block, block * sizeof *b);
		coefs = b;
	}
	for (unsigned u = 0; u < nu; u += LANES)
		inverse_columns(block, nv, m, coefs + u, MATRIX_BITS - PASS_BITS, a + u, s);
	transpose_block(block, block, nu, a, b);
	for (unsigned y = 0; y < block; y += LANES)
		inverse_columns(block, nu, m, b + y, MATRIX_BITS + PASS_BITS + log2_of(block), a + y, s);
	transpose_block(block, block, block, a, b);
	for (unsigned y = 0; y < block; y++) {
		for (unsigned x = 0; x < block; x++) {
			int32_t value = b[y * s + x] + 128;
			samples[y * stride + x] = (uint8_t)(value > 255 ? 255 : value < 0 ? 0 : value);
		}
	}
}

static void kernel_forward(unsigned block, unsigned nu, unsigned nv, const uint8_t *samples, size_t stride,
                           int16_t *coefs)
{
	/* Constant sizes, so that each case is a loop nest of its own for the compiler. */
	switch (block) {
	case 1:
		for (unsigned i = 0; i < LANES; i++)
			coefs[i] = (int16_t)((samples[i] - 128) * DCT_FORWARD_UNIT);
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
	int32_t once = mean * (1 << PASS_BITS);
	once = once > INT16_MAX ? INT16_MAX : once < INT16_MIN ? INT16_MIN : once;
	unsigned bits = MATRIX_BITS + PASS_BITS + log2_of(block);
	int32_t value = ((once * 8192 + (1 << (bits - 1))) >> bits) + 128;
	value = value > 255 ? 255 : value < 0 ? 0 : value;
	for (unsigned y = 0; y < block; y++)
		memset(samples + y * stride, value, block);
}

static void kernel_inverse(unsigned block, unsigned nu, unsigned nv, const int16_t *coefs, uint8_t *samples,
                           size_t stride)
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
		/* Most blocks have all rows or few: a constant for the first is worth its code. */
		if (nv == 8)
			inverse(8, 8, 8, dct_matrix_8, coefs, samples, stride);
		else
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

const struct dct_kernel DCT_KERNEL = {DCT_KERNEL_LABEL, kernel_forward, kernel_inverse};
