/* SPDX-License-Identifier: MIT */
#include "search/coordinates.h"

#include <math.h>

struct coordinates coordinates_of(const struct ic_design *design)
{
	double share = log2((double)ic_design_nfreqs(design) / ((double)design->block * design->block));

	return (struct coordinates){{
	        share / 2 - log2(design->sx),
	        share / 2 - log2(design->sy),
	        share,
	        4 * (1 - exp2(-(design->bits - 1) / 2.0)),
	        log2(design->block),
	}};
}

double coordinates_distance(const struct coordinates *a, const struct coordinates *b)
{
	static const double weights[COORDINATES] = {1, 1, 0.5, 1, 0.5};
	double sum = 0;

	for (unsigned i = 0; i < COORDINATES; i++) {
		double d = weights[i] * (a->at[i] - b->at[i]);
		sum += d * d;
	}
	return sqrt(sum);
}
