/* SPDX-License-Identifier: MIT */
/* From codes to values of frequency tensors; plain loops that compilers make vectors of, compiled once for each
 * instruction set. Without contraction of a product and a sum: every machine rounds both. */
#include "codec/tensor_kernel_priv.h"

#include <string.h>

#if defined(__F16C__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define CHUNK 256 /* values at a time, on the stack and in the first-level cache */

static void to_i16(const int8_t *codes, size_t n, struct dequant d, int16_t *out)
{
	if (!d.if_nonneg && !d.if_neg) {
		for (size_t i = 0; i < n; i++)
			out[i] = (int16_t)(codes[i] * d.step);
		return;
	}
	for (size_t i = 0; i < n; i++)
		out[i] = (int16_t)(codes[i] * d.step + (codes[i] < 0 ? d.if_neg : d.if_nonneg));
}

/* By way of 16 bits, where the sign of 0 does not depend on that of the step. */
static void to_f32(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, float *out)
{
	if (!d.if_nonneg && !d.if_neg) {
		for (size_t i = 0; i < n; i++)
			out[i] = ((float)(int16_t)(codes[i] * d.step) - mean) * scale;
		return;
	}
	for (size_t i = 0; i < n; i++) {
		int16_t value = (int16_t)(codes[i] * d.step + (codes[i] < 0 ? d.if_neg : d.if_nonneg));
		out[i] = ((float)value - mean) * scale;
	}
}

/* Halves to even: sums from 1.5 * 2^23 on have no fraction. */
static int8_t to_whole(float value)
{
	const float whole = 12582912.0f;
	value = value > 127 ? 127 : value < -128 ? -128 : value;
	return (int8_t)(value + whole - whole);
}

static void to_i8(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, int8_t *out)
{
	float values[CHUNK];
	for (size_t done = 0; done < n; done += CHUNK) {
		size_t count = n - done < CHUNK ? n - done : CHUNK;
		to_f32(codes + done, count, d, mean, scale, values);
		for (size_t i = 0; i < count; i++)
			out[done + i] = to_whole(values[i]);
	}
}

/* --- Half precision ------------------------------------------------------------------------------------------------ */

/* IEEE binary16 of a number, to nearest, halves to even; for machines, and for the last few numbers, that have no
 * instruction for it. Not for NaN, which finite means and scales do not make. */
static uint16_t half_of(float value)
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

static void to_f16(const float *in, size_t n, uint16_t *out)
{
	size_t i = 0;
#if defined(__F16C__)
	for (; n - i >= 8; i += 8)
		_mm_storeu_si128((__m128i *)(out + i),
		                 _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#elif defined(__aarch64__)
	for (; n - i >= 4; i += 4)
		vst1_u16(out + i, vreinterpret_u16_f16(vcvt_f16_f32(vld1q_f32(in + i))));
#endif
	for (; i < n; i++)
		out[i] = half_of(in[i]);
}

static void codes_to_f16(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out)
{
	float values[CHUNK];
	for (size_t done = 0; done < n; done += CHUNK) {
		size_t count = n - done < CHUNK ? n - done : CHUNK;
		to_f32(codes + done, count, d, mean, scale, values);
		to_f16(values, count, out + done);
	}
}

extern const struct coef_kernel KERNEL(coef_kernel);
const struct coef_kernel KERNEL(coef_kernel) = {
        .to_i8 = to_i8,
        .to_i16 = to_i16,
        .to_f16 = codes_to_f16,
        .to_f32 = to_f32,
        .half = to_f16,
};
