/* SPDX-License-Identifier: MIT */
#include "codec/codes_priv.h"

#include "codec/bytes_priv.h"

#include <stdbool.h>
#include <string.h>

#define CODE_MAX 127
#define CODE_MIN (-128)
#define STEP_MAX 255

struct range {
	int32_t min, max;
};

static struct range range16(const int16_t *values, size_t n)
{
	int16_t min = 0, max = 0;
	for (size_t i = 0; i < n; i++) {
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
	}
	return (struct range){min, max};
}

static struct range range8(const int8_t *codes, size_t n)
{
	int8_t min = 0, max = 0;
	for (size_t i = 0; i < n; i++) {
		min = codes[i] < min ? codes[i] : min;
		max = codes[i] > max ? codes[i] : max;
	}
	return (struct range){min, max};
}

/* --- Steps -------------------------------------------------------------------------------------------------------- */

/* Values so large that no step brings them into 8 bits (damaged or hostile sources) count as the largest that fit. */
static inline int32_t limit(int64_t value, uint32_t unit)
{
	int64_t max = (int64_t)CODE_MAX * STEP_MAX * unit, min = (int64_t)CODE_MIN * STEP_MAX * unit;
	return (int32_t)(value > max ? max : value < min ? min : value);
}

/*
 * The smallest step whose rounded codes fit: with code = floor((2 |v| + unit s) / (2 unit s)) and the sign of v,
 * code <= 127 means 2 v < 255 unit s, and code >= -128 means 2 |v| < 257 unit s.
 */
static uint32_t smallest_step(struct range values, uint32_t unit, uint32_t least)
{
	uint32_t up = 2 * (uint32_t)values.max / (255 * unit) + 1;
	uint32_t down = 2 * (uint32_t)-values.min / (257 * unit) + 1;
	uint32_t fits = up > down ? up : down;
	return fits > least ? fits : least;
}

/*
 * Rounded division by a constant, by multiplication: exact, though the factor is a float. The dividend n = 2 |v| + half is
 * below 2^17 and the divisor d = 2 half below 2^12, so (n + 1/2) / d is at least 1/2^13 away from any whole number, and a
 * quotient below 2^8 is wrong by less than 2^-14 after two roundings of 2^-24. The suite tries every case.
 */
struct divider {
	int32_t half; /* unit * step */
	float inverse;
};

static inline int8_t divide(struct divider by, int32_t value)
{
	int32_t magnitude = value < 0 ? -value : value;
	int32_t code = (int32_t)(((float)(2 * magnitude + by.half) + 0.5f) * by.inverse);
	return (int8_t)(value < 0 ? -code : code);
}

/* Where no product is over the limits, which those of undamaged sources are not: a loop that makes vectors. */
static void divide_products(struct divider by, const int16_t *restrict values, int32_t scale, size_t n,
                            int8_t *restrict codes)
{
	for (size_t i = 0; i < n; i++)
		codes[i] = divide(by, values[i] * scale);
}

static void divide_limited(struct divider by, const struct plane_values *plane, int8_t *codes)
{
	for (size_t i = 0; i < plane->n; i++)
		codes[i] = divide(by, limit((int64_t)plane->values[i] * plane->scale, plane->unit));
}

uint8_t codes_quantize(const struct plane_values *plane, int8_t *codes)
{
	struct range range = range16(plane->values, plane->n);
	bool is_step = plane->unit == 1 && plane->scale == plane->least_step;
	if (is_step && range.max <= CODE_MAX && range.min >= CODE_MIN) { /* what follows would give the same */
		for (size_t i = 0; i < plane->n; i++)
			codes[i] = (int8_t)plane->values[i];
		return (uint8_t)plane->scale;
	}

	int64_t min = (int64_t)range.min * plane->scale, max = (int64_t)range.max * plane->scale;
	range = (struct range){limit(min, plane->unit), limit(max, plane->unit)};
	uint32_t step = smallest_step(range, plane->unit, plane->least_step);
	struct divider by = {.half = (int32_t)(plane->unit * step)};
	by.inverse = 1.0f / (float)(2 * by.half);
	if (range.min == min && range.max == max)
		divide_products(by, plane->values, (int32_t)plane->scale, plane->n, codes);
	else
		divide_limited(by, plane, codes);
	return (uint8_t)step;
}

/* --- The table's entry -------------------------------------------------------------------------------------------- */

/* Bits of two's complement that hold the range. */
static uint8_t bits_used(struct range codes)
{
	uint8_t n = 1;
	while (codes.max >= 1 << (n - 1) || codes.min < -(1 << (n - 1)))
		n++;
	return n;
}

/* Where codes lie in their cells, and how many of them are negative. */
struct places {
	uint64_t sum, sum_neg, count_neg;
};

/* Sums of so few places are 16 bits long, which makes vectors of 16. */
#define PLACES_RUN 256
_Static_assert(UINT16_MAX / CODE_MAX >= PLACES_RUN, "a sum of places would not fit");

static struct places sum_places(const int8_t *codes, size_t n, uint8_t mask)
{
	struct places all = {0};
	for (size_t first = 0; first < n; first += PLACES_RUN) {
		size_t end = n - first < PLACES_RUN ? n : first + PLACES_RUN;
		uint16_t sum = 0, sum_neg = 0, count_neg = 0;
		for (size_t i = first; i < end; i++) {
			uint8_t place = (uint8_t)codes[i] & mask, is_neg = (uint8_t)codes[i] >> 7;
			sum = (uint16_t)(sum + place);
			sum_neg = (uint16_t)(sum_neg + (uint8_t)(place & -is_neg));
			count_neg = (uint16_t)(count_neg + is_neg);
		}
		all.sum += sum;
		all.sum_neg += sum_neg;
		all.count_neg += count_neg;
	}
	return all;
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
	struct ic_plane_params params = {.step = step, .nbits = bits_used(range8(codes, n))};
	unsigned dropped = dropped_bits(params, bits);
	if (!dropped)
		return params;

	struct places places = sum_places(codes, n, (1u << dropped) - 1);
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
