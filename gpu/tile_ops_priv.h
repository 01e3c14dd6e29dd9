/* SPDX-License-Identifier: MIT */
/*
 * tile_ops_priv.h: the few operations of the kernels that a GPU has an instruction for and C has not. nvcc gets the
 * instructions, every other compiler their definitions.
 */
#pragma once

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__CUDACC__)
#include "tile_ops_cuda_priv.h"
#else

#define TILE_INLINE static inline __attribute__((always_inline))
#define TILE_CONSTANT static const
#define TILE_UNROLL
#define TILE_LOOP
#define TILE_SPMD 32u /* lanes that one call of a warp's function is for */

/* 32 bits of high:low from bit `shift` on; shift is taken modulo 32. */
TILE_INLINE uint32_t op_funnel(uint32_t low, uint32_t high, uint32_t shift)
{
	return (uint32_t)(((uint64_t)high << 32 | low) >> (shift % 32));
}

/* c and the sum of the products of the four signed bytes of a with the four unsigned ones of b. */
TILE_INLINE int32_t op_dot4(uint32_t a, uint32_t b, int32_t c)
{
	for (unsigned i = 0; i < 4; i++)
		c += (int8_t)(a >> 8 * i) * (int32_t)(b >> 8 * i & 0xff);
	return c;
}

/* c and the sum of the products of the two unsigned halves of a with two unsigned bytes of b, the lower or the upper
 * ones, modulo 2^32. */
TILE_INLINE uint32_t op_dot2_low(uint32_t a, uint32_t b, uint32_t c)
{
	return c + (a & 0xffff) * (b & 0xff) + (a >> 16) * (b >> 8 & 0xff);
}

TILE_INLINE uint32_t op_dot2_high(uint32_t a, uint32_t b, uint32_t c)
{
	return op_dot2_low(a, b >> 16, c);
}

/*
 * out = a b + c, modulo 2^32, of a warp: a is 16 x 16 bytes, b 16 x 8, c 16 x 8. Lane l has four bytes of each of rows
 * l / 4 and l / 4 + 8 of a, from column 4 * (l % 4) on, in a0 and a1; in b, those of column l / 4, from row 4 * (l % 4)
 * on; of c and out, two numbers of each of those rows, from column 2 * (l % 4) on.
 */
TILE_INLINE int32_t op_byte(uint32_t word, unsigned i, bool is_signed)
{
	return is_signed ? (int8_t)(word >> 8 * i) : (int32_t)(word >> 8 * i & 0xff);
}

TILE_INLINE void op_multiply(const uint32_t *a0, const uint32_t *a1, const uint32_t *b, bool a_is_signed,
                             int32_t (*c)[4], int32_t (*out)[4])
{
	for (unsigned l = 0; l < TILE_SPMD; l++) {
		for (unsigned j = 0; j < 4; j++) {
			const uint32_t *row = (j < 2 ? a0 : a1) + l / 4 * 4, *column = b + 4 * (l % 4 * 2 + j % 2);
			uint32_t sum = (uint32_t)c[l][j];
			for (unsigned k = 0; k < 16; k++)
				sum += (uint32_t)(op_byte(row[k / 4], k % 4, a_is_signed) *
				                  op_byte(column[k / 4], k % 4, !a_is_signed));
			out[l][j] = (int32_t)sum;
		}
	}
}

/* Signed bytes by unsigned ones, and unsigned ones by signed ones. */
TILE_INLINE void op_multiply_rows(const uint32_t *a0, const uint32_t *a1, const uint32_t *b, int32_t (*c)[4],
                                  int32_t (*out)[4])
{
	op_multiply(a0, a1, b, true, c, out);
}

TILE_INLINE void op_multiply_columns(const uint32_t *a0, const uint32_t *a1, const uint32_t *b, int32_t (*c)[4],
                                     int32_t (*out)[4])
{
	op_multiply(a0, a1, b, false, c, out);
}

/* Byte `selector` & 7, or, with 8 set, its sign in all bits, of high:low; one for each byte of the result. */
TILE_INLINE uint32_t op_permute(uint32_t low, uint32_t high, uint32_t selector)
{
	uint64_t both = (uint64_t)high << 32 | low;
	uint32_t out = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint32_t s = selector >> 4 * i, byte = (uint32_t)(both >> 8 * (s & 7)) & 0xff;
		out |= (s & 8 ? (byte & 0x80 ? 0xffu : 0) : byte) << 8 * i;
	}
	return out;
}

TILE_INLINE uint32_t op_leading_zeros(uint32_t n) /* n is not 0 */
{
	return (uint32_t)__builtin_clz(n);
}

TILE_INLINE int32_t op_clamp(int32_t value, int32_t min, int32_t max)
{
	return value < min ? min : value > max ? max : value;
}

/* Clamped to 16 bits, and to 8; the first is the lowest. */
TILE_INLINE uint32_t op_pack_s16(int32_t a, int32_t b)
{
	return (uint32_t)(op_clamp(a, INT16_MIN, INT16_MAX) & 0xffff) | (uint32_t)op_clamp(b, INT16_MIN, INT16_MAX)
	                                                                        << 16;
}

TILE_INLINE uint32_t op_pack_s8(int32_t a, int32_t b, int32_t c, int32_t d)
{
	return (uint32_t)(op_clamp(a, INT8_MIN, INT8_MAX) & 0xff) |
	       (uint32_t)(op_clamp(b, INT8_MIN, INT8_MAX) & 0xff) << 8 |
	       (uint32_t)(op_clamp(c, INT8_MIN, INT8_MAX) & 0xff) << 16 |
	       (uint32_t)op_clamp(d, INT8_MIN, INT8_MAX) << 24;
}

/* Of each 16-bit half: the sum, clamped to unsigned 8 bits. */
TILE_INLINE uint32_t op_add_clamp(uint32_t a, uint32_t b)
{
	uint32_t low = (uint32_t)op_clamp((int16_t)(a + b), 0, UINT8_MAX);
	return low | (uint32_t)op_clamp((int16_t)((a >> 16) + (b >> 16)), 0, UINT8_MAX) << 16;
}

/* The lower and the upper half of a pair as binary16, where they are below 1024: times 2^-24. */
TILE_INLINE float op_tiny_low(uint32_t pair)
{
	return (float)(pair & 0xffff) * 0x1p-24f;
}

TILE_INLINE float op_tiny_high(uint32_t pair)
{
	return (float)(pair >> 16) * 0x1p-24f;
}

/* Single precision, each operation rounded, none fused. */
TILE_INLINE float op_normalize(float value, float mean, float scale)
{
	float centered = value - mean;
	return centered * scale;
}

TILE_INLINE float op_product(float a, float b)
{
	return a * b;
}

/* a * b + c, fused: the product must be one that single precision has. */
TILE_INLINE float op_multiply_add(float a, float b, float c)
{
	float product = a * b;
	return product + c;
}

/* a * b + c, rounded once. */
TILE_INLINE float op_fused(float a, float b, float c)
{
	return fmaf(a, b, c);
}

TILE_INLINE uint32_t op_float_bits(float value)
{
	uint32_t bits;
	memcpy(&bits, &value, sizeof bits);
	return bits;
}

TILE_INLINE float op_bits_float(uint32_t bits)
{
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

/* binary16 and bfloat16 of two numbers, to nearest, halves to even; no NaN. */
TILE_INLINE uint32_t op_half_of(float value)
{
	uint32_t bits = op_float_bits(value), sign = bits >> 16 & 0x8000;
	bits &= 0x7fffffff;
	if (bits >= 0x47800000) /* 2^16 */
		return sign | 0x7c00;
	if (bits < 0x38800000) /* 2^-14: subnormal, and the sum is in units of 2^-24 */
		return sign | (op_float_bits(op_bits_float(bits) + 0.5f) - 0x3f000000);
	bits += 0xfff + (bits >> 13 & 1);
	return sign | (bits - 0x38000000) >> 13;
}

TILE_INLINE uint32_t op_half2(float a, float b)
{
	return op_half_of(a) | op_half_of(b) << 16;
}

TILE_INLINE float op_float_of_half(uint32_t half) /* no NaN */
{
	uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
	float value = exponent == 0x1f ? INFINITY
	              : exponent       ? ldexpf((float)(fraction | 0x400), (int)exponent - 25)
	                               : (float)fraction * 0x1p-24f;
	return half & 0x8000 ? -value : value;
}

TILE_INLINE float op_half_at(uint32_t word, unsigned i)
{
	return op_float_of_half(word >> 16 * i & 0xffff);
}

/* To nearest, halves to even: what single precision has not is made odd there, so that it is rounded once. */
TILE_INLINE uint32_t op_half_of_double(double value)
{
	float single = (float)value;
	if ((double)single == value || isinf(value))
		return op_half_of(single);
	if (fabs((double)single) > fabs(value))
		single = nextafterf(single, 0);
	return op_half_of(op_bits_float(op_float_bits(single) | 1));
}

/* a * b + c of both halves, rounded once; and that clamped to 0..1. */
TILE_INLINE uint32_t op_half2_fused(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t out = 0;
	for (unsigned i = 0; i < 2; i++)
		out |= op_half_of_double((double)op_half_at(a, i) * (double)op_half_at(b, i) + (double)op_half_at(c, i))
		       << 16 * i;
	return out;
}

TILE_INLINE uint32_t op_half2_fused_clamped(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t sum = op_half2_fused(a, b, c);
	return op_half2(fminf(fmaxf(op_half_at(sum, 0), 0), 1), fminf(fmaxf(op_half_at(sum, 1), 0), 1));
}

/*
 * c += a b, of a warp: a is 16 x 16 numbers of half precision, b 16 x 8, c 16 x 8 of single. Lane l has pairs of a, of rows
 * l / 4 and l / 4 + 8 from column 2 * (l % 4) on, and the same from eight columns farther on; pairs of b, of column l / 4 from
 * row 2 * (l % 4) on, and eight rows farther; and of c two numbers of each of its rows of a, from column 2 * (l % 4) on. A GPU
 * rounds and orders the sums in its own way, and no one relies on it.
 */
TILE_INLINE void op_multiply_halves(uint32_t (*a)[4], uint32_t (*b)[2], float (*c)[4])
{
	for (unsigned l = 0; l < TILE_SPMD; l++) {
		for (unsigned j = 0; j < 4; j++) {
			for (unsigned k = 0; k < 16; k++) {
				unsigned own = l / 4 * 4 + k / 2 % 4, other = (l % 4 * 2 + j % 2) * 4 + k / 2 % 4;
				c[l][j] += op_half_at(a[own][k / 8 * 2 + j / 2], k % 2) *
				           op_half_at(b[other][k / 8], k % 2);
			}
		}
	}
}

TILE_INLINE uint32_t op_bfloat_of(float value)
{
	uint32_t bits = op_float_bits(value);
	return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}

TILE_INLINE uint32_t op_bfloat2(float a, float b)
{
	return op_bfloat_of(a) | op_bfloat_of(b) << 16;
}

/* 16 bytes at a multiple of 16, 8 at one of 8, and so on: what a GPU faults at is no less wrong here. */
TILE_INLINE void op_check_aligned(const void *at, size_t nbytes)
{
	if ((uintptr_t)at % nbytes)
		abort();
}

TILE_INLINE uint32_t op_load4(const void *from)
{
	uint32_t word;
	op_check_aligned(from, sizeof word);
	memcpy(&word, from, sizeof word);
	return word;
}

TILE_INLINE void op_load8(const void *from, uint32_t out[2])
{
	op_check_aligned(from, 2 * sizeof *out);
	memcpy(out, from, 2 * sizeof *out);
}

TILE_INLINE void op_load16(const void *from, uint32_t out[4])
{
	op_check_aligned(from, 4 * sizeof *out);
	memcpy(out, from, 4 * sizeof *out);
}

/* A word of memory that nobody writes to and that a thread block does not share. */
TILE_INLINE uint32_t op_load4_global(const void *from)
{
	return op_load4(from);
}

TILE_INLINE void op_load16_global(const void *from, uint32_t out[4])
{
	op_load16(from, out);
}

/* The multiple of 4 at or before. */
TILE_INLINE const uint8_t *op_word_of(const uint8_t *from)
{
	return from - ((uintptr_t)from & 3);
}

/* 4 bytes, at a multiple of 4, from the device's memory to what threads share; there once op_wait_copies has returned, on a
 * GPU, and all threads have met. */
TILE_INLINE void op_copy4(void *to, const void *from)
{
	op_check_aligned(to, 4);
	op_check_aligned(from, 4);
	memcpy(to, from, 4);
}

TILE_INLINE void op_wait_copies(void)
{
}

TILE_INLINE int32_t op_load_s16(const void *from)
{
	int16_t value;
	op_check_aligned(from, sizeof value);
	memcpy(&value, from, sizeof value);
	return value;
}

TILE_INLINE void op_store16(void *to, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	uint32_t words[4] = {a, b, c, d};
	op_check_aligned(to, sizeof words);
	memcpy(to, words, sizeof words);
}

TILE_INLINE void op_store8(void *to, uint32_t a, uint32_t b)
{
	uint32_t words[2] = {a, b};
	op_check_aligned(to, sizeof words);
	memcpy(to, words, sizeof words);
}

TILE_INLINE void op_store4(void *to, uint32_t word)
{
	op_check_aligned(to, sizeof word);
	memcpy(to, &word, sizeof word);
}

TILE_INLINE void op_store2(void *to, uint32_t word)
{
	uint16_t half = (uint16_t)word;
	op_check_aligned(to, sizeof half);
	memcpy(to, &half, sizeof half);
}

#endif
