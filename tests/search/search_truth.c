/* SPDX-License-Identifier: MIT */
/*
 * search_truth [-s STEP] [-t THREADS] DATASET CSV [DESIGN...]: have the probe judge these designs, or every STEP-th of
 * the 4,104 (default 1: all), and append a line of each to CSV. What is there already is not measured again, so that
 * the same command goes on after a kill.
 *
 * The file begins with how many images select and tell the truth, and with the sizes of the data set's images and how many
 * are of each. Columns: the design; how many images to select by were called right, and their log-loss; the log-loss of those
 * that tell the truth; how many to select by were right where a 16th, an 8th, a 4th, a half of the training images were
 * trained on; of each image that tells the truth whether it was called right, six to a digit (0-9, A-Z, a-z, +, -), the first
 * one highest.
 */
#include "search/dataset.h"
#include "search/probe.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char head[] = "design,select,select_loss,truth_loss,16th,8th,4th,half,truth\n";
static const double fractions[] = {0.0625, 0.125, 0.25, 0.5};
#define NFRACTIONS (sizeof(fractions) / sizeof(*fractions))

static atomic_bool cancelled;

static void stop(int signal)
{
	(void)signal;
	cancelled = true;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "search_truth: %s: %s\n", what, why);
	exit(1);
}

/* Mark the designs that the file has, cut off a line that is not whole, and leave the file at its end. */
static FILE *open_csv(const char *path, bool done[IC_DESIGN_COUNT], bool *ret_is_new)
{
	FILE *csv = fopen(path, "a+e");
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	long whole = 0;
	bool has_head = false;
	if (!csv)
		die(path, strerror(errno));
	rewind(csv);
	while ((n = getline(&line, &room, csv)) > 0 && line[n - 1] == '\n') {
		struct ic_design design;
		bool is_design = has_head;
		if (!has_head && line[0] != '#' && strcmp(line, head) != 0)
			die(path, "it is not of this program");
		has_head = has_head || line[0] != '#';
		line[strcspn(line, ",")] = '\0';
		if (is_design && (ic_design_parse(line, &design, NULL) || ic_design_index(&design) < 0))
			die(path, "it has a line without a design");
		if (is_design)
			done[ic_design_index(&design)] = true;
		whole += n;
	}
	free(line);
	if (!has_head)
		whole = 0;
	if (ftruncate(fileno(csv), whole) || fseek(csv, 0, SEEK_END))
		die(path, strerror(errno));
	*ret_is_new = !has_head;
	return csv;
}

/* What stands above the designs. */
static void put_head(FILE *csv, const char *path, const struct probe *probe)
{
	struct evaluator_description d;
	struct dataset *dataset;
	struct ic_why why = {""};
	if (dataset_open(path, &cancelled, &dataset, &why))
		die(path, why.text);
	probe_describe(probe, &d);
	fprintf(csv, "# select %llu truth %llu\n", (unsigned long long)d.nselect, (unsigned long long)d.ntruth);
	for (size_t i = 0; i < dataset->nshapes; i++) {
		const struct space_shape *shape = &dataset->shapes[i];
		fprintf(csv, "# %ux%ux%u %llu\n", shape->width, shape->height, shape->ncomponents,
		        (unsigned long long)shape->count);
	}
	fputs(head, csv);
	dataset_free(dataset);
}

static void put_right(FILE *csv, const struct probe_judgement *judged)
{
	static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz+-";
	for (size_t i = 0; i < judged->nimages; i += 6) {
		unsigned digit = 0;
		for (size_t k = i; k < i + 6; k++)
			digit = 2 * digit + (k < judged->nimages ? judged->right[k] : 0);
		fputc(alphabet[digit], csv);
	}
}

static void put_line(FILE *csv, const struct ic_design *design, const struct probe_report *report,
                     const double parts[NFRACTIONS])
{
	const struct probe_judgement *select = &report->side[EVALUATOR_SELECT], *truth = &report->side[EVALUATOR_TRUTH];
	char name[IC_DESIGN_STRING_SIZE];
	ic_design_print(design, name);
	fprintf(csv, "%s,%.0f,%.4f,%.4f", name, round(select->accuracy * (double)select->nimages), select->log_loss,
	        truth->log_loss);
	for (unsigned i = 0; i < NFRACTIONS; i++)
		fprintf(csv, ",%.0f", round(parts[i] * (double)select->nimages));
	fputc(',', csv);
	put_right(csv, truth);
	fputc('\n', csv);
	if (fflush(csv) || ferror(csv))
		die("writing", strerror(errno));
}

/* Sums over all designs that were measured now. */
struct spent {
	double object_s, decode_s, features_s, fit_s, wall_s;
	unsigned n;
};

static void add(struct spent *spent, const struct probe_report *report)
{
	spent->object_s += report->object_s;
	spent->decode_s += report->decode_s;
	spent->features_s += report->features_s;
	spent->fit_s += report->fit_s + report->judge_s;
	spent->wall_s += report->wall_s;
	spent->n++;
}

static void tell(const struct spent *spent, unsigned nleft, uint64_t nimages)
{
	double each = 1e3 / (double)(spent->n * nimages);
	fprintf(stderr,
	        "%u designs: %.2f s each; ms an image: objects %.3f, decoding %.3f, features %.3f, classifier %.3f; "
	        "%u left, %.0f s\n",
	        spent->n, spent->wall_s / spent->n, spent->object_s * each, spent->decode_s * each,
	        spent->features_s * each, spent->fit_s * each, nleft, spent->wall_s / spent->n * nleft);
}

static void measure_all(struct probe *probe, FILE *csv, const bool wanted[IC_DESIGN_COUNT])
{
	struct evaluator_description d;
	struct spent spent = {0};
	unsigned nleft = 0;
	probe_describe(probe, &d);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		nleft += wanted[i];
	/* In the order of the base space, designs of one family come one after the other. */
	for (unsigned i = 0; i < IC_DESIGN_COUNT && !cancelled; i++) {
		struct evaluator_job job = {.fraction = 1};
		struct probe_report report;
		struct ic_why why = {""};
		if (!wanted[i] || ic_design_at(i, &job.design))
			continue;
		double parts[NFRACTIONS];
		errint_t err = probe_measure_parts(probe, &job, fractions, NFRACTIONS, parts, &report, &why);
		if (err == -ECANCELED)
			break;
		if (err)
			die("measuring", why.text);
		put_line(csv, &job.design, &report, parts);
		add(&spent, &report);
		probe_report_clear(&report);
		if (--nleft % 50 == 0)
			tell(&spent, nleft, d.ntrain + d.nselect + d.ntruth);
	}
	if (spent.n)
		tell(&spent, nleft, d.ntrain + d.nselect + d.ntruth);
}

/* The designs that are asked for. */
static void want(bool wanted[IC_DESIGN_COUNT], unsigned step, char *const *names, int n)
{
	for (unsigned i = 0; i < IC_DESIGN_COUNT && n == 0; i += step)
		wanted[i] = true;
	for (int i = 0; i < n; i++) {
		struct ic_design design;
		if (ic_design_parse(names[i], &design, NULL) || ic_design_index(&design) < 0)
			die(names[i], "no design of the 4,104");
		wanted[ic_design_index(&design)] = true;
	}
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*end || n < 1 || n > IC_DESIGN_COUNT)
		die(text, "no number from 1 on");
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	static bool done[IC_DESIGN_COUNT], wanted[IC_DESIGN_COUNT];
	struct evaluator_settings settings = {.split_seed = 1, .threads = 2, .cancelled = &cancelled};
	struct ic_why why = {""};
	struct probe *probe;
	unsigned step = 1;
	for (int option; (option = getopt(argc, argv, "s:t:")) != -1;) {
		if (option == '?')
			return 2;
		*(option == 's' ? &step : &settings.threads) = number(optarg);
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: search_truth [-s STEP] [-t THREADS] DATASET CSV [DESIGN...]\n");
		return 2;
	}
	settings.dataset = argv[optind];
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	want(wanted, step, argv + optind + 2, argc - optind - 2);
	bool is_new;
	FILE *csv = open_csv(argv[optind + 1], done, &is_new);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		wanted[i] = wanted[i] && !done[i];
	if (probe_open(&settings, &probe, &why))
		die(argv[optind], why.text);
	if (is_new)
		put_head(csv, argv[optind], probe);
	measure_all(probe, csv, wanted);
	probe_close(probe);
	if (fclose(csv))
		die(argv[optind + 1], strerror(errno));
	return cancelled ? 3 : 0;
}
