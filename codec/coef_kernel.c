/* SPDX-License-Identifier: MIT */
/* From codes to values of frequency tensors; plain loops that compilers make vectors of, compiled once for each
 * instruction set. Without contraction of a product and a sum: every machine rounds both. */
#include "codec/half_priv.h"
#include "codec/tensor_kernel_priv.h"

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

static void codes_to_f16(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out)
{
	float values[CHUNK];
	for (size_t done = 0; done < n; done += CHUNK) {
		size_t count = n - done < CHUNK ? n - done : CHUNK;
		to_f32(codes + done, count, d, mean, scale, values);
		half_of_all(values, count, out + done);
	}
}

static void codes_to_bf16(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out)
{
	float values[CHUNK];
	for (size_t done = 0; done < n; done += CHUNK) {
		size_t count = n - done < CHUNK ? n - done : CHUNK;
		to_f32(codes + done, count, d, mean, scale, values);
		bfloat_of_all(values, count, out + done);
	}
}

extern const struct coef_kernel KERNEL(coef_kernel);
const struct coef_kernel KERNEL(coef_kernel) = {
        .to_i8 = to_i8,
        .to_i16 = to_i16,
        .to_f16 = codes_to_f16,
        .to_bf16 = codes_to_bf16,
        .to_f32 = to_f32,
        .half = half_of_all,
        .bfloat = bfloat_of_all,
};
