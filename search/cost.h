/* SPDX-License-Identifier: MIT */
/*
 * cost.h: what a design costs: bytes exactly, seconds by models that are fitted to measurements of this machine.
 *
 * Seconds are linear in features of the object, each a count of work that decoders do (docs/search.md): per file, per byte,
 * per coefficient, per sample and block size, per pixel, and again per sample of the columns of frequencies that a transform
 * goes through. No coefficient is negative, since no work takes less than no time; that also keeps a model sane outside of
 * what was measured. Averages over sources are averages of features.
 *
 * All functions are pure and thread safe.
 */
#pragma once

#include "search/space.h"

enum cost_feature {
	COST_FILE, /* 1 */
	COST_BYTES,
	COST_COEFFICIENTS,
	COST_SAMPLES_2, /* on the target grids, where the block is 2 wide; 0 otherwise. Blocks of 1 have no transform */
	COST_SAMPLES_4,
	COST_SAMPLES_8,
	COST_SAMPLES_16,
	COST_PIXELS, /* on luma's grid */
	/* Blocks times their height times their columns of frequencies of which any is kept, where the block is 2
	 * wide and so on; 0 where its mean alone is kept, which takes no transform. */
	COST_COLUMNS_2,
	COST_COLUMNS_4,
	COST_COLUMNS_8,
	COST_COLUMNS_16,
	COST_NFEATURES,
};

/* Of one image, on average over a set. */
struct cost_features {
	double at[COST_NFEATURES];
};

/* -EINVAL for an invalid shape, or none; -EFBIG. The first fills one for every design of the base space. */
errint_t cost_features_of_base(const struct space_shape *shapes, size_t nshapes,
                               struct cost_features out[IC_DESIGN_COUNT]);
errint_t cost_features_of(const struct space_shape *shapes, size_t nshapes, const struct ic_design *design,
                          struct cost_features *ret_features);

/* Seconds of one kind of work: the sum of coefficients times features. */
struct cost_line {
	double at[COST_NFEATURES];
};
double cost_seconds(const struct cost_line *line, const struct cost_features *features);

/* Fit by least squares of relative errors, none negative; `uses` has a bit for each feature that may count. Seconds that are
 * not positive and finite are left out; without any, all is 0. */
struct cost_line cost_fit(const struct cost_features *features, const double *seconds, size_t n, unsigned uses);
#define COST_ALL ((1u << COST_NFEATURES) - 1)
#define COST_OF_READING (1u << COST_FILE | 1u << COST_BYTES)
/* A model's seconds depend on how much there is of the picture, as pixels or as coefficients. */
#define COST_OF_MODELS (1u << COST_FILE | 1u << COST_COEFFICIENTS | 1u << COST_PIXELS)

/* The mean of |predicted / measured - 1|. Seconds that are not positive and finite are left out; NAN for none. */
double cost_error(const struct cost_line *line, const struct cost_features *features, const double *seconds, size_t n);

struct cost_model {
	struct cost_line read, decode, infer, train; /* the last two of the model alone; 0 where it told none */
	double held_out_error; /* of read + decode, on designs that were measured and not fitted to; NAN: none were */
	double infer_error, train_error; /* the same of the model's, once others were evaluated; NAN: it told none */
};

/* Of one design, an image. */
struct design_cost {
	double nbytes;
	double infer_s, train_s; /* read, decode, and the model forward; and the model in training */
};
struct design_cost cost_of(const struct cost_model *model, const struct cost_features *features);
