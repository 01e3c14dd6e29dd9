/* SPDX-License-Identifier: MIT */
/* How a search begins: a sample tells what the model takes, that is frozen, and the rest is planned by it. */
#include "search/search.h"

#include "catalog_helpers.h"
#include "search_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NSAMPLE 8 /* of 24 evaluations before accuracies are known */
#define NFIRST 24
#define NIN_ALL 40

static struct planned *plan_of(struct catalog *catalog, int64_t id, size_t *ret_n)
{
	struct planned *plan;

	ck_assert_int_eq(run_plan(catalog, id, &plan, ret_n, NULL), 0);
	ck_assert_uint_ge(*ret_n, NFIRST);
	return plan;
}

/* Designs of a plan, all different; `n` of them. */
static void check_all_differ(const struct planned *plan, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert(!ic_design_equal(&plan[i].design, &plan[j].design));
}

static void check_same_designs(const struct planned *a, const struct planned *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ck_assert_msg(ic_design_equal(&a[i].design, &b[i].design), "%zu", i);
}

/* Of the model, where they are the same for all designs. */
static double model_seconds(const struct search_outcome *outcome)
{
	const struct cost_line *line = &outcome->costs.infer;

	return line->at[COST_FILE] + line->at[COST_COEFFICIENTS] + line->at[COST_PIXELS];
}

/* The seconds of the model change as soon as the sample is done. */
struct change {
	struct synthetic *synthetic;
	double infer_s;
	uint64_t after;
};

static void change_seconds(void *context, const struct search_progress *progress)
{
	struct change *change = context;

	if (progress->ndone == change->after)
		change->synthetic->infer_s = change->infer_s;
}

START_TEST(what_the_model_takes_is_frozen_after_the_sample)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct change change = {&synthetic, 1, _i ? NSAMPLE - 1 : NSAMPLE};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome;

	settings.progress = change_seconds;
	settings.context = &change;
	outcome = run_search(&settings);
	/* A millisecond told by all of the sample, or a second by the last of it. */
	ck_assert((fabs(model_seconds(&outcome) - 1e-3) < 1e-9) == !_i);
	/* That was all off afterwards, of a second each; nothing changed in training. */
	ck_assert_msg(_i || fabs(outcome.costs.infer_error - 0.999) < 1e-6, "%g", outcome.costs.infer_error);
	ck_assert(outcome.costs.train_error < 1e-6);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

static size_t naffordable(const struct search_settings *settings, const struct search_outcome *outcome,
                          const struct planned *plan, size_t n, bool with_model)
{
	struct cost_model costs = outcome->costs;
	struct ic_design reference = ic_design_default();
	struct cost_features full, features;
	size_t nwithin = 0;

	if (!with_model)
		costs.infer = (struct cost_line){{0}};
	ck_assert_int_eq(cost_features_of(settings->shapes, settings->nshapes, &reference, &full), 0);
	struct design_cost all = cost_of(&costs, &full);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_eq(cost_features_of(settings->shapes, settings->nshapes, &plan[i].design, &features), 0);
		struct design_cost cost = cost_of(&costs, &features);
		nwithin += aim_affords(&settings->aim, &cost, &all);
	}
	return nwithin;
}

/* The model takes as long as reading and decoding the reference, whatever the design. */
START_TEST(what_follows_the_sample_is_within_a_share_of_the_whole_time)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .infer_s = 1e-3};
	struct search_settings settings = small_search(catalog, &synthetic, "max-time", "60%");
	struct search_outcome outcome = run_search(&settings);
	size_t n;
	struct planned *plan = plan_of(catalog, outcome.run, &n);

	check_all_differ(plan, n);
	ck_assert_uint_eq(n, NIN_ALL);
	ck_assert_uint_eq(naffordable(&settings, &outcome, plan + NSAMPLE, NFIRST - NSAMPLE, true), NFIRST - NSAMPLE);
	/* Of the sample some are not that would be if the model took no time. */
	size_t nwithin = naffordable(&settings, &outcome, plan, NSAMPLE, true);
	ck_assert(nwithin < naffordable(&settings, &outcome, plan, NSAMPLE, false));
	free(plan);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

/* Of limits that reading and decoding alone are within, the model breaks each, by a time and by a share. */
START_TEST(a_limit_of_time_that_the_model_breaks_ends_a_search_after_the_sample)
{
	static const char *const limits[] = {"500ms", "90%"};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .infer_s = 1};
	struct search_settings settings = small_search(catalog, &synthetic, "max-time", limits[_i]);
	struct search_outcome outcome;
	struct ic_why why = {""};

	ck_assert_int_eq(search_run(&settings, &outcome, &why), -ENODATA);
	ck_assert_msg(strstr(why.text, "no design is within"), "%s", why.text);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), NSAMPLE);
	catalog_close(catalog);
}
END_TEST

/* Not even the smallest is by reading and decoding alone; the model takes next to nothing of it. */
START_TEST(a_share_of_the_time_may_need_the_models)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .infer_s = 1e-6, .coefficient_s = 1e-6};
	struct search_settings settings = small_search(catalog, &synthetic, "max-time", "0.3%");
	struct search_preview preview;

	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	ck_assert(preview.nsample == NSAMPLE && preview.n == NSAMPLE);
	free(preview.plan);
	struct search_outcome outcome = run_search(&settings);
	ck_assert(outcome.has_choice && outcome.nevaluated > NSAMPLE);
	ck_assert(outcome.choice.infer_s <= 0.003 * outcome.reference_cost.infer_s);
	ck_assert(outcome.costs.infer_error < 0.01);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(without_the_reference_a_search_ends_after_the_sample)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.fails_within = "s1x1-b8-k15-q8"};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome;

	ck_assert_int_eq(search_run(&settings, &outcome, NULL), -ENODATA);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), NSAMPLE);
	catalog_close(catalog);
}
END_TEST

/* Where one of the sample failed and tells its time when it is asked again, that counts, and the plan stays. */
START_TEST(what_failed_of_the_sample_is_fitted_to_when_it_is_mended)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_preview preview;
	char failing[IC_DESIGN_STRING_SIZE];
	size_t n, nagain;

	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	ic_design_print(&preview.plan[NSAMPLE - 1].design, failing);
	free(preview.plan);
	synthetic.fails_within = failing;
	struct search_outcome outcome = run_search(&settings);
	struct planned *plan = plan_of(catalog, outcome.run, &n);
	ck_assert(outcome.nfailed > 0 && plan[NSAMPLE - 1].measurement.is_failure);
	synthetic.fails_within = NULL;
	synthetic.infer_s = 2e-3;
	struct search_outcome again = run_search(&settings);
	struct planned *plan_again = plan_of(catalog, again.run, &nagain);
	ck_assert_uint_eq(again.nevaluated, outcome.nfailed);
	check_same_designs(plan, plan_again, n < nagain ? n : nagain);
	/* The one that changed is of eight; of all forty it would move the fit by less. */
	ck_assert(outcome.costs.infer_error < 1e-6 && again.costs.infer_error > 0.02 && again.costs.train_error < 1e-6);
	/* And once all have a result, what is frozen is taken as it is. */
	synthetic.infer_s = 1;
	struct search_outcome third = run_search(&settings);
	ck_assert(!third.nevaluated && third.costs.infer_error == again.costs.infer_error);
	free(plan);
	free(plan_again);
	search_outcome_clear(&outcome);
	search_outcome_clear(&again);
	search_outcome_clear(&third);
	catalog_close(catalog);
}
END_TEST

/* What other hardware measured tells accuracies here, and no seconds: it is of no use for the sample, and is for the rest. */
START_TEST(the_sample_prefers_what_was_timed_here)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome = run_search(&settings);
	size_t n, nmore, nknown = 0;
	struct planned *plan = plan_of(catalog, outcome.run, &n);
	struct search_preview preview;

	settings.seed = 1;
	settings.nevaluations = 60;
	settings.nverify = 36;
	settings.hardware = "elsewhere";
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	check_same_designs(plan, preview.plan, NSAMPLE); /* as with an empty catalog */
	ck_assert_uint_eq(preview.nsample, NSAMPLE);
	for (size_t i = NSAMPLE; i < preview.n; i++)
		nknown += preview.plan[i].is_done;
	ck_assert_uint_eq(nknown, NIN_ALL - NSAMPLE);
	free(preview.plan);

	/* Here, other designs are preferred as soon as they were measured. */
	settings.hardware = "here";
	settings.aim = aim_default();
	ck_assert_int_eq(aim_set(&settings.aim, "max-bytes", "40%", NULL), 0);
	aim_complete(&settings.aim);
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (nmore = 0; nmore < NSAMPLE && preview.plan[nmore].is_done; nmore++)
		;
	ck_assert_uint_eq(nmore, NSAMPLE);
	free(preview.plan);
	free(plan);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

/* What a machine measures counts for another, but for its seconds: those of the sample are measured again. */
START_TEST(a_sample_is_timed_where_others_measured_before)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .infer_s = 0.5, .is_untimed = _i};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome there = run_search(&settings), here;
	struct search_preview preview;

	synthetic.infer_s = 2e-3;
	settings.hardware = "elsewhere";
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (size_t i = 0; i < preview.nsample; i++) /* one that tells no seconds is asked for nothing again */
		ck_assert(preview.plan[i].is_done == _i);
	ck_assert_uint_eq(preview.nsample, NSAMPLE);
	free(preview.plan);
	here = run_search(&settings);
	ck_assert_uint_eq(there.nevaluated, NIN_ALL);
	ck_assert_uint_ge(here.nreused, NIN_ALL - NSAMPLE);
	if (_i) {
		ck_assert(model_seconds(&here) == 0 && isnan(here.costs.infer_error));
	} else {
		ck_assert_uint_ge(here.nevaluated, NSAMPLE);
		ck_assert(fabs(model_seconds(&here) - 2e-3) < 1e-9 && !(here.costs.infer_error > 1e-6));
	}
	search_outcome_clear(&there);
	search_outcome_clear(&here);
	catalog_close(catalog);
}
END_TEST

/* The evaluator fails here: accuracies of another machine are better than nothing. */
START_TEST(what_fails_here_may_be_known_from_elsewhere)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome there = run_search(&settings), here;
	struct search_preview preview;
	struct planned *plan;
	size_t n;

	settings.hardware = "elsewhere";
	synthetic.fails_within = "";
	here = run_search(&settings);
	ck_assert(here.has_choice && here.nevaluated == NSAMPLE + here.nfailed);
	ck_assert(model_seconds(&here) == 0 && isnan(here.costs.infer_error));
	plan = plan_of(catalog, here.run, &n);
	for (size_t i = 0; i < NSAMPLE; i++)
		ck_assert(plan[i].is_done && plan[i].measurement.is_foreign);
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (size_t i = 0; i < NSAMPLE; i++) /* and asked for no more */
		ck_assert(preview.plan[i].is_done);
	free(preview.plan);
	free(plan);
	search_outcome_clear(&there);
	search_outcome_clear(&here);
	catalog_close(catalog);
}
END_TEST

/* What failed in a run that goes on stands; what failed in another is asked again. */
START_TEST(a_preview_of_a_run_under_way_takes_what_came_of_it)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .fails_within = "", .stops_at = 5};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome;
	struct search_preview preview;

	ck_assert_int_eq(search_run(&settings, &outcome, NULL), -EIO);
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (size_t i = 0; i < NSAMPLE; i++)
		ck_assert(preview.plan[i].is_done == (i < 4));
	free(preview.plan);
	settings.nevaluations = 42; /* another run, whose sample is the same */
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (size_t i = 0; i < preview.n; i++)
		ck_assert(!preview.plan[i].is_done);
	free(preview.plan);
	catalog_close(catalog);
}
END_TEST

struct stopping {
	atomic_bool cancelled;
	uint64_t after;
};

static void stop_after(void *context, const struct search_progress *progress)
{
	struct stopping *stopping = context;

	if (progress->ndone >= stopping->after)
		atomic_store(&stopping->cancelled, true);
}

/* A search beside more results of another machine than it verifies, stopped after so many evaluations, looked at, and gone on
 * with; 0: never. */
static struct search_outcome go_on_after(struct catalog *catalog, unsigned nevaluations)
{
	struct synthetic synthetic = {.noise = 0.002, .infer_s = 0.5};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct stopping stopping = {false, nevaluations};
	struct search_outcome outcome = run_search(&settings);
	struct search_preview preview;

	search_outcome_clear(&outcome);
	synthetic.infer_s = 1e-3;
	synthetic.coefficient_s = 1e-9;
	settings.hardware = "elsewhere";
	settings.nevaluations = 20;
	settings.nverify = 2;
	ck_assert_int_eq(aim_set(&settings.aim, "max-bytes", "45%", NULL), 0);
	if (nevaluations) {
		settings.progress = stop_after;
		settings.context = &stopping;
		settings.cancelled = &stopping.cancelled;
		ck_assert_int_eq(search_run(&settings, &outcome, NULL), -ECANCELED);
		atomic_store(&stopping.cancelled, false);
		settings.progress = NULL;
		ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
		ck_assert_uint_eq(preview.nsample, nevaluations <= 6 ? 6 : 0);
		free(preview.plan);
	}
	outcome = run_search(&settings);
	ck_assert(outcome.was_resumed == (nevaluations > 0));
	return outcome;
}

START_TEST(a_search_that_stops_in_its_sample_goes_on_as_if_it_had_not)
{
	static const unsigned after[] = {1, 5, 6, 7}; /* the sample is of six */
	struct catalog *catalog, *stopped;
	struct planned *plan, *plan_stopped;
	char path[PATH_SIZE];
	size_t n, nstopped;

	ck_assert_int_eq(catalog_open(path_in_scratch("whole.db", path), &catalog, NULL), 0);
	ck_assert_int_eq(catalog_open(path_in_scratch("stopped.db", path), &stopped, NULL), 0);
	struct search_outcome whole = go_on_after(catalog, 0), again = go_on_after(stopped, after[_i]);
	plan = plan_of(catalog, whole.run, &n);
	plan_stopped = plan_of(stopped, again.run, &nstopped);
	ck_assert(n == nstopped && n > 20 + 2);
	check_same_designs(plan, plan_stopped, n);
	ck_assert(!memcmp(&whole.costs, &again.costs, sizeof(whole.costs)));
	free(plan);
	free(plan_stopped);
	search_outcome_clear(&whole);
	search_outcome_clear(&again);
	catalog_close(catalog);
	catalog_close(stopped);
}
END_TEST

START_TEST(a_preview_counts_what_is_known_beside_what_is_asked_for)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome = run_search(&settings);
	struct search_preview preview;
	size_t nknown = 0;

	settings.nevaluations = 12;
	settings.nverify = 4;
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	for (size_t i = 0; i < preview.n; i++)
		nknown += preview.plan[i].is_done;
	/* All of the eight, and as many as there are evaluations beside them. */
	ck_assert(preview.n == 8 + 12 && nknown == preview.n && preview.nfollowing == 4);
	free(preview.plan);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

/* A short search has a short sample; never one that leaves no bucket. */
START_TEST(the_sample_is_a_third_at_most)
{
	static const unsigned lengths[][3] = {/* evaluations, for verification, the sample */
	                                      {4, 1, 2}, {6, 1, 2}, {12, 3, 3}, {40, 16, 8}, {150, 60, 8}, {300, 0, 8}};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_preview preview;

	settings.nevaluations = lengths[_i][0];
	settings.nverify = lengths[_i][1];
	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	ck_assert_uint_eq(preview.nsample, lengths[_i][2]);
	ck_assert_uint_eq(preview.n, lengths[_i][0] - lengths[_i][1]);
	ck_assert_uint_eq(preview.nfollowing, lengths[_i][1]);
	check_all_differ(preview.plan, preview.n);
	free(preview.plan);
	catalog_close(catalog);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, what_the_model_takes_is_frozen_after_the_sample, 0, 2);
	tcase_add_test(cases, what_follows_the_sample_is_within_a_share_of_the_whole_time);
	tcase_add_loop_test(cases, a_limit_of_time_that_the_model_breaks_ends_a_search_after_the_sample, 0, 2);
	tcase_add_test(cases, a_share_of_the_time_may_need_the_models);
	tcase_add_test(cases, without_the_reference_a_search_ends_after_the_sample);
	tcase_add_test(cases, what_failed_of_the_sample_is_fitted_to_when_it_is_mended);
	tcase_add_test(cases, the_sample_prefers_what_was_timed_here);
	tcase_add_loop_test(cases, a_sample_is_timed_where_others_measured_before, 0, 2);
	tcase_add_test(cases, what_fails_here_may_be_known_from_elsewhere);
	tcase_add_test(cases, a_preview_of_a_run_under_way_takes_what_came_of_it);
	tcase_add_loop_test(cases, a_search_that_stops_in_its_sample_goes_on_as_if_it_had_not, 0, 4);
	tcase_add_test(cases, a_preview_counts_what_is_known_beside_what_is_asked_for);
	tcase_add_loop_test(cases, the_sample_is_a_third_at_most, 0, 6);
}

int main(void)
{
	return run_catalog_suite("sample", add);
}
