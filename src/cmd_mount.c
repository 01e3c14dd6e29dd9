/* SPDX-License-Identifier: MIT */
#include "src/background.h"
#include "src/icfs.h"
#include "src/mount_options.h"
#include "src/labels.h"
#include "src/options.h"
#include "search/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct mount_line {
	struct mount_options options;
	bool foreground;
};

static errint_t apply_options(void *settings, const char *value, struct ic_why *why)
{
	struct mount_line *line = settings;

	return mount_options_parse(&line->options, value, why);
}

static errint_t apply_foreground(void *settings, const char *value, struct ic_why *why)
{
	struct mount_line *line = settings;

	line->foreground = true;
	return 0;
}

static errint_t apply_debug(void *settings, const char *value, struct ic_why *why)
{
	struct mount_line *line = settings;

	line->foreground = true;
	line->options.settings.debug = true;
	return 0;
}

static const struct option_entry mount_entries[] = {
        {'o', "options", "LIST", "options from the list below, comma separated", apply_options},
        {'f', "foreground", NULL, "stay in the foreground", apply_foreground},
        {'d', "debug", NULL, "stay there and print every request", apply_debug},
        {.name = NULL},
};

static void print_hint(const char *what, const char *mountpoint, const char *below)
{
	char word[PATH_MAX + 20];

	snprintf(word, sizeof(word), "%s%s", mountpoint, below);
	printf("  %s ", what);
	shell_put_word(stdout, word);
	putchar('\n');
}

static void print_hints(const struct mount_settings *settings)
{
	char *path = realpath(settings->mountpoint, NULL);
	const char *at = path ? path : settings->mountpoint;

	printf("%s is served on %s\n", settings->source, at);
	print_hint("what is served, and why   cat", at, "/.icfs/policy");
	print_hint("the designs in use        ls", at, "/.icfs/view");
	print_hint("what one file is          getfattr --only-values -n user.icfs", at, "/FILE");
	print_hint("unmount                   fusermount3 -u", at, "");
	fflush(stdout);
	free(path);
}

/* Where the mount's log is not seen here. By the absolute path, since the working directory may be what is mounted over. */
static void print_problems(const struct mount_settings *settings)
{
	static const char mark[] = "problem: ";
	char *path = realpath(settings->mountpoint, NULL), *name = NULL, *line = NULL;
	size_t size = 0;
	FILE *policy = !path || asprintf(&name, "%s/.icfs/policy", path) < 0 ? NULL : fopen(name, "re");

	while (policy && getline(&line, &size, policy) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (!strncmp(line, mark, strlen(mark)))
			warn("%s", line + strlen(mark));
	}
	if (policy)
		fclose(policy);
	free(line);
	free(name);
	free(path);
}

/* What is to be done once the mount serves. */
struct start {
	const struct mount_settings *settings;
	struct background *background; /* NULL in the foreground */
};

static void ready(void *context)
{
	struct start *start = context;

	if (start->background)
		background_ready(start->background);
	else
		print_hints(start->settings);
}

/* In the process that serves. */
static errint_t serve(struct mount_line *line, struct background *background, struct ic_why *why)
{
	struct mount_settings *settings = &line->options.settings;
	struct start start = {.settings = settings, .background = background};
	const char *target = line->options.log_target;
	struct log *log;

	if (!target)
		target = background ? "syslog" : "stderr";
	errint_t err = log_new(target, line->options.log_level, &log, why);
	if (err)
		return err;
	settings->ready = ready;
	settings->ready_context = &start;
	err = mount_run(settings, log, why);
	log_free(log);
	return err;
}

static int run_foreground(struct mount_line *line)
{
	struct ic_why why = {""};

	return serve(line, NULL, &why) ? fail("%s", why.text) : EXIT_OK;
}

static int run_background(struct mount_line *line)
{
	struct background *background;
	struct ic_why why = {""};
	errint_t err = background_start(&background, &why);

	if (err)
		return fail("%s", why.text);
	if (!background) {
		print_hints(&line->options.settings);
		if (!line->options.log_target || strcmp(line->options.log_target, "stderr"))
			print_problems(&line->options.settings);
		return EXIT_OK;
	}
	err = serve(line, background, &why);
	background_end(background, err, &why);
	return err ? EXIT_FAILED : EXIT_OK;
}

static int run_mount(int argc, char **argv)
{
	struct mount_line line = {.options = mount_options_default()};
	char *help = mount_options_help(), *list = NULL;
	int first, status;

	if (!help || asprintf(&list,
	                      "  icfs mount photos mnt\n"
	                      "  icfs mount -o design=s2x2-b8-k6-q8,cache=1G photos mnt\n"
	                      "  icfs mount -o face=jpeg,design=s2x2-b8-k6-q8 photos mnt    for any program\n"
	                      "\nOptions for -o:\n%s",
	                      help) < 0)
		return fail("%s", strerror(ENOMEM));
	struct command_line mount_line = {
	        .command = "mount",
	        .operands = "SOURCE MOUNTPOINT",
	        .about = "Serve the directory SOURCE on MOUNTPOINT, which may be SOURCE itself: each JPEG as an .ic "
	                 "file, or under its own name as a JPEG or BMP, laid out as the policy of its directory says, "
	                 "everything else as it is. Nothing is written. The command returns when the mount serves.",
	        .options = mount_entries,
	        .note = LABELS_NOTE ".",
	        .examples = list,
	        .min_operands = 2,
	        .max_operands = 2,
	};
	status = parse_command_line(&mount_line, argc, argv, &line, &first);
	if (status == GO_ON) {
		line.options.settings.source = argv[first];
		line.options.settings.mountpoint = argv[first + 1];
		if (line.options.settings.store.nbytes_max && !line.options.settings.store.directory)
			status = fail_usage("mount", "-o store_size= bounds a store: expected -o store=DIR");
		else
			status = line.foreground ? run_foreground(&line) : run_background(&line);
	}
	mount_options_clear(&line.options);
	free(help);
	free(list);
	return status;
}

const struct command cmd_mount = {"mount", "serve a directory of JPEGs as a task needs them", run_mount};
