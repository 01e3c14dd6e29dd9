/* SPDX-License-Identifier: MIT */
#include "search/probe_resample_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WEIGHT_ONE 256 /* so that the sum of 8-bit samples with their weights fits 16 bits */

/* Where the triangle of a place lies among the samples. */
struct triangle {
	double middle, width;
	uint32_t first, n; /* samples that it may reach */
};

static struct triangle triangle_at(const struct resample_axis *axis, uint32_t place)
{
	double ratio = (double)axis->nin / axis->nout, width = ratio > 1 ? ratio : 1, middle = (place + 0.5) * ratio;
	double from = middle - width, to = middle + width;
	uint32_t first = from > 0 ? (uint32_t)from : 0, end = to < axis->nin ? (uint32_t)to + 1 : axis->nin;
	return (struct triangle){middle, width, first, (end > axis->nin ? axis->nin : end) - first};
}

static double height_at(const struct triangle *t, uint32_t sample)
{
	double away = (t->first + sample + 0.5 - t->middle) / t->width;
	away = away < 0 ? -away : away;
	return away < 1 ? 1 - away : 0;
}

/* Weights in whole numbers, each the difference of two rounded sums, so that they add up to exactly one. */
static void weigh(const struct triangle *t, uint16_t *weights)
{
	double all = 0, sum = 0;
	unsigned before = 0;
	for (uint32_t i = 0; i < t->n; i++)
		all += height_at(t, i);
	for (uint32_t i = 0; i < t->n; i++) {
		sum += height_at(t, i);
		unsigned until = i + 1 == t->n ? WEIGHT_ONE : (unsigned)(sum / all * WEIGHT_ONE + 0.5);
		weights[i] = (uint16_t)(until - before);
		before = until;
	}
}

errint_t resample_axis_init(struct resample_axis *axis, uint32_t nin, uint32_t nout)
{
	/* A triangle reaches 2 * max(1, ratio) samples, and parts of two more. */
	size_t nweights = 2 * (size_t)nin + 4 * (size_t)nout;
	struct resample_axis made = {
	        .nin = nin,
	        .nout = nout,
	        .first = malloc(nout * sizeof *made.first),
	        .start = malloc((nout + 1) * sizeof *made.start),
	        .weights = malloc(nweights * sizeof *made.weights),
	};
	*axis = (struct resample_axis){0};
	if (!made.first || !made.start || !made.weights) {
		resample_axis_clear(&made);
		return -ENOMEM;
	}
	made.start[0] = 0;
	for (uint32_t i = 0; i < nout; i++) {
		struct triangle t = triangle_at(&made, i);
		made.first[i] = t.first;
		weigh(&t, made.weights + made.start[i]);
		made.start[i + 1] = made.start[i] + t.n;
	}
	*axis = made;
	return 0;
}

void resample_axis_clear(struct resample_axis *axis)
{
	free(axis->first);
	free(axis->start);
	free(axis->weights);
	*axis = (struct resample_axis){0};
}

/* sum += in * weight */
static void add_row(const uint8_t *restrict in, unsigned weight, size_t n, uint16_t *restrict sum)
{
	for (size_t i = 0; i < n; i++)
		sum[i] = (uint16_t)(sum[i] + in[i] * weight);
}

static void round_row(const uint16_t *restrict sum, size_t n, uint8_t *restrict out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)((sum[i] + WEIGHT_ONE / 2) / WEIGHT_ONE);
}

/* Rows to rows: nout of them, each a mean of some of `in`, n samples long. */
static void resample_rows(const struct resample_axis *axis, const uint8_t *in, size_t stride, size_t n, uint16_t *sum,
                          uint8_t *out)
{
	for (uint32_t place = 0; place < axis->nout; place++, out += n) {
		const uint8_t *row = in + axis->first[place] * stride;
		memset(sum, 0, n * sizeof *sum);
		for (uint32_t i = axis->start[place]; i < axis->start[place + 1]; i++, row += stride)
			add_row(row, axis->weights[i], n, sum);
		round_row(sum, n, out);
	}
}

/* In tiles, so that what is read and what is written both stay in the cache. */
static void transpose(const uint8_t *in, size_t nrows, size_t ncolumns, uint8_t *out)
{
	enum { TILE = 16 };
	for (size_t top = 0; top < nrows; top += TILE)
		for (size_t x = 0; x < ncolumns; x++)
			for (size_t y = top; y < nrows && y < top + TILE; y++)
				out[x * nrows + y] = in[y * ncolumns + x];
}

size_t resample_nbytes(const struct resample_axis *x, const struct resample_axis *y)
{
	size_t longest = x->nin > y->nout ? x->nin : y->nout;
	return longest * sizeof(uint16_t) + 2 * (size_t)x->nin * y->nout;
}

void resample(const struct resample_axis *x, const struct resample_axis *y, const uint8_t *in, size_t stride,
              void *memory, uint8_t *out)
{
	size_t longest = x->nin > y->nout ? x->nin : y->nout;
	uint16_t *sum = memory;
	uint8_t *rows = (uint8_t *)(sum + longest), *columns = rows + (size_t)x->nin * y->nout;
	resample_rows(y, in, stride, x->nin, sum, rows);
	transpose(rows, y->nout, x->nin, columns);
	resample_rows(x, columns, y->nout, y->nout, sum, out);
}
