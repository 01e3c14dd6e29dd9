/* SPDX-License-Identifier: MIT */
#include "codec/resize_axis_priv.h"

#include "codec/resize.h"

#include <errno.h>
#include <stdlib.h>

/* The height of the triangle above each sample. */
static double heights_of(const struct resize_triangle *t, double *heights)
{
	double sum = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		heights[i] = resize_height_at(t, i);
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
static uint32_t put_taps(struct resize_triangle *t, double *heights, struct resize_taps *taps)
{
	double sum = heights_of(t, heights);
	uint32_t n = 0, nput = 0, nskipped = 0;
	for (uint32_t i = 0; i < t->n; i++) {
		uint32_t weight = resize_weight(heights[i], sum);
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
	size_t ntaps = resize_ntaps_max(nin, nall);
	double *heights = NULL;
	struct resize_axis made = {.begin = nin};
	errint_t err = allocate(&made, nout, ntaps, &heights);
	uint32_t at = 0;
	for (uint32_t i = 0; i < nout && !err; i++) {
		struct resize_triangle t = resize_triangle_at(nin, nall, left + i);
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
