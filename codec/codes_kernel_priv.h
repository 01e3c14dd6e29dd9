/* SPDX-License-Identifier: MIT */
/* codes_kernel_priv.h: the loops over all coefficients of a plane, and over all its codes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct codes_range {
	int32_t min, max; /* 0 lies between */
};

/*
 * Rounded division by a constant, by multiplication: exact, though the factor is a float. The dividend n = 2 |v| + half is
 * below 2^17 and the divisor d = 2 half below 2^12, so (n + 1/2) / d is at least 1/2^13 away from any whole number, and a
 * quotient below 2^8 is wrong by less than 2^-14 after two roundings of 2^-24. The suite tries every case.
 */
struct codes_divider {
	int32_t half;
	float inverse; /* 1 / (2 half) */
};

static inline int8_t codes_divide(struct codes_divider by, int32_t value)
{
	int32_t magnitude = value < 0 ? -value : value;
	int32_t code = (int32_t)(((float)(2 * magnitude + by.half) + 0.5f) * by.inverse);
	return (int8_t)(value < 0 ? -code : code);
}

/* Where codes lie in their cells, and how many of them are negative. */
struct codes_places {
	uint64_t sum, sum_neg, count_neg;
};

/* One filling. All give the same. */
struct codes_kernel {
	const char *name; /* of the instruction set; "c" for the compiler's default */

	struct codes_range (*range16)(const int16_t *values, size_t n);
	struct codes_range (*range8)(const int8_t *codes, size_t n);

	/* The least and the most of each place of n blocks of 64, and of 0. */
	void (*block_ranges)(const int16_t *blocks, size_t n, int16_t ret_min[64], int16_t ret_max[64]);

	/* Values of 8 bits. */
	void (*narrow)(const int16_t *values, size_t n, int8_t *codes);

	/* Quotients of values[i] * scale, which must fit 8 bits. */
	void (*divide)(struct codes_divider by, const int16_t *values, int32_t scale, size_t n, int8_t *codes);

	/* The place of a code is what `mask`, at most 127, leaves of it. */
	struct codes_places (*sum_places)(const int8_t *codes, size_t n, uint8_t mask);
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct codes_kernel *codes_kernel_at(unsigned index);

static inline const struct codes_kernel *codes_kernel_best(void)
{
	return codes_kernel_at(0);
}
