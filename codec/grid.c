/* SPDX-License-Identifier: MIT */
#include "codec/grid_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libjpeg does not apply the triangle filter across to planes this narrow. */
#define TRIANGLE_WIDTH_MIN 3

static bool is_half(const struct grid_axis *axis)
{
	return 2 * axis->num == axis->den;
}

/* Means of two, at whole numbers of samples. */
static bool is_two(const struct grid_axis *axis)
{
	return axis->num % axis->den == 0 && axis->span == 2 * axis->den;
}

static bool shrinks(const struct grid_axis *axis)
{
	return axis->num >= axis->den;
}

/* The samples that target sample i stands for: from *begin, `n` of them, before the edge is applied. */
static inline uint32_t interval(const struct grid_axis *axis, uint32_t i, uint32_t *ret_n)
{
	uint64_t at = (uint64_t)i * axis->num;
	uint32_t begin = (uint32_t)(at / axis->den);
	uint32_t end = (uint32_t)((at + axis->span) / axis->den);
	*ret_n = end > begin ? end - begin : 1;
	return begin;
}

static inline uint32_t at_most(uint32_t n, uint32_t last)
{
	return n < last ? n : last;
}

/* --- Down and across: means -------------------------------------------------------------------------------------- */

/* Sums of each column over the rows of target row `row`; returns how many rows. */
static uint32_t sum_rows(const struct plane8 *source, const struct grid_axis *y, uint32_t row, uint32_t *sums)
{
	uint32_t n, begin = interval(y, row, &n);
	memset(sums, 0, source->width * sizeof *sums);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *in = source->samples + at_most(begin + i, source->height - 1) * source->stride;
		for (uint32_t x = 0; x < source->width; x++)
			sums[x] += in[x];
	}
	return n;
}

/* Targets whose samples all lie inside the source, for whole ratios and counts that are powers of two, which most are:
 * the same means without a division each. Returns how many targets were made. */
static uint32_t mean_inside(const struct plane8 *source, const struct grid_axis *x, const uint32_t *sums,
                            uint32_t nrows, uint32_t width, uint8_t *out)
{
	uint32_t step = x->num / x->den, n = x->span / x->den, count = n * nrows;
	if (x->num % x->den || x->span % x->den || !n || (count & (count - 1)) || source->width < n)
		return 0;
	uint32_t inside = at_most((source->width - n) / step + 1, width);
	unsigned bits = (unsigned)__builtin_ctz(count);
	for (uint32_t i = 0; i < inside; i++) {
		uint32_t sum = count / 2;
		for (uint32_t j = 0; j < n; j++)
			sum += sums[i * step + j];
		out[i] = (uint8_t)(sum >> bits);
	}
	return inside;
}

static void mean_row(const struct plane8 *source, const struct grid_axis *x, const uint32_t *sums, uint32_t nrows,
                     uint32_t width, uint8_t *out)
{
	for (uint32_t i = mean_inside(source, x, sums, nrows, width, out); i < width; i++) {
		uint32_t n, begin = interval(x, i, &n), sum = 0;
		for (uint32_t j = 0; j < n; j++)
			sum += sums[at_most(begin + j, source->width - 1)];
		uint32_t count = n * nrows;
		out[i] = (uint8_t)((sum + count / 2) / count);
	}
}

static inline void mean_squares(const uint8_t *restrict top, const uint8_t *restrict bottom, size_t step, size_t n,
                                uint8_t *restrict out)
{
	for (size_t i = 0; i < n; i++) {
		const uint8_t *a = top + i * step, *b = bottom + i * step;
		out[i] = (uint8_t)((a[0] + a[1] + b[0] + b[1] + 2) >> 2);
	}
}

/* Means of two by two, which finer chroma comes down by: constant steps make vectors. */
static void square_row(const struct plane8 *source, const struct grid_axis *x, const uint8_t *top,
                       const uint8_t *bottom, uint32_t width, uint8_t *out)
{
	uint32_t step = x->num / x->den, last = source->width - 1;
	uint32_t inside = source->width < 2 ? 0 : at_most((source->width - 2) / step + 1, width);
	if (step == 2)
		mean_squares(top, bottom, 2, inside, out);
	else if (step == 4)
		mean_squares(top, bottom, 4, inside, out);
	else
		mean_squares(top, bottom, step, inside, out);
	for (uint32_t i = inside; i < width; i++) {
		uint32_t left = at_most(i * step, last), right = at_most(i * step + 1, last);
		out[i] = (uint8_t)((top[left] + top[right] + bottom[left] + bottom[right] + 2) >> 2);
	}
}

/* A mean of one sample: the sample. What `drop` does, and what repeating does. */
static void pick_row(const struct plane8 *source, const struct grid_axis *x, const uint8_t *in, uint32_t width,
                     uint8_t *out)
{
	uint64_t at = 0;
	if (x->num == x->den) {
		memcpy(out, in, width);
		return;
	}
	if (x->num % x->den == 0) {
		uint32_t step = x->num / x->den;
		for (uint32_t i = 0; i < width; i++)
			out[i] = in[i * step];
		return;
	}
	for (uint32_t i = 0; i < width; i++, at += x->num)
		out[i] = in[at_most((uint32_t)(at / x->den), source->width - 1)];
}

/* --- Up: the triangle filter, with the roundings of libjpeg ------------------------------------------------------ */

/* The row that weighs 1 against the 3 of the row below or above: the neighbour on the side target row `row` lies. */
static uint32_t far_row(uint32_t row, uint32_t last)
{
	uint32_t near = row / 2;
	if (row % 2)
		return at_most(near + 1, last);
	return near ? near - 1 : 0;
}

/* Across: 3 to 1 of `in` at scale `scale` (1 or 4, so that sums of a vertical pass keep their fraction). Pairs of targets
 * whose neighbours are all there come first, in a loop that makes vectors. */
static void triangle_across(const uint16_t *in, uint32_t n, uint32_t scale, uint32_t width, uint8_t *out)
{
	uint16_t even = scale == 1 ? 1 : 8, odd = scale == 1 ? 2 : 7;
	unsigned bits = scale == 1 ? 2 : 4;
	uint32_t inside = width / 2 < n - 1 ? width / 2 : n - 1;
	for (uint32_t i = 1; i < inside; i++) {
		uint16_t near = (uint16_t)(3 * in[i]);
		out[2 * i] = (uint8_t)((uint16_t)(near + in[i - 1] + even) >> bits);
		out[2 * i + 1] = (uint8_t)((uint16_t)(near + in[i + 1] + odd) >> bits);
	}
	for (uint32_t x = 0; x < width; x++) {
		if (x == 2 && inside > 1)
			x = 2 * inside;
		if (x < width)
			out[x] = (uint8_t)((3u * in[x / 2] + in[far_row(x, n - 1)] + (x % 2 ? odd : even)) >> bits);
	}
}

static void triangle_down(const uint8_t *near, const uint8_t *other, bool is_odd, uint32_t width, uint8_t *out)
{
	for (uint32_t i = 0; i < width; i++)
		out[i] = (uint8_t)((3u * near[i] + other[i] + (is_odd ? 2 : 1)) >> 2);
}

/* --- A row at a time --------------------------------------------------------------------------------------------- */

struct rows {
	const struct plane8 *source;
	struct grid_axis x, y;
	uint32_t width;
	bool triangle_x, triangle_y;
	bool one_sample; /* no mean is taken over more than one */
	bool squares;    /* each is taken over two by two */
	uint32_t *sums;  /* source->width */
	uint16_t *wide;  /* source->width */
	uint8_t *narrow; /* source->width or `width`, whichever is longer */
};

static const uint8_t *source_row(const struct plane8 *source, uint32_t row)
{
	return source->samples + (size_t)at_most(row, source->height - 1) * source->stride;
}

static void row_both_ways(const struct rows *r, uint32_t row, uint8_t *out)
{
	const uint8_t *near = source_row(r->source, row / 2);
	const uint8_t *other = source_row(r->source, far_row(row, r->source->height - 1));
	for (uint32_t i = 0; i < r->source->width; i++)
		r->wide[i] = (uint16_t)(3u * near[i] + other[i]);
	triangle_across(r->wide, r->source->width, 4, r->width, out);
}

/* Means along y, then the triangle along x. */
static void row_across(const struct rows *r, uint32_t row, uint8_t *out)
{
	uint32_t nrows = sum_rows(r->source, &r->y, row, r->sums);
	for (uint32_t i = 0; i < r->source->width; i++)
		r->wide[i] = (uint16_t)((r->sums[i] + nrows / 2) / nrows);
	triangle_across(r->wide, r->source->width, 1, r->width, out);
}

/* The triangle along y, then means along x. */
static void row_down(const struct rows *r, uint32_t row, uint8_t *out)
{
	triangle_down(source_row(r->source, row / 2), source_row(r->source, far_row(row, r->source->height - 1)),
	              row % 2, r->source->width, r->narrow);
	for (uint32_t i = 0; i < r->source->width; i++)
		r->sums[i] = r->narrow[i];
	mean_row(r->source, &r->x, r->sums, 1, r->width, out);
}

static void make_row(const struct rows *r, uint32_t row, uint8_t *out)
{
	if (r->triangle_x && r->triangle_y) {
		row_both_ways(r, row, out);
	} else if (r->triangle_x) {
		row_across(r, row, out);
	} else if (r->triangle_y) {
		row_down(r, row, out);
	} else if (r->one_sample) {
		uint32_t n;
		pick_row(r->source, &r->x, source_row(r->source, interval(&r->y, row, &n)), r->width, out);
	} else if (r->squares) {
		uint32_t n, begin = interval(&r->y, row, &n);
		square_row(r->source, &r->x, source_row(r->source, begin), source_row(r->source, begin + 1), r->width,
		           out);
	} else {
		uint32_t nrows = sum_rows(r->source, &r->y, row, r->sums);
		mean_row(r->source, &r->x, r->sums, nrows, r->width, out);
	}
}

int grid_resample(const struct plane8 *source, struct grid_axis x, struct grid_axis y, uint32_t width, uint32_t height,
                  uint8_t *out, size_t out_stride)
{
	/* The cases in which libjpeg applies the filter; elsewhere it repeats samples. */
	bool wide_enough = source->width >= TRIANGLE_WIDTH_MIN;
	struct rows rows = {
	        .source = source,
	        .x = x,
	        .y = y,
	        .width = width,
	        .triangle_x = is_half(&x) && wide_enough && (is_half(&y) || shrinks(&y)),
	        .triangle_y = is_half(&y) && (shrinks(&x) || (is_half(&x) && wide_enough)),
	        .one_sample = x.span <= x.den && y.span <= y.den,
	        .squares = is_two(&x) && is_two(&y),
	};

	size_t longest = source->width > width ? source->width : width;
	rows.sums = malloc(longest * (sizeof *rows.sums + sizeof *rows.wide + sizeof *rows.narrow));
	if (!rows.sums)
		return -ENOMEM;
	rows.wide = (uint16_t *)(rows.sums + longest);
	rows.narrow = (uint8_t *)(rows.wide + longest);
	for (uint32_t row = 0; row < height; row++)
		make_row(&rows, row, out + row * out_stride);
	free(rows.sums);
	return 0;
}

void grid_pad(uint8_t *samples, size_t stride, uint32_t width, uint32_t height, uint32_t padded_height)
{
	for (uint32_t row = 0; row < height; row++)
		memset(samples + row * stride + width, samples[row * stride + width - 1], stride - width);
	for (uint32_t row = height; row < padded_height; row++)
		memcpy(samples + row * stride, samples + (size_t)(height - 1) * stride, stride);
}
