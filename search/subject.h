/* SPDX-License-Identifier: MIT */
/*
 * subject.h: a directory made ready to be searched: looked at as a dataset, and opened by an evaluator. What a search
 * is told by hand and what a mount searches by itself is prepared here, so that either goes on with what the other
 * began.
 */
#pragma once

#include "search/dataset.h"
#include "search/evaluator.h"
#include "search/search.h"

struct subject_settings {
	/* Required, the caller's, and outlives the subject: */
	struct catalog *catalog;
	const struct evaluator *evaluator;
	const char *directory; /* canonical where `root` is given */
	/* With defaults, zero: */
	const int *root; /* the directory, open, which a mount may be in front of; NULL: it is opened by its path */
	const struct evaluator_option *options;
	size_t noptions;
	unsigned threads;                    /* of one evaluation; 0: 1 */
	uint64_t memory_nbytes;              /* of the evaluator; 0: as it likes */
	const atomic_bool *cancelled;        /* NULL: never */
	const struct evaluator_trees *trees; /* as in evaluator_settings, like what follows */
	const char *work;
	const char *scratch;
	uint64_t scratch_nbytes;
	/* Told what takes long before the first evaluation: what, and how much of how much. From any thread; may be NULL. */
	void (*doing)(void *context, const char *doing, uint64_t done, uint64_t total);
	void *context;
};

struct subject;

/* Where large files may lie that need not outlive this process: TMPDIR, else /var/tmp, since /tmp may be memory. */
const char *subject_scratch_default(void);

/* Look at a directory. `seed` is that of the search to come: images are split by it. -ENODATA: no image in it, or
 * none that the evaluator can judge; -EINVAL: an option of the evaluator's; errors of dataset_open and
 * evaluator.open. */
errint_t subject_open(const struct subject_settings *settings, uint64_t seed, struct subject **ret_subject,
                      struct ic_why *why);
void subject_close(struct subject *subject); /* NULL is fine */

/* Put all that follows from the subject into the settings of a search: catalog, evaluator, dataset, hardware, sizes,
 * how costs are measured, and what ends it. They are the subject's. */
void subject_apply(struct subject *subject, struct search_settings *settings);

struct evaluator_description subject_description(const struct subject *subject);
