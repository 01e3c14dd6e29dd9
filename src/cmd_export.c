/* SPDX-License-Identifier: MIT */
#include "src/export.h"
#include "src/icfs.h"
#include "src/labels.h"
#include "src/options.h"
#include "src/search_cli.h"

#include "fs/descriptors.h"

#define THREADS_MAX 1024

/* Options begin with the limits: OPTION_LIMIT_. */
struct export_line {
	struct ic_limits limits;
	struct export_settings export;
};

static errint_t apply_design(void *settings, const char *value, struct ic_why *why)
{
	struct policy_rule *view = &((struct export_line *)settings)->export.walk.view;
	errint_t err = ic_design_parse(value, &view->design, why);

	view->has_design = !err;
	return err;
}

static errint_t apply_face(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_face(&((struct export_line *)settings)->export.walk.view, value, why);
}

static errint_t apply_metadata(void *settings, const char *value, struct ic_why *why)
{
	return policy_set_metadata(&((struct export_line *)settings)->export.walk.view, value, why);
}

static errint_t apply_policy(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.walk.policy_file = value;
	return 0;
}

static errint_t apply_dry(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.is_dry = true;
	return 0;
}

static errint_t apply_no_plan(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.is_unplanned = true;
	return 0;
}

static errint_t apply_follow(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.walk.follow = SOURCE_FOLLOW_ALL;
	return 0;
}

static errint_t apply_follow_files(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.walk.follow = SOURCE_FOLLOW_FILES;
	return 0;
}

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct export_line *)settings)->export.walk.catalog = value;
	return 0;
}

static errint_t apply_threads(void *settings, const char *value, struct ic_why *why)
{
	uint64_t n;
	errint_t err = parse_number(value, 1, THREADS_MAX, &n, why);

	if (!err)
		((struct export_line *)settings)->export.walk.threads = (unsigned)n;
	return err;
}

static errint_t apply_shard(void *settings, const char *value, struct ic_why *why)
{
	struct walk_settings *walk = &((struct export_line *)settings)->export.walk;

	return parse_part(value, &walk->part, &walk->nparts, why);
}

static const struct option_entry export_options[] = {
        {'d', "design", "DESIGN", "one design for all (default: as policies say)", apply_design},
        {'f', "face", "FACE", "ic, jpeg, bmp or orig (default: as policies say)", apply_face},
        {'m', "metadata", "WORD", "in JPEGs, keep or drop a source's own (default: as policies say)", apply_metadata},
        {'p', "policy", "FILE", "a policy file for the whole tree", apply_policy},
        {'c', "catalog", "FILE", "by its choices auto goes (default as for icfs mount)", apply_catalog},
        {'n', "dry-run", NULL, "say what there is to write, and write nothing", apply_dry},
        {0, "no-plan", NULL, "begin at once, without saying what there is to write", apply_no_plan},
        {'j', "threads", "N", "files made at once (default: one a CPU)", apply_threads},
        {0, "shard", "I/N", "write the I-th of N parts, for N machines", apply_shard},
        {0, "follow", NULL, "take what symbolic links to the outside lead to", apply_follow},
        {0, "follow-files", NULL, "of that, files alone and no directories", apply_follow_files},
        OPTION_LIMIT_PIXELS,
        OPTION_LIMIT_MEMORY,
        OPTION_LIMIT_SCANS,
        {.name = NULL},
};

static const struct command_line export_line = {
        .command = "export",
        .operands = "SOURCE DEST",
        .about = "Write the tree SOURCE to DEST as a mount would show it, as ordinary files: each JPEG or .ic file "
                 "under "
                 "its design and face, everything else (labels) as it is, with the times and permissions of SOURCE. "
                 "The same command goes on where an earlier one ended, however it did.",
        .options = export_options,
        .note = "DEST is new, empty, or an export of before; where files in it were made under another design, it is "
                "refused. A file that is there with its size and its source's time is not written again, but for JPEGs "
                "that are shown as they are. Policy files "
                "are not copied, since they are carried out. What was exported as .ic files can be mounted, under any "
                "face and any design of their sampling and block size with no more frequencies and bits. A file that "
                "cannot be made is told of, and the exit status is "
                "1. Each source is opened twice, the first time to say how much there is to write: --no-plan saves "
                "that "
                "where files are slow to open. " LABELS_NOTE ".",
        .examples = "  icfs export --design s2x2-b8-k6-q8 photos small\n"
                    "  icfs export -d s2x2-b8-k6-q8 -f jpeg photos small-jpeg    for any program\n"
                    "  icfs mount small mnt\n",
        .min_operands = 2,
        .max_operands = 2,
};

static int run_export(int argc, char **argv)
{
	struct export_line line = {.limits = ic_limits_default(), .export.walk = walk_settings_default()};
	int first, status = parse_command_line(&export_line, argc, argv, &line, &first);

	if (status != GO_ON)
		return status;
	status = check_named_catalog(line.export.walk.catalog);
	if (status != EXIT_OK)
		return status;
	if (line.export.is_dry && line.export.is_unplanned)
		return fail_usage("export", "--no-plan: a plan is all that --dry-run makes");
	line.export.walk.limits = line.limits;
	line.export.walk.source = argv[first];
	line.export.dest = argv[first + 1];
	descriptors_raise_limit();
	return export_tree(&line.export);
}

const struct command cmd_export = {"export", "write a directory as a mount would show it", run_export};
