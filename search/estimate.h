/* SPDX-License-Identifier: MIT */
/*
 * estimate.h: from the accuracy of some designs to that of all 4,104, and how sure it is. Pure, thread safe.
 *
 * Two models. `along cost` is the published talk's: accuracy is interpolated linearly between designs that are neighbours in
 * cost, whatever they are. `monotone` is Gaussian processes on coordinates (gaussian.h), brought to the nearest values that
 * are monotone along sampling, k and q each (monotone.h): one of the log-loss, where every observation has it, and one of how
 * far accuracy is from a line along that. The log-loss of few images is much less noisy than how many of them were right.
 */
#pragma once

#include "search/gaussian.h"

enum estimate_model {
	ESTIMATE_MONOTONE,
	ESTIMATE_ALONG_COST,
};
#define ESTIMATE_NMODELS 2

const char *estimate_model_name(enum estimate_model model); /* "monotone", "along-cost" */

struct observation {
	unsigned design; /* ic_design_index; no two the same */
	double accuracy;
	double log_loss; /* NAN: unknown */
};

struct estimates {
	double mean[IC_DESIGN_COUNT], sd[IC_DESIGN_COUNT];
	double noise; /* standard deviation of an observation about the truth; 0 along cost, which knows none */
	struct gaussian *loss;     /* of the log-loss, negated; NULL where it is not known */
	struct gaussian *gaussian; /* of accuracy, or of what of it the loss does not tell; NULL along cost */
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
