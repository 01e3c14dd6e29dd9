/* SPDX-License-Identifier: MIT */
/*
 * probe_ridge_priv.h: ridge regression in closed form, its penalty chosen by leaving one out.
 *
 * The linear algebra is OpenBLAS's, in single precision and by the calling thread alone, so that the same numbers give
 * the same bits on the same machine; other machines have other kernels, and may differ in the last bits.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>

struct ridge {
	size_t n; /* images */
	unsigned nfeatures, ntargets;

	/* Filled in by the caller: n rows each, columns with a mean of 0. The mean square of a row of z should be 1 /
	 * nfeatures or so, in which unit the penalties are. */
	float *z, *y;

	/* Found by ridge_solve. */
	double penalty;
	float *left_out; /* n rows of ntargets: what would be predicted of each image without it */

	size_t rank;
	float *square;      /* the smaller one of z z' and z' z, then its eigenvectors, one a row */
	float *eigenvalues; /* rising */
	float *q, *qy;      /* rank rows of n and of ntargets; q is `square` where images are fewer than features */
	float *scaled;      /* rank rows of ntargets */
	float *out;         /* n rows of ntargets */
	float *leverage;    /* n */
};

/* -ENOMEM; ridge_clear is to be called in any case. */
errint_t ridge_init(struct ridge *ridge, size_t n, unsigned nfeatures, unsigned ntargets);
void ridge_clear(struct ridge *ridge);

/* Overwrites nothing of z and y; `weights` is nfeatures rows of ntargets. -EBADMSG (no finite result), -ENOMEM. */
errint_t ridge_solve(struct ridge *ridge, float *weights, struct ic_why *why);

/* For rows * columns numbers, aligned so that the library does the same with the same ones each time; or NULL. */
float *ridge_floats(size_t rows, size_t columns);
