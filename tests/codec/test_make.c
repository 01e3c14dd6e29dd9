/* SPDX-License-Identifier: MIT */
/* An .ic file as a source: what a JPEG's encode gives, within the limits that hold for a JPEG. */
#include "codec/make.h"

#include "codec_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const enum ic_face faces[] = {IC_FACE_IC, IC_FACE_JPEG, IC_FACE_BMP};

static struct bytes make(struct bytes source, const char *design, enum ic_face face, const struct ic_limits *limits,
                         errint_t want)
{
	struct ic_variant variant = {.design = design_of(design), .face = face};
	struct bytes made = {NULL, 0};
	struct ic_why why = {""};

	ck_assert_int_eq(ic_make(source.data, source.nbytes, &variant, limits, &made.data, &made.nbytes, &why), want);
	ck_assert_msg(!want || why.text[0], "no reason given");
	return made;
}

static void assert_fails(struct bytes source, const char *design, enum ic_face face, const struct ic_limits *limits,
                         errint_t want)
{
	struct ic_variant variant = {.design = design_of(design), .face = face};
	struct ic_view header;

	free(make(source, design, face, limits, want).data);
	if (!ic_view_parse_header(&header, source.data, source.nbytes, NULL) && want != -ENODATA)
		ck_assert_int_eq(ic_make_check_object(&header, &variant, limits, NULL), want);
}

static struct bytes object_of(const struct jpeg_spec *spec, const char *design)
{
	struct ic_design d = design_of(design);
	struct bytes jpeg = jpeg_new(203, 151, 7, spec);
	struct bytes object = encode(jpeg, &d);

	free(jpeg.data);
	return object;
}

START_TEST(test_an_object_makes_what_its_jpeg_makes)
{
	static const char *const designs[] = {"s2x2-b8-k15-q8", "s2x2-b8-k6-q8", "s2x2-b8-k6-q3", "s2x2-b8-k1-q1"};
	struct jpeg_spec spec = {0};
	struct bytes jpeg = jpeg_new(203, 151, 7, &spec), object = object_of(&spec, designs[0]);

	for (size_t d = 0; d < COUNT(designs); d++) {
		for (size_t f = 0; f < COUNT(faces); f++) {
			struct ic_design design = design_of(designs[d]);
			struct bytes direct = make(jpeg, designs[d], faces[f], NULL, 0);
			struct bytes derived = make(object, designs[d], faces[f], NULL, 0);
			assert_same_bytes(direct, derived, ic_face_name(faces[f]), &design);
			free(direct.data);
			free(derived.data);
		}
	}
	free(jpeg.data);
	free(object.data);
}
END_TEST

/* By way of an object, which has none, too: from the JPEG that it was made of. */
START_TEST(test_metadata_is_kept_where_it_is_asked_for)
{
	const struct jpeg_spec spec = {.orientation = 6};
	struct bytes bare = jpeg_new(203, 151, 7, &spec), jpeg = with_segments(bare, 0xfe, 1, 32);
	struct ic_design dense = design_of("s2x2-b8-k15-q8");
	struct bytes object = encode(jpeg, &dense);
	struct ic_view view = view_of(object);
	char comment[32];

	memset(comment, 'x', sizeof comment);
	for (size_t i = 0; i < 2 * COUNT(faces); i++) {
		const struct ic_variant variant = {design_of("s2x2-b8-k6-q3"), faces[i / 2], i % 2};
		struct bytes direct = {0}, derived = {0};
		bool is_kept = variant.face == IC_FACE_JPEG && variant.keeps_metadata;

		ck_assert_int_eq(ic_make(jpeg.data, jpeg.nbytes, &variant, NULL, &direct.data, &direct.nbytes, NULL),
		                 0);
		ck_assert((memmem(direct.data, direct.nbytes, comment, 32) != NULL) == is_kept);
		ck_assert_int_eq(ic_make_from_object_of(&view, jpeg.data, jpeg.nbytes, &variant, NULL, &derived.data,
		                                        &derived.nbytes, NULL),
		                 0);
		assert_same_bytes(derived, direct, ic_face_name(variant.face), &variant.design);
		free(direct.data);
		free(derived.data);
	}
	free(object.data);
	free(jpeg.data);
	free(bare.data);
}
END_TEST

/* Metadata that are kept count, and so does presenting. */
START_TEST(test_metadata_and_presenting_count)
{
	static const uint8_t markers[] = {0xe1, 0xe2, 0xfe};
	const struct jpeg_spec plain = {0};
	struct bytes jpeg = jpeg_new(64, 64, 1, &plain);

	for (size_t i = 0; i < sizeof markers; i++) {
		struct bytes many = with_segments(jpeg, markers[i], 100, 60000), made = {0};
		struct ic_variant variant = {design_of("s1x1-b8-k15-q8"), IC_FACE_JPEG, true};
		struct ic_limits limits = ic_limits_default();
		uint64_t estimated;

		limits.memory = 8 << 20;
		estimated = 1;
		ck_assert_int_eq(ic_make_memory(many.data, many.nbytes, &variant, &limits, &estimated, NULL), -EFBIG);
		ck_assert_uint_eq(estimated, 1);
		ck_assert_int_eq(ic_make(many.data, many.nbytes, &variant, &limits, &made.data, &made.nbytes, NULL),
		                 -EFBIG);
		variant.keeps_metadata = false;
		ck_assert_int_eq(ic_make_memory(many.data, many.nbytes, &variant, &limits, &estimated, NULL), 0);
		ck_assert_int_eq(ic_make(many.data, many.nbytes, &variant, &limits, &made.data, &made.nbytes, NULL), 0);
		free(made.data);
		free(many.data);
	}
	free(jpeg.data);
	jpeg = jpeg_new(900, 800, 1, &plain);
	struct ic_variant variant = {design_of("s1x1-b2-k3-q8-c1"), IC_FACE_JPEG, false};
	struct ic_limits limits = ic_limits_default();
	struct bytes made = {0};
	struct ic_jpeg_info info;
	uint64_t estimated;

	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
	ck_assert_int_eq(ic_make_memory(jpeg.data, jpeg.nbytes, &variant, NULL, &estimated, NULL), 0);
	limits.memory = ic_encode_memory(&info, &variant.design);
	ck_assert_uint_gt(estimated, limits.memory);
	ck_assert_int_eq(ic_make(jpeg.data, jpeg.nbytes, &variant, &limits, &made.data, &made.nbytes, NULL), -EFBIG);
	struct bytes object = encode(jpeg, &variant.design);
	struct ic_view view = view_of(object);
	ck_assert_int_eq(ic_make_check_presenting(&view.layout, &variant, &limits, NULL), -EFBIG);
	ck_assert_int_eq(ic_make_from_object_of(&view, jpeg.data, jpeg.nbytes, &variant, &limits, &made.data,
	                                        &made.nbytes, NULL),
	                 -EFBIG);
	limits.memory = estimated;
	ck_assert_int_eq(ic_make_check_presenting(&view.layout, &variant, &limits, NULL), 0);
	free(object.data);
	ck_assert_int_eq(ic_make(jpeg.data, jpeg.nbytes, &variant, &limits, &made.data, &made.nbytes, NULL), 0);
	free(made.data);
	free(jpeg.data);
}
END_TEST

/* It was refused for being there twice, which it is not. */
START_TEST(test_an_object_is_presented_in_as_much_as_its_jpeg)
{
	const struct jpeg_spec plain = {0};
	struct bytes object = object_of(&plain, "s1x1-b8-k15-q8");
	struct ic_view view = view_of(object);

	for (size_t f = 1; f < COUNT(faces); f++) {
		const struct ic_variant variant = {view.layout.design, faces[f], false};
		struct ic_limits limits = {.memory = ic_make_memory_from_object(&view.layout, &variant)};
		ck_assert_int_eq(ic_make_check_presenting(&view.layout, &variant, &limits, NULL), 0);
		ck_assert_int_eq(ic_make_check_object(&view, &variant, &limits, NULL), 0);
		limits.memory--;
		ck_assert_int_eq(ic_make_check_presenting(&view.layout, &variant, &limits, NULL), -EFBIG);
		ck_assert_int_eq(ic_make_check_object(&view, &variant, &limits, NULL), -EFBIG);
	}
	free(object.data);
}
END_TEST

/* Where a face has no place for metadata, none are counted, whatever is asked for. */
START_TEST(test_metadata_that_no_face_carries_do_not_count)
{
	const struct jpeg_spec plain = {0};
	const struct ic_variant variant = {design_of("s1x1-b8-k15-q8"), IC_FACE_BMP, true};
	struct bytes jpeg = jpeg_new(64, 64, 1, &plain), many = with_segments(jpeg, 0xe1, 100, 60000), made = {0};
	struct ic_limits limits = {0};

	ck_assert_int_eq(ic_make_memory(many.data, many.nbytes, &variant, NULL, &limits.memory, NULL), 0);
	ck_assert_int_eq(ic_make(many.data, many.nbytes, &variant, &limits, &made.data, &made.nbytes, NULL), 0);
	free(made.data);
	free(many.data);
	free(jpeg.data);
}
END_TEST

/* Going through all of them for each would take hours. */
START_TEST(test_a_million_segments_are_gone_through_once)
{
	const struct jpeg_spec plain = {0};
	struct bytes jpeg = jpeg_new(8, 8, 1, &plain);
	struct bytes many = with_segments(jpeg, 0xe1, 1000000, 0);
	struct ic_jpeg_info info;

	ck_assert_int_eq(ic_jpeg_probe(many.data, many.nbytes, true, NULL, &info, NULL), 0);
	ck_assert_uint_eq(info.orientation, 1);
	free(many.data);
	free(jpeg.data);
}
END_TEST

/* A length that does not count itself, as libjpeg reads it: nothing is behind it, and the next marker is found. */
START_TEST(test_an_orientation_behind_a_short_length)
{
	const struct jpeg_spec spec = {.orientation = 6};
	struct bytes bare = jpeg_new(8, 8, 1, &spec), jpeg = with_segments(bare, 0xef, 1, 0);
	struct ic_jpeg_info info;

	for (uint8_t length = 0; length <= 2; length++) {
		jpeg.data[5] = length;
		ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
		ck_assert_uint_eq(info.orientation, 6);
	}
	free(bare.data);
	free(jpeg.data);
}
END_TEST

START_TEST(test_an_object_is_no_source_of_its_source)
{
	const struct ic_variant variant = {design_of("s2x2-b8-k6-q3"), IC_FACE_ORIG, false};
	struct jpeg_spec spec = {0};
	struct bytes object = object_of(&spec, "s2x2-b8-k6-q8"), made = {0};
	struct ic_view view = view_of(object);
	struct ic_why why = {""};

	ck_assert_int_eq(ic_make_from_object(&view, &variant, &made.data, &made.nbytes, &why), -EINVAL);
	ck_assert(why.text[0] && !made.data);
	const struct ic_limits limits = {.memory = 1}; /* which have no say in it */
	ck_assert_int_eq(ic_make_from_object_of(&view, NULL, 0, &variant, &limits, &made.data, &made.nbytes, NULL),
	                 -EINVAL);
	free(object.data);
}
END_TEST

START_TEST(test_orig_is_the_file)
{
	struct jpeg_spec spec = {0};
	struct bytes object = object_of(&spec, "s2x2-b8-k6-q8");
	struct bytes copy = make(object, "s1x1-b8-k15-q8", IC_FACE_ORIG, NULL, 0);
	struct ic_design design = design_of("s2x2-b8-k6-q8");

	assert_same_bytes(copy, object, "orig", &design);
	free(copy.data);
	free(object.data);
}
END_TEST

START_TEST(test_what_it_does_not_hold_is_refused)
{
	static const char *const designs[] = {"s2x2-b8-k7-q8",  "s1x1-b8-k6-q8",     "s2x1-b8-k6-q8",
	                                      "s2x2-b16-k6-q8", "s2x2-b8-k6-q8-c1",  "s2x2-b8-k6-q8-fbox",
	                                      "s2x2-b4-k1-q1",  "s2x2-b8-k15-q8-ox", "s2x2-b8-k15-q8"};
	struct jpeg_spec spec = {0};
	struct bytes object = object_of(&spec, "s2x2-b8-k6-q8"), coarse = object_of(&spec, "s2x2-b8-k6-q5");

	for (size_t f = 0; f < COUNT(faces); f++) {
		for (size_t d = 0; d < COUNT(designs); d++)
			assert_fails(object, designs[d], faces[f], NULL, -EINVAL);
		assert_fails(coarse, "s2x2-b8-k6-q4", faces[f], NULL, -EINVAL);
		free(make(coarse, "s2x2-b8-k3-q5", faces[f], NULL, 0).data);
	}
	free(object.data);
	free(coarse.data);
}
END_TEST

/* A head that is valid, and all the bytes that it promises, with steps of 1. */
static struct bytes claim(const char *design, uint32_t width, uint32_t height, uint16_t flags)
{
	struct ic_design d = design_of(design);
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, &d, width, height, 3), 0);
	struct bytes object = {calloc(1, layout.nbytes), layout.nbytes};
	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, &layout, 1, flags);
	for (unsigned p = 0; p < layout.nplanes; p++)
		memcpy(object.data + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p, "\1\1\0\0", 4);
	return object;
}

/* 50 KB that stand for 268 million pixels. */
START_TEST(test_a_small_file_cannot_claim_much)
{
	static const char design[] = "s4x4-b32-k1-q1";
	struct ic_limits unlimited = {0}, memory = {.memory = 1u << 29}, pixels = {.pixels = 1000000};
	struct bytes object = claim(design, IC_SIDE_MAX, IC_SIDE_MAX, 0);

	ck_assert_uint_lt(object.nbytes, 100000);
	for (size_t f = 0; f < COUNT(faces); f++) {
		assert_fails(object, design, faces[f], NULL, -EFBIG);
		assert_fails(object, design, faces[f], &pixels, -EFBIG);
	}
	assert_fails(object, design, IC_FACE_JPEG, &memory, -EFBIG);
	assert_fails(object, design, IC_FACE_BMP, &memory, -EFBIG);
	free(make(object, design, IC_FACE_IC, &memory, 0).data); /* which takes its own bytes, and no more */
	free(make(object, design, IC_FACE_IC, &unlimited, 0).data);
	object.nbytes--;
	assert_fails(object, design, IC_FACE_IC, &unlimited, -ENODATA);
	free(object.data);
}
END_TEST

/* What counts is what the file holds: a large photograph that was sampled is a small source. */
START_TEST(test_pixels_are_those_it_holds)
{
	struct ic_limits limits = {.pixels = 500 * 500, .memory = 1u << 30};
	struct bytes object = claim("s4x4-b8-k1-q8", 2000, 2000, 0);

	for (size_t f = 0; f < COUNT(faces); f++)
		free(make(object, "s4x4-b8-k1-q8", faces[f], &limits, 0).data);
	limits.pixels--;
	assert_fails(object, "s4x4-b8-k1-q8", IC_FACE_IC, &limits, -EFBIG);
	free(object.data);
}
END_TEST

START_TEST(test_what_ended_early_is_no_picture)
{
	struct bytes object = claim("s1x1-b8-k1-q8", 64, 64, IC_FLAG_TRUNCATED);

	free(make(object, "s1x1-b8-k1-q8", IC_FACE_IC, NULL, 0).data);
	assert_fails(object, "s1x1-b8-k1-q8", IC_FACE_JPEG, NULL, -EBADMSG);
	assert_fails(object, "s1x1-b8-k1-q8", IC_FACE_BMP, NULL, -EBADMSG);
	free(object.data);

	struct jpeg_spec spec = {0};
	struct bytes jpeg = jpeg_new(203, 151, 7, &spec);
	jpeg.nbytes /= 2;
	object = make(jpeg, "s1x1-b8-k1-q8", IC_FACE_IC, NULL, 0);
	ck_assert_uint_eq(view_of(object).flags, IC_FLAG_TRUNCATED);
	free(make(jpeg, "s1x1-b8-k1-q8", IC_FACE_JPEG, NULL, -EBADMSG).data);
	free(make(jpeg, "s1x1-b8-k1-q8", IC_FACE_BMP, NULL, -EBADMSG).data);
	free(object.data);
	free(jpeg.data);
}
END_TEST

START_TEST(test_what_is_damaged_is_no_picture)
{
	struct jpeg_spec spec = {.restart = 2};
	struct bytes jpeg = jpeg_new(203, 151, 7, &spec);
	uint8_t *marker = jpeg.data;

	while (marker[0] != 0xff || marker[1] != 0xd3)
		marker++;
	marker[1] = 0xd5;
	struct bytes object = make(jpeg, "s1x1-b8-k1-q8", IC_FACE_IC, NULL, 0);
	ck_assert_uint_eq(view_of(object).flags & IC_FLAG_DAMAGED, IC_FLAG_DAMAGED);
	for (unsigned i = 0; i < 2; i++) {
		struct bytes source = i ? object : jpeg;
		free(make(source, "s1x1-b8-k1-q8", IC_FACE_IC, NULL, 0).data);
		assert_fails(source, "s1x1-b8-k1-q8", IC_FACE_JPEG, NULL, -EBADMSG);
		assert_fails(source, "s1x1-b8-k1-q8", IC_FACE_BMP, NULL, -EBADMSG);
	}
	free(object.data);
	free(jpeg.data);
}
END_TEST

START_TEST(test_no_design_is_refused)
{
	const struct ic_variant variant = {.design = {.keep = 200}, .face = IC_FACE_IC};
	struct bytes object = claim("s1x1-b8-k1-q8", 64, 64, 0), made = {0};
	struct ic_why why = {""};

	ck_assert_int_eq(ic_make(object.data, object.nbytes, &variant, NULL, &made.data, &made.nbytes, &why), -EINVAL);
	ck_assert_str_eq(why.text, "not a valid design");
	free(object.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, test_an_object_makes_what_its_jpeg_makes);
	tcase_add_test(cases, test_metadata_is_kept_where_it_is_asked_for);
	tcase_add_test(cases, test_an_object_is_no_source_of_its_source);
	tcase_add_test(cases, test_orig_is_the_file);
	tcase_add_test(cases, test_what_it_does_not_hold_is_refused);
	tcase_add_test(cases, test_a_small_file_cannot_claim_much);
	tcase_add_test(cases, test_pixels_are_those_it_holds);
	tcase_add_test(cases, test_what_ended_early_is_no_picture);
	tcase_add_test(cases, test_what_is_damaged_is_no_picture);
	tcase_add_test(cases, test_no_design_is_refused);
	tcase_add_test(cases, test_metadata_and_presenting_count);
	tcase_add_test(cases, test_an_object_is_presented_in_as_much_as_its_jpeg);
	tcase_add_test(cases, test_metadata_that_no_face_carries_do_not_count);
	tcase_add_test(cases, test_a_million_segments_are_gone_through_once);
	tcase_add_test(cases, test_an_orientation_behind_a_short_length);
}

int main(void)
{
	return suite_run("make", add_tests);
}
