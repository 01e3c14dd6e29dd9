/* SPDX-License-Identifier: MIT */
/* search_priv.h: one search under way, and what the files of it share. */
#pragma once

#include "search/search.h"

#include <pthread.h>

struct search {
	const struct search_settings *settings;
	struct evaluator_description description;
	struct run run; /* as it is in the catalog; id 0 before */
	int claim;      /* of the run; -1 before */
	bool was_resumed, has_model_seconds;
	bool is_whole;                  /* the plan has more than the sample that tells the model's seconds */
	struct cost_features *features; /* of each design of the base space */
	struct cost_model costs;
	struct design_cost *cost;           /* by these */
	unsigned reference;                 /* the default design */
	bool is_candidate[IC_DESIGN_COUNT]; /* what the aim admits; no other is evaluated, on the frontier or chosen */

	pthread_mutex_t lock; /* over what follows, while evaluations run */
	struct planned *plan;
	size_t nplan, nplan_max;      /* evaluations asked for, and results known, which count as none */
	size_t next;                  /* to be evaluated, or one after it */
	bool *is_taken;               /* by position: under way, or done since */
	pthread_cond_t ended;         /* an evaluation was, with the lock */
	pthread_mutex_t weights_lock; /* while weights are made again */
	uint64_t nevaluated, nreused;
	errint_t err; /* of the first evaluation that ended the search */
	struct ic_why why;
};

/* search.c: what is asked for, as far as it can be told by the costs that are known: a share of the reference's time cannot
 * before the model's are. */
struct aim search_aim_known(const struct search *search);

/* Fill is_candidate. */
void search_find_candidates(struct search *search);

/* Whether a design is a candidate, and within what an aim lets it cost. */
bool search_affords(const struct search *search, const struct aim *aim, unsigned design);

/* How many evaluations tell what the model takes, at most. */
unsigned search_sample_size(const struct search_settings *settings);

/* search_costs.c: numbers that a run freezes, and what is in them. */
#define NPARAMETERS_MAX (4 * COST_NFEATURES + 4)
struct parameters {
	struct run_parameter at[NPARAMETERS_MAX];
	size_t n;
};
void add_making_costs(struct parameters *parameters, const struct cost_model *costs); /* of reading and decoding */
void add_model_costs(struct parameters *parameters, const struct cost_model *costs);
void add_model_errors(struct parameters *parameters, const struct cost_model *costs);
void add_known(struct parameters *parameters, size_t nknown); /* results beside the evaluations */
/* False where there is no such number, or one above `most`: the run has no more than its sample yet. */
bool known_of_parameters(const struct run_parameter *parameters, size_t n, size_t most, size_t *ret_nknown);
bool is_of_model(const struct run_parameter *parameter);
/* Whether those of the model are among them. */
bool costs_of_parameters(const struct run_parameter *parameters, size_t n, struct cost_model *ret_costs);
/* Fit those of the model to what the first `n` evaluations of the plan told, whose errors nobody knows then; and say how far
 * they are off on all from `first` on. -ENOMEM. */
errint_t fit_model_costs(const struct search *search, size_t n, struct cost_model *costs);
errint_t check_model_costs(const struct search *search, size_t first, struct cost_model *costs);

/* search_plan.c: add to the plan `n` evaluations of round 0, or as many as there are designs within the aim's costs
 * that are not planned yet: one of each of `n` buckets of equal count. `is_known` says of each design whether the
 * catalog has a result, for it is preferred then. */
errint_t plan_buckets(struct search *search, size_t n, const bool *is_known);

/* Beside these, and returned is how many: designs within the aim's costs that the catalog has a result for and that are not
 * planned yet, at most `most`, spread over the space. */
size_t plan_known(struct search *search, const bool *is_known, size_t most);

/* The parent of a design: the nearest of plan[0..n) that is as dense or denser; the first one where there is none. */
int plan_parent(const struct planned *plan, size_t n, const struct ic_design *design);

/* search_weights.c. Whether weights pass at all. The origin of a position is where its weights come from: its parent, or where
 * that has no result the nearest above that has one; -1: nowhere. Paths and lineages (measurement.h) are malloc'ed. Origins of
 * what is planned are final once all of its parents are done. */
bool weights_pass(const struct search *search);
int weights_origin(const struct search *search, size_t position);
char *weights_lineage(const struct search *search, size_t position);
char *weights_path(const struct search *search, size_t position);
errint_t weights_begin(const struct search *search, struct ic_why *why);
/* Have the weights of a position be there: they may not, where the catalog knew its result. -1 is fine. */
errint_t weights_restore(struct search *search, int position, struct ic_why *why);
/* Once all is planned: remove those that no evaluation to come begins with. The lock is held. */
void weights_drop_unneeded(const struct search *search);
void weights_end(const struct search *search);

/* search_evaluate.c: have all of the plan done. */
errint_t evaluate_all(struct search *search, struct ic_why *why);
void search_key(const struct search *search, const struct ic_design *design, struct measurement_key *ret_key);

/* Whether what the catalog knows of a design is of no use to the sample, for it tells of seconds, and those of other
 * hardware. */
bool search_lacks_seconds(const struct measurement *measurement);
/* What the catalog knows that need not be evaluated at a position of the plan; -ENOENT. */
errint_t search_known(const struct search *search, size_t position, const struct measurement_key *key,
                      struct measurement *ret_measurement, struct ic_why *why);

/* search_choose.c: estimates from what is done; the next designs to evaluate, at most `n`; and the end. */
errint_t choose_estimates(const struct search *search, struct estimates **ret_estimates, struct ic_why *why);
/* -ENODATA where the first of a plan, the reference, has no result. */
errint_t plan_check_reference(const struct planned *plan, struct ic_why *why);
errint_t plan_estimates(const struct planned *plan, size_t nplan, enum estimate_model model,
                        const struct design_cost *costs, struct estimates **ret_estimates, struct ic_why *why);
errint_t choose_next(const struct search *search, const struct estimates *estimates, size_t n, struct planned *out,
                     size_t *ret_n);
errint_t choose_outcome(const struct search *search, const struct estimates *estimates, struct search_outcome *outcome);
/* The best one evaluated within the aim, as a position in the plan; -1: none is. `estimates` may be NULL: as measured. */
int choose_best(const struct search *search, const struct estimates *estimates, double full);
