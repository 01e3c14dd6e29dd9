/* SPDX-License-Identifier: MIT */
/* The command line of `icfs search DATASET`. */
#include "src/search_options.h"

#include "src/icfs.h"
#include "src/labels.h"
#include "src/options.h"

#include "search/command.h"
#include "search/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct evaluator *const evaluators[] = {&probe_evaluator, &command_evaluator};

#define NEVALUATORS (sizeof(evaluators) / sizeof(*evaluators))
#define MEMORY_MIN ((uint64_t)128 << 20) /* as a mount that searches takes it */
#define NWAITED 256                      /* evaluations on a cluster that are waited for at once */

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

static errint_t apply_keep_proportions(void *settings, const char *value, struct ic_why *why)
{
	((struct find_settings *)settings)->search.aim.keeps_proportions = true;
	return 0;
}

static errint_t apply_evaluations(void *settings, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 4, IC_DESIGN_COUNT, &n, why);

	if (!err) {
		((struct find_settings *)settings)->search.nevaluations = (unsigned)n;
		((struct find_settings *)settings)->says_evaluations = true;
	}
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

static errint_t apply_memory(void *settings, const char *value, struct ic_why *why)
{
	return parse_size(value, MEMORY_MIN, INT64_MAX, &((struct find_settings *)settings)->memory_nbytes, why);
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

	for (enum estimate_model model = 0; model < ESTIMATE_NMODELS; model++) {
		if (strcmp(value, estimate_model_name(model)))
			continue;
		search->model = model;
		return 0;
	}
	return ic_fail(why, -EINVAL, "unknown model '%.32s'; known: monotone, along-cost", value);
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
	if (name && settings->noptions < FIND_OPTIONS_MAX) {
		settings->options[settings->noptions++] = (struct evaluator_option){name, value};
		return 0;
	}
	free(name);
	return name ? ic_fail(why, -EINVAL, "more than %d settings", FIND_OPTIONS_MAX)
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
        {0, "keep-proportions", NULL, "only s1x1, s2x2 and s4x4, for programs that crop", apply_keep_proportions},
        {'n', "evaluations", "N", "designs in all (default 150; 5/3 of --buckets over 90)", apply_evaluations},
        {0, "buckets", "N", "of them before accuracies are known (default 3/5)", apply_buckets},
        {'p', "per-directory", NULL, "search each directory in DATASET by itself", apply_per_directory},
        {0, "dry-run", NULL, "print the plan and what it costs, and evaluate nothing", apply_dry},
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
        {0, "memory", "SIZE", "for images of the probe (default 1G, at least 128M)", apply_memory},
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
                "accuracy=NUMBER. Its settings: metric, better, face, timeout, tries, log, tag. " LABELS_NOTE ".",
        .examples = "  icfs search --max-loss 0.5% ~/dataset\n"
                    "  icfs search --max-bytes 12% --per-directory ~/datasets\n"
                    "  icfs search --command 'train.py {data} --seed {seed}' ~/dataset\n",
        .min_operands = 1,
        .max_operands = 1,
};

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

/* Buckets that were asked for stay three fifths of a search, which grows with them. */
static void make_room(struct find_settings *settings)
{
	uint64_t n = (5 * settings->buckets + 2) / 3;

	if (settings->says_evaluations || n <= settings->search.nevaluations)
		return;
	settings->search.nevaluations = n < IC_DESIGN_COUNT ? (unsigned)n : IC_DESIGN_COUNT;
}

int find_settings_parse(int argc, char **argv, struct find_settings *ret_settings, const char **ret_directory)
{
	long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct search_settings *search = &ret_settings->search;
	int first;

	*ret_settings = (struct find_settings){
	        .evaluator = evaluators[0],
	        .search = search_settings_default(),
	        .threads = ncpus > 0 ? (uint64_t)ncpus : 1,
	};
	int status = parse_command_line(&find_line, argc, argv, ret_settings, &first);
	make_room(ret_settings);
	if (status == GO_ON && ret_settings->buckets + 1 > search->nevaluations && ret_settings->buckets)
		status = fail_usage("search", "--buckets is less than --evaluations, which counts what follows, too");
	for (size_t i = 0; status == GO_ON && i < ret_settings->noptions; i++) {
		const char *name = ret_settings->options[i].name;
		if (ret_settings->evaluator != &command_evaluator &&
		    (!strcmp(name, "slurm") || !strcmp(name, "executor")))
			status = fail_usage("search", "--%s is for programs: --command LINE is missing", name);
	}
	if (status == GO_ON && ret_settings->is_on_cluster)
		status = spread(ret_settings);
	if (status != GO_ON)
		return status;
	search_settings_share(search, search->nevaluations);
	if (ret_settings->buckets)
		search->nverify = search->nevaluations - (unsigned)ret_settings->buckets;
	*ret_directory = argv[first];
	return GO_ON;
}

void find_settings_clear(struct find_settings *settings)
{
	for (size_t i = 0; i < settings->noptions; i++)
		free((char *)settings->options[i].name);
}
