/* SPDX-License-Identifier: MIT */
#include "ways.h"

#include "search/findings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void die(const char *what, const struct ic_why *why)
{
	fprintf(stderr, "regret: %s: %s\n", what, why->text);
	exit(EXIT_FAILURE);
}

errint_t task_init(struct task *task, struct truth *truth, const char *folder, const char *key, const char *value,
                   uint64_t seed, unsigned nevaluations)
{
	struct ic_design reference = ic_design_default();
	struct cost_features *features = calloc(IC_DESIGN_COUNT, sizeof(*features));
	struct cost_model model;
	errint_t err = features ? 0 : -1;

	*task = (struct task){.truth = truth, .settings = truth_settings(truth), .folder = folder};
	task->settings.seed = seed;
	task->settings.nevaluations = nevaluations;
	task->settings.nverify = nevaluations * 2 / 5;
	task->reference = (unsigned)ic_design_index(&reference);
	if (!err)
		err = aim_set(&task->settings.aim, key, value, NULL);
	aim_complete(&task->settings.aim);
	if (!err)
		err = cost_features_of_base(truth->shapes, truth->nshapes, features);
	if (!err)
		err = task->settings.measure(NULL, &model, NULL);
	for (unsigned i = 0; !err && i < IC_DESIGN_COUNT; i++)
		task->cost[i] = cost_of(&model, &features[i]);
	free(features);
	return err;
}

static bool affords(const struct task *task, unsigned i)
{
	return aim_affords(&task->settings.aim, &task->cost[i], &task->cost[task->reference]);
}

/* All that can be afforded, in the order of the space. */
static size_t affordable(const struct task *task, unsigned *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (affords(task, i))
			out[n++] = i;
	return n;
}

static unsigned best_of(const struct truth *truth, const unsigned *at, size_t n)
{
	unsigned best = at[0];

	for (size_t i = 1; i < n; i++) {
		const struct truth_of *a = &truth->of[at[i]], *b = &truth->of[best];
		if (a->select > b->select || (a->select == b->select && a->select_loss < b->select_loss))
			best = at[i];
	}
	return best;
}

bool exhaustive(const struct task *task, unsigned *ret_design)
{
	unsigned at[IC_DESIGN_COUNT];
	size_t n = affordable(task, at);

	if (n)
		*ret_design = best_of(task->truth, at, n);
	return n > 0;
}

static void shuffle(unsigned *at, size_t n, uint64_t seed)
{
	srand48((long)seed);
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)(drand48() * (double)i);
		unsigned other = at[i - 1];
		at[i - 1] = at[j];
		at[j] = other;
	}
}

static unsigned by_random(const struct task *task)
{
	unsigned at[IC_DESIGN_COUNT];
	size_t n = affordable(task, at);

	shuffle(at, n, task->settings.seed);
	return best_of(task->truth, at, n < task->settings.nevaluations ? n : task->settings.nevaluations);
}

struct scored {
	double accuracy;
	unsigned design;
};

static int compare_scored(const void *a, const void *b)
{
	double x = ((const struct scored *)a)->accuracy, y = ((const struct scored *)b)->accuracy;

	return x > y ? -1 : x < y;
}

/* Successive halving (Jamieson and Talwalkar, 2016): as many images are trained on in each of the rounds, a half of the
 * designs is left after it, and each of those learns from twice as many. */
static unsigned by_halving(const struct task *task)
{
	unsigned at[IC_DESIGN_COUNT];
	struct scored scored[IC_DESIGN_COUNT];
	const unsigned nrounds = TRUTH_NPARTS + 1;
	size_t n = affordable(task, at), left = (task->settings.nevaluations << TRUTH_NPARTS) / nrounds;

	shuffle(at, n, task->settings.seed);
	left = left < n ? left : n;
	for (unsigned round = 0; round < TRUTH_NPARTS; round++) {
		for (size_t i = 0; i < left; i++)
			scored[i] = (struct scored){task->truth->of[at[i]].part[round], at[i]};
		qsort(scored, left, sizeof(*scored), compare_scored);
		left = left > 1 ? left / 2 : 1;
		for (size_t i = 0; i < left; i++)
			at[i] = scored[i].design;
	}
	return best_of(task->truth, at, left);
}

/* --- What the model says of what was not evaluated ----------------------------------------------------------------- */

struct pair {
	double estimate, told, rank;
};

static int compare_estimates(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->estimate, y = ((const struct pair *)b)->estimate;

	return (x > y) - (x < y);
}

static int compare_told(const void *a, const void *b)
{
	double x = ((const struct pair *)a)->told, y = ((const struct pair *)b)->told;

	return (x > y) - (x < y);
}

/* Pearson's correlation of ranks, equal values sharing the mean of theirs: Spearman's. Sorts the pairs. */
static double rank_correlation(struct pair *pairs, size_t n)
{
	double middle = ((double)n - 1) / 2, ab = 0, aa = 0, bb = 0;

	qsort(pairs, n, sizeof(*pairs), compare_estimates);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && pairs[end].estimate == pairs[i].estimate; end++)
			;
		for (size_t k = i; k < end; k++)
			pairs[k].rank = (double)(i + end - 1) / 2 - middle;
	}
	qsort(pairs, n, sizeof(*pairs), compare_told);
	for (size_t i = 0, end; i < n; i = end) {
		for (end = i + 1; end < n && pairs[end].told == pairs[i].told; end++)
			;
		for (size_t k = i; k < end; k++) {
			double rank = (double)(i + end - 1) / 2 - middle;
			ab += rank * pairs[k].rank;
			aa += pairs[k].rank * pairs[k].rank;
			bb += rank * rank;
		}
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void judge_unseen(const struct task *task, int64_t run, struct found *found)
{
	static struct pair pairs[IC_DESIGN_COUNT];
	struct findings *findings;
	struct ic_why why = {""};
	double sum = 0;
	size_t n = 0;

	if (findings_read(task->settings.catalog, run, task->truth->shapes, task->truth->nshapes, &findings, &why))
		die("findings", &why);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		if (findings->at[i].position >= 0 || !affords(task, i))
			continue;
		pairs[n] = (struct pair){.estimate = findings->at[i].mean, .told = task->truth->of[i].select};
		sum += fabs(pairs[n].estimate - pairs[n].told);
		n++;
	}
	findings_free(findings);
	found->unseen_error = n ? sum / (double)n : (double)NAN;
	found->unseen_rank_correlation = n ? rank_correlation(pairs, n) : (double)NAN;
}

/* A catalog of its own for each search: what one knows, the other must not. */
static struct found by_search(struct task *task, enum estimate_model model)
{
	struct search_outcome outcome;
	struct ic_why why = {""};
	char path[4096];

	snprintf(path, sizeof(path) - sizeof("-search"), "%s/catalog.db", task->folder);
	if (catalog_open(path, &task->settings.catalog, &why))
		die(path, &why);
	task->settings.model = model;
	if (search_run(&task->settings, &outcome, &why))
		die("search", &why);
	if (!outcome.has_choice)
		die("search", &(struct ic_why){"no choice"});
	struct found found = {(unsigned)ic_design_index(&outcome.choice.design), outcome.error,
	                      outcome.rank_correlation, (double)NAN, (double)NAN};
	judge_unseen(task, outcome.run, &found);
	search_outcome_clear(&outcome);
	catalog_close(task->settings.catalog);
	if (unlink(path) || unlink(strcat(path, "-search")))
		die("unlink", &(struct ic_why){"a catalog, or the lock beside it"});
	return found;
}

struct found go(struct task *task, enum way way)
{
	switch (way) {
	case WAY_SEARCH:
		return by_search(task, ESTIMATE_MONOTONE);
	case WAY_ALONG_COST:
		return by_search(task, ESTIMATE_ALONG_COST);
	case WAY_RANDOM:
		return (struct found){.design = by_random(task)};
	default:
		return (struct found){.design = by_halving(task)};
	}
}
