/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"
#include "src/search_cli.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} actions[] = {
        {"status", search_status}, {"history", search_history}, {"show", search_show}, {"frontier", search_frontier},
        {"export", search_export}, {"merge", search_merge},     {"pin", search_pin},   {"rollback", search_rollback},
};

int open_search_catalog(const char *path, bool is_needed, struct catalog **ret_catalog)
{
	struct ic_why why = {""};
	char *place = NULL;
	errint_t err = path ? 0 : catalog_default_path(&place, &why);

	if (!err && is_needed && access(path ? path : place, F_OK))
		err = ic_fail(&why, -errno, "%.150s: no catalog: %s", path ? path : place, strerror(errno));
	if (!err)
		err = catalog_open(path ? path : place, ret_catalog, &why);
	free(place);
	return err ? fail("%s", why.text) : EXIT_OK;
}

int check_named_catalog(const char *path)
{
	struct catalog *catalog;
	int status = path ? open_search_catalog(path, true, &catalog) : EXIT_OK;

	if (path && status == EXIT_OK)
		catalog_close(catalog);
	return status;
}

const char *percent(double share, char out[PERCENT_SIZE])
{
	if (isfinite(share) && fabs(share) < 1e6)
		snprintf(out, PERCENT_SIZE, "%.2f %%", 100 * share);
	else
		strcpy(out, "-");
	return out;
}

const char *date(int64_t when_s, char out[DATE_SIZE])
{
	time_t when = (time_t)when_s;
	struct tm tm;

	if (!when_s || !gmtime_r(&when, &tm) || !strftime(out, DATE_SIZE, "%Y-%m-%d %H:%M", &tm))
		strcpy(out, "-");
	return out;
}

static int run_search(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(actions) / sizeof(*actions); i++)
		if (!strcmp(argv[1], actions[i].name))
			return actions[i].run(argc - 1, argv + 1);
	return search_find(argc, argv);
}

const struct command cmd_search = {"search", "find the design to serve a dataset in", run_search};
