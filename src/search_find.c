/* SPDX-License-Identifier: MIT */
/* icfs search DATASET */
#include "src/icfs.h"
#include "src/interrupt.h"
#include "src/options.h"
#include "src/search_cli.h"
#include "src/search_trees.h"

#include "fs/policy.h"
#include "search/command.h"
#include "search/probe.h"
#include "search/search.h"
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

static const struct evaluator *const evaluators[] = {&probe_evaluator, &command_evaluator};

#define NEVALUATORS (sizeof(evaluators) / sizeof(*evaluators))
#define OPTIONS_MAX 64
#define NWAITED 256 /* evaluations on a cluster that are waited for at once */

struct find_settings {
	const char *catalog;
	const struct evaluator *evaluator;
	struct evaluator_option options[OPTIONS_MAX]; /* the evaluator's; names are malloc'ed */
	size_t noptions;
	struct search_settings search;
	uint64_t buckets; /* 0: not said */
	uint64_t threads;
	bool is_dry, per_directory;
	const char *work; /* NULL: beside the catalog */
	bool is_on_cluster, says_jobs;
	char at_once[16]; /* --jobs, for a cluster */
};

/* One dataset under search. */
struct finding {
	const struct find_settings *settings;
	struct search_bar *bar; /* may be NULL */
	struct catalog *catalog;
	const atomic_bool *cancelled;
	bool is_quiet_if_unfit; /* one of many: what cannot be judged is left out */
};

/* --- The command line --------------------------------------------------------------------------------------------- */

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->catalog = value;
	return 0;
}

static errint_t apply_max_loss(void *settings, const char *value, struct ic_why *why)
{
	return aim_set(&((struct find_settings *)settings)->search.aim, "max-loss", value, why);
}

static errint_t apply_max_time(void *settings, const char *value, struct ic_why *why)
{
	return aim_set(&((struct find_settings *)settings)->search.aim, "max-time", value, why);
}

static errint_t apply_max_bytes(void *settings, const char *value, struct ic_why *why)
{
	return aim_set(&((struct find_settings *)settings)->search.aim, "max-bytes", value, why);
}

static errint_t apply_objective(void *settings, const char *value, struct ic_why *why)
{
	return aim_set(&((struct find_settings *)settings)->search.aim, "objective", value, why);
}

static errint_t apply_evaluations(void *settings, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 4, IC_DESIGN_COUNT, &n, why);

	if (!err)
		((struct find_settings *)settings)->search.nevaluations = (unsigned)n;
	return err;
}

static errint_t apply_buckets(void *settings, const char *value, struct ic_why *why)
{
	return parse_number(value, 3, IC_DESIGN_COUNT, &((struct find_settings *)settings)->buckets, why);
}

static errint_t apply_seed(void *settings, const char *value, struct ic_why *why)
{
	return parse_number(value, 0, INT64_MAX, &((struct find_settings *)settings)->search.seed, why);
}

static errint_t apply_threads(void *settings, const char *value, struct ic_why *why)
{
	return parse_number(value, 1, 1024, &((struct find_settings *)settings)->threads, why);
}

static errint_t apply_jobs(void *settings, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 1, 256, &n, why);

	if (!err) {
		((struct find_settings *)settings)->search.njobs = (unsigned)n;
		((struct find_settings *)settings)->says_jobs = true;
	}
	return err;
}

static errint_t apply_model(void *settings, const char *value, struct ic_why *why)
{
	struct search_settings *search = &((struct find_settings *)settings)->search;

	if (strcmp(value, "monotone") && strcmp(value, "along-cost"))
		return ic_fail(why, -EINVAL, "unknown model '%.32s'; known: monotone, along-cost", value);
	search->model = *value == 'm' ? ESTIMATE_MONOTONE : ESTIMATE_ALONG_COST;
	return 0;
}

static errint_t apply_evaluator(void *settings, const char *value, struct ic_why *why)
{
	for (size_t i = 0; i < NEVALUATORS; i++) {
		if (strcmp(value, evaluators[i]->name))
			continue;
		((struct find_settings *)settings)->evaluator = evaluators[i];
		return 0;
	}
	return ic_fail(why, -EINVAL, "unknown evaluator '%.32s'; known: %s, %s", value, evaluators[0]->name,
	               evaluators[1]->name);
}

static errint_t add_option(struct find_settings *settings, char *name, const char *value, struct ic_why *why)
{
	if (name && settings->noptions < OPTIONS_MAX) {
		settings->options[settings->noptions++] = (struct evaluator_option){name, value};
		return 0;
	}
	free(name);
	return name ? ic_fail(why, -EINVAL, "more than %d settings", OPTIONS_MAX)
	            : ic_fail(why, -ENOMEM, "out of memory");
}

static errint_t apply_command(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->evaluator = &command_evaluator;
	return add_option(settings, strdup("command"), value, why);
}

static errint_t apply_executor(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->is_on_cluster = !strcmp(value, "slurm");
	return add_option(settings, strdup("executor"), value, why);
}

static errint_t apply_slurm(void *settings, const char *value, struct ic_why *why)
{
	return add_option(settings, strdup("slurm"), value, why);
}

static errint_t apply_work(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->work = value;
	return 0;
}

static errint_t apply_keep(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->search.keeps_checkpoints = true;
	return 0;
}

static errint_t apply_set(void *settings, const char *value, struct ic_why *why)
{
	const char *equals = strchr(value, '=');

	if (!equals || equals == value)
		return ic_fail(why, -EINVAL, "'%.40s' is not of the form NAME=VALUE", value);
	return add_option(settings, strndup(value, (size_t)(equals - value)), equals + 1, why);
}

static errint_t apply_dry(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->is_dry = true;
	return 0;
}

static errint_t apply_per_directory(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->per_directory = true;
	return 0;
}

static const struct option_entry find_options[] = {
        {'l', "max-loss", "LOSS", "accuracy that may be lost: 0.5%, 0.005", apply_max_loss},
        {'t', "max-time", "TIME", "an image may take: 2ms, or 12% of the default's", apply_max_time},
        {'b', "max-bytes", "SIZE", "an image may take: 20K, or 12% of the default's", apply_max_bytes},
        {'m', "objective", "WHAT", "time, training, space, accuracy, or weights of them", apply_objective},
        {'n', "evaluations", "N", "designs to evaluate in all (default 150)", apply_evaluations},
        {0, "buckets", "N", "of them before anything is known (default 3/5)", apply_buckets},
        {'p', "per-directory", NULL, "search each directory in DATASET by itself", apply_per_directory},
        {0, "dry-run", NULL, "print the plan and what it costs, and do nothing", apply_dry},
        {'c', "catalog", "FILE", "the catalog (default as for icfs mount)", apply_catalog},
        {'e', "evaluator", "NAME", "what judges designs: probe (default), command", apply_evaluator},
        {'x', "command", "LINE", "the evaluator command: this trains and judges", apply_command},
        {0, "executor", "WHERE", "it runs: local (default), or slurm", apply_executor},
        {0, "slurm", "OPTION=VALUE", "for sbatch: partition=long; may be repeated", apply_slurm},
        {0, "work", "DIR", "its logs and weights (default beside the catalog)", apply_work},
        {'k', "keep-weights", NULL, "do not remove what {save} was for", apply_keep},
        {0, "set", "NAME=VALUE", "a setting of the evaluator; may be repeated", apply_set},
        {0, "seed", "N", "of all that is random (default 1)", apply_seed},
        {0, "model", "NAME", "monotone (default), or along-cost, to compare with", apply_model},
        {'j', "threads", "N", "of one evaluation (default: one a CPU)", apply_threads},
        {0, "jobs", "N", "evaluations at once, if the evaluator can (default 1)", apply_jobs},
        {.name = NULL},
};

static const struct command_line find_line = {
        .command = "search",
        .operands = "DATASET",
        .about = "Find the design, of 4,104, to serve the directory DATASET in: train and judge on some 150 of them, "
                 "model "
                 "the others, and remember the choice in the catalog, where mounts with design = auto find it within a "
                 "second. Ctrl-C stops it; the same command goes on.",
        .options = find_options,
        .note = "Without limits, half a point of accuracy may be lost, for the least time. Shares and losses are "
                "against "
                "s1x1-b8-k15-q8. Also: icfs search status, history [DIR], show RUN, frontier [RUN], export, merge "
                "OTHER, "
                "pin DESIGN DIR, rollback DIR; each has --help. A dataset of such a name is ./status. A setting of the "
                "probe: "
                "images=N, of which it takes at most so many (default 20000). In LINE, {data} is the tree under a "
                "design, {design}, {seed}, {threads}, {result}, {init} and {save} what their names say; it prints "
                "accuracy=NUMBER. Its settings: metric, better, face, timeout, tries, log, tag.",
        .examples = "  icfs search --max-loss 0.5% ~/dataset\n"
                    "  icfs search --max-bytes 12% --per-directory ~/datasets\n"
                    "  icfs search --command 'train.py {data} --seed {seed}' ~/dataset\n",
        .min_operands = 1,
        .max_operands = 1,
};

/* --- Hooks -------------------------------------------------------------------------------------------------------- */

static void tell_evaluations(void *context, const struct search_progress *progress)
{
	search_bar_evaluations(((struct finding *)context)->bar, progress);
}

static void tell_doing(void *context, const char *doing, uint64_t done, uint64_t total)
{
	search_bar_doing(((struct finding *)context)->bar, doing, done, total);
}

static void tell_waiting(void *context, const char *why)
{
	warn("%s; waiting for it, since a measurement is to be written", why);
}

/* --- What came of it ---------------------------------------------------------------------------------------------- */

static void put_costs(const struct cost_model *costs)
{
	char percents[PERCENT_SIZE];

	printf("  times are off by %s on designs that they were not fitted to\n",
	       percent(costs->held_out_error, percents));
}

static void put_outcome(const struct search_outcome *outcome)
{
	const struct choice *choice = &outcome->choice;
	char design[IC_DESIGN_STRING_SIZE], a[PERCENT_SIZE], b[PERCENT_SIZE], c[PERCENT_SIZE];

	printf("run %" PRId64 ": %" PRIu64 " evaluations made, %" PRIu64 " known before, %" PRIu64
	       " without a result\n",
	       outcome->run, outcome->nevaluated, outcome->nreused, outcome->nfailed);
	ic_design_print(&choice->design, design);
	put_text(stdout, choice->directory);
	printf(": %s%s\n", outcome->has_choice ? "" : "nothing is within the limits; the nearest is ", design);
	printf("  accuracy %s measured, %s +- %s predicted by the others; %s without loss\n",
	       percent(choice->verified, a), percent(choice->predicted, b), percent(choice->uncertainty, c),
	       percent(outcome->reference_accuracy, (char[PERCENT_SIZE]){0}));
	printf("  %.0f bytes an image, %s of the default's\n", choice->nbytes,
	       percent(choice->nbytes / outcome->reference_cost.nbytes, a));
	printf("  %.4f ms an image, %s of the default's\n", 1e3 * choice->infer_s,
	       percent(choice->infer_s / outcome->reference_cost.infer_s, a));
	printf("  the model is off by %s on evaluations that it did not see; rank correlation %.3f, noise %s\n",
	       percent(outcome->error, a), outcome->rank_correlation, percent(outcome->noise, b));
	put_costs(&outcome->costs);
	printf("  icfs search frontier %" PRId64 " lists the others\n", outcome->run);
}

static void put_plan(const struct planned *plan, size_t n, const struct cost_model *costs, unsigned nevaluations,
                     const struct evaluator_description *description)
{
	char design[IC_DESIGN_STRING_SIZE];
	size_t nknown = 0;

	for (size_t i = 0; i < n; i++) {
		ic_design_print(&plan[i].design, design);
		printf("%4zu %s", i, design);
		if (plan[i].parent >= 0)
			printf(" after %d", plan[i].parent);
		puts(plan[i].is_done ? ", known" : "");
		nknown += plan[i].is_done;
	}
	printf("%zu evaluations are planned, %zu of them known; up to %u follow from their results\n", n, nknown,
	       nevaluations - (unsigned)n);
	put_costs(costs);
	printf("by %s, on %" PRIu64 " images to train and %" PRIu64 " to judge", description->identity,
	       description->ntrain, description->nselect);
	if (description->evaluation_s > 0)
		printf("; about %.0f s in all", description->evaluation_s * (double)(nevaluations - nknown));
	putchar('\n');
}

/* --- Searching ---------------------------------------------------------------------------------------------------- */

static int fail_search(struct finding *finding, errint_t err, const struct ic_why *why)
{
	search_bar_free(finding->bar);
	finding->bar = NULL;
	if (err == -ECANCELED)
		return fail("stopped; what was measured is kept, and the same command goes on");
	return fail("%s", why->text[0] ? why->text : strerror(-err));
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

static int search(struct finding *finding, struct subject *subject, const struct aim *aim, const char *work)
{
	struct search_settings settings = finding->settings->search;
	struct search_outcome outcome;
	struct planned *plan;
	struct cost_model costs;
	struct ic_why why = {""};
	size_t n;

	errint_t err;

	subject_apply(subject, &settings);
	settings.aim = *aim;
	settings.progress = tell_evaluations;
	settings.waiting = tell_waiting;
	settings.context = finding;
	settings.checkpoints = work;
	if (finding->settings->is_dry)
		err = search_plan(&settings, &plan, &n, &costs, &why);
	else
		err = search_run(&settings, &outcome, &why);
	if (err)
		return fail_search(finding, err, &why);
	search_bar_free(finding->bar);
	finding->bar = NULL;
	if (finding->settings->is_dry) {
		struct evaluator_description description = subject_description(subject);
		put_plan(plan, n, &costs, settings.nevaluations, &description);
		free(plan);
		return EXIT_OK;
	}
	put_outcome(&outcome);
	search_outcome_clear(&outcome);
	return outcome.has_choice ? EXIT_OK : EXIT_FAILED;
}

/* What cannot be judged is no failure where it is one of many. */
static int give_up(struct finding *finding, errint_t err, const struct ic_why *why)
{
	if (err != -ENODATA || !finding->is_quiet_if_unfit)
		return fail_search(finding, err, why);
	search_bar_free(finding->bar);
	finding->bar = NULL;
	return EXIT_OK;
}

/* `directory` is canonical; `ret_is_fit` is false where the evaluator cannot judge it at all. */
static int find_in_canonical(struct finding *finding, const char *directory, bool *ret_is_fit)
{
	const struct find_settings *settings = finding->settings;
	struct subject_settings of = {
	        .catalog = finding->catalog,
	        .evaluator = settings->evaluator,
	        .directory = directory,
	        .options = settings->options,
	        .noptions = settings->noptions,
	        .threads = (unsigned)settings->threads,
	        .cancelled = finding->cancelled,
	        .doing = tell_doing,
	        .context = finding,
	};
	struct search_trees *trees = NULL;
	struct aim aim = settings->search.aim;
	struct subject *subject;
	struct ic_why why = {""};

	errint_t err = complete_aim(directory, &aim, &why);
	if (err)
		return fail("%s", why.text);
	finding->bar = search_bar_new();
	if (settings->evaluator == &command_evaluator)
		err = search_trees_new(directory, settings->catalog, settings->work, &trees, &why);
	if (trees) {
		of.trees = search_trees_table(trees);
		of.work = search_trees_work(trees);
	}
	if (!err)
		err = subject_open(&of, settings->search.seed, &subject, &why);
	*ret_is_fit = err != -ENODATA;
	int status = err ? give_up(finding, err, &why) : search(finding, subject, &aim, of.work);
	if (!err)
		subject_close(subject);
	search_trees_free(trees);
	return status;
}

static int find_in(struct finding *finding, const char *name, bool *ret_is_fit)
{
	char *directory = realpath(name, NULL);

	if (!directory)
		return fail("%s: %s", name, strerror(errno));
	int status = find_in_canonical(finding, directory, ret_is_fit);
	free(directory);
	return status;
}

static int is_directory(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Each directory in `parent` that can be judged. */
static int find_in_each(struct finding *finding, const char *parent)
{
	struct dirent **entries;
	char path[PATH_MAX];
	int status = EXIT_OK, n = scandir(parent, &entries, is_directory, alphasort), nfit = 0;

	if (n < 0)
		return fail("%s: %s", parent, strerror(errno));
	finding->is_quiet_if_unfit = true;
	for (int i = 0; i < n; i++) {
		struct stat st;
		bool is_fit = false;
		int length = snprintf(path, sizeof(path), "%s/%s", parent, entries[i]->d_name);
		free(entries[i]);
		if (length >= (int)sizeof(path) || stat(path, &st) || !S_ISDIR(st.st_mode) ||
		    atomic_load(finding->cancelled))
			continue;
		if (find_in(finding, path, &is_fit) != EXIT_OK)
			status = EXIT_FAILED;
		nfit += is_fit;
	}
	free(entries);
	return nfit || status != EXIT_OK ? status : fail("%s: no directory in it has classes to tell apart", parent);
}

static void cancel(void *context)
{
	atomic_store((atomic_bool *)context, true);
}

static int find(struct find_settings *settings, const char *directory)
{
	atomic_bool cancelled = false;
	struct finding finding = {.settings = settings, .cancelled = &cancelled};
	struct interrupt *interrupt;
	bool is_fit;

	if (interrupt_new(cancel, &cancelled, &interrupt))
		return fail("out of memory");
	int status = open_search_catalog(settings->catalog, false, &finding.catalog);
	if (status == EXIT_OK) {
		status = settings->per_directory ? find_in_each(&finding, directory)
		                                 : find_in(&finding, directory, &is_fit);
		catalog_close(finding.catalog);
	}
	int number = interrupt_free(interrupt);
	if (number && status != EXIT_OK)
		interrupt_pass_on(number);
	return status;
}

/* On a cluster --jobs is for Slurm to keep; here evaluations are only waited for. */
static int spread(struct find_settings *settings)
{
	struct ic_why why;
	errint_t err = 0;

	if (settings->says_jobs) {
		snprintf(settings->at_once, sizeof(settings->at_once), "%u", settings->search.njobs);
		err = add_option(settings, strdup("at-once"), settings->at_once, &why);
	}
	settings->search.njobs = NWAITED;
	return err ? fail("%s", why.text) : GO_ON;
}

int search_find(int argc, char **argv)
{
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct find_settings settings = {
	        .evaluator = evaluators[0],
	        .search = search_settings_default(),
	        .threads = ncpus > 0 ? (uint64_t)ncpus : 1,
	};
	int first, status = parse_command_line(&find_line, argc, argv, &settings, &first);

	if (status == GO_ON && settings.buckets + 1 > settings.search.nevaluations && settings.buckets)
		status = fail_usage("search", "--buckets is less than --evaluations, which counts what follows, too");
	if (status == GO_ON && settings.is_on_cluster)
		status = spread(&settings);
	if (status == GO_ON) {
		struct search_settings *search = &settings.search;
		search_settings_share(search, search->nevaluations);
		if (settings.buckets)
			search->nverify = search->nevaluations - (unsigned)settings.buckets;
		status = find(&settings, argv[first]);
	}
	for (size_t i = 0; i < settings.noptions; i++)
		free((char *)settings.options[i].name);
	return status;
}
