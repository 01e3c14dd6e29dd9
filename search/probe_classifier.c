/* SPDX-License-Identifier: MIT */
#include "search/probe_classifier_priv.h"

#include "search/probe_ridge_priv.h"

#include <cblas.h>
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Images that probabilities are fitted on: one number is fitted, so more only take time. */
#define CALIBRATION_MAX 4000

struct probe_classifier {
	unsigned nfeatures, nclasses;
	float *mean, *scale; /* nfeatures each; (x - mean) * scale is standardized */
	float *weights;      /* nfeatures rows of nclasses */
	float *base;         /* nclasses: the share of each class, which scores are relative to */
	struct probe_classifier_choice choice;
};

void probe_classifier_free(struct probe_classifier *classifier)
{
	if (!classifier)
		return;
	free(classifier->mean);
	free(classifier->scale);
	free(classifier->weights);
	free(classifier->base);
	free(classifier);
}

static struct probe_classifier *classifier_new(unsigned nfeatures, unsigned nclasses)
{
	struct probe_classifier *c = malloc(sizeof *c);
	if (!c)
		return NULL;
	*c = (struct probe_classifier){
	        .nfeatures = nfeatures,
	        .nclasses = nclasses,
	        .mean = ridge_floats(nfeatures, 1),
	        .scale = ridge_floats(nfeatures, 1),
	        .weights = ridge_floats(nfeatures, nclasses),
	        .base = ridge_floats(nclasses, 1),
	};
	if (c->mean && c->scale && c->weights && c->base)
		return c;
	probe_classifier_free(c);
	return NULL;
}

/* --- Standardizing ------------------------------------------------------------------------------------------------ */

/* Means and deviations, summed in double precision, images in their order. -ENOMEM. */
static errint_t learn_scale(struct probe_classifier *c, const float *x, size_t n)
{
	unsigned d = c->nfeatures;
	double *sum = calloc(2 * (size_t)d, sizeof *sum), *squares = sum + d;
	if (!sum)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		for (unsigned j = 0; j < d; j++)
			sum[j] += x[i * d + j];
	for (unsigned j = 0; j < d; j++)
		sum[j] /= (double)n;
	for (size_t i = 0; i < n; i++)
		for (unsigned j = 0; j < d; j++)
			squares[j] += (x[i * d + j] - sum[j]) * (x[i * d + j] - sum[j]);
	for (unsigned j = 0; j < d; j++) {
		double deviation = sqrt(squares[j] / (double)n), least = 1e-6 * (fabs(sum[j]) + 1);
		c->mean[j] = (float)sum[j];
		c->scale[j] = deviation > least ? (float)(1 / (deviation * sqrt(d))) : 0;
	}
	free(sum);
	return 0;
}

static void standardize(const struct probe_classifier *c, const float *x, size_t n, float *z)
{
	for (size_t i = 0; i < n; i++, x += c->nfeatures, z += c->nfeatures)
		for (unsigned j = 0; j < c->nfeatures; j++)
			z[j] = (x[j] - c->mean[j]) * c->scale[j];
}

/* One column a class: 1 where an image is of it, less the share of such images. */
static void put_targets(struct ridge *r, struct probe_classifier *c, const uint32_t *labels)
{
	memset(c->base, 0, c->nclasses * sizeof *c->base);
	for (size_t i = 0; i < r->n; i++)
		c->base[labels[i]] += 1;
	for (unsigned k = 0; k < c->nclasses; k++)
		c->base[k] /= (float)r->n;
	for (size_t i = 0; i < r->n; i++)
		for (unsigned k = 0; k < c->nclasses; k++)
			r->y[i * c->nclasses + k] = (k == labels[i] ? 1.0f : 0.0f) - c->base[k];
}

/* --- Probabilities ------------------------------------------------------------------------------------------------ */

/* log(sum of exp(sharpness * score)); *ret_slope, if wanted, is its derivative by the sharpness. */
static double log_sum(const float *scores, unsigned nclasses, double sharpness, double *ret_slope)
{
	double most = scores[0], sum = 0, weighted = 0;
	for (unsigned k = 1; k < nclasses; k++)
		most = scores[k] > most ? scores[k] : most;
	for (unsigned k = 0; k < nclasses; k++) {
		double e = exp(sharpness * (scores[k] - most));
		sum += e;
		weighted += e * scores[k];
	}
	if (ret_slope)
		*ret_slope = weighted / sum;
	return log(sum) + sharpness * most;
}

/* The slope of the mean log-loss, which rises with the sharpness. */
static double loss_slope(const struct ridge *r, const uint32_t *labels, double sharpness)
{
	size_t step = (r->n + CALIBRATION_MAX - 1) / CALIBRATION_MAX;
	double sum = 0;
	for (size_t i = 0; i < r->n; i += step) {
		const float *scores = r->left_out + i * r->ntargets;
		double slope;
		log_sum(scores, r->ntargets, sharpness, &slope);
		sum += slope - scores[labels[i]];
	}
	return sum;
}

/* Where the log-loss of the images left out is least: by halving, in the logarithm, to a thousandth. */
static double choose_sharpness(const struct ridge *r, const uint32_t *labels)
{
	double low = 1.0 / 64, high = 256;
	while (high / low > 1.001) {
		double middle = sqrt(low * high);
		*(loss_slope(r, labels, middle) > 0 ? &high : &low) = middle;
	}
	return sqrt(low * high);
}

static unsigned highest(const float *scores, unsigned nclasses)
{
	unsigned at = 0;
	for (unsigned k = 1; k < nclasses; k++)
		at = scores[k] > scores[at] ? k : at;
	return at;
}

static void calibrate(struct ridge *r, const uint32_t *labels, struct probe_classifier *c)
{
	size_t nright = 0;
	for (size_t i = 0; i < r->n; i++) {
		float *scores = r->left_out + i * r->ntargets;
		for (unsigned k = 0; k < r->ntargets; k++)
			scores[k] += c->base[k];
		nright += highest(scores, r->ntargets) == labels[i];
	}
	c->choice.loo_accuracy = (double)nright / (double)r->n;
	c->choice.sharpness = choose_sharpness(r, labels);
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

static errint_t fit(struct probe_classifier *c, struct ridge *r, const float *x, const uint32_t *labels,
                    struct ic_why *why)
{
	errint_t err = learn_scale(c, x, r->n);
	if (err)
		return err;
	standardize(c, x, r->n, r->z);
	put_targets(r, c, labels);
	err = ridge_solve(r, c->weights, why);
	if (err)
		return err;
	c->choice.penalty = r->penalty;
	calibrate(r, labels, c);
	return 0;
}

errint_t probe_classifier_fit(const float *x, size_t n, unsigned nfeatures, const uint32_t *labels, unsigned nclasses,
                              struct probe_classifier **ret_classifier, struct ic_why *why)
{
	if (n > INT_MAX || nfeatures > INT_MAX || nclasses > INT_MAX)
		return ic_fail(why, -EFBIG, "%zu images are more than can be fitted at once", n);
	struct ridge ridge;
	struct probe_classifier *c = classifier_new(nfeatures, nclasses);
	errint_t err = ridge_init(&ridge, n, nfeatures, nclasses);
	if (!c)
		err = -ENOMEM;
	if (!err)
		err = fit(c, &ridge, x, labels, why);
	ridge_clear(&ridge);
	if (err) {
		probe_classifier_free(c);
		return err == -ENOMEM ? ic_fail(why, err, "out of memory for fitting to %zu images", n) : err;
	}
	*ret_classifier = c;
	return 0;
}

errint_t probe_classifier_judge(const struct probe_classifier *c, const float *x, size_t n, const uint32_t *labels,
                                uint8_t *ret_right, double *ret_loss)
{
	int d = (int)c->nfeatures, nclasses = (int)c->nclasses;
	float *z = ridge_floats(n, c->nfeatures), *scores = ridge_floats(n, c->nclasses);
	if (!z || !scores) {
		free(z);
		free(scores);
		return -ENOMEM;
	}
	standardize(c, x, n, z);
	for (size_t i = 0; i < n; i++)
		memcpy(scores + i * c->nclasses, c->base, c->nclasses * sizeof *scores);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)n, nclasses, d, 1, z, d, c->weights, nclasses, 1,
	            scores, nclasses);
	for (size_t i = 0; i < n; i++) {
		const float *own = scores + i * c->nclasses;
		ret_right[i] = highest(own, c->nclasses) == labels[i];
		ret_loss[i] =
		        log_sum(own, c->nclasses, c->choice.sharpness, NULL) - c->choice.sharpness * own[labels[i]];
	}
	free(z);
	free(scores);
	return 0;
}

struct probe_classifier_choice probe_classifier_choice(const struct probe_classifier *classifier)
{
	return classifier->choice;
}
