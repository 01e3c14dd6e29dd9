/* SPDX-License-Identifier: MIT */
/*
 * gaussian.h: a Gaussian process on the coordinates of designs, which tells of each design how accurate it will be and how
 * sure that is.
 *
 * Covariance: Matern 5/2 with a length for each coordinate (Rasmussen and Williams, Gaussian Processes for Machine
 * Learning, 2006, equation 4.17), a constant mean, equal noise. Lengths, signal and noise are those that make the
 * observations most probable (equation 5.8) under a weak prior, found by a search of fixed steps: the same observations
 * give the same model, bit for bit, on one machine. Time grows with n^3; n is some hundreds at most.
 */
#pragma once

#include "search/coordinates.h"

struct gaussian;

/* Fit to `n` (1..4,104) observations, y[i] at x[i]. Before they are seen, the noise is held to be this share, above 0, of their
 * standard deviation, within a factor of e. -ENOMEM; -EINVAL for values that are not finite. */
errint_t gaussian_fit(const struct coordinates *x, const double *y, size_t n, double noise,
                      struct gaussian **ret_gaussian);
void gaussian_free(struct gaussian *gaussian); /* NULL is fine */

/* Mean and standard deviation of the noiseless value at `n` places. -ENOMEM. */
errint_t gaussian_predict(const struct gaussian *gaussian, const struct coordinates *x, size_t n, double *ret_mean,
                          double *ret_sd);

/* What it would have said of observation `i` without having seen it: mean and standard deviation of what is observed
 * (equations 5.12). */
void gaussian_leave_one_out(const struct gaussian *gaussian, size_t i, double *ret_mean, double *ret_sd);

/* The standard deviation of the noise, and the correlation of the values at two places: 0..1. */
double gaussian_noise(const struct gaussian *gaussian);
double gaussian_correlation(const struct gaussian *gaussian, const struct coordinates *a, const struct coordinates *b);
