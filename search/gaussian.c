/* SPDX-License-Identifier: MIT */
#include "search/gaussian.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* All parameters are natural logarithms: a length for each coordinate, the deviation of the signal, that of the noise;
 * both as parts of the deviation of the observations. */
#define SIGNAL COORDINATES
#define NOISE (COORDINATES + 1)
#define NPARAMETERS (COORDINATES + 2)

/* Before anything is seen: lengths of some steps of the coordinates, a signal as large as the observations' own spread, and
 * noise as the caller has it; each within a factor of e, one standard deviation. The search stays within three. */
static const double prior_mean_of_others[NOISE] = {1, 1, 1.5, 0.7, 1.5, 0};
#define PRIOR_REACH 3.0

/* Parameters are those of so many observations at most, spread over all: they are few, and time grows with the cube. */
#define FITTED_MAX 150

/* So that the matrix can be factored however near two designs are. */
#define JITTER 1e-8

struct gaussian {
	size_t n;
	double mean, scale; /* of the observations */
	double prior_mean[NPARAMETERS], parameters[NPARAMETERS];
	struct coordinates *x;
	double *y;       /* (observation - mean) / scale */
	double *factor;  /* n x n: lower Cholesky factor of the covariance */
	double *alpha;   /* covariance^-1 y */
	double *inverse; /* diagonal of covariance^-1 */
};

/* One over each length. */
static struct coordinates inverse_lengths(const double *parameters)
{
	struct coordinates inverse;

	for (unsigned i = 0; i < COORDINATES; i++)
		inverse.at[i] = exp(-parameters[i]);
	return inverse;
}

static double correlation(const struct coordinates *inverse, const struct coordinates *a, const struct coordinates *b)
{
	double r2 = 0;

	for (unsigned i = 0; i < COORDINATES; i++) {
		double d = (a->at[i] - b->at[i]) * inverse->at[i];
		r2 += d * d;
	}
	double r = sqrt(5 * r2);
	return (1 + r + r * r / 3) * exp(-r);
}

/* In four sums, always the same ones, that do not wait for each other. */
static double dot(const double *a, const double *b, size_t n)
{
	double sum[4] = {0};
	size_t i = 0;

	for (; i + 4 <= n; i += 4)
		for (unsigned k = 0; k < 4; k++)
			sum[k] += a[i + k] * b[i + k];
	for (; i < n; i++)
		sum[0] += a[i] * b[i];
	return sum[0] + sum[1] + (sum[2] + sum[3]);
}

/* In place, the lower triangle. False where it is not positive definite. */
static bool factor(double *matrix, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		double *row = matrix + i * n;
		for (size_t j = 0; j <= i; j++) {
			const double *other = matrix + j * n;
			double sum = row[j] - dot(row, other, j);
			if (j < i)
				row[j] = sum / other[j];
			else if (sum > 0)
				row[i] = sqrt(sum);
			else
				return false;
		}
	}
	return true;
}

/* L z = b, in place. */
static void solve_lower(const double *lower, size_t n, double *b)
{
	for (size_t i = 0; i < n; i++)
		b[i] = (b[i] - dot(lower + i * n, b, i)) / lower[i * n + i];
}

/* L' z = b, in place. */
static void solve_upper(const double *lower, size_t n, double *b)
{
	for (size_t i = n; i-- > 0;) {
		b[i] /= lower[i * n + i];
		for (size_t k = 0; k < i; k++)
			b[k] -= lower[i * n + k] * b[i];
	}
}

/* Factor the covariance under `parameters` and solve for alpha. The logarithm of how probable the observations are, and the
 * prior with it, up to a constant; -INFINITY where the matrix cannot be factored. */
static double condition(struct gaussian *g, const double *parameters)
{
	double signal = exp(2 * parameters[SIGNAL]), noise = exp(2 * parameters[NOISE]), log_p = 0;
	struct coordinates inverse = inverse_lengths(parameters);

	for (size_t i = 0; i < g->n; i++) {
		for (size_t j = 0; j < i; j++)
			g->factor[i * g->n + j] = signal * correlation(&inverse, &g->x[i], &g->x[j]);
		g->factor[i * g->n + i] = signal + noise + JITTER;
	}
	if (!factor(g->factor, g->n))
		return -(double)INFINITY;
	memcpy(g->alpha, g->y, g->n * sizeof(*g->y));
	solve_lower(g->factor, g->n, g->alpha);
	for (size_t i = 0; i < g->n; i++)
		log_p -= g->alpha[i] * g->alpha[i] / 2 + log(g->factor[i * g->n + i]);
	solve_upper(g->factor, g->n, g->alpha);
	for (unsigned i = 0; i < NPARAMETERS; i++)
		log_p -= (parameters[i] - g->prior_mean[i]) * (parameters[i] - g->prior_mean[i]) / 2;
	return log_p;
}

/* One parameter after the other, by steps that halve once none of them helps: some 150 factorizations. */
static void search_parameters(struct gaussian *g)
{
	memcpy(g->parameters, g->prior_mean, sizeof(g->parameters));
	double best = condition(g, g->parameters);

	for (double step = 0.8; step > 0.15;) {
		bool improved = false;
		for (unsigned i = 0; i < 2 * NPARAMETERS; i++) {
			double trial[NPARAMETERS];
			memcpy(trial, g->parameters, sizeof(trial));
			trial[i / 2] += i % 2 ? -step : step;
			if (fabs(trial[i / 2] - g->prior_mean[i / 2]) > PRIOR_REACH)
				continue;
			double p = condition(g, trial);
			if (p <= best + 1e-6)
				continue;
			best = p;
			memcpy(g->parameters, trial, sizeof(trial));
			improved = true;
		}
		if (!improved)
			step /= 2;
	}
}

/* The same by a part of the observations. */
static errint_t search_parameters_by_part(struct gaussian *g)
{
	struct gaussian part = *g;
	size_t n = g->n < FITTED_MAX ? g->n : FITTED_MAX;

	part.n = n;
	part.x = calloc(n, sizeof(*part.x));
	part.y = calloc(n, sizeof(*part.y));
	errint_t err = part.x && part.y ? 0 : -ENOMEM;
	for (size_t i = 0; !err && i < n; i++) {
		part.x[i] = g->x[i * g->n / n];
		part.y[i] = g->y[i * g->n / n];
	}
	if (!err)
		search_parameters(&part);
	memcpy(g->parameters, part.parameters, sizeof(part.parameters));
	free(part.x);
	free(part.y);
	return err;
}

/* The diagonal of the inverse: row i of L^-1, squared and summed down its columns. */
static void invert_diagonal(struct gaussian *g, double *column)
{
	for (size_t i = 0; i < g->n; i++) {
		double sum = 0;
		memset(column, 0, g->n * sizeof(*column));
		column[i] = 1;
		solve_lower(g->factor, g->n, column);
		for (size_t k = i; k < g->n; k++)
			sum += column[k] * column[k];
		g->inverse[i] = sum;
	}
}

static void standardize(struct gaussian *g, const double *y)
{
	double sum = 0, squares = 0;

	for (size_t i = 0; i < g->n; i++)
		sum += y[i];
	g->mean = sum / (double)g->n;
	for (size_t i = 0; i < g->n; i++)
		squares += (y[i] - g->mean) * (y[i] - g->mean);
	g->scale = sqrt(squares / (double)g->n);
	if (!(g->scale > 1e-9))
		g->scale = 1e-9; /* all are equal */
	for (size_t i = 0; i < g->n; i++)
		g->y[i] = (y[i] - g->mean) / g->scale;
}

errint_t gaussian_fit(const struct coordinates *x, const double *y, size_t n, double noise,
                      struct gaussian **ret_gaussian)
{
	for (size_t i = 0; i < n; i++)
		if (!isfinite(y[i]))
			return -EINVAL;
	if (!n || n > IC_DESIGN_COUNT)
		return -EINVAL;
	struct gaussian *g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	g->n = n;
	g->x = calloc(n, sizeof(*g->x));
	g->y = calloc(n, sizeof(*g->y));
	g->factor = calloc(n * n, sizeof(*g->factor));
	g->alpha = calloc(n, sizeof(*g->alpha));
	g->inverse = calloc(n, sizeof(*g->inverse));
	double *column = calloc(n, sizeof(*column));
	if (!g->x || !g->y || !g->factor || !g->alpha || !g->inverse || !column) {
		free(column);
		gaussian_free(g);
		return -ENOMEM;
	}
	memcpy(g->x, x, n * sizeof(*x));
	memcpy(g->prior_mean, prior_mean_of_others, sizeof(prior_mean_of_others));
	g->prior_mean[NOISE] = log(noise);
	standardize(g, y);
	errint_t err = search_parameters_by_part(g);
	if (err) {
		free(column);
		gaussian_free(g);
		return err;
	}
	condition(g, g->parameters);
	invert_diagonal(g, column);
	free(column);
	*ret_gaussian = g;
	return 0;
}

void gaussian_free(struct gaussian *gaussian)
{
	if (!gaussian)
		return;
	free(gaussian->x);
	free(gaussian->y);
	free(gaussian->factor);
	free(gaussian->alpha);
	free(gaussian->inverse);
	free(gaussian);
}

errint_t gaussian_predict(const struct gaussian *g, const struct coordinates *x, size_t n, double *ret_mean,
                          double *ret_sd)
{
	double signal = exp(2 * g->parameters[SIGNAL]), *k = calloc(g->n, sizeof(*k));
	struct coordinates inverse = inverse_lengths(g->parameters);

	if (!k)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		double mean = 0;
		for (size_t j = 0; j < g->n; j++) {
			k[j] = signal * correlation(&inverse, &x[i], &g->x[j]);
			mean += k[j] * g->alpha[j];
		}
		solve_lower(g->factor, g->n, k);
		double known = dot(k, k, g->n);
		ret_mean[i] = g->mean + g->scale * mean;
		ret_sd[i] = g->scale * sqrt(fmax(signal - known, 0));
	}
	free(k);
	return 0;
}

void gaussian_leave_one_out(const struct gaussian *g, size_t i, double *ret_mean, double *ret_sd)
{
	*ret_mean = g->mean + g->scale * (g->y[i] - g->alpha[i] / g->inverse[i]);
	*ret_sd = g->scale / sqrt(g->inverse[i]);
}

double gaussian_noise(const struct gaussian *g)
{
	return g->scale * exp(g->parameters[NOISE]);
}

double gaussian_correlation(const struct gaussian *g, const struct coordinates *a, const struct coordinates *b)
{
	struct coordinates inverse = inverse_lengths(g->parameters);

	return correlation(&inverse, a, b);
}
