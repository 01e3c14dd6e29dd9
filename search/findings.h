/* SPDX-License-Identifier: MIT */
/*
 * findings.h: all that a run knows of all 4,104 designs, made again from what the catalog keeps of it.
 *
 * The estimates are those that the run ended with, to the bit: they follow from its measurements and frozen costs alone. Of a
 * run that has not ended they are what it knows so far, and there is no frontier and no choice.
 */
#pragma once

#include "search/cost.h"
#include "search/estimate.h"
#include "search/run.h"

/* Of one design. */
struct finding {
	struct cost_features features; /* all 0 where the sizes of the sources were not given */
	struct design_cost cost;       /* NAN where that is not known */
	double mean, sd;               /* accuracy as estimated, and one standard deviation of that */
	int position;                  /* in the plan, of the evaluation that had a result; -1: there is none */
	bool is_candidate;             /* one that may be chosen: aim_admits */
	bool is_frontier;
};

struct findings {
	struct run run;
	struct cost_model costs;
	struct planned *plan;
	size_t nplan, nmeasured; /* evaluations, and those that had a result */
	bool keeps_proportions;  /* only designs that do are candidates */
	bool has_choice;         /* the run made one; the newest of them, withdrawn or not */
	struct choice choice;
	double noise; /* standard deviation of one evaluation, as estimated */
	/* Mean absolute error of the estimates, each evaluation told by the others: of the run's model, and of
	 * interpolation along bytes, the published talk's. The second is NAN where bytes are not known. */
	double error, error_along_cost;
	unsigned reference;                 /* the default design */
	struct finding at[IC_DESIGN_COUNT]; /* by ic_design_index */
};

/* Read a run. Costs of all designs need the sizes of the sources; without them (nshapes 0) those of the frontier and of the
 * choice are known. -ENOENT: no such run; -ENODATA: too few evaluations have a result, or the reference has none; -EBADMSG:
 * the catalog has no costs of it; errors of catalog_open; -EINVAL, -EFBIG: the shapes. */
errint_t findings_read(struct catalog *catalog, int64_t run, const struct space_shape *shapes, size_t nshapes,
                       struct findings **ret_findings, struct ic_why *why);
void findings_free(struct findings *findings); /* NULL is fine */

/* The accuracy that was measured of a design; NAN: none was. */
double findings_measured(const struct findings *findings, unsigned design);
