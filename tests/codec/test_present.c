/* SPDX-License-Identifier: MIT */
/* The faces jpeg and bmp of an object, against what the object itself decodes to and what libjpeg reads. */
#include "codec/present.h"

#include "codec/decode.h"

#include "codec_helpers.h"
#include "guard.h"
#include "jpegread.h"
#include "present_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define M_APP1 0xe1

static const struct jpeg_spec kinds[] = {
        {.quality = 90},          {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}},
        {.space = JCS_GRAYSCALE}, {.quality = 40, .progressive = true},
        {.space = JCS_CMYK},      {.h = {2, 1, 1}, .v = {1, 1, 1}, .wide_tables = true},
};

static const struct {
	uint32_t width, height;
} sizes[] = {{1, 1}, {2, 3}, {5, 1}, {8, 8}, {9, 7}, {16, 16}, {17, 33}, {35, 21}, {61, 90}, {17, 300}, {90, 270}};

#define NSOURCES (COUNT(kinds) * COUNT(sizes))

/* One object of the `n`-th of the NSOURCES sources, in front of a page that may not be touched. */
struct subject {
	struct bytes source, object;
	struct guard guard;
	struct ic_view view;
};

static struct subject subject_new(unsigned n, const char *design)
{
	struct subject c = {0};
	struct ic_design d = design_of(design);

	c.source = jpeg_new(sizes[n % COUNT(sizes)].width, sizes[n % COUNT(sizes)].height, n, &kinds[n / COUNT(sizes)]);
	c.object = encode(c.source, &d);
	c.view = view_of((struct bytes){guard_copy(&c.guard, c.object.data, c.object.nbytes), c.object.nbytes});
	return c;
}

static void subject_clear(struct subject *c)
{
	free(c->source.data);
	free(c->object.data);
	guard_clear(&c->guard);
}

/* --- B = 8 -------------------------------------------------------------------------------------------------------- */

START_TEST(jpegs_of_b8_hold_the_objects_coefficients)
{
	static const char *const designs[] = {
	        "s1x1-b8-k15-q8",   "s1x1-b8-k4-q3", "s1x1-b8-k15-q1",    "s2x2-b8-k6-q8-c1",
	        "s4x1-b8-k9-q5",    "s1x2-b8-k3-q8", "s1x1-b8-k5-q6-ol",  "s2x1-b8-k7-q8-ox",
	        "s1x1-b8-k2-q2-oy", "s1x1-b8-k1-q8", "s4x4-b8-k15-q7-c1", "s2x2-b8-k15-q4-fbox",
	};

	for (unsigned i = 0; i < COUNT(designs); i++) {
		struct subject c = subject_new((unsigned)_i, designs[i]);
		struct bytes jpeg = present(&c.view);

		check_coefficients(jpeg, &c.view);
		free(jpeg.data);
		subject_clear(&c);
	}
}
END_TEST

START_TEST(jpegs_of_b8_without_dropped_bits_show_the_objects_pixels)
{
	static const char *const samplings[] = {"s1x1", "s1x2", "s1x4", "s2x1", "s2x2", "s2x4", "s4x1", "s4x2", "s4x4"};
	static const char *const rests[] = {"k15-q8", "k15-q8-c1", "k4-q8", "k9-q8-c1-fbox", "k6-q8-ol"};

	for (unsigned i = 0; i < COUNT(samplings) * COUNT(rests); i++) {
		char design[IC_DESIGN_STRING_SIZE];

		snprintf(design, sizeof(design), "%s-b8-%s", samplings[i % COUNT(samplings)],
		         rests[i / COUNT(samplings)]);
		struct subject c = subject_new((unsigned)_i, design);
		struct bytes jpeg = present(&c.view);
		struct picture shown = jpegread_rgb(jpeg);
		uint8_t *rgb = rgb_of(&c.view);
		size_t nbytes = (size_t)3 * shown.width * shown.height;

		ck_assert(shown.width == c.view.layout.width && shown.height == c.view.layout.height);
		assert_same_bytes((struct bytes){shown.rgb, nbytes}, (struct bytes){rgb, nbytes}, "pixels",
		                  &c.view.layout.design);
		free(rgb);
		picture_clear(&shown);
		free(jpeg.data);
		subject_clear(&c);
	}
}
END_TEST

/* The head of a denser object, in front of a page that may not be touched, is the sparser one. */
START_TEST(jpegs_of_heads_are_those_of_the_sparser_object)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s2x2-b8-k9-q5", "s1x1-b8-k6-q8-c1", "s1x1-b16-k20-q8"};

	for (unsigned i = 0; i < 2 * COUNT(designs); i++) {
		struct subject c = subject_new((unsigned)_i, designs[i / 2]);
		struct ic_design sparser = c.view.layout.design;
		struct guard guard = {0};
		struct bytes object;
		struct ic_view head, derived;

		sparser.keep = i % 2 ? 1 : 4;
		size_t needed = ic_layout_prefix_nbytes(&c.view.layout, sparser.keep);
		const uint8_t *bytes = guard_copy(&guard, c.object.data, needed);

		ck_assert_int_eq(ic_view_parse_prefix(&head, bytes, needed, sparser.keep, NULL), 0);
		ck_assert_int_eq(ic_derive(&c.view, &sparser, &object.data, &object.nbytes, NULL), 0);
		derived = view_of(object);
		struct bytes of_head = present(&head), of_object = present(&derived);

		ck_assert_uint_eq(of_head.nbytes, of_object.nbytes);
		ck_assert_mem_eq(of_head.data, of_object.data, of_head.nbytes);
		free(of_head.data);
		free(of_object.data);
		free(object.data);
		guard_clear(&guard);
		subject_clear(&c);
	}
}
END_TEST

/* --- Other block sizes -------------------------------------------------------------------------------------------- */

START_TEST(jpegs_of_other_blocks_are_near_the_object)
{
	static const char *const designs[] = {
	        "s1x1-b1-k1-q8",   "s2x2-b1-k1-q3",     "s1x1-b2-k3-q8",     "s1x1-b2-k2-q5-c1",
	        "s2x2-b4-k7-q8",   "s1x1-b4-k3-q2",     "s4x4-b16-k31-q8",   "s1x1-b16-k8-q6",
	        "s1x1-b32-k63-q8", "s2x1-b32-k9-q4-c1", "s1x1-b16-k9-q8-ol", "s1x1-b4-k3-q8-fbox",
	};
	const struct jpeg_spec spec = {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct bytes source = photograph("imagenet-1k-sample", (unsigned)_i, 251, 187, &spec);

	for (unsigned i = 0; i < COUNT(designs); i++) {
		struct ic_design d = design_of(designs[i]);
		struct bytes object = encode(source, &d);
		struct ic_view view = view_of(object);
		struct bytes jpeg = present(&view);
		struct picture shown = jpegread_rgb(jpeg);
		uint8_t *rgb = rgb_of(&view);
		double db = psnr(shown.rgb, rgb, (size_t)3 * shown.width * shown.height);

		if (db < NEAR_DB)
			ck_abort_msg("%s: the JPEG is %.2f dB from the object", designs[i], db);
		free(rgb);
		picture_clear(&shown);
		free(jpeg.data);
		free(object.data);
	}
	free(source.data);
}
END_TEST

START_TEST(jpegs_of_other_blocks_have_the_objects_grid)
{
	static const char *const designs[] = {"s1x1-b1-k1-q8", "s2x1-b2-k3-q8-c1", "s1x1-b4-k2-q8", "s4x4-b16-k31-q5",
	                                      "s1x2-b32-k9-q1"};

	for (unsigned i = 0; i < COUNT(designs); i++) {
		struct subject c = subject_new((unsigned)_i, designs[i]);
		struct bytes jpeg = present(&c.view);
		struct jpegread read = jpegread_coefficients(jpeg);

		check_grid(&read, &c.view.layout);
		for (unsigned at = 0; at < 64; at++)
			ck_assert_uint_eq(read.component[0].steps[at], IC_PRESENT_STEP);
		jpegread_clear(&read);
		free(jpeg.data);
		subject_clear(&c);
	}
}
END_TEST

/* A gray object of blocks of one sample, whose samples differ along one side alone. */
static struct bytes object_of_stripes(uint32_t width, uint32_t height, bool across)
{
	const struct ic_design d = design_of("s1x1-b1-k1-q8");
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &d, width, height, 1), 0);
	struct bytes object = {calloc(1, l.nbytes), l.nbytes};
	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, &l, 1, 0);
	memcpy(object.data + IC_HEADER_SIZE, "\1\x08\0\0", 4);
	for (uint32_t i = 0; i < width * height; i++)
		object.data[l.data_offset + i] = (uint8_t)(37 * (across ? i % width : i / width));
	return object;
}

/* Then so do those that fill up the last blocks: frequencies along the other side are 0. */
START_TEST(edges_are_repeated_up_to_whole_blocks)
{
	for (uint32_t side = 1; side <= 17; side++) {
		struct bytes object = object_of_stripes(side, 18 - side, _i);
		struct ic_view view = view_of(object);
		struct bytes jpeg = present(&view);
		struct jpegread read = jpegread_coefficients(jpeg);
		const struct jpegread_component *gray = &read.component[0];

		for (uint32_t block = 0; block < gray->block_cols * gray->block_rows; block++)
			for (unsigned at = 0; at < 64; at++)
				ck_assert(gray->blocks[block][at] == 0 || (_i ? at / 8 : at % 8) == 0);
		jpegread_clear(&read);
		free(jpeg.data);
		free(object.data);
	}
}
END_TEST

/* --- Markers ------------------------------------------------------------------------------------------------------ */

/* What a decoder finds; 1 where there is no tag. */
static uint8_t orientation_of(struct bytes jpeg)
{
	struct ic_jpeg_info info;

	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
	return info.orientation;
}

START_TEST(orientation_is_a_tag)
{
	for (unsigned orientation = 1; orientation <= 8; orientation++) {
		const struct jpeg_spec spec = {.orientation = orientation};
		struct ic_design d = design_of(_i ? "s2x2-b4-k7-q8" : "s1x1-b8-k15-q8");
		struct bytes source = jpeg_new(40, 20, orientation, &spec), object = encode(source, &d);
		struct ic_view view = view_of(object);
		struct bytes jpeg = present(&view);
		size_t nbytes;

		ck_assert_uint_eq(orientation_of(jpeg), orientation);
		ck_assert((jpegread_segment(jpeg, M_APP1, "", &nbytes) != NULL) == (orientation != 1));
		free(jpeg.data);
		free(object.data);
		free(source.data);
	}
}
END_TEST

static struct bytes object_turned(uint32_t width, uint32_t height)
{
	const struct jpeg_spec turned = {.orientation = 6};
	const struct ic_design d = design_of("s1x1-b8-k15-q8");
	struct bytes source = jpeg_new(width, height, 1, &turned), object = encode(source, &d);

	free(source.data);
	return object;
}

START_TEST(markers_are_carried)
{
	static uint8_t markers[] = "\xff\xfe\0\x06note"
	                           "\xff\xe1\0\x08http:x"
	                           "\xff\xed\0\x02"
	                           "\xff\xe2\0\x0ehello, world";
	const struct bytes given = {markers, sizeof(markers) - 1};
	struct bytes object = object_turned(40, 20);
	struct ic_view view = view_of(object);
	struct bytes bare = present(&view), jpeg = present_with(&view, given);
	size_t nbytes, tag_nbytes = 2 + 2 + 32;

	/* SOI, JFIF, the tag that is not among the markers, the markers, the rest. */
	ck_assert_uint_eq(jpeg.nbytes, bare.nbytes + given.nbytes);
	ck_assert_mem_eq(jpeg.data, bare.data, 20 + tag_nbytes);
	ck_assert_mem_eq(jpeg.data + 20 + tag_nbytes, given.data, given.nbytes);
	ck_assert_mem_eq(jpeg.data + 20 + tag_nbytes + given.nbytes, bare.data + 20 + tag_nbytes,
	                 bare.nbytes - 20 - tag_nbytes);
	ck_assert_uint_eq(orientation_of(jpeg), 6);
	ck_assert_ptr_nonnull(jpegread_segment(jpeg, M_APP1, "http:", &nbytes));
	free(jpeg.data);
	free(bare.data);
	free(object.data);
}
END_TEST

START_TEST(an_orientation_that_is_carried_is_not_written_again)
{
	static uint8_t exif[] = "\xff\xe1\0\x22"
	                        "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
	struct bytes object = object_turned(40, 20);
	struct ic_view view = view_of(object);
	struct bytes bare = present(&view), jpeg = present_with(&view, (struct bytes){exif, sizeof(exif) - 1});

	assert_same_bytes(jpeg, bare, "with the same tag from elsewhere", &view.layout.design);
	free(jpeg.data);
	free(bare.data);
	free(object.data);
}
END_TEST

START_TEST(an_orientation_elsewhere_than_in_exif_is_none)
{
	static uint8_t other[] = "\xff\xe2\0\x22"
	                         "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
	struct bytes object = object_turned(40, 20);
	struct ic_view view = view_of(object);
	struct bytes jpeg = present_with(&view, (struct bytes){other, sizeof(other) - 1});

	ck_assert_uint_eq(orientation_of(jpeg), 6);
	free(jpeg.data);
	free(object.data);
}
END_TEST

START_TEST(the_largest_segment_is_carried)
{
	struct bytes markers = {malloc(2 + 0xffff), 2 + 0xffff}, object = object_turned(8, 8);
	struct ic_view view = view_of(object);

	memset(markers.data, 0x55, markers.nbytes);
	memcpy(markers.data, "\xff\xef\xff\xff", 4);
	struct bytes jpeg = present_with(&view, markers);
	size_t nbytes;
	const uint8_t *payload = jpegread_segment(jpeg, 0xef, "", &nbytes);
	ck_assert(payload && nbytes == 0xffff - 2);
	ck_assert_mem_eq(payload, markers.data + 4, nbytes);
	free(jpeg.data);
	free(object.data);
	free(markers.data);
}
END_TEST

/* --- BMP ---------------------------------------------------------------------------------------------------------- */

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* The fields that readers look at. */
static void check_bmp_header(struct bytes bmp, const struct ic_layout *l)
{
	bool gray = l->ncomponents == 1;
	uint32_t data = gray ? 54 + 1024 : 54;

	ck_assert_mem_eq(bmp.data, "BM", 2);
	ck_assert_uint_eq(le32(bmp.data + 2), bmp.nbytes);
	ck_assert_uint_eq(le32(bmp.data + 10), data);
	ck_assert_uint_eq(le32(bmp.data + 14), 40);
	ck_assert_uint_eq(le32(bmp.data + 18), l->width);
	ck_assert_uint_eq(le32(bmp.data + 22), l->height);
	ck_assert_uint_eq(le32(bmp.data + 26), gray ? 8 << 16 | 1 : 24 << 16 | 1);
	ck_assert_uint_eq(le32(bmp.data + 30), 0); /* no compression */
	ck_assert_uint_eq(le32(bmp.data + 34), bmp.nbytes - data);
	for (uint32_t i = 0; gray && i < 256; i++)
		ck_assert_uint_eq(le32(bmp.data + 54 + 4 * i), i << 16 | i << 8 | i);
}

static void check_bmp_pixels(struct bytes bmp, const struct ic_layout *l, const uint8_t *rgb)
{
	uint32_t data = le32(bmp.data + 10);
	size_t used = (size_t)l->width * l->ncomponents, stride = (used + 3) / 4 * 4;

	ck_assert_uint_eq(bmp.nbytes, data + stride * l->height);
	for (uint32_t y = 0; y < l->height; y++) {
		const uint8_t *row = bmp.data + data + stride * (l->height - 1 - y);

		for (uint32_t x = 0; x < l->width; x++, rgb += 3) {
			const uint8_t *pixel = row + x * l->ncomponents;
			unsigned last = l->ncomponents - 1;

			ck_assert(pixel[last] == rgb[0] && pixel[last / 2] == rgb[1] && pixel[0] == rgb[2]);
		}
		for (size_t x = used; x < stride; x++)
			ck_assert_uint_eq(row[x], 0);
	}
}

START_TEST(bmps_show_the_objects_pixels)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s2x2-b8-k6-q4", "s4x1-b16-k9-q8-c1", "s1x4-b1-k1-q2"};

	for (unsigned i = 0; i < COUNT(designs); i++) {
		struct subject c = subject_new((unsigned)_i, designs[i]);
		struct bytes bmp = {0};
		uint8_t *rgb = rgb_of(&c.view);

		ck_assert_int_eq(ic_present_bmp(&c.view, &bmp.data, &bmp.nbytes, NULL), 0);
		ck_assert_uint_eq(bmp.nbytes, ic_bmp_nbytes(&c.view.layout));
		check_bmp_header(bmp, &c.view.layout);
		check_bmp_pixels(bmp, &c.view.layout, rgb);
		free(bmp.data);
		free(rgb);
		subject_clear(&c);
	}
}
END_TEST

/* --- What no file can hold ---------------------------------------------------------------------------------------- */

/* An object of nothing but gray, which few bytes make large. */
static struct bytes object_flat(uint32_t width, uint32_t height, unsigned ncomponents)
{
	const struct ic_design d = design_of("s1x1-b32-k1-q1");
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &d, width, height, ncomponents), 0);
	struct bytes object = {calloc(1, l.nbytes), l.nbytes};
	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, &l, 1, 0);
	for (unsigned p = 0; p < l.nplanes; p++)
		memcpy(object.data + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p, "\1\1\0\0", 4);
	return object;
}

START_TEST(sides_that_no_jpeg_has_are_too_big)
{
	struct bytes fits = object_flat(65500, 1, 1), too_long = object_flat(65501, 1, 1);
	struct ic_view view = view_of(fits);
	struct bytes jpeg = present(&view), none = {NULL, 7};
	struct ic_why why = {""};

	view = view_of(too_long);
	ck_assert_int_eq(ic_present_jpeg(&view, NULL, 0, &none.data, &none.nbytes, &why), -EFBIG);
	ck_assert(why.text[0] && !none.data && none.nbytes == 7);
	free(jpeg.data);
	free(fits.data);
	free(too_long.data);
}
END_TEST

START_TEST(pixels_that_no_bmp_holds_are_too_many)
{
	struct bytes object = object_flat(65535, 65535, 3), none = {NULL, 7};
	struct ic_view view = view_of(object);
	struct ic_why why = {""};

	ck_assert_uint_eq(ic_bmp_nbytes(&view.layout), 54 + (uint64_t)196608 * 65535);
	ck_assert_int_eq(ic_present_bmp(&view, &none.data, &none.nbytes, &why), -EFBIG);
	ck_assert(why.text[0] && !none.data && none.nbytes == 7);
	free(object.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, jpegs_of_b8_hold_the_objects_coefficients, 0, NSOURCES);
	tcase_add_loop_test(cases, jpegs_of_b8_without_dropped_bits_show_the_objects_pixels, 0, NSOURCES);
	tcase_add_loop_test(cases, jpegs_of_heads_are_those_of_the_sparser_object, 0, NSOURCES);
	tcase_add_loop_test(cases, jpegs_of_other_blocks_are_near_the_object, 0, 3);
	tcase_add_loop_test(cases, jpegs_of_other_blocks_have_the_objects_grid, 0, NSOURCES);
	tcase_add_loop_test(cases, orientation_is_a_tag, 0, 2);
	tcase_add_test(cases, markers_are_carried);
	tcase_add_test(cases, an_orientation_that_is_carried_is_not_written_again);
	tcase_add_test(cases, an_orientation_elsewhere_than_in_exif_is_none);
	tcase_add_test(cases, the_largest_segment_is_carried);
	tcase_add_loop_test(cases, edges_are_repeated_up_to_whole_blocks, 0, 2);
	tcase_add_loop_test(cases, bmps_show_the_objects_pixels, 0, NSOURCES);
	tcase_add_test(cases, sides_that_no_jpeg_has_are_too_big);
	tcase_add_test(cases, pixels_that_no_bmp_holds_are_too_many);
}

int main(void)
{
	return suite_run("present", add_tests);
}
