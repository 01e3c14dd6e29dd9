/* SPDX-License-Identifier: MIT */
#include "src/report_plot.h"
#include "src/report_html.h"

#include <math.h>
#include <string.h>

#define WIDTH 760.0
#define HEIGHT 420.0
#define LEFT 66.0
#define RIGHT 16.0
#define TOP 40.0
#define BOTTOM 52.0
#define TICKS_MAX 24
#define LETTER 6.6 /* width of most, at the size of the style sheet */

/* No quantity of ours comes near; a catalog that somebody made up may have it. */
#define BEYOND 1e30

/* An axis: values lo..hi, as logarithms where it is one of those, lie between two places in the picture. */
struct scale {
	bool is_log;
	double lo, hi, from, to;
	double ticks[TICKS_MAX];
	int nticks;
};

static bool is_shown(const struct plot *plot, const struct plot_point *point)
{
	return fabs(point->x) < BEYOND && fabs(point->y) < BEYOND && (!plot->is_x_log || point->x > 1 / BEYOND);
}

bool plot_has_points(const struct plot *plot)
{
	for (size_t s = 0; s < plot->nseries; s++)
		for (size_t i = 0; i < plot->series[s].n; i++)
			if (is_shown(plot, &plot->series[s].points[i]))
				return true;
	return false;
}

static double value_of(const struct scale *scale, double v)
{
	return scale->is_log ? log10(v) : v;
}

static double place(const struct scale *scale, double v)
{
	return scale->from + (value_of(scale, v) - scale->lo) / (scale->hi - scale->lo) * (scale->to - scale->from);
}

static void add_tick(struct scale *scale, double v)
{
	double at = value_of(scale, v);

	if (scale->nticks < TICKS_MAX && at >= scale->lo - 1e-9 && at <= scale->hi + 1e-9)
		scale->ticks[scale->nticks++] = v;
}

/* At most `n` or so, at whole multiples of 1, 2 or 5 times a power of ten. */
static void set_even_ticks(struct scale *scale, double lo, double hi, int n)
{
	double power = pow(10, floor(log10((hi - lo) / n))), step = power;

	for (int i = 0; i < 3 && (hi - lo) / step > n; i++)
		step = power * (i == 0 ? 2 : i == 1 ? 5 : 10);
	/* The first may be a zero with a sign. */
	for (int i = 0; i < TICKS_MAX; i++)
		add_tick(scale, (ceil(lo / step - 1e-9) + i) * step + 0.0);
}

static void set_log_ticks(struct scale *scale)
{
	bool is_wide = scale->hi - scale->lo > 2.5;

	for (int power = (int)floor(scale->lo); power <= (int)ceil(scale->hi); power++) {
		add_tick(scale, pow(10, power));
		if (!is_wide) {
			add_tick(scale, 2 * pow(10, power));
			add_tick(scale, 5 * pow(10, power));
		}
	}
	if (scale->nticks < 3) {
		scale->nticks = 0;
		set_even_ticks(scale, pow(10, scale->lo), pow(10, scale->hi), 6);
	}
}

static struct scale scale_of(const struct plot *plot, bool is_x)
{
	struct scale scale = {.is_log = is_x && plot->is_x_log, .lo = (double)INFINITY, .hi = (double)-INFINITY};

	for (size_t s = 0; s < plot->nseries; s++) {
		for (size_t i = 0; i < plot->series[s].n; i++) {
			const struct plot_point *point = &plot->series[s].points[i];
			if (!is_shown(plot, point))
				continue;
			double v = value_of(&scale, is_x ? point->x : point->y);
			scale.lo = fmin(scale.lo, v);
			scale.hi = fmax(scale.hi, v);
		}
	}
	double margin = scale.hi > scale.lo ? 0.03 * (scale.hi - scale.lo) : fmax(0.05 * fabs(scale.hi), 0.05);
	scale.lo -= margin;
	scale.hi += margin;
	scale.from = is_x ? LEFT : HEIGHT - BOTTOM;
	scale.to = is_x ? WIDTH - RIGHT : TOP;
	if (scale.is_log)
		set_log_ticks(&scale);
	else
		set_even_ticks(&scale, scale.lo, scale.hi, 8);
	return scale;
}

static void put_axes(FILE *out, const struct plot *plot, const struct scale *x, const struct scale *y)
{
	for (int i = 0; i < x->nticks; i++) {
		double at = place(x, x->ticks[i]);
		fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>", at, TOP, HEIGHT - BOTTOM);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%.6g</text>\n", at,
		        HEIGHT - BOTTOM + 18, x->ticks[i]);
	}
	for (int i = 0; i < y->nticks; i++) {
		double at = place(y, y->ticks[i]);
		fprintf(out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", LEFT, at, WIDTH - RIGHT);
		fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%.6g</text>\n", LEFT - 7, at + 4,
		        y->ticks[i]);
	}
	fprintf(out, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n", LEFT, TOP,
	        WIDTH - RIGHT - LEFT, HEIGHT - BOTTOM - TOP);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n", (LEFT + WIDTH - RIGHT) / 2,
	        HEIGHT - 10, plot->x_title);
	fprintf(out, "<text transform=\"translate(16 %.1f) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
	        (TOP + HEIGHT - BOTTOM) / 2, plot->y_title);
}

static void put_mark(FILE *out, enum plot_mark mark, const char *style, double x, double y)
{
	switch (mark) {
	case PLOT_TRIANGLE:
		fprintf(out, "<path class=\"mark %s\" d=\"M%.1f %.1fl4.2 7.4h-8.4z\">", style, x, y - 4.8);
		break;
	case PLOT_SQUARE:
		fprintf(out, "<path class=\"mark %s\" d=\"M%.1f %.1fh9v9h-9z\">", style, x - 4.5, y - 4.5);
		break;
	case PLOT_DIAMOND:
		fprintf(out, "<path class=\"mark %s\" d=\"M%.1f %.1fl5 5l-5 5l-5 -5z\">", style, x, y - 5);
		break;
	default:
		fprintf(out, "<circle class=\"mark %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\">", style, x, y,
		        mark == PLOT_RING ? "10" : "3.6");
	}
}

static void end_mark(FILE *out, enum plot_mark mark)
{
	fputs(mark == PLOT_CIRCLE || mark == PLOT_RING ? "</circle>\n" : "</path>\n", out);
}

static void put_named(FILE *out, const struct plot_series *series, const struct plot_point *point, double x, double y)
{
	char design[IC_DESIGN_STRING_SIZE];

	ic_design_print(&point->design, design);
	put_mark(out, series->mark, series->style, x, y);
	fputs("<title>", out);
	put_html_text(out, point->name ? point->name : design);
	fprintf(out, ": %.4g, %.2f (%s)</title>", point->x, point->y, series->name);
	end_mark(out, series->mark);
	if (point->name)
		fprintf(out, "<text class=\"number\" x=\"%.1f\" y=\"%.1f\">%zu</text>\n", x + 6, y - 5, point->number);
}

static void put_series(FILE *out, const struct plot *plot, const struct plot_series *series, const struct scale *xs,
                       const struct scale *ys)
{
	bool is_path = series->mark < PLOT_CIRCLE, has_any = false;

	for (size_t i = 0; i < series->n; i++) {
		const struct plot_point *point = &series->points[i];
		if (!is_shown(plot, point))
			continue;
		double x = place(xs, point->x), y = place(ys, point->y);
		if (!is_path) {
			put_named(out, series, point, x, y);
			continue;
		}
		if (!has_any)
			fprintf(out, "<path class=\"%s %s\" d=\"", series->mark == PLOT_DOTS ? "dots" : "curve",
			        series->style);
		if (series->mark == PLOT_DOTS)
			fprintf(out, "M%.1f %.1fh0", x, y);
		else if (series->mark == PLOT_STAIRS && has_any)
			fprintf(out, "H%.1fV%.1f", x, y);
		else
			fprintf(out, "%c%.1f %.1f", has_any ? 'L' : 'M', x, y);
		has_any = true;
	}
	if (has_any)
		fputs("\"/>\n", out);
}

static bool is_in_legend(const struct plot_series *series)
{
	return series->n && series->name;
}

/* From the end of one entry to the begin of the next: less where there are many, so that all are in the picture. */
static double legend_gap(const struct plot *plot)
{
	double width = 0;
	int n = 0;

	for (size_t s = 0; s < plot->nseries; s++) {
		if (!is_in_legend(&plot->series[s]))
			continue;
		width += LETTER * (double)strlen(plot->series[s].name);
		n++;
	}
	return n ? fmin(44, (WIDTH - LEFT - 8 - width) / n) : 0;
}

static void put_legend(FILE *out, const struct plot *plot)
{
	double at = LEFT + 8, gap = legend_gap(plot);

	for (size_t s = 0; s < plot->nseries; s++) {
		const struct plot_series *series = &plot->series[s];
		if (!is_in_legend(series))
			continue;
		if (series->mark == PLOT_DOTS) {
			fprintf(out, "<path class=\"dots %s\" d=\"M%.1f 20h0m-4 3h0m7 0h0\"/>", series->style, at);
		} else if (series->mark < PLOT_CIRCLE) {
			fprintf(out, "<path class=\"curve %s\" d=\"M%.1f 21h14\"/>", series->style, at - 8);
		} else {
			put_mark(out, series->mark, series->style, at, 21);
			end_mark(out, series->mark);
		}
		fprintf(out, "<text x=\"%.1f\" y=\"25\">%s</text>\n", at + 14, series->name);
		at += gap + LETTER * (double)strlen(series->name);
	}
}

void put_plot(FILE *out, const struct plot *plot)
{
	struct scale x = scale_of(plot, true), y = scale_of(plot, false);

	fprintf(out,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
	        "aria-labelledby=\"%s-title %s-description\">\n<title id=\"%s-title\">%s</title>\n"
	        "<desc id=\"%s-description\">%s</desc>\n",
	        WIDTH, HEIGHT, plot->id, plot->id, plot->id, plot->title, plot->id, plot->description);
	put_axes(out, plot, &x, &y);
	for (size_t s = 0; s < plot->nseries; s++)
		put_series(out, plot, &plot->series[s], &x, &y);
	put_legend(out, plot);
	fputs("</svg>\n", out);
}
