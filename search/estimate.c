/* SPDX-License-Identifier: MIT */
#include "search/estimate.h"

#include "search/monotone.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Deviations are not believed to be smaller: they weigh in projections, and divide. */
#define SD_MIN 1e-4

static struct coordinates coordinates_at(unsigned index)
{
	struct ic_design design = ic_design_default();

	ic_design_at(index, &design);
	return coordinates_of(&design);
}

/* --- Monotone ----------------------------------------------------------------------------------------------------- */

static errint_t predict_all(struct estimates *estimates)
{
	struct coordinates *x = calloc(IC_DESIGN_COUNT, sizeof(*x));
	double *weights = calloc(IC_DESIGN_COUNT, sizeof(*weights));
	errint_t err = x && weights ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		x[i] = coordinates_at(i);
	if (!err)
		err = gaussian_predict(estimates->gaussian, x, IC_DESIGN_COUNT, estimates->mean, estimates->sd);
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++) {
		estimates->sd[i] = fmax(estimates->sd[i], SD_MIN);
		weights[i] = 1 / (estimates->sd[i] * estimates->sd[i]);
	}
	if (!err)
		err = monotone_project(estimates->mean, weights);
	free(x);
	free(weights);
	return err;
}

static errint_t estimate_monotone(struct estimates *estimates, const struct observation *observations, size_t n)
{
	struct coordinates *x = calloc(n, sizeof(*x));
	double *y = calloc(n, sizeof(*y));
	errint_t err = x && y ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < n; i++) {
		x[i] = coordinates_at(observations[i].design);
		y[i] = observations[i].accuracy;
	}
	if (!err)
		err = gaussian_fit(x, y, n, &estimates->gaussian);
	if (!err)
		err = predict_all(estimates);
	if (!err)
		estimates->noise = gaussian_noise(estimates->gaussian);
	for (size_t i = 0; !err && i < n; i++)
		gaussian_leave_one_out(estimates->gaussian, i, &estimates->left_out[i].mean,
		                       &estimates->left_out[i].sd);
	free(x);
	free(y);
	return err;
}

/* --- Along cost --------------------------------------------------------------------------------------------------- */

struct knot {
	double cost, accuracy;
	size_t observation;
};

static int compare_knots(const void *a, const void *b)
{
	const struct knot *left = a, *right = b;

	if (left->cost != right->cost)
		return left->cost < right->cost ? -1 : 1;
	return left->observation < right->observation ? -1 : 1;
}

/* Linear between two knots, of equal cost their mean. */
static double between(const struct knot *a, const struct knot *b, double cost)
{
	double width = b->cost - a->cost;

	return width > 0 ? a->accuracy + (b->accuracy - a->accuracy) * (cost - a->cost) / width
	                 : (a->accuracy + b->accuracy) / 2;
}

static double interpolate(const struct knot *knots, size_t n, double cost)
{
	size_t low = 0, high = n - 1;

	if (cost <= knots[0].cost)
		return knots[0].accuracy;
	if (cost >= knots[n - 1].cost)
		return knots[n - 1].accuracy;
	while (high - low > 1) {
		size_t middle = (low + high) / 2;
		if (knots[middle].cost <= cost)
			low = middle;
		else
			high = middle;
	}
	return between(&knots[low], &knots[high], cost);
}

static errint_t estimate_along_cost(struct estimates *estimates, const struct observation *observations, size_t n,
                                    const double *cost)
{
	struct knot *knots = calloc(n, sizeof(*knots));
	double squares = 0;

	if (!knots)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		knots[i] = (struct knot){cost[observations[i].design], observations[i].accuracy, i};
	qsort(knots, n, sizeof(*knots), compare_knots);
	for (size_t i = 0; i < n; i++) {
		const struct knot *before = &knots[i ? i - 1 : 1], *after = &knots[i + 1 < n ? i + 1 : n - 2];
		double others = i && i + 1 < n ? between(before, after, knots[i].cost) : before->accuracy;
		estimates->left_out[knots[i].observation].mean = others;
		squares += (others - knots[i].accuracy) * (others - knots[i].accuracy);
	}
	double sd = fmax(sqrt(squares / (double)n), SD_MIN);
	for (size_t i = 0; i < n; i++)
		estimates->left_out[i].sd = sd;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		estimates->mean[i] = interpolate(knots, n, cost[i]);
		estimates->sd[i] = sd;
	}
	for (size_t i = 0; i < n; i++) {
		estimates->mean[observations[i].design] = observations[i].accuracy;
		estimates->sd[observations[i].design] = SD_MIN;
	}
	free(knots);
	return 0;
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

errint_t estimates_new(enum estimate_model model, const struct observation *observations, size_t n,
                       const double cost[IC_DESIGN_COUNT], struct estimates **ret_estimates)
{
	if (n < 2 || n > IC_DESIGN_COUNT)
		return -EINVAL;
	for (size_t i = 0; i < n; i++)
		if (observations[i].design >= IC_DESIGN_COUNT || !isfinite(observations[i].accuracy))
			return -EINVAL;
	struct estimates *estimates = calloc(1, sizeof(*estimates) + n * sizeof(estimates->left_out[0]));
	if (!estimates)
		return -ENOMEM;
	estimates->nobserved = n;
	errint_t err = model == ESTIMATE_MONOTONE ? estimate_monotone(estimates, observations, n)
	                                          : estimate_along_cost(estimates, observations, n, cost);
	if (err) {
		estimates_free(estimates);
		return err;
	}
	*ret_estimates = estimates;
	return 0;
}

void estimates_free(struct estimates *estimates)
{
	if (!estimates)
		return;
	gaussian_free(estimates->gaussian);
	free(estimates);
}

double estimates_correlation(const struct estimates *estimates, unsigned a, unsigned b)
{
	struct coordinates x = coordinates_at(a), y = coordinates_at(b);

	if (a == b)
		return 1;
	if (!estimates->gaussian)
		return 0;
	return gaussian_correlation(estimates->gaussian, &x, &y);
}
