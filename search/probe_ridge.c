/* SPDX-License-Identifier: MIT */
/*
 * With Z = Q S V', of which Q or V and w = S^2 are the eigenvectors and eigenvalues of the smaller one of Z Z' and Z'
 * Z, ridge regression onto Y with penalty p predicts H Y, H = Q diag(w / (w + p)) Q', and what it would have predicted
 * of image i without it is ((H Y)_i - H_ii Y_i) / (1 - H_ii) (Allen 1974). So one decomposition serves all penalties.
 */
#include "search/probe_ridge_priv.h"

#include <cblas.h>
#include <errno.h>
#include <lapack.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Where the mean square of an image's features is 1 / nfeatures, the eigenvalues add up to the number of images. On
 * photographs 0.1 to 1 was best; what is far outside is not, at any design. */
static const float penalties[] = {0.01f, 0.03f, 0.1f, 0.3f, 1, 3, 10, 30, 100, 300};

/* Eigenvalues below this part of the largest are noise of single precision. */
#define NOISE 1e-6f

/* An image that a prediction follows alone has no other without it. */
#define LEVERAGE_MAX 0.9999f

float *ridge_floats(size_t rows, size_t columns)
{
	size_t nbytes;
	if (__builtin_mul_overflow(rows, columns * sizeof(float), &nbytes) || nbytes > SIZE_MAX / 2)
		return NULL;
	return aligned_alloc(64, (nbytes + 64) / 64 * 64);
}

static bool by_images(const struct ridge *r)
{
	return r->n <= r->nfeatures;
}

errint_t ridge_init(struct ridge *r, size_t n, unsigned nfeatures, unsigned ntargets)
{
	*r = (struct ridge){.n = n, .nfeatures = nfeatures, .ntargets = ntargets};
	r->rank = by_images(r) ? n : nfeatures;
	r->z = ridge_floats(n, nfeatures);
	r->y = ridge_floats(n, ntargets);
	r->left_out = ridge_floats(n, ntargets);
	r->square = ridge_floats(r->rank, r->rank);
	r->eigenvalues = ridge_floats(r->rank, 1);
	r->q = by_images(r) ? r->square : ridge_floats(r->rank, n);
	r->qy = ridge_floats(r->rank, ntargets);
	r->scaled = ridge_floats(r->rank, ntargets);
	r->out = ridge_floats(n, ntargets);
	r->leverage = ridge_floats(n, 1);
	bool has_all = r->z && r->y && r->left_out && r->square && r->eigenvalues && r->q && r->qy && r->scaled &&
	               r->out && r->leverage;
	return has_all ? 0 : -ENOMEM;
}

void ridge_clear(struct ridge *r)
{
	if (r->q != r->square)
		free(r->q);
	free(r->z);
	free(r->y);
	free(r->left_out);
	free(r->square);
	free(r->eigenvalues);
	free(r->qy);
	free(r->scaled);
	free(r->out);
	free(r->leverage);
}

/* --- Decomposing -------------------------------------------------------------------------------------------------- */

/* Q of Z = Q S V', one column a row, where V is what was found. */
static void project(struct ridge *r)
{
	float least = r->eigenvalues[r->rank - 1] * NOISE;
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)r->rank, (int)r->n, (int)r->nfeatures, 1, r->square,
	            (int)r->nfeatures, r->z, (int)r->nfeatures, 0, r->q, (int)r->n);
	for (size_t j = 0; j < r->rank; j++) {
		float one = r->eigenvalues[j] > least ? 1 / sqrtf(r->eigenvalues[j]) : 0;
		for (size_t i = 0; i < r->n; i++)
			r->q[j * r->n + i] *= one;
	}
}

static bool has_nan(const float *triangle, size_t side)
{
	for (size_t i = 0; i < side; i++)
		for (size_t j = 0; j <= i; j++)
			if (isnan(triangle[i * side + j]))
				return true;
	return false;
}

/* Of the lower triangle by rows, an upper one by columns, in its place: columns of eigenvectors are rows of ours.
 * LAPACKE would make one call of it, but with its library every start of icfs takes a third longer. */
static errint_t find_eigenvectors(struct ridge *r, struct ic_why *why)
{
	/* What SSYEVD asks for. */
	const size_t nfloats = 1 + 6 * r->rank + 2 * r->rank * r->rank, nints = 3 + 5 * r->rank;
	lapack_int n = (lapack_int)r->rank, floats_room = (lapack_int)nfloats, ints_room = (lapack_int)nints, info;
	if (nfloats > INT32_MAX)
		return -ENOMEM;
	if (has_nan(r->square, r->rank))
		return ic_fail(why, -EBADMSG, "the features have no eigenvectors: not all are numbers");
	float *floats = ridge_floats(nfloats, 1);
	lapack_int *ints = malloc(nints * sizeof *ints);
	if (!floats || !ints) {
		free(floats);
		free(ints);
		return -ENOMEM;
	}
	LAPACK_ssyevd("V", "U", &n, r->square, &n, r->eigenvalues, floats, &floats_room, ints, &ints_room, &info);
	free(floats);
	free(ints);
	return info ? ic_fail(why, -EBADMSG, "the features have no eigenvectors (LAPACK says %d)", (int)info) : 0;
}

static errint_t decompose(struct ridge *r, struct ic_why *why)
{
	int rank = (int)r->rank;
	cblas_ssyrk(CblasRowMajor, CblasLower, by_images(r) ? CblasNoTrans : CblasTrans, rank,
	            by_images(r) ? (int)r->nfeatures : (int)r->n, 1, r->z, (int)r->nfeatures, 0, r->square, rank);
	errint_t err = find_eigenvectors(r, why);
	if (err)
		return err;
	for (int j = 0; j < rank; j++)
		r->eigenvalues[j] = r->eigenvalues[j] > 0 ? r->eigenvalues[j] : 0;
	if (!by_images(r))
		project(r);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, rank, (int)r->ntargets, (int)r->n, 1, r->q, (int)r->n,
	            r->y, (int)r->ntargets, 0, r->qy, (int)r->ntargets);
	return 0;
}

/* --- Leaving one out ---------------------------------------------------------------------------------------------- */

static void scale_rows(struct ridge *r, float penalty, bool shrink)
{
	for (size_t j = 0; j < r->rank; j++) {
		float w = r->eigenvalues[j], by = (shrink ? w : 1) / (w + penalty);
		for (unsigned k = 0; k < r->ntargets; k++)
			r->scaled[j * r->ntargets + k] = r->qy[j * r->ntargets + k] * by;
	}
}

static void put_leverage(struct ridge *r, float penalty)
{
	for (size_t i = 0; i < r->n; i++)
		r->leverage[i] = 1 / (float)r->n; /* of the mean */
	for (size_t j = 0; j < r->rank; j++) {
		float by = r->eigenvalues[j] / (r->eigenvalues[j] + penalty);
		const float *q = r->q + j * r->n;
		for (size_t i = 0; i < r->n; i++)
			r->leverage[i] += q[i] * q[i] * by;
	}
}

/* Predict each image as if it had been left out; returns the mean square error. */
static double leave_out(struct ridge *r, float penalty)
{
	int n = (int)r->n, ntargets = (int)r->ntargets;
	double error = 0;
	scale_rows(r, penalty, true);
	put_leverage(r, penalty);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, ntargets, (int)r->rank, 1, r->q, n, r->scaled, ntargets,
	            0, r->out, ntargets);
	for (size_t i = 0; i < r->n; i++) {
		float h = r->leverage[i] < LEVERAGE_MAX ? r->leverage[i] : LEVERAGE_MAX;
		for (unsigned k = 0; k < r->ntargets; k++) {
			size_t at = i * r->ntargets + k;
			r->out[at] = (r->out[at] - h * r->y[at]) / (1 - h);
			error += (double)(r->out[at] - r->y[at]) * (r->out[at] - r->y[at]);
		}
	}
	return error / (double)r->n;
}

/* The best penalty, with its predictions in r->left_out. -EBADMSG where none gives numbers. */
static errint_t choose_penalty(struct ridge *r, struct ic_why *why)
{
	double least = INFINITY;
	for (size_t i = 0; i < COUNT(penalties); i++) {
		double error = leave_out(r, penalties[i]);
		if (error < least) {
			float *best = r->out;
			r->out = r->left_out;
			r->left_out = best;
			least = error;
			r->penalty = penalties[i];
		}
	}
	return isfinite(least) ? 0 : ic_fail(why, -EBADMSG, "no penalty gives a finite error");
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

/* V diag(s / (w + p)) Q'Y, where V is at hand or is Z' Q / s. */
static void put_weights(struct ridge *r, float *weights)
{
	int d = (int)r->nfeatures, ntargets = (int)r->ntargets, n = (int)r->n;
	scale_rows(r, (float)r->penalty, false);
	if (by_images(r)) {
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, n, ntargets, n, 1, r->q, n, r->scaled, ntargets, 0,
		            r->out, ntargets);
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, ntargets, n, 1, r->z, d, r->out, ntargets, 0,
		            weights, ntargets);
		return;
	}
	for (size_t j = 0; j < r->rank; j++)
		for (unsigned k = 0; k < r->ntargets; k++)
			r->scaled[j * r->ntargets + k] *= sqrtf(r->eigenvalues[j]);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, d, ntargets, d, 1, r->square, d, r->scaled, ntargets, 0,
	            weights, ntargets);
}

errint_t ridge_solve(struct ridge *r, float *weights, struct ic_why *why)
{
	openblas_set_num_threads(1);
	errint_t err = decompose(r, why);
	if (!err)
		err = choose_penalty(r, why);
	if (!err)
		put_weights(r, weights);
	return err;
}
