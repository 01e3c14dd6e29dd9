/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"
#include "src/options.h"
#include "src/report.h"
#include "src/search_cli.h"

#include "search/dataset.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct report_settings {
	const char *catalog, *dataset, *output, *baselines, *photograph;
};

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct report_settings *)settings)->catalog = value;
	return 0;
}

static errint_t apply_dataset(void *settings, const char *value, struct ic_why *why)
{
	((struct report_settings *)settings)->dataset = value;
	return 0;
}

static errint_t apply_output(void *settings, const char *value, struct ic_why *why)
{
	((struct report_settings *)settings)->output = value;
	return 0;
}

static errint_t apply_baselines(void *settings, const char *value, struct ic_why *why)
{
	((struct report_settings *)settings)->baselines = value;
	return 0;
}

static errint_t apply_photograph(void *settings, const char *value, struct ic_why *why)
{
	((struct report_settings *)settings)->photograph = value;
	return 0;
}

static const struct option_entry report_options[] = {
        {'b', "baselines", "FILE", "what to compare with (from scripts/baselines)", apply_baselines},
        {'c', "catalog", "FILE", "the catalog (default as for icfs mount)", apply_catalog},
        {'d', "dataset", "DIR", "where the dataset is now (default: where it was)", apply_dataset},
        {'o', "output", "FILE", "where to (default: standard output)", apply_output},
        {'p', "photograph", "FILE", "show this JPEG, by its path below the dataset", apply_photograph},
        {.name = NULL},
};

static const struct command_line report_line = {
        .command = "report",
        .operands = "RUN",
        .about = "Write what a search found as one HTML file: accuracy against time and space, what was chosen and "
                 "why. It "
                 "needs no network and no other file. 'icfs search status' lists the runs.",
        .options = report_options,
        .note = "The dataset is looked at for the sizes of its images, and for a photograph to show. Where it is not "
                "there, or is another one now, the report has what the catalog alone knows, and says so.",
        .examples = "  icfs report --output report.html 1\n"
                    "  icfs report --baselines baselines.csv --output report.html 1\n",
        .min_operands = 1,
        .max_operands = 1,
};

/* The dataset of the run, or NULL: whoever runs this was told why. One that was named must be it. */
static int find_dataset(const struct run *run, const char *named, struct dataset **ret_dataset)
{
	const char *directory = named ? named : run->directory;
	struct dataset *dataset = NULL;
	struct ic_why why = {""};
	errint_t err = dataset_open(directory, NULL, &dataset, &why);

	if (!err && strcmp(dataset->fingerprint, run->dataset)) {
		dataset_free(dataset);
		dataset = NULL;
		err = ic_fail(&why, -ESTALE, "%.150s: is not the dataset of run %" PRId64 ", or not any more",
		              directory, run->id);
	}
	*ret_dataset = dataset;
	if (!err)
		return EXIT_OK;
	if (named)
		return fail("%s", why.text);
	warn("%s; the report does without the costs of most designs (--dataset says where it is now)", why.text);
	return EXIT_OK;
}

static int write_report(const struct report *report, const char *path)
{
	struct output *output;

	if (output_open(path, &output))
		return EXIT_FAILED;
	errint_t err = put_report(output_stream(output), report);
	if (err) {
		output_abandon(output);
		return fail("%s: cannot be written: %s", output_name(path), explain(err));
	}
	return output_commit(output);
}

/* Those of the file, or NULL where none is named. */
static int find_baselines(const char *path, struct baselines **ret_baselines)
{
	struct ic_why why = {""};

	if (path && baselines_read(path, ret_baselines, &why))
		return fail("%s: %s", path, why.text);
	return EXIT_OK;
}

/* A photograph that was named must be there. */
static int find_photograph(const struct dataset *dataset, const char *named, struct report *report,
                           struct photograph **ret_photograph, struct ic_why *why)
{
	errint_t err = dataset ? photograph_choose(dataset, named, report->findings, ret_photograph, why)
	                       : ic_fail(why, -ENOENT, "the dataset is not at hand");

	report->photograph = *ret_photograph;
	report->no_photograph = why->text;
	return err == -ENOMEM || (err && named) ? fail("the photograph cannot be shown: %s", why->text) : EXIT_OK;
}

static int report_findings(const struct findings *findings, const struct dataset *dataset,
                           const struct baselines *baselines, const struct report_settings *settings)
{
	struct report report = {
	        .findings = findings, .nimages = dataset ? dataset->nimages : 0, .baselines = baselines};
	struct photograph *photograph = NULL;
	struct ic_why why = {""};
	int status = find_photograph(dataset, settings->photograph, &report, &photograph, &why);

	if (status == EXIT_OK)
		status = write_report(&report, settings->output ? settings->output : "-");
	photograph_free(photograph);
	return status;
}

static int report_run(struct catalog *catalog, int64_t id, const struct baselines *baselines,
                      const struct report_settings *settings)
{
	struct findings *findings = NULL;
	struct dataset *dataset = NULL;
	struct ic_why why = {""};
	struct run *run;
	size_t n;

	if (run_list(catalog, id, &run, &n, &why))
		return fail("%s", why.text);
	int status = find_dataset(run, settings->dataset, &dataset);
	free(run);
	if (status != EXIT_OK)
		return status;
	if (findings_read(catalog, id, dataset ? dataset->shapes : NULL, dataset ? dataset->nshapes : 0, &findings,
	                  &why))
		status = fail("run %" PRId64 " cannot be reported: %s", id, why.text);
	else
		status = report_findings(findings, dataset, baselines, settings);
	findings_free(findings);
	dataset_free(dataset);
	return status;
}

static int run_report(int argc, char **argv)
{
	struct report_settings settings = {0};
	struct baselines *baselines = NULL;
	struct catalog *catalog;
	struct ic_why why = {""};
	uint64_t id = 0;
	int first, status = parse_command_line(&report_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	if (parse_number(argv[first], 1, INT64_MAX, &id, &why))
		return fail_usage("report", "%s", why.text);
	status = find_baselines(settings.baselines, &baselines);
	if (status == EXIT_OK)
		status = open_search_catalog(settings.catalog, true, &catalog);
	if (status == EXIT_OK) {
		status = report_run(catalog, (int64_t)id, baselines, &settings);
		catalog_close(catalog);
	}
	baselines_free(baselines);
	return status;
}

const struct command cmd_report = {"report", "write what a search found as an HTML page", run_report};
