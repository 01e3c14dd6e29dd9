/* SPDX-License-Identifier: MIT */
/* Compiled once for each instruction set (codec/meson.build); CODES_KERNEL is the name of the table it fills. */
#include "codec/codes_kernel_priv.h"

#include <string.h>

static struct codes_range range16(const int16_t *values, size_t n)
{
	int16_t min = 0, max = 0;
	for (size_t i = 0; i < n; i++) {
		min = values[i] < min ? values[i] : min;
		max = values[i] > max ? values[i] : max;
	}
	return (struct codes_range){min, max};
}

static struct codes_range range8(const int8_t *codes, size_t n)
{
	int8_t min = 0, max = 0;
	for (size_t i = 0; i < n; i++) {
		min = codes[i] < min ? codes[i] : min;
		max = codes[i] > max ? codes[i] : max;
	}
	return (struct codes_range){min, max};
}

#define PLACES 32 /* whose ranges are in registers at a time */

static void block_ranges(const int16_t *restrict blocks, size_t n, int16_t *restrict ret_min, int16_t *restrict ret_max)
{
	for (unsigned first = 0; first < 64; first += PLACES) {
		int16_t min[PLACES] = {0}, max[PLACES] = {0};
		for (size_t i = 0; i < n; i++)
			for (unsigned k = 0; k < PLACES; k++) {
				int16_t value = blocks[i * 64 + first + k];
				min[k] = value < min[k] ? value : min[k];
				max[k] = value > max[k] ? value : max[k];
			}
		memcpy(ret_min + first, min, sizeof min);
		memcpy(ret_max + first, max, sizeof max);
	}
}

static void narrow(const int16_t *restrict values, size_t n, int8_t *restrict codes)
{
	for (size_t i = 0; i < n; i++)
		codes[i] = (int8_t)values[i];
}

static void divide(struct codes_divider by, const int16_t *restrict values, int32_t scale, size_t n,
                   int8_t *restrict codes)
{
	for (size_t i = 0; i < n; i++)
		codes[i] = codes_divide(by, values[i] * scale);
}

/* Sums of so few places are 16 bits long, which makes longer vectors. */
#define PLACES_RUN 256
_Static_assert(UINT16_MAX / INT8_MAX >= PLACES_RUN, "a sum of places would not fit");

static struct codes_places sum_places(const int8_t *codes, size_t n, uint8_t mask)
{
	struct codes_places all = {0};
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

const struct codes_kernel CODES_KERNEL = {CODES_KERNEL_LABEL, range16, range8, block_ranges, narrow, divide,
                                          sum_places};
