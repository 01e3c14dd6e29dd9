/* SPDX-License-Identifier: MIT */
/*
 * probe_classifier_priv.h: a linear classifier of features: ridge regression onto the classes, in closed form, its
 * penalty chosen by leave-one-out on the images that it is fitted to, and its scores made probabilities on the same
 * ones left out.
 *
 * The same input gives the same bits on the same machine (probe_ridge_priv.h).
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>
#include <stdint.h>

struct probe_classifier;

/* Fit to `n` images of `nfeatures` values each, image i at x + i * nfeatures, labels below nclasses; two images or
 * more. Takes about n * (nfeatures + min(n, nfeatures) + 2 * nclasses) * 4 bytes. -ENOMEM, -EFBIG (more than the
 * library counts), -EBADMSG (no finite result). */
errint_t probe_classifier_fit(const float *x, size_t n, unsigned nfeatures, const uint32_t *labels, unsigned nclasses,
                              struct probe_classifier **ret_classifier, struct ic_why *why);
void probe_classifier_free(struct probe_classifier *classifier); /* NULL is fine */

/* Of each image: whether its class is the one with the highest score, and the negative logarithm of the probability
 * that its class was given. -ENOMEM. */
errint_t probe_classifier_judge(const struct probe_classifier *classifier, const float *x, size_t n,
                                const uint32_t *labels, uint8_t *ret_right, double *ret_loss);

/* What was chosen; for reports and tests. */
struct probe_classifier_choice {
	double penalty;      /* of features that are standardized and divided by the square root of their number */
	double sharpness;    /* that scores are multiplied by before they become probabilities */
	double loo_accuracy; /* 0..1, of the images that it was fitted to, each left out */
};
struct probe_classifier_choice probe_classifier_choice(const struct probe_classifier *classifier);
