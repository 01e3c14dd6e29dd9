/* SPDX-License-Identifier: MIT */
/* Colour: against the real numbers of JFIF, libjpeg's own conversions and Pillow's formula for CMYK. */
#include "codec/color_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double clamp255(double value)
{
	return value < 0 ? 0 : value > 255 ? 255 : value;
}

/* All Cb, Cr and every third luma: the rest lies between. */
START_TEST(rgb_is_that_of_jfif_but_for_rounding)
{
	uint8_t y[256], cb[256], cr[256], rgb[3 * 256];

	for (unsigned i = 0; i < 256; i++)
		cr[i] = (uint8_t)i;
	for (unsigned luma = 0; luma < 256; luma += 3) {
		memset(y, (int)luma, sizeof(y));
		for (unsigned blue = 0; blue < 256; blue++) {
			memset(cb, (int)blue, sizeof(cb));
			color_ycc_to_rgb(y, cb, cr, 256, rgb);
			for (unsigned i = 0; i < 256; i++) {
				double b = blue - 128.0, r = i - 128.0;
				double exact[3] = {luma + 1.402 * r, luma - 0.344136 * b - 0.714136 * r,
				                   luma + 1.772 * b};

				for (unsigned c = 0; c < 3; c++) {
					if (fabs(rgb[3 * i + c] - clamp255(exact[c])) > 0.51)
						ck_abort_msg("%u %u %u: channel %u is %u, not %f", luma, blue, i, c,
						             rgb[3 * i + c], exact[c]);
				}
			}
		}
	}
}
END_TEST

START_TEST(ycc_is_that_of_jfif_but_for_rounding)
{
	for (unsigned red = 0; red < 256; red += 3) {
		for (unsigned green = 0; green < 256; green += 3) {
			uint8_t r[256], g[256], b[256];

			for (unsigned i = 0; i < 256; i++)
				b[i] = (uint8_t)i;
			memset(r, (int)red, sizeof(r));
			memset(g, (int)green, sizeof(g));
			color_rgb_to_ycc(r, g, b, 256);
			for (unsigned i = 0; i < 256; i++) {
				double y = 0.299 * red + 0.587 * green + 0.114 * i;
				double cb = (i - y) / 1.772 + 128, cr = (red - y) / 1.402 + 128;

				if (fabs(r[i] - y) > 0.51 || fabs(g[i] - clamp255(cb)) > 0.51 ||
				    fabs(b[i] - clamp255(cr)) > 0.51)
					ck_abort_msg("%u %u %u: %u %u %u, not %f %f %f", red, green, i, r[i], g[i],
					             b[i], y, cb, cr);
			}
		}
	}
}
END_TEST

/* --- libjpeg: a 4:4:4 picture of noise, once as components and once converted -------------------------------------- */

#define NOISE_SIDE 256

static struct bytes noise_jpeg(uint64_t seed, const struct jpeg_spec *spec)
{
	struct picture picture = {NOISE_SIDE, NOISE_SIDE, malloc(3 * NOISE_SIDE * NOISE_SIDE)};
	struct dice dice = dice_new(seed);

	ck_assert_ptr_nonnull(picture.rgb);
	for (size_t i = 0; i < 3 * NOISE_SIDE * NOISE_SIDE; i++)
		picture.rgb[i] = (uint8_t)(dice_roll(&dice, 4) ? dice_roll(&dice, 256) : 255 * dice_roll(&dice, 2));
	struct bytes jpeg = jpeg_make(&picture, spec);
	picture_clear(&picture);
	return jpeg;
}

/* Channels of the image in a colour space of libjpeg's, plane after plane. */
static void decode_as(struct bytes bytes, J_COLOR_SPACE space, unsigned nchannels, uint8_t *planes)
{
	static uint8_t line[4 * NOISE_SIDE];
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	JSAMPROW row = line;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, bytes.data, bytes.nbytes);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.dct_method = JDCT_ISLOW;
	jpeg.out_color_space = space;
	jpeg_start_decompress(&jpeg);
	ck_assert_int_eq(jpeg.output_components, (int)nchannels);
	while (jpeg.output_scanline < NOISE_SIDE) {
		size_t at = (size_t)jpeg.output_scanline * NOISE_SIDE;

		jpeg_read_scanlines(&jpeg, &row, 1);
		for (size_t i = 0; i < nchannels * NOISE_SIDE; i++)
			planes[i % nchannels * NOISE_SIDE * NOISE_SIDE + at + i / nchannels] = line[i];
	}
	jpeg_destroy_decompress(&jpeg);
}

#define NOISE_PIXELS ((size_t)NOISE_SIDE * NOISE_SIDE)

START_TEST(rgb_is_that_of_libjpeg)
{
	static uint8_t ycc[3 * NOISE_PIXELS], theirs[3 * NOISE_PIXELS];
	const struct jpeg_spec spec = {.quality = 100, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct bytes jpeg = noise_jpeg((uint64_t)_i, &spec);
	struct guard guard = guard_new(3 * NOISE_PIXELS);
	uint8_t *rgb = guard_tail(&guard, 3 * NOISE_PIXELS);

	decode_as(jpeg, JCS_YCbCr, 3, ycc);
	decode_as(jpeg, JCS_RGB, 3, theirs);
	color_ycc_to_rgb(ycc, ycc + NOISE_PIXELS, ycc + 2 * NOISE_PIXELS, NOISE_PIXELS, rgb);
	for (size_t i = 0; i < 3 * NOISE_PIXELS; i++)
		ck_assert_msg(rgb[i] == theirs[i % 3 * NOISE_PIXELS + i / 3], "pixel %zu", i / 3);
	guard_clear(&guard);
	free(jpeg.data);
}
END_TEST

/* libjpeg's forward conversion, seen through coefficients of 1 x 1 pixels would be rounded: so its formula, jccolor.c. */
START_TEST(ycc_is_that_of_libjpeg)
{
	struct dice dice = dice_new(1);

	for (unsigned i = 0; i < 200000; i++) {
		int32_t r = dice_between(&dice, 0, 255), g = dice_between(&dice, 0, 255),
		        b = dice_between(&dice, 0, 255);
		uint8_t y = (uint8_t)r, cb = (uint8_t)g, cr = (uint8_t)b;
		int32_t half = 32768, centre = 128 << 16;

		color_rgb_to_ycc(&y, &cb, &cr, 1);
		if (y != (19595 * r + 38470 * g + 7471 * b + half) >> 16 ||
		    cb != (-11059 * r - 21709 * g + 32768 * b + centre + half - 1) >> 16 ||
		    cr != (32768 * r - 27439 * g - 5329 * b + centre + half - 1) >> 16)
			ck_abort_msg("%d %d %d: %u %u %u", r, g, b, y, cb, cr);
	}
}
END_TEST

/* --- CMYK -------------------------------------------------------------------------------------------------------------- */

/* Pillow reads the inverted ink of JPEG files and converts by clip(255 - k - MULDIV255(c, 255 - k)). */
static uint8_t pillow_channel(unsigned stored, unsigned stored_black)
{
	unsigned ink = 255 - stored, white = stored_black, n = ink * white + 128;
	int value = (int)white - (int)(((n >> 8) + n) >> 8);

	return (uint8_t)(value < 0 ? 0 : value);
}

START_TEST(cmyk_is_that_of_pillow)
{
	for (unsigned k = 0; k < 256; k++) {
		for (unsigned i = 0; i < 256; i++) {
			uint8_t c = (uint8_t)i, m = (uint8_t)(i * 7 + k), y = (uint8_t)(255 - i), black = (uint8_t)k;
			uint8_t expected[3] = {pillow_channel(c, k), pillow_channel(m, k), pillow_channel(y, k)};

			color_rgb_to_ycc(&expected[0], &expected[1], &expected[2], 1);
			color_cmyk_to_ycc(&c, &m, &y, &black, 1);
			ck_assert_msg(c == expected[0] && m == expected[1] && y == expected[2], "%u %u", i, k);
		}
	}
}
END_TEST

/* libjpeg brings YCCK to CMYK; from there it is CMYK. */
START_TEST(ycck_is_cmyk_after_libjpeg)
{
	static uint8_t ycck[4 * NOISE_PIXELS], cmyk[4 * NOISE_PIXELS];
	const struct jpeg_spec spec = {.quality = 100, .space = JCS_YCCK, .h = {1, 1, 1, 1}, .v = {1, 1, 1, 1}};
	struct bytes jpeg = noise_jpeg(3, &spec);

	decode_as(jpeg, JCS_YCCK, 4, ycck);
	decode_as(jpeg, JCS_CMYK, 4, cmyk);
	color_ycck_to_ycc(ycck, ycck + NOISE_PIXELS, ycck + 2 * NOISE_PIXELS, ycck + 3 * NOISE_PIXELS, NOISE_PIXELS);
	color_cmyk_to_ycc(cmyk, cmyk + NOISE_PIXELS, cmyk + 2 * NOISE_PIXELS, cmyk + 3 * NOISE_PIXELS, NOISE_PIXELS);
	for (size_t i = 0; i < 3 * NOISE_PIXELS; i++)
		ck_assert_msg(ycck[i] == cmyk[i], "component %zu, pixel %zu", i / NOISE_PIXELS, i % NOISE_PIXELS);
	free(jpeg.data);
}
END_TEST

/* --- Rows of any length -------------------------------------------------------------------------------------------------- */

/* The filling that every machine has, and most do not choose. */
color_ycc_to_rgb_row color_ycc_to_rgb_c;

START_TEST(rows_of_any_length_stay_inside)
{
	struct dice dice = dice_new(9);
	struct guard guards[5];

	for (size_t i = 0; i < COUNT(guards); i++)
		guards[i] = guard_new(300);
	for (uint32_t n = 0; n <= 100; n++) {
		uint8_t *p[4], *rgb = guard_tail(&guards[4], 3 * n), copy[4][100], plain[300];

		for (size_t c = 0; c < 4; c++) {
			p[c] = guard_tail(&guards[c], n);
			for (uint32_t i = 0; i < n; i++)
				p[c][i] = copy[c][i] = (uint8_t)dice_roll(&dice, 256);
		}
		color_ycc_to_rgb_c(p[0], p[1], p[2], n, rgb);
		memcpy(plain, rgb, 3 * n);
		color_ycc_to_rgb(p[0], p[1], p[2], n, rgb);
		ck_assert_mem_eq(rgb, plain, 3 * n);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t one[3];

			color_ycc_to_rgb(&copy[0][i], &copy[1][i], &copy[2][i], 1, one);
			ck_assert_mem_eq(rgb + 3 * i, one, 3);
		}
		color_gray_to_rgb(p[3], n, rgb);
		for (uint32_t i = 0; i < 3 * n; i++)
			ck_assert_uint_eq(rgb[i], copy[3][i / 3]);
		color_rgb_to_ycc(p[0], p[1], p[2], n);
		color_cmyk_to_ycc(p[0], p[1], p[2], p[3], n);
		color_ycck_to_ycc(p[0], p[1], p[2], p[3], n);
		for (uint32_t i = 0; i < n; i++) {
			color_rgb_to_ycc(&copy[0][i], &copy[1][i], &copy[2][i], 1);
			color_cmyk_to_ycc(&copy[0][i], &copy[1][i], &copy[2][i], &copy[3][i], 1);
			color_ycck_to_ycc(&copy[0][i], &copy[1][i], &copy[2][i], &copy[3][i], 1);
			for (size_t c = 0; c < 4; c++)
				ck_assert_uint_eq(p[c][i], copy[c][i]);
		}
	}
	for (size_t i = 0; i < COUNT(guards); i++)
		guard_clear(&guards[i]);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, rgb_is_that_of_jfif_but_for_rounding);
	tcase_add_test(cases, ycc_is_that_of_jfif_but_for_rounding);
	tcase_add_loop_test(cases, rgb_is_that_of_libjpeg, 0, 4);
	tcase_add_test(cases, ycc_is_that_of_libjpeg);
	tcase_add_test(cases, cmyk_is_that_of_pillow);
	tcase_add_test(cases, ycck_is_cmyk_after_libjpeg);
	tcase_add_test(cases, rows_of_any_length_stay_inside);
}

int main(void)
{
	return suite_run("color", add_tests);
}
