/* SPDX-License-Identifier: MIT */
/* icfs search status, history, show and frontier: what the catalog has of searches. */
#include "src/icfs.h"
#include "src/options.h"
#include "src/search_cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct tell_settings {
	const char *catalog;
};

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct tell_settings *)settings)->catalog = value;
	return 0;
}

static const struct option_entry tell_options[] = {
        {'c', "catalog", "FILE", "the catalog (default as for icfs mount)", apply_catalog},
        {.name = NULL},
};

static const struct command_line status_line = {
        .command = "search status",
        .operands = "",
        .about = "List all searches: which ended, and how far the others are. One that is under way, or was stopped, "
                 "goes on "
                 "with the command that began it.",
        .options = tell_options,
};

static const struct command_line history_line = {
        .command = "search history",
        .operands = "[DIR]",
        .about = "List what was chosen and pinned, of DIR or of all directories; those in force first.",
        .options = tell_options,
        .max_operands = 1,
};

static const struct command_line show_line = {
        .command = "search show",
        .operands = "RUN",
        .about = "Show a search: its settings, its frozen costs, and each evaluation.",
        .options = tell_options,
        .min_operands = 1,
        .max_operands = 1,
};

static const struct command_line frontier_line = {
        .command = "search frontier",
        .operands = "[RUN]",
        .about = "List the designs that no other beats in bytes, time and estimated accuracy at once, of a search that "
                 "ended; without RUN, of the last one.",
        .options = tell_options,
        .max_operands = 1,
};

/* The parts that all of them have: parse, open the catalog, tell, close. */
static int with_catalog(const struct command_line *line, int argc, char **argv,
                        int (*tell)(struct catalog *catalog, const char *operand))
{
	struct tell_settings settings = {NULL};
	struct catalog *catalog;
	int first, status = parse_command_line(line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	status = open_search_catalog(settings.catalog, true, &catalog);
	if (status != EXIT_OK)
		return status;
	status = tell(catalog, first < argc ? argv[first] : NULL);
	catalog_close(catalog);
	return status;
}

static void put_run(const struct run *run)
{
	char when[DATE_SIZE];

	printf("run %" PRId64 "  %s  %" PRIu64 "/%" PRIu64 " evaluations, %s\n", run->id, date(run->started_s, when),
	       run->ndone, run->nplanned,
	       !run->ended_s    ? "not ended"
	       : run->nfrontier ? "ended"
	                        : "ended without a result");
	fputs("  of ", stdout);
	put_text(stdout, run->directory);
	fputs("\n  ", stdout);
	put_text(stdout, run->settings);
	fputs("\n  by ", stdout);
	put_text(stdout, run->evaluator);
	putchar('\n');
}

static int tell_status(struct catalog *catalog, const char *operand)
{
	struct ic_why why = {""};
	struct run *runs;
	size_t n;

	if (run_list(catalog, 0, &runs, &n, &why))
		return fail("%s", why.text);
	for (size_t i = 0; i < n; i++)
		put_run(&runs[i]);
	if (!n)
		puts("no searches");
	free(runs);
	return EXIT_OK;
}

static void put_choice(const struct choice *choice)
{
	char design[IC_DESIGN_STRING_SIZE], when[DATE_SIZE], percents[PERCENT_SIZE];

	ic_design_print(&choice->design, design);
	printf("  %-16s %s %s", design, choice->is_pin ? "pinned" : "chosen", date(choice->chosen_s, when));
	if (choice->run)
		printf(" by run %" PRId64, choice->run);
	if (isfinite(choice->verified))
		printf(", accuracy %s", percent(choice->verified, percents));
	if (choice->withdrawn_s)
		printf(", withdrawn %s", date(choice->withdrawn_s, when));
	putchar('\n');
	put_wrapped(stdout, 4, choice->reason);
}

static int tell_history(struct catalog *catalog, const char *operand)
{
	char *directory = operand ? realpath(operand, NULL) : NULL;
	struct ic_why why = {""};
	struct choice *choices;
	size_t n;
	int status = EXIT_OK;

	if (choice_list(catalog, operand && !directory ? operand : directory, true, &choices, &n, &why)) {
		status = fail("%s", why.text);
		n = 0;
		choices = NULL;
	} else if (!n) {
		puts("nothing was chosen");
	}
	for (size_t i = 0; i < n; i++) {
		if (!i || strcmp(choices[i].directory, choices[i - 1].directory)) {
			put_text(stdout, choices[i].directory);
			putchar('\n');
		}
		put_choice(&choices[i]);
	}
	free(choices);
	free(directory);
	return status;
}

static void put_number(int width, int places, double number)
{
	if (isfinite(number))
		printf(" %*.*f", width, places, number);
	else
		printf(" %*s", width, "-");
}

static void put_plan(const struct planned *plan, size_t n)
{
	char design[IC_DESIGN_STRING_SIZE], percents[PERCENT_SIZE];

	printf("%4s %5s %-16s %6s %9s  %9s %9s\n", "", "round", "design", "parent", "accuracy", "log-loss", "seconds");
	for (size_t i = 0; i < n; i++) {
		const struct measurement *m = &plan[i].measurement;
		ic_design_print(&plan[i].design, design);
		printf("%4zu %5u %-16s ", i, plan[i].round, design);
		if (plan[i].parent >= 0)
			printf("%6d ", plan[i].parent);
		else
			printf("%6s ", "-");
		if (!plan[i].is_done) {
			puts("not yet");
		} else if (m->is_failure) {
			fputs("no result: ", stdout);
			put_text(stdout, m->failure);
			putchar('\n');
		} else {
			printf("%9s ", percent(m->result.accuracy, percents));
			put_number(9, 4, m->result.log_loss);
			put_number(9, 3, m->result.wall_s);
			putchar('\n');
		}
	}
}

static int show(struct catalog *catalog, const struct run *run)
{
	struct run_parameter *parameters = NULL;
	struct planned *plan = NULL;
	struct ic_why why = {""};
	size_t nparameters, nplan;
	errint_t err = run_parameters(catalog, run->id, &parameters, &nparameters, &why);

	if (!err)
		err = run_plan(catalog, run->id, &plan, &nplan, &why);
	if (!err) {
		put_run(run);
		fputs("  on ", stdout);
		put_text(stdout, run->hardware);
		printf("\n  dataset %s, codec version %u\n\nfrozen:\n", run->dataset, run->codec);
		for (size_t i = 0; i < nparameters; i++) {
			fputs("  ", stdout);
			put_text(stdout, parameters[i].name);
			printf(" = %.9g\n", parameters[i].value);
		}
		putchar('\n');
		put_plan(plan, nplan);
	}
	free(parameters);
	free(plan);
	return err ? fail("%s", why.text) : EXIT_OK;
}

/* The run of that number; NULL: the last one that ended with a result. */
static int find_run(struct catalog *catalog, const char *number, struct run *ret_run)
{
	struct ic_why why = {""};
	struct run *runs, *last = NULL;
	uint64_t id = 0;
	size_t n;

	if (number && parse_number(number, 1, INT64_MAX, &id, &why))
		return fail_usage("search", "%s", why.text);
	if (run_list(catalog, (int64_t)id, &runs, &n, &why))
		return fail("%s", why.text);
	for (size_t i = 0; i < n; i++)
		if (id || runs[i].nfrontier)
			last = &runs[i];
	if (last)
		*ret_run = *last;
	free(runs);
	return last ? EXIT_OK : fail("no search has ended yet");
}

static int tell_show(struct catalog *catalog, const char *operand)
{
	struct run run;
	int status = find_run(catalog, operand, &run);

	return status == EXIT_OK ? show(catalog, &run) : status;
}

static int tell_frontier(struct catalog *catalog, const char *operand)
{
	char design[IC_DESIGN_STRING_SIZE], percents[PERCENT_SIZE];
	struct frontier_point *points;
	struct ic_why why = {""};
	struct run run;
	size_t n;
	int status = find_run(catalog, operand, &run);

	if (status != EXIT_OK)
		return status;
	if (run_frontier(catalog, run.id, &points, &n, &why))
		return fail("%s", why.text);
	printf("%-16s %10s %12s %12s %10s %8s %10s\n", "design", "bytes", "infer ms", "train ms", "estimated", "+-",
	       "measured");
	for (size_t i = 0; i < n; i++) {
		ic_design_print(&points[i].design, design);
		printf("%-16s %10.0f %12.4f %12.4f ", design, points[i].nbytes, 1e3 * points[i].infer_s,
		       1e3 * points[i].train_s);
		printf("%10s ", percent(points[i].predicted, percents));
		printf("%8s ", percent(points[i].uncertainty, percents));
		printf("%10s\n", percent(points[i].verified, percents));
	}
	free(points);
	return EXIT_OK;
}

int search_status(int argc, char **argv)
{
	return with_catalog(&status_line, argc, argv, tell_status);
}

int search_history(int argc, char **argv)
{
	return with_catalog(&history_line, argc, argv, tell_history);
}

int search_show(int argc, char **argv)
{
	return with_catalog(&show_line, argc, argv, tell_show);
}

int search_frontier(int argc, char **argv)
{
	return with_catalog(&frontier_line, argc, argv, tell_frontier);
}
