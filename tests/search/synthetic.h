/* SPDX-License-Identifier: MIT */
/* synthetic.h: an evaluator whose truth is known. Its accuracy is a function of the design that never falls as k or q grows
 * or as sampling gets finer; what it reports to select by has noise, the same for the same design and seed. */
#pragma once

#include "search/search.h"

struct synthetic {
	double noise;             /* standard deviation */
	double unequal_gain;      /* accuracy that is gained where columns and rows are sampled unequally */
	unsigned sleep_us;        /* an evaluation takes */
	double infer_s;           /* of the model, an image; 0: a millisecond */
	double coefficient_s;     /* and for each coefficient */
	bool is_untimed;          /* it tells no seconds */
	const char *fails_within; /* designs that this one covers have no result; NULL: all have; "": none has */
	unsigned njobs_max;
	atomic_uint ncalls, nrunning, nrunning_most;
	atomic_uint stops_at; /* the call that returns -EIO instead; 0: none */
};

extern const struct evaluator evaluator_synthetic; /* its handle is a struct synthetic, not opened */

double synthetic_truth(const struct ic_design *design);

/* Settings of a search of it: 100 photographs of 500 x 375, seconds by fixed coefficients. */
struct search_settings synthetic_settings(struct catalog *catalog, struct synthetic *synthetic);
