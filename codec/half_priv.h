/* SPDX-License-Identifier: MIT */
/* half_priv.h: numbers to half precision and bfloat16, for kernels, each with its own instruction set. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* IEEE binary16 of a number, to nearest, halves to even; for machines, and for the last few numbers, that have no
 * instruction for it. Not for NaN, which finite means and scales do not make. */
static inline uint16_t half_of(float value)
{
	uint32_t bits, sign, rest;
	memcpy(&bits, &value, sizeof bits);
	sign = bits >> 16 & 0x8000;
	bits &= 0x7fffffff;
	if (bits >= 0x47800000) /* 2^16 */
		return (uint16_t)(sign | 0x7c00);
	if (bits < 0x38800000) { /* 2^-14: subnormal; the sum is in units of 2^-24, rounded by the machine */
		const float unit = 0.5f;
		memcpy(&value, &bits, sizeof value);
		value += unit;
		memcpy(&rest, &value, sizeof rest);
		return (uint16_t)(sign | (rest - 0x3f000000));
	}
	bits += 0xfff + (bits >> 13 & 1); /* may carry into the exponent, up to infinity */
	return (uint16_t)(sign | (bits - 0x38000000) >> 13);
}

static inline void half_of_all(const float *in, size_t n, uint16_t *out)
{
	size_t i = 0;
#if defined(__F16C__)
	for (; i < n / 8 * 8; i += 8)
		_mm_storeu_si128((__m128i *)(out + i),
		                 _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
	for (; i < n / 4 * 4; i += 4)
		vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + i))));
#endif
	for (; i < n; i++)
		out[i] = half_of(in[i]);
}

/* The upper half of IEEE binary32, to nearest, halves to even; no NaN. Compilers make vectors of it. */
static inline void bfloat_of_all(const float *in, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits;
		memcpy(&bits, &in[i], sizeof bits);
		out[i] = (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
	}
}
