/* SPDX-License-Identifier: MIT */
/*
 * probe_dataset_priv.h: the images of a dataset, their classes, and on which side each one is.
 *
 * Classes are the subdirectories of the dataset, or of its train/ and val/ or test/; images are what lies in them, at
 * any depth, under a name that sources have. Where there are train/, val/ (or valid/, validation/) and test/, these are
 * the sides; where there is only one beside train/, it is the truth, and what to select by is drawn from train/; where
 * there is none, all is drawn. Drawing follows from the seed and the paths below the dataset, in each class apart, and
 * leaves near duplicates on one side. Those on two sides that are given are left out of the earlier one.
 */
#pragma once

#include "search/evaluator.h"
#include "search/probe_kept_priv.h"

enum probe_side {
	PROBE_TRAIN,
	PROBE_SELECT,
	PROBE_TRUTH,
	PROBE_NSIDES,
};

struct probe_image {
	char *path;             /* below the root */
	uint32_t label;         /* of its class, by name, from 0 on */
	uint8_t side;           /* enum probe_side */
	bool is_bad;            /* cannot be decoded; no dataset that was opened has one */
	uint64_t key;           /* random, by path and seed: the order in which images are drawn */
	struct probe_kept kept; /* coefficients of a JPEG, where there was room for them */

	/* What draws are grouped by; probe_twins.c. */
	uint32_t width, height; /* of the source, in pixels */
	unsigned ncomponents;   /* of an object of it */
	uint8_t thumbnail[16 * 16];
};

enum probe_origin {
	PROBE_SIDES_GIVEN,  /* train, select and truth */
	PROBE_SELECT_DRAWN, /* of train */
	PROBE_ALL_DRAWN,
};

struct probe_dataset {
	int root;                   /* directory; -1 where there is none */
	struct probe_image *images; /* ordered by side, class and path, once they are split */
	size_t nimages;
	size_t nbad;   /* that were left out */
	char bad[256]; /* the first of them, or its path's end; "" */
	size_t ntwins; /* that were left out since near duplicates of them are on a later side */
	char **classes;
	unsigned nclasses;
	enum probe_origin origin;
	size_t begin[PROBE_NSIDES + 1]; /* images of side s are begin[s]..begin[s + 1] - 1 */
};

/* List the images, at most `nimages_max`, the same part of each class. -ENODATA (fewer than two classes), -ENOENT and
 * other errors of reading, -ENOMEM. What it fails with, it leaves to probe_dataset_clear. */
errint_t probe_dataset_list(struct probe_dataset *dataset, const char *path, uint64_t seed, size_t nimages_max,
                            struct ic_why *why);

/* Leave out the bad ones, and near duplicates across sides that are given; draw, and sort. -ENODATA: a class without images to
 * train on, or a side without any. */
errint_t probe_dataset_split(struct probe_dataset *dataset, const atomic_bool *cancelled, struct ic_why *why);

void probe_image_clear(struct probe_image *image); /* zeroed is fine */
void probe_dataset_clear(struct probe_dataset *dataset);

/* For each image the first one that it nearly equals, itself or a chain of others between them. -ECANCELED. */
errint_t probe_twins(const struct probe_image *images, size_t n, const atomic_bool *cancelled, uint32_t *ret_first);

/* A whole file, malloc'ed and the caller's. -EFBIG, -ENOMEM, -errno. */
errint_t probe_read(const struct probe_dataset *dataset, const struct probe_image *image, uint8_t **ret_bytes,
                    size_t *ret_nbytes);

static inline bool probe_is_cancelled(const atomic_bool *cancelled)
{
	return cancelled && atomic_load_explicit(cancelled, memory_order_relaxed);
}
