/* SPDX-License-Identifier: MIT */
/*
 * lanes_priv.h: what the kernels of decoding need of an instruction set: registers of LANES numbers of 16 bits, and the few
 * operations on them that C has no word for. The rest is GCC's arithmetic on vectors.
 *
 * A kernel is compiled once for each instruction set; with LANES_PLAIN every operation is a loop over the numbers, for any
 * machine, which is what the others are tested against. Operations that combine two registers do so in each piece of 16
 * bytes apart, as x86 has it; a kernel that zips, computes and narrows meets its numbers in order again.
 */
#pragma once

#include "codec/bytes_priv.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if !defined(LANES_PLAIN) && defined(__x86_64__)
#include <immintrin.h>
#elif !defined(LANES_PLAIN) && defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(LANES_PLAIN)
#define LANES LANES_PLAIN
#elif defined(__AVX512BW__)
#define LANES 32
#elif defined(__AVX2__)
#define LANES 16
#else
#define LANES 8
#endif

#if defined(LANES_PLAIN)
#define LANES_INLINE static inline /* as the compiler likes: its loops are long */
#else
#define LANES_INLINE static inline __attribute__((always_inline))
#endif
#define LANES_NBYTES (2 * LANES)
#define LANES_PIECE 16 /* bytes */

typedef int16_t lanes16 __attribute__((vector_size(LANES_NBYTES)));
typedef uint16_t lanes16u __attribute__((vector_size(LANES_NBYTES)));
typedef uint32_t lanes32 __attribute__((vector_size(LANES_NBYTES)));
typedef int32_t lanes32s __attribute__((vector_size(LANES_NBYTES)));
typedef float lanesf __attribute__((vector_size(LANES_NBYTES)));
#define LANES_FLOATS (LANES / 2)

LANES_INLINE lanes16 lanes_load(const void *p)
{
	lanes16 v;
	memcpy(&v, p, sizeof v);
	return v;
}

LANES_INLINE void lanes_store(void *p, lanes16 v)
{
	memcpy(p, &v, sizeof v);
}

LANES_INLINE lanes16 lanes_splat(int16_t n)
{
	return (lanes16){0} + n;
}

/* Two numbers, again and again: what lanes_madd multiplies a register of pairs by. */
LANES_INLINE lanes16 lanes_splat_pair(int32_t pair)
{
	return (lanes16)((lanes32s){0} + pair);
}

/* Arithmetic shifts. */
LANES_INLINE lanes32 lanes_shift32(lanes32 v, int bits)
{
	return (lanes32)((lanes32s)v >> bits);
}

LANES_INLINE lanesf lanes_load_floats(const float *p)
{
	lanesf v;
	memcpy(&v, p, sizeof v);
	return v;
}

/*
 * lanes_floats       LANES_FLOATS bytes without a sign, as numbers
 * lanes_bytes        LANES bytes of two's complement, as numbers
 * lanes_zip_low_N    the first halves of two pieces, elements of N bytes in turn: a0 b0 a1 b1 ...
 * lanes_zip_high_N   the second halves
 * lanes_pick         bytes of each piece, by their number in it; 0 for numbers of 128 and more
 * lanes_madd         of pairs of numbers: a0 * b0 + a1 * b1, modulo 2^32
 * lanes_mul_round    products less their 15 lower bits, rounded; not for twice -32768
 * lanes_select       bytes of a where mask is 0xff, of b where it is 0
 * lanes_narrow       32 bits to 16, clamped: a piece of low's, then a piece of high's
 * lanes_narrow_s8    16 bits to 8 clamped to -128..127, likewise; lanes_narrow_u8 to 0..255
 */
#if defined(LANES_PLAIN)

LANES_INLINE lanesf lanes_floats(const uint8_t *p)
{
	lanesf v;
	for (int i = 0; i < LANES_FLOATS; i++)
		v[i] = p[i];
	return v;
}

LANES_INLINE lanes16 lanes_bytes(const int8_t *p)
{
	lanes16 v;
	for (int i = 0; i < LANES; i++)
		v[i] = p[i];
	return v;
}

LANES_INLINE lanes16 lanes_zip(lanes16 a, lanes16 b, unsigned width, unsigned half)
{
	uint8_t in[2][LANES_NBYTES], out[LANES_NBYTES];
	memcpy(in[0], &a, sizeof a);
	memcpy(in[1], &b, sizeof b);
	for (unsigned i = 0; i < LANES_NBYTES; i++) {
		unsigned at = i % LANES_PIECE, piece = i - at;
		out[i] = in[at / width % 2][piece + half * LANES_PIECE / 2 + at / (2 * width) * width + at % width];
	}
	return lanes_load(out);
}
#define LANES_ZIP(width)                                                                                               \
	LANES_INLINE lanes16 lanes_zip_low_##width(lanes16 a, lanes16 b)                                               \
	{                                                                                                              \
		return lanes_zip(a, b, width, 0);                                                                      \
	}                                                                                                              \
	LANES_INLINE lanes16 lanes_zip_high_##width(lanes16 a, lanes16 b)                                              \
	{                                                                                                              \
		return lanes_zip(a, b, width, 1);                                                                      \
	}
LANES_ZIP(1)
LANES_ZIP(2)
LANES_ZIP(4)
LANES_ZIP(8)

LANES_INLINE lanes16 lanes_pick(lanes16 bytes, lanes16 numbers)
{
	uint8_t in[LANES_NBYTES], at[LANES_NBYTES], out[LANES_NBYTES];
	memcpy(in, &bytes, sizeof bytes);
	memcpy(at, &numbers, sizeof numbers);
	for (unsigned i = 0; i < LANES_NBYTES; i++)
		out[i] = at[i] < LANES_PIECE ? in[i / LANES_PIECE * LANES_PIECE + at[i]] : 0;
	return lanes_load(out);
}

LANES_INLINE lanes32 lanes_madd(lanes16 a, lanes16 b)
{
	lanes32 v;
	for (int i = 0; i < LANES / 2; i++)
		v[i] = (uint32_t)(a[2 * i] * b[2 * i]) + (uint32_t)(a[2 * i + 1] * b[2 * i + 1]);
	return v;
}

LANES_INLINE lanes16 lanes_mul_round(lanes16 a, lanes16 b)
{
	lanes16 v;
	for (int i = 0; i < LANES; i++)
		v[i] = (int16_t)((a[i] * b[i] + (1 << 14)) >> 15);
	return v;
}

LANES_INLINE lanes16 lanes_select(lanes16 mask, lanes16 a, lanes16 b)
{
	return (mask & a) | (~mask & b);
}

LANES_INLINE int32_t lanes_clamp(int32_t n, int32_t min, int32_t max)
{
	return n > max ? max : n < min ? min : n;
}

LANES_INLINE lanes16 lanes_narrow(lanes32 low, lanes32 high)
{
	const int half = LANES_PIECE / 4;
	lanes16 v;
	for (int i = 0; i < LANES; i++) {
		int at = i % (2 * half), from = i / (2 * half) * half + at % half;
		v[i] = (int16_t)lanes_clamp((int32_t)(at < half ? low[from] : high[from]), INT16_MIN, INT16_MAX);
	}
	return v;
}

LANES_INLINE lanes16 lanes_narrow_to(lanes16 low, lanes16 high, int min, int max)
{
	const int half = LANES_PIECE / 2;
	uint8_t v[LANES_NBYTES];
	for (int i = 0; i < LANES_NBYTES; i++) {
		int at = i % (2 * half), from = i / (2 * half) * half + at % half;
		v[i] = (uint8_t)lanes_clamp(at < half ? low[from] : high[from], min, max);
	}
	return lanes_load(v);
}

LANES_INLINE lanes16 lanes_narrow_s8(lanes16 low, lanes16 high)
{
	return lanes_narrow_to(low, high, INT8_MIN, INT8_MAX);
}

LANES_INLINE lanes16 lanes_narrow_u8(lanes16 low, lanes16 high)
{
	return lanes_narrow_to(low, high, 0, UINT8_MAX);
}

#elif defined(__x86_64__)

#if LANES == 32
#define LANES_X86(name) _mm512_##name
#define LANES_INT __m512i
#elif LANES == 16
#define LANES_X86(name) _mm256_##name
#define LANES_INT __m256i
#else
#define LANES_X86(name) _mm_##name
#define LANES_INT __m128i
#endif

LANES_INLINE lanesf lanes_floats(const uint8_t *p)
{
#if LANES == 32
	return (lanesf)_mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
#elif LANES == 16
	return (lanesf)_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
#else
	__m128i zero = _mm_setzero_si128(), bytes = _mm_cvtsi32_si128((int)get_le32(p));
	return (lanesf)_mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(bytes, zero), zero));
#endif
}

LANES_INLINE lanes16 lanes_bytes(const int8_t *p)
{
#if LANES == 32
	return (lanes16)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
#elif LANES == 16
	return (lanes16)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
#else
	__m128i bytes = _mm_loadl_epi64((const __m128i *)p);
	return (lanes16)_mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
#endif
}

/* An operation of two registers by its name in Intel's headers. */
#define LANES_OP(name, type_out, type_in, intel)                                                                       \
	LANES_INLINE type_out name(type_in a, type_in b)                                                               \
	{                                                                                                              \
		return (type_out)LANES_X86(intel)((LANES_INT)a, (LANES_INT)b);                                         \
	}
LANES_OP(lanes_zip_low_1, lanes16, lanes16, unpacklo_epi8)
LANES_OP(lanes_zip_high_1, lanes16, lanes16, unpackhi_epi8)
LANES_OP(lanes_zip_low_2, lanes16, lanes16, unpacklo_epi16)
LANES_OP(lanes_zip_high_2, lanes16, lanes16, unpackhi_epi16)
LANES_OP(lanes_zip_low_4, lanes16, lanes16, unpacklo_epi32)
LANES_OP(lanes_zip_high_4, lanes16, lanes16, unpackhi_epi32)
LANES_OP(lanes_zip_low_8, lanes16, lanes16, unpacklo_epi64)
LANES_OP(lanes_zip_high_8, lanes16, lanes16, unpackhi_epi64)
LANES_OP(lanes_pick, lanes16, lanes16, shuffle_epi8)
LANES_OP(lanes_madd, lanes32, lanes16, madd_epi16)
LANES_OP(lanes_mul_round, lanes16, lanes16, mulhrs_epi16)
LANES_OP(lanes_narrow, lanes16, lanes32, packs_epi32)
LANES_OP(lanes_narrow_s8, lanes16, lanes16, packs_epi16)
LANES_OP(lanes_narrow_u8, lanes16, lanes16, packus_epi16)

/* SSSE3 has no such instruction. */
LANES_INLINE lanes16 lanes_select(lanes16 mask, lanes16 a, lanes16 b)
{
#if LANES == 32
	return (lanes16)_mm512_ternarylogic_epi32((__m512i)mask, (__m512i)a, (__m512i)b, 0xca);
#elif LANES == 16
	return (lanes16)_mm256_blendv_epi8((__m256i)b, (__m256i)a, (__m256i)mask);
#else
	return (mask & a) | (~mask & b);
#endif
}

#elif defined(__aarch64__)

LANES_INLINE lanesf lanes_floats(const uint8_t *p)
{
	uint8x8_t bytes = vcreate_u8(get_le32(p));
	return (lanesf)vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))));
}

LANES_INLINE lanes16 lanes_bytes(const int8_t *p)
{
	return (lanes16)vmovl_s8(vld1_s8(p));
}

#define LANES_OP(name, type, expression)                                                                               \
	LANES_INLINE lanes16 name(type a, type b)                                                                      \
	{                                                                                                              \
		return (lanes16)(expression);                                                                          \
	}
LANES_OP(lanes_zip_low_1, lanes16, vzip1q_s8((int8x16_t)a, (int8x16_t)b))
LANES_OP(lanes_zip_high_1, lanes16, vzip2q_s8((int8x16_t)a, (int8x16_t)b))
LANES_OP(lanes_zip_low_2, lanes16, vzip1q_s16((int16x8_t)a, (int16x8_t)b))
LANES_OP(lanes_zip_high_2, lanes16, vzip2q_s16((int16x8_t)a, (int16x8_t)b))
LANES_OP(lanes_zip_low_4, lanes16, vzip1q_s32((int32x4_t)a, (int32x4_t)b))
LANES_OP(lanes_zip_high_4, lanes16, vzip2q_s32((int32x4_t)a, (int32x4_t)b))
LANES_OP(lanes_zip_low_8, lanes16, vzip1q_s64((int64x2_t)a, (int64x2_t)b))
LANES_OP(lanes_zip_high_8, lanes16, vzip2q_s64((int64x2_t)a, (int64x2_t)b))
LANES_OP(lanes_pick, lanes16, vqtbl1q_s8((int8x16_t)a, (uint8x16_t)b))
LANES_OP(lanes_narrow, lanes32, vqmovn_high_s32(vqmovn_s32((int32x4_t)a), (int32x4_t)b))
LANES_OP(lanes_narrow_s8, lanes16, vqmovn_high_s16(vqmovn_s16((int16x8_t)a), (int16x8_t)b))
LANES_OP(lanes_narrow_u8, lanes16, vqmovun_high_s16(vqmovun_s16((int16x8_t)a), (int16x8_t)b))

LANES_INLINE lanes32 lanes_madd(lanes16 a, lanes16 b)
{
	int32x4_t low = vmull_s16(vget_low_s16((int16x8_t)a), vget_low_s16((int16x8_t)b));
	return (lanes32)vpaddq_s32(low, vmull_high_s16((int16x8_t)a, (int16x8_t)b));
}

LANES_INLINE lanes16 lanes_mul_round(lanes16 a, lanes16 b)
{
	return (lanes16)vqrdmulhq_s16((int16x8_t)a, (int16x8_t)b);
}

LANES_INLINE lanes16 lanes_select(lanes16 mask, lanes16 a, lanes16 b)
{
	return (lanes16)vbslq_s16((uint16x8_t)mask, (int16x8_t)a, (int16x8_t)b);
}

#else
#error "this machine has no lanes of its own: compile with LANES_PLAIN"
#endif
