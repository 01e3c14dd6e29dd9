/* SPDX-License-Identifier: MIT */
/* icfs search DATASET */
#include "src/icfs.h"
#include "src/interrupt.h"
#include "src/options.h"
#include "src/search_cli.h"
#include "src/search_options.h"
#include "src/search_trees.h"

#include "fs/policy.h"
#include "search/command.h"
#include "search/subject.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The search of one dataset, or of several, one after the other. */
struct find {
	const struct find_settings *settings;
	struct search_bar *bar; /* may be NULL */
	struct catalog *catalog;
	const atomic_bool *cancelled;
	bool is_one_of_many; /* what cannot be judged is left out */
	bool is_told_stopped;
};

/* --- Hooks -------------------------------------------------------------------------------------------------------- */

static void tell_evaluations(void *context, const struct search_progress *progress)
{
	search_bar_evaluations(((struct find *)context)->bar, progress);
}

static void tell_doing(void *context, const char *doing, uint64_t done, uint64_t total)
{
	search_bar_doing(((struct find *)context)->bar, doing, done, total);
}

static void tell_waiting(void *context, const char *why)
{
	warn("%s; waiting for it, since a measurement is to be written", why);
}

/* --- What came of it ---------------------------------------------------------------------------------------------- */

static void put_costs(const struct cost_model *costs)
{
	char percents[PERCENT_SIZE];

	printf("  times of reading and decoding are off by %s on designs that they were not fitted to\n",
	       percent(costs->held_out_error, percents));
	if (isfinite(costs->infer_error))
		printf("  times of the model forward are off by %s\n", percent(costs->infer_error, percents));
	if (isfinite(costs->train_error))
		printf("  times of the model in training are off by %s\n", percent(costs->train_error, percents));
}

static void put_left_out(const struct evaluator_description *d)
{
	if (d->ntwins)
		printf("  %" PRIu64 " images are left out, near duplicates of which judge\n", d->ntwins);
	if (!d->nunreadable)
		return;
	printf("  %" PRIu64 " of %" PRIu64 " images cannot be decoded and are left out, among them ", d->nunreadable,
	       d->nunreadable + d->ntrain + d->nselect + d->ntruth);
	put_text(stdout, d->unreadable);
	putchar('\n');
}

static void put_outcome(const struct search_outcome *outcome, const struct evaluator_description *description)
{
	const struct choice *choice = &outcome->choice;
	char design[IC_DESIGN_STRING_SIZE], a[PERCENT_SIZE], b[PERCENT_SIZE], c[PERCENT_SIZE];

	printf("run %" PRId64 ": %" PRIu64 " evaluations made, %" PRIu64 " known before, %" PRIu64
	       " without a result\n",
	       outcome->run, outcome->nevaluated, outcome->nreused, outcome->nfailed);
	ic_design_print(&choice->design, design);
	put_text(stdout, choice->directory);
	printf(": %s%s\n", outcome->has_choice ? "" : "nothing is within the limits; the nearest is ", design);
	printf("  accuracy %s measured, %s +- %s predicted by the others\n", percent(choice->verified, a),
	       percent(choice->predicted, b), percent(choice->uncertainty, c));
	printf("  by the model of all results %s, the default design %s: a limit of loss is held to these\n",
	       percent(outcome->accuracy, a), percent(outcome->reference_accuracy, b));
	printf("  %.0f bytes an image, %s of the default's\n", choice->nbytes,
	       percent(choice->nbytes / outcome->reference_cost.nbytes, a));
	printf("  %.4f ms an image, %s of the default's\n", 1e3 * choice->infer_s,
	       percent(choice->infer_s / outcome->reference_cost.infer_s, a));
	printf("  the model is off by %s on evaluations that it did not see; rank correlation %.3f, noise %s\n",
	       percent(outcome->error, a), outcome->rank_correlation, percent(outcome->noise, b));
	put_costs(&outcome->costs);
	put_left_out(description);
	printf("  icfs search frontier %" PRId64 " lists the others\n", outcome->run);
}

/* What an evaluation takes: as long as those of the plan that are known, else as the evaluator thinks; 0: nobody knows. */
static double evaluation_seconds(const struct planned *plan, size_t n, const struct evaluator_description *description)
{
	double sum = 0;
	size_t nknown = 0;

	for (size_t i = 0; i < n; i++) {
		double wall_s = plan[i].measurement.result.wall_s;
		if (!plan[i].is_done || !isfinite(wall_s))
			continue;
		sum += wall_s;
		nknown++;
	}
	return nknown ? sum / (double)nknown : description->evaluation_s;
}

static void put_preview(const struct search_preview *preview, const struct evaluator_description *description)
{
	const struct planned *plan = preview->plan;
	char design[IC_DESIGN_STRING_SIZE];
	size_t nknown = 0;

	for (size_t i = 0; i < preview->n; i++) {
		ic_design_print(&plan[i].design, design);
		printf("%4zu %s", i, design);
		if (plan[i].parent >= 0)
			printf(" after %d", plan[i].parent);
		puts(plan[i].is_done ? ", known" : "");
		nknown += plan[i].is_done;
	}
	printf("%zu evaluations are planned, %zu of them known; up to %zu follow from their results\n", preview->n,
	       nknown, preview->nfollowing);
	if (preview->nsample)
		printf("  the first %zu tell what the model takes; where time counts, those after them go by that, "
		       "too\n",
		       preview->nsample);
	put_costs(&preview->costs);
	put_left_out(description);
	double each_s = evaluation_seconds(plan, preview->n, description);
	printf("by %s", description->identity);
	if (description->ntrain)
		printf(", on %" PRIu64 " images to train and %" PRIu64 " to judge", description->ntrain,
		       description->nselect);
	if (each_s > 0)
		printf("; about %.0f s of evaluations in all\n",
		       each_s * (double)(preview->n - nknown + preview->nfollowing));
	else
		printf("; what an evaluation takes is known once one was made\n");
}

/* --- Searching ---------------------------------------------------------------------------------------------------- */

static int fail_stopped(struct find *find)
{
	find->is_told_stopped = true;
	return fail("stopped; what was measured is kept, and the same command goes on");
}

/* What a search waits for, until it is told to stop: a catalog that is locked, or on a disk that is full. */
static bool is_of_catalog(errint_t err)
{
	return err == -EBUSY || err == -ENOSPC || err == -EROFS || err == -EIO || err == -EACCES;
}

/* `directory` is NULL where the reason names it, or there is but one. */
static int fail_search(struct find *find, const char *directory, errint_t err, const struct ic_why *why)
{
	search_bar_free(find->bar);
	find->bar = NULL;
	if (err == -ECANCELED)
		return fail_stopped(find);
	const char *reason = ic_why_text(why, err);
	if (is_of_catalog(err) && atomic_load(find->cancelled)) {
		find->is_told_stopped = true;
		return fail("stopped: %s; what was written is kept, and the same command goes on", reason);
	}
	return directory ? fail("%s: %s", directory, reason) : fail("%s", reason);
}

/* What the command line does not say of the budget, the policy files at and above the directory may. */
static errint_t complete_aim(const char *directory, struct aim *aim, struct ic_why *why)
{
	struct policy_nearest *nearest = malloc(sizeof(*nearest));
	errint_t err = nearest ? policy_nearest_find(directory, nearest, why) : ic_fail(why, -ENOMEM, "out of memory");

	for (enum aim_key key = 0; !err && key < AIM_NKEYS; key++)
		if (!aim_says(aim, key) && nearest->at[POLICY_KEY_AIM + key].is_found)
			aim_take(aim, &nearest->at[POLICY_KEY_AIM + key].rule.aim, key);
	free(nearest);
	aim_complete(aim);
	return err;
}

/* More than 1 is more than there is to lose, unless the measure is another one. */
static bool is_loss_meant(const struct find_settings *settings, const struct aim *aim)
{
	bool is_share = true;

	for (size_t i = 0; i < settings->noptions; i++)
		if (!strcmp(settings->options[i].name, "metric"))
			is_share = !strcmp(settings->options[i].value, "accuracy");
	return !is_share || !aim->loss.is_set || aim->loss.value <= 1;
}

/* What was pinned stays in force whatever a search finds. */
static void warn_of_pin(const struct find *find, const char *directory)
{
	char design[IC_DESIGN_STRING_SIZE];
	struct choice *choices;
	size_t n;

	if (choice_list(find->catalog, NULL, false, &choices, &n, NULL))
		return;
	const struct choice *pinned = choice_find(choices, n, directory);
	if (pinned && pinned->is_pin) {
		ic_design_print(&pinned->design, design);
		warn("%s: %s is pinned, and stays in force until 'icfs search rollback' takes it back", directory,
		     design);
	}
	free(choices);
}

static int search(struct find *find, const char *directory, struct subject *subject, const struct aim *aim,
                  const char *work)
{
	struct search_settings settings = find->settings->search;
	struct search_outcome outcome;
	struct search_preview preview;
	struct ic_why why = {""};
	errint_t err;

	subject_apply(subject, &settings);
	settings.aim = *aim;
	settings.progress = tell_evaluations;
	settings.waiting = tell_waiting;
	settings.context = find;
	settings.checkpoints = work;
	if (find->settings->is_dry)
		err = search_preview(&settings, &preview, &why);
	else
		err = search_run(&settings, &outcome, &why);
	if (err)
		return fail_search(find, find->is_one_of_many ? directory : NULL, err, &why);
	search_bar_free(find->bar);
	find->bar = NULL;
	struct evaluator_description description = subject_description(subject);
	if (find->settings->is_dry) {
		if (find->is_one_of_many) {
			put_text(stdout, directory);
			puts(":");
		}
		put_preview(&preview, &description);
		free(preview.plan);
		return EXIT_OK;
	}
	put_outcome(&outcome, &description);
	if (outcome.has_choice)
		warn_of_pin(find, outcome.choice.directory);
	search_outcome_clear(&outcome);
	return outcome.has_choice ? EXIT_OK : EXIT_FAILED;
}

/* What cannot be judged is no failure where it is one of many. */
static int give_up(struct find *find, errint_t err, const struct ic_why *why)
{
	if (err != -ENODATA || !find->is_one_of_many)
		return fail_search(find, NULL, err, why);
	search_bar_free(find->bar);
	find->bar = NULL;
	warn("%s; it is left out", why->text);
	return EXIT_OK;
}

/* `directory` is canonical; `ret_is_fit` is false where the evaluator cannot judge it at all. */
static int find_in_canonical(struct find *find, const char *directory, bool *ret_is_fit)
{
	const struct find_settings *settings = find->settings;
	struct subject_settings of = {
	        .catalog = find->catalog,
	        .evaluator = settings->evaluator,
	        .directory = directory,
	        .options = settings->options,
	        .noptions = settings->noptions,
	        .threads = (unsigned)settings->threads,
	        .memory_nbytes = settings->memory_nbytes,
	        .scratch = subject_scratch_default(),
	        .cancelled = find->cancelled,
	        .doing = tell_doing,
	        .context = find,
	};
	struct search_trees *trees = NULL;
	struct aim aim = settings->search.aim;
	struct subject *subject;
	struct ic_why why = {""};

	errint_t err = complete_aim(directory, &aim, &why);
	if (err)
		return fail("%s", why.text);
	if (!is_loss_meant(settings, &aim))
		return fail("max-loss %g: accuracies are shares, from 0 to 1; half a point is 0.5%% or 0.005",
		            aim.loss.value);
	find->bar = search_bar_new();
	if (settings->evaluator == &command_evaluator)
		err = search_trees_new(directory, settings->catalog, settings->work, &trees, &why);
	if (trees) {
		of.trees = search_trees_table(trees);
		of.work = search_trees_work(trees);
	}
	if (!err)
		err = subject_open(&of, settings->search.seed, &subject, &why);
	*ret_is_fit = err != -ENODATA;
	int status = err ? give_up(find, err, &why) : search(find, directory, subject, &aim, of.work);
	if (!err)
		subject_close(subject);
	search_trees_free(trees);
	return status;
}

static int find_in(struct find *find, const char *name, bool *ret_is_fit)
{
	char *directory = realpath(name, NULL);

	if (!directory)
		return fail("%s: %s", name, strerror(errno));
	int status = find_in_canonical(find, directory, ret_is_fit);
	free(directory);
	return status;
}

static int is_directory(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* One of `parent`; what is no directory is passed over. */
static int find_in_entry(struct find *find, const char *parent, const char *name, bool *ret_is_fit)
{
	char path[PATH_MAX];
	struct stat st;
	int length = snprintf(path, sizeof(path), "%s/%s", parent, name);

	*ret_is_fit = false;
	if (length >= (int)sizeof(path) || stat(path, &st) || !S_ISDIR(st.st_mode))
		return EXIT_OK;
	/* A signal may come between two of them, where no search ends by it. */
	if (atomic_load(find->cancelled))
		return find->is_told_stopped ? EXIT_FAILED : fail_stopped(find);
	return find_in(find, path, ret_is_fit);
}

/* Whether it is one dataset, whose sides are directories. */
static bool has_sides(const char *directory)
{
	static const char *const names[] = {"train", "val", "valid", "validation", "test"};
	bool is_there[sizeof(names) / sizeof(*names)];
	char path[PATH_MAX];
	struct stat st;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		int length = snprintf(path, sizeof(path), "%s/%s", directory, names[i]);
		is_there[i] = length < (int)sizeof(path) && !stat(path, &st) && S_ISDIR(st.st_mode);
	}
	return is_there[0] && (is_there[1] || is_there[2] || is_there[3] || is_there[4]);
}

/* Each directory in `parent` that can be judged. */
static int find_in_each(struct find *find, const char *parent)
{
	struct dirent **entries;

	if (has_sides(parent))
		return fail("%s: its train/ and what it is tested on are one dataset, which one design is chosen for; "
		            "without --per-directory it is",
		            parent);
	int status = EXIT_OK, n = scandir(parent, &entries, is_directory, alphasort), nfit = 0;

	if (n < 0)
		return fail("%s: %s", parent, strerror(errno));
	find->is_one_of_many = true;
	for (int i = 0; i < n; i++) {
		bool is_fit;
		if (find_in_entry(find, parent, entries[i]->d_name, &is_fit) != EXIT_OK)
			status = EXIT_FAILED;
		nfit += is_fit;
		free(entries[i]);
	}
	free(entries);
	return nfit || status != EXIT_OK ? status : fail("%s: no directory in it has classes to tell apart", parent);
}

static void cancel(void *context)
{
	atomic_store((atomic_bool *)context, true);
}

/* Where what is found could not be written down, nothing is looked for. */
static int open_catalog(const struct find_settings *settings, struct catalog **ret_catalog)
{
	struct ic_why why = {""};
	int status = open_search_catalog(settings->catalog, false, ret_catalog);

	if (status != EXIT_OK || settings->is_dry || !catalog_check_writable(*ret_catalog, &why))
		return status;
	catalog_close(*ret_catalog);
	return fail("%s", why.text);
}

static int find_until_interrupted(struct find_settings *settings, const char *directory)
{
	atomic_bool cancelled = false;
	struct find find = {.settings = settings, .cancelled = &cancelled};
	struct interrupt *interrupt;
	bool is_fit;

	if (interrupt_new(cancel, &cancelled, &interrupt))
		return fail("out of memory");
	int status = open_catalog(settings, &find.catalog);
	if (status == EXIT_OK) {
		status = settings->per_directory ? find_in_each(&find, directory) : find_in(&find, directory, &is_fit);
		catalog_close(find.catalog);
	}
	int number = interrupt_free(interrupt);
	if (number && status != EXIT_OK)
		interrupt_pass_on(number);
	return status;
}

int search_find(int argc, char **argv)
{
	struct find_settings settings;
	const char *directory;
	int status = find_settings_parse(argc, argv, &settings, &directory);

	if (status == GO_ON)
		status = find_until_interrupted(&settings, directory);
	find_settings_clear(&settings);
	return status;
}
