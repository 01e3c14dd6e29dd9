/* SPDX-License-Identifier: MIT */
#include "search/monotone.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NAXES 4 /* sx, sy, k, q */
#define CHAIN_MAX 31
#define ROUNDS_MAX 500
#define TOLERANCE 1e-4 /* a hundredth of a point of accuracy */

/* The next denser design along an axis; false at its end. */
static bool denser(struct ic_design *design, unsigned axis)
{
	switch (axis) {
	case 0:
		design->sx /= 2;
		break;
	case 1:
		design->sy /= 2;
		break;
	case 2:
		design->keep++;
		break;
	default:
		design->bits++;
	}
	return ic_design_is_base(design);
}

static bool begins_chain(const struct ic_design *design, unsigned axis)
{
	const bool begins[NAXES] = {design->sx == 4, design->sy == 4, design->keep == 1, design->bits == 1};

	return begins[axis];
}

/* Pool adjacent violators along a chain of designs, from sparse to dense. */
static void pool(double *values, const double *weights, const unsigned *chain, unsigned n)
{
	double mean[CHAIN_MAX], weight[CHAIN_MAX];
	unsigned length[CHAIN_MAX], npools = 0, at = 0;

	for (unsigned i = 0; i < n; i++) {
		mean[npools] = values[chain[i]];
		weight[npools] = weights[chain[i]];
		length[npools++] = 1;
		while (npools > 1 && mean[npools - 2] > mean[npools - 1]) {
			double both = weight[npools - 2] + weight[npools - 1];
			mean[npools - 2] =
			        (mean[npools - 2] * weight[npools - 2] + mean[npools - 1] * weight[npools - 1]) / both;
			weight[npools - 2] = both;
			length[npools - 2] += length[npools - 1];
			npools--;
		}
	}
	for (unsigned p = 0; p < npools; p++)
		for (unsigned i = 0; i < length[p]; i++)
			values[chain[at++]] = mean[p];
}

static void project_axis(double *values, const double *weights, unsigned axis)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		unsigned chain[CHAIN_MAX], n = 0;
		struct ic_design design;
		if (ic_design_at(i, &design) || !begins_chain(&design, axis))
			continue;
		do
			chain[n++] = (unsigned)ic_design_index(&design);
		while (denser(&design, axis));
		pool(values, weights, chain, n);
	}
}

errint_t monotone_project(double values[IC_DESIGN_COUNT], const double weights[IC_DESIGN_COUNT])
{
	double(*corrections)[IC_DESIGN_COUNT] = calloc(NAXES + 1, sizeof(*corrections));

	if (!corrections)
		return -ENOMEM;
	double *before = corrections[NAXES];
	for (unsigned round = 0; round < ROUNDS_MAX; round++) {
		double largest = 0;
		for (unsigned axis = 0; axis < NAXES; axis++) {
			double *correction = corrections[axis];
			for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
				before[i] = values[i] += correction[i];
			project_axis(values, weights, axis);
			for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
				double now = before[i] - values[i];
				largest = fmax(largest, fabs(now - correction[i]));
				correction[i] = now;
			}
		}
		if (largest < TOLERANCE / 10)
			break;
	}
	free(corrections);
	return 0;
}
