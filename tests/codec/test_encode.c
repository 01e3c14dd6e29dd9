/* SPDX-License-Identifier: MIT */
/*
 * Every design of the base space, and a sample of what lies beyond, over one image: sizes, prefixes, nesting, decoding.
 *
 *   test_encode IMAGE
 */
#include "codec/encode.h"

#include "codec_helpers.h"
#include "decode_all.h"
#include "guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The base space has nine samplings and five block sizes, each with a dense design that yields all the others. */
#define NGROUPS 45
#define NEXTENDED 400
#define NEXTENDED_TESTS 10

struct image {
	const char *name;
	uint32_t width, height;
	struct jpeg_spec spec;
	const char *folder;      /* of the real data set; NULL for a generated picture */
	uint32_t crop_x, crop_y; /* not 0: only these width x height pixels of the photograph */
};

static const struct image images[] = {
        {"tiny", 5, 3, {.quality = 90}, NULL, 0, 0},
        {"small-420", 35, 21, {.quality = 80}, NULL, 0, 0},
        {"420", 93, 75, {.quality = 75}, NULL, 0, 0},
        {"444-progressive", 67, 101, {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}, .progressive = true}, NULL, 0, 0},
        {"gray", 83, 59, {.space = JCS_GRAYSCALE}, NULL, 0, 0},
        {"cmyk", 41, 37, {.space = JCS_CMYK, .quality = 85}, NULL, 0, 0},
        {"photograph", 224, 224, {.quality = 75}, "imagenette/val/n02979186", 0, 0},
        {"photograph-444", 131, 97, {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}}, "imagenet-1k-sample", 101, 57},
};

/* Set by main, before any test runs. */
static const struct image *image;

static struct bytes image_jpeg(void)
{
	if (!image->folder)
		return jpeg_new(image->width, image->height, 7, &image->spec);
	if (!image->crop_x)
		return photograph(image->folder, 3, image->width, image->height, &image->spec);
	struct bytes whole =
	        photograph(image->folder, 3, image->crop_x + image->width, image->crop_y + image->height, &image->spec);
	struct bytes part = crop(whole, image->crop_x, image->crop_y, image->width, image->height, &image->spec);
	free(whole.data);
	return part;
}

/* The size is the one that the source's header promises, and everything in the object decodes. */
static void check_object(struct bytes jpeg, struct bytes object, const struct ic_design *d, struct guard *guard)
{
	struct ic_jpeg_info info;
	struct ic_layout layout;

	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
	ck_assert_int_eq(ic_layout_init(&layout, d, info.width, info.height, info.nobject_components), 0);
	if (object.nbytes != layout.nbytes)
		ck_abort_msg("%s has %zu bytes, not %llu", design_name(d).text, object.nbytes,
		             (unsigned long long)layout.nbytes);

	struct bytes guarded = {guard_copy(guard, object.data, object.nbytes), object.nbytes};
	struct ic_view view = view_of(guarded);
	ck_assert(ic_design_equal(&view.layout.design, d));
	ck_assert(view.layout.source_width == info.width && view.layout.source_height == info.height);
	ck_assert(view.orientation == info.orientation && view.flags == 0);
	const char *problem = decode_all(&view);
	if (problem)
		ck_abort_msg("%s: %s", design_name(d).text, problem);
}

/* The table and the planes of `part` are the heads of those of `whole`, an object of a larger K. */
static void check_prefix(struct bytes part, struct bytes whole, const struct ic_design *d)
{
	struct ic_view a = view_of(part), b = view_of(whole);
	size_t table = IC_TABLE_ENTRY_SIZE * a.layout.nplanes, data = a.layout.data_nbytes;

	assert_same_bytes((struct bytes){part.data + IC_HEADER_SIZE, table},
	                  (struct bytes){whole.data + IC_HEADER_SIZE, table}, "table of a larger k", d);
	assert_same_bytes((struct bytes){part.data + a.layout.data_offset, data},
	                  (struct bytes){whole.data + b.layout.data_offset, data}, "planes of a larger k", d);
}

/* One design: encoded, derived from `dense`, made of kept coefficients, and against `whole`, the same with every frequency. */
static void check_design(struct bytes jpeg, const struct ic_coefs *coefs, const struct ic_view *dense,
                         struct bytes whole, const struct ic_design *d, struct guard *guard)
{
	struct bytes direct = encode(jpeg, d), derived = derive(dense, d), kept;

	check_object(jpeg, direct, d, guard);
	assert_same_bytes(derived, direct, "derived", d);
	ck_assert_int_eq(ic_encode_coefs(coefs, d, NULL, &kept.data, &kept.nbytes, NULL), 0);
	assert_same_bytes(kept, direct, "encoded of coefficients that were kept", d);
	free(kept.data);
	check_prefix(direct, whole, d);
	free(direct.data);
	free(derived.data);
}

/* In between what the JPEG takes and what two bytes a coefficient would, chroma as fine as luma. */
static struct ic_coefs *keep(struct bytes jpeg)
{
	struct ic_coefs *coefs;

	ck_assert_int_eq(ic_coefs_new(jpeg.data, jpeg.nbytes, NULL, &coefs, NULL), 0);
	ck_assert_uint_ge(ic_coefs_nbytes(coefs), jpeg.nbytes / 2);
	ck_assert_uint_le(ic_coefs_nbytes(coefs), (size_t)(image->width + 15) * (image->height + 15) * 2 * 4 + 1024);
	return coefs;
}

static struct bytes encode_whole(struct bytes jpeg, struct ic_design d, unsigned bits)
{
	d.keep = (uint8_t)(2 * d.block - 1);
	d.bits = (uint8_t)bits;
	return encode(jpeg, &d);
}

START_TEST(all_designs_of_one_sampling_and_block)
{
	static const uint8_t samplings[] = {1, 2, 4};
	struct ic_design d = ic_design_default();
	struct bytes jpeg = image_jpeg();
	struct ic_coefs *coefs = keep(jpeg);
	struct guard guard = {0};
	struct bytes wholes[9];
	unsigned count = 0;

	d.sx = samplings[_i / 15];
	d.sy = samplings[_i / 5 % 3];
	d.block = (uint8_t)(1 << _i % 5);
	for (unsigned bits = 1; bits <= 8; bits++)
		wholes[bits] = encode_whole(jpeg, d, bits);
	struct ic_view dense = view_of(wholes[8]);
	for (d.keep = 1; d.keep < 2 * d.block; d.keep++) {
		for (d.bits = 1; d.bits <= 8; d.bits++, count++)
			check_design(jpeg, coefs, &dense, wholes[d.bits], &d, &guard);
	}
	ck_assert_uint_eq(count, (2u * d.block - 1) * 8);
	for (unsigned bits = 1; bits <= 8; bits++)
		free(wholes[bits].data);
	guard_clear(&guard);
	ic_coefs_free(coefs);
	free(jpeg.data);
}
END_TEST

START_TEST(designs_beyond_the_base)
{
	struct dice dice = dice_new((uint64_t)_i);
	struct bytes jpeg = image_jpeg();
	struct ic_coefs *coefs = keep(jpeg);
	struct guard guard = {0};

	for (unsigned i = 0; i < NEXTENDED / NEXTENDED_TESTS; i++) {
		struct ic_design d = design_random(&dice), dense_design = d;

		/* A dense object of any order has every frequency. */
		dense_design.order = (uint8_t)dice_roll(&dice, 4);
		struct bytes whole = encode_whole(jpeg, d, d.bits), dense = encode_whole(jpeg, dense_design, 8);
		struct ic_view view = view_of(dense);
		check_design(jpeg, coefs, &view, whole, &d, &guard);
		free(whole.data);
		free(dense.data);
	}
	guard_clear(&guard);
	ic_coefs_free(coefs);
	free(jpeg.data);
}
END_TEST

/* From an object of few bits, the same bits of fewer frequencies, and nothing else. */
START_TEST(deriving_without_all_bits)
{
	struct bytes jpeg = image_jpeg();
	struct ic_design from = design_of("s1x2-b8-k9-q5"), sparse = design_of("s1x2-b8-k4-q5");
	struct ic_design other = design_of("s1x2-b8-k4-q4"), more = design_of("s1x2-b8-k10-q5");
	struct bytes dense = encode(jpeg, &from), direct = encode(jpeg, &sparse), untouched = {jpeg.data, 77};
	struct ic_view view = view_of(dense);
	struct bytes derived = derive(&view, &sparse), same = derive(&view, &from);

	assert_same_bytes(derived, direct, "derived at 5 bits", &sparse);
	assert_same_bytes(same, dense, "derived from itself", &from);
	ck_assert_int_eq(ic_derive(&view, &other, &untouched.data, &untouched.nbytes, NULL), -EINVAL);
	ck_assert_int_eq(ic_derive(&view, &more, &untouched.data, &untouched.nbytes, NULL), -EINVAL);
	from.keep = 99;
	ck_assert_int_eq(ic_derive(&view, &from, &untouched.data, &untouched.nbytes, NULL), -EINVAL);
	ck_assert_int_eq(ic_encode_jpeg(jpeg.data, jpeg.nbytes, &from, NULL, &untouched.data, &untouched.nbytes, NULL),
	                 -EINVAL);
	ck_assert(untouched.data == jpeg.data && untouched.nbytes == 77);
	free(dense.data);
	free(direct.data);
	free(derived.data);
	free(same.data);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, all_designs_of_one_sampling_and_block, 0, NGROUPS);
	tcase_add_loop_test(cases, designs_beyond_the_base, 0, NEXTENDED_TESTS);
	tcase_add_test(cases, deriving_without_all_bits);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < COUNT(images); i++) {
		if (strcmp(images[i].name, argv[1]) == 0)
			image = &images[i];
	}
	if (!image) {
		fprintf(stderr, "usage: test_encode IMAGE\n");
		for (size_t i = 0; i < COUNT(images); i++)
			fprintf(stderr, "    %s\n", images[i].name);
		return 2;
	}
	return suite_run("encode", add_tests);
}
