/* SPDX-License-Identifier: MIT */
/* Steps, rounding, bits used, means, packing: against the formulas of docs/format.md, section 5.4 and 2. */
#include "codec/codes_kernel_priv.h"
#include "codec/codes_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int32_t clamp(int32_t value, int32_t low, int32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* The code of a value in 1/unit at a step: rounded, halves away from zero. */
static int32_t code_of(int32_t value, uint32_t unit, uint32_t step)
{
	int32_t magnitude = value < 0 ? -value : value, cell = (int32_t)(unit * step);
	int32_t code = (2 * magnitude + cell) / (2 * cell);
	return value < 0 ? -code : code;
}

/* The smallest step at which codes fit so many bits. */
static uint32_t step_by_search(int32_t low, int32_t high, uint32_t unit, unsigned bits)
{
	uint32_t step = 1;

	while (code_of(high, unit, step) >= 1 << (bits - 1) || code_of(low, unit, step) < -(1 << (bits - 1)))
		step++;
	return step;
}

/* The first of those for 8, 7, ... 2 bits that is no less than `least`, or `least`. */
static uint32_t free_step(int32_t low, int32_t high, uint32_t unit, uint32_t least)
{
	for (unsigned bits = 8; bits >= 2; bits--) {
		uint32_t step = step_by_search(low, high, unit, bits);

		if (step >= least)
			return step;
	}
	return least;
}

/* --- From the forward transform: units of 1/8 --------------------------------------------------------------------- */

START_TEST(a_free_step_fills_bits)
{
	unsigned least_taken = 0;

	for (int32_t extreme = 0; extreme <= 32768; extreme++) {
		for (int sign = -1; sign <= 1; sign += 2) {
			int16_t values[3] = {0, (int16_t)clamp(sign * extreme, -32768, 32767), 0};
			int8_t codes[3];
			uint8_t least = (uint8_t)(1 + extreme % 7 * (extreme % 5) * 4); /* up to 97 */
			struct plane_values plane = {values, 3, 1, 8, least};
			uint32_t expected =
			        free_step(values[1] < 0 ? values[1] : 0, values[1] > 0 ? values[1] : 0, 8, least);

			if (codes_quantize(&plane, codes) != expected)
				ck_abort_msg("%d: step %u, not %u", values[1], codes_quantize(&plane, codes), expected);
			least_taken += least > 1 && expected == least;
		}
	}
	ck_assert_uint_gt(least_taken, 0);
}
END_TEST

/* Every value at every step that it can meet: all that fit at the step, in as many bits as 16-bit values fill there. */
START_TEST(every_value_is_rounded_at_every_step)
{
	static int16_t values[65536];
	static int8_t codes[65536];

	for (uint32_t step = 1; step <= 100; step++) {
		int32_t low = -32768, high = 32767, most = 127;
		size_t n = 0;

		while (step > 1 && code_of(high, 8, step - 1) <= most) /* a smaller step would do */
			most /= 2;
		while (code_of(low, 8, step) < -most - 1)
			low++;
		while (code_of(high, 8, step) > most)
			high--;
		for (int32_t value = low; value <= high; value++)
			values[n++] = (int16_t)value;
		uint8_t chosen = codes_quantize(&(struct plane_values){values, n, 1, 8, (uint8_t)step}, codes);
		ck_assert_uint_eq(chosen, step);
		for (size_t i = 0; i < n; i++) {
			if (codes[i] != code_of(values[i], 8, chosen))
				ck_abort_msg("%d at step %u: %d", values[i], chosen, codes[i]);
		}
	}
}
END_TEST

/* --- From a JPEG's own coefficients ------------------------------------------------------------------------------- */

START_TEST(codes_of_8_bits_keep_the_step_of_the_source)
{
	int16_t values[256];
	int8_t codes[256];

	for (int i = 0; i < 256; i++)
		values[i] = (int16_t)(i - 128);
	for (uint32_t step = 1; step <= 255; step++) {
		struct plane_values plane = {values, 256, step, 1, (uint8_t)step};

		ck_assert_uint_eq(codes_quantize(&plane, codes), step);
		for (int i = 0; i < 256; i++)
			ck_assert_int_eq(codes[i], i - 128);
	}
}
END_TEST

/* One value too many for 8 bits, or a step over 255: products, clamped to what some step can hold, at the smallest. No
 * step that is finer than the source's, up to 255, holds them. */
START_TEST(other_codes_get_the_smallest_step)
{
	struct dice dice = dice_new(1);
	int16_t values[50];
	int8_t codes[50];

	for (unsigned i = 0; i < 20000; i++) {
		uint32_t scale = 1 + dice_roll(&dice, i % 3 ? 40 : 65535);
		int32_t most = (int32_t)dice_roll(&dice, i % 5 ? 1000 : 32768), low = 0, high = 0;

		for (size_t j = 0; j < COUNT(values); j++)
			values[j] = (int16_t)dice_between(&dice, -most, most);
		values[i % COUNT(values)] = (int16_t)(i % 2 ? 128 + (int32_t)(i % 300) : -129 - (int32_t)(i % 300));
		for (size_t j = 0; j < COUNT(values); j++) {
			int64_t product = (int64_t)values[j] * scale;
			int32_t value = product > 32385 ? 32385 : product < -32640 ? -32640 : (int32_t)product;

			low = value < low ? value : low;
			high = value > high ? value : high;
		}
		uint8_t least = scale <= 255 ? (uint8_t)scale : 1;
		uint32_t step = codes_quantize(&(struct plane_values){values, COUNT(values), scale, 1, least}, codes);
		ck_assert_uint_eq(step, step_by_search(low, high, 1, 8));
		for (size_t j = 0; j < COUNT(values); j++) {
			int64_t product = (int64_t)values[j] * scale;
			int32_t value = product > 32385 ? 32385 : product < -32640 ? -32640 : (int32_t)product;

			if (codes[j] != code_of(value, 1, step))
				ck_abort_msg("%d * %u at step %u: %d", values[j], scale, step, codes[j]);
		}
	}
}
END_TEST

/* Every value at every step that it can meet: all that fit at the step, one of which needs it. */
START_TEST(every_product_is_rounded_at_every_step)
{
	static int16_t values[65536];
	static int8_t codes[65536];

	for (int32_t step = 2; step <= 255; step++) {
		int32_t low = -(257 * step - 1) / 2, high = (255 * step - 1) / 2;
		size_t n = 0;

		for (int32_t value = clamp(low, -32640, 0); value <= clamp(high, 0, 32385); value++)
			values[n++] = (int16_t)value;
		uint32_t chosen = codes_quantize(&(struct plane_values){values, n, 1, 1, 1}, codes);
		ck_assert_uint_eq(chosen, (uint32_t)step);
		for (size_t i = 0; i < n; i++) {
			if (codes[i] != code_of(values[i], 1, chosen))
				ck_abort_msg("%d at step %u: %d", values[i], chosen, codes[i]);
		}
	}
}
END_TEST

/* --- The table's entry ---------------------------------------------------------------------------------------------- */

START_TEST(bits_used_hold_all_codes)
{
	for (int low = -128; low <= 0; low++) {
		for (int high = 0; high <= 127; high++) {
			const int8_t codes[4] = {0, (int8_t)low, (int8_t)high, 0};
			unsigned n = codes_params(codes, 4, 9, 8).nbits;
			bool holds = low >= -(1 << (n - 1)) && high < 1 << (n - 1);
			bool fewer_do = n > 1 && low >= -(1 << (n - 2)) && high < 1 << (n - 2);

			if (n < 1 || n > 8 || !holds || fewer_do)
				ck_abort_msg("%d..%d: %u bits", low, high, n);
		}
	}
}
END_TEST

/* floor(256 * mean place / cell + 1/2), the mean over codes of one sign, in long double: exact for sums this small. */
static unsigned mean_by_division(const int8_t *codes, size_t n, unsigned dropped, bool negative)
{
	long double cell = (long double)(1 << dropped), sum = 0;
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		if ((codes[i] < 0) == negative) {
			sum += (long double)codes[i] - floorl((long double)codes[i] / cell) * cell;
			count++;
		}
	}
	return count && dropped ? (unsigned)floorl(256 * sum / ((long double)count * cell) + 0.5L) : 0;
}

START_TEST(means_are_those_of_the_places_in_their_cells)
{
	struct dice dice = dice_new(2);
	int8_t codes[97];

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = 1 + dice_roll(&dice, COUNT(codes));
		unsigned bits = 1 + dice_roll(&dice, 8);
		int32_t low = -(int32_t)dice_roll(&dice, 129), high = (int32_t)dice_roll(&dice, 128);

		for (size_t j = 0; j < n; j++)
			codes[j] = (int8_t)dice_between(&dice, i % 7 ? low : high, i % 11 ? high : low > -1 ? 0 : high);
		struct ic_plane_params params = codes_params(codes, n, 200, bits);
		unsigned dropped = params.nbits > bits ? params.nbits - bits : 0;
		ck_assert_uint_eq(params.step, 200);
		if (params.mean_nonneg != mean_by_division(codes, n, dropped, false) ||
		    params.mean_neg != mean_by_division(codes, n, dropped, true))
			ck_abort_msg("round %u: means %u and %u", i, params.mean_nonneg, params.mean_neg);
	}
}
END_TEST

START_TEST(means_of_many_codes_do_not_overflow)
{
	size_t n = 3000000;
	int8_t *codes = malloc(n);

	ck_assert_ptr_nonnull(codes);
	memset(codes, 127, n);
	codes[0] = -128;
	struct ic_plane_params params = codes_params(codes, n, 1, 1);
	ck_assert_uint_eq(params.nbits, 8);
	ck_assert_uint_eq(params.mean_nonneg, 254); /* place 127 in a cell of 128 */
	ck_assert_uint_eq(params.mean_neg, 0);
	free(codes);
}
END_TEST

/* --- Packing --------------------------------------------------------------------------------------------------------- */

static int32_t packed_code(const uint8_t *packed, unsigned bits, size_t i)
{
	uint32_t code = 0;

	for (unsigned j = 0; j < bits; j++)
		code |= (uint32_t)(packed[(i * bits + j) / 8] >> (i * bits + j) % 8 & 1) << j;
	return code >> (bits - 1) ? (int32_t)code - (1 << bits) : (int32_t)code;
}

static void check_pack(const int8_t *codes, size_t n, unsigned nbits, unsigned bits, struct guard *guard)
{
	size_t nbytes = (n * bits + 7) / 8;
	struct ic_plane_params params = {.step = 1, .nbits = (uint8_t)nbits};
	unsigned dropped = nbits > bits ? nbits - bits : 0;
	uint8_t *packed = guard_tail(guard, nbytes);

	memset(packed, 0xff, nbytes);
	codes_pack(codes, n, params, bits, packed);
	for (size_t i = 0; i < n; i++) {
		int32_t expected = (int32_t)floor((double)codes[i] / (1 << dropped));

		if (packed_code(packed, bits, i) != expected)
			ck_abort_msg("code %zu of %zu, %d, at %u of %u bits: %d", i, n, codes[i], bits, nbits,
			             packed_code(packed, bits, i));
	}
	for (size_t bit = n * bits; bit < 8 * nbytes; bit++)
		ck_assert_uint_eq(packed[bit / 8] >> bit % 8 & 1, 0);
}

START_TEST(packing_is_bit_by_bit)
{
	struct dice dice = dice_new(3);
	struct guard guard = guard_new(200), source = guard_new(200);

	for (unsigned bits = 1; bits <= 8; bits++) {
		for (unsigned nbits = 1; nbits <= 8; nbits++) {
			for (size_t n = 0; n <= 150; n++) {
				int8_t *codes = guard_tail(&source, n);

				for (size_t i = 0; i < n; i++)
					codes[i] = (int8_t)dice_between(&dice, -(1 << (nbits - 1)),
					                                (1 << (nbits - 1)) - 1);
				check_pack(codes, n, nbits, bits, &guard);
			}
		}
	}
	guard_clear(&guard);
	guard_clear(&source);
}
END_TEST

/* Codes `first`.. of a plane that ends where its last code does; whatever lies before and in the left-over bits. */
static void check_unpack(struct dice *dice, unsigned bits, size_t first, size_t n, struct guard *in, struct guard *out)
{
	size_t nbytes = ((first + n) * bits + 7) / 8;
	uint8_t *packed = guard_tail(in, nbytes);
	int16_t *found = guard_tail(out, n * sizeof(*found)), table[256];

	for (size_t i = 0; i < nbytes; i++)
		packed[i] = (uint8_t)dice_roll(dice, 256);
	for (unsigned i = 0; i < 256; i++)
		table[i] = (int16_t)dice_between(dice, -32768, 32767);
	codes_unpack(packed, bits, first, n, table, found);
	for (size_t i = 0; i < n; i++) {
		int32_t code = packed_code(packed, bits, first + i);

		if (found[i] != table[code & ((1 << bits) - 1)])
			ck_abort_msg("code %zu + %zu of %zu at %u bits", first, i, n, bits);
	}
}

START_TEST(unpacking_begins_and_ends_anywhere)
{
	struct dice dice = dice_new(4);
	struct guard in = guard_new(400), out = guard_new(400);

	for (unsigned bits = 1; bits <= 8; bits++)
		for (size_t first = 0; first <= 40; first++)
			for (size_t n = 0; n <= 70; n++)
				check_unpack(&dice, bits, first, n, &in, &out);
	guard_clear(&in);
	guard_clear(&out);
}
END_TEST

START_TEST(a_table_is_the_formula)
{
	struct dice dice = dice_new(5);

	for (unsigned i = 0; i < 8 * 8 * 300; i++) {
		unsigned bits = 1 + i % 8;
		struct ic_plane_params params = {.step = (uint8_t)dice_between(&dice, 1, 255),
		                                 .nbits = (uint8_t)(1 + i / 8 % 8),
		                                 .mean_nonneg = (uint8_t)dice_roll(&dice, 256),
		                                 .mean_neg = (uint8_t)dice_roll(&dice, 256)};
		double cell = params.nbits > bits ? (double)(1 << (params.nbits - bits)) : 1;
		int16_t table[256];

		codes_table(params, bits, table);
		for (int32_t code = -(1 << (bits - 1)); code < 1 << (bits - 1); code++) {
			double place = code < 0 ? params.mean_neg : params.mean_nonneg;
			double value = floor((code + place / 256) * cell * params.step + 0.5);
			int16_t expected = (int16_t)(value > 32767 ? 32767 : value < -32768 ? -32768 : value);

			if (table[code & ((1 << bits) - 1)] != expected)
				ck_abort_msg("code %d at %u of %u bits, step %u: %d, not %d", code, bits, params.nbits,
				             params.step, table[code & ((1 << bits) - 1)], expected);
		}
	}
}
END_TEST

/* --- Fillings against each other ---------------------------------------------------------------------------------- */

#define NVALUES_MAX 1100

static int count_kernels(void)
{
	int n = 0;

	while (codes_kernel_at((unsigned)n))
		n++;
	return n;
}

/* The compiler's default. */
static const struct codes_kernel *plain_kernel(void)
{
	return codes_kernel_at((unsigned)count_kernels() - 1);
}

START_TEST(every_quotient_is_the_same)
{
	const struct codes_kernel *kernel = codes_kernel_at((unsigned)_i), *plain = plain_kernel();
	static int16_t values[65536];
	static int8_t codes[65536], expected[65536];

	for (int32_t step = 1; step <= 255; step++) {
		struct codes_divider by = {.half = 8 * step, .inverse = 1.0f / (float)(16 * step)};
		size_t n = 0;

		for (int32_t value = -32768; value <= 32767; value++) {
			if (code_of(value, 8, (uint32_t)step) >= -128 && code_of(value, 8, (uint32_t)step) <= 127)
				values[n++] = (int16_t)value;
		}
		kernel->divide(by, values, 1, n, codes);
		plain->divide(by, values, 1, n, expected);
		ck_assert_mem_eq(codes, expected, n);
	}
}
END_TEST

/* Of all 16 bits, of 8, or few at the ends; memory ends where they do. */
static void random_values(struct dice *dice, unsigned round, size_t n, int16_t *values)
{
	for (size_t i = 0; i < n; i++) {
		if (round % 3 == 0)
			values[i] = (int16_t)dice_between(dice, INT16_MIN, INT16_MAX);
		else if (round % 3 == 1)
			values[i] = (int16_t)dice_between(dice, INT8_MIN, INT8_MAX);
		else
			values[i] = (int16_t)(dice_roll(dice, 500) ? 0 : dice_roll(dice, 2) ? INT16_MAX : INT16_MIN);
	}
}

static void check_codes(const struct codes_kernel *kernel, const int8_t *codes, size_t n)
{
	const struct codes_kernel *plain = plain_kernel();
	struct codes_range range = kernel->range8(codes, n), expected_range = plain->range8(codes, n);

	ck_assert_int_eq(range.min, expected_range.min);
	ck_assert_int_eq(range.max, expected_range.max);
	for (unsigned mask = 1; mask <= 127; mask = 2 * mask + 1) {
		struct codes_places places = kernel->sum_places(codes, n, (uint8_t)mask);
		struct codes_places expected = plain->sum_places(codes, n, (uint8_t)mask);

		ck_assert_uint_eq(places.sum, expected.sum);
		ck_assert_uint_eq(places.sum_neg, expected.sum_neg);
		ck_assert_uint_eq(places.count_neg, expected.count_neg);
	}
}

START_TEST(every_loop_is_the_same)
{
	const struct codes_kernel *kernel = codes_kernel_at((unsigned)_i), *plain = plain_kernel();
	struct guard in = guard_new(NVALUES_MAX * sizeof(int16_t)), out = guard_new(NVALUES_MAX);
	struct dice dice = dice_new(16);

	for (unsigned round = 0; round < 2000; round++) {
		size_t n = 1 + dice_roll(&dice, round % 2 ? 70 : NVALUES_MAX);
		int16_t *values = (int16_t *)guard_tail(&in, n * sizeof *values);
		int8_t *codes = (int8_t *)guard_tail(&out, n), expected[NVALUES_MAX];

		random_values(&dice, round, n, values);
		struct codes_range range = kernel->range16(values, n), expected_range = plain->range16(values, n);
		ck_assert_int_eq(range.min, expected_range.min);
		ck_assert_int_eq(range.max, expected_range.max);
		kernel->narrow(values, n, codes);
		plain->narrow(values, n, expected);
		ck_assert_mem_eq(codes, expected, n);
		check_codes(kernel, codes, n);
	}
	guard_clear(&in);
	guard_clear(&out);
}
END_TEST

#define NBLOCKS_MAX 9

START_TEST(places_of_blocks_have_their_ranges)
{
	const struct codes_kernel *kernel = codes_kernel_at((unsigned)_i);
	struct guard in = guard_new(NBLOCKS_MAX * 64 * sizeof(int16_t));
	struct dice dice = dice_new(17);

	for (unsigned round = 0; round < 200; round++) {
		size_t n = round % (NBLOCKS_MAX + 1);
		int16_t *values = (int16_t *)guard_tail(&in, n * 64 * sizeof *values), min[64], max[64];

		for (size_t i = 0; i < n * 64; i++)
			values[i] = (int16_t)((int32_t)dice_roll(&dice, 65536) - 32768);
		kernel->block_ranges(values, n, min, max);
		for (size_t k = 0; k < 64; k++) {
			int16_t least = 0, most = 0;
			for (size_t i = k; i < n * 64; i += 64) {
				least = values[i] < least ? values[i] : least;
				most = values[i] > most ? values[i] : most;
			}
			ck_assert_msg(min[k] == least && max[k] == most, "place %zu of %zu blocks", k, n);
		}
	}
	guard_clear(&in);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_free_step_fills_bits);
	tcase_add_test(cases, every_value_is_rounded_at_every_step);
	tcase_add_test(cases, codes_of_8_bits_keep_the_step_of_the_source);
	tcase_add_test(cases, other_codes_get_the_smallest_step);
	tcase_add_test(cases, every_product_is_rounded_at_every_step);
	tcase_add_test(cases, bits_used_hold_all_codes);
	tcase_add_test(cases, means_are_those_of_the_places_in_their_cells);
	tcase_add_test(cases, means_of_many_codes_do_not_overflow);
	tcase_add_test(cases, packing_is_bit_by_bit);
	tcase_add_test(cases, unpacking_begins_and_ends_anywhere);
	tcase_add_test(cases, a_table_is_the_formula);
	tcase_add_loop_test(cases, every_quotient_is_the_same, 0, count_kernels());
	tcase_add_loop_test(cases, every_loop_is_the_same, 0, count_kernels());
	tcase_add_loop_test(cases, places_of_blocks_have_their_ranges, 0, count_kernels());
}

int main(void)
{
	return suite_run("codes", add_tests);
}
