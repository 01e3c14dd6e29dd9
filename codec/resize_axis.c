/* SPDX-License-Identifier: MIT */
#include "codec/resize_axis_priv.h"

#include <errno.h>
#include <stdlib.h>

/* The triangle of a place among the samples. Operations are those of precompute_coeffs() in Pillow's Resample.c, in its
 * order, for each is rounded. */
struct triangle {
	double middle, scale; /* 1 / half its width */
	uint32_t first, n;    /* samples that it reaches */
};

static double width_of(uint32_t nin, uint32_t nall)
{
	double ratio = (double)nin / nall;
	return ratio < 1 ? 1 : ratio;
}

static struct triangle triangle_at(uint32_t nin, uint32_t nall, uint32_t place)
{
	double width = width_of(nin, nall), middle = (place + 0.5) * ((double)nin / nall);
	double from = middle - width + 0.5, to = middle + width + 0.5;
	uint32_t first = from > 0 ? (uint32_t)from : 0, end = to < nin ? (uint32_t)to : nin;
	return (struct triangle){middle, 1.0 / width, first, end - first};
}

/* The height of the triangle above each sample. */
static double heights_of(const struct triangle *t, double *heights)
{
	double sum = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		double away = ((double)(i + t->first) - t->middle + 0.5) * t->scale;
		away = away < 0 ? -away : away;
		heights[i] = away < 1 ? 1 - away : 0;
		sum += heights[i];
	}
	return sum;
}

static void put_tap(struct resize_taps *taps, uint32_t i, uint32_t weight)
{
	taps[i / 2].high[i % 2] = (int16_t)(weight >> RESIZE_LOW_BITS);
	taps[i / 2].low[i % 2] = (int16_t)(weight & ((1u << RESIZE_LOW_BITS) - 1));
}

/* Without those at either end that are 0; some are not. Returns how many, and moves the triangle's first there. */
static uint32_t put_taps(struct triangle *t, double *heights, struct resize_taps *taps)
{
	double sum = heights_of(t, heights);
	uint32_t n = 0, nput = 0, nskipped = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t weight = (uint32_t)(0.5 + heights[i] / sum * RESIZE_ONE);
		if (!weight && !n) {
			nskipped++;
			continue;
		}
		put_tap(taps, n++, weight);
		nput = weight ? n : nput;
	}
	if (nput % 2)
		put_tap(taps, nput, 0);
	t->first += nskipped;
	return nput;
}

static errint_t allocate(struct resize_axis *axis, uint32_t nout, size_t ntaps, double **ret_heights)
{
	axis->nout = nout;
	axis->first = malloc(nout * sizeof *axis->first);
	axis->start = malloc((nout + (size_t)1) * sizeof *axis->start);
	axis->taps = malloc(nout * (ntaps / 2 + 1) * sizeof *axis->taps);
	*ret_heights = malloc(ntaps * sizeof **ret_heights);
	return axis->first && axis->start && axis->taps && *ret_heights ? 0 : -ENOMEM;
}

errint_t resize_axis_init(struct resize_axis *axis, uint32_t nin, uint32_t nall, uint32_t left, uint32_t nout)
{
	/* A triangle reaches 2 * width samples, and a part of one more. */
	size_t ntaps = 2 * (size_t)width_of(nin, nall) + 3;
	double *heights = NULL;
	struct resize_axis made = {.begin = nin};
	errint_t err = allocate(&made, nout, ntaps, &heights);
	uint32_t at = 0;
	for (uint32_t i = 0; i < nout && !err; i++) {
		struct triangle t = triangle_at(nin, nall, left + i);
		uint32_t n = put_taps(&t, heights, made.taps + at);
		made.first[i] = t.first;
		made.start[i] = at;
		at += (n + 1) / 2;
		made.begin = t.first < made.begin ? t.first : made.begin;
		made.end = t.first + n > made.end ? t.first + n : made.end;
		made.ntaps_max = n > made.ntaps_max ? n : made.ntaps_max;
	}
	free(heights);
	if (err) {
		resize_axis_clear(&made);
		return err;
	}
	made.start[nout] = at;
	*axis = made;
	return 0;
}

void resize_axis_clear(struct resize_axis *axis)
{
	free(axis->first);
	free(axis->start);
	free(axis->taps);
	*axis = (struct resize_axis){0};
}
