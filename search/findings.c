/* SPDX-License-Identifier: MIT */
#include "search/findings.h"

#include "search/search_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static errint_t read_costs(struct catalog *catalog, struct findings *findings, struct ic_why *why)
{
	struct run_parameter *parameters;
	size_t n;
	errint_t err = run_parameters(catalog, findings->run.id, &parameters, &n, why);

	if (err)
		return err;
	if (!n)
		err = ic_fail(why, -EBADMSG, "run %lld: the catalog has no costs of it", (long long)findings->run.id);
	else
		costs_of_parameters(parameters, n, &findings->costs);
	free(parameters);
	return err;
}

static void apply_costs(struct findings *findings)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		findings->at[i].cost = cost_of(&findings->costs, &findings->at[i].features);
}

static errint_t find_costs(struct findings *findings, const struct space_shape *shapes, size_t nshapes,
                           struct ic_why *why)
{
	struct cost_features *features = calloc(IC_DESIGN_COUNT, sizeof(*features));
	errint_t err = features ? cost_features_of_base(shapes, nshapes, features) : -ENOMEM;

	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		findings->at[i].features = features[i];
	free(features);
	if (err)
		return ic_fail(why, err, "the dataset's sizes cannot be added up: %s", strerror(-err));
	apply_costs(findings);
	return 0;
}

static void set_cost(struct finding *finding, double nbytes, double infer_s, double train_s)
{
	if (isnan(finding->cost.nbytes))
		finding->cost = (struct design_cost){nbytes, infer_s, train_s};
}

static errint_t read_frontier(struct catalog *catalog, struct findings *findings, struct ic_why *why)
{
	struct frontier_point *points;
	size_t n;
	errint_t err = run_frontier(catalog, findings->run.id, &points, &n, why);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		int design = ic_design_index(&points[i].design);
		if (design < 0)
			continue;
		findings->at[design].is_frontier = true;
		set_cost(&findings->at[design], points[i].nbytes, points[i].infer_s, points[i].train_s);
	}
	free(points);
	return 0;
}

static errint_t read_choice(struct catalog *catalog, struct findings *findings, struct ic_why *why)
{
	struct choice *choices;
	size_t n;
	/* of all directories: a search that goes on where it was stopped chooses for where the dataset is then */
	errint_t err = choice_list(catalog, NULL, true, &choices, &n, why);

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		int design = ic_design_index(&choices[i].design);
		if (choices[i].run != findings->run.id || choices[i].is_pin || design < 0 ||
		    (findings->has_choice && choices[i].id < findings->choice.id))
			continue;
		findings->has_choice = true;
		findings->choice = choices[i];
		set_cost(&findings->at[design], choices[i].nbytes, choices[i].infer_s, choices[i].train_s);
	}
	free(choices);
	return 0;
}

/* The plan, and which designs it has results of. */
static errint_t read_plan(struct catalog *catalog, struct findings *findings, struct ic_why *why)
{
	errint_t err = run_plan(catalog, findings->run.id, &findings->plan, &findings->nplan, why);

	for (size_t i = 0; !err && i < findings->nplan; i++) {
		const struct planned *planned = &findings->plan[i];
		int design = ic_design_index(&planned->design);
		if (design < 0)
			return ic_fail(why, -EBADMSG, "run %lld: a design of its plan is none of the base space",
			               (long long)findings->run.id);
		if (planned->is_done && !planned->measurement.is_failure) {
			findings->at[design].position = (int)i;
			findings->nmeasured++;
		}
	}
	return err;
}

double findings_measured(const struct findings *findings, unsigned design)
{
	int position = findings->at[design].position;

	return position < 0 ? (double)NAN : findings->plan[position].measurement.result.accuracy;
}

static double mean_error(const struct findings *findings, const struct estimates *estimates)
{
	double error = 0;
	size_t at = 0;

	for (size_t i = 0; i < findings->nplan; i++) {
		const struct planned *planned = &findings->plan[i];
		if (planned->is_done && !planned->measurement.is_failure)
			error += fabs(planned->measurement.result.accuracy - estimates->left_out[at++].mean);
	}
	return at ? error / (double)at : (double)NAN;
}

static errint_t estimate(struct findings *findings, enum estimate_model model, const struct design_cost *cost,
                         struct estimates **ret_estimates, struct ic_why *why)
{
	return findings->nplan ? plan_estimates(findings->plan, findings->nplan, model, cost, ret_estimates, why)
	                       : ic_fail(why, -ENODATA, "nothing was planned");
}

static errint_t estimate_all(struct findings *findings, bool knows_costs, struct ic_why *why)
{
	bool is_along_cost = run_says(&findings->run, "model=along-cost");
	struct design_cost *cost = calloc(IC_DESIGN_COUNT, sizeof(*cost));
	struct estimates *estimates = NULL, *along = NULL;
	errint_t err = 0;

	if (!cost)
		return ic_fail(why, -ENOMEM, "out of memory");
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		cost[i] = findings->at[i].cost;
	if (is_along_cost && !knows_costs)
		err = ic_fail(why, -ENODATA, "its estimates go along cost, which only the dataset tells");
	if (!err)
		err = estimate(findings, is_along_cost ? ESTIMATE_ALONG_COST : ESTIMATE_MONOTONE, cost, &estimates,
		               why);
	if (!err && knows_costs)
		err = estimate(findings, ESTIMATE_ALONG_COST, cost, &along, why);
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++) {
		findings->at[i].mean = estimates->mean[i];
		findings->at[i].sd = estimates->sd[i];
	}
	if (!err) {
		findings->noise = estimates->noise;
		findings->error = mean_error(findings, estimates);
		findings->error_along_cost = along ? mean_error(findings, along) : (double)NAN;
	}
	estimates_free(estimates);
	estimates_free(along);
	free(cost);
	return err;
}

static void find_candidates(struct findings *findings)
{
	struct aim aim = {.keeps_proportions = run_says(&findings->run, AIM_KEEPS_PROPORTIONS)};
	struct ic_design design;

	findings->keeps_proportions = aim.keeps_proportions;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		findings->at[i].is_candidate = !ic_design_at(i, &design) && aim_admits(&aim, &design);
}

static errint_t read_all(struct catalog *catalog, int64_t id, const struct space_shape *shapes, size_t nshapes,
                         struct findings *findings, struct ic_why *why)
{
	struct run *run;
	size_t n;
	errint_t err = run_list(catalog, id, &run, &n, why);

	if (err)
		return err;
	findings->run = *run;
	free(run);
	find_candidates(findings);
	err = read_costs(catalog, findings, why);
	if (!err && nshapes)
		err = find_costs(findings, shapes, nshapes, why);
	if (!err)
		err = read_plan(catalog, findings, why);
	if (!err)
		err = read_frontier(catalog, findings, why);
	if (!err)
		err = read_choice(catalog, findings, why);
	if (!err)
		err = estimate_all(findings, nshapes, why);
	return err;
}

errint_t findings_read(struct catalog *catalog, int64_t run, const struct space_shape *shapes, size_t nshapes,
                       struct findings **ret_findings, struct ic_why *why)
{
	struct findings *findings = calloc(1, sizeof(*findings));
	struct ic_design reference = ic_design_default();
	double unknown = (double)NAN;

	if (!findings)
		return ic_fail(why, -ENOMEM, "out of memory");
	findings->reference = (unsigned)ic_design_index(&reference);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		findings->at[i].position = -1;
		findings->at[i].cost = (struct design_cost){unknown, unknown, unknown};
	}
	errint_t err = read_all(catalog, run, shapes, nshapes, findings, why);
	if (err)
		findings_free(findings);
	else
		*ret_findings = findings;
	return err;
}

void findings_free(struct findings *findings)
{
	if (!findings)
		return;
	free(findings->plan);
	free(findings);
}
