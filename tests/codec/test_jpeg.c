/* SPDX-License-Identifier: MIT */
/*
 * JPEGs of every kind, whole, cut short and hostile: what a probe says of them, and what becomes of them.
 *
 *   test_jpeg MKIMAGES
 */
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/exif_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- The files of mkimages --odd ------------------------------------------------------------------------------------ */

struct expected {
	const char *name; /* or how it begins */
	errint_t probe, encode;
	unsigned flags;
	enum ic_jpeg_color color;
};

/* The first that fits; what fits none is a YCbCr image without fault. */
static const struct expected expectations[] = {
        {"empty.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"garbage-after-soi.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"height-0.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"width-0.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"huge-65500x65500.jpg", -EFBIG, -EFBIG, 0, 0},
        {"lossless.jpg", -EOPNOTSUPP, -EOPNOTSUPP, 0, 0},
        {"precision-12-bit.jpg", -EOPNOTSUPP, -EOPNOTSUPP, 0, 0},
        {"png-inside.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"text-inside.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"progressive-190-scans.jpg", 0, -EFBIG, 0, IC_JPEG_YCBCR},
        {"truncated-after-soi.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-before-", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-in-scan-header.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-progressive-after-soi.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-progressive-before-", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-progressive-in-scan-header.jpg", -EBADMSG, -EBADMSG, 0, 0},
        {"truncated-", 0, 0, IC_FLAG_TRUNCATED, IC_JPEG_YCBCR},
        {"garbage-in-data.jpg", 0, 0, IC_FLAG_DAMAGED, IC_JPEG_YCBCR},
        {"grayscale", 0, 0, 0, IC_JPEG_GRAY},
        {"size-1x1-grayscale.jpg", 0, 0, 0, IC_JPEG_GRAY},
        {"cmyk-", 0, 0, 0, IC_JPEG_CMYK},
        {"ycck-", 0, 0, 0, IC_JPEG_YCCK},
        {"rgb-", 0, 0, 0, IC_JPEG_RGB},
        {"", 0, 0, 0, IC_JPEG_YCBCR},
};

static const struct expected *expected_of(const char *name)
{
	const struct expected *e = expectations;

	while (strncmp(name, e->name, strlen(e->name)) != 0)
		e++;
	return e;
}

/* Set by main. */
static const char *mkimages;

struct odd_files {
	char directory[64];
	struct dirent **entries;
	int n;
};

static int is_jpg(const struct dirent *entry)
{
	return strstr(entry->d_name, ".jpg") != NULL;
}

static struct odd_files odd_files_new(void)
{
	struct odd_files files = {.directory = "/tmp/icfs-odd-XXXXXX"};
	int status;

	ck_assert_ptr_nonnull(mkdtemp(files.directory));
	pid_t child = fork();
	if (child == 0) {
		execl(mkimages, mkimages, "--odd", files.directory, (char *)NULL);
		_exit(127);
	}
	ck_assert(child > 0 && waitpid(child, &status, 0) == child && status == 0);
	files.n = scandir(files.directory, &files.entries, is_jpg, alphasort);
	ck_assert_int_ge(files.n, 70);
	return files;
}

static struct bytes odd_file_read(const struct odd_files *files, int i)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", files->directory, files->entries[i]->d_name);
	FILE *file = fopen(path, "rb");
	struct bytes bytes = {malloc(1 << 20), 0};
	ck_assert(file && bytes.data);
	bytes.nbytes = fread(bytes.data, 1, 1 << 20, file);
	ck_assert_uint_lt(bytes.nbytes, 1 << 20);
	fclose(file);
	return bytes;
}

static void odd_files_clear(struct odd_files *files)
{
	for (int i = 0; i < files->n; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", files->directory, files->entries[i]->d_name);
		unlink(path);
		free(files->entries[i]);
	}
	free(files->entries);
	rmdir(files->directory);
}

/* What the header says, of files that are as they should be. */
static void check_info(const char *name, const struct ic_jpeg_info *info, const struct expected *expected)
{
	unsigned width = 121, height = 83, orientation = 1, interval = 0;
	bool is_gray = expected->color == IC_JPEG_GRAY;
	bool is_four = expected->color == IC_JPEG_CMYK || expected->color == IC_JPEG_YCCK;

	sscanf(name, "size-%ux%u", &width, &height);
	sscanf(name, "exif-orientation-%u", &orientation);
	sscanf(name, "restart-%u", &interval);
	ck_assert_msg(info->width == width && info->height == height, "%s: %u x %u", name, info->width, info->height);
	ck_assert_msg(info->orientation == orientation, "%s: orientation %u", name, info->orientation);
	/* restart-5 counts MCUs. */
	ck_assert_msg(info->restart_interval == interval, "%s: restarts at %u", name, info->restart_interval);
	ck_assert_msg(info->color == expected->color, "%s: colour %d", name, info->color);
	ck_assert_uint_eq(info->ncomponents, is_gray ? 1 : is_four ? 4 : 3);
	ck_assert_uint_eq(info->nobject_components, is_gray ? 1 : 3);
	ck_assert_msg(info->arithmetic == (strstr(name, "arithmetic") != NULL), "%s: arithmetic", name);
	ck_assert_msg((info->process == IC_JPEG_PROGRESSIVE) == (strstr(name, "progressive") != NULL), "%s: process",
	              name);
}

static void check_object(const char *name, struct bytes object, const struct ic_jpeg_info *info, unsigned flags)
{
	struct ic_view view = view_of(object);

	ck_assert_uint_eq(view.layout.nbytes, object.nbytes);
	ck_assert(view.layout.source_width == info->width && view.layout.source_height == info->height);
	ck_assert_uint_eq(view.layout.ncomponents, info->nobject_components);
	ck_assert_uint_eq(view.orientation, info->orientation);
	ck_assert_msg(view.flags == flags, "%s: flags %u", name, view.flags);
}

static void check_odd_file(const char *name, struct bytes jpeg)
{
	const struct expected *expected = expected_of(name);
	const struct ic_design d = ic_design_default();
	struct guard guard = {0};
	struct bytes guarded = {guard_copy(&guard, jpeg.data, jpeg.nbytes), jpeg.nbytes}, object = {NULL, 77};
	struct ic_jpeg_info info = {.width = 77};
	struct ic_why why = {""};

	errint_t err = ic_jpeg_probe(guarded.data, guarded.nbytes, true, NULL, &info, &why);
	ck_assert_msg(err == expected->probe, "%s: probe gives %d, %s", name, err, why.text);
	ck_assert_msg(err ? info.width == 77 && why.text[0] : true, "%s", name);
	if (!err)
		check_info(name, &info, expected);
	err = ic_encode_jpeg(guarded.data, guarded.nbytes, &d, NULL, &object.data, &object.nbytes, &why);
	ck_assert_msg(err == expected->encode, "%s: encode gives %d, %s", name, err, why.text);
	if (err)
		ck_assert(object.data == NULL && object.nbytes == 77 && why.text[0]);
	else
		check_object(name, object, &info, expected->flags);
	free(object.data);
	guard_clear(&guard);
}

START_TEST(every_odd_file_is_what_it_says)
{
	struct odd_files files = odd_files_new();

	for (int i = 0; i < files.n; i++) {
		struct bytes jpeg = odd_file_read(&files, i);

		check_odd_file(files.entries[i]->d_name, jpeg);
		free(jpeg.data);
	}
	odd_files_clear(&files);
}
END_TEST

/* --- The picture ----------------------------------------------------------------------------------------------------- */

/* As Pillow shows it: CMYK of JPEG files is inverted. */
static void cmyk_to_rgb(const uint8_t *cmyk, uint8_t *rgb)
{
	for (unsigned c = 0; c < 3; c++)
		rgb[c] = (uint8_t)(cmyk[c] * cmyk[3] / 255);
}

static uint8_t *rgb_by_libjpeg(struct bytes bytes)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, bytes.data, bytes.nbytes);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.out_color_space = jpeg.num_components == 4 ? JCS_CMYK : JCS_RGB;
	jpeg_start_decompress(&jpeg);
	size_t width = jpeg.output_width;
	uint8_t *rgb = malloc(3 * width * jpeg.output_height), *row = malloc(4 * width);
	ck_assert(rgb && row);
	while (jpeg.output_scanline < jpeg.output_height) {
		uint8_t *out = rgb + 3 * width * jpeg.output_scanline;

		jpeg_read_scanlines(&jpeg, &row, 1);
		for (size_t x = 0; x < width; x++) {
			if (jpeg.output_components == 4)
				cmyk_to_rgb(row + 4 * x, out + 3 * x);
			else
				memcpy(out + 3 * x, row + 3 * x, 3);
		}
	}
	jpeg_destroy_decompress(&jpeg);
	free(row);
	return rgb;
}

#define PICTURE_PSNR_MIN 38 /* dB; a swapped or shifted component falls far below */

START_TEST(every_odd_picture_looks_as_libjpeg_shows_it)
{
	const struct ic_design d = design_of("s1x1-b8-k15-q8-c1");
	struct odd_files files = odd_files_new();
	unsigned ncompared = 0;

	for (int i = 0; i < files.n; i++) {
		const char *name = files.entries[i]->d_name;
		const struct expected *expected = expected_of(name);

		/* libjpeg cannot show ratios that are no whole numbers, and remarks on damage. */
		if (expected->encode || expected->flags || strstr(name, "two-thirds") || strstr(name, "garbage"))
			continue;
		struct bytes jpeg = odd_file_read(&files, i), object = encode(jpeg, &d);
		struct ic_view view = view_of(object);
		size_t nbytes = (size_t)3 * view.layout.width * view.layout.height;
		uint8_t *ours = malloc(nbytes), *theirs = rgb_by_libjpeg(jpeg);
		ck_assert_int_eq(ic_decode_rgb(&view, ours, (size_t)3 * view.layout.width), 0);
		double likeness = psnr(ours, theirs, nbytes);
		ck_assert_msg(likeness > PICTURE_PSNR_MIN, "%s: %f dB", name, likeness);
		ncompared++;
		free(jpeg.data);
		free(object.data);
		free(ours);
		free(theirs);
	}
	ck_assert_uint_ge(ncompared, 45);
	odd_files_clear(&files);
}
END_TEST

/* --- A byte at a time ---------------------------------------------------------------------------------------------------- */

static const struct jpeg_spec specs[] = {
        {0},
        {.progressive = true, .orientation = 6},
        {.space = JCS_YCCK, .h = {2, 1, 1, 2}, .v = {2, 1, 1, 2}},
        {.space = JCS_GRAYSCALE, .arithmetic = true, .restart = 2, .orientation = 3},
};

/* Bytes up to the first that the header's end is known at. */
static size_t header_nbytes(struct bytes jpeg)
{
	struct ic_jpeg_info info;
	size_t n = 0;

	while (ic_jpeg_probe(jpeg.data, n, false, NULL, &info, NULL))
		ck_assert_uint_le(++n, jpeg.nbytes);
	return n;
}

START_TEST(a_header_is_read_once_it_is_whole)
{
	struct bytes jpeg = jpeg_new(121, 83, 4, &specs[_i]);
	size_t whole = header_nbytes(jpeg);
	struct ic_jpeg_info expected, info;
	struct guard guard = {0};

	ck_assert_uint_gt(whole, 100);
	ck_assert_uint_lt(whole, jpeg.nbytes);
	memset(&expected, 0, sizeof(expected));
	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &expected, NULL), 0);
	for (size_t n = 0; n < whole + 100; n++) {
		const uint8_t *head = guard_copy(&guard, jpeg.data, n);
		errint_t err = ic_jpeg_probe(head, n, false, NULL, &info, NULL);

		ck_assert_msg(err == (n < whole ? -ENODATA : 0), "%zu of %zu bytes: %d", n, whole, err);
		if (err)
			continue;
		ck_assert(info.width == expected.width && info.height == expected.height &&
		          info.ncomponents == expected.ncomponents && info.color == expected.color &&
		          info.process == expected.process && info.arithmetic == expected.arithmetic &&
		          info.restart_interval == expected.restart_interval &&
		          info.orientation == expected.orientation);
		ck_assert_mem_eq(info.h, expected.h, sizeof(info.h));
		ck_assert_mem_eq(info.v, expected.v, sizeof(info.v));
	}
	guard_clear(&guard);
	free(jpeg.data);
}
END_TEST

START_TEST(what_can_be_no_jpeg_is_refused_at_once)
{
	static const uint8_t no_jpeg[] = {0xff, 0xd8, 0x00}, no_marker[] = {0xff, 0xd9}, text[] = {'G'};
	struct ic_jpeg_info info;

	ck_assert_int_eq(ic_jpeg_probe(no_jpeg, 3, false, NULL, &info, NULL), -EBADMSG);
	ck_assert_int_eq(ic_jpeg_probe(no_jpeg, 2, false, NULL, &info, NULL), -ENODATA);
	ck_assert_int_eq(ic_jpeg_probe(no_jpeg, 2, true, NULL, &info, NULL), -EBADMSG);
	ck_assert_int_eq(ic_jpeg_probe(no_marker, 2, false, NULL, &info, NULL), -EBADMSG);
	ck_assert_int_eq(ic_jpeg_probe(text, 1, false, NULL, &info, NULL), -EBADMSG);
	ck_assert_int_eq(ic_jpeg_probe(NULL, 0, false, NULL, &info, NULL), -ENODATA);
	ck_assert_int_eq(ic_jpeg_probe(NULL, 0, true, NULL, &info, NULL), -EBADMSG);
	ck_assert(!ic_is_jpeg(no_jpeg, 3) && !ic_is_jpeg(NULL, 0));
}
END_TEST

/* Where the header is whole, what there is of the data is used, and the object says so; elsewhere there is no image. */
START_TEST(a_file_cut_anywhere_is_flagged_or_refused)
{
	const struct ic_design d = design_of("s1x1-b8-k6-q8");
	struct bytes jpeg = jpeg_new(121, 83, 4, &specs[_i]);
	size_t whole = header_nbytes(jpeg);
	struct guard guard = {0};

	/* Every byte of the progressive one, which may end in the header of a scan that is not the first. */
	size_t step = specs[_i].progressive ? 1 : 13;

	for (size_t n = 3; n <= jpeg.nbytes; n += n + step < jpeg.nbytes ? step : 1) {
		const uint8_t *head = guard_copy(&guard, jpeg.data, n);
		struct bytes object = {0};
		errint_t err = ic_encode_jpeg(head, n, &d, NULL, &object.data, &object.nbytes, NULL);

		ck_assert_msg(err == (n < whole ? -EBADMSG : 0), "%zu of %zu bytes: %d", n, jpeg.nbytes, err);
		if (err)
			continue;
		struct ic_view view = view_of(object);
		ck_assert_uint_eq(view.layout.nbytes, object.nbytes);
		ck_assert_msg(view.flags == (n < jpeg.nbytes ? IC_FLAG_TRUNCATED : 0), "%zu of %zu bytes: flags %u", n,
		              jpeg.nbytes, view.flags);
		free(object.data);
	}
	guard_clear(&guard);
	free(jpeg.data);
}
END_TEST

/* --- Limits --------------------------------------------------------------------------------------------------------------- */

static errint_t encode_within(struct bytes jpeg, const struct ic_limits *limits)
{
	const struct ic_design d = ic_design_default();
	struct bytes object = {0};
	struct ic_why why = {""};
	errint_t err = ic_encode_jpeg(jpeg.data, jpeg.nbytes, &d, limits, &object.data, &object.nbytes, &why);

	ck_assert(!err || why.text[0]);
	free(object.data);
	return err;
}

START_TEST(pixels_are_limited)
{
	struct bytes jpeg = jpeg_new(121, 83, 4, &specs[0]);
	struct ic_limits limits = ic_limits_default();
	struct ic_jpeg_info info;

	for (int over = 0; over <= 1; over++) {
		limits.pixels = 121 * 83 - (unsigned)over;
		ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, &limits, &info, NULL), over ? -EFBIG : 0);
		ck_assert_int_eq(encode_within(jpeg, &limits), over ? -EFBIG : 0);
	}
	limits.pixels = 0;
	ck_assert_int_eq(encode_within(jpeg, &limits), 0);
	free(jpeg.data);
}
END_TEST

START_TEST(memory_is_limited)
{
	const struct ic_design d = ic_design_default();
	struct bytes jpeg = jpeg_new(121, 83, 4, &specs[1]);
	struct ic_limits limits = ic_limits_default();
	struct ic_jpeg_info info;

	ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
	limits.memory = ic_encode_memory(&info, &d);
	ck_assert_int_eq(encode_within(jpeg, &limits), 0);
	limits.memory--;
	ck_assert_int_eq(encode_within(jpeg, &limits), -EFBIG);
	limits.memory = 1;
	ck_assert_int_eq(encode_within(jpeg, &limits), -EFBIG);
	limits.memory = 0;
	ck_assert_int_eq(encode_within(jpeg, &limits), 0);
	free(jpeg.data);
}
END_TEST

static errint_t keep_within(struct bytes jpeg, const struct ic_limits *limits, size_t *ret_nbytes)
{
	struct ic_coefs *coefs = NULL;
	struct ic_why why = {""};
	errint_t err = ic_coefs_new(jpeg.data, jpeg.nbytes, limits, &coefs, &why);

	ck_assert(!coefs == (err != 0) && !why.text[0] == !err);
	*ret_nbytes = coefs ? ic_coefs_nbytes(coefs) : 0;
	ic_coefs_free(coefs);
	return err;
}

/* What may be needed is twice what noise takes, which is two bytes a coefficient and some more. */
START_TEST(memory_of_kept_coefficients_is_limited)
{
	struct bytes jpeg = jpeg_new(160, 160, 4, &(struct jpeg_spec){.h = {1, 1, 1}, .v = {1, 1, 1}, .quality = 90});
	struct ic_limits limits = ic_limits_default();
	uint64_t most = 2 * (3 * 20 * (20 * (2 + 2 * 64) + 1));
	size_t nbytes;

	limits.memory = most;
	ck_assert_int_eq(keep_within(jpeg, &limits, &nbytes), 0);
	ck_assert_uint_lt(nbytes, most / 2);
	limits.memory = most - 1;
	ck_assert_int_eq(keep_within(jpeg, &limits, &nbytes), -EFBIG);
	limits.memory = 0;
	ck_assert_int_eq(keep_within(jpeg, &limits, &nbytes), 0);
	free(jpeg.data);
}
END_TEST

START_TEST(scans_are_limited)
{
	const struct jpeg_spec spectral = {.spectral_scans = true};
	struct bytes jpeg = jpeg_new(60, 40, 4, &spectral); /* 190 scans */
	struct ic_limits limits = ic_limits_default();

	for (limits.scans = 188; limits.scans <= 191; limits.scans++)
		ck_assert_int_eq(encode_within(jpeg, &limits), limits.scans < 190 ? -EFBIG : 0);
	limits.scans = 0;
	ck_assert_int_eq(encode_within(jpeg, &limits), 0);
	ck_assert_int_eq(encode_within(jpeg, NULL), -EFBIG);
	free(jpeg.data);
}
END_TEST

/* --- Orientation -------------------------------------------------------------------------------------------------- */

/* One entry, tag 0x0112, little-endian; `change` at `at`. */
static uint8_t orientation_with(size_t at, uint8_t change)
{
	uint8_t exif[] = "Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x05\0\0\0\0\0\0";
	struct guard guard = {0};

	exif[at] = change;
	uint8_t orientation = exif_orientation(guard_copy(&guard, exif, sizeof(exif)), sizeof(exif));
	guard_clear(&guard);
	return orientation;
}

START_TEST(orientations_that_make_no_sense_are_none)
{
	for (unsigned value = 0; value < 256; value++) {
		ck_assert_uint_eq(orientation_with(24, (uint8_t)value), value >= 1 && value <= 8 ? value : 0);
		ck_assert_uint_eq(orientation_with(25, (uint8_t)value), value ? 0 : 5);         /* 16 bits */
		ck_assert_uint_eq(orientation_with(18, (uint8_t)value), value == 3 ? 5 : 0);    /* type */
		ck_assert_uint_eq(orientation_with(20, (uint8_t)value), value == 1 ? 5 : 0);    /* count */
		ck_assert_uint_eq(orientation_with(16, (uint8_t)value), value == 0x12 ? 5 : 0); /* tag */
		ck_assert_uint_eq(orientation_with(14, (uint8_t)value),
		                  value ? 5 : 0); /* entries, of which 1 is there */
		ck_assert_uint_eq(orientation_with(13, (uint8_t)value), value ? 0 : 5); /* an IFD far outside */
		ck_assert_uint_eq(orientation_with(8, (uint8_t)value), value == 42 ? 5 : 0);
		ck_assert_uint_eq(orientation_with(7, (uint8_t)value), value == 'I' ? 5 : 0); /* byte order */
		ck_assert_uint_eq(orientation_with(0, (uint8_t)value), value == 'E' ? 5 : 0);
	}
}
END_TEST

START_TEST(exif_cut_or_damaged_anywhere_stays_inside)
{
	static const uint8_t exif[] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x07\0\0\0\0\0\0";
	struct dice dice = dice_new(1);
	struct guard guard = guard_new(sizeof(exif));

	for (size_t n = 0; n < sizeof(exif); n++)
		ck_assert_uint_eq(exif_orientation(guard_copy(&guard, exif, n), n), n < 6 + 8 + 2 + 12 ? 0 : 7);
	for (unsigned i = 0; i < 200000; i++) {
		size_t n = dice_roll(&dice, sizeof(exif));
		uint8_t *copy = guard_copy(&guard, exif, n);

		for (unsigned j = 0; j < 3 && n; j++)
			copy[dice_roll(&dice, (uint32_t)n)] = (uint8_t)dice_roll(&dice, i % 2 ? 40 : 256);
		ck_assert_msg(exif_orientation(copy, n) <= 8, "round %u", i);
	}
	guard_clear(&guard);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, every_odd_file_is_what_it_says);
	tcase_add_test(cases, every_odd_picture_looks_as_libjpeg_shows_it);
	tcase_add_loop_test(cases, a_header_is_read_once_it_is_whole, 0, COUNT(specs));
	tcase_add_test(cases, what_can_be_no_jpeg_is_refused_at_once);
	tcase_add_loop_test(cases, a_file_cut_anywhere_is_flagged_or_refused, 0, COUNT(specs));
	tcase_add_test(cases, pixels_are_limited);
	tcase_add_test(cases, memory_is_limited);
	tcase_add_test(cases, memory_of_kept_coefficients_is_limited);
	tcase_add_test(cases, scans_are_limited);
	tcase_add_test(cases, orientations_that_make_no_sense_are_none);
	tcase_add_test(cases, exif_cut_or_damaged_anywhere_stays_inside);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: test_jpeg MKIMAGES\n");
		return 2;
	}
	mkimages = argv[1];
	return suite_run("jpeg", add_tests);
}
