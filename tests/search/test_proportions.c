/* SPDX-License-Identifier: MIT */
/* Searches that keep proportions: what they evaluate and choose, and which run is whose. */
#include "search/findings.h"
#include "search/search.h"

#include "catalog_helpers.h"
#include "search_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Unequal designs are the better ones here, so that whoever may choose one does. */
#define GAIN 0.15

static struct search_settings keeping(struct catalog *catalog, struct synthetic *synthetic, const char *key,
                                      const char *value)
{
	struct search_settings settings = small_search(catalog, synthetic, key, value);

	settings.aim.keeps_proportions = true;
	return settings;
}

/* How many designs of a run's plan, and of its frontier, sample columns and rows unequally. */
static size_t count_unequal(struct catalog *catalog, int64_t run, size_t *ret_nplan)
{
	struct frontier_point *points;
	struct planned *plan;
	size_t n, nunequal = 0;

	ck_assert_int_eq(run_plan(catalog, run, &plan, ret_nplan, NULL), 0);
	for (size_t i = 0; i < *ret_nplan; i++)
		nunequal += plan[i].design.sx != plan[i].design.sy;
	ck_assert_int_eq(run_frontier(catalog, run, &points, &n, NULL), 0);
	ck_assert_uint_gt(n, 5);
	for (size_t i = 0; i < n; i++)
		nunequal += points[i].design.sx != points[i].design.sy;
	free(plan);
	free(points);
	return nunequal;
}

static bool is_unequal(const struct search_outcome *outcome)
{
	return outcome->choice.design.sx != outcome->choice.design.sy;
}

START_TEST(only_what_keeps_proportions_is_evaluated_and_chosen)
{
	static const char *const aims[][2] = {
	        {"max-bytes", "12%"}, {"max-loss", "2%"}, {"max-time", "80%"}, {"objective", "space=1,accuracy=0.2"}};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .unequal_gain = GAIN};
	struct search_settings settings = keeping(catalog, &synthetic, aims[_i][0], aims[_i][1]);
	struct search_outcome outcome = run_search(&settings), all;
	size_t nplan;

	ck_assert(outcome.has_choice && outcome.nevaluated == 40);
	ck_assert_uint_eq(count_unequal(catalog, outcome.run, &nplan), 0);
	ck_assert(!is_unequal(&outcome) && nplan == 40);
	ck_assert_msg(strstr(outcome.choice.reason, "best for keep-proportions "), "%s", outcome.choice.reason);
	settings.aim.keeps_proportions = false;
	all = run_search(&settings);
	ck_assert(is_unequal(&all) && count_unequal(catalog, all.run, &nplan) > 0);
	search_outcome_clear(&outcome);
	search_outcome_clear(&all);
	catalog_close(catalog);
}
END_TEST

/* By the truth, and by what designs cost as the search has it: the best of those that keep proportions, of the *ret_n that
 * can be afforded. */
static struct ic_design best_by_truth(const struct search_settings *settings, const struct cost_model *costs,
                                      size_t *ret_n)
{
	struct cost_features *features = calloc(IC_DESIGN_COUNT, sizeof(*features));
	struct ic_design design, best = ic_design_default(), reference = best;
	double least = (double)INFINITY, full = synthetic_truth(&reference);
	size_t n = 0;

	ck_assert_ptr_nonnull(features);
	ck_assert_int_eq(cost_features_of_base(settings->shapes, settings->nshapes, features), 0);
	struct design_cost whole = cost_of(costs, &features[ic_design_index(&reference)]);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct design_cost cost = cost_of(costs, &features[i]);
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		if (design.sx != design.sy || !aim_affords(&settings->aim, &cost, &whole))
			continue;
		n++;
		double value = aim_value(&settings->aim, &cost, &whole, synthetic_truth(&design), full);
		if (value < least) {
			least = value;
			best = design;
		}
	}
	free(features);
	*ret_n = n;
	return best;
}

/* All that can be afforded are evaluated, and without noise; the best is half a point better than the next. */
START_TEST(of_those_that_keep_proportions_the_best_is_chosen)
{
	static const char *const limits[] = {"1%", "1.5%"};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.unequal_gain = GAIN};
	struct search_settings settings = keeping(catalog, &synthetic, "max-bytes", limits[_i]);
	char chosen[IC_DESIGN_STRING_SIZE], best[IC_DESIGN_STRING_SIZE];
	size_t n, nplan;

	search_settings_share(&settings, 600);
	struct search_outcome outcome = run_search(&settings);
	struct ic_design design = best_by_truth(&settings, &outcome.costs, &n);
	ic_design_print(&outcome.choice.design, chosen);
	ic_design_print(&design, best);
	ck_assert_str_eq(chosen, best);
	ck_assert_uint_eq(count_unequal(catalog, outcome.run, &nplan), 0);
	ck_assert(n > 200 && nplan >= n); /* the reference, and what is least known of the frontier beside them */
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

/* What is known of a design is known to both; whose run is whose is in the settings. */
START_TEST(a_search_that_keeps_proportions_is_another_one)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .unequal_gain = GAIN, .stops_at = 13};
	struct search_settings kept = keeping(catalog, &synthetic, "max-bytes", "12%"), all = kept;
	struct search_outcome outcome;
	size_t nplan;

	all.aim.keeps_proportions = false;
	ck_assert_int_eq(search_run(&kept, &outcome, NULL), -EIO);
	struct search_outcome other = run_search(&all);
	ck_assert(other.run == 2 && !other.was_resumed && is_unequal(&other));
	ck_assert_uint_gt(other.nreused, 0);
	outcome = run_search(&kept);
	ck_assert(outcome.run == 1 && outcome.was_resumed && outcome.nreused >= 12 && !is_unequal(&outcome));
	ck_assert_uint_eq(count_unequal(catalog, outcome.run, &nplan), 0);
	struct search_outcome again = run_search(&kept);
	ck_assert(again.run == 3 && !again.nevaluated && again.nreused == nplan);
	ck_assert(ic_design_equal(&again.choice.design, &outcome.choice.design));
	ck_assert(again.choice.predicted == outcome.choice.predicted && again.npoints == outcome.npoints);
	search_outcome_clear(&other);
	search_outcome_clear(&outcome);
	search_outcome_clear(&again);
	catalog_close(catalog);
}
END_TEST

/* Results that are known are planned beside the evaluations, but no others than of designs that may be chosen. */
START_TEST(results_of_other_designs_are_not_taken_in)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .unequal_gain = GAIN};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome first = run_search(&settings), second;
	size_t nplan;

	ck_assert_uint_gt(count_unequal(catalog, first.run, &nplan), 10);
	settings.aim.keeps_proportions = true;
	second = run_search(&settings);
	ck_assert_uint_eq(count_unequal(catalog, second.run, &nplan), 0);
	ck_assert(second.nreused > 3 && second.nreused < 30 && second.nevaluated + second.nreused == nplan);
	ck_assert(!is_unequal(&second));
	search_outcome_clear(&first);
	search_outcome_clear(&second);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_plan_that_keeps_proportions_is_told_before)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0};
	struct search_settings settings = keeping(catalog, &synthetic, "max-bytes", "50%");
	struct search_preview preview;

	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	ck_assert(preview.n == 24 && preview.nfollowing == 16);
	for (size_t i = 0; i < preview.n; i++)
		ck_assert(preview.plan[i].design.sx == preview.plan[i].design.sy);
	free(preview.plan);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 0);
	catalog_close(catalog);
}
END_TEST

/* Of two that are alike, the first. */
static bool beats(const struct finding *a, const struct finding *b)
{
	return a->cost.nbytes <= b->cost.nbytes && a->cost.infer_s <= b->cost.infer_s &&
	       a->cost.train_s <= b->cost.train_s && a->mean >= b->mean &&
	       (a->cost.nbytes < b->cost.nbytes || a->cost.infer_s < b->cost.infer_s ||
	        a->cost.train_s < b->cost.train_s || a->mean > b->mean || a < b);
}

/* Those that may not be chosen hide none that may. */
START_TEST(the_frontier_is_that_of_designs_that_keep_proportions)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = keeping(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome = run_search(&settings);
	struct findings *findings;
	size_t nhidden = 0;

	ck_assert_int_eq(findings_read(catalog, outcome.run, settings.shapes, settings.nshapes, &findings, NULL), 0);
	for (unsigned a = 0; a < IC_DESIGN_COUNT; a++) {
		bool is_beaten = false, is_beaten_by_others = false;
		for (unsigned b = 0; b < IC_DESIGN_COUNT; b++)
			if (b != a && beats(&findings->at[b], &findings->at[a]))
				*(findings->at[b].is_candidate ? &is_beaten : &is_beaten_by_others) = true;
		if (!findings->at[a].is_candidate)
			continue;
		ck_assert_msg(findings->at[a].is_frontier == !is_beaten, "%u", a);
		nhidden += !is_beaten && is_beaten_by_others;
	}
	ck_assert_uint_gt(nhidden, 0);
	findings_free(findings);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

/* Where one is opened again, as by whoever tells of runs. */
START_TEST(the_catalog_remembers_that_proportions_are_kept)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = keeping(catalog, &synthetic, "max-loss", "2%");

	for (unsigned i = 0; i < 2; i++) {
		settings.aim.keeps_proportions = !i;
		struct search_outcome outcome = run_search(&settings);
		search_outcome_clear(&outcome);
	}
	catalog_close(catalog);
	catalog = open_catalog();
	for (unsigned i = 0; i < 2; i++) {
		struct findings *findings;
		ck_assert_int_eq(findings_read(catalog, i + 1, NULL, 0, &findings, NULL), 0);
		const char *words = strstr(findings->run.settings, " keep-proportions max-loss=0.02 objective=time");
		ck_assert_msg(!words == (i == 1), "%s", findings->run.settings);
		for (unsigned at = 0; at < IC_DESIGN_COUNT; at++) {
			struct ic_design design = ic_design_default();
			ic_design_at(at, &design);
			ck_assert(findings->at[at].is_candidate == (i || design.sx == design.sy));
		}
		findings_free(findings);
	}
	catalog_close(catalog);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, only_what_keeps_proportions_is_evaluated_and_chosen, 0, 4);
	tcase_add_loop_test(cases, of_those_that_keep_proportions_the_best_is_chosen, 0, 2);
	tcase_add_test(cases, a_search_that_keeps_proportions_is_another_one);
	tcase_add_test(cases, results_of_other_designs_are_not_taken_in);
	tcase_add_test(cases, a_plan_that_keeps_proportions_is_told_before);
	tcase_add_test(cases, the_frontier_is_that_of_designs_that_keep_proportions);
	tcase_add_test(cases, the_catalog_remembers_that_proportions_are_kept);
}

int main(void)
{
	return run_catalog_suite("proportions", add);
}
