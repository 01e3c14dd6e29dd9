/* SPDX-License-Identifier: MIT */
/* Which of the designs that were evaluated is chosen, by estimates that are given. */
#include "search/search_priv.h"

#include <check.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Cheaper from one to the next; the first is the reference. */
static const char *const names[] = {"s1x1-b8-k15-q8", "s1x1-b8-k8-q8", "s2x2-b8-k6-q8", "s4x4-b8-k2-q8"};
#define NDESIGNS COUNT(names)

static struct planned plan[NDESIGNS];
static struct design_cost cost[IC_DESIGN_COUNT];
static struct search_settings settings;
static struct search search;

static unsigned at(size_t i)
{
	return (unsigned)ic_design_index(&plan[i].design);
}

static void set_up(void)
{
	settings = (struct search_settings){.aim = aim_default()};
	search = (struct search){.settings = &settings, .cost = cost, .plan = plan, .nplan = NDESIGNS};
	for (size_t i = 0; i < NDESIGNS; i++) {
		plan[i] = (struct planned){.is_done = true, .measurement.result = {.accuracy = 0.5, .log_loss = 1}};
		ck_assert_int_eq(ic_design_parse(names[i], &plan[i].design, NULL), 0);
		cost[at(i)] = (struct design_cost){.nbytes = 1000 >> i, .infer_s = 1e-3 / (1 << i), .train_s = 1e-3};
	}
	search.reference = at(0);
	search_find_candidates(&search);
}

static void ask(const char *key, const char *value)
{
	ck_assert_int_eq(aim_set(&settings.aim, key, value, NULL), 0);
}

/* Estimates are of 4,104 designs, so not on the stack. */
static int choose(const double mean[NDESIGNS], const double sd[NDESIGNS])
{
	struct estimates *estimates = calloc(1, sizeof(*estimates));

	ck_assert_ptr_nonnull(estimates);
	for (size_t i = 0; i < NDESIGNS; i++) {
		estimates->mean[at(i)] = mean[i];
		estimates->sd[at(i)] = sd[i];
	}
	aim_complete(&settings.aim);
	int best = choose_best(&search, estimates, mean[0]);
	free(estimates);
	return best;
}

START_TEST(of_equal_means_the_surest_is_chosen)
{
	ask("max-bytes", "60%");
	ck_assert_int_eq(choose((double[]){0.9, 0.8, 0.8, 0.8}, (double[]){0.01, 0.02, 0.01, 0.03}), 2);
	ck_assert_int_eq(choose((double[]){0.9, 0.8, 0.8, 0.8}, (double[]){0.01, 0.01, 0.02, 0.03}), 1);
}
END_TEST

START_TEST(a_mean_is_counted_one_deviation_below)
{
	ask("max-bytes", "60%");
	ck_assert_int_eq(choose((double[]){0.9, 0.82, 0.80, 0.1}, (double[]){0.01, 0.031, 0.01, 0.01}), 2);
	ck_assert_int_eq(choose((double[]){0.9, 0.82, 0.80, 0.1}, (double[]){0.01, 0.029, 0.01, 0.01}), 1);
}
END_TEST

START_TEST(of_what_is_as_good_and_as_sure_the_smallest_is_chosen)
{
	ask("max-bytes", "60%");
	ck_assert_int_eq(choose((double[]){0.9, 0.8, 0.8, 0.8}, (double[]){0.01, 0.02, 0.02, 0.02}), 3);
}
END_TEST

/* Where accuracy is a limit and no aim, how sure it is does not count: the mean is within it or is not. */
START_TEST(limits_are_held_by_the_mean)
{
	ask("max-loss", "5%");
	ask("objective", "space");
	ck_assert_int_eq(choose((double[]){0.9, 0.88, 0.86, 0.84}, (double[]){0.01, 0.01, 0.2, 0.01}), 2);
	ck_assert_int_eq(choose((double[]){0.9, 0.88, 0.84, 0.86}, (double[]){0.01, 0.01, 0.01, 0.2}), 3);
}
END_TEST

START_TEST(nothing_is_chosen_that_failed_or_costs_too_much)
{
	const double mean[] = {0.9, 0.8, 0.7, 0.6}, sd[] = {0.01, 0.01, 0.01, 0.01};

	ask("max-bytes", "30%");
	ck_assert_int_eq(choose(mean, sd), 2);
	plan[2].measurement.is_failure = true;
	ck_assert_int_eq(choose(mean, sd), 3);
	plan[3].is_done = false;
	ck_assert_int_eq(choose(mean, sd), -1);
}
END_TEST

START_TEST(nothing_is_chosen_that_changes_proportions_where_they_are_kept)
{
	const double mean[] = {0.9, 0.8, 0.8, 0.85}, sd[] = {0.01, 0.01, 0.02, 0.01};

	ck_assert_int_eq(ic_design_parse("s1x4-b8-k6-q8", &plan[3].design, NULL), 0);
	cost[at(3)] = (struct design_cost){.nbytes = 100, .infer_s = 1e-4, .train_s = 1e-3};
	ask("max-bytes", "60%");
	ck_assert_int_eq(choose(mean, sd), 3);
	settings.aim.keeps_proportions = true;
	search_find_candidates(&search);
	ck_assert_int_eq(choose(mean, sd), 1);
	ck_assert_int_eq(choose_best(&search, NULL, 0.9), 2);
}
END_TEST

START_TEST(without_a_model_measurements_decide)
{
	ask("max-bytes", "60%");
	aim_complete(&settings.aim);
	plan[1].measurement.result.accuracy = 0.7;
	ck_assert_int_eq(choose_best(&search, NULL, 0.9), 1);
	plan[3].measurement.result.accuracy = 0.71;
	ck_assert_int_eq(choose_best(&search, NULL, 0.9), 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("choose");
	TCase *cases = tcase_create("choose");
	SRunner *runner = srunner_create(suite);

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 0);
	tcase_add_checked_fixture(cases, set_up, NULL);
	tcase_add_test(cases, of_equal_means_the_surest_is_chosen);
	tcase_add_test(cases, a_mean_is_counted_one_deviation_below);
	tcase_add_test(cases, of_what_is_as_good_and_as_sure_the_smallest_is_chosen);
	tcase_add_test(cases, limits_are_held_by_the_mean);
	tcase_add_test(cases, nothing_is_chosen_that_failed_or_costs_too_much);
	tcase_add_test(cases, nothing_is_chosen_that_changes_proportions_where_they_are_kept);
	tcase_add_test(cases, without_a_model_measurements_decide);
	srunner_run_all(runner, CK_NORMAL);
	int nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
