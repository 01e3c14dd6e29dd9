/* SPDX-License-Identifier: MIT */
#include "search/search_priv.h"

#include "codec/encode.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct search_settings search_settings_default(void)
{
	return (struct search_settings){
	        .nevaluations = 150,
	        .nverify = 60,
	        .nrounds = 5,
	        .seed = 1,
	        .njobs = 1,
	        .model = ESTIMATE_MONOTONE,
	        .aim = aim_default(),
	        .patience_s = (double)INFINITY,
	};
}

void search_settings_share(struct search_settings *settings, unsigned nevaluations)
{
	settings->nevaluations = nevaluations;
	settings->nverify = nevaluations * 2 / 5;
}

/* Evaluations at most, with known results beside them. */
#define NPLAN_MAX(settings) (2 * (size_t)(settings)->nevaluations)

/* Evaluations whose seconds tell what the model takes, before what is planned by its cost: three coefficients to fit, and
 * more than that, since times are noisy. */
#define NSAMPLE 8

/* --- Beginning ---------------------------------------------------------------------------------------------------- */

/* Of a short search a third of what is planned before accuracies are known, the reference and another at least. */
unsigned search_sample_size(const struct search_settings *s)
{
	unsigned n = (s->nevaluations - s->nverify) / 3;

	return n < 2 ? 2 : n < NSAMPLE ? n : NSAMPLE;
}

static void describe_run(struct search *search)
{
	const struct search_settings *s = search->settings;
	char aim[AIM_TEXT_SIZE];

	aim_print(&s->aim, aim);
	snprintf(search->run.directory, sizeof(search->run.directory), "%s", s->directory);
	snprintf(search->run.dataset, sizeof(search->run.dataset), "%s", s->dataset);
	snprintf(search->run.evaluator, sizeof(search->run.evaluator), "%s", search->description.identity);
	snprintf(search->run.hardware, sizeof(search->run.hardware), "%s", s->hardware);
	search->run.codec = IC_CODEC_VERSION;
	snprintf(search->run.settings, sizeof(search->run.settings),
	         "evaluations=%u sample=%u verify=%u rounds=%u seed=%llu model=%s %s", s->nevaluations,
	         search_sample_size(s), s->nverify, s->nrounds, (unsigned long long)s->seed,
	         estimate_model_name(s->model), aim);
}

static void apply_costs(struct search *search)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		search->cost[i] = cost_of(&search->costs, &search->features[i]);
}

struct aim search_aim_known(const struct search *search)
{
	struct aim aim = search->settings->aim;

	if (!search->has_model_seconds && aim.time.is_share)
		aim.time.is_set = false;
	return aim;
}

void search_find_candidates(struct search *search)
{
	struct ic_design design;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		search->is_candidate[i] = !ic_design_at(i, &design) && aim_admits(&search->settings->aim, &design);
}

bool search_affords(const struct search *search, const struct aim *aim, unsigned design)
{
	return search->is_candidate[design] &&
	       aim_affords(aim, &search->cost[design], &search->cost[search->reference]);
}

static errint_t check_affordable(const struct search *search, struct ic_why *why)
{
	struct aim aim = search_aim_known(search);
	struct design_cost least = search->cost[search->reference];
	char text[AIM_TEXT_SIZE];

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		if (search_affords(search, &aim, i))
			return 0;
		if (!search->is_candidate[i])
			continue;
		least.nbytes = fmin(least.nbytes, search->cost[i].nbytes);
		least.infer_s = fmin(least.infer_s, search->cost[i].infer_s);
	}
	aim_print(&search->settings->aim, text);
	return ic_fail(why, -ENODATA, "no design is within %.100s: the least are %.0f bytes and %.3g s an image", text,
	               least.nbytes, least.infer_s);
}

/* Which designs the catalog has a result for; if `with_seconds`, one whose seconds count here. */
static errint_t find_known(const struct search *search, bool with_seconds, bool is_known[IC_DESIGN_COUNT],
                           struct ic_why *why)
{
	/* With weights that pass, it depends on a plan that there is not yet. */
	for (unsigned i = 0; !weights_pass(search) && i < IC_DESIGN_COUNT; i++) {
		struct measurement measurement;
		struct measurement_key key;
		struct ic_design design = ic_design_default();
		ic_design_at(i, &design);
		search_key(search, &design, &key);
		errint_t err = measurement_get(search->settings->catalog, &key, &measurement, why);
		if (err && err != -ENOENT)
			return err;
		is_known[i] = !err && !measurement.is_failure && !(with_seconds && search_lacks_seconds(&measurement));
	}
	return 0;
}

/* The reference, and a sample to tell by what the model takes. */
static errint_t plan_sample(struct search *search, struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	bool *is_known = calloc(IC_DESIGN_COUNT, sizeof(*is_known));
	errint_t err;

	search->plan = calloc(NPLAN_MAX(s), sizeof(*search->plan));
	if (!is_known || !search->plan) {
		free(is_known);
		return ic_fail(why, -ENOMEM, "out of memory");
	}
	search->nplan_max = s->nevaluations;
	search->plan[0] = (struct planned){.design = ic_design_default(), .parent = -1};
	search->nplan = 1;
	err = check_affordable(search, why);
	if (!err)
		err = find_known(search, true, is_known, why);
	if (!err && plan_buckets(search, search_sample_size(s) - 1, is_known))
		err = ic_fail(why, -ENOMEM, "out of memory");
	free(is_known);
	return err;
}

/* Once what designs cost is known. What the catalog has results for already makes the model better, and costs no evaluation. */
static errint_t plan_by_cost(struct search *search, struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	bool *is_known = calloc(IC_DESIGN_COUNT, sizeof(*is_known));
	size_t nfirst = s->nevaluations - s->nverify;
	errint_t err = is_known ? find_known(search, false, is_known, why) : ic_fail(why, -ENOMEM, "out of memory");

	if (!err && plan_buckets(search, nfirst - search->nplan, is_known))
		err = ic_fail(why, -ENOMEM, "out of memory");
	if (!err)
		search->nplan_max = s->nevaluations + plan_known(search, is_known, s->nevaluations);
	search->is_whole = !err;
	free(is_known);
	return err;
}

static void find_size(struct search *search, const struct run_parameter *parameters, size_t n)
{
	size_t nevaluations = search->settings->nevaluations, nknown;

	search->is_whole = known_of_parameters(parameters, n, nevaluations, &nknown);
	search->nplan_max = nevaluations + nknown;
}

/* What a run has planned; `is_done` where it says what came of it. */
static errint_t load_plan(struct search *search, int64_t run, struct ic_why *why)
{
	struct planned *plan;
	size_t n;
	errint_t err = run_plan(search->settings->catalog, run, &plan, &n, why);

	if (err)
		return err;
	search->plan = calloc(NPLAN_MAX(search->settings), sizeof(*search->plan));
	if (!n || n > search->nplan_max || !search->plan) {
		free(plan);
		return ic_fail(why, search->plan ? -EBADMSG : -ENOMEM, "run %lld of the catalog cannot be gone on with",
		               (long long)run);
	}
	memcpy(search->plan, plan, n * sizeof(*plan));
	search->nplan = n;
	free(plan);
	return 0;
}

static errint_t plan_anew(struct search *search, struct parameters *parameters, struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	errint_t err = s->measure(s->measure_context, &search->costs, why);

	if (err)
		return err;
	apply_costs(search);
	add_making_costs(parameters, &search->costs);
	return plan_sample(search, why);
}

/* With the costs and the plan of one that has ended: what that evaluated is known, and what comes of it is the same. Where
 * some of its sample failed and are asked again, what the model takes is fitted again, too. One that goes on keeps all. */
static errint_t plan_again(struct search *search, int64_t run, bool goes_on, struct parameters *parameters,
                           struct ic_why *why)
{
	struct run_parameter *loaded;
	bool has_failed = false;
	size_t n;
	errint_t err = run_parameters(search->settings->catalog, run, &loaded, &n, why);

	if (err)
		return err;
	find_size(search, loaded, n);
	err = load_plan(search, run, why);
	if (err) {
		free(loaded);
		return err;
	}
	for (size_t i = 0; i < search->nplan; i++) {
		if (i < search_sample_size(search->settings) && search->plan[i].is_done)
			has_failed = has_failed || search->plan[i].measurement.is_failure;
		search->plan[i].is_done = goes_on && search->plan[i].is_done;
	}
	for (size_t i = 0; i < n && parameters->n < NPARAMETERS_MAX; i++)
		if (goes_on || !has_failed || !is_of_model(&loaded[i]))
			parameters->at[parameters->n++] = loaded[i];
	free(loaded);
	search->has_model_seconds = costs_of_parameters(parameters->at, parameters->n, &search->costs);
	apply_costs(search);
	return 0;
}

static errint_t load_costs(struct search *search, struct ic_why *why)
{
	struct run_parameter *parameters;
	size_t n;
	errint_t err = run_parameters(search->settings->catalog, search->run.id, &parameters, &n, why);

	if (err)
		return err;
	search->has_model_seconds = costs_of_parameters(parameters, n, &search->costs);
	find_size(search, parameters, n);
	free(parameters);
	return 0;
}

static errint_t begin(struct search *search, struct ic_why *why)
{
	struct catalog *catalog = search->settings->catalog;
	struct parameters parameters = {.n = 0};
	int64_t ended;
	errint_t err = run_find(catalog, &search->run, true, &ended, why);

	if (!err)
		err = plan_again(search, ended, false, &parameters, why);
	else if (err == -ENOENT)
		err = plan_anew(search, &parameters, why);
	if (!err)
		err = run_begin(catalog, &search->run, parameters.at, parameters.n, search->plan, search->nplan,
		                &search->run.id, why);
	if (err == -EEXIST) {
		free(search->plan);
		search->plan = NULL;
	}
	return err;
}

static errint_t resume(struct search *search, struct ic_why *why)
{
	errint_t err = load_costs(search, why);

	if (!err)
		err = load_plan(search, search->run.id, why);
	if (err)
		return err;
	for (size_t i = 0; i < search->nplan; i++)
		search->nreused += search->plan[i].is_done;
	search->was_resumed = true;
	apply_costs(search);
	return 0;
}

/* The run to go on with, or a new one, for ourselves. One that ended while it was found is none to go on with, and one that
 * another process began meanwhile is. */
static errint_t take_run(struct search *search, struct ic_why *why)
{
	struct catalog *catalog = search->settings->catalog;
	int64_t again = 0;

	for (;;) {
		errint_t err = run_find(catalog, &search->run, false, &search->run.id, why);
		if (err == -ENOENT) {
			err = begin(search, why);
			if (err == -EEXIST)
				continue;
			return err ? err : run_claim(catalog, search->run.id, &search->claim, why);
		}
		if (!err)
			err = run_claim(catalog, search->run.id, &search->claim, why);
		if (err)
			return err;
		err = run_find(catalog, &search->run, false, &again, why);
		if (!err && again == search->run.id)
			return resume(search, why);
		run_release(search->claim);
		search->claim = -1;
		if (err && err != -ENOENT)
			return err;
	}
}

static errint_t check_settings(const struct search_settings *s, struct ic_why *why)
{
	if (s->nevaluations < 4 || s->nevaluations > IC_DESIGN_COUNT)
		return ic_fail(why, -EINVAL, "%u evaluations: a search takes 4 to %d", s->nevaluations,
		               IC_DESIGN_COUNT);
	if (s->nverify > s->nevaluations - 3 || !s->nrounds || !s->njobs)
		return ic_fail(why, -EINVAL, "of %u evaluations at most %u can be left for verification",
		               s->nevaluations, s->nevaluations - 3);
	return 0;
}

static errint_t set_up(struct search *search, const struct search_settings *settings, struct ic_why *why)
{
	struct ic_design reference = ic_design_default();
	errint_t err = check_settings(settings, why);

	*search =
	        (struct search){.settings = settings, .claim = -1, .reference = (unsigned)ic_design_index(&reference)};
	pthread_mutex_init(&search->lock, NULL);
	pthread_mutex_init(&search->weights_lock, NULL);
	pthread_cond_init(&search->ended, NULL);
	if (err)
		return err;
	search->features = calloc(IC_DESIGN_COUNT, sizeof(*search->features));
	search->cost = calloc(IC_DESIGN_COUNT, sizeof(*search->cost));
	search->is_taken = calloc(NPLAN_MAX(settings), sizeof(*search->is_taken));
	if (!search->features || !search->cost || !search->is_taken)
		return ic_fail(why, -ENOMEM, "out of memory");
	err = cost_features_of_base(settings->shapes, settings->nshapes, search->features);
	if (err)
		return ic_fail(why, err, "the dataset's sizes cannot be added up: %s", strerror(-err));
	settings->evaluator->describe(settings->handle, &search->description);
	search_find_candidates(search);
	describe_run(search);
	return 0;
}

static void tear_down(struct search *search)
{
	free(search->plan);
	free(search->features);
	free(search->cost);
	free(search->is_taken);
	pthread_cond_destroy(&search->ended);
	pthread_mutex_destroy(&search->weights_lock);
	pthread_mutex_destroy(&search->lock);
	run_release(search->claim);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

/*
 * Once the sample is done: what the model takes, which stays from then on, and what is planned by that. A plan taken from
 * a run that had ended has that already.
 */
static errint_t settle(struct search *search, struct ic_why *why)
{
	struct parameters parameters = {.n = 0};
	size_t first = search->nplan, size = search_sample_size(search->settings);
	errint_t err = plan_check_reference(search->plan, why);

	if (!err && fit_model_costs(search, first < size ? first : size, &search->costs))
		err = ic_fail(why, -ENOMEM, "out of memory");
	if (err)
		return err;
	search->has_model_seconds = true;
	apply_costs(search);
	add_model_costs(&parameters, &search->costs);
	err = check_affordable(search, why);
	if (!err && !search->is_whole) {
		err = plan_by_cost(search, why);
		add_known(&parameters, search->nplan_max - search->settings->nevaluations);
	}
	return err ? err
	           : run_extend(search->settings->catalog, search->run.id, parameters.at, parameters.n,
	                        search->plan + first, first, search->nplan - first, why);
}

/* Plan one more round; *ret_n is 0 when that was the last. */
static errint_t extend(struct search *search, const struct estimates *estimates, size_t *ret_n, struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	size_t left = search->nplan_max - search->nplan, round = (s->nverify + s->nrounds - 1) / s->nrounds, n = 0;
	errint_t err = choose_next(search, estimates, left < round ? left : round, search->plan + search->nplan, &n);

	if (err)
		return ic_fail(why, err, "out of memory");
	if (n)
		err = run_extend(s->catalog, search->run.id, NULL, 0, search->plan + search->nplan, search->nplan, n,
		                 why);
	if (err)
		return err;
	search->nplan += n;
	*ret_n = n;
	return 0;
}

static errint_t run_rounds(struct search *search, struct estimates **ret_estimates, struct ic_why *why)
{
	for (;;) {
		struct estimates *estimates;
		size_t n = 0;
		errint_t err = evaluate_all(search, why);
		if (!err && !search->has_model_seconds) {
			err = settle(search, why);
			if (!err)
				continue;
		}
		if (!err)
			err = choose_estimates(search, &estimates, why);
		if (err)
			return err;
		err = extend(search, estimates, &n, why);
		if (!err && !n) {
			*ret_estimates = estimates;
			return 0;
		}
		estimates_free(estimates);
		if (err)
			return err;
	}
}

/* How far the frozen costs are off on what was evaluated after them. Where a run before told that, it stands. */
static errint_t check_costs(struct search *search, struct ic_why *why)
{
	struct parameters parameters = {.n = 0};

	if (isfinite(search->costs.infer_error) || isfinite(search->costs.train_error))
		return 0;
	if (check_model_costs(search, search_sample_size(search->settings), &search->costs))
		return ic_fail(why, -ENOMEM, "out of memory");
	add_model_errors(&parameters, &search->costs);
	return run_extend(search->settings->catalog, search->run.id, parameters.at, parameters.n, NULL, search->nplan,
	                  0, why);
}

static errint_t finish(struct search *search, const struct estimates *estimates, struct search_outcome *outcome,
                       struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	errint_t err = check_costs(search, why);

	if (err)
		return err;
	if (choose_outcome(search, estimates, outcome))
		return ic_fail(why, -ENOMEM, "out of memory");
	outcome->run = search->run.id;
	outcome->was_resumed = search->was_resumed;
	outcome->nevaluated = search->nevaluated;
	outcome->nreused = search->nreused;
	return run_end(s->catalog, search->run.id, outcome->points, outcome->npoints, &outcome->choice,
	               outcome->has_choice, why);
}

errint_t search_run(const struct search_settings *settings, struct search_outcome *ret_outcome, struct ic_why *why)
{
	struct search_outcome outcome = {.run = 0};
	struct estimates *estimates = NULL;
	struct search search;
	errint_t err = set_up(&search, settings, why);

	if (!err)
		err = take_run(&search, why);
	if (!err) {
		err = run_rounds(&search, &estimates, why);
		/* The same search, begun again, asks again for what failed. */
		if (err == -ENODATA && !run_end(settings->catalog, search.run.id, NULL, 0, NULL, 0, NULL))
			weights_end(&search);
	}
	if (!err)
		err = finish(&search, estimates, &outcome, why);
	if (!err)
		weights_end(&search);
	estimates_free(estimates);
	tear_down(&search);
	if (err)
		search_outcome_clear(&outcome);
	else
		*ret_outcome = outcome;
	return err;
}

void search_outcome_clear(struct search_outcome *outcome)
{
	free(outcome->points);
	outcome->points = NULL;
	outcome->npoints = 0;
}

errint_t search_preview(const struct search_settings *settings, struct search_preview *ret_preview, struct ic_why *why)
{
	struct parameters parameters = {.n = 0};
	size_t nsample = 0;
	struct search search;
	int64_t run;
	errint_t err = set_up(&search, settings, why);

	if (!err)
		err = run_find(settings->catalog, &search.run, false, &run, why);
	bool goes_on = !err; /* where failures stand */
	if (err == -ENOENT)
		err = run_find(settings->catalog, &search.run, true, &run, why);
	if (!err)
		err = plan_again(&search, run, goes_on, &parameters, why);
	else if (err == -ENOENT)
		err = plan_anew(&search, &parameters, why);
	if (!err && !search.has_model_seconds)
		nsample = search.nplan < search_sample_size(settings) ? search.nplan : search_sample_size(settings);
	/* The rest as if the model took no time: its seconds count as known while that is planned. */
	if (!err && !search.is_whole) {
		search.has_model_seconds = true;
		err = plan_by_cost(&search, why);
		search.has_model_seconds = false;
	}
	for (size_t i = 0; !err && i < search.nplan; i++) {
		struct measurement_key key;
		char *lineage = weights_lineage(&search, i);
		search_key(&search, &search.plan[i].design, &key);
		key.lineage = lineage;
		struct measurement *measurement = &search.plan[i].measurement;
		if (!search.plan[i].is_done)
			search.plan[i].is_done =
			        !search_known(&search, i, &key, measurement, NULL) && !measurement->is_failure;
		free(lineage);
	}
	if (!err) {
		*ret_preview = (struct search_preview){
		        .plan = search.plan,
		        .n = search.nplan,
		        .nfollowing = search.nplan_max - search.nplan,
		        .costs = search.costs,
		        .nsample = nsample,
		};
		search.plan = NULL;
	}
	tear_down(&search);
	return err;
}
