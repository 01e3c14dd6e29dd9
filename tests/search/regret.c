/* SPDX-License-Identifier: MIT */
/*
 * How much accuracy a search loses against one that evaluates all 4,104 designs, beside other ways to spend the same number of
 * evaluations. Usage: regret [NOISE [SEEDS]]; prints a table, and fails where at 150 evaluations the search loses more than
 * half a point, or more than another way.
 */
#include "synthetic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const budgets[] = {"50%", "25%", "12%", "6%", "3%"};
#define NBUDGETS (sizeof(budgets) / sizeof(*budgets))

struct task {
	struct search_settings settings;
	struct design_cost cost[IC_DESIGN_COUNT];
	unsigned reference;
	double exhaustive; /* truth of the design that looks best of all that can be afforded */
};

static void die(const char *what, const struct ic_why *why)
{
	fprintf(stderr, "regret: %s: %s\n", what, why->text);
	exit(EXIT_FAILURE);
}

static bool affords(const struct task *task, unsigned i)
{
	return aim_affords(&task->settings.aim, &task->cost[i], &task->cost[task->reference]);
}

static double evaluate(const struct task *task, unsigned i, double fraction, enum evaluator_split split)
{
	struct evaluator_job job = {.split = split, .seed = task->settings.seed, .fraction = fraction};
	struct evaluator_result result = {.accuracy = 0};
	struct ic_why why = {""};

	ic_design_at(i, &job.design);
	if (task->settings.evaluator->evaluate(task->settings.handle, &job, &result, &why))
		die("evaluate", &why);
	return result.accuracy;
}

static double truth(const struct task *task, unsigned i)
{
	return evaluate(task, i, 1, EVALUATOR_TRUTH);
}

static void prepare(struct task *task)
{
	struct ic_design reference = ic_design_default();
	struct cost_features *features = calloc(IC_DESIGN_COUNT, sizeof(*features));
	struct cost_model model;
	double best = -1;
	int at = -1;

	if (!features || cost_features_of_base(task->settings.shapes, task->settings.nshapes, features) ||
	    task->settings.measure(NULL, &model, NULL))
		exit(EXIT_FAILURE);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		task->cost[i] = cost_of(&model, &features[i]);
	free(features);
	task->reference = (unsigned)ic_design_index(&reference);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		double accuracy = affords(task, i) ? evaluate(task, i, 1, EVALUATOR_SELECT) : -1;
		if (accuracy <= best)
			continue;
		best = accuracy;
		at = (int)i;
	}
	task->exhaustive = truth(task, (unsigned)at);
}

static double by_search(struct task *task, enum estimate_model model)
{
	struct search_outcome outcome;
	struct ic_why why = {""};

	task->settings.model = model;
	if (search_run(&task->settings, &outcome, &why))
		die("search", &why);
	if (!outcome.has_choice)
		die("search", &(struct ic_why){"no choice"});
	double chosen = truth(task, (unsigned)ic_design_index(&outcome.choice.design));
	search_outcome_clear(&outcome);
	return chosen;
}

static size_t affordable(const struct task *task, unsigned *out)
{
	size_t n = 0;

	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		if (affords(task, i))
			out[n++] = i;
	return n;
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

/* The best of so many drawn at random. */
static double by_random(const struct task *task)
{
	unsigned at[IC_DESIGN_COUNT], best = 0;
	size_t n = affordable(task, at);
	double most = -1;

	shuffle(at, n, task->settings.seed);
	for (size_t i = 0; i < n && i < task->settings.nevaluations; i++) {
		double accuracy = evaluate(task, at[i], 1, EVALUATOR_SELECT);
		if (accuracy <= most)
			continue;
		most = accuracy;
		best = at[i];
	}
	return truth(task, best);
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
static double by_halving(const struct task *task)
{
	unsigned at[IC_DESIGN_COUNT];
	struct scored scored[IC_DESIGN_COUNT];
	const unsigned nrounds = 5;
	size_t n = affordable(task, at), left = (task->settings.nevaluations << (nrounds - 1)) / nrounds;

	shuffle(at, n, task->settings.seed);
	left = left < n ? left : n;
	for (size_t i = 0; i < left; i++)
		scored[i].design = at[i];
	for (unsigned round = 0; round < nrounds; round++) {
		double fraction = 1.0 / (1u << (nrounds - 1 - round));
		for (size_t i = 0; i < left; i++)
			scored[i].accuracy = evaluate(task, scored[i].design, fraction, EVALUATOR_SELECT);
		qsort(scored, left, sizeof(*scored), compare_scored);
		left = left > 1 ? left / 2 : 1;
	}
	return truth(task, scored[0].design);
}

enum way {
	WAY_SEARCH,
	WAY_ALONG_COST,
	WAY_RANDOM,
	WAY_HALVING,
	NWAYS,
};

/* A catalog of its own for each search: what one knows, the other must not. */
static double searched(struct task *task, const char *folder, enum estimate_model model)
{
	struct ic_why why = {""};
	char path[4096];

	snprintf(path, sizeof(path), "%s/catalog.db", folder);
	if (catalog_open(path, &task->settings.catalog, &why))
		die(path, &why);
	double chosen = by_search(task, model);
	catalog_close(task->settings.catalog);
	if (unlink(path))
		die("unlink", &(struct ic_why){"a catalog"});
	return chosen;
}

static void add_regrets(struct task *task, const char *folder, double regret[NWAYS])
{
	prepare(task);
	regret[WAY_SEARCH] += task->exhaustive - searched(task, folder, ESTIMATE_MONOTONE);
	regret[WAY_ALONG_COST] += task->exhaustive - searched(task, folder, ESTIMATE_ALONG_COST);
	regret[WAY_RANDOM] += task->exhaustive - by_random(task);
	regret[WAY_HALVING] += task->exhaustive - by_halving(task);
}

/* Prints one line; whether the search is as good as it should be. */
static bool compare(struct task *task, struct synthetic *synthetic, const char *folder, unsigned nevaluations,
                    unsigned nseeds)
{
	double regret[NWAYS] = {0};
	bool is_least = true;

	for (unsigned i = 0; i < NBUDGETS * nseeds; i++) {
		task->settings = synthetic_settings(NULL, synthetic);
		task->settings.seed = 1 + i / NBUDGETS;
		task->settings.nevaluations = nevaluations;
		task->settings.nverify = nevaluations * 2 / 5;
		aim_set(&task->settings.aim, "max-bytes", budgets[i % NBUDGETS], NULL);
		aim_complete(&task->settings.aim);
		add_regrets(task, folder, regret);
	}
	printf("%4u ", nevaluations);
	for (unsigned i = 0; i < NWAYS; i++) {
		printf(" %9.2f", 100 * regret[i] / (NBUDGETS * nseeds));
		is_least = is_least && regret[WAY_SEARCH] <= regret[i];
	}
	printf("\n");
	return nevaluations != 150 || (is_least && regret[WAY_SEARCH] / (NBUDGETS * nseeds) <= 0.005);
}

int main(int argc, char **argv)
{
	struct synthetic synthetic = {.noise = argc > 1 ? atof(argv[1]) : 0.01};
	unsigned nseeds = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	struct task *task = calloc(1, sizeof(*task));
	char folder[] = "/dev/shm/icfs-regret-XXXXXX"; /* hundreds of catalogs, each written to the disk many times */
	bool is_good = true;

	if (!task || !mkdtemp(folder)) {
		fputs("regret: no folder for catalogs\n", stderr);
		return EXIT_FAILURE;
	}
	printf("mean regret in points, noise %g, %zu budgets x %u seeds\n", synthetic.noise, NBUDGETS, nseeds);
	printf("%4s  %9s %9s %9s %9s\n", "n", "search", "cost", "random", "halving");
	is_good &= compare(task, &synthetic, folder, 50, nseeds);
	is_good &= compare(task, &synthetic, folder, 150, nseeds);
	is_good &= compare(task, &synthetic, folder, 300, nseeds);
	rmdir(folder);
	free(task);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
