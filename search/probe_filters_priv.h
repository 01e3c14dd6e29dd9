/* SPDX-License-Identifier: MIT */
/*
 * probe_filters_priv.h: the filters of probe_features_priv.h, and how each scale of the grid lies before them.
 *
 * A filter is a wave of random direction, length and phase in one channel, or one in each of two, brought to three
 * values: +1 where the wave is highest, -1 at as many places where it is lowest, and 0. It has no mean, so it sees no
 * flat colour, and needs no product. Compared on photographs (docs/search.md), such filters are as good as Gaussian
 * ones.
 */
#pragma once

#include "search/probe_features_priv.h"

#define PROBE_WINDOW 5u    /* a filter sees so many columns and rows */
#define PROBE_CELLS 4u     /* along each side, over which responses are averaged */
#define PROBE_NSCALES 3u   /* the whole grid in steps of two samples, half of it, a quarter of it */
#define PROBE_NFILTERS 20u /* of each scale */
#define PROBE_NPAIRS 12u   /* of a filter: of its 25 places all but one, in both directions */

_Static_assert((PROBE_NSCALES * PROBE_NFILTERS + 3) * PROBE_CELLS * PROBE_CELLS == PROBE_NFEATURES, "as promised");
_Static_assert(PROBE_NPAIRS <= PROBE_NPAIRS_MAX && 2 * PROBE_NPAIRS <= PROBE_WINDOW * PROBE_WINDOW, "");

/* Windows begin at every `step`-th sample, and there are noutputs x noutputs of them. A row of the scale is, for each
 * channel, `step` rows of every step-th sample, so that neighbouring windows read neighbouring samples. */
struct probe_scale {
	unsigned noutputs, step;
	unsigned stride;   /* samples from one row of samples to the next */
	unsigned row_step; /* samples from the windows of one row to those of the next */
	struct probe_bank bank;
};

/* Samples of the finest scale, its rows padded by half a window at each side. */
#define PROBE_STRIDE_MAX 72u
#define PROBE_PADDED_MAX (3 * 2 * PROBE_STRIDE_MAX * (PROBE_SIDE + PROBE_WINDOW - 1))

struct probe_filters {
	struct probe_scale scales[PROBE_NSCALES];
	struct probe_pair pairs[PROBE_NSCALES * PROBE_NFILTERS * PROBE_NPAIRS];
};
