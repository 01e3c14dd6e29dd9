/* SPDX-License-Identifier: MIT */
/* Steps of planes that are made from samples, against a transform in floating point (docs/format.md, section 5.4). */
#include "codec/decode.h"

#include "codec_helpers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The transform of whole numbers is this near to the true one, in units of a JPEG coefficient. */
#define NEAR 0.75

/* The root mean square of 64 steps, in whole numbers, up to 12. */
static uint32_t step_like(const UINT16 steps[64])
{
	double squares = 0;

	for (unsigned i = 0; i < 64; i++)
		squares += (double)steps[i] * steps[i];
	return (uint32_t)fmin(round(sqrt(squares / 64)), 12);
}

/* The least step that each of the source's components leaves to planes that are made from its samples. */
static void read_least(struct bytes jpeg, uint32_t least[3])
{
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr errors;

	info.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&info);
	jpeg_mem_src(&info, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&info, TRUE);
	for (int c = 0; c < info.num_components && c < 3; c++)
		least[c] = step_like(info.quant_tbl_ptrs[info.comp_info[c].quant_tbl_no]->quantval);
	jpeg_destroy_decompress(&info);
}

/* Coefficient (u, v) of a block of 8 x 8 at (x, y); past an edge the edge is repeated. */
static double coefficient(const uint8_t *samples, const struct ic_component *size, uint32_t x, uint32_t y,
                          struct ic_freq freq)
{
	double sum = 0, scale = (freq.u ? 0.5 : sqrt(0.125)) * (freq.v ? 0.5 : sqrt(0.125));

	for (uint32_t j = 0; j < 8; j++) {
		uint32_t row = y + j < size->height ? y + j : size->height - 1;

		for (uint32_t i = 0; i < 8; i++) {
			uint32_t col = x + i < size->width ? x + i : size->width - 1;

			sum += (samples[row * size->width + col] - 128) * cos((2 * i + 1) * freq.u * M_PI / 16) *
			       cos((2 * j + 1) * freq.v * M_PI / 16);
		}
	}
	return scale * sum;
}

/* The smallest step at which coefficients from `low` to `high` take so many bits, if they are `margin` further from 0. */
static double smallest_step(double low, double high, unsigned bits, double margin)
{
	double up = (high + margin) / (ldexp(1, (int)bits - 1) - 0.5),
	       down = (margin - low) / (ldexp(1, (int)bits - 1) + 0.5);

	return fmax(floor(fmax(up, down)) + 1, 1);
}

/* One plane: no finer than `least`; the first step from there on at which coefficients fill 8, 7, ... 2 bits, or `least`; and
 * every coefficient near. Says whether the step is coarser than 8 bits ask for. */
static bool check_plane(const uint8_t *samples, const struct ic_component *size, struct ic_freq freq, uint32_t step,
                        uint32_t least, const int16_t *plane)
{
	double low = 0, high = 0;
	unsigned bits = 8;

	ck_assert_uint_ge(step, least);
	for (uint32_t b = 0; b < size->nblocks; b++) {
		double value = coefficient(samples, size, b % size->block_cols * 8, b / size->block_cols * 8, freq);

		low = fmin(low, value);
		high = fmax(high, value);
		if (fabs(plane[b] - value) > step / 2.0 + NEAR)
			ck_abort_msg("(%u, %u) of block %u is %d, not %.2f, at step %u", freq.u, freq.v, b, plane[b],
			             value, step);
	}
	while (bits > 2 && smallest_step(low, high, bits, NEAR) < step)
		bits--;
	ck_assert(smallest_step(low, high, bits, -NEAR) <= step);
	if (bits < 8)
		ck_assert(smallest_step(low, high, bits + 1, -NEAR) < least);
	return bits < 8;
}

static struct bytes samples_of(const struct ic_view *view, unsigned component)
{
	const struct ic_component *size = &view->layout.component[component];
	struct bytes samples = {malloc((size_t)size->width * size->height), (size_t)size->width * size->height};

	ck_assert_ptr_nonnull(samples.data);
	ck_assert_int_eq(ic_decode_component(view, component, samples.data, size->width), 0);
	return samples;
}

/* How many planes have coarser steps than 8 bits ask for. `exact` has the same samples as blocks of one. */
static unsigned check_component(const struct ic_view *view, const struct ic_view *exact, unsigned c, uint32_t least)
{
	const struct ic_component *size = &view->layout.component[c];
	struct bytes samples = samples_of(exact, c);
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	int16_t *planes = malloc(view->layout.nfreqs * size->nblocks * sizeof(*planes));
	unsigned coarser = 0;

	ck_assert_ptr_nonnull(planes);
	ck_assert_int_eq(ic_decode_coefficients(view, c, planes), 0);
	ic_design_freqs(&view->layout.design, freqs);
	for (unsigned f = 0; f < view->layout.nfreqs; f++) {
		uint32_t step = ic_view_plane_params(view, f * view->layout.ncomponents + c).step;

		coarser += check_plane(samples.data, size, freqs[f], step, least, planes + f * size->nblocks);
	}
	free(planes);
	free(samples.data);
	return coarser;
}

struct steps_case {
	const char *design;
	struct jpeg_spec spec;
	unsigned from_samples; /* components that are, bit by bit */
	unsigned keep;         /* of these, those whose steps follow the source's, as step_like */
};

static const struct steps_case cases[] = {
        {"s2x2-b8-k15-q8", {.quality = 75}, 7, 7},
        {"s2x2-b8-k15-q8", {.quality = 100}, 7, 7},
        {"s2x2-b8-k15-q8", {.quality = 99}, 7, 7},
        {"s2x2-b8-k6-q8", {.quality = 96}, 7, 7},
        {"s1x2-b8-k4-q8", {.quality = 93}, 7, 7},
        {"s4x4-b8-k9-q8", {.quality = 90, .h = {1, 1, 1}, .v = {1, 1, 1}}, 7, 7},
        {"s1x2-b8-k15-q8-fbox", {.quality = 60, .space = JCS_GRAYSCALE}, 1, 1},
        {"s4x2-b8-k6-q8-c1", {.quality = 85}, 7, 7},
        /* Chroma of 4:4:4 is brought to c2, luma is not touched. */
        {"s1x1-b8-k15-q8", {.quality = 80, .h = {1, 1, 1}, .v = {1, 1, 1}}, 6, 6},
        /* Chroma of 4:2:0 is brought to c1: finer than the source has it, both ways or only down. */
        {"s1x1-b8-k15-q8-c1", {.quality = 80}, 6, 0},
        {"s2x1-b8-k15-q8-c1", {.quality = 80}, 7, 1},
        /* The components of the source are not Y, Cb, Cr. */
        {"s2x2-b8-k15-q8", {.quality = 50, .space = JCS_RGB}, 7, 0},
        {"s1x1-b8-k15-q8", {.quality = 50, .space = JCS_CMYK}, 7, 0},
        /* A step counts as much at each place. */
        {"s2x2-b8-k15-q8", {.coarse_at = 1}, 7, 7},
        {"s2x2-b8-k6-q8", {.coarse_at = 63}, 7, 7},
        /* Steps over 255. */
        {"s2x2-b8-k15-q8", {.wide_tables = true}, 7, 7},
};

static void check_case(const struct steps_case *test, struct bytes jpeg)
{
	struct ic_design d = design_of(test->design), blocks_of_one = d;
	uint32_t least[3];

	blocks_of_one.block = blocks_of_one.keep = 1;
	read_least(jpeg, least);

	struct bytes object = encode(jpeg, &d), exact_object = encode(jpeg, &blocks_of_one);
	struct ic_view view = view_of(object), exact = view_of(exact_object);
	unsigned coarser = 0, most = 1;

	for (unsigned c = 0; c < view.layout.ncomponents; c++)
		if (test->from_samples >> c & 1) {
			uint32_t step = test->keep >> c & 1 ? least[c] : 1;

			coarser += check_component(&view, &exact, c, step);
			most = step > most ? step : most;
		}
	ck_assert_int_eq(coarser > 0, most > 1);
	free(object.data);
	free(exact_object.data);
}

START_TEST(steps_follow_those_of_the_source)
{
	struct bytes jpeg = jpeg_new(157, 99, (uint32_t)_i, &cases[_i].spec);

	check_case(&cases[_i], jpeg);
	free(jpeg.data);
}
END_TEST

START_TEST(steps_of_photographs_follow_those_of_the_source)
{
	const struct steps_case test = {.design = _i % 2 ? "s2x2-b8-k15-q8" : "s4x4-b8-k6-q8", {0}, 7, 7};
	const struct jpeg_spec spec = {.quality = 92};
	struct bytes jpeg = photograph("imagenette/val/n03417042", (unsigned)_i, 224, 224, &spec);

	check_case(&test, jpeg);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, steps_follow_those_of_the_source, 0, COUNT(cases));
	tcase_add_loop_test(tests, steps_of_photographs_follow_those_of_the_source, 0, 10);
}

int main(void)
{
	return suite_run("steps", add_tests);
}
