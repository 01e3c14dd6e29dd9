/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"
#include "src/report_plot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The three things that a design takes: what they are called, and how many of their units an image takes. */
enum resource {
	RESOURCE_INFERENCE,
	RESOURCE_TRAINING,
	RESOURCE_SPACE,
	NRESOURCES,
};

static const struct {
	const char *id, *name, *axis, *what;
} resources[] = {
        [RESOURCE_INFERENCE] = {"inference", "inference time", "milliseconds an image: read, decode, model",
                                "what an image takes to be read, decoded and judged"},
        [RESOURCE_TRAINING] = {"training", "training time", "milliseconds an image: read, decode, model in training",
                               "what an image takes to be read, decoded and trained on, once"},
        [RESOURCE_SPACE] = {"space", "space", "bytes an image", "the bytes of an object, on average"},
};

static double amount(const struct design_cost *cost, enum resource resource)
{
	return resource == RESOURCE_INFERENCE  ? 1e3 * cost->infer_s
	       : resource == RESOURCE_TRAINING ? 1e3 * cost->train_s
	                                       : cost->nbytes;
}

/* Kinds of points; later ones are shown over earlier ones. */
enum {
	SERIES_ESTIMATED,
	SERIES_FRONTIER,
	SERIES_SAMPLED,
	SERIES_VERIFIED,
	SERIES_REFERENCE,
	SERIES_BASELINES,
	SERIES_CHOSEN,
	NSERIES,
};

/* Points of all kinds, for one resource. */
struct points {
	struct plot_point *at; /* of every kind, one after the other */
	struct plot_series series[NSERIES];
};

static struct plot_point point_of(const struct findings *findings, unsigned design, enum resource resource,
                                  double accuracy)
{
	struct plot_point point = {
	        .x = amount(&findings->at[design].cost, resource), .y = 100 * accuracy, .design = ic_design_default()};

	ic_design_at(design, &point.design);
	return point;
}

static int compare_x(const void *a, const void *b)
{
	const struct plot_point *left = a, *right = b;

	return (left->x > right->x) - (left->x < right->x);
}

static size_t estimated(const struct findings *findings, enum resource resource, bool frontier_only,
                        struct plot_point *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (frontier_only ? findings->at[i].is_frontier : findings->at[i].is_candidate)
			out[n++] = point_of(findings, i, resource, findings->at[i].mean);
	return n;
}

/* Of the frontier over all three resources, what no other beats in this one: it rises from left to right. */
static size_t frontier(const struct findings *findings, enum resource resource, struct plot_point *out)
{
	size_t n = estimated(findings, resource, true, out), nkept = 0;

	qsort(out, n, sizeof(*out), compare_x);
	for (size_t i = 0; i < n; i++)
		if (!nkept || out[i].y > out[nkept - 1].y)
			out[nkept++] = out[i];
	return nkept;
}

/* Evaluated designs, as measured: those planned before accuracies were known, or those after. */
static size_t measured(const struct findings *findings, enum resource resource, bool is_later, struct plot_point *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		int position = findings->at[i].position;
		if (position >= 0 && (findings->plan[position].round > 0) == is_later)
			out[n++] = point_of(findings, i, resource, findings_measured(findings, i));
	}
	return n;
}

/* Those whose amount is known. */
static size_t compared(const struct baselines *baselines, enum resource resource, struct plot_point *out)
{
	size_t n = 0;

	for (size_t i = 0; baselines && i < baselines->n; i++) {
		struct design_cost cost = baseline_cost(&baselines->at[i]);
		double x = amount(&cost, resource);
		if (isfinite(x))
			out[n++] = (struct plot_point){x, 100 * baselines->at[i].accuracy, ic_design_default(),
			                               baselines->at[i].name, i + 1};
	}
	return n;
}

/* One design: the reference, or the choice where there is one. */
static size_t single(const struct findings *findings, enum resource resource, bool is_choice, struct plot_point *out)
{
	unsigned design = findings->reference;

	if (is_choice && !findings->has_choice)
		return 0;
	if (is_choice)
		design = (unsigned)ic_design_index(&findings->choice.design);
	*out = point_of(findings, design, resource, findings_measured(findings, design));
	return 1;
}

static size_t collect_series(const struct report *report, enum resource resource, int series, struct plot_point *out)
{
	switch (series) {
	case SERIES_ESTIMATED:
		return estimated(report->findings, resource, false, out);
	case SERIES_FRONTIER:
		return frontier(report->findings, resource, out);
	case SERIES_SAMPLED:
	case SERIES_VERIFIED:
		return measured(report->findings, resource, series == SERIES_VERIFIED, out);
	case SERIES_BASELINES:
		return compared(report->baselines, resource, out);
	default:
		return single(report->findings, resource, series == SERIES_CHOSEN, out);
	}
}

static errint_t collect(const struct report *report, enum resource resource, struct points *points)
{
	static const struct plot_series kinds[NSERIES] = {
	        [SERIES_ESTIMATED] = {"all designs, estimated", "estimated", PLOT_DOTS, NULL, 0},
	        [SERIES_FRONTIER] = {"frontier", "frontier", PLOT_STAIRS, NULL, 0},
	        [SERIES_SAMPLED] = {"sampled", "sampled", PLOT_CIRCLE, NULL, 0},
	        [SERIES_VERIFIED] = {"verified", "verified", PLOT_TRIANGLE, NULL, 0},
	        [SERIES_REFERENCE] = {"reference", "reference", PLOT_SQUARE, NULL, 0},
	        [SERIES_BASELINES] = {"baselines", "baseline", PLOT_DIAMOND, NULL, 0},
	        [SERIES_CHOSEN] = {"chosen", "chosen", PLOT_RING, NULL, 0},
	};
	size_t nbaselines = report->baselines ? report->baselines->n : 0;
	size_t nmost = 2 * IC_DESIGN_COUNT + 2 * report->findings->nplan + 2 + nbaselines;
	struct plot_point *at = points->at = calloc(nmost, sizeof(*at));

	if (!at)
		return -ENOMEM;
	for (int kind = 0; kind < NSERIES; kind++) {
		size_t n = collect_series(report, resource, kind, at);
		points->series[kind] = kinds[kind];
		points->series[kind].points = at;
		points->series[kind].n = n;
		at += n;
	}
	return 0;
}

static errint_t put_resource(FILE *out, const struct report *report, enum resource resource)
{
	struct points points = {.at = NULL};
	errint_t err = collect(report, resource, &points);
	char title[64], description[400];

	if (err)
		return err;
	snprintf(title, sizeof(title), "Accuracy against %s", resources[resource].name);
	snprintf(description, sizeof(description),
	         "Each point is a design: across, %s, on a logarithmic scale; upwards, accuracy in percent. %zu were "
	         "evaluated. The table of the frontier and the table of evaluations have the numbers.",
	         resources[resource].what, report->findings->nmeasured);
	struct plot plot = {resources[resource].id, title, description,   resources[resource].axis,
	                    "accuracy, %",          true,  points.series, NSERIES};
	fprintf(out, "<h3>%s</h3>\n", title);
	if (plot_has_points(&plot)) {
		fputs("<figure>\n", out);
		put_plot(out, &plot);
		fprintf(out, "<figcaption>%s: %s.</figcaption>\n</figure>\n", title, resources[resource].what);
	} else {
		fputs("<p>The run knows nothing of it.</p>\n", out);
	}
	free(points.at);
	return 0;
}

static int compare_bytes(const void *a, const void *b)
{
	const struct finding *left = *(const struct finding *const *)a, *right = *(const struct finding *const *)b;

	if (left->cost.nbytes != right->cost.nbytes)
		return left->cost.nbytes < right->cost.nbytes ? -1 : 1;
	return (left > right) - (left < right);
}

static errint_t put_frontier(FILE *out, const struct findings *findings)
{
	static const char *const headings[] = {"design",       "bytes",  "inference, ms", "training, ms",
	                                       "estimated, %", "&#177;", "measured, %",   NULL};
	const struct finding **rows = calloc(IC_DESIGN_COUNT, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return -ENOMEM;
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (findings->at[i].is_frontier)
			rows[n++] = &findings->at[i];
	qsort(rows, n, sizeof(*rows), compare_bytes);
	begin_html_table(out,
	                 "The frontier: designs that no other beats in bytes, seconds and estimated accuracy at once",
	                 headings);
	for (size_t i = 0; i < n; i++) {
		unsigned index = (unsigned)(rows[i] - findings->at);
		struct ic_design design = ic_design_default();
		ic_design_at(index, &design);
		fputs("<tr>", out);
		put_report_design(out, &design);
		put_html_number(out, 0, rows[i]->cost.nbytes);
		put_html_number(out, 4, 1e3 * rows[i]->cost.infer_s);
		put_html_number(out, 4, 1e3 * rows[i]->cost.train_s);
		put_html_number(out, 2, 100 * rows[i]->mean);
		put_html_number(out, 2, 100 * rows[i]->sd);
		put_html_number(out, 2, 100 * findings_measured(findings, index));
		fputs("</tr>\n", out);
	}
	end_html_table(out);
	free(rows);
	return 0;
}

errint_t put_report_costs(FILE *out, const struct report *report)
{
	errint_t err = 0;

	fprintf(out,
	        "<section id=\"costs\">\n<h2>Accuracy against what a design takes</h2>\n"
	        "<p><em>Sampled</em> designs were planned before accuracies were known, <em>verified</em> ones after, "
	        "where most was to be gained; both are shown as measured. All others%s are estimated from them.</p>\n",
	        report->findings->keeps_proportions ? " that keep proportions" : "");
	if (!report->nimages)
		fputs("<p>The dataset is not at hand, so only what the frontier and the choice take is known.</p>\n",
		      out);
	for (int resource = 0; !err && resource < NRESOURCES; resource++)
		err = put_resource(out, report, (enum resource)resource);
	if (!err && report->findings->run.ended_s)
		err = put_frontier(out, report->findings);
	put_report_baselines(out, report);
	fputs("</section>\n", out);
	return err;
}
