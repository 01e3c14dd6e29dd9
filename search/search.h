/* SPDX-License-Identifier: MIT */
/*
 * search.h: find the design to serve a dataset in. docs/search.md has the method.
 *
 * A search is a run in the catalog. It plans evaluations, makes them, and plans more from what it knows then; each result is
 * in the catalog before the next is planned. What it plans and chooses follows from its settings, its frozen costs and the
 * results alone: not from the order in which evaluations end, how many run at once, or how often it was killed.
 */
#pragma once

#include "search/aim.h"
#include "search/estimate.h"
#include "search/run.h"

struct search_progress {
	uint64_t ndone,
	        ntotal;   /* evaluations of the run, planned or to be planned; after its sample with known results */
	uint64_t nreused; /* that the catalog knew */
	bool has_best;    /* the best of those evaluated that the aim allows, as far as it is known */
	struct ic_design best;
	double best_accuracy;
};

struct search_settings {
	/* Required, the caller's: */
	struct catalog *catalog;
	const struct evaluator *evaluator;
	void *handle;          /* of the evaluator, open */
	const char *directory; /* canonical: for which the choice is written */
	const char *dataset;   /* fingerprint */
	const char *hardware;
	const struct space_shape *shapes; /* of the sources: what designs take */
	size_t nshapes;
	/* Measure what reading and decoding take here; called unless a run goes on whose costs are frozen. */
	errint_t (*measure)(void *context, struct cost_model *ret_model, struct ic_why *why);
	void *measure_context;

	/* With defaults: */
	unsigned nevaluations;     /* in all, verification included; from 4 on; 150 */
	unsigned nverify;          /* of them, once accuracies are known; less than nevaluations - 2; 60 */
	unsigned nrounds;          /* in which those are planned, from 1 on; 5 */
	uint64_t seed;             /* of the plan and of the evaluations; 1 */
	unsigned njobs;            /* evaluations at once, at most what the evaluator takes; 1 */
	enum estimate_model model; /* ESTIMATE_MONOTONE */
	struct aim aim;            /* completed by aim_complete */
	/* A directory for the weights that pass from an evaluation to those whose parent it is, where the evaluator takes
	 * them: run-ID in it has a file for each that may still be needed. NULL: none pass. Kept at the end; false. */
	const char *checkpoints;
	bool keeps_checkpoints;
	const atomic_bool *cancelled; /* once true, search_run returns -ECANCELED, to be resumed; NULL */
	double patience_s;            /* how long to wait for a catalog that cannot be written; for ever */

	/* Told after each evaluation, from any thread, one at a time; and when the catalog is waited for. May be NULL. */
	void (*progress)(void *context, const struct search_progress *progress);
	void (*waiting)(void *context, const char *why);
	void *context;
};

struct search_settings search_settings_default(void);

/* So many evaluations, of them as much for verification as is the default. */
void search_settings_share(struct search_settings *settings, unsigned nevaluations);

struct search_outcome {
	int64_t run;
	bool was_resumed;
	uint64_t nevaluated, nreused, nfailed; /* made now; known to the catalog; without a result */
	struct cost_model costs;               /* as frozen */
	struct design_cost reference_cost;
	double accuracy, reference_accuracy; /* of the choice and the reference, as estimated from all evaluations */
	double noise;                        /* standard deviation of one evaluation, as estimated */
	/* Of the model, each evaluation told by the others: mean absolute error, and Spearman's rank correlation. */
	double error, rank_correlation;
	bool has_choice; /* false: nothing that was evaluated is within the aim; `choice` is then the nearest to it */
	struct choice choice;
	struct frontier_point *points; /* malloc'ed, by bytes */
	size_t npoints;
};

/* Run one, or go on with the one that these settings began. Where one with these settings has ended, its costs and its plan
 * are taken, so that what it evaluated is known and the outcome the same. -EINVAL (settings), -ECANCELED, -EBUSY (another
 * process is at it), errors of the evaluator and of the catalog, -ENODATA (too few evaluations had a result, or the reference
 * had none, or no design can be afforded; the run has ended then), -ENOMEM. What was measured is kept in any case.
 * search_outcome_clear frees what is in an outcome. */
errint_t search_run(const struct search_settings *settings, struct search_outcome *ret_outcome, struct ic_why *why);
void search_outcome_clear(struct search_outcome *outcome);

/* What search_run would do first. */
struct search_preview {
	struct planned *plan; /* malloc'ed; which of it the catalog knows is_done */
	size_t n, nfollowing; /* and at most so many after that, by their results */
	struct cost_model costs;
	/* Evaluations that are first made to tell what the model takes. The others are planned here as if that were nothing;
	 * 0: it is known. */
	size_t nsample;
};

/* Nothing is evaluated, nor written but times of decoding. Errors of search_run. */
errint_t search_preview(const struct search_settings *settings, struct search_preview *ret_preview, struct ic_why *why);
