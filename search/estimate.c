/* SPDX-License-Identifier: MIT */
#include "search/estimate.h"

#include "search/monotone.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Deviations are not believed to be smaller: they weigh in projections, and divide. */
#define SD_MIN 1e-4

/* What part of the spread of what is observed is held to be noise until more is seen. Of accuracy that the log-loss does not
 * tell, half: how many of a few images were right says little more than how sure the judgements were. */
#define NOISE_OF_OBSERVATIONS 0.1
#define NOISE_OF_THE_REST 0.5

static struct coordinates coordinates_at(unsigned index)
{
	struct ic_design design = ic_design_default();

	ic_design_at(index, &design);
	return coordinates_of(&design);
}

/* --- Monotone ----------------------------------------------------------------------------------------------------- */

/* Of all designs, at least SD_MIN unsure. */
static errint_t predict_all(const struct gaussian *gaussian, double mean[IC_DESIGN_COUNT], double sd[IC_DESIGN_COUNT])
{
	struct coordinates *x = calloc(IC_DESIGN_COUNT, sizeof(*x));
	errint_t err = x ? 0 : -ENOMEM;

	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		x[i] = coordinates_at(i);
	if (!err)
		err = gaussian_predict(gaussian, x, IC_DESIGN_COUNT, mean, sd);
	free(x);
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		sd[i] = fmax(sd[i], SD_MIN);
	return err;
}

static errint_t project(double mean[IC_DESIGN_COUNT], const double sd[IC_DESIGN_COUNT])
{
	double *weights = calloc(IC_DESIGN_COUNT, sizeof(*weights));

	if (!weights)
		return -ENOMEM;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		weights[i] = 1 / (sd[i] * sd[i]);
	errint_t err = monotone_project(mean, weights);
	free(weights);
	return err;
}

/* What observations are fitted by: accuracy = offset + slope * certainty + the rest. Certainty is the log-loss negated, as
 * its own process tells it; the slope is 0 where the log-loss is not known. */
struct fit {
	size_t n;
	const struct observation *observations;
	struct coordinates *x;
	double *y;
	double *certainty; /* of all designs, and how unsure that is */
	double *certainty_sd;
	double offset, slope;
};

static void fit_clear(struct fit *fit)
{
	free(fit->x);
	free(fit->y);
	free(fit->certainty);
	free(fit->certainty_sd);
}

static errint_t fit_init(struct fit *fit, const struct observation *observations, size_t n)
{
	*fit = (struct fit){
	        .n = n,
	        .observations = observations,
	        .x = calloc(n, sizeof(*fit->x)),
	        .y = calloc(n, sizeof(*fit->y)),
	        .certainty = calloc(IC_DESIGN_COUNT, sizeof(*fit->certainty)),
	        .certainty_sd = calloc(IC_DESIGN_COUNT, sizeof(*fit->certainty_sd)),
	};
	if (!fit->x || !fit->y || !fit->certainty || !fit->certainty_sd)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		fit->x[i] = coordinates_at(observations[i].design);
	return 0;
}

static bool knows_loss(const struct fit *fit)
{
	bool varies = false;

	for (size_t i = 0; i < fit->n; i++) {
		if (!isfinite(fit->observations[i].log_loss))
			return false;
		varies = varies || fit->observations[i].log_loss != fit->observations[0].log_loss;
	}
	return varies;
}

/* By least squares; more certainty is never less accuracy. */
static void fit_line(struct fit *fit)
{
	double n = (double)fit->n, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = 0; i < fit->n; i++) {
		double a = fit->certainty[fit->observations[i].design], b = fit->observations[i].accuracy;
		x += a;
		y += b;
		xx += a * a;
		xy += a * b;
	}
	double spread = xx - x * x / n;
	fit->slope = spread > 0 ? fmax((xy - x * y / n) / spread, 0) : 0;
	fit->offset = (y - fit->slope * x) / n;
}

static errint_t fit_loss(struct fit *fit, struct estimates *estimates)
{
	errint_t err;

	if (!knows_loss(fit))
		return 0;
	for (size_t i = 0; i < fit->n; i++)
		fit->y[i] = -fit->observations[i].log_loss;
	err = gaussian_fit(fit->x, fit->y, fit->n, NOISE_OF_OBSERVATIONS, &estimates->loss);
	if (!err)
		err = predict_all(estimates->loss, fit->certainty, fit->certainty_sd);
	if (!err)
		err = project(fit->certainty, fit->certainty_sd);
	if (!err)
		fit_line(fit);
	return err;
}

static errint_t fit_rest(struct fit *fit, struct estimates *estimates)
{
	errint_t err;

	for (size_t i = 0; i < fit->n; i++)
		fit->y[i] = fit->observations[i].accuracy - fit->offset -
		            fit->slope * fit->certainty[fit->observations[i].design];
	double noise = fit->slope > 0 ? NOISE_OF_THE_REST : NOISE_OF_OBSERVATIONS;
	err = gaussian_fit(fit->x, fit->y, fit->n, noise, &estimates->gaussian);
	if (!err)
		err = predict_all(estimates->gaussian, estimates->mean, estimates->sd);
	if (err)
		return err;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		estimates->mean[i] += fit->offset + fit->slope * fit->certainty[i];
		estimates->sd[i] = hypot(estimates->sd[i], fit->slope * fit->certainty_sd[i]);
	}
	estimates->noise = gaussian_noise(estimates->gaussian);
	return project(estimates->mean, estimates->sd);
}

static void leave_out(const struct fit *fit, struct estimates *estimates)
{
	for (size_t i = 0; i < fit->n; i++) {
		double certainty = 0, certainty_sd = 0, rest, rest_sd;
		if (estimates->loss)
			gaussian_leave_one_out(estimates->loss, i, &certainty, &certainty_sd);
		gaussian_leave_one_out(estimates->gaussian, i, &rest, &rest_sd);
		estimates->left_out[i].mean = fit->offset + fit->slope * certainty + rest;
		estimates->left_out[i].sd = hypot(rest_sd, fit->slope * certainty_sd);
	}
}

/* Accuracy is a line along a cheaper or surer quantity, and a process of what that does not tell: Kennedy and O'Hagan,
 * Predicting the output from a complex computer code when fast approximations are available, 2000. */
static errint_t estimate_monotone(struct estimates *estimates, const struct observation *observations, size_t n)
{
	struct fit fit;
	errint_t err = fit_init(&fit, observations, n);

	if (!err)
		err = fit_loss(&fit, estimates);
	if (!err)
		err = fit_rest(&fit, estimates);
	if (!err)
		leave_out(&fit, estimates);
	fit_clear(&fit);
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

const char *estimate_model_name(enum estimate_model model)
{
	static const char *const names[ESTIMATE_NMODELS] = {"monotone", "along-cost"};

	return names[model];
}

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
	gaussian_free(estimates->loss);
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
	return gaussian_correlation(estimates->loss ? estimates->loss : estimates->gaussian, &x, &y);
}
