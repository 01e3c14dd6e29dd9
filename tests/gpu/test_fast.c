/* SPDX-License-Identifier: MIT */
/*
 * The fast transform (gpu/tile_fast_priv.h), run by the CPU: whole images against what a transform in double precision allows,
 * and anything else that is made of an image against the whole one.
 */
#include "gpu/plan_priv.h"

#include "codec/decode.h"
#include "near.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/guard.h"
#include "tests/codec/wild.h"
#include "tile_on_cpu.h"

#include <math.h>
#include <stdlib.h>

#define NROUNDS 60
#define NCROPS 4
#define WORDS_ALIGN 16

/* An image, on the device's terms, and its pixels. */
struct image {
	struct guard guard;
	struct ic_view view;
	const uint8_t *object;
	unsigned round;
	/* Whole, by the fast transform, the three channels of a pixel together: bytes, and half precision. */
	uint8_t *rgb;
	uint16_t *numbers;
};

static const float means[3] = {123.675f, 116.28f, 103.53f}, scales[3] = {1 / 58.395f, 1 / 57.12f, 1 / 57.375f};

static uint32_t *basis_new(const struct tile_plan *plan, const struct ic_design *design, struct guard *guard)
{
	size_t nbytes = tile_plan_basis_nwords(plan) * sizeof(uint32_t);

	ck_assert_uint_le(nbytes, TILE_BASIS_NWORDS_MAX * sizeof(uint32_t));
	ck_assert_uint_eq(nbytes > 0, design->block == 8);
	*guard = guard_new(nbytes);
	uint32_t *basis = (uint32_t *)(void *)guard_tail(guard, nbytes);
	tile_plan_put_basis(plan, design, basis);
	return basis;
}

/* What the spec shows of an image. Malloc'ed. */
static uint8_t *decode(const struct image *image, const struct ic_tensor_spec *spec,
                       const struct ic_tensor_shape *shape, const struct ic_region *region, bool flip)
{
	const struct ic_design *design = &image->view.layout.design;
	struct guard basis, room = guard_new(shape->nbytes + WORDS_ALIGN);
	struct tile_plan plan;
	struct tile_image described;
	uint8_t *out = guard_tail(&room, shape->nbytes), *copy = malloc(shape->nbytes);

	ck_assert_int_eq(tile_plan_init(&plan, design, spec, shape, true, NULL), 0);
	ck_assert(plan.is_fast);
	plan.basis = basis_new(&plan, design, &basis);
	/* Strips of every length, where blocks are large. */
	tile_plan_set_strips(&plan, 1 + image->round % 5 * plan.tiles_down, 1 + image->round % 3 * plan.tiles_down);
	tile_plan_set_outputs(&plan, out, shape->nbytes, NULL, 0);
	tile_image_init(&described, &plan, &image->view.layout, region, flip, image->object);
	memset(out, 0xa5, shape->nbytes);
	tile_on_cpu(&plan, &described, 1, out, NULL);
	memcpy(copy, out, shape->nbytes);
	guard_clear(&basis);
	guard_clear(&room);
	return copy;
}

static struct ic_region region_of(const struct image *image, const struct ic_tensor_spec *spec,
                                  const struct ic_window *window, struct ic_tensor_shape *ret_shape)
{
	struct ic_region region;

	ck_assert_int_eq(ic_tensor_shape(&image->view.layout, spec, ret_shape, NULL), 0);
	ck_assert_int_eq(ic_tensor_region(&image->view.layout, spec, window, &region, NULL), 0);
	return region;
}

static struct image image_new(struct bytes object, unsigned round)
{
	const struct ic_tensor_spec spec = {.axes = IC_NHWC};
	const struct ic_tensor_spec half = {.axes = IC_NHWC, .type = IC_FLOAT16, .mean = means, .scale = scales};
	const struct ic_window window = {.x = 0};
	size_t room = (object.nbytes + TILE_SLACK + 3) / 4 * 4;
	struct image image = {.guard = guard_new(room), .round = round};
	struct ic_tensor_shape shape;

	uint8_t *on_device = guard_tail(&image.guard, room);
	memcpy(on_device, object.data, object.nbytes);
	memset(on_device + object.nbytes, 0x5a, room - object.nbytes);
	image.object = on_device;
	ck_assert_int_eq(ic_view_parse(&image.view, on_device, object.nbytes, NULL), 0);
	struct ic_region region = region_of(&image, &spec, &window, &shape);
	image.rgb = decode(&image, &spec, &shape, &region, false);
	region = region_of(&image, &half, &window, &shape);
	image.numbers = (uint16_t *)(void *)decode(&image, &half, &shape, &region, false);
	free(object.data);
	return image;
}

static void image_clear(struct image *image)
{
	free(image->rgb);
	free(image->numbers);
	guard_clear(&image->guard);
}

static void check_near(const struct image *image)
{
	const struct ic_layout *l = &image->view.layout;
	const struct ic_region all = {0, 0, l->width, l->height};
	const struct ic_tensor_shape shape = {.width = l->width, .height = l->height};

	near_check(&image->view, &all, &shape, image->rgb);
	/* A byte is what a number says, rounded; half precision rounds this, its scale and its offset. */
	for (size_t i = 0; i < (size_t)3 * l->width * l->height; i++) {
		double level = op_float_of_half(image->numbers[i]) / scales[i % 3] + means[i % 3];
		ck_assert_double_le(fabs(level - image->rgb[i]), 0.5 + 0.3);
	}
}

/* --- Parts, and other numbers -------------------------------------------------------------------------------------- */

/* A channel of a pixel as the type has it, in the lower bits: half precision is not rounded to bytes first. */
static uint32_t number_of(const struct image *image, const struct ic_tensor_spec *spec, size_t pixel, unsigned channel)
{
	uint8_t byte = image->rgb[3 * pixel + channel];

	if (spec->type == IC_UINT8)
		return byte;
	if (spec->type == IC_FLOAT16)
		return image->numbers[3 * pixel + channel];
	float number = op_normalize(byte, spec->mean[channel], spec->scale[channel]);
	return spec->type == IC_FLOAT32 ? op_float_bits(number) : tile_two(spec->type, number, number) & 0xffff;
}

static void check_part(const struct image *image, const struct ic_tensor_spec *spec, const struct ic_window *window,
                       unsigned round)
{
	struct ic_tensor_shape shape;
	struct ic_region region = region_of(image, spec, window, &shape);
	uint8_t *found = decode(image, spec, &shape, &region, window->flip);
	size_t nbytes = shape.value_nbytes, npixels = (size_t)shape.width * shape.height;

	for (size_t i = 0; i < npixels; i++) {
		uint32_t x = (uint32_t)(i % shape.width), y = (uint32_t)(i / shape.width);
		bool is_own = x < region.width && y < region.height;
		uint32_t from_x = region.x + (window->flip ? region.width - 1 - x : x);
		size_t pixel = (size_t)(region.y + y) * image->view.layout.width + from_x;
		for (unsigned c = 0; c < 3; c++) {
			uint32_t wanted = 0, value = 0; /* padding is 0 here */
			if (is_own)
				wanted = number_of(image, spec, pixel, c);
			memcpy(&value, found + nbytes * (spec->axes == IC_NHWC ? 3 * i + c : c * npixels + i), nbytes);
			if (value != wanted)
				ck_abort_msg("round %u, %s, type %u, axes %u, %u x %u of %u x %u%s: channel %u of "
				             "pixel %u, %u "
				             "is 0x%x, not 0x%x",
				             round, design_name(&image->view.layout.design).text, spec->type,
				             spec->axes, shape.width, shape.height, image->view.layout.width,
				             image->view.layout.height, window->flip ? " flipped" : "", c, x, y, value,
				             wanted);
		}
	}
	free(found);
}

static void check_parts(const struct image *image, struct dice *dice, unsigned round)
{
	static const uint8_t types[] = {IC_UINT8, IC_FLOAT16, IC_FLOAT32, IC_BFLOAT16};
	const struct ic_layout *l = &image->view.layout;

	for (unsigned i = 0; i < NCROPS; i++) {
		struct ic_tensor_spec spec = {.type = types[dice_roll(dice, sizeof types)],
		                              .axes = (uint8_t)dice_roll(dice, 2),
		                              .fit = IC_FIT_CROP | IC_FIT_PAD,
		                              .width = (uint32_t)dice_between(dice, 1, 250),
		                              .height = (uint32_t)dice_between(dice, 1, 150)};
		struct ic_window window = {.flip = (uint8_t)dice_roll(dice, 2)};
		if (spec.type != IC_UINT8) {
			spec.mean = means;
			spec.scale = scales;
		}
		if (dice_roll(dice, 2))
			spec.width = (spec.width + 7) / 8 * 8;
		if (l->width > spec.width)
			window.x = dice_roll(dice, l->width - spec.width + 1);
		if (l->height > spec.height)
			window.y = dice_roll(dice, l->height - spec.height + 1);
		check_part(image, &spec, &window, round);
	}
}

static struct ic_design any_design(struct dice *dice)
{
	struct ic_design design = design_of("s1x1-b8-k15-q8");

	design.block = (uint8_t)(dice_roll(dice, 2) ? 8 : dice_roll(dice, 3) ? 16 : 32);
	design.keep = (uint8_t)dice_between(dice, 1, 2 * design.block - 1);
	design.chroma = dice_roll(dice, 2) ? IC_CHROMA_FULL : IC_CHROMA_HALF;
	design.order = (uint8_t)dice_roll(dice, 4);
	return design;
}

START_TEST(samples_are_rounded_once)
{
	struct dice dice = dice_new(41);

	for (unsigned round = 0; round < NROUNDS; round++) {
		struct ic_design design = any_design(&dice);
		uint32_t width = (uint32_t)dice_between(&dice, 1, round % 4 ? 120 : 500);
		uint32_t height = (uint32_t)dice_between(&dice, 1, 140);
		unsigned ncomponents = dice_roll(&dice, 4) ? 3 : 1;
		struct image image = image_new(near_object(&dice, &design, width, height, ncomponents), round);
		check_near(&image);
		check_parts(&image, &dice, round);
		image_clear(&image);
	}
}
END_TEST

/* Chroma that ends anywhere in a block, in a group of four, and with either; and that is begun with its second pixel. */
START_TEST(edges_are_repeated)
{
	struct dice dice = dice_new(44);
	struct ic_design design = design_of(_i ? "s1x1-b8-k15-q8-c1" : "s1x1-b8-k15-q8");

	for (uint32_t width = 1; width <= 134; width++) {
		struct image image = image_new(near_object(&dice, &design, width, 1 + width % 19, 3), width);
		check_near(&image);
		if (width > 1)
			check_part(&image,
			           &(struct ic_tensor_spec){.fit = IC_FIT_CROP, .width = width - 1, .height = 1},
			           &(struct ic_window){.x = 1, .flip = (uint8_t)(width / 2 % 2)}, width);
		image_clear(&image);
	}
}
END_TEST

/* Of any codes and steps, the largest among them, too. */
START_TEST(wild_objects_have_their_bounds)
{
	struct dice dice = dice_new(42);

	for (unsigned round = 0; round < NROUNDS / 2; round++) {
		struct ic_design design = any_design(&dice);
		struct image image = image_new(wild_object(&dice, &design, (uint32_t)dice_between(&dice, 1, 100),
		                                           (uint32_t)dice_between(&dice, 1, 70), 1 + 2 * (round % 2)),
		                               1);
		check_near(&image);
		image_clear(&image);
	}
}
END_TEST

/* Of objects whose coefficients are as large as in photographs, hardly any channel differs by more than 1. */
START_TEST(most_pixels_are_nearly_those_of_the_reference)
{
	struct dice dice = dice_new(43);
	struct ic_design design = design_of("s1x1-b8-k15-q8");
	size_t apart[256] = {0}, n = 3 * 200 * 100;

	for (unsigned round = 0; round < 8; round++) {
		struct image image = image_new(near_object(&dice, &design, 200, 100, 3), round);
		uint8_t *expected = malloc(n);
		ck_assert_int_eq(ic_decode_rgb(&image.view, expected, 3 * 200), 0);
		for (size_t i = 0; i < n; i++)
			apart[abs(image.rgb[i] - expected[i])]++;
		free(expected);
		image_clear(&image);
	}
	ck_assert_uint_gt(apart[0], 8 * n / 100 * 60);
	ck_assert_uint_gt(apart[0] + apart[1], 8 * n / 1000 * 980);
	ck_assert_uint_eq(apart[0] + apart[1] + apart[2] + apart[3], 8 * n);
}
END_TEST

/* What half precision has not takes the way that single precision has. */
START_TEST(large_scales_are_exact)
{
	static const float scale[3] = {1, 257, 1}, mean[3] = {0, 0, 70000}, one[3] = {1, 1, 1}, zero[3] = {0, 0, 0};
	struct ic_design design = design_of("s1x1-b8-k15-q8");
	struct ic_tensor_spec spec = {.type = _i < 2 ? IC_FLOAT16 : IC_FLOAT32};
	struct ic_tensor_shape shape;
	struct ic_layout layout;
	struct tile_plan plan;

	spec.scale = _i == 1 ? one : scale;
	spec.mean = _i == 1 ? mean : zero;
	ck_assert_int_eq(ic_layout_init(&layout, &design, 64, 64, 3), 0);
	ck_assert_int_eq(ic_tensor_shape(&layout, &spec, &shape, NULL), 0);
	ck_assert_int_eq(tile_plan_init(&plan, &design, &spec, &shape, true, NULL), 0);
	ck_assert_uint_eq(plan.is_fast, _i == 2);
}
END_TEST

/* Nothing but pixels of blocks of 8, 16 and 32 and codes of 8 bits is. */
START_TEST(what_has_no_fast_transform_is_exact)
{
	static const char *const designs[] = {"s1x1-b4-k7-q8", "s1x1-b16-k31-q7", "s1x1-b8-k15-q7", "s1x1-b8-k15-q8"};
	struct ic_design design = design_of(designs[_i]);
	struct ic_tensor_spec spec = {.values = _i == 3 ? IC_FREQUENCIES : IC_RGB, .components = _i == 3 ? 3 : 0};
	struct ic_tensor_shape shape;
	struct ic_layout layout;
	struct tile_plan plan;

	spec.type = _i == 3 ? IC_INT8 : IC_UINT8;
	ck_assert_int_eq(ic_layout_init(&layout, &design, 64, 64, 3), 0);
	ck_assert_int_eq(ic_tensor_shape(&layout, &spec, &shape, NULL), 0);
	ck_assert_int_eq(tile_plan_init(&plan, &design, &spec, &shape, true, NULL), 0);
	ck_assert(!plan.is_fast);
	ck_assert_uint_eq(tile_plan_basis_nwords(&plan), 0);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, samples_are_rounded_once);
	tcase_add_loop_test(cases, edges_are_repeated, 0, 2);
	tcase_add_test(cases, wild_objects_have_their_bounds);
	tcase_add_test(cases, most_pixels_are_nearly_those_of_the_reference);
	tcase_add_loop_test(cases, large_scales_are_exact, 0, 3);
	tcase_add_loop_test(cases, what_has_no_fast_transform_is_exact, 0, 4);
}

int main(void)
{
	return suite_run("tile-fast", add_tests);
}
