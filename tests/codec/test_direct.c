/* SPDX-License-Identifier: MIT */
/* At B = 8 without sampling the object holds the source's own coefficients. */
#include "codec/decode.h"

#include "codec_helpers.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS_MAX 1000

/* A component's quantized coefficients and steps, as libjpeg reads them. */
struct quantized {
	uint32_t block_cols, block_rows;
	int16_t coefs[BLOCKS_MAX][64];
	uint32_t steps[64];
};

static void read_quantized(struct bytes bytes, unsigned component, struct quantized *ret)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, bytes.data, bytes.nbytes);
	jpeg_read_header(&jpeg, TRUE);
	jvirt_barray_ptr array = jpeg_read_coefficients(&jpeg)[component];
	const jpeg_component_info *info = &jpeg.comp_info[component];

	ret->block_cols = info->width_in_blocks;
	ret->block_rows = info->height_in_blocks;
	ck_assert_uint_le(ret->block_cols * ret->block_rows, BLOCKS_MAX);
	for (uint32_t row = 0; row < ret->block_rows; row++) {
		JBLOCKARRAY blocks = jpeg.mem->access_virt_barray((j_common_ptr)&jpeg, array, row, 1, FALSE);

		memcpy(ret->coefs[row * ret->block_cols], blocks[0], ret->block_cols * sizeof(*ret->coefs));
	}
	for (unsigned i = 0; i < 64; i++)
		ret->steps[i] = info->quant_table->quantval[i];
	jpeg_destroy_decompress(&jpeg);
}

static bool codes_fit(const struct quantized *q, unsigned at)
{
	bool fit = q->steps[at] <= 255;

	for (uint32_t b = 0; b < q->block_cols * q->block_rows; b++)
		fit = fit && q->coefs[b][at] >= -128 && q->coefs[b][at] <= 127;
	return fit;
}

/* The smallest step at which 8 bits hold the plane. */
static uint32_t smallest_step(const struct quantized *q, unsigned at)
{
	uint32_t step = 1;

	for (uint32_t b = 0; b < q->block_cols * q->block_rows; b++) {
		int32_t value = q->coefs[b][at] * (int32_t)q->steps[at];

		while (2 * value >= 255 * (int32_t)step || -2 * value >= 257 * (int32_t)step)
			step++;
	}
	return step;
}

/* A plane against the source: the same, or, where codes of 8 bits cannot hold it, within half of the smallest step that can. */
static void check_plane(const struct quantized *q, struct ic_freq freq, struct ic_plane_params params,
                        const int16_t *plane, bool fit)
{
	unsigned at = freq.v * 8u + freq.u;

	ck_assert_uint_eq(params.step, fit ? q->steps[at] : smallest_step(q, at));
	for (uint32_t b = 0; b < q->block_cols * q->block_rows; b++) {
		int32_t value = q->coefs[b][at] * (int32_t)q->steps[at], error = plane[b] - value;

		if (fit ? error != 0 : 2 * abs(error) > params.step)
			ck_abort_msg("frequency (%u, %u) of block %u is %d, not %d, at step %u", freq.u, freq.v, b,
			             plane[b], value, params.step);
	}
}

/* Counts planes that keep the source's codes and planes that cannot. */
static void check_component(struct bytes jpeg, const struct ic_view *view, unsigned c, unsigned counts[2])
{
	static struct quantized q;
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	const struct ic_component *component = &view->layout.component[c];
	int16_t *planes = malloc(view->layout.nfreqs * component->nblocks * sizeof(*planes));

	read_quantized(jpeg, c, &q);
	ck_assert_uint_eq(component->block_cols, q.block_cols);
	ck_assert_uint_eq(component->block_rows, q.block_rows);
	ck_assert_ptr_nonnull(planes);
	ck_assert_int_eq(ic_decode_coefficients(view, c, planes), 0);
	ic_design_freqs(&view->layout.design, freqs);
	for (unsigned f = 0; f < view->layout.nfreqs; f++) {
		bool fit = codes_fit(&q, freqs[f].v * 8u + freqs[f].u);

		check_plane(&q, freqs[f], ic_view_plane_params(view, f * view->layout.ncomponents + c),
		            planes + f * component->nblocks, fit);
		counts[fit]++;
	}
	free(planes);
}

struct direct_case {
	const char *design; /* whose every component has the source's own blocks */
	struct jpeg_spec spec;
	bool fits; /* in 8 bits throughout */
};

static const struct direct_case cases[] = {
        {"s1x1-b8-k15-q8", {.quality = 75}, true},
        {"s1x1-b8-k4-q8", {.quality = 60, .progressive = true}, true},
        {"s1x1-b8-k15-q8-c1", {.quality = 75, .h = {1, 1, 1}, .v = {1, 1, 1}}, true},
        {"s1x1-b8-k9-q8-c1-ox", {.quality = 70, .h = {2, 2, 2}, .v = {1, 1, 1}, .arithmetic = true}, true},
        {"s1x1-b8-k11-q8-ol", {.quality = 30, .space = JCS_GRAYSCALE, .restart = 3}, true},
        {"s1x1-b8-k15-q8-fbox", {.quality = 75, .space = JCS_GRAYSCALE, .h = {2}, .v = {2}}, true},
        {"s1x1-b8-k15-q8", {.quality = 100}, false},
        {"s1x1-b8-k15-q8-c1", {.quality = 98, .h = {1, 1, 1}, .v = {1, 1, 1}}, false},
        {"s1x1-b8-k15-q8", {.wide_tables = true}, false},
};

START_TEST(coefficients_are_those_of_the_source)
{
	const struct ic_design d = design_of(cases[_i].design);
	struct bytes jpeg = jpeg_new(157, 99, (uint32_t)_i, &cases[_i].spec), object = encode(jpeg, &d);
	struct ic_view view = view_of(object);
	unsigned counts[2] = {0, 0};

	for (unsigned c = 0; c < view.layout.ncomponents; c++)
		check_component(jpeg, &view, c, counts);
	/* The case is what it is meant to be. */
	ck_assert_uint_gt(counts[true], 0);
	ck_assert_int_eq(counts[false] == 0, cases[_i].fits);
	free(object.data);
	free(jpeg.data);
}
END_TEST

START_TEST(coefficients_of_photographs_are_those_of_the_source)
{
	const struct ic_design d = design_of("s1x1-b8-k15-q8");
	const struct jpeg_spec spec = {.quality = 75};
	struct bytes jpeg = photograph("imagenette/val/n03417042", (unsigned)_i, 224, 224, &spec);
	struct bytes object = encode(jpeg, &d);
	struct ic_view view = view_of(object);
	unsigned counts[2] = {0, 0};

	for (unsigned c = 0; c < view.layout.ncomponents; c++)
		check_component(jpeg, &view, c, counts);
	ck_assert_uint_gt(counts[true], 0);
	free(object.data);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, coefficients_are_those_of_the_source, 0, COUNT(cases));
	tcase_add_loop_test(tests, coefficients_of_photographs_are_those_of_the_source, 0, 10);
}

int main(void)
{
	return suite_run("direct", add_tests);
}
