/* SPDX-License-Identifier: MIT */
/*
 * estimate.h: from the accuracy of some designs to that of all 4,104, and how sure it is. Pure, thread safe.
 *
 * Two models. `along cost` is the published talk's: accuracy is interpolated linearly between designs that are neighbours in
 * cost, whatever they are. `monotone` is a Gaussian process on coordinates (gaussian.h), brought to the nearest values that
 * are monotone along sampling, k and q each (monotone.h).
 */
#pragma once

#include "search/gaussian.h"

enum estimate_model {
	ESTIMATE_MONOTONE,
	ESTIMATE_ALONG_COST,
};

struct observation {
	unsigned design; /* ic_design_index; no two the same */
	double accuracy;
};

struct estimates {
	double mean[IC_DESIGN_COUNT], sd[IC_DESIGN_COUNT];
	double noise; /* standard deviation of an observation about the truth; 0 along cost, which knows none */
	struct gaussian *gaussian; /* NULL along cost */
	size_t nobserved;
	struct {
		double mean, sd; /* what the others say of it: of the observation, noise and all */
	} left_out[];            /* in the order of the observations */
};

/* `cost[i]`, of every design, is what `along cost` goes along; else unused. -EINVAL: fewer than two observations, or a value
 * that is not finite; -ENOMEM. */
errint_t estimates_new(enum estimate_model model, const struct observation *observations, size_t n,
                       const double cost[IC_DESIGN_COUNT], struct estimates **ret_estimates);
void estimates_free(struct estimates *estimates); /* NULL is fine */

/* How alike two designs are in accuracy, as far as the model knows: 0..1. */
double estimates_correlation(const struct estimates *estimates, unsigned a, unsigned b);
