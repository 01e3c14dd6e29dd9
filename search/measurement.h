/* SPDX-License-Identifier: MIT */
/*
 * measurement.h: what evaluations and timings told, kept for ever in the catalog.
 *
 * A measurement belongs to all that its result depends on: its key. It belongs to no search: whichever search comes to the
 * same key finds it. The first result of a key stays; a failure is replaced by a result. Nothing here removes anything.
 *
 * All functions are thread safe, and return the errors of catalog_open; what is put is on the disk when they return 0.
 */
#pragma once

#include "search/catalog.h"
#include "search/evaluator.h"

struct measurement_key {
	const char *evaluator; /* its identity (evaluator.h) */
	const char *dataset;   /* its fingerprint (dataset.h) */
	const char *hardware;  /* hardware_name() */
	unsigned codec;        /* IC_CODEC_VERSION */
	enum evaluator_split split;
	uint64_t seed;
	double fraction;
	struct ic_design design;
	/* Where the weights came from: designs trained before, the first one first, separated by '>'; "" from scratch. */
	const char *lineage;
};

struct measurement {
	int64_t id;
	bool is_failure; /* there is no result, and `failure` says why */
	bool is_foreign; /* of other hardware: accuracy and log-loss hold here too, seconds are NAN */
	bool is_timed;   /* its evaluator told seconds of the model, here or there */
	char failure[400];
	struct evaluator_result result;
	int64_t measured_s; /* since the epoch */
};

/* -ENOENT: there is none. Where this hardware has none, the result of another. */
errint_t measurement_get(struct catalog *catalog, const struct measurement_key *key,
                         struct measurement *ret_measurement, struct ic_why *why);

/* Put a result, or with `failure` (not NULL) the lack of one. */
errint_t measurement_put(struct catalog *catalog, const struct measurement_key *key,
                         const struct evaluator_result *result, const char *failure, int64_t *ret_id,
                         struct ic_why *why);

/* Seconds an image that reading and decoding take, on average over a sample of images; and their average bytes. */
struct cost_key {
	const char *dataset, *hardware;
	unsigned codec;
	struct ic_design design;
};
struct cost_measured {
	double nbytes, read_s, decode_s;
};
errint_t cost_get(struct catalog *catalog, const struct cost_key *key, struct cost_measured *ret_cost,
                  struct ic_why *why); /* -ENOENT */
errint_t cost_put(struct catalog *catalog, const struct cost_key *key, const struct cost_measured *cost,
                  struct ic_why *why); /* the first of a key stays */

/* Tell of every measurement, oldest first; the key's texts live as long as the call. `visit` returns 0 to go on, or what
 * measurement_each is to return; it must not use this catalog. */
typedef errint_t measurement_visit(void *context, const struct measurement_key *key,
                                   const struct measurement *measurement);
typedef errint_t cost_visit(void *context, const struct cost_key *key, const struct cost_measured *cost,
                            int64_t measured_s);
errint_t measurement_each(struct catalog *catalog, measurement_visit *visit, void *context, struct ic_why *why);
errint_t cost_each(struct catalog *catalog, cost_visit *visit, void *context, struct ic_why *why);

/* Put all that `other` knows, evaluations and costs, and `catalog` does not; all of it or nothing. How many were new. */
errint_t measurement_merge(struct catalog *catalog, struct catalog *other, uint64_t *ret_nnew, struct ic_why *why);
