/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"

#include <math.h>

struct design_cost baseline_cost(const struct baseline *baseline)
{
	return (struct design_cost){
	        .nbytes = baseline->nbytes,
	        .infer_s = baseline->load_s + baseline->infer_s,
	        .train_s = baseline->load_s + baseline->train_s,
	};
}

/* What a row is about: a baseline, or the design that all of them are held against. */
struct compared {
	struct design_cost cost;
	double accuracy, sd;
};

/* The choice, or the reference where there is none; accuracy as measured, else as estimated. */
static struct compared held_against(const struct findings *findings, unsigned *ret_design)
{
	unsigned design =
	        findings->has_choice ? (unsigned)ic_design_index(&findings->choice.design) : findings->reference;
	const struct finding *finding = &findings->at[design];
	double measured = findings_measured(findings, design);
	bool is_measured = isfinite(measured);

	*ret_design = design;
	return (struct compared){finding->cost, is_measured ? measured : finding->mean,
	                         is_measured ? (double)NAN : finding->sd};
}

static void put_cells(FILE *out, const struct compared *row, const struct compared *to)
{
	put_html_number(out, 0, row->cost.nbytes);
	put_html_number(out, 4, 1e3 * row->cost.infer_s);
	put_html_number(out, 4, 1e3 * row->cost.train_s);
	put_html_number(out, 2, 100 * row->accuracy);
	put_html_number(out, 2, 100 * row->sd);
	put_html_number(out, 2, row->cost.nbytes / to->cost.nbytes);
	put_html_number(out, 2, row->cost.infer_s / to->cost.infer_s);
	put_html_number(out, 2, row->cost.train_s / to->cost.train_s);
	put_html_number(out, 2, 100 * (row->accuracy - to->accuracy));
	fputs("</tr>\n", out);
}

static void put_baseline(FILE *out, const struct baseline *baseline, size_t number, const struct compared *to)
{
	struct compared row = {baseline_cost(baseline), baseline->accuracy, baseline->sd};

	fputs("<tr><th scope=\"row\"><bdi>", out);
	put_html_text(out, baseline->name);
	fprintf(out, "</bdi></th><td>%zu</td><td>%u</td>", number, baseline->nrows);
	put_cells(out, &row, to);
}

void put_report_baselines(FILE *out, const struct report *report)
{
	static const char *const headings[] = {
	        "baseline",       "number",      "trainings", "bytes",       "inference, ms",
	        "training, ms",   "accuracy, %", "&#177;",    "times bytes", "times inference",
	        "times training", "points",      NULL};
	unsigned design;
	struct ic_design of = ic_design_default();

	if (!report->baselines)
		return;
	struct compared to = held_against(report->findings, &design);
	ic_design_at(design, &of);
	fprintf(out,
	        "<h3>Baselines</h3>\n<p>What designs are compared with, by their numbers in the plots. The last four "
	        "columns hold each against %s: how many times its bytes and seconds, and how many points of accuracy "
	        "more or less. Accuracies are means over the trainings, with their standard deviation. Seconds are of "
	        "the machine and the hour in which a baseline was trained; they compare where those are the search's "
	        "own.</p>\n",
	        report->findings->has_choice ? "the choice" : "the reference, since nothing was chosen");
	begin_html_table(out, "Baselines, and what they are held against", headings);
	fputs("<tr>", out);
	put_report_design(out, &of);
	fputs("<td>-</td><td>-</td>", out);
	put_cells(out, &to, &to);
	for (size_t i = 0; i < report->baselines->n; i++)
		put_baseline(out, &report->baselines->at[i], i + 1, &to);
	end_html_table(out);
}
