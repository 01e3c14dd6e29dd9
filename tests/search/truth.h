/* SPDX-License-Identifier: MIT */
/*
 * truth.h: what an evaluator says of each of the 4,104 designs, all known beforehand, so that searches can be judged.
 *
 * Recorded truths are files that search_truth wrote (its head has the columns). As an evaluator, a truth tells a search what
 * was measured on the images to select by, and nothing of those that tell the truth.
 */
#pragma once

#include "search/search.h"

/* Of the training images, the parts that a truth knows besides all of them: 1/16, 1/8, 1/4, 1/2. */
#define TRUTH_NPARTS 4

struct truth_of {
	double select, select_loss; /* accuracy and log-loss on the images to select by */
	double part[TRUTH_NPARTS];  /* accuracy on those, where so much was trained on */
	double truth, truth_loss;   /* on the images that tell the truth */
};

struct truth {
	char name[64];
	unsigned nselect, ntruth; /* images; ntruth 0 where they are not told one by one */
	struct truth_of of[IC_DESIGN_COUNT];
	uint8_t *right; /* of design i, ntruth from i * ntruth: whether each image was called right */
	struct space_shape *shapes;
	size_t nshapes;
};

/* Read a recorded one. -EBADMSG: it is none, or lacks a design or a part of one; -ENOMEM, -errno. */
errint_t truth_read(const char *path, struct truth **ret_truth, struct ic_why *why);

/* That of tests/search/synthetic.h, whose noise has this deviation and follows from the seed. NULL without memory. */
struct truth *truth_synthetic(double noise, uint64_t seed);
void truth_free(struct truth *truth); /* NULL is fine */

extern const struct evaluator evaluator_truth; /* its handle is a struct truth, not opened */

/* Settings of a search of it; seconds of reading and decoding by fixed coefficients. */
struct search_settings truth_settings(struct truth *truth);
