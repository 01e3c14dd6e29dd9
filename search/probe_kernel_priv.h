/* SPDX-License-Identifier: MIT */
/*
 * probe_kernel_priv.h: the hot loop of the probe's features, compiled for more than one instruction set. All fillings
 * are the same arithmetic in whole numbers, so they give the same bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PROBE_COLUMNS 32u    /* columns are worked on so many at a time */
#define PROBE_RANGE 1024     /* samples of a grid lie in -PROBE_RANGE..PROBE_RANGE */
#define PROBE_NPAIRS_MAX 14u /* so that all pairs of a filter fit 16 bits */
#define PROBE_RUN_MAX 16u    /* rows that a sum takes, so that it fits 16 bits */

/* A filter is a sum of differences of two samples: these, from the window's first one on. */
struct probe_pair {
	uint16_t plus, minus;
};

/* Filters that all have the same number of pairs: pairs[filter * npairs + pair]. */
struct probe_bank {
	const struct probe_pair *pairs;
	unsigned nfilters, npairs;
};

struct probe_kernel {
	const char *name; /* of the instruction set; "c" for the compiler's default */

	/* One row of windows, from `in` on, `ncolumns` of them (a multiple of PROBE_COLUMNS): add the magnitude of what
	 * each filter gives, in 1/8, to sums[filter * ncolumns + column]. */
	void (*add_row)(const struct probe_bank *bank, const int16_t *in, unsigned ncolumns, uint16_t *sums);
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct probe_kernel *probe_kernel_at(unsigned index);
