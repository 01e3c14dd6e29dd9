/* SPDX-License-Identifier: MIT */
/*
 * regret [-n EVALUATIONS,...] [-s SEEDS] [-b max-bytes|max-time] TRUTH...: how much accuracy a search loses against one that
 * evaluates all 4,104 designs, beside other ways to spend the same number of evaluations. A truth is a file of search_truth, or
 * noise=N: the synthetic one.
 *
 * Prints tables, and fails where at 150 evaluations the search loses more than half a point, or more than another way by half a
 * point or beyond what seeds and images explain: where the 95 % interval of the paired difference lies above 0.
 */
#include "ways.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const budgets[] = {"50%", "25%", "12%", "6%", "3%"};
#define NBUDGETS (sizeof(budgets) / sizeof(*budgets))
#define NSEEDS_MAX 20
#define NTRUTHS_MAX 8
#define NKEYS 2
#define MARGIN 0.005
static const char *const keys[NKEYS] = {"max-bytes", "max-time"};
static const char *const way_names[NWAYS] = {"search", "along cost", "random", "halving"};

/* What each way chose on one truth, under one budget, with one seed. */
struct cell {
	const struct truth *truth;
	unsigned source, seed, key; /* which of the truths that were named, from 0; which seed */
	bool is_met;                /* something meets the budget */
	unsigned exhaustive;
	struct found found[NWAYS];
};

struct options {
	unsigned nevaluations[8], n;
	unsigned nseeds;
	int key; /* -1: all */
	char **sources;
	unsigned nsources;
	struct truth *truths[NTRUTHS_MAX][NSEEDS_MAX]; /* recorded ones are the same for each seed */
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "regret: %s: %s\n", what, why);
	exit(EXIT_FAILURE);
}

/* --- What was lost ------------------------------------------------------------------------------------------------ */

static double regret(const struct cell *cell, enum way way)
{
	return cell->truth->of[cell->exhaustive].truth - cell->truth->of[cell->found[way].design].truth;
}

static double regret_of_loss(const struct cell *cell, enum way way)
{
	return cell->truth->of[cell->found[way].design].truth_loss - cell->truth->of[cell->exhaustive].truth_loss;
}

/* The same where each image that tells the truth counts so many times. */
static double regret_of_sample(const struct cell *cell, enum way way, const unsigned *times)
{
	const struct truth *truth = cell->truth;
	const uint8_t *best = truth->right + (size_t)cell->exhaustive * truth->ntruth;
	const uint8_t *found = truth->right + (size_t)cell->found[way].design * truth->ntruth;
	double sum = 0;

	for (unsigned i = 0; i < truth->ntruth; i++)
		sum += times[i] * ((double)best[i] - found[i]);
	return sum / truth->ntruth;
}

#define NSAMPLES 2000

static int compare_numbers(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double regret_of_draw(const struct cell *cell, enum way way, const unsigned *times)
{
	return cell->truth->right ? regret_of_sample(cell, way, times) : regret(cell, way);
}

/* One draw of seeds, and of the images of each truth; all designs of a cell are judged by the same images. What is lost, and
 * where `other` is a way, how much more than by that. */
static double resample(const struct cell *cells, size_t n, enum way way, enum way other, unsigned nseeds)
{
	unsigned seed_times[NSEEDS_MAX] = {0}, *times = NULL, source = (unsigned)-1;
	double sum = 0, weight = 0;

	for (unsigned i = 0; i < nseeds; i++)
		seed_times[(unsigned)(drand48() * nseeds)]++;
	for (size_t i = 0; i < n; i++) {
		const struct truth *truth = cells[i].truth;
		if (truth->right && cells[i].source != source) {
			source = cells[i].source;
			free(times);
			if (!(times = calloc(truth->ntruth, sizeof(*times))))
				die("bootstrap", "out of memory");
			for (unsigned k = 0; k < truth->ntruth; k++)
				times[(unsigned)(drand48() * truth->ntruth)]++;
		}
		unsigned seed = seed_times[cells[i].seed];
		weight += seed;
		if (seed)
			sum += seed * regret_of_draw(&cells[i], way, times);
		if (seed && other != NWAYS)
			sum -= seed * regret_of_draw(&cells[i], other, times);
	}
	free(times);
	return sum / weight;
}

/* The paired bootstrap's 95 % interval of that mean (Efron and Tibshirani, 1993, section 13.3). */
static void find_interval(const struct cell *cells, size_t n, enum way way, enum way other, unsigned nseeds,
                          double ret_interval[2])
{
	static double means[NSAMPLES];

	srand48(1);
	for (unsigned i = 0; i < NSAMPLES; i++)
		means[i] = resample(cells, n, way, other, nseeds);
	qsort(means, NSAMPLES, sizeof(*means), compare_numbers);
	ret_interval[0] = means[NSAMPLES / 40];
	ret_interval[1] = means[NSAMPLES - 1 - NSAMPLES / 40];
}

/* --- Tables ------------------------------------------------------------------------------------------------------- */

static double mean_of(const struct cell *cells, size_t n, enum way way,
                      double (*value)(const struct cell *cell, enum way way))
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += value(&cells[i], way);
	return sum / (double)n;
}

static double error_of(const struct cell *cell, enum way way)
{
	return cell->found[way].error;
}

static double rank_of(const struct cell *cell, enum way way)
{
	return cell->found[way].rank_correlation;
}

static double unseen_error_of(const struct cell *cell, enum way way)
{
	return cell->found[way].unseen_error;
}

static double unseen_rank_of(const struct cell *cell, enum way way)
{
	return cell->found[way].unseen_rank_correlation;
}

/* Where there is one: under a small budget everything may be evaluated. */
static double mean_of_known(const struct cell *cells, size_t n, enum way way,
                            double (*value)(const struct cell *, enum way))
{
	double sum = 0;
	size_t nknown = 0;

	for (size_t i = 0; i < n; i++) {
		double one = value(&cells[i], way);
		if (!isfinite(one))
			continue;
		sum += one;
		nknown++;
	}
	return sum / (double)nknown;
}

/* Of the search and along cost. */
static void print_errors(const struct cell *cells, size_t n, double (*error)(const struct cell *, enum way),
                         double (*rank)(const struct cell *, enum way))
{
	for (enum way way = WAY_SEARCH; way <= WAY_ALONG_COST; way++)
		printf("  %.2f %.2f", 100 * mean_of_known(cells, n, way, error), mean_of_known(cells, n, way, rank));
}

static void print_row(const char *name, unsigned nevaluations, const struct cell *cells, size_t n, unsigned nseeds)
{
	printf("%-16.16s %4zu %4u", name, n, nevaluations);
	for (unsigned way = 0; way < NWAYS; way++) {
		double interval[2];
		find_interval(cells, n, way, NWAYS, nseeds, interval);
		printf("  %5.2f [%5.2f,%5.2f] %6.3f", 100 * mean_of(cells, n, way, regret), 100 * interval[0],
		       100 * interval[1], mean_of(cells, n, way, regret_of_loss));
	}
	print_errors(cells, n, error_of, rank_of);
	print_errors(cells, n, unseen_error_of, unseen_rank_of);
	putchar('\n');
}

/* What the search loses more than the others do; whether one of them loses less, beyond chance or beyond the margin. */
static bool print_differences(const struct cell *cells, size_t n, unsigned nseeds)
{
	bool is_beaten = false;

	printf("  more than");
	for (unsigned way = 1; way < NWAYS; way++) {
		double interval[2];
		double difference = mean_of(cells, n, WAY_SEARCH, regret) - mean_of(cells, n, way, regret);
		find_interval(cells, n, WAY_SEARCH, way, nseeds, interval);
		printf("%s %s %.2f [%.2f,%.2f]", way > 1 ? "," : "", way_names[way], 100 * difference,
		       100 * interval[0], 100 * interval[1]);
		is_beaten = is_beaten || interval[0] > 0 || difference > MARGIN;
	}
	printf("\n");
	return is_beaten;
}

static void print_head(void)
{
	printf("regret in points [95 %% interval], regret in log-loss; estimate's error in points and rank "
	       "correlation, of "
	       "the search and along cost: of evaluations told by the others, and of what was not evaluated\n"
	       "%-16s %4s %4s",
	       "", "runs", "n");
	for (unsigned way = 0; way < NWAYS; way++)
		printf("  %-26s", way_names[way]);
	printf("\n");
}

/* A row for each truth, for each kind of budget, and for all; whether the search is as good as it should be. */
static bool print_rows(const struct options *options, unsigned nevaluations, const struct cell *cells, size_t n)
{
	struct cell *kept = calloc(n, sizeof(*kept));

	if (!kept)
		die("table", "out of memory");
	for (unsigned row = 0; row < options->nsources + NKEYS; row++) {
		bool is_source = row < options->nsources;
		size_t nkept = 0;
		for (size_t i = 0; i < n; i++)
			if (is_source ? cells[i].source == row : cells[i].key == row - options->nsources)
				kept[nkept++] = cells[i];
		if (!nkept || nkept == n)
			continue;
		const char *name = is_source ? kept[0].truth->name : keys[row - options->nsources];
		print_row(name, nevaluations, kept, nkept, options->nseeds);
	}
	free(kept);
	print_row("all", nevaluations, cells, n, options->nseeds);
	bool is_beaten = print_differences(cells, n, options->nseeds);
	fflush(stdout);
	return nevaluations != 150 || (!is_beaten && mean_of(cells, n, WAY_SEARCH, regret) <= MARGIN);
}

/* --- Running ------------------------------------------------------------------------------------------------------ */

/* False where nothing meets the budget. */
static bool fill(struct cell *cell, const char *folder, struct truth *truth, const char *key, const char *budget,
                 unsigned seed, unsigned nevaluations)
{
	struct task *task = malloc(sizeof(*task));

	if (!task || task_init(task, truth, folder, key, budget, seed, nevaluations))
		die(truth->name, "no task");
	cell->truth = truth;
	bool is_met = exhaustive(task, &cell->exhaustive);
	for (unsigned way = 0; is_met && way < NWAYS; way++)
		cell->found[way] = go(task, way);
	free(task);
	return is_met;
}

/* All cells of one truth; in a process of its own. */
static void fill_source(const struct options *options, const char *folder, unsigned source, unsigned nevaluations,
                        struct cell *cells)
{
	char own[64];

	snprintf(own, sizeof(own), "%s/%u", folder, source);
	if (mkdir(own, 0700))
		die(own, "cannot be made");
	for (unsigned i = 0; i < NKEYS * NBUDGETS * options->nseeds; i++) {
		unsigned seed = i / (NKEYS * NBUDGETS), key = i / NBUDGETS % NKEYS;
		if (options->key >= 0 && (unsigned)options->key != key)
			continue;
		cells[i] = (struct cell){.source = source, .seed = seed, .key = key};
		cells[i].is_met = fill(&cells[i], own, options->truths[source][seed], keys[key], budgets[i % NBUDGETS],
		                       seed + 1, nevaluations);
	}
	if (rmdir(own))
		die(own, "cannot be removed");
}

static bool compare(const struct options *options, const char *folder, unsigned nevaluations)
{
	size_t each = NKEYS * NBUDGETS * options->nseeds, nall = each * options->nsources, n = 0;
	struct cell *cells =
	        mmap(NULL, nall * sizeof(*cells), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool is_good = true;

	if (cells == MAP_FAILED)
		die("table", "out of memory");
	for (unsigned source = 0; source < options->nsources; source++) {
		pid_t child = fork();
		if (child < 0)
			die("fork", strerror(errno));
		if (child)
			continue;
		fill_source(options, folder, source, nevaluations, cells + source * each);
		_exit(EXIT_SUCCESS);
	}
	for (int status; wait(&status) > 0;)
		is_good = is_good && WIFEXITED(status) && !WEXITSTATUS(status);
	if (!is_good)
		die("searching", "a process failed");
	for (size_t i = 0; i < nall; i++)
		if (cells[i].is_met)
			cells[n++] = cells[i];
	is_good = n && print_rows(options, nevaluations, cells, n);
	munmap(cells, nall * sizeof(*cells));
	return is_good;
}

static void read_truths(struct options *options)
{
	for (unsigned source = 0; source < options->nsources; source++) {
		const char *name = options->sources[source];
		struct ic_why why = {""};
		for (unsigned seed = 0; seed < options->nseeds; seed++) {
			struct truth **truth = &options->truths[source][seed];
			if (!strncmp(name, "noise=", 6) && !(*truth = truth_synthetic(atof(name + 6), seed + 1)))
				die(name, "out of memory");
			if (!*truth && seed)
				*truth = options->truths[source][0];
			if (!*truth && truth_read(name, truth, &why))
				die(name, why.text);
		}
	}
}

static void read_numbers(struct options *options, char *text)
{
	options->n = 0;
	for (char *token = strtok(text, ","); token && options->n < 8; token = strtok(NULL, ","))
		options->nevaluations[options->n++] = (unsigned)strtoul(token, NULL, 10);
}

static bool read_options(struct options *options, int argc, char **argv)
{
	for (int option; (option = getopt(argc, argv, "n:s:b:")) != -1;) {
		if (option == 'n')
			read_numbers(options, optarg);
		else if (option == 's')
			options->nseeds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'b')
			options->key = !strcmp(optarg, keys[1]);
		else
			return false;
	}
	options->sources = argv + optind;
	options->nsources = (unsigned)(argc - optind);
	return options->nsources && options->nsources <= NTRUTHS_MAX && options->nseeds &&
	       options->nseeds <= NSEEDS_MAX && options->n;
}

int main(int argc, char **argv)
{
	static struct options options = {.nevaluations = {50, 150, 300}, .n = 3, .nseeds = 5, .key = -1};
	char folder[] = "/dev/shm/icfs-regret-XXXXXX"; /* hundreds of catalogs, each written to the disk many times */
	bool is_good = true;

	if (!read_options(&options, argc, argv)) {
		fprintf(stderr, "usage: regret [-n EVALUATIONS,...] [-s SEEDS] [-b max-bytes|max-time] TRUTH...\n");
		return 2;
	}
	read_truths(&options);
	if (!mkdtemp(folder))
		die(folder, "cannot be made");
	print_head();
	for (unsigned i = 0; i < options.n; i++)
		is_good &= compare(&options, folder, options.nevaluations[i]);
	if (rmdir(folder))
		die(folder, "cannot be removed");
	for (unsigned source = 0; source < options.nsources; source++)
		for (unsigned seed = 0; seed < options.nseeds; seed++)
			if (!seed || options.truths[source][seed] != options.truths[source][0])
				truth_free(options.truths[source][seed]);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
