/* SPDX-License-Identifier: MIT */
/* Pixels as JPEGs, and the measures of what became of them. */
#include "codec/compress.h"

#include "codec/similarity.h"

#include "codec_helpers.h"
#include "guard.h"
#include "jpegread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	uint32_t width, height;
} sizes[] = {{1, 1}, {2, 3}, {8, 8}, {9, 17}, {16, 16}, {33, 5}, {130, 97}};

static struct ic_pixels pixels_of(const struct picture *picture)
{
	return (struct ic_pixels){picture->rgb, picture->width, picture->height, 3};
}

static struct bytes compress(const struct ic_pixels *pixels, int quality)
{
	struct bytes jpeg = {0};
	struct ic_why why = {""};

	ck_assert_msg(!ic_compress_jpeg(pixels, quality, &jpeg.data, &jpeg.nbytes, &why), "%s", why.text);
	return jpeg;
}

/* --- What comes out ----------------------------------------------------------------------------------------------- */

START_TEST(jpegs_are_baseline_and_of_the_pictures_size)
{
	for (unsigned i = 0; i < COUNT(sizes); i++) {
		for (unsigned ncomponents = 1; ncomponents <= 3; ncomponents += 2) {
			struct picture picture = picture_new(sizes[i].width, sizes[i].height, i, i);
			struct guard guard = {0};
			struct ic_pixels pixels = {.width = picture.width, .height = picture.height, ncomponents};
			size_t nbytes = (size_t)ncomponents * picture.width * picture.height;
			pixels.samples = guard_copy(&guard, picture.rgb, nbytes);
			struct bytes jpeg = compress(&pixels, 80);
			struct jpegread read = jpegread_coefficients(jpeg);
			struct bytes best = jpegread_optimized(jpeg);

			ck_assert_uint_eq(read.width, picture.width);
			ck_assert_uint_eq(read.height, picture.height);
			ck_assert_uint_eq(read.ncomponents, ncomponents);
			ck_assert(read.is_baseline && !read.nwarnings);
			ck_assert_uint_eq(read.component[0].h, ncomponents == 3 ? 2 : 1);
			ck_assert_uint_eq(read.component[0].v, ncomponents == 3 ? 2 : 1);
			ck_assert_uint_eq(jpegread_scan_nbytes(jpeg), jpegread_scan_nbytes(best));
			free(best.data);
			free(jpeg.data);
			jpegread_clear(&read);
			guard_clear(&guard);
			picture_clear(&picture);
		}
	}
}
END_TEST

/* Annex K's tables are those of quality 50. */
START_TEST(quality_scales_the_tables_of_annex_k)
{
	static const struct {
		int quality;
		unsigned first, last;
	} expected[] = {{1, 255, 255}, {25, 32, 198}, {50, 16, 99}, {75, 8, 50}, {100, 1, 1}};
	struct picture picture = picture_new(40, 30, 1, 1);
	struct ic_pixels pixels = pixels_of(&picture);

	for (unsigned i = 0; i < COUNT(expected); i++) {
		struct bytes jpeg = compress(&pixels, expected[i].quality);
		struct jpegread read = jpegread_coefficients(jpeg);

		ck_assert_uint_eq(read.component[0].steps[0], expected[i].first);
		ck_assert_uint_eq(read.component[0].steps[63], expected[i].last);
		jpegread_clear(&read);
		free(jpeg.data);
	}
	picture_clear(&picture);
}
END_TEST

/* Chroma that differs from pixel to pixel is lost with every second of its columns and rows; that of gray is not. */
START_TEST(the_best_quality_shows_the_pixels)
{
	struct picture picture = picture_new(90, 70, 5, 5);
	size_t n = (size_t)3 * 90 * 70;

	for (size_t i = 0; i < n; i += 3)
		picture.rgb[i + 1] = picture.rgb[i + 2] = picture.rgb[i];
	struct ic_pixels pixels = pixels_of(&picture);
	struct bytes jpeg = compress(&pixels, 100);
	struct picture shown = jpegread_rgb(jpeg);
	ck_assert_double_gt(ic_psnr(picture.rgb, shown.rgb, n), 50);
	picture_clear(&shown);
	free(jpeg.data);
	picture_clear(&picture);
}
END_TEST

/* docs/report.md */
START_TEST(a_jpeg_takes_nearly_300_bytes_beside_its_pixels)
{
	static const uint8_t pixel[3] = {9, 90, 200};
	struct bytes jpeg = compress(&(struct ic_pixels){pixel, 1, 1, 3}, 1);

	ck_assert_uint_eq(jpeg.nbytes, 285);
	free(jpeg.data);
}
END_TEST

/* --- Which quality fits ------------------------------------------------------------------------------------------- */

START_TEST(the_jpeg_within_a_size_is_the_best_that_fits)
{
	struct picture picture = picture_new(130, 97, 3, (uint32_t)_i);
	struct ic_pixels pixels = pixels_of(&picture);
	size_t nbytes[IC_QUALITY_MAX + 2] = {0};

	for (int quality = 1; quality <= IC_QUALITY_MAX; quality++) {
		struct bytes jpeg = compress(&pixels, quality);
		nbytes[quality] = jpeg.nbytes;
		free(jpeg.data);
	}
	nbytes[IC_QUALITY_MAX + 1] = SIZE_MAX;
	for (size_t most = nbytes[1]; most < nbytes[IC_QUALITY_MAX] + 200; most += 97) {
		int quality = 0;
		struct bytes jpeg = {0};
		ck_assert_int_eq(ic_compress_jpeg_within(&pixels, most, &quality, &jpeg.data, &jpeg.nbytes, NULL), 0);
		ck_assert(quality >= 1 && quality <= IC_QUALITY_MAX);
		ck_assert_uint_eq(jpeg.nbytes, nbytes[quality]);
		ck_assert(jpeg.nbytes <= most && nbytes[quality + 1] > most);
		struct bytes again = compress(&pixels, quality);
		ck_assert_mem_eq(jpeg.data, again.data, jpeg.nbytes);
		free(again.data);
		free(jpeg.data);
	}
	picture_clear(&picture);
}
END_TEST

START_TEST(what_is_wrong_is_refused)
{
	static uint8_t row[3 * 65501];
	static const struct {
		struct ic_pixels pixels;
		int quality;
		errint_t err;
	} bad[] = {
	        {{row, 0, 1, 3}, 50, -EINVAL},    {{row, 1, 0, 3}, 50, -EINVAL},    {{row, 8, 8, 2}, 50, -EINVAL},
	        {{row, 8, 8, 4}, 50, -EINVAL},    {{row, 8, 8, 3}, 0, -EINVAL},     {{row, 8, 8, 3}, 101, -EINVAL},
	        {{row, 65501, 1, 3}, 50, -EFBIG}, {{row, 1, 65501, 3}, 50, -EFBIG},
	};
	const struct ic_pixels longest = {row, 65500, 1, 3}, small = {row, 8, 8, 3};

	for (unsigned i = 0; i < COUNT(bad); i++) {
		struct bytes none = {NULL, 7};
		struct ic_why why = {""};
		ck_assert_int_eq(ic_compress_jpeg(&bad[i].pixels, bad[i].quality, &none.data, &none.nbytes, &why),
		                 bad[i].err);
		ck_assert(why.text[0] && !none.data && none.nbytes == 7);
	}
	struct bytes jpeg = compress(&longest, 50), none = {NULL, 7};
	int quality = 5;
	ck_assert_int_eq(ic_compress_jpeg_within(&small, 100, &quality, &none.data, &none.nbytes, NULL), -ERANGE);
	ck_assert_int_eq(ic_compress_jpeg_within(&bad[0].pixels, 1000, &quality, &none.data, &none.nbytes, NULL),
	                 -EINVAL);
	ck_assert(quality == 5 && !none.data && none.nbytes == 7);
	free(jpeg.data);
}
END_TEST

/* --- The measures ------------------------------------------------------------------------------------------------- */

START_TEST(psnr_is_that_of_the_mean_square)
{
	uint8_t a[1000], b[1000];

	memset(a, 100, sizeof(a));
	memset(b, 100, sizeof(b));
	ck_assert(isinf(ic_psnr(a, b, sizeof(a))));
	b[7] = 110; /* a mean square of 0.1 */
	ck_assert_double_eq_tol(ic_psnr(a, b, sizeof(a)), 10 * log10(255.0 * 255 / 0.1), 1e-9);
	memset(a, 0, sizeof(a));
	memset(b, 255, sizeof(b));
	ck_assert_double_eq_tol(ic_psnr(a, b, sizeof(a)), 0, 1e-12);
}
END_TEST

static double luma_at(const struct picture *picture, uint32_t x, uint32_t y)
{
	const uint8_t *rgb = picture->rgb + (size_t)3 * (y * picture->width + x);

	return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
}

/* Equation 13 of the paper at one place: weighted means, then deviations from them. */
static double ssim_at(const struct picture *a, const struct picture *b, uint32_t left, uint32_t top)
{
	double total = 0, x = 0, y = 0, xx = 0, yy = 0, xy = 0;

	for (int pass = 0; pass < 3; pass++) {
		for (int j = -5; j <= 5; j++) {
			for (int i = -5; i <= 5; i++) {
				double w = exp(-(i * i + j * j) / 4.5);
				double p = luma_at(a, left + (uint32_t)(i + 5), top + (uint32_t)(j + 5));
				double q = luma_at(b, left + (uint32_t)(i + 5), top + (uint32_t)(j + 5));
				if (pass == 0)
					total += w;
				if (pass == 1)
					x += w / total * p, y += w / total * q;
				if (pass == 2) {
					xx += w / total * (p - x) * (p - x);
					yy += w / total * (q - y) * (q - y);
					xy += w / total * (p - x) * (q - y);
				}
			}
		}
	}
	return (2 * x * y + 6.5025) * (2 * xy + 58.5225) / ((x * x + y * y + 6.5025) * (xx + yy + 58.5225));
}

START_TEST(ssim_is_that_of_the_paper)
{
	static const struct {
		uint32_t width, height;
	} of[] = {{11, 11}, {11, 30}, {40, 11}, {53, 38}};

	for (unsigned i = 0; i < COUNT(of); i++) {
		struct picture a = picture_new(of[i].width, of[i].height, i, i);
		struct ic_pixels pixels = pixels_of(&a);
		struct bytes jpeg = compress(&pixels, 1 + 20 * (int)i);
		struct picture b = jpegread_rgb(jpeg);
		double sum = 0, ssim = 0, self = 0;

		for (uint32_t y = 0; y + 11 <= a.height; y++)
			for (uint32_t x = 0; x + 11 <= a.width; x++)
				sum += ssim_at(&a, &b, x, y);
		ck_assert_int_eq(ic_ssim_rgb(a.rgb, b.rgb, a.width, a.height, &ssim), 0);
		ck_assert_double_eq_tol(ssim, sum / ((a.width - 10) * (a.height - 10)), 1e-9);
		ck_assert_double_lt(ssim, 0.999);
		ck_assert_int_eq(ic_ssim_rgb(a.rgb, a.rgb, a.width, a.height, &self), 0);
		ck_assert_double_eq_tol(self, 1, 1e-12);
		picture_clear(&a);
		picture_clear(&b);
		free(jpeg.data);
	}
}
END_TEST

START_TEST(no_window_lies_in_less_than_it)
{
	static const uint8_t rgb[3 * 11 * 11];
	double ssim = 7;

	ck_assert_int_eq(ic_ssim_rgb(rgb, rgb, 10, 11, &ssim), -ERANGE);
	ck_assert_int_eq(ic_ssim_rgb(rgb, rgb, 11, 10, &ssim), -ERANGE);
	ck_assert_int_eq(ic_ssim_rgb(rgb, rgb, 0, 0, &ssim), -ERANGE);
	ck_assert_double_eq(ssim, 7);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, jpegs_are_baseline_and_of_the_pictures_size);
	tcase_add_test(cases, quality_scales_the_tables_of_annex_k);
	tcase_add_test(cases, the_best_quality_shows_the_pixels);
	tcase_add_test(cases, a_jpeg_takes_nearly_300_bytes_beside_its_pixels);
	tcase_add_loop_test(cases, the_jpeg_within_a_size_is_the_best_that_fits, 0, 2);
	tcase_add_test(cases, what_is_wrong_is_refused);
	tcase_add_test(cases, psnr_is_that_of_the_mean_square);
	tcase_add_test(cases, ssim_is_that_of_the_paper);
	tcase_add_test(cases, no_window_lies_in_less_than_it);
}

int main(void)
{
	return suite_run("compress", add_tests);
}
