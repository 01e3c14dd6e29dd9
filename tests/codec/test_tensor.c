/* SPDX-License-Identifier: MIT */
/* Tensors: every filling of the kernels against the definition, on hostile random objects, between guard pages. */
#include "codec/tensor_priv.h"

#include "codec/color_pixel_priv.h"
#include "codec/dct_priv.h"
#include "codec/decode.h"

#include "codec_helpers.h"
#include "guard.h"
#include "tensor_expected.h"
#include "tensor_trial.h"
#include "wild.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NROUNDS 400

/* Plain C as wide as the widest: what the instruction sets that this machine has not would do with their lanes. */
extern const struct unblock_kernel unblock_kernel_wide;
extern const struct pixel_kernel pixel_kernel_wide;
extern const struct coef_kernel coef_kernel_wide;
extern const struct resize_kernel resize_kernel_wide;
static const struct tensor_kernel wide = {"wide c", &unblock_kernel_wide, &pixel_kernel_wide, &coef_kernel_wide,
                                          &resize_kernel_wide};

static int count_kernels(void)
{
	int n = 0;

	while (tensor_kernel_at((unsigned)n))
		n++;
	return n;
}

static const struct tensor_kernel *kernel_of(int index)
{
	return index < count_kernels() ? tensor_kernel_at((unsigned)index) : &wide;
}

/* --- One random case ---------------------------------------------------------------------------------------------- */

static void check_output(const struct trial *t, const struct tensor_kernel *kernel, unsigned round, const char *what,
                         const uint8_t *found, const uint8_t *expected, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++) {
		if (found[i] != expected[i])
			ck_abort_msg("%s, round %u, %s, %u x %u, type %u: %s differs at byte %zu of %zu: %u, not %u",
			             kernel->name, round, design_name(&t->view.layout.design).text,
			             t->view.layout.width, t->view.layout.height, t->spec.type, what, i, nbytes,
			             found[i], expected[i]);
	}
}

static void check_trial(const struct trial *t, const struct tensor_kernel *kernel, unsigned round)
{
	struct guard out = guard_new(t->shape.nbytes), chroma = guard_new(t->shape.chroma_nbytes);
	uint8_t *found = round % 2 ? guard_head(&out) : guard_tail(&out, t->shape.nbytes);
	uint8_t *apart = guard_tail(&chroma, t->shape.chroma_nbytes);
	struct expected expected = expected_tensor(&t->view, &t->spec, &t->shape, &t->region, t->window.flip);

	ck_assert_int_eq(tensor_decode_with(kernel, &t->view, &t->spec, &t->window, found, apart, NULL), 0);
	check_output(t, kernel, round, "the output", found, expected.out, t->shape.nbytes);
	check_output(t, kernel, round, "chroma", apart, expected.chroma, t->shape.chroma_nbytes);
	expected_clear(&expected);
	guard_clear(&out);
	guard_clear(&chroma);
}

typedef bool trial_fn(struct trial *t, struct dice *dice);

static bool trial_pixels(struct trial *t, struct dice *dice)
{
	return trial_any(t, dice, IC_RGB);
}

static bool trial_frequencies(struct trial *t, struct dice *dice)
{
	return trial_any(t, dice, IC_FREQUENCIES);
}

static void try_many(const struct tensor_kernel *kernel, trial_fn *any, uint64_t seed, unsigned nrounds)
{
	static struct trial t;
	struct dice dice = dice_new(seed);
	unsigned tried = 0;

	t = (struct trial){0};
	for (unsigned round = 0; round < nrounds; round++) {
		if (!any(&t, &dice))
			continue;
		check_trial(&t, kernel, round);
		tried++;
	}
	guard_clear(&t.object);
	ck_assert_uint_gt(tried, nrounds / 4);
}

START_TEST(pixels_are_those_of_the_reference)
{
	try_many(kernel_of(_i), trial_pixels, 11, NROUNDS);
}
END_TEST

START_TEST(cropped_pixels_are_those_of_the_reference)
{
	try_many(kernel_of(_i), trial_crop, 13, NROUNDS / 2);
}
END_TEST

START_TEST(frequencies_are_those_of_the_reference)
{
	try_many(kernel_of(_i), trial_frequencies, 12, NROUNDS);
}
END_TEST

START_TEST(resized_pixels_are_those_of_the_definition)
{
	try_many(kernel_of(_i), trial_resize, 22, NROUNDS / 2);
}
END_TEST

/* --- Every family -------------------------------------------------------------------------------------------------- */

START_TEST(every_block_bits_and_chroma_gives_the_pixels_of_the_reference)
{
	struct dice dice = dice_new(3);
	static struct trial t;

	t = (struct trial){.spec.axes = IC_NHWC};
	for (unsigned block = 1; block <= IC_BLOCK_MAX; block *= 2) {
		for (unsigned i = 0; i < 8 * 2 * 4; i++) {
			struct ic_design d = {.sx = 1, .sy = 1, .block = (uint8_t)block};
			d.bits = (uint8_t)(1 + i % 8);
			d.chroma = (uint8_t)(1 + i / 8 % 2);
			d.order = (uint8_t)(i / 16);
			d.keep = (uint8_t)dice_between(&dice, 1, (int)(2 * block - 1));
			struct bytes object = wild_object(&dice, &d, 67 + i, 35, 3);
			const uint8_t *copy = guard_copy(&t.object, object.data, object.nbytes);
			ck_assert_int_eq(ic_view_parse(&t.view, copy, object.nbytes, NULL), 0);
			ck_assert_int_eq(ic_tensor_shape(&t.view.layout, &t.spec, &t.shape, NULL), 0);
			ck_assert_int_eq(ic_tensor_region(&t.view.layout, &t.spec, NULL, &t.region, NULL), 0);
			check_trial(&t, kernel_of(_i), i);
			free(object.data);
		}
	}
	guard_clear(&t.object);
}
END_TEST

START_TEST(rows_of_many_runs_give_the_pixels_of_the_reference)
{
	struct dice dice = dice_new(5);
	static struct trial t;

	for (unsigned block = 1; block <= IC_BLOCK_MAX; block *= 2) {
		for (unsigned i = 0; i < 4; i++) {
			struct ic_design d = {
			        .sx = 1, .sy = 1, .block = (uint8_t)block, .chroma = (uint8_t)(1 + i % 2)};
			d.bits = i < 2 ? 8 : 5;
			d.keep = (uint8_t)dice_between(&dice, 1, (int)(2 * block - 1));
			t = (struct trial){.spec = {.axes = (uint8_t)(i % 2), .type = i == 3 ? IC_FLOAT16 : IC_UINT8}};
			struct bytes object = wild_object(&dice, &d, 4301 + i * block, 5, 3);
			const uint8_t *copy = guard_copy(&t.object, object.data, object.nbytes);
			ck_assert_int_eq(ic_view_parse(&t.view, copy, object.nbytes, NULL), 0);
			ck_assert_int_eq(ic_tensor_shape(&t.view.layout, &t.spec, &t.shape, NULL), 0);
			ck_assert_int_eq(ic_tensor_region(&t.view.layout, &t.spec, NULL, &t.region, NULL), 0);
			check_trial(&t, kernel_of(_i), i);
			free(object.data);
			guard_clear(&t.object);
		}
	}
}
END_TEST

/* Cropped, flipped, padded, chroma repeated and apart: outputs that no row of is as it lies, of many runs of codes, and
 * rows longer than a run. */
START_TEST(frequencies_of_many_runs_are_those_of_the_reference)
{
	static const struct {
		uint32_t width, height, out_width, out_height;
	} sizes[] = {{302, 204, 150, 160}, {302, 204, 320, 210}, {9002, 6, 8998, 4}, {30, 10, 8400, 12}};
	struct dice dice = dice_new(6);
	static struct trial t;

	for (unsigned i = 0; i < 2 * 2 * 2 * 4; i++) {
		struct ic_design d = {.sx = 1, .sy = 1, .block = 1, .chroma = (uint8_t)(1 + i / 2 % 2)};
		d.bits = i % 2 ? 5 : 8;
		d.keep = 1;
		t = (struct trial){
		        .spec = {.values = IC_FREQUENCIES, .type = IC_FLOAT16, .fit = IC_FIT_CROP | IC_FIT_PAD}};
		t.spec.chroma = i / 4 % 2 ? IC_CHROMA_APART : IC_CHROMA_REPEATED;
		t.spec.components = 3;
		t.spec.width = sizes[i / 8].out_width;
		t.spec.height = sizes[i / 8].out_height;
		t.window.flip = (uint8_t)(dice_word(&dice) % 2);
		struct bytes object = wild_object(&dice, &d, sizes[i / 8].width, sizes[i / 8].height, 3);
		const uint8_t *copy = guard_copy(&t.object, object.data, object.nbytes);
		ck_assert_int_eq(ic_view_parse(&t.view, copy, object.nbytes, NULL), 0);
		ck_assert_int_eq(ic_tensor_shape(&t.view.layout, &t.spec, &t.shape, NULL), 0);
		ck_assert_int_eq(ic_tensor_region(&t.view.layout, &t.spec, &t.window, &t.region, NULL), 0);
		check_trial(&t, kernel_of(_i), i);
		free(object.data);
		guard_clear(&t.object);
	}
}
END_TEST

/* --- Four bytes a pixel -------------------------------------------------------------------------------------------- */

/* Rows as far apart as `stride`: each is the reference's, and what lies between them is left alone. */
static void check_fours(const struct tensor_kernel *kernel, const struct ic_view *view, size_t gap)
{
	const struct ic_layout *l = &view->layout;
	size_t row = 4 * (size_t)l->width, stride = row + gap, nbytes = stride * (l->height - 1) + row;
	struct guard out = guard_new(nbytes);
	uint8_t *found = guard_tail(&out, nbytes), *rgb = malloc(3 * (size_t)l->width * l->height);

	ck_assert_ptr_nonnull(rgb);
	ck_assert_int_eq(ic_decode_rgb(view, rgb, 3 * (size_t)l->width), 0);
	memset(found, 0x5a, nbytes);
	ck_assert_int_eq(tensor_rgbx_with(kernel, view, found, stride), 0);
	for (size_t i = 0; i < nbytes; i++) {
		size_t x = i % stride / 4, y = i / stride, c = i % stride % 4;
		unsigned expected = i % stride >= row ? 0x5a : c == 3 ? 255 : rgb[3 * (y * l->width + x) + c];
		ck_assert_msg(found[i] == expected, "%s, %s, %u x %u: byte %zu of row %zu is %u, not %u", kernel->name,
		              design_name(&l->design).text, l->width, l->height, i % stride, y, found[i], expected);
	}
	free(rgb);
	guard_clear(&out);
}

START_TEST(pixels_in_fours_are_those_of_the_reference)
{
	struct dice dice = dice_new(7);

	for (unsigned i = 0; i < 240; i++) {
		struct ic_design d = {.sx = 1, .sy = 1, .block = (uint8_t)(1u << i % 6)};
		d.chroma = (uint8_t)(1 + i / 6 % 2);
		d.bits = (uint8_t)dice_between(&dice, 1, 8);
		d.keep = (uint8_t)dice_between(&dice, 1, 2 * d.block - 1);
		uint32_t width = (uint32_t)dice_between(&dice, 1, i % 5 ? 150 : 4),
		         height = (uint32_t)dice_between(&dice, 1, 9);
		struct bytes object = wild_object(&dice, &d, width, height, i % 7 ? 3 : 1);
		struct guard copy = {0};
		struct ic_view view;
		ck_assert_int_eq(
		        ic_view_parse(&view, guard_copy(&copy, object.data, object.nbytes), object.nbytes, NULL), 0);
		check_fours(kernel_of(_i), &view, i % 3 ? 0 : (size_t)dice_between(&dice, 1, 40));
		free(object.data);
		guard_clear(&copy);
	}
}
END_TEST

/* --- Colour -------------------------------------------------------------------------------------------------------- */

START_TEST(every_color_is_that_of_the_reference)
{
	const struct pixel_kernel *kernel = kernel_of(_i)->pixel;
	static uint8_t y[256 + TENSOR_SLACK], cb[256 + TENSOR_SLACK], cr[256 + TENSOR_SLACK];
	uint8_t found[3][256], joined[3 * 256], fours[4 * 256];

	for (unsigned i = 0; i < 3 * 256; i++) { /* luma that is clamped below, not at all, and above */
		for (unsigned k = 0; k < 256; k++) {
			y[k] = (uint8_t)(i / 256 == 0 ? k % 64 : i / 256 == 1 ? 128 : 255 - k % 64);
			cb[k] = (uint8_t)i;
			cr[k] = (uint8_t)k;
		}
		struct pixel_row row = {.n = 256, .luma = y, .chroma = {cb, cr}};
		kernel->color[0][PIXELS_APART](&row, (uint8_t *[3]){found[0], found[1], found[2]}, 256);
		kernel->color[0][PIXELS_JOINED](&row, (uint8_t *[3]){joined}, sizeof joined);
		kernel->color[0][PIXELS_IN_FOURS](&row, (uint8_t *[3]){fours}, sizeof fours);
		for (unsigned k = 0; k < 256; k++) {
			struct color_rgb expected = color_ycc_to_rgb_pixel(y[k], cb[k], cr[k]);
			ck_assert_msg(found[0][k] == expected.r && found[1][k] == expected.g &&
			                      found[2][k] == expected.b,
			              "%u %u %u: %u %u %u, not %u %u %u", y[k], cb[k], cr[k], found[0][k], found[1][k],
			              found[2][k], expected.r, expected.g, expected.b);
			ck_assert(joined[3 * k] == expected.r && joined[3 * k + 1] == expected.g &&
			          joined[3 * k + 2] == expected.b);
			ck_assert(fours[4 * k] == expected.r && fours[4 * k + 1] == expected.g &&
			          fours[4 * k + 2] == expected.b && fours[4 * k + 3] == 255);
		}
	}
}
END_TEST

/* --- Codes of fewer than 8 bits ------------------------------------------------------------------------------------ */

/* Code `i` of those that lie one behind the other, the first one's lowest bit in the lowest of the first byte. */
static int code_at(const uint8_t *bytes, unsigned bits, size_t i)
{
	unsigned code = 0;

	for (unsigned b = 0; b < bits; b++)
		code |= (bytes[(i * bits + b) / 8] >> (i * bits + b) % 8 & 1u) << b;
	return (int)code - (code >> (bits - 1) & 1 ? 1 << bits : 0);
}

/* Nothing is read behind the plane, and nothing written behind the slack. */
START_TEST(codes_are_spread_within_their_bounds)
{
	const struct coef_kernel *kernel = kernel_of(_i)->coef;
	struct dice dice = dice_new(23);

	for (unsigned bits = 1; bits < 8; bits++) {
		for (size_t n = 1; n < 200; n += n < 80 ? 1 : 7) {
			size_t nbytes = (n * bits + 7) / 8;
			uint8_t plane[200];
			for (size_t i = 0; i < nbytes; i++)
				plane[i] = (uint8_t)dice_word(&dice);
			struct guard in = {0}, out = guard_new(n + SPREAD_SLACK);
			const uint8_t *copy = guard_copy(&in, plane, nbytes);
			int8_t *found = guard_tail(&out, n + SPREAD_SLACK);
			kernel->spread(copy, copy + nbytes, bits, n, found);
			for (size_t i = 0; i < n; i++)
				ck_assert_msg(found[i] == code_at(plane, bits, i),
				              "%u bits, code %zu of %zu: %d, not %d", bits, i, n, found[i],
				              code_at(plane, bits, i));
			guard_clear(&in);
			guard_clear(&out);
		}
	}
}
END_TEST

/* --- Half precision ------------------------------------------------------------------------------------------------ */

START_TEST(halves_are_rounded_to_even)
{
	const struct coef_kernel *kernel = kernel_of(_i)->coef;
	struct dice dice = dice_new(16);

	for (unsigned i = 0; i < 200000; i++) {
		uint32_t bits = (uint32_t)dice_word(&dice);
		/* Ties, their neighbours, and what is too small or too large. */
		bits = i % 4 == 0 ? bits & ~0x1fffu : i % 4 == 1 ? (bits & ~0x1fffu) | 0x1000 : bits;
		if ((bits & 0x7f800000) == 0x7f800000)
			bits &= 0xff800000; /* infinity, for no NaN */
		float in[8];
		uint16_t out[8];
		for (unsigned k = 0; k < 8; k++)
			memcpy(&in[k], &bits, sizeof bits);
		kernel->half(in, 8, out);
		uint16_t expected =
		        isinf(in[0]) ? (uint16_t)((bits >> 16 & 0x8000) | 0x7c00) : expected_half((double)in[0]);
		ck_assert_msg(out[0] == expected, "%a: 0x%04x, not 0x%04x", (double)in[0], out[0], expected);
		kernel->half(in, 1, out);
		ck_assert_uint_eq(out[0], expected);
	}
}
END_TEST

/* --- What is refused, with which code ------------------------------------------------------------------------------ */

START_TEST(what_cannot_be_is_refused)
{
	static const float not_finite[3] = {1, NAN, 1};
	static const struct {
		struct ic_tensor_spec spec;
		errint_t err;
	} cases[] = {
	        {{.values = 2}, -EINVAL},
	        {{.type = 6}, -EINVAL},
	        {{.axes = 2}, -EINVAL},
	        {{.fit = IC_FIT_RESIZE | IC_FIT_PAD, .width = 8, .height = 8}, -EINVAL},
	        {{.fit = 8, .width = 8, .height = 8}, -EINVAL},
	        {{.whole_blocks = 2}, -EINVAL},
	        {{.type = IC_INT8}, -EINVAL},
	        {{.type = IC_INT16}, -EINVAL},
	        {{.components = 3}, -EINVAL},
	        {{.chroma = IC_CHROMA_APART}, -EINVAL},
	        {{.values = IC_FREQUENCIES}, -EINVAL}, /* of 8 bits without a sign */
	        {{.values = IC_FREQUENCIES, .type = IC_INT8, .axes = IC_NHWC}, -EINVAL},
	        {{.values = IC_FREQUENCIES, .type = IC_INT8, .components = 2}, -EINVAL},
	        {{.values = IC_FREQUENCIES, .type = IC_INT16, .mean = not_finite}, -EINVAL},
	        {{.mean = not_finite}, -EINVAL},
	        {{.type = IC_FLOAT32, .mean = not_finite}, -EINVAL},
	        {{.type = IC_FLOAT32, .scale = not_finite}, -EINVAL},
	        {{.pad = INFINITY}, -EINVAL},
	        {{.width = 8}, -EINVAL},
	        {{.fit = IC_FIT_CROP}, -EINVAL},
	        {{.width = IC_SIDE_MAX + 1, .height = 8, .fit = IC_FIT_PAD | IC_FIT_CROP}, -EINVAL},
	        {{.width = 99, .height = 50}, -ERANGE},
	        {{.width = 99, .height = 50, .fit = IC_FIT_PAD}, -ERANGE},
	        {{.width = 101, .height = 50, .fit = IC_FIT_CROP}, -ERANGE},
	        {{.pixels_max = 4999}, -EFBIG},
	        {{.pixels_max = 5000}, 0},
	        {{.width = 99, .height = 51, .fit = IC_FIT_PAD | IC_FIT_CROP}, 0},
	        {{.fit = IC_FIT_RESIZE}, -EINVAL},
	        {{.values = IC_FREQUENCIES, .type = IC_INT8, .width = 9, .height = 9, .fit = IC_FIT_RESIZE}, -EINVAL},
	        {{.width = 99, .height = 51, .fit = IC_FIT_PAD | IC_FIT_CROP, .short_side = 99}, -EINVAL},
	        {{.width = 99, .height = 51, .fit = IC_FIT_RESIZE, .short_side = 98}, -EINVAL},
	        {{.width = 51, .height = 99, .fit = IC_FIT_RESIZE, .short_side = 98}, -EINVAL},
	        {{.width = 9, .height = 9, .fit = IC_FIT_RESIZE, .short_side = IC_SIDE_MAX + 1}, -EINVAL},
	        {{.width = 99, .height = 51, .fit = IC_FIT_RESIZE, .short_side = 99}, 0},
	        {{.width = IC_SIDE_MAX, .height = 1, .fit = IC_FIT_RESIZE}, 0},
	};
	struct ic_design design = ic_design_default();
	struct ic_tensor_shape shape;
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, &design, 100, 50, 3), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ic_why why = {""};
		errint_t err = ic_tensor_shape(&layout, &cases[i].spec, &shape, &why);
		ck_assert_msg(err == cases[i].err, "case %zu: %d, not %d", i, err, cases[i].err);
		ck_assert(!err || why.text[0]);
	}
	/* The largest image is a few bytes of one frequency; the limit comes before anything else of it. */
	design = design_of("s1x1-b32-k1-q1");
	ck_assert_int_eq(ic_layout_init(&layout, &design, IC_SIDE_MAX, IC_SIDE_MAX, 3), 0);
	ck_assert_int_eq(ic_tensor_shape(&layout, &(struct ic_tensor_spec){0}, &shape, NULL), -EFBIG);
	design = design_of("s1x1-b8-k6-q8");
	ck_assert_int_eq(ic_layout_init(&layout, &design, 15, 90, 3), 0);
	ck_assert_int_eq(ic_tensor_shape(&layout, &(struct ic_tensor_spec){.whole_blocks = 1}, &shape, NULL), -ERANGE);
}
END_TEST

START_TEST(windows_that_do_not_lie_in_the_image_are_refused)
{
	static const struct {
		struct ic_window window;
		errint_t err;
	} cases[] = {
	        {{.x = 0}, 0},
	        {{.x = 4, .y = 2, .flip = 1}, 0},
	        {{.x = IC_CENTER, .y = IC_CENTER, .flip = 1}, 0},
	        {{.x = 6}, 0},
	        {{.x = 6, .flip = 1}, -ERANGE}, /* the last column sticks out of 94 pixels */
	        {{.x = 8}, -ERANGE},
	        {{.y = 5}, -ERANGE},
	        {{.x = 3}, -EINVAL},
	        {{.y = 1}, -EINVAL},
	        {{.flip = 2}, -EINVAL},
	        {{.width = 4}, -EINVAL},
	        {{.height = 4}, -EINVAL},
	};
	struct ic_tensor_spec spec = {.values = IC_FREQUENCIES, .type = IC_INT8, .fit = IC_FIT_CROP};
	struct ic_design design = design_of("s1x1-b8-k6-q8");
	struct ic_region region;
	struct ic_layout layout;

	spec.width = 6;
	spec.height = 4;
	ck_assert_int_eq(ic_layout_init(&layout, &design, 94, 60, 3), 0); /* 12 x 8 blocks */
	for (size_t i = 0; i < COUNT(cases); i++) {
		errint_t err = ic_tensor_region(&layout, &spec, &cases[i].window, &region, NULL);
		ck_assert_msg(err == cases[i].err, "case %zu: %d, not %d", i, err, cases[i].err);
	}
}
END_TEST

START_TEST(boxes_that_do_not_lie_in_the_image_are_refused)
{
	static const struct {
		struct ic_window window;
		errint_t err;
		struct ic_region region;
	} cases[] = {
	        {{.x = 0}, 0, {0, 0, 94, 60}},
	        {{.x = IC_CENTER, .y = IC_CENTER}, 0, {0, 0, 94, 60}},
	        {{.x = 93, .y = 59}, 0, {93, 59, 1, 1}},
	        {{.x = 94}, -ERANGE, {0}},
	        {{.y = IC_CENTER - 1}, -ERANGE, {0}},
	        {{.width = 94, .height = 60, .flip = 1}, 0, {0, 0, 94, 60}},
	        {{.x = IC_CENTER, .y = IC_CENTER, .width = 9, .height = 1}, 0, {42, 29, 9, 1}},
	        {{.x = 3, .y = 5, .width = 91, .height = 55}, 0, {3, 5, 91, 55}},
	        {{.x = 3, .width = 92}, -ERANGE, {0}},
	        {{.y = 1, .height = 60}, -ERANGE, {0}},
	        {{.width = 95}, -ERANGE, {0}},
	        {{.x = 2, .width = IC_CENTER, .height = IC_CENTER}, -ERANGE, {0}},
	        {{.flip = 2}, -EINVAL, {0}},
	};
	static const struct ic_tensor_spec spec = {.fit = IC_FIT_RESIZE, .width = 6, .height = 200};
	struct ic_design design = design_of("s1x1-b8-k6-q8");
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, &design, 94, 60, 3), 0);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ic_region region = {0};
		errint_t err = ic_tensor_region(&layout, &spec, &cases[i].window, &region, NULL);
		ck_assert_msg(err == cases[i].err, "case %zu: %d, not %d", i, err, cases[i].err);
		ck_assert_mem_eq(&region, &cases[i].region, sizeof region);
	}
}
END_TEST

/* --- Flips and crops are those of pixels --------------------------------------------------------------------------- */

/* Samples of component c that coefficients of a tensor apart stand for. */
static void samples_of(const struct ic_layout *l, const int16_t *coefs, unsigned c, uint32_t cols, uint32_t rows,
                       uint8_t *out)
{
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	unsigned block = l->design.block, first = c ? c - 1 : 0, step = c ? 2 : 1;

	ic_design_freqs(&l->design, freqs);
	for (uint32_t i = 0; i < cols * rows; i++) {
		int16_t own[64] = {0};
		for (unsigned f = 0; f < l->nfreqs; f++)
			own[freqs[f].v * block + freqs[f].u] = coefs[((size_t)f * step + first) * cols * rows + i];
		dct_kernel_best()->inverse(block, block, block, own,
		                           out + (size_t)(i / cols) * block * cols * block + i % cols * block,
		                           (size_t)cols * block);
	}
}

static void check_flipped(const struct ic_view *view, const int16_t *coefs, unsigned c, uint32_t x, uint32_t y,
                          uint32_t cols, uint32_t rows)
{
	const struct ic_component *component = &view->layout.component[c];
	uint32_t block = view->layout.design.block, width = cols * block, height = rows * block, differ = 0;
	uint8_t *found = malloc((size_t)width * height), *whole = malloc((size_t)component->width * component->height);

	samples_of(&view->layout, coefs, c, cols, rows, found);
	ck_assert_int_eq(ic_decode_component(view, c, whole, component->width), 0);
	for (uint32_t row = 0; row < height; row++) {
		for (uint32_t col = 0; col < width; col++) {
			int expected =
			        whole[(size_t)(y * block + row) * component->width + x * block + width - 1 - col];
			int difference = found[(size_t)row * width + col] - expected;
			/* A tie of the inverse transform's rounding may go the other way. */
			ck_assert_int_le(abs(difference), 1);
			differ += difference != 0;
		}
	}
	ck_assert_uint_le(differ, width * height / 100);
	free(found);
	free(whole);
}

START_TEST(a_flipped_crop_of_frequencies_is_that_of_the_samples)
{
	static const struct ic_tensor_spec spec = {.values = IC_FREQUENCIES,
	                                           .type = IC_INT16,
	                                           .chroma = IC_CHROMA_APART,
	                                           .fit = IC_FIT_CROP,
	                                           .width = 6,
	                                           .height = 4};
	static const struct ic_window window = {.x = 4, .y = 2, .flip = 1};
	struct ic_design design = design_of(_i ? "s1x1-b8-k15-q8" : "s1x1-b8-k9-q8-c1");
	struct bytes jpeg = jpeg_new(101, 77, 5, &(struct jpeg_spec){0}), object = encode(jpeg, &design);
	struct ic_view view = view_of(object);
	struct ic_tensor_shape shape;
	unsigned divide = design.chroma;

	ck_assert_int_eq(ic_tensor_shape(&view.layout, &spec, &shape, NULL), 0);
	int16_t *luma = malloc(shape.nbytes), *chroma = malloc(shape.chroma_nbytes);
	ck_assert_int_eq(ic_tensor_decode(&view, &spec, &window, luma, chroma, NULL), 0);
	check_flipped(&view, luma, 0, 4, 2, 6, 4);
	check_flipped(&view, chroma, 1, 4 / divide, 2 / divide, 6 / divide, 4 / divide);
	check_flipped(&view, chroma, 2, 4 / divide, 2 / divide, 6 / divide, 4 / divide);
	free(luma);
	free(chroma);
	free(object.data);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	int n = getenv("ICFS_FIRST_KERNEL") ? 1
	                                    : count_kernels() + 1; /* where each takes minutes: scripts/test-avx512 */

	tcase_add_loop_test(tests, pixels_are_those_of_the_reference, 0, n);
	tcase_add_loop_test(tests, pixels_in_fours_are_those_of_the_reference, 0, n);
	tcase_add_loop_test(tests, cropped_pixels_are_those_of_the_reference, 0, n);
	tcase_add_loop_test(tests, frequencies_are_those_of_the_reference, 0, n);
	tcase_add_loop_test(tests, resized_pixels_are_those_of_the_definition, 0, n);
	tcase_add_loop_test(tests, every_block_bits_and_chroma_gives_the_pixels_of_the_reference, 0, n);
	tcase_add_loop_test(tests, rows_of_many_runs_give_the_pixels_of_the_reference, 0, n);
	tcase_add_loop_test(tests, frequencies_of_many_runs_are_those_of_the_reference, 0, n);
	tcase_add_loop_test(tests, every_color_is_that_of_the_reference, 0, n);
	tcase_add_loop_test(tests, codes_are_spread_within_their_bounds, 0, n);
	tcase_add_loop_test(tests, halves_are_rounded_to_even, 0, n);
	tcase_add_test(tests, what_cannot_be_is_refused);
	tcase_add_test(tests, windows_that_do_not_lie_in_the_image_are_refused);
	tcase_add_test(tests, boxes_that_do_not_lie_in_the_image_are_refused);
	tcase_add_loop_test(tests, a_flipped_crop_of_frequencies_is_that_of_the_samples, 0, 2);
}

int main(void)
{
	return suite_run("tensor", add_tests);
}
