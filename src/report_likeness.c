/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"
#include "src/report_plot.h"

#include "search/coordinates.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define NPARTS 8

/* --- Cost against accuracy ---------------------------------------------------------------------------------------- */

static int compare_points(const void *a, const void *b)
{
	const struct plot_point *left = a, *right = b;

	if (left->x != right->x)
		return left->x < right->x ? -1 : 1;
	return ic_design_index(&left->design) - ic_design_index(&right->design);
}

/* The designs that were evaluated and whose bytes are known, by these. */
static size_t by_bytes(const struct findings *findings, struct plot_point *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		double nbytes = findings->at[i].cost.nbytes;
		if (findings->at[i].position < 0 || !isfinite(nbytes))
			continue;
		out[n] = (struct plot_point){
		        .x = nbytes, .y = 100 * findings_measured(findings, i), .design = ic_design_default()};
		ic_design_at(i, &out[n++].design);
	}
	qsort(out, n, sizeof(*out), compare_points);
	return n;
}

static void put_parts(FILE *out, const struct plot_point *points, size_t n)
{
	static const char *const headings[] = {"bytes an image", "designs", "least, %", "mean, %", "greatest, %", NULL};
	size_t nparts = n < NPARTS ? n : NPARTS;

	begin_html_table(out, "Evaluated designs by bytes, cut into parts of equal count: accuracy in each", headings);
	for (size_t part = 0; part < nparts; part++) {
		size_t from = part * n / nparts, to = (part + 1) * n / nparts;
		double least = points[from].y, greatest = least, sum = 0;
		for (size_t i = from; i < to; i++) {
			least = fmin(least, points[i].y);
			greatest = fmax(greatest, points[i].y);
			sum += points[i].y;
		}
		fprintf(out, "<tr><th scope=\"row\">%.0f to %.0f</th><td>%zu</td>", points[from].x, points[to - 1].x,
		        to - from);
		put_html_number(out, 2, least);
		put_html_number(out, 2, sum / (double)(to - from));
		put_html_number(out, 2, greatest);
		fputs("</tr>\n", out);
	}
	end_html_table(out);
}

static void put_errors(FILE *out, const struct findings *findings)
{
	if (!isfinite(findings->error))
		return;
	fprintf(out, "<p>Each evaluation told by the others, the model of the run is off by %.4g points",
	        100 * findings->error);
	if (isfinite(findings->error_along_cost))
		fprintf(out, ", interpolation along bytes by %.4g", 100 * findings->error_along_cost);
	fputs(".</p>\n", out);
}

static errint_t put_cost_against_accuracy(FILE *out, const struct findings *findings)
{
	struct plot_point *points = calloc(findings->nmeasured + 1, sizeof(*points));

	if (!points)
		return -ENOMEM;
	size_t n = by_bytes(findings, points);
	struct plot_series series[] = {{"interpolation along bytes", "estimated", PLOT_CURVE, points, n},
	                               {"evaluated", "sampled", PLOT_CIRCLE, points, n}};
	struct plot plot = {
	        "bytes",
	        "Measured accuracy against bytes, and the line from each design to the next",
	        "Across, the bytes of an image on a logarithmic scale; upwards, measured accuracy in percent. How "
	        "far the line goes up and down between neighbours is what bytes do not tell. The table below has "
	        "the spread for each part.",
	        "bytes an image",
	        "accuracy, %",
	        true,
	        series,
	        2};
	fputs("<h3>Cost against accuracy</h3>\n<p>The published talk estimates the accuracy of a design from those "
	      "that cost "
	      "about as much. This is how far cost tells accuracy here.</p>\n",
	      out);
	put_errors(out, findings);
	if (n > 1) {
		fputs("<figure>\n", out);
		put_plot(out, &plot);
		fprintf(out, "<figcaption>%s.</figcaption>\n</figure>\n", plot.title);
		put_parts(out, points, n);
	}
	free(points);
	return 0;
}

/* --- Format against format ---------------------------------------------------------------------------------------- */

/* Pairs beyond so many are thinned out, evenly: more would only make the page large. */
#define PAIRS_MAX 6000

struct pairs {
	struct plot_point *at, mean[NPARTS];
	size_t n;
	struct part {
		double from, to, sum, greatest;
		size_t n;
	} part[NPARTS];
};

static size_t list_measured(const struct findings *findings, unsigned *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (findings->at[i].position >= 0)
			out[n++] = i;
	return n;
}

static errint_t pair_all(const struct findings *findings, struct pairs *pairs)
{
	unsigned *designs = calloc(findings->nmeasured + 1, sizeof(*designs));
	size_t n = designs ? list_measured(findings, designs) : 0;

	pairs->n = 0;
	pairs->at = calloc(n * n / 2 + 1, sizeof(*pairs->at));
	for (size_t i = 0; designs && pairs->at && i < n; i++) {
		struct ic_design a = ic_design_default(), b = a;
		ic_design_at(designs[i], &a);
		struct coordinates from = coordinates_of(&a);
		for (size_t j = 0; j < i; j++) {
			ic_design_at(designs[j], &b);
			struct coordinates to = coordinates_of(&b);
			pairs->at[pairs->n++] = (struct plot_point){
			        .x = coordinates_distance(&from, &to),
			        .y = 100 * fabs(findings_measured(findings, designs[i]) -
			                        findings_measured(findings, designs[j])),
			        .design = a,
			};
		}
	}
	bool is_out = !designs || !pairs->at;
	free(designs);
	return is_out ? -ENOMEM : 0;
}

static size_t cut_pairs(struct pairs *pairs)
{
	size_t nparts = pairs->n < NPARTS ? pairs->n : NPARTS;

	qsort(pairs->at, pairs->n, sizeof(*pairs->at), compare_points);
	for (size_t p = 0; p < nparts; p++) {
		size_t from = p * pairs->n / nparts, to = (p + 1) * pairs->n / nparts;
		struct part part = {pairs->at[from].x, pairs->at[to - 1].x, 0, 0, to - from};
		for (size_t i = from; i < to; i++) {
			part.sum += pairs->at[i].y;
			part.greatest = fmax(part.greatest, pairs->at[i].y);
		}
		pairs->part[p] = part;
		pairs->mean[p] = (struct plot_point){
		        .x = (part.from + part.to) / 2, .y = part.sum / (double)part.n, .design = ic_design_default()};
	}
	return nparts;
}

static void thin_pairs(struct pairs *pairs)
{
	size_t step = (pairs->n + PAIRS_MAX - 1) / PAIRS_MAX, n = 0;

	for (size_t i = 0; i < pairs->n; i += step)
		pairs->at[n++] = pairs->at[i];
	pairs->n = n;
}

static void put_pairs(FILE *out, struct pairs *pairs)
{
	static const char *const headings[] = {"distance", "pairs", "mean difference, points", "greatest, points",
	                                       NULL};
	size_t nparts = cut_pairs(pairs), npairs = pairs->n;

	thin_pairs(pairs);
	struct plot_series series[] = {{"pairs of evaluated designs", "estimated", PLOT_DOTS, pairs->at, pairs->n},
	                               {"mean of each eighth", "verified", PLOT_CURVE, pairs->mean, nparts}};
	struct plot plot = {
	        "likeness",
	        "Difference in accuracy against distance, of pairs of designs",
	        "Across, how far two evaluated designs lie apart in the space; upwards, by how many points their "
	        "measured accuracies differ. The table below has the mean for each part.",
	        "distance of two designs",
	        "difference in accuracy, points",
	        false,
	        series,
	        2};
	fputs("<figure>\n", out);
	put_plot(out, &plot);
	fprintf(out, "<figcaption>%s: %zu pairs, of which %zu are drawn.</figcaption>\n</figure>\n", plot.title, npairs,
	        pairs->n);
	begin_html_table(out, "Pairs of evaluated designs by distance, cut into parts of equal count", headings);
	for (size_t i = 0; i < nparts; i++) {
		const struct part *part = &pairs->part[i];
		fprintf(out, "<tr><th scope=\"row\">%.2f to %.2f</th><td>%zu</td>", part->from, part->to, part->n);
		put_html_number(out, 2, part->sum / (double)part->n);
		put_html_number(out, 2, part->greatest);
		fputs("</tr>\n", out);
	}
	end_html_table(out);
}

errint_t put_report_likeness(FILE *out, const struct report *report)
{
	struct pairs pairs = {.at = NULL};

	fputs("<section id=\"insights\">\n<h2>What designs tell of each other</h2>\n", out);
	errint_t err = put_cost_against_accuracy(out, report->findings);
	if (!err)
		err = pair_all(report->findings, &pairs);
	if (!err) {
		fputs("<h3>Format against format</h3>\n<p>Designs that keep much the same of an image are about as "
		      "accurate, and "
		      "the weights that were trained on one are a start for the other. The distance is the one that "
		      "plans and "
		      "estimates go by: bandwidth across and down in octaves, then bits, then how the band was "
		      "cut.</p>\n",
		      out);
		put_pairs(out, &pairs);
	}
	fputs("</section>\n", out);
	free(pairs.at);
	return err;
}
