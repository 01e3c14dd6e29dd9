/* SPDX-License-Identifier: MIT */
#include "src/report.h"
#include "src/report_html.h"

#include <math.h>
#include <string.h>

/* Of the baselines, what the sources are as they lie: its name in what scripts/baselines writes. */
#define SOURCES "JPEG"

/* Seconds of one pass over all images, and what they go to. */
struct epoch {
	char name[IC_DESIGN_STRING_SIZE];
	double read_s; /* NAN: in decode_s */
	double decode_s, model_s;
};

static struct epoch epoch_of(const struct report *report, unsigned index)
{
	const struct findings *findings = report->findings;
	const struct cost_features *features = &findings->at[index].features;
	double n = (double)report->nimages;
	struct ic_design design = ic_design_default();
	struct epoch epoch = {
	        .read_s = n * cost_seconds(&findings->costs.read, features),
	        .decode_s = n * cost_seconds(&findings->costs.decode, features),
	        .model_s = n * cost_seconds(&findings->costs.train, features),
	};

	ic_design_at(index, &design);
	ic_design_print(&design, epoch.name);
	return epoch;
}

/* Of the sources, where the baselines have what they take, and of designs it is known what training takes. */
static bool find_sources(const struct report *report, struct epoch *ret_epoch)
{
	const struct findings *findings = report->findings;
	double n = (double)report->nimages;

	if (!(cost_seconds(&findings->costs.train, &findings->at[findings->reference].features) > 0))
		return false;
	for (size_t i = 0; report->baselines && i < report->baselines->n; i++) {
		const struct baseline *baseline = &report->baselines->at[i];
		*ret_epoch = (struct epoch){SOURCES, (double)NAN, n * baseline->load_s, n * baseline->train_s};
		if (!strcmp(baseline->name, SOURCES))
			return isfinite(ret_epoch->decode_s + ret_epoch->model_s);
	}
	return false;
}

static double total(const struct epoch *epoch)
{
	return (isfinite(epoch->read_s) ? epoch->read_s : 0) + epoch->decode_s + epoch->model_s;
}

static void put_bar(FILE *out, const struct epoch *epoch, double longest, int y)
{
	static const char *const styles[] = {"read", "decode", "model"};
	const double parts[] = {isfinite(epoch->read_s) ? epoch->read_s : 0, epoch->decode_s, epoch->model_s};
	double x = 150;

	fprintf(out, "<text x=\"142\" y=\"%d\" text-anchor=\"end\">%s</text>\n", y + 21, epoch->name);
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
	        "<desc id=\"epoch-description\">A bar for each row of the table, its length the seconds of an epoch: "
	        "from left "
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
	fputs("</svg>\n<figcaption>Seconds of one pass over the dataset, one image after the other; of designs by the "
	      "times that the run froze.</figcaption>\n</figure>\n",
	      out);
}

void put_report_epoch(FILE *out, const struct report *report)
{
	static const char *const headings[] = {"what",        "read, s",  "decode, s", "model, s",
	                                       "together, s", "images/s", NULL};
	const struct findings *findings = report->findings;
	struct epoch epochs[3];
	bool has_sources = find_sources(report, &epochs[0]);
	size_t n = has_sources;

	if (!report->nimages)
		return;
	epochs[n++] = epoch_of(report, findings->reference);
	if (findings->has_choice)
		epochs[n++] = epoch_of(report, (unsigned)ic_design_index(&findings->choice.design));
	fprintf(out,
	        "<section id=\"epoch\">\n<h2>Where an epoch's time goes</h2>\n<p>Of %sthe reference, and of what was "
	        "chosen: all %llu images, read and decoded by one thread, and trained on.%s</p>\n",
	        has_sources ? "the JPEGs, of " : "", (unsigned long long)report->nimages,
	        has_sources ? " The JPEGs' are by the baselines; their reading is in the decoding." : "");
	if (isfinite(total(&epochs[0])) && isfinite(total(&epochs[n - 1])))
		put_bars(out, epochs, n);
	begin_html_table(out, "Seconds of one epoch", headings);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "<tr><th scope=\"row\"><code>%s</code></th>", epochs[i].name);
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
