/* SPDX-License-Identifier: MIT */
#include "search/probe_features_priv.h"
#include "search/probe_filters_priv.h"
#include "search/probe_resample_priv.h"

#include "tests/codec/codec_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NPIXELS (PROBE_SIDE * PROBE_SIDE)

/* --- Resampling --------------------------------------------------------------------------------------------------- */

static const uint32_t sizes[] = {1, 2, 3, 5, 31, 56, 64, 127, 128, 129, 224, 375, 1000, 4097, 65535};

START_TEST(weights_add_up_to_one_and_stay_inside)
{
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct resample_axis axis;
		ck_assert_int_eq(resample_axis_init(&axis, sizes[i], PROBE_SIDE), 0);
		ck_assert_uint_le(axis.start[axis.nout], 2 * (size_t)axis.nin + 4 * (size_t)axis.nout);
		for (uint32_t place = 0; place < axis.nout; place++) {
			unsigned sum = 0;
			for (uint32_t k = axis.start[place]; k < axis.start[place + 1]; k++)
				sum += axis.weights[k];
			ck_assert_uint_eq(sum, 256);
			ck_assert_uint_le(axis.first[place] + axis.start[place + 1] - axis.start[place], axis.nin);
		}
		resample_axis_clear(&axis);
	}
}
END_TEST

/* What the header says, without its passes and tiles: one place after the other, rows first. */
static uint8_t expected_at(const struct resample_axis *x, const struct resample_axis *y, const uint8_t *in,
                           uint32_t column, uint32_t row)
{
	unsigned across = 128;
	for (uint32_t i = x->start[column]; i < x->start[column + 1]; i++) {
		uint32_t at = x->first[column] + i - x->start[column];
		unsigned down = 128;
		for (uint32_t k = y->start[row]; k < y->start[row + 1]; k++)
			down += y->weights[k] * in[(y->first[row] + k - y->start[row]) * x->nin + at];
		across += x->weights[i] * (down / 256);
	}
	return (uint8_t)(across / 256);
}

static void check_size(struct dice *dice, uint32_t width, uint32_t height)
{
	struct resample_axis x, y;
	ck_assert_int_eq(resample_axis_init(&x, width, PROBE_SIDE), 0);
	ck_assert_int_eq(resample_axis_init(&y, height, PROBE_SIDE), 0);
	size_t nbytes = (size_t)width * height;
	uint8_t *in = malloc(nbytes), *memory = malloc(resample_nbytes(&x, &y)), *out = malloc(NPIXELS);
	for (size_t i = 0; i < nbytes; i++)
		in[i] = (uint8_t)(dice_roll(dice, 3) ? dice_roll(dice, 256) : 255 * dice_roll(dice, 2));
	resample(&x, &y, in, width, memory, out);
	for (uint32_t i = 0; i < NPIXELS; i++)
		ck_assert_uint_eq(out[i], expected_at(&x, &y, in, i / PROBE_SIDE, i % PROBE_SIDE));
	if (width == PROBE_SIDE && height == PROBE_SIDE)
		for (uint32_t i = 0; i < NPIXELS; i++)
			ck_assert_uint_eq(out[i], in[i % PROBE_SIDE * PROBE_SIDE + i / PROBE_SIDE]);
	free(in);
	free(memory);
	free(out);
	resample_axis_clear(&x);
	resample_axis_clear(&y);
}

START_TEST(resampling_is_the_mean_that_the_weights_say)
{
	struct dice dice = dice_new(1);
	check_size(&dice, 128, 128);
	check_size(&dice, 1, 1);
	check_size(&dice, 56, 224);
	check_size(&dice, 500, 375);
	check_size(&dice, 3, 1000);
}
END_TEST

/* --- Features ----------------------------------------------------------------------------------------------------- */

struct features {
	float value[PROBE_NFEATURES];
};

struct bench {
	struct probe_filters *filters;
	struct probe_scratch *scratch;
};

static struct bench bench_new(void)
{
	struct bench bench;
	ck_assert_int_eq(probe_filters_new(&bench.filters), 0);
	ck_assert_int_eq(probe_scratch_new(bench.filters, &bench.scratch), 0);
	return bench;
}

static void bench_clear(struct bench *bench)
{
	probe_scratch_free(bench->scratch);
	probe_filters_free(bench->filters);
}

/* Random grids, and those that drive sums to their ends: 0 and 255 alone, in blocks of any size. */
static void fill_grid(struct dice *dice, unsigned trial, uint8_t *grid)
{
	unsigned side = 1u << trial % 8;
	for (unsigned c = 0; c < 3; c++) {
		for (unsigned i = 0; i < NPIXELS; i++) {
			unsigned cell = i / PROBE_SIDE / side * PROBE_SIDE + i % PROBE_SIDE / side;
			struct dice own = dice_new(cell * 3 + c + trial * 1000003u);
			grid[c * NPIXELS + i] = (uint8_t)(trial % 3 ? 255 * dice_roll(&own, 2) : dice_roll(dice, 256));
		}
	}
}

START_TEST(every_kernel_gives_the_same_bits)
{
	struct bench bench = bench_new();
	struct dice dice = dice_new(2);
	uint8_t *grid = malloc(3 * NPIXELS);
	unsigned nkernels = 0;
	while (probe_kernel_at(nkernels))
		nkernels++;
	ck_assert_uint_ge(nkernels, 1);
	ck_assert_str_eq(probe_kernel_at(nkernels - 1)->name, "c");
	for (unsigned trial = 0; trial < 24; trial++) {
		struct features plain, other;
		fill_grid(&dice, trial, grid);
		probe_features(bench.scratch, probe_kernel_at(nkernels - 1), grid, plain.value);
		for (unsigned k = 0; k + 1 < nkernels; k++) {
			probe_features(bench.scratch, probe_kernel_at(k), grid, other.value);
			ck_assert_mem_eq(&plain, &other, sizeof plain);
		}
	}
	free(grid);
	bench_clear(&bench);
}
END_TEST

/* One filter of one scale by its definition: no padding, no planes apart, no vectors. */
static unsigned long response_at(const struct probe_scale *scale, const struct probe_pair *pairs,
                                 const int16_t *samples, unsigned side, unsigned x, unsigned y)
{
	int sum = 0;
	for (unsigned p = 0; p < 2 * scale->bank.npairs; p++) {
		unsigned offset = p % 2 ? pairs[p / 2].minus : pairs[p / 2].plus;
		unsigned row = offset / scale->stride, dx = offset % scale->stride * scale->step + row % scale->step;
		unsigned channel = row / scale->step % 3, dy = row / scale->step / 3;
		int at_x = (int)(x * scale->step + dx) - 2, at_y = (int)(y * scale->step + dy) - 2;
		at_x = at_x < 0 ? 0 : at_x < (int)side ? at_x : (int)side - 1;
		at_y = at_y < 0 ? 0 : at_y < (int)side ? at_y : (int)side - 1;
		int sample = samples[channel * side * side + (unsigned)at_y * side + (unsigned)at_x];
		sum += p % 2 ? -sample : sample;
	}
	return (unsigned long)labs((sum + 4) >> 3);
}

START_TEST(features_are_mean_magnitudes_of_filters)
{
	struct bench bench = bench_new();
	struct dice dice = dice_new(3);
	uint8_t *grid = malloc(3 * NPIXELS);
	int16_t *samples = malloc(3 * NPIXELS * sizeof *samples);
	const struct probe_scale *scale = &bench.filters->scales[0];
	struct features features;
	for (unsigned i = 0; i < 3 * NPIXELS; i++)
		grid[i] = (uint8_t)dice_roll(&dice, 256);
	probe_features(bench.scratch, probe_kernel_at(0), grid, features.value);
	for (unsigned i = 0; i < NPIXELS; i++) {
		int r = grid[i], g = grid[NPIXELS + i], b = grid[2 * NPIXELS + i];
		samples[i] = (int16_t)(((77 * r + 150 * g + 29 * b) >> 5) - 1024);
		samples[NPIXELS + i] = (int16_t)((b - r) * 4);
		samples[2 * NPIXELS + i] = (int16_t)((2 * g - r - b) * 2);
	}
	for (unsigned f = 0; f < PROBE_NFILTERS; f++) {
		unsigned cell = dice_roll(&dice, 16);
		unsigned long sum = 0;
		for (unsigned i = 0; i < 16 * 16; i++)
			sum += response_at(scale, scale->bank.pairs + f * PROBE_NPAIRS, samples, PROBE_SIDE,
			                   cell % 4 * 16 + i % 16, cell / 4 * 16 + i / 16);
		float value = features.value[f * 16 + cell];
		ck_assert_float_eq_tol(value * value, (float)sum / 4096, 1e-3f * (1 + (float)sum / 4096));
	}
	free(samples);
	free(grid);
	bench_clear(&bench);
}
END_TEST

START_TEST(filters_see_no_flat_colour)
{
	struct bench bench = bench_new();
	struct features features;
	uint8_t *grid = malloc(3 * NPIXELS);
	memset(grid, 255, NPIXELS);
	memset(grid + NPIXELS, 0, NPIXELS);
	memset(grid + 2 * NPIXELS, 90, NPIXELS);
	probe_features(bench.scratch, probe_kernel_at(0), grid, features.value);
	for (unsigned i = 0; i < PROBE_NFEATURES - 3 * 16; i++)
		ck_assert_float_eq(features.value[i], 0);
	for (unsigned i = PROBE_NFEATURES - 16; i < PROBE_NFEATURES; i++)
		ck_assert_float_eq(features.value[i], -2 * 345);
	free(grid);
	bench_clear(&bench);
}
END_TEST

/* --- Objects ------------------------------------------------------------------------------------------------------ */

/* A full design holds the picture, whatever its blocks: their grids differ by rounding alone. */
START_TEST(full_designs_have_the_same_grid)
{
	static const char *const texts[] = {"s1x1-b1-k1-q8", "s1x1-b2-k3-q8", "s1x1-b4-k7-q8", "s1x1-b8-k15-q8",
	                                    "s1x1-b16-k31-q8"};
	struct bench bench = bench_new();
	struct bytes jpeg = jpeg_new(200, 160, 7, &(struct jpeg_spec){.quality = 90});
	uint8_t *first = malloc(3 * NPIXELS);
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct ic_design design = design_of(texts[i]);
		struct bytes object = encode(jpeg, &design);
		struct ic_view view = view_of(object);
		const uint8_t *grid;
		ck_assert_int_eq(probe_grid(bench.scratch, &view, &grid, NULL), 0);
		if (i == 0)
			memcpy(first, grid, 3 * NPIXELS);
		ck_assert_double_gt(psnr(first, grid, 3 * NPIXELS), 42);
		free(object.data);
	}
	free(first);
	free(jpeg.data);
	bench_clear(&bench);
}
END_TEST

/* Scratch that met other sizes gives what new scratch gives. */
START_TEST(grids_do_not_depend_on_what_came_before)
{
	static const uint32_t widths[] = {16, 300, 17, 300, 1};
	struct bench bench = bench_new();
	struct ic_design design = ic_design_default();
	for (size_t i = 0; i < COUNT(widths); i++) {
		struct bytes jpeg = jpeg_new(widths[i], 40, 3, &(struct jpeg_spec){0}), object = encode(jpeg, &design);
		struct ic_view view = view_of(object);
		struct bench fresh = bench_new();
		const uint8_t *old, *new;
		ck_assert_int_eq(probe_grid(bench.scratch, &view, &old, NULL), 0);
		ck_assert_int_eq(probe_grid(fresh.scratch, &view, &new, NULL), 0);
		ck_assert_mem_eq(old, new, 3 * NPIXELS);
		bench_clear(&fresh);
		free(object.data);
		free(jpeg.data);
	}
	bench_clear(&bench);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, weights_add_up_to_one_and_stay_inside);
	tcase_add_test(cases, resampling_is_the_mean_that_the_weights_say);
	tcase_add_test(cases, every_kernel_gives_the_same_bits);
	tcase_add_test(cases, features_are_mean_magnitudes_of_filters);
	tcase_add_test(cases, filters_see_no_flat_colour);
	tcase_add_test(cases, full_designs_have_the_same_grid);
	tcase_add_test(cases, grids_do_not_depend_on_what_came_before);
}

int main(void)
{
	return suite_run("probe-features", add);
}
