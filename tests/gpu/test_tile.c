/* SPDX-License-Identifier: MIT */
/* The kernels of gpu/, run by the CPU, against the reference: random objects, specs and windows between guard pages. */
#include "codec/decode.h"

#include "tests/codec/codec_helpers.h"
#include "tests/codec/tensor_expected.h"
#include "tests/codec/tensor_trial.h"
#include "tests/codec/wild.h"
#include "tile_on_cpu.h"

#include <errno.h>
#include <stdlib.h>

#define NROUNDS 600

/* An object as the device holds it: at a multiple of 4, and TILE_SLACK bytes that no result may depend on behind it. */
static uint8_t *on_device(const struct ic_view *view, struct guard *guard, uint8_t slack)
{
	size_t nbytes = view->layout.nbytes, room = (nbytes + TILE_SLACK + 3) / 4 * 4;

	*guard = guard_new(room);
	uint8_t *object = guard_tail(guard, room);
	memcpy(object, view->bytes, nbytes);
	memset(object + nbytes, slack, room - nbytes);
	return object;
}

static void check(const struct trial *t, unsigned round, const char *what, const uint8_t *found,
                  const uint8_t *expected, size_t nbytes)
{
	for (size_t i = 0; i < nbytes; i++) {
		if (found[i] != expected[i])
			ck_abort_msg("round %u, %s, %u x %u, %u components, type %u, axes %u, region %u %u %u x %u%s "
			             "of %u x %u: "
			             "%s differs at byte %zu of %zu: %u, not %u",
			             round, design_name(&t->view.layout.design).text, t->view.layout.width,
			             t->view.layout.height, t->view.layout.ncomponents, t->spec.type, t->spec.axes,
			             t->region.x, t->region.y, t->region.width, t->region.height,
			             t->window.flip ? " flipped" : "", t->shape.width, t->shape.height, what, i, nbytes,
			             found[i], expected[i]);
	}
}

#define NIMAGES 3 /* of a batch: the second is not there */

#define BETWEEN_NBYTES 16

/* One of the two outputs of a batch. Before the first image, between any two, and behind the last nobody may write. */
struct place {
	struct guard guard;
	uint8_t *begin;
	size_t nbytes, stride; /* of an image, and from one to the next */
	size_t lead;           /* behind what all images take */
};

/* The end of the output is that of its room, or, where it must be aligned, that of its beginning. */
static struct place place_new(size_t nbytes, size_t lead, size_t farther)
{
	struct place p = {.nbytes = nbytes, .stride = (nbytes + 15) / 16 * 16 + farther, .lead = lead};
	size_t room = NIMAGES * p.stride + lead;

	p.guard = guard_new(room + 64);
	p.begin = guard_tail(&p.guard, room);
	memset(p.begin - BETWEEN_NBYTES, 0xa5, BETWEEN_NBYTES + room);
	return p;
}

static void check_place(const struct trial *t, unsigned round, const char *what, struct place *p,
                        const uint8_t *expected)
{
	uint8_t *none = calloc(1, p->nbytes + 1), between[2 * BETWEEN_NBYTES];

	memset(between, 0xa5, sizeof between);
	for (unsigned i = 0; i < NIMAGES; i++) {
		const uint8_t *found = p->begin + i * p->stride;
		check(t, round, i == 1 ? "the place of no image" : what, found, i == 1 ? none : expected, p->nbytes);
		check(t, round, "what lies between images", found + p->nbytes, between, p->stride - p->nbytes);
	}
	check(t, round, "what lies before", p->begin - BETWEEN_NBYTES, between, BETWEEN_NBYTES);
	check(t, round, "what lies behind", p->begin + NIMAGES * p->stride, between, p->lead);
	free(none);
	guard_clear(&p->guard);
}

static void check_trial(const struct trial *t, unsigned round, bool is_aligned)
{
	size_t lead = is_aligned ? 0 : t->shape.value_nbytes, farther = round % 5 == 4 ? t->shape.value_nbytes : 0;
	struct guard object;
	const uint8_t *bytes = on_device(&t->view, &object, (uint8_t)round);
	struct place out = place_new(t->shape.nbytes, lead, farther);
	struct place chroma = place_new(t->shape.chroma_nbytes, lead, farther);
	struct expected expected = expected_tensor(&t->view, &t->spec, &t->shape, &t->region, t->window.flip);
	static float zeros[TRIAL_CHANNELS_MAX], ones[TRIAL_CHANNELS_MAX];
	struct tile_plan plan;
	struct tile_image images[NIMAGES];

	for (unsigned i = 0; i < TRIAL_CHANNELS_MAX; i++)
		ones[i] = 1;
	ck_assert_int_eq(tile_plan_init(&plan, &t->view.layout.design, &t->spec, &t->shape, false, NULL), 0);
	plan.mean = t->spec.mean ? t->spec.mean : zeros;
	plan.scale = t->spec.scale ? t->spec.scale : ones;
	/* Strips of every length, where blocks are large. */
	tile_plan_set_strips(&plan, 1 + round % 5 * plan.tiles_down, 1 + round % 3 * plan.tiles_down);
	tile_plan_set_outputs(&plan, out.begin, out.stride, chroma.begin, chroma.stride);
	for (unsigned i = 0; i < NIMAGES; i++)
		tile_image_init(&images[i], &plan, &t->view.layout, &t->region, t->window.flip, bytes);
	images[1].object = NULL;
	tile_on_cpu(&plan, images, NIMAGES, out.begin, chroma.begin);
	check_place(t, round, "the output", &out, expected.out);
	check_place(t, round, "chroma", &chroma, expected.chroma);
	expected_clear(&expected);
	guard_clear(&object);
}

static void try_many(uint8_t values, unsigned seed)
{
	static struct trial t;
	struct dice dice = dice_new(seed);
	unsigned tried = 0;

	t = (struct trial){0};
	for (unsigned round = 0; round < NROUNDS; round++) {
		if (!trial_any(&t, &dice, values))
			continue;
		check_trial(&t, round, dice_roll(&dice, 4) > 0);
		tried++;
	}
	guard_clear(&t.object);
	ck_assert_uint_gt(tried, NROUNDS / 4);
}

START_TEST(pixels_are_those_of_the_reference)
{
	try_many(IC_RGB, 21);
}
END_TEST

START_TEST(frequencies_are_those_of_the_reference)
{
	try_many(IC_FREQUENCIES, 22);
}
END_TEST

/* A wild object in t->object, and the view of it. */
static void view_wild(struct trial *t, struct dice *dice, const char *name, uint32_t width, uint32_t height,
                      unsigned ncomponents)
{
	struct ic_design design = design_of(name);
	struct bytes object = wild_object(dice, &design, width, height, ncomponents);
	const uint8_t *copy = guard_copy(&t->object, object.data, object.nbytes);

	ck_assert_int_eq(ic_view_parse(&t->view, copy, object.nbytes, NULL), 0);
	free(object.data);
}

/* What its spec and its window show of it. */
static void check_view(struct trial *t, unsigned round)
{
	ck_assert_int_eq(ic_tensor_shape(&t->view.layout, &t->spec, &t->shape, NULL), 0);
	ck_assert_int_eq(ic_tensor_region(&t->view.layout, &t->spec, &t->window, &t->region, NULL), 0);
	check_trial(t, round, true);
}

/* Large enough for several tiles, in rows and columns, that meet within blocks. */
START_TEST(tiles_meet)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s1x1-b8-k6-q8",    "s1x1-b16-k31-q3-c1",
	                                      "s1x1-b4-k5-q8",  "s1x1-b32-k9-q8",   "s1x1-b1-k1-q8",
	                                      "s1x1-b2-k3-q8",  "s2x2-b8-k15-q8-c1"};
	static struct trial t;
	struct dice dice = dice_new(4);

	t = (struct trial){0};
	for (unsigned i = 0; i < 4; i++) {
		view_wild(&t, &dice, designs[_i], 700 + 3 * i, 130 - i, 3);
		t.spec = (struct ic_tensor_spec){.axes = (uint8_t)(i % 2), .fit = IC_FIT_CROP | IC_FIT_PAD};
		t.spec.width = i < 2 ? 520 : t.view.layout.width;
		t.spec.height = 101;
		t.window = (struct ic_window){
		        .x = i < 2 ? dice_roll(&dice, 100) : 0, .y = i % 2 ? IC_CENTER : 0, .flip = (uint8_t)(i % 2)};
		if (t.view.layout.width < 520 + 100)
			t.window.x = 0;
		if (t.view.layout.height < 101)
			t.window.y = 0;
		check_view(&t, i);
	}
	guard_clear(&t.object);
}
END_TEST

/* So wide that what lies between rows of codes is more than shared memory: of one row of blocks, and of more. */
START_TEST(wide_images_stay_in_their_room)
{
	static const struct {
		const char *design;
		uint32_t width, height, out_width;
	} kinds[] = {
	        {"s1x1-b2-k3-q8", 65535, 1, 64},    {"s1x1-b2-k3-q5-c1", 30000, 33, 8},
	        {"s1x1-b4-k7-q8", 65535, 3, 8},     {"s1x1-b8-k15-q8", 65535, 9, 8},
	        {"s1x1-b16-k12-q8", 65535, 17, 8},  {"s1x1-b16-k12-q3-c1", 20000, 130, 24},
	        {"s1x1-b32-k9-q5", 20000, 130, 40}, {"s1x1-b32-k63-q8-c1", 20000, 97, 8},
	        {"s1x1-b16-k31-q8", 20000, 200, 8}, {"s1x1-b1-k1-q8", 65535, 3, 8},
	};
	static struct trial t;
	struct dice dice = dice_new(6);

	t = (struct trial){.window = {.x = kinds[_i].width / 2 + 1}};
	t.spec = (struct ic_tensor_spec){
	        .fit = IC_FIT_CROP | IC_FIT_PAD, .width = kinds[_i].out_width, .height = kinds[_i].height};
	view_wild(&t, &dice, kinds[_i].design, kinds[_i].width, kinds[_i].height, 3);
	check_view(&t, 0);
	guard_clear(&t.object);
}
END_TEST

/* Channels of 81 values as they lie in the object, of which eight values of a thread are of two; and those of components that
 * an image in gray has not. */
START_TEST(channels_meet)
{
	static const uint8_t types[] = {IC_FLOAT16, IC_BFLOAT16, IC_FLOAT32, IC_INT8, IC_INT16};
	static struct trial t;
	struct dice dice = dice_new(5);

	for (unsigned i = 0; i < sizeof types; i++) {
		t = (struct trial){.spec = {.values = IC_FREQUENCIES, .type = types[i], .components = 3}};
		view_wild(&t, &dice, "s1x1-b8-k15-q8-c1", 72, 72, _i ? 1 : 3);
		check_view(&t, i);
		guard_clear(&t.object);
	}
}
END_TEST

/* Half precision in which bytes differ when they are fused: there are few such means and scales. */
START_TEST(numbers_are_rounded_twice_where_that_matters)
{
	static struct trial t;
	struct dice dice = dice_new(7);
	struct tile_plan plan = {.is_fused = 1};

	t = (struct trial){.spec = {.type = _i ? IC_BFLOAT16 : IC_FLOAT16, .mean = t.mean, .scale = t.scale}};
	view_wild(&t, &dice, "s1x1-b1-k1-q8", 64, 40, 3);
	ck_assert_int_eq(ic_tensor_shape(&t.view.layout, &t.spec, &t.shape, NULL), 0);
	for (unsigned i = 0; plan.is_fused; i++) {
		ck_assert_uint_lt(i, 1000000);
		for (unsigned c = 0; c < 3; c++) {
			t.mean[c] = (float)dice_between(&dice, 1, 255000) / 1000;
			t.scale[c] = (float)dice_between(&dice, 1, 1000) / 60000;
		}
		ck_assert_int_eq(tile_plan_init(&plan, &t.view.layout.design, &t.spec, &t.shape, false, NULL), 0);
	}
	check_view(&t, 0);
	guard_clear(&t.object);
}
END_TEST

/* --- Resizing ------------------------------------------------------------------------------------------------------ */

#define NSCALED 3 /* images of a chunk */

/* What the reference makes of it: its decoder, which other tests hold to Pillow's bytes. */
static uint8_t *scaled_by_reference(const struct trial *t)
{
	uint8_t *out = malloc(t->shape.nbytes);

	ck_assert_int_eq(ic_tensor_decode(&t->view, &t->spec, &t->window, out, NULL, NULL), 0);
	return out;
}

/* The trial's image, one that is not there, and the trial's again, flipped the other way. */
static void check_scaled(struct trial *t, unsigned round)
{
	struct tile_image images[NSCALED];
	struct scale_image scales[NSCALED];
	struct ic_region region;
	struct tile_plan plan, source;
	struct guard object, out;
	const uint8_t *bytes = on_device(&t->view, &object, (uint8_t)round);
	size_t nbytes = t->shape.nbytes, stride = nbytes + round % 2 * t->shape.value_nbytes;
	uint8_t *expected[NSCALED] = {scaled_by_reference(t), calloc(1, nbytes), NULL};

	ck_assert_int_eq(tile_plan_init(&plan, &t->view.layout.design, &t->spec, &t->shape, false, NULL), 0);
	ck_assert_int_eq(scale_source_init(&source, &t->view.layout.design, false, NULL), 0);
	memset(images, 0, sizeof images);
	memset(scales, 0, sizeof scales);
	for (unsigned i = 0; i < NSCALED; i += 2, t->window.flip ^= 1) {
		ck_assert_int_eq(scale_image_init(&scales[i], &t->spec, &t->region, t->window.flip, &region, NULL), 0);
		tile_image_init(&images[i], &source, &t->view.layout, &region, false, bytes);
		if (i)
			expected[i] = scaled_by_reference(t);
	}

	out = guard_new(NSCALED * stride);
	uint8_t *found = guard_tail(&out, NSCALED * stride);
	memset(found, 0xa5, NSCALED * stride);
	tile_plan_set_outputs(&plan, found, stride, NULL, 0);
	for (uint32_t first = 0; first < NSCALED;) { /* all together, or one by one */
		struct scale_chunk chunk = scale_chunk_init(scales, first, NSCALED, round % 3 ? SCALE_CHUNK_NBYTES : 1);
		ck_assert_uint_eq(chunk.n, round % 3 ? NSCALED : 1);
		tile_plan_set_size(&source, chunk.pitch, chunk.height);
		tile_plan_set_strips(&source, chunk.n, 1 + round % 40);
		tile_plan_set_outputs(&source, NULL, chunk.image_nbytes, NULL, 0);
		for (uint32_t i = first; i < first + chunk.n; i++)
			tile_image_set_runs(&images[i], &source);
		scale_on_cpu(&plan, &source, &chunk, images + first, scales + first, (uint8_t)round,
		             found + first * stride);
		first += chunk.n;
	}
	for (unsigned i = 0; i < NSCALED; i++) {
		check(t, round, "what is resized", found + i * stride, expected[i], nbytes);
		free(expected[i]);
	}
	guard_clear(&object);
	guard_clear(&out);
}

START_TEST(what_is_resized_is_as_the_reference_has_it)
{
	static struct trial t;
	struct dice dice = dice_new(23);
	unsigned tried = 0;

	t = (struct trial){0};
	for (unsigned round = 0; round < NROUNDS; round++) {
		if (!trial_resize(&t, &dice))
			continue;
		check_scaled(&t, round);
		tried++;
	}
	guard_clear(&t.object);
	ck_assert_uint_gt(tried, NROUNDS / 4);
}
END_TEST

/* Boxes of very different shapes are not one chunk: what all of its images could need would be more than there is. */
START_TEST(a_chunk_takes_little_memory)
{
	const struct ic_tensor_spec spec = {.fit = IC_FIT_RESIZE, .width = 8, .height = 8};
	const struct ic_region boxes[] = {
	        {0, 0, 60000, 100}, {0, 0, 100, 60000}, {0, 0, 60000, 100}, {0, 0, 10000, 9000}};
	struct scale_image scales[5];
	struct ic_region source;
	uint32_t first = 0, nchunks = 0;

	memset(scales, 0, sizeof scales);
	for (unsigned i = 0; i < 4; i++) /* behind the first one is one that is not there */
		ck_assert_int_eq(scale_image_init(&scales[i + (i > 0)], &spec, &boxes[i], false, &source, NULL), 0);
	while (first < 5) {
		struct scale_chunk chunk = scale_chunk_init(scales, first, 5, SCALE_CHUNK_NBYTES);
		ck_assert_uint_gt(chunk.n, 0);
		ck_assert_uint_eq(chunk.first, first);
		if (chunk.n > 1)
			ck_assert_uint_le(chunk.nbytes, SCALE_CHUNK_NBYTES);
		first += chunk.n;
		nchunks++;
	}
	ck_assert_uint_eq(nchunks, 4);
}
END_TEST

START_TEST(what_cannot_be_resized_is_refused)
{
	const struct ic_design design = ic_design_default();
	const struct ic_tensor_spec frequencies = {
	        .values = IC_FREQUENCIES, .fit = IC_FIT_RESIZE, .type = IC_INT8, .width = 8, .height = 8};
	const struct ic_tensor_spec pixels = {.fit = IC_FIT_RESIZE, .width = 8, .height = 16};
	const struct ic_tensor_shape shape = {
	        .channels = 3, .width = 8, .height = 8, .value_nbytes = 1, .nbytes = 3 * 8 * 8};
	const struct ic_tensor_shape blocks = {
	        .channels = 3 * ic_design_nfreqs(&design), .width = 8, .height = 8, .value_nbytes = 1, .nbytes = 1};
	const struct ic_region large = {0, 0, 40000, 30000};
	struct tile_plan plan;
	struct scale_image scale;
	struct ic_region source;
	struct ic_why why = {""};

	ck_assert_int_eq(tile_plan_init(&plan, &design, &frequencies, &blocks, false, &why), -EINVAL);
	ck_assert_int_eq(tile_plan_init(&plan, &design, &pixels, &shape, false, &why), -EINVAL);
	ck_assert_str_ne(why.text, "");
	ck_assert_int_eq(scale_image_init(&scale, &pixels, &large, false, &source, &why), -EFBIG);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, pixels_are_those_of_the_reference);
	tcase_add_test(cases, frequencies_are_those_of_the_reference);
	tcase_add_loop_test(cases, tiles_meet, 0, 8);
	tcase_add_loop_test(cases, wide_images_stay_in_their_room, 0, 10);
	tcase_add_loop_test(cases, channels_meet, 0, 2);
	tcase_add_loop_test(cases, numbers_are_rounded_twice_where_that_matters, 0, 2);
	tcase_add_test(cases, what_is_resized_is_as_the_reference_has_it);
	tcase_add_test(cases, a_chunk_takes_little_memory);
	tcase_add_test(cases, what_cannot_be_resized_is_refused);
}

int main(void)
{
	return suite_run("tile", add_tests);
}
