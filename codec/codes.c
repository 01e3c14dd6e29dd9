/* SPDX-License-Identifier: MIT */
#include "codec/codes_priv.h"

#include "codec/bytes_priv.h"
#include "codec/codes_kernel_priv.h"

#include <stdbool.h>
#include <string.h>

#define CODE_MAX 127
#define CODE_MIN (-128)
#define STEP_MAX 255

extern const struct codes_kernel codes_kernel_c, codes_kernel_avx2;

#if defined(__x86_64__)
#define N_KERNELS 2
const struct codes_kernel *codes_kernel_at(unsigned index)
{
	static const struct codes_kernel *const kernels[N_KERNELS] = {&codes_kernel_avx2, &codes_kernel_c};
	index += __builtin_cpu_supports("avx2") ? 0 : 1;
	return index < N_KERNELS ? kernels[index] : 0;
}
#else
const struct codes_kernel *codes_kernel_at(unsigned index)
{
	return index ? 0 : &codes_kernel_c;
}
#endif

/* --- Steps -------------------------------------------------------------------------------------------------------- */

/* Values so large that no step brings them into 8 bits (damaged or hostile sources) count as the largest that fit. */
static inline int32_t limit(int64_t value, uint32_t unit)
{
	int64_t max = (int64_t)CODE_MAX * STEP_MAX * unit, min = (int64_t)CODE_MIN * STEP_MAX * unit;
	return (int32_t)(value > max ? max : value < min ? min : value);
}

/*
 * The smallest step whose rounded codes fit `bits` bits, up to and with M = 2^(bits - 1) - 1 and -M - 1: with code =
 * floor((2 |v| + unit s) / (2 unit s)) and the sign of v, code <= M means 2 v < (2 M + 1) unit s, and code >= -M - 1 means
 * 2 |v| < (2 M + 3) unit s.
 */
static uint32_t smallest_step(struct codes_range values, uint32_t unit, unsigned bits)
{
	uint32_t cells = (1u << bits) - 1;
	uint32_t up = 2 * (uint32_t)values.max / (cells * unit) + 1;
	uint32_t down = 2 * (uint32_t)-values.min / ((cells + 2) * unit) + 1;
	return up > down ? up : down;
}

/* Fewer and fewer bits, until the step is large enough, so that codes fill the bits they take, and dropping some
 * makes no cell wider than is needed. Ends at two, since one bit holds no positive code. A step is at most 7/3 of
 * the one before, and 1 more. */
static uint32_t choose_step(struct codes_range values, uint32_t unit, uint32_t least)
{
	unsigned bits = 8;
	uint32_t step = smallest_step(values, unit, bits);
	while (step < least && bits > 2)
		step = smallest_step(values, unit, --bits);
	return step > least ? step : least;
}

/* Where products are over the limits, which those of undamaged sources are not. */
static void divide_limited(struct codes_divider by, const struct plane_values *plane, int8_t *codes)
{
	for (size_t i = 0; i < plane->n; i++)
		codes[i] = codes_divide(by, limit((int64_t)plane->values[i] * plane->scale, plane->unit));
}

uint8_t codes_quantize(const struct plane_values *plane, int8_t *codes)
{
	const struct codes_kernel *kernel = codes_kernel_best();
	struct codes_range range = kernel->range16(plane->values, plane->n);
	bool are_codes = plane->unit == 1 && plane->scale == plane->least_step;
	if (are_codes && range.max <= CODE_MAX && range.min >= CODE_MIN) {
		kernel->narrow(plane->values, plane->n, codes);
		return (uint8_t)plane->scale;
	}

	int64_t min = (int64_t)range.min * plane->scale, max = (int64_t)range.max * plane->scale;
	range = (struct codes_range){limit(min, plane->unit), limit(max, plane->unit)};
	uint32_t step = choose_step(range, plane->unit, plane->least_step);
	struct codes_divider by = {.half = (int32_t)(plane->unit * step)};
	by.inverse = 1.0f / (float)(2 * by.half);
	if (range.min == min && range.max == max)
		kernel->divide(by, plane->values, (int32_t)plane->scale, plane->n, codes);
	else
		divide_limited(by, plane, codes);
	return (uint8_t)step;
}

/* --- The table's entry -------------------------------------------------------------------------------------------- */

/* Bits of two's complement that hold the range. */
static uint8_t bits_used(struct codes_range codes)
{
	uint8_t n = 1;
	while (codes.max >= 1 << (n - 1) || codes.min < -(1 << (n - 1)))
		n++;
	return n;
}

/* `sum` over `count` places of a cell of 2^dropped codes, in 1/256 of the cell. */
static uint8_t mean_place(uint64_t sum, uint64_t count, unsigned dropped)
{
	uint64_t cells = count << dropped;
	return count ? (uint8_t)((256 * sum + cells / 2) / cells) : 0;
}

static unsigned dropped_bits(struct ic_plane_params params, unsigned bits)
{
	return params.nbits > bits ? params.nbits - bits : 0;
}

struct ic_plane_params codes_params(const int8_t *codes, size_t n, uint8_t step, unsigned bits)
{
	struct ic_plane_params params = {.step = step, .nbits = bits_used(codes_kernel_best()->range8(codes, n))};
	unsigned dropped = dropped_bits(params, bits);
	if (!dropped)
		return params;

	struct codes_places places = codes_kernel_best()->sum_places(codes, n, (uint8_t)((1u << dropped) - 1));
	params.mean_nonneg = mean_place(places.sum - places.sum_neg, n - places.count_neg, dropped);
	params.mean_neg = mean_place(places.sum_neg, places.count_neg, dropped);
	return params;
}

/* --- Packing ------------------------------------------------------------------------------------------------------ */

/* The codes one after the other in a word, `bits` from each byte: bytes by twos, then those by twos, and again. */
static inline uint64_t join(uint64_t codes, unsigned bits)
{
	const uint64_t bytes = 0x00ff00ff00ff00ff, pairs = 0x0000ffff0000ffff;
	codes = (codes & bytes) | (codes & ~bytes) >> (8 - bits);
	codes = (codes & pairs) | (codes & ~pairs) >> (16 - 2 * bits);
	return (codes & UINT32_MAX) | codes >> 32 << 4 * bits;
}

/* A code that drops bits is a field of its byte, for those left are no more than the byte has: no sign is lost. */
void codes_pack(const int8_t *codes, size_t n, struct ic_plane_params params, unsigned bits, uint8_t *out)
{
	if (bits == 8) {
		memcpy(out, codes, n);
		return;
	}
	unsigned dropped = dropped_bits(params, bits);
	uint64_t mask = 0x0101010101010101 * ((1u << bits) - 1);
	size_t nbytes = (n * bits + 7) / 8;
	for (size_t i = 0, at = 0; i < n; i += 8, at += bits) {
		uint8_t eight[8] = {0};
		size_t left = nbytes - at;
		memcpy(eight, codes + i, n - i < 8 ? n - i : 8);
		put_le64(eight, join(get_le64(eight) >> dropped & mask, bits));
		if (left >= 8) /* what is beyond its own bytes is written over by the next eight */
			memcpy(out + at, eight, 8);
		else
			memcpy(out + at, eight, left < bits ? left : bits);
	}
}

void codes_table(struct ic_plane_params params, unsigned bits, int16_t table[256])
{
	unsigned dropped = dropped_bits(params, bits);
	int32_t half = 1 << (bits - 1);
	for (int32_t code = -half; code < half; code++) {
		int32_t place = code < 0 ? params.mean_neg : params.mean_nonneg;
		int32_t in_256ths = (code * 256 + place) * (1 << dropped) * params.step;
		int32_t value = (in_256ths + 128) >> 8;
		/* Only a table that no encoder wrote leaves 16 bits. */
		value = value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value;
		table[code & (2 * half - 1)] = (int16_t)value;
	}
}

void codes_unpack(const uint8_t *packed, unsigned bits, size_t first, size_t n, const int16_t table[256], int16_t *out)
{
	if (bits == 8) {
		for (size_t i = 0; i < n; i++)
			out[i] = table[packed[first + i]];
		return;
	}
	size_t at = first * bits;
	const uint8_t *p = packed + at / 8;
	unsigned skip = at % 8, mask = (1u << bits) - 1;
	uint32_t word = n ? (uint32_t)(*p++ >> skip) : 0;
	unsigned held = 8 - skip;
	for (size_t i = 0; i < n; i++) {
		if (held < bits) {
			word |= (uint32_t)*p++ << held;
			held += 8;
		}
		out[i] = table[word & mask];
		word >>= bits;
		held -= bits;
	}
}
