/* SPDX-License-Identifier: MIT */
#include "src/prometheus.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What the comment lines above a number said of it. */
struct family {
	const char *name, *help;
	bool is_counter;
};

static bool has_prefix(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

static enum metric_unit unit_of(const char *name)
{
	return strstr(name, "_bytes") ? METRIC_BYTES : strstr(name, "_seconds") ? METRIC_SECONDS : METRIC_NUMBER;
}

/* "# HELP NAME WORDS" and "# TYPE NAME counter". */
static void see_comment(char *line, struct family *family)
{
	bool is_help = has_prefix(line, "# HELP "), is_type = has_prefix(line, "# TYPE ");

	if (!is_help && !is_type)
		return;
	char *name = line + strlen("# HELP "), *rest = strchr(name, ' ');
	if (!rest)
		return;
	*rest++ = 0;
	if (!family->name || strcmp(family->name, name))
		*family = (struct family){.name = name, .help = ""};
	if (is_help)
		family->help = rest;
	else
		family->is_counter = !strcmp(rest, "counter");
}

/* A copy of the label's value: `name` keeps it. */
static errint_t get_label(const char *name, char **ret_label)
{
	const char *begin = strchr(name, '"'), *end = begin ? strrchr(name, '"') : NULL;
	char *label = begin && end > begin ? strndup(begin + 1, (size_t)(end - begin) - 1) : strdup("");

	if (!label)
		return -ENOMEM;
	*ret_label = label;
	return 0;
}

static bool is_of_family(const char *name, const struct family *family)
{
	size_t n = strcspn(name, "{");

	return family->name && strlen(family->name) == n && !strncmp(name, family->name, n);
}

/* "NAME{LABEL="VALUE"} NUMBER". */
static errint_t see_number(char *line, const struct family *family, struct metrics *metrics)
{
	char *value = strrchr(line, ' '), *end, *label;

	if (!value || value == line)
		return 0;
	double number = strtod(value + 1, &end);
	if (end == value + 1 || *end || !isfinite(number))
		return 0;
	*value = 0;
	struct metric *all = reallocarray(metrics->all, metrics->n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	metrics->all = all;
	if (get_label(line, &label))
		return -ENOMEM;
	bool is_known = is_of_family(line, family);
	all[metrics->n++] = (struct metric){
	        .name = line,
	        .label = label,
	        .help = is_known ? family->help : "",
	        .value = number,
	        .is_counter = is_known && family->is_counter,
	        .unit = unit_of(line),
	};
	return 0;
}

errint_t metrics_parse(const char *text, struct metrics *ret_metrics)
{
	struct metrics metrics = {.text = strdup(text)};
	struct family family = {.name = NULL};
	errint_t err = metrics.text ? 0 : -ENOMEM;

	for (char *line = metrics.text, *next; line && !err; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (line[0] == '#')
			see_comment(line, &family);
		else
			err = see_number(line, &family, &metrics);
	}
	if (err)
		metrics_clear(&metrics);
	else
		*ret_metrics = metrics;
	return err;
}

void metrics_clear(struct metrics *metrics)
{
	for (size_t i = 0; i < metrics->n; i++)
		free((void *)metrics->all[i].label);
	free(metrics->all);
	free(metrics->text);
	*metrics = (struct metrics){.n = 0};
}

double metrics_value(const struct metrics *metrics, const struct metric *metric)
{
	for (size_t i = 0; i < metrics->n; i++) {
		if (!strcmp(metrics->all[i].name, metric->name))
			return metrics->all[i].value;
	}
	return 0;
}
