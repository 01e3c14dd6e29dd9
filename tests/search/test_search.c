/* SPDX-License-Identifier: MIT */
/* Searches: what they choose, that they can be killed, stopped and repeated, and what they do where something fails. */
#include "search/search.h"

#include "catalog_helpers.h"
#include "search_helpers.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

/* What a search ended with, in one text. */
static char *ending(struct catalog *catalog, int64_t id)
{
	char *text = NULL, design[IC_DESIGN_STRING_SIZE];
	size_t nbytes, n;
	FILE *out = open_memstream(&text, &nbytes);
	struct frontier_point *points;
	struct planned *plan;
	struct choice *choices;

	ck_assert_int_eq(run_frontier(catalog, id, &points, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		ic_design_print(&points[i].design, design);
		fprintf(out, "%s %a %a %a %a\n", design, points[i].nbytes, points[i].infer_s, points[i].predicted,
		        points[i].verified);
	}
	ck_assert_uint_gt(n, 5);
	free(points);
	ck_assert_int_eq(run_plan(catalog, id, &plan, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		ic_design_print(&plan[i].design, design);
		fprintf(out, "%zu %u %s %d %a\n", i, plan[i].round, design, plan[i].parent,
		        plan[i].measurement.result.accuracy);
	}
	free(plan);
	ck_assert_int_eq(choice_list(catalog, NULL, false, &choices, &n, NULL), 0);
	for (size_t i = 0; i < n; i++) {
		ic_design_print(&choices[i].design, design);
		fprintf(out, "%s %s %s\n", choices[i].directory, design, choices[i].reason);
	}
	free(choices);
	fclose(out);
	return text;
}

/* --- Choosing ----------------------------------------------------------------------------------------------------- */

START_TEST(the_choice_is_within_the_aim_and_verified)
{
	static const char *const aims[][2] = {
	        {"max-bytes", "12%"}, {"max-loss", "2%"}, {"max-time", "60%"}, {"objective", "space=1,accuracy=0.2"}};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, aims[_i][0], aims[_i][1]);
	struct search_outcome outcome = run_search(&settings);
	struct ic_design reference = ic_design_default();
	double truth = synthetic_truth(&outcome.choice.design), full = synthetic_truth(&reference);

	ck_assert(outcome.has_choice && outcome.nevaluated == 40 && outcome.nreused == 0 && outcome.nfailed == 0);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 40);
	ck_assert(fabs(outcome.choice.verified - truth) < 0.01 && fabs(outcome.choice.predicted - truth) < 0.05);
	ck_assert(fabs(outcome.reference_accuracy - full) < 0.01 && outcome.error < 0.05);
	ck_assert(outcome.rank_correlation > 0.9);
	if (_i == 0)
		ck_assert(outcome.choice.nbytes <= 0.12 * outcome.reference_cost.nbytes);
	if (_i == 1)
		ck_assert(truth >= full - 0.03 && outcome.choice.infer_s < outcome.reference_cost.infer_s);
	if (_i == 2)
		ck_assert(outcome.choice.infer_s <= 0.6 * outcome.reference_cost.infer_s);
	if (_i == 3)
		ck_assert(outcome.choice.nbytes < outcome.reference_cost.nbytes && truth > 0.4);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(the_frontier_holds_what_nothing_beats)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "25%");
	struct search_outcome outcome = run_search(&settings);

	ck_assert_uint_gt(outcome.npoints, 5);
	for (size_t i = 0; i < outcome.npoints; i++) {
		const struct frontier_point *a = &outcome.points[i];
		for (size_t j = 0; j < outcome.npoints; j++) {
			const struct frontier_point *b = &outcome.points[j];
			ck_assert_msg(i == j || a->nbytes < b->nbytes || a->infer_s < b->infer_s ||
			                      a->train_s < b->train_s || a->predicted > b->predicted,
			              "%zu and %zu", i, j);
		}
	}
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(an_aim_that_nothing_meets_chooses_nothing)
{
	static const char *const aims[][2] = {{"max-bytes", "10"}, {"max-time", "1us"}};
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0};
	struct search_settings settings = small_search(catalog, &synthetic, aims[_i][0], aims[_i][1]);
	struct search_outcome outcome = {.run = 0};
	struct choice *choices;
	struct ic_why why = {""};
	size_t n;
	errint_t err = search_run(&settings, &outcome, &why);

	ck_assert_int_eq(err, -ENODATA);
	ck_assert_msg(strstr(why.text, "no design"), "%s", why.text);
	ck_assert_int_eq(choice_list(catalog, NULL, true, &choices, &n, NULL), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 0);
	catalog_close(catalog);
}
END_TEST

START_TEST(limits_that_exclude_each_other_choose_nothing_and_name_the_nearest)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0};
	struct search_settings settings = small_search(catalog, &synthetic, "max-loss", "0.1%");
	struct choice *choices;
	size_t n;

	ck_assert_int_eq(aim_set(&settings.aim, "max-bytes", "3%", NULL), 0);
	struct search_outcome outcome = run_search(&settings);
	ck_assert(!outcome.has_choice && outcome.choice.nbytes <= 0.03 * outcome.reference_cost.nbytes);
	ck_assert_int_eq(choice_list(catalog, NULL, true, &choices, &n, NULL), 0);
	ck_assert_uint_eq(n, 0);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(what_is_nearest_goes_by_the_limit_that_fails)
{
	struct design_cost full = {.nbytes = 1000, .infer_s = 1}, cost = {.nbytes = 100, .infer_s = 0.5};
	struct aim aim = aim_default();

	ck_assert(aim_excess(&aim, &cost, &full) == 0);
	ck_assert_int_eq(aim_set(&aim, "max-time", "10%", NULL), 0);
	ck_assert(fabs(aim_excess(&aim, &cost, &full) - 5) < 1e-12);
	ck_assert_int_eq(aim_set(&aim, "max-bytes", "10", NULL), 0);
	ck_assert(fabs(aim_excess(&aim, &cost, &full) - 10) < 1e-12);
	cost.nbytes = 9;
	cost.infer_s = 0.1;
	ck_assert(aim_excess(&aim, &cost, &full) <= 1 && aim_affords(&aim, &cost, &full));
}
END_TEST

/* --- Again -------------------------------------------------------------------------------------------------------- */

START_TEST(another_search_evaluates_only_what_is_new)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome first = run_search(&settings), second, wider, again;

	ck_assert_uint_eq(first.nevaluated, 40);
	second = run_search(&settings); /* it ended, so this is a new one, which has nothing to find out */
	ck_assert(second.run != first.run && !second.was_resumed && second.nreused == 40 && !second.nevaluated);
	ck_assert(ic_design_equal(&second.choice.design, &first.choice.design));
	ck_assert(second.choice.predicted == first.choice.predicted && second.npoints == first.npoints);
	settings.nevaluations = 80;
	settings.nverify = 32;
	settings.directory = "/moved/synthetic";
	wider = run_search(&settings);
	ck_assert_uint_eq(wider.nreused, 40); /* in buckets, or beside the evaluations that were asked for */
	ck_assert(wider.nevaluated >= 40 && wider.nevaluated < 80);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 40 + wider.nevaluated);
	again = run_search(&settings);
	ck_assert(again.run != wider.run && !again.nevaluated && again.nreused == wider.nevaluated + 40);
	ck_assert(again.choice.predicted == wider.choice.predicted && again.npoints == wider.npoints);
	search_outcome_clear(&again);
	search_outcome_clear(&first);
	search_outcome_clear(&second);
	search_outcome_clear(&wider);
	catalog_close(catalog);
}
END_TEST

/* What a wider search ends with that began with results, stopped after so many evaluations more, and went on. */
static char *wider_ending(const char *name, unsigned stops_at)
{
	struct catalog *catalog;
	char path[PATH_SIZE];

	ck_assert_int_eq(catalog_open(path_in_scratch(name, path), &catalog, NULL), 0);
	struct synthetic synthetic = {.noise = 0.002, .stops_at = stops_at};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_outcome outcome = run_search(&settings);
	search_outcome_clear(&outcome);
	settings.nevaluations = 60;
	settings.nverify = 24;
	if (stops_at)
		ck_assert_int_eq(search_run(&settings, &outcome, NULL), -EIO);
	outcome = run_search(&settings);
	ck_assert(outcome.was_resumed == (stops_at > 0) && outcome.nevaluated + outcome.nreused > 60);
	char *text = ending(catalog, outcome.run);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
	return text;
}

START_TEST(a_wider_search_that_stops_goes_on_with_all_that_it_knew)
{
	char *whole = wider_ending("whole.db", 0), *early = wider_ending("early.db", 42),
	     *late = wider_ending("late.db", 60);

	ck_assert_str_eq(early, whole);
	ck_assert_str_eq(late, whole);
	free(whole);
	free(early);
	free(late);
}
END_TEST

START_TEST(evaluations_at_once_change_nothing)
{
	struct synthetic synthetic = {.noise = 0.01, .sleep_us = 1000, .njobs_max = 4};
	char *endings[2];

	for (unsigned i = 0; i < 2; i++) {
		char path[PATH_SIZE];
		struct catalog *catalog;
		ck_assert_int_eq(catalog_open(path_in_scratch(i ? "b.db" : "a.db", path), &catalog, NULL), 0);
		struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "12%");
		settings.njobs = i ? 8 : 1;
		struct search_outcome outcome = run_search(&settings);
		endings[i] = ending(catalog, outcome.run);
		search_outcome_clear(&outcome);
		catalog_close(catalog);
	}
	ck_assert_uint_gt(atomic_load(&synthetic.nrunning_most), 1);
	ck_assert_uint_le(atomic_load(&synthetic.nrunning_most), 4);
	ck_assert_str_eq(endings[0], endings[1]);
	free(endings[0]);
	free(endings[1]);
}
END_TEST

/* A process that searches until it is killed, or is done. */
static pid_t start(const char *path)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid)
		return pid;
	struct synthetic synthetic = {.noise = 0.01, .sleep_us = 2000, .njobs_max = 2};
	struct catalog *catalog;
	struct search_outcome outcome;
	if (catalog_open(path, &catalog, NULL))
		_exit(2);
	struct search_settings settings = small_search(catalog, &synthetic, "max-loss", "2%");
	settings.njobs = 2;
	if (search_run(&settings, &outcome, NULL))
		_exit(3);
	catalog_close(catalog);
	_exit(0);
}

/* The one run of a catalog, which has ended. */
static int64_t ended(const char *path, struct catalog **ret_catalog)
{
	struct run *runs;
	size_t n;

	ck_assert_int_eq(catalog_open(path, ret_catalog, NULL), 0);
	ck_assert_int_eq(run_list(*ret_catalog, 0, &runs, &n, NULL), 0);
	ck_assert_msg(n == 1 && runs[0].ended_s, "%zu runs", n);
	int64_t id = runs[0].id;
	free(runs);
	return id;
}

static int64_t finish(const char *path, struct catalog **ret_catalog)
{
	int status;

	waitpid(start(path), &status, 0);
	ck_assert_msg(WIFEXITED(status) && !WEXITSTATUS(status), "%d", status);
	return ended(path, ret_catalog);
}

/* Whether the run of a catalog has ended, if its process did not: it may be killed between the two. */
static bool has_ended_run(const char *path)
{
	struct catalog *catalog;
	struct run *runs;
	size_t n;

	ck_assert_int_eq(catalog_open(path, &catalog, NULL), 0);
	ck_assert_int_eq(run_list(catalog, 0, &runs, &n, NULL), 0);
	bool has_ended = n > 0 && runs[0].ended_s;
	free(runs);
	catalog_close(catalog);
	return has_ended;
}

/* Twenty kills. A search that ends before its kill, on a machine that is fast or busy with something else, ends like
 * the whole one as well, and the next is a search of its own. */
START_TEST(a_search_that_was_killed_ends_as_one_that_was_not)
{
	struct catalog *catalog;
	char path[PATH_SIZE], name[32];
	unsigned nkilled = 0, nsearches = 0;
	int64_t id = finish(path_in_scratch("whole.db", path), &catalog);
	char *whole = ending(catalog, id), *killed;

	catalog_close(catalog);
	while (nkilled < 20) {
		bool has_ended = false;
		ck_assert_uint_lt(nsearches, 200);
		snprintf(name, sizeof(name), "killed%u.db", nsearches++);
		path_in_scratch(name, path);
		while (!has_ended && nkilled < 20) {
			pid_t pid = start(path);
			int status;
			usleep(5000 + mixed(nkilled + 20 * nsearches) % 60000);
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			ck_assert_msg(WIFSIGNALED(status) || !WEXITSTATUS(status), "%d", status);
			nkilled += !WIFEXITED(status);
			has_ended = WIFEXITED(status) || has_ended_run(path);
		}
		id = has_ended ? ended(path, &catalog) : finish(path, &catalog);
		killed = ending(catalog, id);
		ck_assert_str_eq(killed, whole);
		free(killed);
		catalog_close(catalog);
	}
	free(whole);
}
END_TEST

/* --- Trouble ------------------------------------------------------------------------------------------------------ */

START_TEST(what_ends_a_search_lets_it_go_on_later)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .stops_at = 13};
	struct search_settings settings = small_search(catalog, &synthetic, NULL, NULL);
	struct search_outcome outcome;
	struct ic_why why = {""};

	ck_assert_int_eq(search_run(&settings, &outcome, &why), -EIO);
	ck_assert_str_eq(why.text, "the synthetic disk is gone");
	outcome = run_search(&settings);
	ck_assert(outcome.was_resumed && outcome.nreused == 12 && outcome.nevaluated == 28);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

static void cancel_soon(void *context, const struct search_progress *progress)
{
	ck_assert_uint_eq(progress->ntotal, 40);
	if (progress->ndone == 30)
		atomic_store((atomic_bool *)context, true);
}

START_TEST(a_search_that_is_cancelled_stops_and_can_go_on)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, NULL, NULL);
	struct search_outcome outcome;
	atomic_bool cancelled = false;

	settings.cancelled = &cancelled;
	settings.progress = cancel_soon;
	settings.context = &cancelled;
	ck_assert_int_eq(search_run(&settings, &outcome, NULL), -ECANCELED);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 30);
	atomic_store(&cancelled, false);
	settings.progress = NULL;
	outcome = run_search(&settings);
	ck_assert(outcome.was_resumed && outcome.nreused == 30 && outcome.nevaluated == 10);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(evaluations_without_a_result_are_left_out)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002, .fails_within = "s1x2-b8-k15-q8"};
	struct search_settings settings = small_search(catalog, &synthetic, "max-loss", "5%");
	struct search_outcome outcome = run_search(&settings), again;
	struct ic_design failing;

	ck_assert_int_eq(ic_design_parse(synthetic.fails_within, &failing, NULL), 0);
	ck_assert(outcome.has_choice && outcome.nfailed > 0 && outcome.nevaluated == 40);
	ck_assert(!ic_design_covers(&failing, &outcome.choice.design));
	again = run_search(&settings); /* what failed is asked again, and fails again */
	ck_assert(again.nevaluated == outcome.nfailed && again.nfailed == outcome.nfailed);
	ck_assert(again.nreused == 40 - outcome.nfailed);
	search_outcome_clear(&outcome);
	search_outcome_clear(&again);
	catalog_close(catalog);
}
END_TEST

START_TEST(without_the_reference_nothing_can_be_compared)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.fails_within = "s1x1-b8-k15-q8"};
	struct search_settings settings = small_search(catalog, &synthetic, NULL, NULL);
	struct search_outcome outcome;
	struct ic_why why = {""};

	ck_assert_int_eq(search_run(&settings, &outcome, &why), -ENODATA);
	ck_assert_msg(strstr(why.text, "reference") && strstr(why.text, "NaN"), "%s", why.text);
	synthetic.fails_within = NULL; /* mended: the same search finds what it could not */
	outcome = run_search(&settings);
	ck_assert(outcome.has_choice && outcome.nfailed == 0 && !outcome.was_resumed);
	search_outcome_clear(&outcome);

	settings.seed = 2;
	synthetic.fails_within = "";
	ck_assert_int_eq(search_run(&settings, &outcome, &why), -ENODATA);
	synthetic.fails_within = NULL;
	outcome = run_search(&settings); /* what the model takes is told now, and fitted */
	ck_assert(outcome.choice.infer_s > 1e-3 && outcome.choice.train_s > 3e-3);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

struct locking {
	sqlite3 *db;
	unsigned nwaits;
};

static void lock_once(void *context, const struct search_progress *progress)
{
	struct locking *locking = context;

	if (progress->ndone != 10 || locking->db)
		return;
	ck_assert_int_eq(sqlite3_open(scratch_catalog(), &locking->db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(locking->db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void unlock(void *context, const char *why)
{
	struct locking *locking = context;

	ck_assert_msg(strstr(why, "locked"), "%s", why);
	locking->nwaits++;
	ck_assert_int_eq(sqlite3_exec(locking->db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
}

START_TEST(a_catalog_that_is_locked_is_waited_for)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0.002};
	struct search_settings settings = small_search(catalog, &synthetic, NULL, NULL);
	struct locking locking = {NULL, 0};

	settings.progress = lock_once;
	settings.waiting = unlock;
	settings.context = &locking;
	struct search_outcome outcome = run_search(&settings);
	ck_assert_uint_eq(locking.nwaits, 1);
	ck_assert_uint_eq(outcome.nevaluated, 40);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 40);
	sqlite3_close(locking.db);
	search_outcome_clear(&outcome);
	catalog_close(catalog);
}
END_TEST

START_TEST(settings_that_make_no_sense_are_refused)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0};
	struct search_settings settings = small_search(catalog, &synthetic, NULL, NULL), bad[4];
	struct search_outcome outcome;

	for (unsigned i = 0; i < 4; i++)
		bad[i] = settings;
	bad[0].nevaluations = 3;
	bad[1].nverify = 38;
	bad[2].nevaluations = IC_DESIGN_COUNT + 1;
	bad[3].nshapes = 0;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(search_run(&bad[i], &outcome, NULL), -EINVAL);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 0);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_plan_alone_writes_nothing)
{
	struct catalog *catalog = open_catalog();
	struct synthetic synthetic = {.noise = 0};
	struct search_settings settings = small_search(catalog, &synthetic, "max-bytes", "50%");
	struct search_preview preview;
	struct run *runs;
	size_t n;

	ck_assert_int_eq(search_preview(&settings, &preview, NULL), 0);
	ck_assert(preview.n == 24 && preview.nfollowing == 16 && preview.nsample == 8);
	ck_assert(preview.costs.held_out_error == 0.05);
	for (size_t i = 0; i < preview.n; i++) {
		const struct planned *at = &preview.plan[i];
		ck_assert(!at->is_done && at->parent < (int)i && (at->parent >= 0) == (i > 0));
		if (i > 1 && i != preview.nsample)
			ck_assert_int_ge(ic_design_compare_density(&at[-1].design, &at->design), 0);
	}
	free(preview.plan);
	ck_assert_int_eq(run_list(catalog, 0, &runs, &n, NULL), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(atomic_load(&synthetic.ncalls), 0);
	free(runs);
	catalog_close(catalog);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_loop_test(cases, the_choice_is_within_the_aim_and_verified, 0, 4);
	tcase_add_test(cases, the_frontier_holds_what_nothing_beats);
	tcase_add_loop_test(cases, an_aim_that_nothing_meets_chooses_nothing, 0, 2);
	tcase_add_test(cases, limits_that_exclude_each_other_choose_nothing_and_name_the_nearest);
	tcase_add_test(cases, what_is_nearest_goes_by_the_limit_that_fails);
	tcase_add_test(cases, another_search_evaluates_only_what_is_new);
	tcase_add_test(cases, a_wider_search_that_stops_goes_on_with_all_that_it_knew);
	tcase_add_test(cases, evaluations_at_once_change_nothing);
	tcase_add_test(cases, a_search_that_was_killed_ends_as_one_that_was_not);
	tcase_add_test(cases, what_ends_a_search_lets_it_go_on_later);
	tcase_add_test(cases, a_search_that_is_cancelled_stops_and_can_go_on);
	tcase_add_test(cases, evaluations_without_a_result_are_left_out);
	tcase_add_test(cases, without_the_reference_nothing_can_be_compared);
	tcase_add_test(cases, a_catalog_that_is_locked_is_waited_for);
	tcase_add_test(cases, settings_that_make_no_sense_are_refused);
	tcase_add_test(cases, a_plan_alone_writes_nothing);
}

int main(void)
{
	return run_catalog_suite("search", add);
}
