/* SPDX-License-Identifier: MIT */
/*
 * report_plot.h: points over two axes as an SVG that needs nothing beside the style of report_html.h. What is not
 * finite, and on an axis of logarithms what is not positive, is left out; so is what is beyond 1e30.
 */
#pragma once

#include "codec/design.h"

#include <stdbool.h>
#include <stdio.h>

enum plot_mark {
	PLOT_DOTS,   /* small and without names: for thousands */
	PLOT_CURVE,  /* a line from point to point */
	PLOT_STAIRS, /* a line that stays as high as a point until the next */
	PLOT_CIRCLE,
	PLOT_TRIANGLE,
	PLOT_SQUARE,
	PLOT_DIAMOND,
	PLOT_RING, /* about a point of another series */
};

struct plot_point {
	double x, y;
	/* Whose it is, told by PLOT_CIRCLE and those after it: a design, or what is called `name`, the `number`-th of its
	 * kind, which is written beside it. */
	struct ic_design design;
	const char *name; /* anybody's bytes; NULL: it is a design */
	size_t number;
};

struct plot_series {
	const char *name, *style; /* in the legend; class of the style sheet */
	enum plot_mark mark;
	const struct plot_point *points;
	size_t n;
};

struct plot {
	const char *id;                  /* of this plot in the page */
	const char *title, *description; /* for who does not see it */
	const char *x_title, *y_title;   /* with their units */
	bool is_x_log;
	const struct plot_series *series; /* later ones over earlier ones */
	size_t nseries;
};

/* Whether there is anything to show. None of its texts is escaped but names of points. */
bool plot_has_points(const struct plot *plot);
void put_plot(FILE *out, const struct plot *plot);
