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

/* --- Frozen costs ------------------------------------------------------------------------------------------------- */

#define NPARAMETERS_MAX (4 * COST_NFEATURES + 4)

struct parameters {
	struct run_parameter at[NPARAMETERS_MAX];
	size_t n;
};

static void add_line(struct parameters *parameters, const char *name, const struct cost_line *line)
{
	for (int i = 0; i < COST_NFEATURES; i++) {
		struct run_parameter *parameter = &parameters->at[parameters->n++];
		snprintf(parameter->name, sizeof(parameter->name), "%s.%d", name, i);
		parameter->value = line->at[i];
	}
}

static bool find_line(const struct run_parameter *parameters, size_t n, const char *name, struct cost_line *line)
{
	char text[RUN_PARAMETER_NAME_SIZE];
	bool found = false;

	for (int i = 0; i < COST_NFEATURES; i++) {
		snprintf(text, sizeof(text), "%s.%d", name, i);
		for (size_t j = 0; j < n; j++) {
			if (strcmp(parameters[j].name, text))
				continue;
			line->at[i] = parameters[j].value;
			found = true;
		}
	}
	return found;
}

static void find_number(const struct run_parameter *parameters, size_t n, const char *name, double *number)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(parameters[i].name, name))
			*number = parameters[i].value;
}

static void add_number(struct parameters *parameters, const char *name, double number)
{
	struct run_parameter *parameter = &parameters->at[parameters->n];

	if (!isfinite(number))
		return;
	snprintf(parameter->name, sizeof(parameter->name), "%s", name);
	parameter->value = number;
	parameters->n++;
}

/* Known results that a run began with beside its evaluations, of which there are no more than of those. */
#define KNOWN "known"
#define NPLAN_MAX(settings) (2 * (size_t)(settings)->nevaluations)

static size_t most_planned(const struct search_settings *settings, const struct run_parameter *parameters, size_t n)
{
	double nknown = 0;

	find_number(parameters, n, KNOWN, &nknown);
	return settings->nevaluations + (nknown > 0 && nknown <= settings->nevaluations ? (size_t)nknown : 0);
}

bool costs_of_parameters(const struct run_parameter *parameters, size_t n, struct cost_model *ret_costs)
{
	struct cost_model costs = {
	        .held_out_error = (double)NAN, .infer_error = (double)NAN, .train_error = (double)NAN};

	find_line(parameters, n, "read", &costs.read);
	find_line(parameters, n, "decode", &costs.decode);
	bool has_model_seconds = find_line(parameters, n, "infer", &costs.infer);
	find_line(parameters, n, "train", &costs.train);
	find_number(parameters, n, "held-out", &costs.held_out_error);
	find_number(parameters, n, "held-out.infer", &costs.infer_error);
	find_number(parameters, n, "held-out.train", &costs.train_error);
	*ret_costs = costs;
	return has_model_seconds;
}

static errint_t load_costs(struct search *search, struct ic_why *why)
{
	struct run_parameter *parameters;
	size_t n;
	errint_t err = run_parameters(search->settings->catalog, search->run.id, &parameters, &n, why);

	if (err)
		return err;
	search->has_model_seconds = costs_of_parameters(parameters, n, &search->costs);
	search->nplan_max = most_planned(search->settings, parameters, n);
	free(parameters);
	return 0;
}

static void apply_costs(struct search *search)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		search->cost[i] = cost_of(&search->costs, &search->features[i]);
}

/* Once the first part of the plan is done, what the model takes is known as well as it will be; from then on it stays. */
static errint_t freeze_model_seconds(struct search *search, struct ic_why *why)
{
	struct cost_features *features = calloc(search->nplan, sizeof(*features));
	double *infer = calloc(search->nplan, sizeof(*infer)), *train = calloc(search->nplan, sizeof(*train));
	struct parameters parameters = {.n = 0};

	if (!features || !infer || !train) {
		free(features);
		free(infer);
		free(train);
		return ic_fail(why, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; i < search->nplan; i++) {
		const struct planned *planned = &search->plan[i];
		features[i] = search->features[ic_design_index(&planned->design)];
		infer[i] = planned->measurement.is_failure ? 0 : planned->measurement.result.infer_s;
		train[i] = planned->measurement.is_failure ? 0 : planned->measurement.result.train_s;
	}
	search->costs.infer = cost_fit(features, infer, search->nplan, COST_OF_MODELS);
	search->costs.train = cost_fit(features, train, search->nplan, COST_OF_MODELS);
	search->costs.infer_error = cost_unseen_error(features, infer, search->nplan, COST_OF_MODELS);
	search->costs.train_error = cost_unseen_error(features, train, search->nplan, COST_OF_MODELS);
	free(features);
	free(infer);
	free(train);
	add_line(&parameters, "infer", &search->costs.infer);
	add_line(&parameters, "train", &search->costs.train);
	add_number(&parameters, "held-out.infer", search->costs.infer_error);
	add_number(&parameters, "held-out.train", search->costs.train_error);
	errint_t err = run_extend(search->settings->catalog, search->run.id, parameters.at, parameters.n, NULL,
	                          search->nplan, 0, why);
	search->has_model_seconds = !err;
	apply_costs(search);
	return err;
}

/* --- Beginning ---------------------------------------------------------------------------------------------------- */

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
	         "evaluations=%u verify=%u rounds=%u seed=%llu model=%s %s", s->nevaluations, s->nverify, s->nrounds,
	         (unsigned long long)s->seed, s->model == ESTIMATE_MONOTONE ? "monotone" : "along-cost", aim);
}

/* Which designs the catalog has a result for. */
static errint_t find_known(const struct search *search, bool is_known[IC_DESIGN_COUNT], struct ic_why *why)
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
		is_known[i] = !err && !measurement.is_failure;
	}
	return 0;
}

static errint_t check_affordable(const struct search *search, struct ic_why *why)
{
	const struct aim *aim = &search->settings->aim;
	struct design_cost least = search->cost[search->reference];
	char text[AIM_TEXT_SIZE];

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		if (aim_affords(aim, &search->cost[i], &search->cost[search->reference]))
			return 0;
		least.nbytes = fmin(least.nbytes, search->cost[i].nbytes);
		least.infer_s = fmin(least.infer_s, search->cost[i].infer_s);
	}
	aim_print(aim, text);
	return ic_fail(why, -ENODATA, "no design is within %.100s: the least are %.0f bytes and %.3g s an image", text,
	               least.nbytes, least.infer_s);
}

/* What is known already makes the model better, and costs no evaluation. */
static errint_t make_plan(struct search *search, struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	bool *is_known = calloc(IC_DESIGN_COUNT, sizeof(*is_known));
	errint_t err;

	search->plan = calloc(NPLAN_MAX(s), sizeof(*search->plan));
	if (!is_known || !search->plan) {
		free(is_known);
		return ic_fail(why, -ENOMEM, "out of memory");
	}
	err = check_affordable(search, why);
	if (!err)
		err = find_known(search, is_known, why);
	if (!err)
		err = plan_first(search, s->nevaluations - s->nverify, is_known, search->plan, &search->nplan);
	if (!err) {
		size_t n = plan_known(search, is_known, s->nevaluations, search->plan + search->nplan);
		search->nplan += n;
		search->nplan_max = s->nevaluations + n;
	}
	free(is_known);
	return err;
}

/* What a run has planned; `is_done` where it says what came of it. */
static errint_t load_plan(struct search *search, int64_t run, struct ic_why *why)
{
	size_t most = search->nplan_max;
	struct planned *plan;
	size_t n;
	errint_t err = run_plan(search->settings->catalog, run, &plan, &n, why);

	if (err)
		return err;
	search->plan = calloc(most, sizeof(*search->plan));
	if (!n || n > most || !search->plan) {
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
	add_line(parameters, "read", &search->costs.read);
	add_line(parameters, "decode", &search->costs.decode);
	add_number(parameters, "held-out", search->costs.held_out_error);
	err = make_plan(search, why);
	if (!err)
		add_number(parameters, KNOWN, (double)(search->nplan_max - s->nevaluations));
	return err;
}

/* Whether it is of the model's own seconds, which were fitted to results. */
static bool is_of_model(const struct run_parameter *parameter)
{
	return !strncmp(parameter->name, "infer.", 6) || !strncmp(parameter->name, "train.", 6) ||
	       !strcmp(parameter->name, "held-out.infer") || !strcmp(parameter->name, "held-out.train");
}

/* With the costs and the plan of one that has ended: what that evaluated is known, and what comes of it is the same. Where
 * some failed and are asked again, what the model takes is fitted again, too. */
static errint_t plan_again(struct search *search, int64_t ended, struct parameters *parameters, struct ic_why *why)
{
	struct run_parameter *loaded;
	bool has_failed = false;
	size_t n;
	errint_t err = run_parameters(search->settings->catalog, ended, &loaded, &n, why);

	if (err)
		return err;
	search->nplan_max = most_planned(search->settings, loaded, n);
	err = load_plan(search, ended, why);
	if (err) {
		free(loaded);
		return err;
	}
	for (size_t i = 0; i < search->nplan; i++) {
		has_failed = has_failed || (search->plan[i].is_done && search->plan[i].measurement.is_failure);
		search->plan[i].is_done = false;
	}
	for (size_t i = 0; i < n && parameters->n < NPARAMETERS_MAX; i++)
		if (!has_failed || !is_of_model(&loaded[i]))
			parameters->at[parameters->n++] = loaded[i];
	free(loaded);
	search->has_model_seconds = costs_of_parameters(parameters->at, parameters->n, &search->costs);
	apply_costs(search);
	return 0;
}

static errint_t begin(struct search *search, struct ic_why *why)
{
	struct catalog *catalog = search->settings->catalog;
	struct parameters parameters = {.n = 0};
	int64_t ended;
	errint_t err = run_find(catalog, &search->run, true, &ended, why);

	if (!err)
		err = plan_again(search, ended, &parameters, why);
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
		if (!err && !search->has_model_seconds)
			err = freeze_model_seconds(search, why);
		if (!err)
			err = check_affordable(search, why);
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

static errint_t finish(struct search *search, const struct estimates *estimates, struct search_outcome *outcome,
                       struct ic_why *why)
{
	const struct search_settings *s = search->settings;
	errint_t err = choose_outcome(search, estimates, outcome);

	if (err)
		return ic_fail(why, err, "out of memory");
	outcome->run = search->run.id;
	outcome->was_resumed = search->was_resumed;
	outcome->nevaluated = search->nevaluated;
	outcome->nreused = search->nreused;
	return run_end(s->catalog, search->run.id, outcome->points, outcome->npoints, &outcome->choice,
	               outcome->has_choice && !s->without_choice, why);
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

errint_t search_plan(const struct search_settings *settings, struct planned **ret_plan, size_t *ret_n,
                     struct cost_model *ret_costs, struct ic_why *why)
{
	struct parameters parameters = {.n = 0};
	struct search search;
	int64_t run;
	errint_t err = set_up(&search, settings, why);

	if (!err)
		err = run_find(settings->catalog, &search.run, false, &run, why);
	bool goes_on = !err; /* where failures stand */
	if (err == -ENOENT)
		err = run_find(settings->catalog, &search.run, true, &run, why);
	if (!err)
		err = plan_again(&search, run, &parameters, why);
	else if (err == -ENOENT)
		err = plan_anew(&search, &parameters, why);
	for (size_t i = 0; !err && i < search.nplan; i++) {
		struct measurement_key key;
		char *lineage = weights_lineage(&search, i);
		search_key(&search, &search.plan[i].design, &key);
		key.lineage = lineage;
		struct measurement *measurement = &search.plan[i].measurement;
		search.plan[i].is_done = !measurement_get(settings->catalog, &key, measurement, NULL) &&
		                         (goes_on || !measurement->is_failure);
		free(lineage);
	}
	if (!err) {
		*ret_plan = search.plan;
		*ret_n = search.nplan;
		*ret_costs = search.costs;
		search.plan = NULL;
	}
	tear_down(&search);
	return err;
}
