/* SPDX-License-Identifier: MIT */
/* The probe on real photographs: imagenette of the data set that ICFS_TEST_DATA names (docs/probe.md has its figures).
 * */
#include "search/probe.h"

#include "tests/codec/codec_helpers.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static struct probe *probe;

static struct probe_report measure(const char *design)
{
	struct evaluator_job job = {.design = design_of(design), .fraction = 1};
	struct probe_report report;
	struct ic_why why = {""};
	if (probe_measure(probe, &job, true, true, &report, &why))
		ck_abort_msg("%s", why.text);
	return report;
}

/* Fails where one of two designs is judged better than chance allows: three deviations of a fair coin, thrown for each
 * image that they are judged differently by. */
static void agree(const struct probe_judgement *a, const struct probe_judgement *b, const char *name)
{
	double more = 0, less = 0;
	for (size_t i = 0; i < a->nimages; i++) {
		more += a->right[i] > b->right[i];
		less += a->right[i] < b->right[i];
	}
	ck_assert_msg(fabs(more - less) <= 3 * sqrt(more + less), "%s: %.0f better, %.0f worse", name, more, less);
	ck_assert_double_le(more + less, 0.05 * (double)a->nimages);
	ck_assert_double_eq_tol(a->log_loss, b->log_loss, 0.01);
}

START_TEST(full_designs_of_every_block_size_agree)
{
	static const char *const texts[] = {"s1x1-b1-k1-q8", "s1x1-b2-k3-q8", "s1x1-b4-k7-q8", "s1x1-b16-k31-q8"};
	struct probe_report first = measure("s1x1-b8-k15-q8");
	ck_assert_double_gt(first.side[EVALUATOR_TRUTH].accuracy, 0.55); /* chance is 0.1 */
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct probe_report r = measure(texts[i]);
		for (unsigned s = 0; s < 2; s++)
			agree(&first.side[s], &r.side[s], texts[i]);
		probe_report_clear(&r);
	}
	probe_report_clear(&first);
}
END_TEST

/* Each line is sparser than the one before it in one way alone, and has a log-loss that is higher by so much at least.
 * */
START_TEST(log_loss_rises_along_pruning_quantization_and_sampling)
{
	static const struct {
		const char *dense, *sparse;
		double rise;
	} pairs[] = {
	        {"s1x1-b8-k15-q8", "s1x1-b8-k2-q8", 0.02},  {"s1x1-b8-k2-q8", "s1x1-b8-k1-q8", 0.02},
	        {"s1x1-b8-k15-q8", "s1x1-b8-k15-q2", 0.05}, {"s1x1-b8-k15-q2", "s1x1-b8-k15-q1", 0.02},
	        {"s1x1-b8-k15-q8", "s4x4-b8-k15-q8", 0.01}, {"s1x1-b8-k1-q8", "s4x4-b8-k1-q8", 0.1},
	};
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct probe_report dense = measure(pairs[i].dense), sparse = measure(pairs[i].sparse);
		for (unsigned s = 0; s < 2; s++) {
			double rise = sparse.side[s].log_loss - dense.side[s].log_loss;
			ck_assert_msg(rise >= pairs[i].rise, "%s after %s: %.4f", pairs[i].sparse, pairs[i].dense,
			              rise);
		}
		probe_report_clear(&dense);
		probe_report_clear(&sparse);
	}
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, full_designs_of_every_block_size_agree);
	tcase_add_test(cases, log_loss_rises_along_pruning_quantization_and_sampling);
}

int main(void)
{
	char path[4096];
	struct ic_why why = {""};
	const char *data = getenv("ICFS_TEST_DATA");
	snprintf(path, sizeof path, "%s/imagenette", data ? data : "");
	if (!data || access(path, R_OK)) {
		puts("SKIP: ICFS_TEST_DATA names no folder with imagenette in it");
		return 77;
	}
	struct evaluator_settings settings = {.dataset = path, .split_seed = 1, .threads = 2};
	if (probe_open(&settings, &probe, &why)) {
		printf("%s\n", why.text);
		return 1;
	}
	int status = suite_run("probe-photographs", add);
	probe_close(probe);
	return status;
}
