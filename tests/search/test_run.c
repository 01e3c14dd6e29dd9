/* SPDX-License-Identifier: MIT */
/* Runs, their plans and frontiers, and the choices that came of them. */
#include "search/run.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct ic_design design_of(const char *text)
{
	struct ic_design design;

	ck_assert_int_eq(ic_design_parse(text, &design, NULL), 0);
	return design;
}

static const struct run a_run = {
        .directory = "/data/birds",
        .dataset = "00112233445566778899aabbccddeeff",
        .evaluator = "synthetic 1",
        .hardware = "here",
        .codec = 3,
        .settings = "evaluations=150 seed=1",
};

static int64_t begin(struct catalog *catalog)
{
	const struct run_parameter parameters[] = {{"decode.a", 1e-9}, {"decode.b", -0.1}};
	const struct planned plan[] = {
	        {.round = 0, .design = design_of("s1x1-b16-k31-q8"), .parent = -1},
	        {.round = 0, .design = design_of("s1x1-b8-k6-q4"), .parent = 0},
	};
	struct ic_why why = {""};
	int64_t id;

	ck_assert_msg(!run_begin(catalog, &a_run, parameters, 2, plan, 2, &id, &why), "%s", why.text);
	return id;
}

static int64_t measure(struct catalog *catalog, const char *design, double accuracy)
{
	struct measurement_key key = {
	        .evaluator = a_run.evaluator,
	        .dataset = a_run.dataset,
	        .hardware = a_run.hardware,
	        .codec = a_run.codec,
	        .fraction = 1,
	        .design = design_of(design),
	};
	struct evaluator_result result = {.accuracy = accuracy, .log_loss = 1};
	int64_t id;

	ck_assert_int_eq(measurement_put(catalog, &key, &result, NULL, &id, NULL), 0);
	return id;
}

START_TEST(a_run_goes_on_where_it_was)
{
	struct catalog *catalog = open_catalog();
	const struct planned more = {.round = 1, .design = design_of("s4x4-b1-k1-q8"), .parent = 1};
	struct run_parameter *parameters;
	struct planned *plan;
	struct run *runs;
	int64_t id, found;
	size_t n;

	ck_assert_int_eq(run_find(catalog, &a_run, false, &found, NULL), -ENOENT);
	id = begin(catalog);
	ck_assert_int_eq(run_evaluated(catalog, id, 1, measure(catalog, "s1x1-b8-k6-q4", 0.75), NULL), 0);
	ck_assert_int_eq(run_extend(catalog, id, &(struct run_parameter){"model.a", 7}, 1, &more, 2, 1, NULL), 0);
	catalog_close(catalog);

	catalog = open_catalog();
	ck_assert_int_eq(run_find(catalog, &a_run, false, &found, NULL), 0);
	ck_assert_int_eq(found, id);
	ck_assert_int_eq(run_list(catalog, id, &runs, &n, NULL), 0);
	ck_assert(n == 1 && runs[0].nplanned == 3 && runs[0].ndone == 1 && !runs[0].ended_s && runs[0].started_s > 0);
	ck_assert_str_eq(runs[0].directory, a_run.directory);
	ck_assert_str_eq(runs[0].settings, a_run.settings);
	ck_assert_int_eq(run_plan(catalog, id, &plan, &n, NULL), 0);
	ck_assert_uint_eq(n, 3);
	ck_assert(!plan[0].is_done && plan[0].parent == -1 && plan[1].parent == 0 && plan[2].parent == 1);
	ck_assert(plan[1].is_done && plan[1].measurement.result.accuracy == 0.75 && plan[2].round == 1);
	ck_assert(ic_design_equal(&plan[2].design, &more.design));
	ck_assert_int_eq(run_parameters(catalog, id, &parameters, &n, NULL), 0);
	ck_assert(n == 3 && !strcmp(parameters[1].name, "decode.b") && parameters[1].value == -0.1);
	free(runs);
	free(plan);
	free(parameters);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_run_says_its_settings)
{
	struct run run = {.settings = "seed=1 model=along-cost keep-proportions max-loss=0.01"};

	ck_assert(run_says(&run, "seed=1"));
	ck_assert(run_says(&run, "model=along-cost"));
	ck_assert(run_says(&run, "keep-proportions"));
	ck_assert(run_says(&run, "max-loss=0.01"));
	ck_assert(!run_says(&run, "seed"));
	ck_assert(!run_says(&run, "odel=along-cost"));
	ck_assert(!run_says(&run, "max-loss=0.01 "));
	ck_assert(!run_says(&run, "max-loss=0.012"));
	ck_assert(!run_says(&run, ""));
	*run.settings = 0;
	ck_assert(!run_says(&run, "seed=1"));
}
END_TEST

START_TEST(another_run_is_not_gone_on_with)
{
	struct catalog *catalog = open_catalog();
	struct run others[5];
	int64_t id;

	begin(catalog);
	for (unsigned i = 0; i < 5; i++)
		others[i] = a_run;
	strcpy(others[0].dataset, "ff");
	strcpy(others[1].evaluator, "synthetic 2");
	strcpy(others[2].hardware, "there");
	others[3].codec = 4;
	strcpy(others[4].settings, "evaluations=300 seed=1");
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(run_find(catalog, &others[i], false, &id, NULL), -ENOENT);
	strcpy(others[0].dataset, a_run.dataset);
	strcpy(others[0].directory, "/moved/birds");
	ck_assert_int_eq(run_find(catalog, &others[0], false, &id, NULL), 0);
	ck_assert_int_eq(run_begin(catalog, &others[0], NULL, 0, NULL, 0, &id, NULL), -EEXIST); /* it has not ended */
	ck_assert_int_eq(run_list(catalog, 99, NULL, NULL, NULL), -ENOENT);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_run_ends_with_its_frontier_and_its_choice)
{
	struct catalog *catalog = open_catalog();
	const struct frontier_point points[] = {
	        {design_of("s1x1-b8-k6-q4"), 2000, 2e-3, 4e-3, 0.75, 0.01, 0.76},
	        {design_of("s4x4-b1-k1-q8"), 500, 1e-3, 2e-3, 0.5, 0.02, (double)NAN},
	        /* As large, and in the order of the space not that of their names. */
	        {design_of("s4x4-b16-k1-q6"), 134, 1e-3, 2e-3, 0.4, 0.02, (double)NAN},
	        {design_of("s4x4-b8-k1-q2"), 134, 1e-3, 2e-3, 0.3, 0.02, (double)NAN},
	};
	struct choice choice = {.directory = "/data/birds", .design = points[0].design, .reason = "the best within 1%"};
	struct frontier_point *got;
	struct run *runs;
	struct choice *choices;
	int64_t id = begin(catalog), found;
	size_t n;

	choice.run = id;
	ck_assert_int_eq(run_end(catalog, id, points, 4, &choice, 1, NULL), 0);
	ck_assert_int_eq(run_find(catalog, &a_run, false, &found, NULL), -ENOENT);
	ck_assert_int_eq(run_find(catalog, &a_run, true, &found, NULL), 0);
	ck_assert_int_eq(found, id);
	ck_assert_int_eq(run_list(catalog, id, &runs, &n, NULL), 0);
	ck_assert(n == 1 && runs[0].ended_s && runs[0].nfrontier == 4);
	free(runs);
	ck_assert_int_eq(run_frontier(catalog, id, &got, &n, NULL), 0);
	ck_assert_uint_eq(n, 4);
	ck_assert(ic_design_equal(&got[0].design, &points[3].design) &&
	          ic_design_equal(&got[1].design, &points[2].design));
	ck_assert(got[2].nbytes == 500 && isnan(got[2].verified) && got[3].verified == 0.76);
	ck_assert_int_eq(choice_list(catalog, NULL, false, &choices, &n, NULL), 0);
	ck_assert(n == 1 && choices[0].run == id && ic_design_equal(&choices[0].design, &choice.design));
	free(got);
	free(choices);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_plan_that_was_never_made_is_refused)
{
	struct catalog *catalog = open_catalog();
	struct planned *plan;
	int64_t id = begin(catalog);
	size_t n;

	catalog_close(catalog);
	sql(scratch_catalog(), "UPDATE planned SET parent = 7 WHERE position = 1");
	catalog = open_catalog();
	ck_assert_int_eq(run_plan(catalog, id, &plan, &n, NULL), -EBADMSG);
	catalog_close(catalog);
	sql(scratch_catalog(), "UPDATE planned SET parent = 0, design = '' WHERE position = 1");
	catalog = open_catalog();
	ck_assert_int_eq(run_plan(catalog, id, &plan, &n, NULL), -EBADMSG);
	catalog_close(catalog);
}
END_TEST

/* --- Choices ------------------------------------------------------------------------------------------------------ */

static void choose(struct catalog *catalog, const char *directory, const char *design, bool is_pin)
{
	struct choice choice = {.design = design_of(design), .is_pin = is_pin, .reason = "so it is"};
	int64_t id;

	strcpy(choice.directory, directory);
	ck_assert_int_eq(choice_put(catalog, &choice, &id, NULL), 0);
}

static void check_chosen(struct catalog *catalog, const char *directory, const char *expected)
{
	char design[IC_DESIGN_STRING_SIZE] = "nothing";
	const struct choice *choice;
	struct choice *choices;
	size_t n;

	ck_assert_int_eq(choice_list(catalog, NULL, false, &choices, &n, NULL), 0);
	choice = choice_find(choices, n, directory);
	if (choice)
		ic_design_print(&choice->design, design);
	ck_assert_str_eq(design, expected);
	free(choices);
}

START_TEST(the_nearest_choice_holds)
{
	struct catalog *catalog = open_catalog();

	check_chosen(catalog, "/data", "nothing");
	choose(catalog, "/data", "s1x1-b8-k15-q8", false);
	choose(catalog, "/data/birds/small", "s1x1-b8-k3-q8", false);
	choose(catalog, "/data/birds", "s1x1-b8-k9-q8", false);
	check_chosen(catalog, "/data", "s1x1-b8-k15-q8");
	check_chosen(catalog, "/data/bird", "s1x1-b8-k15-q8");
	check_chosen(catalog, "/data/birds", "s1x1-b8-k9-q8");
	check_chosen(catalog, "/data/birds/smaller", "s1x1-b8-k9-q8");
	check_chosen(catalog, "/data/birds/small/a/b", "s1x1-b8-k3-q8");
	check_chosen(catalog, "/datas", "nothing");
	check_chosen(catalog, "/", "nothing");
	choose(catalog, "/", "s4x4-b8-k1-q8", false);
	check_chosen(catalog, "/datas", "s4x4-b8-k1-q8");
	check_chosen(catalog, "/data/birds", "s1x1-b8-k9-q8");
	catalog_close(catalog);
}
END_TEST

START_TEST(the_newest_choice_holds_until_it_is_withdrawn)
{
	struct catalog *catalog = open_catalog();

	choose(catalog, "/data", "s1x1-b8-k1-q8", false);
	choose(catalog, "/data", "s1x1-b8-k2-q8", false);
	check_chosen(catalog, "/data", "s1x1-b8-k2-q8");
	choose(catalog, "/data", "s1x1-b8-k3-q8", true);
	choose(catalog, "/data", "s1x1-b8-k4-q8", false);
	check_chosen(catalog, "/data", "s1x1-b8-k3-q8");
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), 0);
	check_chosen(catalog, "/data", "s1x1-b8-k4-q8");
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), 0);
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), 0);
	check_chosen(catalog, "/data", "s1x1-b8-k1-q8");
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), 0);
	check_chosen(catalog, "/data", "nothing");
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), -ENOENT);
	catalog_close(catalog);
}
END_TEST

START_TEST(what_was_withdrawn_is_still_known)
{
	struct catalog *catalog = open_catalog();
	struct choice *choices;
	size_t n;

	choose(catalog, "/data", "s1x1-b8-k1-q8", false);
	choose(catalog, "/other", "s1x1-b8-k1-q8", false);
	ck_assert_int_eq(choice_withdraw(catalog, "/data", NULL), 0);
	ck_assert_int_eq(choice_list(catalog, "/data", false, &choices, &n, NULL), 0);
	ck_assert_uint_eq(n, 0);
	free(choices);
	ck_assert_int_eq(choice_list(catalog, "/data", true, &choices, &n, NULL), 0);
	ck_assert(n == 1 && choices[0].withdrawn_s > 0 && choices[0].chosen_s > 0 && isnan(choices[0].verified) == 0);
	free(choices);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_change_by_another_process_is_noticed)
{
	struct catalog *catalog = open_catalog(), *other = open_catalog();
	uint64_t before, after;

	ck_assert_int_eq(catalog_change_count(catalog, &before), 0);
	ck_assert_int_eq(catalog_change_count(catalog, &after), 0);
	ck_assert_uint_eq(before, after);
	choose(other, "/data", "s1x1-b8-k1-q8", false);
	ck_assert_int_eq(catalog_change_count(catalog, &after), 0);
	ck_assert_uint_ne(before, after);
	choose(catalog, "/data", "s1x1-b8-k2-q8", false);
	before = after;
	ck_assert_int_eq(catalog_change_count(catalog, &after), 0);
	ck_assert_uint_ne(before, after);
	catalog_close(other);
	catalog_close(catalog);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, a_run_goes_on_where_it_was);
	tcase_add_test(cases, a_run_says_its_settings);
	tcase_add_test(cases, another_run_is_not_gone_on_with);
	tcase_add_test(cases, a_run_ends_with_its_frontier_and_its_choice);
	tcase_add_test(cases, a_plan_that_was_never_made_is_refused);
	tcase_add_test(cases, the_nearest_choice_holds);
	tcase_add_test(cases, the_newest_choice_holds_until_it_is_withdrawn);
	tcase_add_test(cases, what_was_withdrawn_is_still_known);
	tcase_add_test(cases, a_change_by_another_process_is_noticed);
}

int main(void)
{
	return run_catalog_suite("run", add);
}
