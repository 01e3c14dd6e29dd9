/* SPDX-License-Identifier: MIT */
/* What is evaluated by what it costs, before its accuracy is known. */
#include "search/search_priv.h"

#include "search/coordinates.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* Designs of a bucket that are drawn, of which the one farthest from all that are planned is taken (Mitchell, Spectrally
 * optimal sampling, 1991): few keep the plan random, many spread it. */
#define DRAWN 12

struct ranked {
	double cost;
	unsigned design;
};

static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *left = a, *right = b;

	if (left->cost != right->cost)
		return left->cost > right->cost ? -1 : 1;
	return left->design < right->design ? -1 : left->design > right->design;
}

/* splitmix64 (Steele, Lea and Flood, Fast splittable pseudorandom number generators, 2014) */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* Those that a plan has. */
static void mark_planned(const struct search *search, bool is_planned[IC_DESIGN_COUNT])
{
	for (size_t i = 0; i < search->nplan; i++)
		is_planned[ic_design_index(&search->plan[i].design)] = true;
}

/* All that an aim can afford and that are not planned, dearest first: by seconds where time is limited or asked for, else by
 * bytes. */
static size_t rank_within(const struct search *search, const struct aim *aim, struct ranked *out)
{
	const struct aim *asked = &search->settings->aim;
	bool by_time = asked->time.is_set || (!asked->bytes.is_set && asked->time_weight + asked->training_weight > 0);
	bool is_planned[IC_DESIGN_COUNT] = {false};
	size_t n = 0;

	mark_planned(search, is_planned);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		const struct design_cost *cost = &search->cost[i];
		if (!is_planned[i] && search_affords(search, aim, i))
			out[n++] = (struct ranked){by_time ? cost->infer_s : cost->nbytes, i};
	}
	qsort(out, n, sizeof(*out), compare_ranked);
	return n;
}

/* Before the model's time is known, reading and decoding are taken for all of it, as long as that leaves `least`. */
static size_t rank(const struct search *search, size_t least, struct ranked *out)
{
	struct aim aim = search_aim_known(search);
	size_t n = rank_within(search, &search->settings->aim, out);

	return n < least ? rank_within(search, &aim, out) : n;
}

static double distance_to_plan(unsigned design, const struct coordinates *x, size_t n)
{
	struct ic_design d = ic_design_default();
	double least = (double)INFINITY;

	ic_design_at(design, &d);
	struct coordinates at = coordinates_of(&d);
	for (size_t i = 0; i < n; i++)
		least = fmin(least, coordinates_distance(&at, &x[i]));
	return least;
}

/* One of ranked[0..n): of those that are known, if any are, else of some that are drawn, the farthest from the plan. */
static unsigned pick(const struct ranked *ranked, size_t n, const bool *is_known, const struct coordinates *x,
                     size_t nx, uint64_t *state)
{
	unsigned best = ranked[0].design, known = IC_DESIGN_COUNT;
	double farthest = -1, farthest_known = -1;

	for (unsigned i = 0; i < DRAWN; i++) {
		unsigned design = ranked[draw(state) % n].design;
		double distance = distance_to_plan(design, x, nx);
		if (distance <= farthest)
			continue;
		farthest = distance;
		best = design;
	}
	for (size_t i = 0; is_known && i < n; i++) {
		double distance = is_known[ranked[i].design] ? distance_to_plan(ranked[i].design, x, nx) : -1;
		if (distance <= farthest_known)
			continue;
		farthest_known = distance;
		known = ranked[i].design;
	}
	return known < IC_DESIGN_COUNT ? known : best;
}

int plan_parent(const struct planned *plan, size_t n, const struct ic_design *design)
{
	struct coordinates x = coordinates_of(design);
	double least = (double)INFINITY;
	int parent = n ? 0 : -1;

	for (size_t i = 0; i < n; i++) {
		if (ic_design_compare_density(&plan[i].design, design) < 0)
			continue;
		struct coordinates y = coordinates_of(&plan[i].design);
		double distance = coordinates_distance(&x, &y);
		if (distance >= least)
			continue;
		least = distance;
		parent = (int)i;
	}
	return parent;
}

size_t plan_known(struct search *search, const bool *is_known, size_t most)
{
	size_t n = 0, nplan = search->nplan;
	unsigned known[IC_DESIGN_COUNT];
	bool is_planned[IC_DESIGN_COUNT] = {false};

	mark_planned(search, is_planned);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (is_known[i] && !is_planned[i] && search_affords(search, &search->settings->aim, i))
			known[n++] = i;
	if (most > n)
		most = n;
	for (size_t i = 0; i < most; i++) {
		struct planned *out = &search->plan[search->nplan++];
		*out = (struct planned){.round = 0};
		ic_design_at(known[i * n / most], &out->design);
		out->parent = plan_parent(search->plan, nplan, &out->design);
	}
	return most;
}

static int compare_density(const void *a, const void *b)
{
	const struct planned *left = a, *right = b;
	int order = ic_design_compare_density(&right->design, &left->design);

	return order ? order : ic_design_index(&left->design) - ic_design_index(&right->design);
}

errint_t plan_buckets(struct search *search, size_t n, const bool *is_known)
{
	struct ranked *ranked = calloc(IC_DESIGN_COUNT, sizeof(*ranked));
	struct coordinates *x = calloc(search->nplan + n, sizeof(*x));
	struct planned *out = search->plan + search->nplan;
	uint64_t state = search->settings->seed + search->nplan; /* what is added later is drawn anew */
	size_t nx = 0;

	if (!ranked || !x) {
		free(ranked);
		free(x);
		return -ENOMEM;
	}
	size_t nranked = rank(search, n, ranked), nbuckets = n < nranked ? n : nranked;
	while (nx < search->nplan) {
		x[nx] = coordinates_of(&search->plan[nx].design);
		nx++;
	}
	for (size_t i = 0; i < nbuckets; i++) {
		size_t first = i * nranked / nbuckets, end = (i + 1) * nranked / nbuckets;
		out[i] = (struct planned){.round = 0};
		ic_design_at(pick(ranked + first, end - first, is_known, x, nx, &state), &out[i].design);
		x[nx++] = coordinates_of(&out[i].design);
	}
	free(ranked);
	free(x);
	qsort(out, nbuckets, sizeof(*out), compare_density);
	for (size_t i = 0; i < nbuckets; i++) {
		out[i].parent = plan_parent(search->plan, search->nplan, &out[i].design);
		search->nplan++;
	}
	return 0;
}
