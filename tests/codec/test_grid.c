/* SPDX-License-Identifier: MIT */
/* From grid to grid: against libjpeg's upsampling, and against docs/format.md, 5.2, one sample at a time. */
#include "codec/grid_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <stdlib.h>
#include <string.h>

#define GAP 3
#define CANARY 0xa5

/* grid_resample between guarded planes with gaps between their rows; the result without gaps, to be freed. */
static uint8_t *resample(const uint8_t *samples, uint32_t width, uint32_t height, struct grid_axis x,
                         struct grid_axis y, uint32_t out_width, uint32_t out_height)
{
	size_t stride = width + GAP, out_stride = out_width + GAP;
	size_t nbytes = stride * (height - 1) + width, out_nbytes = out_stride * (out_height - 1) + out_width;
	struct guard in = guard_new(nbytes), out = guard_new(out_nbytes);
	uint8_t *source = guard_tail(&in, nbytes), *target = guard_tail(&out, out_nbytes);
	uint8_t *result = malloc((size_t)out_width * out_height);
	const struct plane8 plane = {source, stride, width, height};

	ck_assert_ptr_nonnull(result);
	memset(source, CANARY, nbytes);
	memset(target, CANARY, out_nbytes);
	for (uint32_t row = 0; row < height; row++)
		memcpy(source + row * stride, samples + (size_t)row * width, width);
	ck_assert_int_eq(grid_resample(&plane, x, y, out_width, out_height, target, out_stride), 0);
	for (uint32_t row = 0; row < out_height; row++) {
		memcpy(result + (size_t)row * out_width, target + row * out_stride, out_width);
		for (size_t gap = out_width; gap < out_stride && row + 1 < out_height; gap++)
			ck_assert_uint_eq(target[row * out_stride + gap], CANARY);
	}
	guard_clear(&in);
	guard_clear(&out);
	return result;
}

/* --- libjpeg ------------------------------------------------------------------------------------------------------- */

struct decoded {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
};

static void decoded_open(struct decoded *d, struct bytes jpeg)
{
	d->jpeg.err = jpeg_std_error(&d->errors);
	jpeg_create_decompress(&d->jpeg);
	jpeg_mem_src(&d->jpeg, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&d->jpeg, TRUE);
	d->jpeg.dct_method = JDCT_ISLOW;
	d->jpeg.out_color_space = JCS_YCbCr;
}

/* One component of the full-size image: fancy upsampling is libjpeg's default. */
static uint8_t *upsampled_by_libjpeg(struct bytes jpeg, unsigned component)
{
	struct decoded d;

	decoded_open(&d, jpeg);
	jpeg_start_decompress(&d.jpeg);
	size_t width = d.jpeg.output_width;
	uint8_t *row = malloc(3 * width), *out = malloc(width * d.jpeg.output_height);
	ck_assert(row && out);
	while (d.jpeg.output_scanline < d.jpeg.output_height) {
		uint8_t *at = out + width * d.jpeg.output_scanline;

		jpeg_read_scanlines(&d.jpeg, &row, 1);
		for (size_t x = 0; x < width; x++)
			at[x] = row[3 * x + component];
	}
	jpeg_destroy_decompress(&d.jpeg);
	free(row);
	return out;
}

#define RAW_SIDE 512 /* no component of these tests is larger */

/* One component on its own grid, as it leaves the inverse DCT. */
static uint8_t *raw_by_libjpeg(struct bytes jpeg, unsigned component, uint32_t *ret_width, uint32_t *ret_height)
{
	static uint8_t planes[3][RAW_SIDE][RAW_SIDE];
	struct decoded d;

	decoded_open(&d, jpeg);
	d.jpeg.raw_data_out = TRUE;
	jpeg_start_decompress(&d.jpeg);
	for (uint32_t mcu_row = 0; d.jpeg.output_scanline < d.jpeg.output_height; mcu_row++) {
		JSAMPROW rows[3][4 * 8];
		JSAMPARRAY arrays[3] = {rows[0], rows[1], rows[2]};

		for (int c = 0; c < 3; c++) {
			uint32_t nrows = 8u * (uint32_t)d.jpeg.comp_info[c].v_samp_factor;

			for (uint32_t row = 0; row < nrows; row++)
				rows[c][row] = planes[c][mcu_row * nrows + row];
		}
		jpeg_read_raw_data(&d.jpeg, arrays, 8u * (uint32_t)d.jpeg.max_v_samp_factor);
	}
	*ret_width = d.jpeg.comp_info[component].downsampled_width;
	*ret_height = d.jpeg.comp_info[component].downsampled_height;
	jpeg_destroy_decompress(&d.jpeg);

	uint8_t *out = malloc((size_t)*ret_width * *ret_height);
	ck_assert_ptr_nonnull(out);
	for (uint32_t row = 0; row < *ret_height; row++)
		memcpy(out + (size_t)row * *ret_width, planes[component][row], *ret_width);
	return out;
}

static void check_upsampling(uint32_t width, uint32_t height, uint8_t h, uint8_t v)
{
	const struct jpeg_spec spec = {.quality = 100, .h = {h, 1, 1}, .v = {v, 1, 1}};
	struct bytes jpeg = jpeg_new(width, height, width * 50 + height, &spec);

	for (unsigned c = 0; c < 3; c++) {
		uint32_t own_width, own_height, factor_h = c ? 1 : h, factor_v = c ? 1 : v;
		uint8_t *raw = raw_by_libjpeg(jpeg, c, &own_width, &own_height);
		uint8_t *theirs = upsampled_by_libjpeg(jpeg, c);
		uint8_t *ours = resample(raw, own_width, own_height, (struct grid_axis){factor_h, h, factor_h},
		                         (struct grid_axis){factor_v, v, factor_v}, width, height);

		for (size_t i = 0; i < (size_t)width * height; i++) {
			if (ours[i] != theirs[i])
				ck_abort_msg("%u x %u at %ux%u, component %u, (%zu, %zu): %u, not %u", width, height, h,
				             v, c, i % width, i / width, ours[i], theirs[i]);
		}
		free(raw);
		free(theirs);
		free(ours);
	}
	free(jpeg.data);
}

static const uint8_t factors[][2] = {{1, 1}, {2, 1}, {1, 2}, {2, 2}, {4, 1}, {4, 2}, {1, 4}, {2, 4}};

START_TEST(chroma_comes_up_as_in_libjpeg)
{
	static const uint32_t sizes[][2] = {{16, 16}, {31, 33}, {64, 63}, {121, 83}, {200, 150}};

	for (uint32_t width = 1; width <= 9; width++)
		for (uint32_t height = 1; height <= 9; height++)
			check_upsampling(width, height, factors[_i][0], factors[_i][1]);
	for (size_t i = 0; i < COUNT(sizes); i++)
		check_upsampling(sizes[i][0], sizes[i][1], factors[_i][0], factors[_i][1]);
}
END_TEST

/* --- The text, sample by sample --------------------------------------------------------------------------------------- */

/* One way through docs/format.md, 5.2: target sample i stands for `first` and as many as `count` says. */
struct way {
	uint32_t ratio_num, ratio_den; /* X c h / hmax */
	uint32_t mean_num;             /* e c h, over the same hmax */
	uint32_t source, target;       /* samples */
};

static uint32_t first_of(const struct way *w, uint32_t i)
{
	return i * w->ratio_num / w->ratio_den;
}

static uint32_t count_of(const struct way *w, uint32_t i)
{
	uint32_t end = (i * w->ratio_num + w->mean_num) / w->ratio_den;

	return end > first_of(w, i) ? end - first_of(w, i) : 1;
}

static bool is_half(const struct way *w)
{
	return w->ratio_num * 2 == w->ratio_den;
}

static bool is_one_or_more(const struct way *w)
{
	return w->ratio_num >= w->ratio_den;
}

struct source {
	const uint8_t *samples;
	struct way x, y;
};

/* Past the last sample, the last is taken again. */
static uint32_t at(const struct source *s, int64_t x, int64_t y)
{
	x = x < 0 ? 0 : x < s->x.source ? x : s->x.source - 1;
	y = y < 0 ? 0 : y < s->y.source ? y : s->y.source - 1;
	return s->samples[y * s->x.source + x];
}

/* The neighbour on the side on which target sample i lies. */
static int64_t far_of(uint32_t i)
{
	return i % 2 ? (int64_t)i / 2 + 1 : (int64_t)i / 2 - 1;
}

static uint32_t mean_of_area(const struct source *s, uint32_t i, uint32_t j)
{
	uint32_t sum = 0, nx = count_of(&s->x, i), ny = count_of(&s->y, j), n = nx * ny;

	for (uint32_t y = 0; y < ny; y++)
		for (uint32_t x = 0; x < nx; x++)
			sum += at(s, first_of(&s->x, i) + x, first_of(&s->y, j) + y);
	return (sum + n / 2) / n;
}

static uint32_t mean_down(const struct source *s, int64_t x, uint32_t j)
{
	uint32_t sum = 0, n = count_of(&s->y, j);

	for (uint32_t y = 0; y < n; y++)
		sum += at(s, x, first_of(&s->y, j) + y);
	return (sum + n / 2) / n;
}

static uint32_t triangle_down(const struct source *s, int64_t x, uint32_t j)
{
	return (3 * at(s, x, j / 2) + at(s, x, far_of(j)) + (j % 2 ? 2 : 1)) >> 2;
}

static uint32_t triangle_both(const struct source *s, uint32_t i, uint32_t j)
{
	uint32_t near = 3 * at(s, i / 2, j / 2) + at(s, i / 2, far_of(j));
	uint32_t far = 3 * at(s, far_of(i), j / 2) + at(s, far_of(i), far_of(j));

	return (3 * near + far + (i % 2 ? 7 : 8)) >> 4;
}

static uint32_t sample_by_text(const struct source *s, uint32_t i, uint32_t j)
{
	bool wide = s->x.source >= 3;

	if (is_half(&s->x) && is_half(&s->y) && wide)
		return triangle_both(s, i, j);
	if (is_half(&s->x) && is_one_or_more(&s->y) && wide)
		return (3 * mean_down(s, i / 2, j) + mean_down(s, far_of(i), j) + (i % 2 ? 2 : 1)) >> 2;
	if (is_half(&s->y) && is_one_or_more(&s->x)) {
		uint32_t sum = 0, n = count_of(&s->x, i);

		for (uint32_t x = 0; x < n; x++)
			sum += triangle_down(s, first_of(&s->x, i) + x, j);
		return (sum + n / 2) / n;
	}
	return mean_of_area(s, i, j);
}

static uint32_t ceil_div(uint32_t a, uint32_t b)
{
	return (a + b - 1) / b;
}

/* All ways that a side of `pixels` can go: sampling, chroma, filter and factors. */
#define NWAYS (3 * 2 * 2 * 10)

static struct way way_at(unsigned n, uint32_t pixels)
{
	static const uint8_t of_max[10][2] = {{1, 1}, {1, 2}, {2, 2}, {1, 3}, {2, 3},
	                                      {3, 3}, {1, 4}, {2, 4}, {3, 4}, {4, 4}};
	uint32_t sampling = 1u << n % 3, chroma = 1 + n / 3 % 2, h = of_max[n / 12][0], max = of_max[n / 12][1];
	bool box = n / 6 % 2;

	return (struct way){
	        .ratio_num = sampling * chroma * h,
	        .ratio_den = max,
	        .mean_num = (box ? sampling : 1) * chroma * h,
	        .source = ceil_div(pixels * h, max),
	        .target = ceil_div(ceil_div(pixels, sampling), chroma),
	};
}

static void check_resampling(const struct source *s)
{
	uint8_t *found = resample(
	        s->samples, s->x.source, s->y.source, (struct grid_axis){s->x.ratio_num, s->x.ratio_den, s->x.mean_num},
	        (struct grid_axis){s->y.ratio_num, s->y.ratio_den, s->y.mean_num}, s->x.target, s->y.target);

	for (uint32_t j = 0; j < s->y.target; j++) {
		for (uint32_t i = 0; i < s->x.target; i++) {
			uint32_t expected = sample_by_text(s, i, j);

			if (found[j * s->x.target + i] != expected)
				ck_abort_msg("%u x %u samples at %u/%u over %u and %u/%u over %u: (%u, %u) is %u, not "
				             "%u",
				             s->x.source, s->y.source, s->x.ratio_num, s->x.ratio_den, s->x.mean_num,
				             s->y.ratio_num, s->y.ratio_den, s->y.mean_num, i, j,
				             found[j * s->x.target + i], expected);
		}
	}
	free(found);
}

START_TEST(every_ratio_is_as_written)
{
	static const uint32_t sizes[][2] = {{1, 1}, {2, 5}, {5, 2}, {13, 11}, {37, 26}, {131, 7}};
	uint8_t samples[37 * 37];
	struct dice dice = dice_new((uint64_t)_i);
	unsigned nchecked = 0;

	for (size_t i = 0; i < COUNT(samples); i++)
		samples[i] = (uint8_t)dice_roll(&dice, 256);
	for (unsigned across = 0; across < NWAYS; across++) {
		for (unsigned down = 0; down < NWAYS; down++) {
			/* The filter and c are one for both. */
			if (across / 3 % 4 != down / 3 % 4)
				continue;
			check_resampling(
			        &(struct source){samples, way_at(across, sizes[_i][0]), way_at(down, sizes[_i][1])});
			nchecked++;
		}
	}
	ck_assert_uint_eq(nchecked, NWAYS * NWAYS / 4);
	ck_assert_uint_eq(COUNT(sizes), 6);
}
END_TEST

/* What a decoder does with c2 chroma: the same filter, to a grid that may be one sample short of twice the size. */
START_TEST(chroma_of_an_object_comes_up)
{
	uint8_t samples[33 * 33];
	struct dice dice = dice_new(3);

	for (size_t i = 0; i < COUNT(samples); i++)
		samples[i] = (uint8_t)dice_roll(&dice, 256);
	for (uint32_t width = 1; width <= 65; width++) {
		const struct way x = {1, 2, 1, (width + 1) / 2, width};

		for (uint32_t height = 1; height <= 65; height += height < 9 ? 1 : 7)
			check_resampling(&(struct source){samples, x, {1, 2, 1, (height + 1) / 2, height}});
	}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, chroma_comes_up_as_in_libjpeg, 0, COUNT(factors));
	tcase_add_loop_test(cases, every_ratio_is_as_written, 0, 6);
	tcase_add_test(cases, chroma_of_an_object_comes_up);
}

int main(void)
{
	return suite_run("grid", add_tests);
}
