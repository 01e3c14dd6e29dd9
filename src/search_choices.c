/* SPDX-License-Identifier: MIT */
/* icfs search pin, icfs search rollback */
#include "src/icfs.h"
#include "src/options.h"
#include "src/search_cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct choices_settings {
	const char *catalog;
};

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct choices_settings *)settings)->catalog = value;
	return 0;
}

static const struct option_entry choices_options[] = {
        {'c', "catalog", "FILE", "the catalog (default as for icfs mount)", apply_catalog},
        {.name = NULL},
};

static const struct command_line pin_line = {
        .command = "search pin",
        .operands = "DESIGN DIR",
        .about = "Have 'auto' stand for DESIGN in the directory DIR and below, whatever searches choose, until it is "
                 "rolled "
                 "back. Mounts serve it within a second.",
        .options = choices_options,
        .min_operands = 2,
        .max_operands = 2,
};

static const struct command_line rollback_line = {
        .command = "search rollback",
        .operands = "DIR",
        .about = "Withdraw what is pinned or chosen for the directory DIR, so that the pin or choice before it is in "
                 "force "
                 "again, or none. Mounts serve it within a second.",
        .options = choices_options,
        .min_operands = 1,
        .max_operands = 1,
};

/* The canonical path of a directory, malloc'ed; NULL, and the user was told why. */
static char *directory_path(const char *name)
{
	char *path = realpath(name, NULL);
	struct stat st;

	if (path && !stat(path, &st) && !S_ISDIR(st.st_mode)) {
		free(path);
		path = NULL;
		errno = ENOTDIR;
	}
	if (!path)
		fail("%s: %s", name, strerror(errno));
	return path;
}

/* What is in force now. */
static int tell(struct catalog *catalog, const char *directory)
{
	char design[IC_DESIGN_STRING_SIZE], when[DATE_SIZE];
	struct choice *choices;
	struct ic_why why = {""};
	size_t n;

	if (choice_list(catalog, NULL, false, &choices, &n, &why))
		return fail("%s", why.text);
	const struct choice *choice = choice_find(choices, n, directory);
	put_text(stdout, directory);
	if (choice) {
		ic_design_print(&choice->design, design);
		printf(": %s, %s %s", design, choice->is_pin ? "pinned" : "chosen", date(choice->chosen_s, when));
		if (strcmp(choice->directory, directory)) {
			fputs(" for ", stdout);
			put_text(stdout, choice->directory);
		}
	} else {
		fputs(": nothing is chosen", stdout);
	}
	putchar('\n');
	free(choices);
	return EXIT_OK;
}

static int pin(struct catalog *catalog, const char *text, const char *directory)
{
	struct choice choice = {
	        .is_pin = true,
	        .reason = "pinned by hand",
	        .predicted = (double)NAN,
	        .uncertainty = (double)NAN,
	        .verified = (double)NAN,
	        .nbytes = (double)NAN,
	        .infer_s = (double)NAN,
	        .train_s = (double)NAN,
	};
	struct ic_why why = {""};
	int64_t id;

	if (ic_design_parse(text, &choice.design, &why))
		return fail_usage("search pin", "%s", why.text);
	if (strlen(directory) >= sizeof(choice.directory))
		return fail("%s: the path is too long", directory);
	strcpy(choice.directory, directory);
	return choice_put(catalog, &choice, &id, &why) ? fail("%s", why.text) : tell(catalog, directory);
}

int search_pin(int argc, char **argv)
{
	struct choices_settings settings = {NULL};
	struct catalog *catalog;
	int first, status = parse_command_line(&pin_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	char *directory = directory_path(argv[first + 1]);
	if (!directory)
		return EXIT_FAILED;
	status = open_search_catalog(settings.catalog, false, &catalog);
	if (status == EXIT_OK) {
		status = pin(catalog, argv[first], directory);
		catalog_close(catalog);
	}
	free(directory);
	return status;
}

int search_rollback(int argc, char **argv)
{
	struct choices_settings settings = {NULL};
	struct catalog *catalog;
	struct ic_why why = {""};
	int first, status = parse_command_line(&rollback_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	char *directory = directory_path(argv[first]);
	if (!directory)
		return EXIT_FAILED;
	status = open_search_catalog(settings.catalog, true, &catalog);
	if (status == EXIT_OK) {
		status = choice_withdraw(catalog, directory, &why) ? fail("%s", why.text) : tell(catalog, directory);
		catalog_close(catalog);
	}
	free(directory);
	return status;
}
