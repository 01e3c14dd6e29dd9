/* SPDX-License-Identifier: MIT */
/*
 * baselines.h: what designs are compared with, read from a CSV file such as scripts/baselines writes.
 *
 * The first row (csv.h) names the columns. They are taken by name:
 *
 *   name       of the baseline, 1..BASELINE_NAME_MAX bytes
 *   accuracy   what the search goes by, as a fraction
 *   nbytes     of an image, on average
 *   load_s     seconds that an image takes to be read and decoded
 *   infer_s    seconds of the model, forward
 *   train_s    seconds of the model in training
 *   seed       any text
 *
 * The first three must be there; the others may be missing, or empty in a row, where that is not known. All others are
 * ignored. Rows of one name are one baseline, trained with several seeds; a name and seed stands once.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>

#define BASELINES_NBYTES_MAX ((size_t)1 << 20)
#define BASELINE_ROWS_MAX 2000
#define BASELINE_NAME_MAX 100

/* Means over its rows; NAN where a row does not have it. */
struct baseline {
	const char *name; /* anybody's bytes */
	unsigned nrows;
	double accuracy, nbytes, load_s, infer_s, train_s;
	double sd; /* of the accuracy over the rows; NAN for a single one */
};

struct baselines {
	struct baseline *at; /* in the order of their first rows; 1 or more */
	size_t n;
	char *text; /* where the names lie */
};

/* Read the file. -EBADMSG, and which line is wrong; -EFBIG: longer than BASELINES_NBYTES_MAX, or of more rows than
 * BASELINE_ROWS_MAX; -ENODATA: there is no row; -ENOMEM; errors of the file system. */
errint_t baselines_read(const char *path, struct baselines **ret_baselines, struct ic_why *why);
void baselines_free(struct baselines *baselines); /* NULL is fine */
