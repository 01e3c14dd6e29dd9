/* SPDX-License-Identifier: MIT */
#include "src/icfs.h"
#include "src/json.h"
#include "src/options.h"
#include "src/prometheus.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INTERVAL_MAX 86400 /* seconds */

struct stats_settings {
	uint64_t interval; /* seconds; 0: once */
	bool as_json;
};

static errint_t apply_every(void *settings, const char *value, struct ic_why *why)
{
	struct stats_settings *s = settings;

	return parse_number(value, 1, INTERVAL_MAX, &s->interval, why);
}

static errint_t apply_json(void *settings, const char *value, struct ic_why *why)
{
	struct stats_settings *s = settings;

	s->as_json = true;
	return 0;
}

static const struct option_entry stats_options[] = {
        {'e', "every", "SECONDS", "go on, and tell what came in each interval", apply_every},
        {'j', "json", NULL, "print a JSON object, one line a time", apply_json},
        {.name = NULL},
};

static const struct command_line stats_line = {
        .command = "stats",
        .operands = "MOUNT",
        .about = "Say what a mount has done since it began: requests, objects found and made, bytes, time, failures. "
                 "MOUNT is a mount point or any directory below it.",
        .options = stats_options,
        .note = "The same numbers are in MOUNT/.icfs/stats, as Prometheus text.",
        .min_operands = 1,
        .max_operands = 1,
};

/* "12.3 MB" where the unit is bytes, "1.234 s" where it is seconds. */
static void format_value(const struct metric *metric, double value, char out[static 32])
{
	static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
	size_t unit = 0;

	if (metric->unit == METRIC_SECONDS) {
		snprintf(out, 32, "%.3f s", value);
	} else if (metric->unit == METRIC_BYTES) {
		for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(*units); unit++)
			value /= 1000;
		snprintf(out, 32, "%.*f %s", unit ? 1 : 0, value, units[unit]);
	} else {
		snprintf(out, 32, "%.0f", value);
	}
}

static void print_words(const struct metrics *metrics, const struct metrics *before)
{
	for (size_t i = 0; i < metrics->n; i++) {
		const struct metric *metric = &metrics->all[i];
		double value = metric->value - (before && metric->is_counter ? metrics_value(before, metric) : 0);
		char text[32];

		if (before && value == 0)
			continue;
		format_value(metric, value, text);
		printf("%14s  ", text);
		put_text(stdout, metric->help);
		if (metric->label[0]) {
			fputs(" ", stdout);
			put_text(stdout, metric->label);
		}
		putchar('\n');
	}
}

static void print_json(const struct metrics *metrics, const struct metrics *before)
{
	for (size_t i = 0; i < metrics->n; i++) {
		const struct metric *metric = &metrics->all[i];
		double value = metric->value - (before && metric->is_counter ? metrics_value(before, metric) : 0);

		fputs(i ? ", " : "{", stdout);
		put_json_string(stdout, metric->name);
		printf(": %.17g", value);
	}
	puts(metrics->n ? "}" : "{}");
}

/* The text of the mount that `path` is in. Every lookup of it makes it anew. */
static int read_metrics(const char *path, struct metrics *ret_metrics)
{
	char *file, *text = NULL;
	size_t size = 0;

	if (asprintf(&file, "%s/.icfs/stats", path) < 0)
		return fail("out of memory");
	FILE *in = fopen(file, "re");
	int error = errno;
	free(file);
	if (!in && (error == ENOENT || error == ENOTDIR))
		return fail("%s: is not a directory in a mount of icfs", path);
	if (!in)
		return fail("%s: its counts cannot be read: %s", path, strerror(error));
	ssize_t nbytes = getdelim(&text, &size, '\0', in);
	error = ferror(in) ? errno : 0;
	fclose(in);
	int status = EXIT_OK;
	if (error)
		status = fail("%s: its counts cannot be read: %s", path, strerror(error));
	else if (metrics_parse(nbytes < 0 ? "" : text, ret_metrics))
		status = fail("out of memory");
	free(text);
	return status;
}

static void print(const struct stats_settings *settings, const struct metrics *metrics, const struct metrics *before)
{
	if (settings->as_json)
		print_json(metrics, before);
	else
		print_words(metrics, before);
	fflush(stdout);
}

static int run_stats(int argc, char **argv)
{
	struct stats_settings settings = {.interval = 0};
	struct metrics metrics = {.n = 0}, before = {.n = 0};
	int first, status = parse_command_line(&stats_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	status = read_metrics(argv[first], &metrics);
	if (status != EXIT_OK)
		return status;
	print(&settings, &metrics, NULL);
	while (settings.interval && !ferror(stdout)) {
		struct timespec interval = {.tv_sec = (time_t)settings.interval};
		nanosleep(&interval, NULL);
		before = metrics;
		status = read_metrics(argv[first], &metrics);
		if (status != EXIT_OK) {
			metrics = before;
			break;
		}
		if (!settings.as_json)
			printf("\nin %llu s:\n", (unsigned long long)settings.interval);
		print(&settings, &metrics, &before);
		metrics_clear(&before);
	}
	metrics_clear(&metrics);
	return status;
}

const struct command cmd_stats = {"stats", "say what a mount has done", run_stats};
