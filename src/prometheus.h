/* SPDX-License-Identifier: MIT */
/*
 * prometheus.h: numbers in the text format of Prometheus (https://prometheus.io/docs/instrumenting/exposition_formats/),
 * as far as a mount writes it: counters and gauges with at most one label.
 */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>
#include <stddef.h>

enum metric_unit { METRIC_NUMBER, METRIC_BYTES, METRIC_SECONDS };

struct metric {
	const char *name;  /* with its label: icfs_requests_total{kind="read"} */
	const char *label; /* the label's value, "" without one */
	const char *help;  /* "" without one */
	double value;
	bool is_counter;
	enum metric_unit unit;
};

struct metrics {
	struct metric *all;
	size_t n;
	char *text; /* what the texts point into */
};

/* Lines that are no numbers are passed over. -ENOMEM. */
errint_t metrics_parse(const char *text, struct metrics *ret_metrics);
void metrics_clear(struct metrics *metrics);

/* The value of the metric of that name; 0 where there is none. */
double metrics_value(const struct metrics *metrics, const struct metric *metric);
