/* SPDX-License-Identifier: MIT */
/*
 * probe.h: the evaluator that is built in. It needs no Python and no GPU: each image is decoded under the design,
 * brought onto one grid of 128 x 128 pixels, the same for all designs, and known by how strongly fixed filters answer
 * to it in each part of it; a linear classifier is fitted to that (docs/search.md).
 *
 * What is promised: a design's pixels, and the features of them, are the same bits on every machine; so is the way
 * images are split. The classifier is the same bits each time on one machine, whatever the number of threads, since its
 * linear algebra is done by one.
 *
 * Classes are the subdirectories of the dataset, or of its train/ and val/ or test/ (probe_dataset_priv.h says which is
 * which). Images that cannot be decoded are left out, for all designs alike.
 */
#pragma once

#include "search/evaluator.h"

/* For the search. Options: images=N, of which the head says the same as probe_evaluator.help. */
extern const struct evaluator probe_evaluator;

/* Have the library of linear algebra take now what it keeps for itself, 128 MiB of address space of which it uses
 * little: where it gets none later, it asks again for ever. For who is about to bound the memory of the process.
 * -ENOMEM. */
errint_t probe_prepare(void);

/*
 * The same with all that is known about a measurement, for experiments on searches.
 *
 * probe_open: as evaluator.open. One handle serves one thread at a time; the evaluator's takes turns by itself.
 */
struct probe;
errint_t probe_open(const struct evaluator_settings *settings, struct probe **ret_probe, struct ic_why *why);
void probe_close(struct probe *probe); /* NULL is fine */
void probe_describe(const struct probe *probe, struct evaluator_description *ret_description);
errint_t probe_expect(struct probe *probe, const struct ic_design *designs, size_t n);

/* How the images of one side were judged. Image i is the same for all designs; probe_path says which it is. */
struct probe_judgement {
	size_t nimages;
	double accuracy; /* 0..1 */
	double log_loss; /* mean, natural logarithm */
	uint8_t *right;  /* of each image, 0 or 1; for paired comparisons of designs */
	double *loss;    /* of each image */
};

struct probe_report {
	struct probe_judgement side[2]; /* by enum evaluator_split; zeroed where it was not asked for */
	size_t ntrain;
	uint64_t nmade;        /* dense objects that were made, not kept from before */
	uint64_t nread;        /* of them, of a file that was read and decoded again */
	uint64_t coefs_nbytes; /* that are kept of files so that these need not be read */
	uint64_t file_nbytes;  /* of them, in a file */
	double loo_accuracy;   /* of the images trained on, each left out */
	double object_s;       /* thread seconds in all: making and deriving objects */
	double decode_s;       /* from objects to grids */
	double features_s;     /* from grids to features */
	double fit_s, judge_s; /* of the classifier */
	double wall_s;
};

/* Measure a design on one side or on both. job->split is not looked at. Errors as evaluator.evaluate. */
errint_t probe_measure(struct probe *probe, const struct evaluator_job *job, bool selects, bool tells_truth,
                       struct probe_report *ret_report, struct ic_why *why);
void probe_report_clear(struct probe_report *report);

/* Measure a design on both sides, and what it would have told with fewer images to train on: the accuracy on those to select
 * by for each of `n` smaller fractions, the same as of jobs of their own, which would take the features anew. job->fraction
 * is 1. */
errint_t probe_measure_parts(struct probe *probe, const struct evaluator_job *job, const double *fractions, size_t n,
                             double *ret_accuracy, struct probe_report *ret_report, struct ic_why *why);

/* The sum of the sizes of all images' objects. -EINVAL for an invalid design. */
errint_t probe_bytes(const struct probe *probe, const struct ic_design *design, uint64_t *ret_nbytes);

/* The path, below the dataset, of an image of a side, and its class. */
const char *probe_path(const struct probe *probe, enum evaluator_split split, size_t image);
unsigned probe_label(const struct probe *probe, enum evaluator_split split, size_t image);
