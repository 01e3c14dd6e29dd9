/* SPDX-License-Identifier: MIT */
/*
 * report.h: a search as a page to read: one HTML file that needs no other, no network and no program in it.
 */
#pragma once

#include "src/baselines.h"
#include "src/photograph.h"

#include "search/findings.h"

#include <stdio.h>

struct report {
	const struct findings *findings;
	uint64_t nimages; /* of the dataset; 0: it is not at hand, and costs are those of the frontier alone */
	const struct baselines *baselines;   /* to show beside; NULL: none */
	const struct photograph *photograph; /* one of the dataset's; NULL: none is to be shown */
	const char *no_photograph;           /* then why, as a clause: it ends without a full stop */
};

/* The whole page. -ENOMEM; errors of the stream are found where it is closed. */
errint_t put_report(FILE *out, const struct report *report);

/* Parts of it, each a section. report_costs.c: accuracy against what designs take. */
errint_t put_report_costs(FILE *out, const struct report *report);
/* report_baselines.c: the end of that section, where there are baselines: what they take, against the choice. */
void put_report_baselines(FILE *out, const struct report *report);
/* What a baseline takes, as what designs take is counted: read, decoded, and the model. NAN where that is not known. */
struct design_cost baseline_cost(const struct baseline *baseline);
/* report_likeness.c: what the two insights of the talk come to in this run: cost against accuracy, format against format. */
errint_t put_report_likeness(FILE *out, const struct report *report);
/* report_epoch.c: where the time of an epoch goes. */
void put_report_epoch(FILE *out, const struct report *report);
/* report_photograph.c: a photograph as the run's designs make it, and as JPEGs of equal size. */
errint_t put_report_photograph(FILE *out, const struct report *report);

/* "<th scope="row"><code>s1x1-b8-k15-q8</code></th>", what begins the row of a design. */
void put_report_design(FILE *out, const struct ic_design *design);
