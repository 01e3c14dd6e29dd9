/* SPDX-License-Identifier: MIT */
/* The metadata of a source that a picture made from it may carry. */
#include "codec/jpeg.h"

#include "codec_helpers.h"
#include "guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT(text)                                                                                                  \
	{                                                                                                              \
		(uint8_t *)(text), sizeof(text) - 1                                                                    \
	}

/* Whole segments, as they stand in a file. */
static const struct bytes exif = SEGMENT("\xff\xe1\0\x0e"
                                         "Exif\0\0II\x2a\0xy");
static const struct bytes xmp = SEGMENT("\xff\xe1\0\x26http://ns.adobe.com/xap/1.0/\0<x/>...");
static const struct bytes icc_1 = SEGMENT("\xff\xe2\0\x14ICC_PROFILE\0\1\2head");
static const struct bytes icc_2 = SEGMENT("\xff\xe2\0\x14ICC_PROFILE\0\2\2tail");
static const struct bytes comment = SEGMENT("\xff\xfe\0\x07hello");
static const struct bytes empty_comment = SEGMENT("\xff\xfe\0\x02");
static const struct bytes photoshop = SEGMENT("\xff\xed\0\x10Photoshop 3.0\0");
static const struct bytes own_app0 = SEGMENT("\xff\xe0\0\x07JFIFs");
static const struct bytes own_app14 = SEGMENT("\xff\xee\0\x06"
                                              "Adob");
static const struct bytes last_app = SEGMENT("\xff\xef\0\x05xyz");
static const struct bytes jfif = SEGMENT("\xff\xe0\0\x10JFIF\0\1\2\0\0\1\0\1\0\0");
static const struct bytes jfxx = SEGMENT("\xff\xe0\0\x09JFXX\0\x10\0");
static const struct bytes adobe = SEGMENT("\xff\xee\0\x0e"
                                          "Adobe\0\x64\0\0\0\0\1");
static const struct bytes parts = SEGMENT("\xff\xe2\0\x08MPF\0II");

static struct bytes join(const struct bytes *const *list, size_t n)
{
	struct bytes all = {malloc(1 << 17), 0};

	ck_assert_ptr_nonnull(all.data);
	for (size_t i = 0; i < n; i++) {
		memcpy(all.data + all.nbytes, list[i]->data, list[i]->nbytes);
		all.nbytes += list[i]->nbytes;
	}
	return all;
}

/* A JPEG without APPn of its own, but Adobe's where the kind needs it, with `header` behind SOI. */
static struct bytes source_with(struct bytes header, J_COLOR_SPACE space)
{
	const struct jpeg_spec spec = {.space = space, .no_markers = space != JCS_CMYK && space != JCS_YCCK};
	struct bytes jpeg = jpeg_new(16, 16, 1, &spec), all = {malloc(jpeg.nbytes + header.nbytes), 2};

	ck_assert_ptr_nonnull(all.data);
	memcpy(all.data, jpeg.data, 2);
	if (header.nbytes)
		memcpy(all.data + 2, header.data, header.nbytes);
	memcpy(all.data + 2 + header.nbytes, jpeg.data + 2, jpeg.nbytes - 2);
	all.nbytes = jpeg.nbytes + header.nbytes;
	free(jpeg.data);
	return all;
}

static struct bytes markers_of(struct bytes jpeg, enum ic_jpeg_color color)
{
	const struct ic_jpeg_info info = {.color = color};
	struct guard guard = {0};
	struct bytes markers = {(uint8_t *)&guard, 99};
	const uint8_t *guarded = guard_copy(&guard, jpeg.data, jpeg.nbytes);

	ck_assert_int_eq(ic_jpeg_markers(guarded, jpeg.nbytes, &info, &markers.data, &markers.nbytes, NULL), 0);
	ck_assert((markers.data == NULL) == (markers.nbytes == 0));
	ck_assert_uint_le(markers.nbytes, jpeg.nbytes);
	guard_clear(&guard);
	return markers;
}

/* What is found in a source with `header` is the `n` segments of `list`. */
static void check(struct bytes header, J_COLOR_SPACE space, enum ic_jpeg_color color, const struct bytes *const *list,
                  size_t n)
{
	struct bytes jpeg = source_with(header, space), expected = join(list, n);
	struct ic_jpeg_info info;

	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
	ck_assert_int_eq(info.color, color);
	struct bytes markers = markers_of(jpeg, color);
	ck_assert_uint_eq(markers.nbytes, expected.nbytes);
	if (expected.nbytes)
		ck_assert_mem_eq(markers.data, expected.data, expected.nbytes);
	free(markers.data);
	free(expected.data);
	free(jpeg.data);
}

static const struct bytes *const everything[] = {
        &jfif,  &exif,     &jfxx,  &xmp,           &icc_1,     &icc_2,     &comment,
        &parts, &own_app0, &adobe, &empty_comment, &photoshop, &own_app14, &last_app,
};

START_TEST(whole_segments_are_kept_in_their_order)
{
	static const struct bytes *const kept[] = {&exif,     &xmp,           &icc_1,     &icc_2,     &comment,
	                                           &own_app0, &empty_comment, &photoshop, &own_app14, &last_app};
	struct bytes header = join(everything, COUNT(everything));

	check(header, JCS_UNKNOWN, IC_JPEG_YCBCR, kept, COUNT(kept));
	free(header.data);
}
END_TEST

START_TEST(profiles_of_ink_are_left_out)
{
	static const struct bytes *const given[] = {&exif, &icc_1, &icc_2, &comment};
	static const struct bytes *const kept[] = {&exif, &comment};
	struct bytes header = join(given, COUNT(given));

	check(header, JCS_CMYK, IC_JPEG_CMYK, kept, COUNT(kept));
	check(header, JCS_YCCK, IC_JPEG_YCCK, kept, COUNT(kept));
	check(header, JCS_GRAYSCALE, IC_JPEG_GRAY, given, COUNT(given));
	free(header.data);
}
END_TEST

START_TEST(there_may_be_none)
{
	static const struct bytes *const given[] = {&jfif};

	check((struct bytes){0}, JCS_UNKNOWN, IC_JPEG_YCBCR, NULL, 0);
	check(*given[0], JCS_UNKNOWN, IC_JPEG_YCBCR, NULL, 0);
}
END_TEST

START_TEST(what_fills_the_gaps_is_passed_over)
{
	static const struct bytes gap = SEGMENT("\xff\xff\xff"), noise = SEGMENT("ab\xff\0c"),
	                          alone = SEGMENT("\xff\x01");
	static const struct bytes *const given[] = {&gap, &comment, &noise, &alone, &exif, &gap};
	static const struct bytes *const kept[] = {&comment, &exif};
	struct bytes header = join(given, COUNT(given));

	check(header, JCS_UNKNOWN, IC_JPEG_YCBCR, kept, COUNT(kept));
	free(header.data);
}
END_TEST

START_TEST(markers_without_a_length_are_passed_over)
{
	static const uint8_t alone[] = {0x01, 0xd0, 0xd1, 0xd2, 0xd3, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8};

	for (size_t i = 0; i < COUNT(alone); i++) {
		uint8_t head[] = {0xff, 0xd8, 0xff, alone[i], 0xff, 0xfe, 0, 3, 'x'};
		struct bytes markers = markers_of((struct bytes){head, sizeof(head)}, IC_JPEG_YCBCR);

		ck_assert_uint_eq(markers.nbytes, 5);
		ck_assert_mem_eq(markers.data, head + 4, 5);
		free(markers.data);
	}
}
END_TEST

START_TEST(segments_behind_the_first_scan_are_none_of_the_header)
{
	struct bytes jpeg = source_with(comment, JCS_UNKNOWN), longer = {malloc(jpeg.nbytes + exif.nbytes), 0};

	memcpy(longer.data, jpeg.data, jpeg.nbytes - 2); /* up to EOI */
	memcpy(longer.data + jpeg.nbytes - 2, exif.data, exif.nbytes);
	memcpy(longer.data + jpeg.nbytes - 2 + exif.nbytes, "\xff\xd9", 2);
	longer.nbytes = jpeg.nbytes + exif.nbytes;
	struct bytes markers = markers_of(longer, IC_JPEG_YCBCR);
	ck_assert_uint_eq(markers.nbytes, comment.nbytes);
	ck_assert_mem_eq(markers.data, comment.data, comment.nbytes);
	free(markers.data);
	free(longer.data);
	free(jpeg.data);
}
END_TEST

/* Wherever the file ends, no more is kept than the segments that are whole. */
START_TEST(cut_off_segments_are_left_out)
{
	struct bytes header = join(everything, COUNT(everything));
	struct bytes jpeg = source_with(header, JCS_UNKNOWN), whole = markers_of(jpeg, IC_JPEG_YCBCR);
	size_t before = 0;

	for (size_t end = 0; end <= 2 + header.nbytes; end++) {
		struct bytes markers = markers_of((struct bytes){jpeg.data, end}, IC_JPEG_YCBCR);

		ck_assert_uint_ge(markers.nbytes, before);
		if (markers.nbytes)
			ck_assert_mem_eq(markers.data, whole.data, markers.nbytes);
		before = markers.nbytes;
		free(markers.data);
	}
	ck_assert_uint_eq(before, whole.nbytes);
	free(whole.data);
	free(jpeg.data);
	free(header.data);
}
END_TEST

START_TEST(nonsense_has_no_markers)
{
	static const struct bytes nonsense[] = {
	        SEGMENT(""),
	        SEGMENT("\xff\xd8"),
	        SEGMENT("\xff\xd8\xff"),
	        SEGMENT("no picture"),
	        SEGMENT("\x89PNG\r\n\x1a\n\xff\xfe\0\x07hello"),
	        SEGMENT("\xff\xd8\xff\xfe\0\0hello"),
	        SEGMENT("\xff\xd8\xff\xfe\0\1hello"),
	        SEGMENT("\xff\xd8\xff\xfe\xff\xffhello"),
	        SEGMENT("\xff\xd8\xff\xd9\xff\xfe\0\x07hello"),
	        SEGMENT("\xff\xd8\xff\xd9\0\2\xff\xfe\0\x07hello"), /* an end has no length */
	};

	for (size_t i = 0; i < COUNT(nonsense); i++)
		ck_assert_uint_eq(markers_of(nonsense[i], IC_JPEG_YCBCR).nbytes, 0);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, whole_segments_are_kept_in_their_order);
	tcase_add_test(cases, profiles_of_ink_are_left_out);
	tcase_add_test(cases, there_may_be_none);
	tcase_add_test(cases, what_fills_the_gaps_is_passed_over);
	tcase_add_test(cases, markers_without_a_length_are_passed_over);
	tcase_add_test(cases, segments_behind_the_first_scan_are_none_of_the_header);
	tcase_add_test(cases, cut_off_segments_are_left_out);
	tcase_add_test(cases, nonsense_has_no_markers);
}

int main(void)
{
	return suite_run("markers", add_tests);
}
