/* SPDX-License-Identifier: MIT */
/*
 * run.h: what the catalog keeps of a search: its settings and frozen costs, its plan as far as it goes, and how it ended.
 *
 * A search that was killed is a run that has not ended. The next one with the same dataset, evaluator, hardware, codec
 * version and settings goes on with it: with the same costs, and the same plan.
 *
 * All functions are thread safe, return the errors of catalog_open, and have written what they were given when they
 * return 0.
 */
#pragma once

#include "search/choice.h"
#include "search/evaluator.h"
#include "search/measurement.h"

#include <limits.h>

struct run {
	int64_t id;
	char directory[PATH_MAX]; /* canonical, where the dataset was */
	char dataset[40];         /* its fingerprint */
	char evaluator[EVALUATOR_IDENTITY_SIZE];
	char hardware[128];
	unsigned codec;
	char settings[512];       /* all that the plan and the choice depend on, in words: search.h */
	int64_t started_s;        /* since the epoch */
	int64_t ended_s;          /* 0 while it has not */
	uint64_t nplanned, ndone; /* evaluations */
	uint64_t nfrontier;       /* designs of its frontier; 0 where it ended without a result, or has not */
};

/* Whether a word is among its settings: NAME=VALUE, or a name that stands alone. */
bool run_says(const struct run *run, const char *word);

/* A number that is frozen in a run. */
#define RUN_PARAMETER_NAME_SIZE 32
struct run_parameter {
	char name[RUN_PARAMETER_NAME_SIZE];
	double value; /* finite */
};

/* An evaluation of a plan; its place in the array is its position in the run. */
struct planned {
	/* 0 was planned before accuracies were known: a sample that tells what the model takes, and what is planned by that.
	 * Later rounds follow from what is known after the one before. */
	unsigned round;
	struct ic_design design;
	int parent;   /* position of the one that its weights come from, an earlier one; -1: from scratch */
	bool is_done; /* and this is what came of it */
	struct measurement measurement; /* is_foreign: to the hardware of the run */
};

struct frontier_point {
	struct ic_design design;
	double nbytes, infer_s, train_s; /* an image: bytes; seconds of reading, decoding and the model */
	double predicted, uncertainty;   /* accuracy of the model after all evaluations, and one standard deviation */
	double verified;                 /* accuracy measured, NAN where it was not */
};

/* The newest run like this one that has ended, or that has not: -ENOENT, or its id. What is compared: dataset, evaluator,
 * hardware, codec, settings. */
errint_t run_find(struct catalog *catalog, const struct run *like, bool has_ended, int64_t *ret_id, struct ic_why *why);

/* Have a run for oneself until run_release, or the end of the process, however it ends. -EBUSY: another process, or
 * search, has it. By a lock on a file beside the catalog, its name with "-search"; where that cannot be, nobody is
 * kept out. */
errint_t run_claim(const struct catalog *catalog, int64_t run, int *ret_claim, struct ic_why *why);
void run_release(int claim); /* -1 is fine */

/* A name for files that belong to the run, by which searches with other catalogs that keep theirs in the same directory have
 * others. */
#define RUN_NAME_SIZE 48
void run_name(const struct catalog *catalog, const struct run *run, char ret_name[static RUN_NAME_SIZE]);

/* Begin one, in one step with its parameters and the first of its plan. -EEXIST: another process began one like it that has
 * not ended. */
errint_t run_begin(struct catalog *catalog, const struct run *run, const struct run_parameter *parameters,
                   size_t nparameters, const struct planned *plan, size_t nplan, int64_t *ret_id, struct ic_why *why);

/* Add to the plan, from position `first` on, and to the parameters. One of a name that is there stays. */
errint_t run_extend(struct catalog *catalog, int64_t run, const struct run_parameter *parameters, size_t nparameters,
                    const struct planned *plan, size_t first, size_t nplan, struct ic_why *why);

/* Say which measurement the evaluation at a position came to: one that the catalog has, or, put in the same step, a new one
 * (as measurement_put). */
errint_t run_evaluated(struct catalog *catalog, int64_t run, size_t position, int64_t measurement, struct ic_why *why);
errint_t run_measured(struct catalog *catalog, int64_t run, size_t position, const struct measurement_key *key,
                      const struct evaluator_result *result, const char *failure, struct ic_why *why);

/* End it, in one step with its frontier and its choices. */
errint_t run_end(struct catalog *catalog, int64_t run, const struct frontier_point *points, size_t npoints,
                 const struct choice *choices, size_t nchoices, struct ic_why *why);

/* Read. All arrays are malloc'ed and the caller's, NULL for nothing. run_list: one run, or for id 0 all of them, oldest
 * first; -ENOENT for one that is not there. */
errint_t run_list(struct catalog *catalog, int64_t id, struct run **ret_runs, size_t *ret_n, struct ic_why *why);
errint_t run_parameters(struct catalog *catalog, int64_t run, struct run_parameter **ret_parameters, size_t *ret_n,
                        struct ic_why *why);
errint_t run_plan(struct catalog *catalog, int64_t run, struct planned **ret_plan, size_t *ret_n, struct ic_why *why);
errint_t run_frontier(struct catalog *catalog, int64_t run, struct frontier_point **ret_points, size_t *ret_n,
                      struct ic_why *why);

/* By bytes; of equal ones in the order of the space. So they are read, too. */
void frontier_sort(struct frontier_point *points, size_t n);
