/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"

#include <math.h>

/* Seconds of one pass over all images, and what they go to. */
struct epoch {
	struct ic_design design;
	double read_s, decode_s, model_s;
};

static struct epoch epoch_of(const struct report *report, unsigned design)
{
	const struct findings *findings = report->findings;
	const struct cost_features *features = &findings->at[design].features;
	double n = (double)report->nimages;
	struct epoch epoch = {
	        .design = ic_design_default(),
	        .read_s = n * cost_seconds(&findings->costs.read, features),
	        .decode_s = n * cost_seconds(&findings->costs.decode, features),
	        .model_s = n * cost_seconds(&findings->costs.train, features),
	};

	ic_design_at(design, &epoch.design);
	return epoch;
}

static double total(const struct epoch *epoch)
{
	return epoch->read_s + epoch->decode_s + epoch->model_s;
}

static void put_bar(FILE *out, const struct epoch *epoch, double longest, int y)
{
	static const char *const styles[] = {"read", "decode", "model"};
	const double parts[] = {epoch->read_s, epoch->decode_s, epoch->model_s};
	char design[IC_DESIGN_STRING_SIZE];
	double x = 150;

	ic_design_print(&epoch->design, design);
	fprintf(out, "<text x=\"142\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y + 21, design);
	for (int i = 0; i < 3; i++) {
		double width = longest > 0 ? 590 * parts[i] / longest : 0;
		fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"32\"/>\n", styles[i], x, y,
		        width);
		x += width;
	}
}

static void put_bars(FILE *out, const struct epoch *epochs, size_t n)
{
	static const char *const names[] = {"read", "decode", "model"};
	double longest = 0;

	for (size_t i = 0; i < n; i++)
		longest = fmax(longest, total(&epochs[i]));
	fprintf(out,
	        "<figure>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 760 %zu\" role=\"img\" "
	        "aria-labelledby=\"epoch-title epoch-description\">\n<title id=\"epoch-title\">Where an epoch's time "
	        "goes</title>\n"
	        "<desc id=\"epoch-description\">A bar for each design, its length the seconds of an epoch: from left "
	        "to right "
	        "reading, decoding, the model. The table below has the numbers.</desc>\n",
	        40 + 44 * n);
	for (int i = 0; i < 3; i++)
		fprintf(out,
		        "<rect class=\"%s\" x=\"%d\" y=\"8\" width=\"12\" height=\"12\"/><text x=\"%d\" "
		        "y=\"19\">%s</text>\n",
		        names[i], 150 + 100 * i, 168 + 100 * i, names[i]);
	for (size_t i = 0; i < n; i++)
		put_bar(out, &epochs[i], longest, 34 + 44 * (int)i);
	fputs("</svg>\n<figcaption>Seconds of one pass over the dataset, one image after the other, by the times that "
	      "the run "
	      "froze.</figcaption>\n</figure>\n",
	      out);
}

void put_report_epoch(FILE *out, const struct report *report)
{
	static const char *const headings[] = {"design",      "read, s",  "decode, s", "model, s",
	                                       "together, s", "images/s", NULL};
	const struct findings *findings = report->findings;
	struct epoch epochs[2] = {epoch_of(report, findings->reference)};
	size_t n = 1;

	if (!report->nimages)
		return;
	if (findings->has_choice)
		epochs[n++] = epoch_of(report, (unsigned)ic_design_index(&findings->choice.design));
	fprintf(out,
	        "<section id=\"epoch\">\n<h2>Where an epoch's time goes</h2>\n<p>Of the reference, and of what was "
	        "chosen: all "
	        "%llu images, read and decoded as their objects by one thread, and trained on.</p>\n",
	        (unsigned long long)report->nimages);
	if (isfinite(total(&epochs[0])) && isfinite(total(&epochs[n - 1])))
		put_bars(out, epochs, n);
	begin_html_table(out, "Seconds of one epoch", headings);
	for (size_t i = 0; i < n; i++) {
		fputs("<tr>", out);
		put_report_design(out, &epochs[i].design);
		put_html_number(out, 3, epochs[i].read_s);
		put_html_number(out, 3, epochs[i].decode_s);
		put_html_number(out, 3, epochs[i].model_s);
		put_html_number(out, 3, total(&epochs[i]));
		put_html_number(out, 0, (double)report->nimages / total(&epochs[i]));
		fputs("</tr>\n", out);
	}
	end_html_table(out);
	fputs("</section>\n", out);
}
