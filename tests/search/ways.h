/* SPDX-License-Identifier: MIT */
/* ways.h: ways to spend a number of evaluations on a truth, within a budget. Each sees what was measured to select by alone. */
#pragma once

#include "truth.h"

enum way {
	WAY_SEARCH,
	WAY_ALONG_COST, /* the same search with the talk's interpolation along cost as its model */
	WAY_RANDOM,     /* the best of as many drawn at random */
	WAY_HALVING,    /* successive halving over the size of the training set, with the same work */
	NWAYS,
};

struct task {
	struct truth *truth;
	struct search_settings settings; /* seed, budget, evaluations */
	const char *folder;              /* for catalogs */
	struct design_cost cost[IC_DESIGN_COUNT];
	unsigned reference;
};

/* Of a truth, under a budget: the aim's key, "max-bytes" or "max-time", and its value. */
errint_t task_init(struct task *task, struct truth *truth, const char *folder, const char *key, const char *value,
                   uint64_t seed, unsigned nevaluations);

struct found {
	unsigned design;
	double error, rank_correlation; /* as in struct search_outcome; of ways that have no model, 0 */
	/* The same of the designs that can be afforded and were not evaluated, against what evaluating them would have told. */
	double unseen_error, unseen_rank_correlation;
};

/* Ends the program where a way fails. */
struct found go(struct task *task, enum way way);

/* What evaluating every design that can be afforded would choose: the most accurate, of equals the least log-loss. False where
 * nothing can be afforded. */
bool exhaustive(const struct task *task, unsigned *ret_design);
