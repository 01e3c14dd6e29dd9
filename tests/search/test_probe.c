/* SPDX-License-Identifier: MIT */
#include "probe_helpers.h"

#include "tests/codec/codec_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct dataset dataset;

static void make_dataset(void)
{
	dataset = dataset_new();
	dataset_add_classes(&dataset, "train", 45, 1);
	dataset_add_classes(&dataset, "test", 25, 2);
}

static void drop_dataset(void)
{
	dataset_remove(&dataset);
}

static struct probe *open_with(const struct evaluator_settings *settings)
{
	struct probe *probe;
	struct ic_why why = {""};
	if (probe_open(settings, &probe, &why))
		ck_abort_msg("%s", why.text);
	return probe;
}

static struct probe *open_default(void)
{
	struct evaluator_settings settings = settings_for(&dataset);
	return open_with(&settings);
}

static struct probe_report measure(struct probe *probe, const char *design)
{
	struct evaluator_job job = {.design = design_of(design), .fraction = 1};
	struct probe_report report;
	struct ic_why why = {""};
	if (probe_measure(probe, &job, true, true, &report, &why))
		ck_abort_msg("%s", why.text);
	return report;
}

/* Judged right, of both sides together. */
static double accuracy_of(struct probe *probe, const char *design)
{
	struct probe_report r = measure(probe, design);
	double nright = 0, n = 0;
	for (unsigned s = 0; s < 2; s++) {
		n += (double)r.side[s].nimages;
		nright += r.side[s].accuracy * (double)r.side[s].nimages;
	}
	probe_report_clear(&r);
	return nright / n;
}

/* --- What it finds ------------------------------------------------------------------------------------------------ */

/* Two designs agree where the images that only one of them judges right are as many on both sides, but for chance:
 * three deviations of a fair coin. */
START_TEST(full_designs_of_every_block_size_agree)
{
	static const char *const texts[] = {"s1x1-b8-k15-q8", "s1x1-b1-k1-q8", "s1x1-b2-k3-q8", "s1x1-b4-k7-q8",
	                                    "s1x1-b16-k31-q8"};
	struct probe *probe = open_default();
	struct probe_report first = measure(probe, texts[0]);
	ck_assert_double_gt(first.side[EVALUATOR_TRUTH].accuracy, 0.9);
	for (size_t i = 1; i < COUNT(texts); i++) {
		struct probe_report r = measure(probe, texts[i]);
		for (unsigned s = 0; s < 2; s++) {
			double more = 0, less = 0;
			for (size_t k = 0; k < r.side[s].nimages; k++) {
				more += r.side[s].right[k] > first.side[s].right[k];
				less += r.side[s].right[k] < first.side[s].right[k];
			}
			ck_assert_double_le(fabs(more - less), 3 * sqrt(more + less));
			ck_assert_double_le(more + less, 0.1 * (double)r.side[s].nimages);
			ck_assert_double_eq_tol(r.side[s].log_loss, first.side[s].log_loss, 0.1);
		}
		probe_report_clear(&r);
	}
	probe_report_clear(&first);
	probe_close(probe);
}
END_TEST

/* Sparser designs in turn are never better by more than chance, and the sparsest is far worse than the full one. */
static void falls(struct probe *probe, const char *const *texts, size_t n, double by_least)
{
	double full = accuracy_of(probe, texts[0]), least = full, last = full;
	for (size_t i = 1; i < n; i++) {
		last = accuracy_of(probe, texts[i]);
		ck_assert_msg(last <= least + 0.07, "%s is %.3f, a denser one %.3f", texts[i], last, least);
		least = last < least ? last : least;
	}
	ck_assert_msg(last <= full - by_least, "%s is %.3f, %s is %.3f", texts[n - 1], last, texts[0], full);
}

START_TEST(accuracy_falls_along_pruning_quantization_and_sampling)
{
	static const char *const k[] = {"s1x1-b8-k15-q8", "s1x1-b8-k8-q8", "s1x1-b8-k4-q8", "s1x1-b8-k2-q8",
	                                "s1x1-b8-k1-q8"};
	static const char *const q[] = {"s1x1-b1-k1-q8", "s1x1-b1-k1-q4", "s1x1-b1-k1-q3", "s1x1-b1-k1-q2",
	                                "s1x1-b1-k1-q1"};
	static const char *const s[] = {"s1x1-b8-k15-q8", "s2x1-b8-k15-q8", "s2x2-b8-k15-q8", "s4x2-b8-k15-q8",
	                                "s4x4-b8-k15-q8"};
	struct probe *probe = open_default();
	falls(probe, k, COUNT(k), 0.3);
	falls(probe, q, COUNT(q), 0.1);
	falls(probe, s, COUNT(s), 0.3);
	probe_close(probe);
}
END_TEST

/* --- That it is the same each time -------------------------------------------------------------------------------- */

static void assert_same(const struct probe_report *a, const struct probe_report *b)
{
	for (unsigned s = 0; s < 2; s++) {
		ck_assert_uint_eq(a->side[s].nimages, b->side[s].nimages);
		ck_assert_mem_eq(a->side[s].right, b->side[s].right, a->side[s].nimages);
		ck_assert_mem_eq(a->side[s].loss, b->side[s].loss, a->side[s].nimages * sizeof *a->side[s].loss);
	}
	ck_assert_mem_eq(&a->loo_accuracy, &b->loo_accuracy, sizeof a->loo_accuracy);
}

START_TEST(threads_memory_and_order_change_no_bit)
{
	static const char *const texts[] = {"s1x1-b8-k15-q8", "s2x2-b4-k3-q2", "s1x1-b8-k5-q8",
	                                    "s4x2-b16-k9-q5-c1-fbox", "s1x1-b8-k5-q8-ol"};
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *plain = open_with(&settings);
	settings.threads = 3;
	settings.memory_nbytes = 1;
	struct probe *poor = open_with(&settings);
	struct probe_report first[COUNT(texts)];
	for (size_t i = 0; i < COUNT(texts); i++)
		first[i] = measure(plain, texts[i]);
	for (size_t i = COUNT(texts); i-- > 0;) {
		struct probe_report again = measure(poor, texts[i]);
		assert_same(&first[i], &again);
		ck_assert_uint_eq(again.nmade, 70 * DATASET_NCLASSES);
		ck_assert_uint_eq(again.nread, again.nmade);
		ck_assert_uint_eq(again.coefs_nbytes, 0);
		probe_report_clear(&first[i]);
		probe_report_clear(&again);
	}
	probe_close(plain);
	probe_close(poor);
}
END_TEST

/* None of a file: what was read of that when the probe was opened is enough. */
static uint64_t nmade(struct probe *probe, const char *design)
{
	struct probe_report r = measure(probe, design);
	uint64_t n = r.nmade;
	ck_assert_uint_eq(r.nread, 0);
	probe_report_clear(&r);
	return n;
}

/* Half of the memory is for coefficients, if that is enough for those of all images. */
START_TEST(what_there_is_no_room_for_is_read_again)
{
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_default();
	struct probe_report all = measure(probe, "s2x2-b8-k15-q8");
	probe_close(probe);
	ck_assert_uint_gt(all.coefs_nbytes, 0);
	for (unsigned is_enough = 0; is_enough < 2; is_enough++) {
		settings.memory_nbytes = 70 * DATASET_NCLASSES * 1008 * 4 * 3 + 2 * all.coefs_nbytes - !is_enough;
		settings.threads = 1 + 2 * is_enough;
		probe = open_with(&settings);
		struct probe_report r = measure(probe, "s2x2-b8-k15-q8");
		ck_assert_uint_eq(r.coefs_nbytes, is_enough ? all.coefs_nbytes : 0);
		ck_assert_uint_eq(r.nread, is_enough ? 0 : 70 * DATASET_NCLASSES);
		assert_same(&all, &r);
		probe_report_clear(&r);
		probe_close(probe);
	}
	probe_report_clear(&all);
}
END_TEST

/* Or waits in a file: each is decoded once, whatever memory there is. */
START_TEST(what_there_is_no_room_for_waits_in_a_file)
{
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_default();
	struct probe_report all = measure(probe, "s2x2-b8-k15-q8");
	probe_close(probe);
	ck_assert_uint_eq(all.file_nbytes, 0);
	settings.memory_nbytes = 1;
	settings.scratch = dataset.path;
	for (settings.threads = 1; settings.threads < 4; settings.threads += 2) {
		probe = open_with(&settings);
		struct probe_report r = measure(probe, "s2x2-b8-k15-q8");
		ck_assert_uint_eq(r.coefs_nbytes, all.coefs_nbytes);
		ck_assert_uint_eq(r.file_nbytes, all.coefs_nbytes);
		ck_assert_uint_eq(r.nmade, 70 * DATASET_NCLASSES);
		ck_assert_uint_eq(r.nread, 0);
		assert_same(&all, &r);
		probe_report_clear(&r);
		probe_close(probe);
	}
	probe_report_clear(&all);
}
END_TEST

START_TEST(an_object_is_made_once_a_family)
{
	struct probe *probe = open_default();
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k3-q2"), 70 * DATASET_NCLASSES);
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k15-q8"), 0);
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k15-q1"), 0);
	ck_assert_uint_eq(nmade(probe, "s2x1-b8-k3-q2"), 70 * DATASET_NCLASSES);
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k7-q4"), 0);
	probe_close(probe);
}
END_TEST

/* With room for two families, the one that is wanted next stays, though the other was used later. */
START_TEST(what_is_expected_stays)
{
	struct evaluator_settings settings = settings_for(&dataset);
	const struct ic_design expected[] = {design_of("s1x1-b8-k15-q8"), design_of("s1x1-b4-k7-q8"),
	                                     design_of("s1x1-b2-k3-q8"), design_of("s1x1-b8-k3-q3")};
	uint64_t nbytes;
	struct probe *probe = open_with(&settings);
	struct probe_report r = measure(probe, "s1x1-b8-k15-q8");
	ck_assert_int_eq(probe_bytes(probe, &expected[0], &nbytes), 0);
	probe_close(probe);
	settings.memory_nbytes = 70 * DATASET_NCLASSES * 1008 * 4 * 3 + r.coefs_nbytes + nbytes * 5 / 2;
	probe_report_clear(&r);
	probe = open_with(&settings);
	ck_assert_int_eq(probe_expect(probe, expected, COUNT(expected)), 0);
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k15-q8"), 70 * DATASET_NCLASSES);
	ck_assert_uint_eq(nmade(probe, "s1x1-b4-k7-q8"), 70 * DATASET_NCLASSES);
	ck_assert_uint_eq(nmade(probe, "s1x1-b2-k3-q8"), 70 * DATASET_NCLASSES);
	ck_assert_uint_eq(nmade(probe, "s1x1-b8-k3-q3"), 0);
	ck_assert_uint_eq(nmade(probe, "s1x1-b4-k7-q8"), 70 * DATASET_NCLASSES);
	probe_close(probe);
}
END_TEST

/* --- As an evaluator ---------------------------------------------------------------------------------------------- */

START_TEST(the_table_tells_what_the_probe_measures)
{
	struct evaluator_settings settings = settings_for(&dataset);
	struct evaluator_description d;
	struct evaluator_result result;
	struct probe *probe = open_default();
	struct probe_report report = measure(probe, "s2x2-b8-k6-q8");
	void *handle;
	ck_assert_int_eq(probe_evaluator.open(&settings, &handle, NULL), 0);
	probe_evaluator.describe(handle, &d);
	ck_assert_str_eq(d.identity, "probe 2 images=20000 split=select drawn seed=1");
	ck_assert(d.is_deterministic && !d.takes_init);
	ck_assert_uint_eq(d.ntrain + d.nselect, 45 * DATASET_NCLASSES);
	ck_assert_uint_eq(d.ntruth, 25 * DATASET_NCLASSES);
	struct evaluator_job job = {.design = design_of("s2x2-b8-k6-q8"), .fraction = 1};
	probe_evaluator.expect(handle, &job.design, 1);
	for (unsigned s = 0; s < 2; s++) {
		job.split = s;
		ck_assert_int_eq(probe_evaluator.evaluate(handle, &job, &result, NULL), 0);
		ck_assert_double_eq(result.accuracy, report.side[s].accuracy);
		ck_assert_double_eq(result.log_loss, report.side[s].log_loss);
		ck_assert_uint_eq(result.nimages, report.side[s].nimages);
		ck_assert(result.infer_s > 0 && result.train_s > 0 && result.decode_s > 0 && result.wall_s > 0);
	}
	probe_evaluator.close(handle);
	probe_evaluator.close(NULL);
	probe_report_clear(&report);
	probe_close(probe);
}
END_TEST

START_TEST(parts_are_of_every_class)
{
	static const double fractions[] = {0.01, 0.25, 0.5, 1};
	static const size_t expected[] = {1, 8, 15, 30};
	struct probe *probe = open_default();
	for (size_t i = 0; i < COUNT(fractions); i++) {
		struct evaluator_job job = {.design = ic_design_default(), .fraction = fractions[i], .seed = 3};
		struct probe_report r;
		ck_assert_int_eq(probe_measure(probe, &job, true, false, &r, NULL), 0);
		ck_assert_uint_eq(r.ntrain, expected[i] * DATASET_NCLASSES);
		ck_assert_ptr_null(r.side[EVALUATOR_TRUTH].right);
		probe_report_clear(&r);
	}
	probe_close(probe);
}
END_TEST

START_TEST(parts_told_at_once_are_those_of_jobs_of_their_own)
{
	static const double fractions[] = {0.25, 0.5};
	struct evaluator_job job = {.design = design_of("s2x2-b8-k6-q8"), .fraction = 1, .seed = 3};
	struct probe *probe = open_default();
	struct probe_report all, r;
	double parts[COUNT(fractions)];
	ck_assert_int_eq(probe_measure_parts(probe, &job, fractions, COUNT(fractions), parts, &all, NULL), 0);
	ck_assert_int_eq(probe_measure(probe, &job, true, true, &r, NULL), 0);
	for (unsigned side = 0; side < 2; side++) {
		ck_assert(all.side[side].accuracy == r.side[side].accuracy);
		ck_assert(all.side[side].log_loss == r.side[side].log_loss);
	}
	probe_report_clear(&all);
	probe_report_clear(&r);
	for (size_t i = 0; i < COUNT(fractions); i++) {
		job.fraction = fractions[i];
		ck_assert_int_eq(probe_measure(probe, &job, true, false, &r, NULL), 0);
		ck_assert(parts[i] == r.side[EVALUATOR_SELECT].accuracy);
		probe_report_clear(&r);
	}
	probe_close(probe);
}
END_TEST

START_TEST(jobs_that_are_none_are_refused)
{
	struct probe *probe = open_default();
	struct evaluator_job jobs[5];
	struct probe_report r;
	struct ic_why why;
	for (size_t i = 0; i < COUNT(jobs); i++)
		jobs[i] = (struct evaluator_job){.design = ic_design_default(), .fraction = 1};
	jobs[0].fraction = 0;
	jobs[1].fraction = 1.5;
	jobs[2].fraction = NAN;
	jobs[3].design.keep = 16;
	jobs[4].init = "weights";
	for (size_t i = 0; i < COUNT(jobs); i++)
		ck_assert_int_eq(probe_measure(probe, &jobs[i], true, true, &r, &why), -EINVAL);
	probe_close(probe);
}
END_TEST

START_TEST(measuring_can_be_stopped)
{
	atomic_bool cancelled = false;
	struct evaluator_settings settings = settings_for(&dataset);
	settings.cancelled = &cancelled;
	struct probe *probe = open_with(&settings);
	struct evaluator_job job = {.design = ic_design_default(), .fraction = 1};
	struct probe_report r;
	cancelled = true;
	ck_assert_int_eq(probe_measure(probe, &job, true, true, &r, NULL), -ECANCELED);
	cancelled = false;
	ck_assert_int_eq(probe_measure(probe, &job, true, true, &r, NULL), 0);
	probe_report_clear(&r);
	probe_close(probe);
}
END_TEST

/* The last test: it takes an image away. Where its coefficients were kept nothing of it is missed. */
START_TEST(an_image_that_went_away_is_named_or_not_needed)
{
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *rich = open_with(&settings);
	settings.memory_nbytes = 1;
	struct probe *poor = open_with(&settings);
	struct evaluator_job job = {.design = ic_design_default(), .fraction = 1};
	struct probe_report before = measure(poor, "s1x1-b8-k15-q8"), r;
	struct ic_why why = {""};
	char path[512];
	snprintf(path, sizeof path, "%s/test/b/3.jpg", dataset.path);
	ck_assert_int_eq(truncate(path, 100), 0);
	ck_assert_int_eq(probe_measure(poor, &job, true, true, &r, &why), -ESTALE);
	ck_assert_msg(strstr(why.text, "test/b/3.jpg") != NULL, "%s", why.text);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(probe_measure(poor, &job, true, true, &r, &why), -ENOENT);
	ck_assert_msg(strstr(why.text, "test/b/3.jpg") != NULL, "%s", why.text);
	struct probe_report after = measure(rich, "s1x1-b8-k15-q8");
	assert_same(&before, &after);
	probe_report_clear(&before);
	probe_report_clear(&after);
	probe_close(rich);
	probe_close(poor);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_unchecked_fixture(cases, make_dataset, drop_dataset);
	if (!getenv("ICFS_SANITIZED")) { /* twenty designs, for statistics; the others go the same ways through the code */
		tcase_add_test(cases, full_designs_of_every_block_size_agree);
		tcase_add_test(cases, accuracy_falls_along_pruning_quantization_and_sampling);
	}
	tcase_add_test(cases, threads_memory_and_order_change_no_bit);
	tcase_add_test(cases, an_object_is_made_once_a_family);
	tcase_add_test(cases, what_there_is_no_room_for_is_read_again);
	tcase_add_test(cases, what_there_is_no_room_for_waits_in_a_file);
	tcase_add_test(cases, what_is_expected_stays);
	tcase_add_test(cases, the_table_tells_what_the_probe_measures);
	tcase_add_test(cases, parts_are_of_every_class);
	tcase_add_test(cases, parts_told_at_once_are_those_of_jobs_of_their_own);
	tcase_add_test(cases, jobs_that_are_none_are_refused);
	tcase_add_test(cases, measuring_can_be_stopped);
	tcase_add_test(cases, an_image_that_went_away_is_named_or_not_needed);
}

int main(void)
{
	return suite_run("probe", add);
}
