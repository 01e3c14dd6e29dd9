/* SPDX-License-Identifier: MIT */
/* From codes to values of frequency tensors; compiled once for each instruction set, most of it plain loops that compilers make
 * vectors of. Without contraction of a product and a sum: every machine rounds both. */
#include "codec/bytes_priv.h"
#include "codec/half_priv.h"
#include "codec/lanes_priv.h"
#include "codec/tensor_kernel_priv.h"

#define CHUNK 256 /* values at a time, on the stack and in the first-level cache */

/* --- Codes of fewer than 8 bits ------------------------------------------------------------------------------------ */

/* Eight codes of a word, a byte for each: the four upper ones to the upper half, the two upper ones of each half likewise,
 * and the upper one of each two. */
static inline uint64_t split(uint64_t word, unsigned bits)
{
	const uint64_t two = 0x0000000100000001, four = 0x0001000100010001;
	uint64_t quads = (UINT64_C(1) << 4 * bits) - 1, pairs = (UINT64_C(1) << 2 * bits) - 1, ones = (1u << bits) - 1;
	word = (word & quads) | (word & quads << 4 * bits) << (32 - 4 * bits);
	word = (word & two * pairs) | (word & two * pairs << 2 * bits) << (16 - 2 * bits);
	return (word & four * ones) | (word & four * ones << bits) << (8 - bits);
}

/* The sign of each byte's code in all bits above it: the product of the sign bit and those, which stays in the byte. */
static inline uint64_t extend_signs(uint64_t codes, unsigned bits)
{
	uint64_t signs = codes & UINT64_C(0x0101010101010101) << (bits - 1);
	return codes | signs * ((2u << (8 - bits)) - 2);
}

#define SPREAD_PIECES (LANES_NBYTES / LANES_PIECE)

/* Without instructions that pick, words of eight are faster. Plain C as wide as the widest stands in for that in tests. */
#if defined(LANES_PLAIN) && LANES_PLAIN == 8
#define SPREAD_BY_WORDS true
#else
#define SPREAD_BY_WORDS false
#endif

typedef uint64_t words __attribute__((vector_size(LANES_NBYTES)));

/* Eights of codes, `apart` bytes from one to the next, each at the begin of a piece. By way of memory the words would have to
 * arrive there before all could be loaded. */
LANES_INLINE lanes16 load_eights(const uint8_t *in, size_t apart)
{
	words eights = {0};
	for (unsigned piece = 0; piece < SPREAD_PIECES; piece++) {
		uint64_t word;
		memcpy(&word, in + piece * apart, sizeof word);
		eights[2 * piece] = word;
	}
	return (lanes16)eights;
}

/*
 * Two registers of eights at a time, those at even places and those at odd ones, which narrowing puts in order. A code lies
 * within two bytes: these are picked, a product moves it to their top, and a shift brings it down with its sign. The last
 * ones, where words of 8 bytes would end behind the plane, eight at a time.
 */
LANES_INLINE void spread_bits(const uint8_t *in, const uint8_t *end, unsigned bits, size_t n, int8_t *out)
{
	const bool is_big = __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__;
	uint8_t picks[LANES_NBYTES];
	uint16_t moves[LANES];
	size_t i = 0;
	for (unsigned k = 0; k < LANES; k++) {
		unsigned at = k % 8 * bits;
		picks[2 * k + is_big] = (uint8_t)(at / 8);
		picks[2 * k + !is_big] = (uint8_t)(at / 8 + 1);
		moves[k] = (uint16_t)(1u << (16 - bits - at % 8));
	}
	lanes16 pick = lanes_load(picks);
	lanes16u move = (lanes16u)lanes_load(moves);
	while (!SPREAD_BY_WORDS && i < n && end - in >= (ptrdiff_t)((2 * SPREAD_PIECES - 1) * bits + 8)) {
		lanes16 even = lanes_pick(load_eights(in, 2 * bits), pick);
		lanes16 odd = lanes_pick(load_eights(in + bits, 2 * bits), pick);
		even = (lanes16)((lanes16u)even * move) >> (16 - bits);
		odd = (lanes16)((lanes16u)odd * move) >> (16 - bits);
		lanes_store(out + i, lanes_narrow_s8(even, odd));
		i += LANES_NBYTES;
		in += 2 * SPREAD_PIECES * bits;
	}
	for (; i < n; i += 8, in += bits) {
		uint8_t eight[8] = {0};
		if (end - in >= 8)
			memcpy(eight, in, 8);
		else
			memcpy(eight, in, (size_t)(end - in));
		put_le64((uint8_t *)out + i, extend_signs(split(get_le64(eight), bits), bits));
	}
}

/* With constants for all places and shifts. */
#define SPREAD_CASE(bits)                                                                                              \
	case bits:                                                                                                     \
		spread_bits(in, end, bits, n, out);                                                                    \
		break

static void spread(const uint8_t *in, const uint8_t *end, unsigned bits, size_t n, int8_t *out)
{
	switch (bits) {
		SPREAD_CASE(1);
		SPREAD_CASE(2);
		SPREAD_CASE(3);
		SPREAD_CASE(4);
		SPREAD_CASE(5);
		SPREAD_CASE(6);
		SPREAD_CASE(7);
	default:
		memcpy(out, in, n);
	}
}

/* --- Values -------------------------------------------------------------------------------------------------------- */

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
        .spread = spread,
        .to_i8 = to_i8,
        .to_i16 = to_i16,
        .to_f16 = codes_to_f16,
        .to_bf16 = codes_to_bf16,
        .to_f32 = to_f32,
        .half = half_of_all,
        .bfloat = bfloat_of_all,
};
