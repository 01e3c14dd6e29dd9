/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"
#include "src/search_cli.h"

#include <inttypes.h>
#include <math.h>

void put_report_design(FILE *out, const struct ic_design *design)
{
	char text[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, text);
	fprintf(out, "<th scope=\"row\"><code>%s</code></th>", text);
}

static void put_fact(FILE *out, const char *name, const char *text)
{
	fprintf(out, "<dt>%s</dt><dd><bdi>", name);
	put_html_text(out, text);
	fputs("</bdi></dd>\n", out);
}

static void put_facts(FILE *out, const struct report *report)
{
	const struct run *run = &report->findings->run;
	char when[DATE_SIZE], text[64];

	fputs("<dl>\n", out);
	put_fact(out, "Directory", run->directory);
	put_fact(out, "Dataset", run->dataset);
	if (report->nimages) {
		snprintf(text, sizeof(text), "%" PRIu64, report->nimages);
		put_fact(out, "Images", text);
	}
	put_fact(out, "Evaluator", run->evaluator);
	put_fact(out, "Settings", run->settings);
	put_fact(out, "Hardware", run->hardware);
	put_fact(out, "Begun", date(run->started_s, when));
	put_fact(out, "Ended", run->ended_s ? date(run->ended_s, when) : "not yet: this is what it knows so far");
	snprintf(text, sizeof(text), "%" PRIu64 " of %" PRIu64 ", %zu with a result", run->ndone, run->nplanned,
	         report->findings->nmeasured);
	put_fact(out, "Evaluations", text);
	fputs("</dl>\n", out);
}

static void put_contents(FILE *out, const struct report *report)
{
	fputs("<nav aria-label=\"Contents\"><ul>\n<li><a href=\"#choice\">What was chosen, and why</a></li>\n"
	      "<li><a href=\"#costs\">Accuracy against what a design takes</a></li>\n"
	      "<li><a href=\"#insights\">What designs tell of each other</a></li>\n",
	      out);
	if (report->nimages)
		fputs("<li><a href=\"#epoch\">Where an epoch's time goes</a></li>\n", out);
	fputs("<li><a href=\"#photograph\">A photograph, many times smaller</a></li>\n", out);
	fputs("<li><a href=\"#evaluations\">All evaluations</a></li>\n</ul></nav>\n", out);
}

static void put_compared(FILE *out, const struct findings *findings)
{
	static const char *const headings[] = {"design",       "bytes",  "inference, ms", "training, ms",
	                                       "estimated, %", "&#177;", "measured, %",   NULL};
	const unsigned designs[] = {findings->reference, (unsigned)ic_design_index(&findings->choice.design)};

	begin_html_table(out, "The reference, and what was chosen", headings);
	for (int i = 0; i < 2; i++) {
		const struct finding *finding = &findings->at[designs[i]];
		struct ic_design design = ic_design_default();
		ic_design_at(designs[i], &design);
		fputs("<tr>", out);
		put_report_design(out, &design);
		put_html_number(out, 0, finding->cost.nbytes);
		put_html_number(out, 4, 1e3 * finding->cost.infer_s);
		put_html_number(out, 4, 1e3 * finding->cost.train_s);
		put_html_number(out, 2, 100 * finding->mean);
		put_html_number(out, 2, 100 * finding->sd);
		put_html_number(out, 2, 100 * findings_measured(findings, designs[i]));
		fputs("</tr>\n", out);
	}
	end_html_table(out);
}

static void put_choice(FILE *out, const struct findings *findings)
{
	char design[IC_DESIGN_STRING_SIZE], when[DATE_SIZE];

	fputs("<section id=\"choice\">\n<h2>What was chosen, and why</h2>\n", out);
	if (findings->has_choice) {
		const struct choice *choice = &findings->choice;
		ic_design_print(&choice->design, design);
		fprintf(out, "<p><strong><code>%s</code></strong>, chosen %s%s.</p>\n<p><bdi>", design,
		        date(choice->chosen_s, when), choice->withdrawn_s ? ", withdrawn since" : "");
		put_html_text(out, choice->reason);
		fputs("</bdi></p>\n", out);
		put_compared(out, findings);
		if (isfinite(findings->noise))
			fprintf(out,
			        "<p>One evaluation is off by a standard deviation of %.2f points, as estimated.</p>\n",
			        100 * findings->noise);
	} else if (findings->run.ended_s) {
		fputs("<p>Nothing: no design that was evaluated is within what was asked for, or the search was told "
		      "to "
		      "write no choice.</p>\n",
		      out);
	} else {
		fputs("<p>Nothing yet: the search has not ended.</p>\n", out);
	}
	fputs("</section>\n", out);
}

static void put_evaluation(FILE *out, const struct planned *planned, size_t position)
{
	const struct measurement *m = &planned->measurement;

	fprintf(out, "<tr><th scope=\"row\">%zu</th><td>%u</td>", position, planned->round);
	char design[IC_DESIGN_STRING_SIZE];
	ic_design_print(&planned->design, design);
	fprintf(out, "<td><code>%s</code></td>", design);
	if (planned->parent >= 0)
		fprintf(out, "<td>%d</td>", planned->parent);
	else
		fputs("<td>-</td>", out);
	bool has_result = planned->is_done && !m->is_failure;
	double unknown = (double)NAN;
	put_html_number(out, 2, has_result ? 100 * m->result.accuracy : unknown);
	put_html_number(out, 4, has_result ? m->result.log_loss : unknown);
	put_html_number(out, 3, has_result ? m->result.wall_s : unknown);
	fputs("<td class=\"words\"><bdi>", out);
	put_html_text(out, !planned->is_done ? "not yet" : m->is_failure ? m->failure : "");
	fputs("</bdi></td></tr>\n", out);
}

static void put_evaluations(FILE *out, const struct findings *findings)
{
	static const char *const headings[] = {"number",   "round",   "design",         "parent", "accuracy, %",
	                                       "log-loss", "seconds", "no result, why", NULL};

	fputs("<section id=\"evaluations\">\n<h2>All evaluations</h2>\n<p>Round 0 was sampled; later rounds verified. "
	      "The parent is "
	      "the evaluation whose weights it may begin with.</p>\n",
	      out);
	begin_html_table(out, "Evaluations, in the order of the plan", headings);
	for (size_t i = 0; i < findings->nplan; i++)
		put_evaluation(out, &findings->plan[i], i);
	end_html_table(out);
	fputs("</section>\n", out);
}

errint_t put_report(FILE *out, const struct report *report)
{
	char title[PATH_MAX + 64];

	snprintf(title, sizeof(title), "icfs: search %" PRId64 " of %s", report->findings->run.id,
	         report->findings->run.directory);
	put_html_head(out, title);
	fprintf(out, "<h1>Search %" PRId64 "</h1>\n", report->findings->run.id);
	put_facts(out, report);
	put_contents(out, report);
	put_choice(out, report->findings);
	errint_t err = put_report_costs(out, report);
	if (!err)
		err = put_report_likeness(out, report);
	if (!err) {
		put_report_epoch(out, report);
		err = put_report_photograph(out, report);
	}
	put_evaluations(out, report->findings);
	put_html_foot(out);
	return err;
}
