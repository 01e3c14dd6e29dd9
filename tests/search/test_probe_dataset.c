/* SPDX-License-Identifier: MIT */
/* Which images the probe takes, and on which side each one is. */
#include "probe_helpers.h"

#include "tests/codec/codec_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct probe *open_or_fail(const struct evaluator_settings *settings)
{
	struct probe *probe;
	struct ic_why why = {""};
	if (probe_open(settings, &probe, &why))
		ck_abort_msg("%s", why.text);
	return probe;
}

static struct evaluator_description describe(const struct probe *probe)
{
	struct evaluator_description d;
	probe_describe(probe, &d);
	return d;
}

/* Fails unless opening fails with this error, and with these words in its sentence. */
static void refuse(const struct evaluator_settings *settings, errint_t err, const char *words)
{
	struct probe *probe = NULL;
	struct ic_why why = {""};
	ck_assert_int_eq(probe_open(settings, &probe, &why), err);
	ck_assert_ptr_null(probe);
	ck_assert_msg(strstr(why.text, words) != NULL, "\"%s\" does not say \"%s\"", why.text, words);
}

static bool has(const struct probe *probe, enum evaluator_split split, const char *path)
{
	struct evaluator_description d = describe(probe);
	for (size_t i = 0; i < (split == EVALUATOR_SELECT ? d.nselect : d.ntruth); i++)
		if (strcmp(probe_path(probe, split, i), path) == 0)
			return true;
	return false;
}

/* 's', 't' or '-' for train, of the images 0..n-1 of the classes of `below`. */
static void sides_of(const struct probe *probe, const char *below, unsigned n, char *out)
{
	for (unsigned i = 0; i < n * DATASET_NCLASSES; i++) {
		char path[64];
		snprintf(path, sizeof path, "%s%c/%u.jpg", below, 'a' + i / n, i % n);
		*out++ = has(probe, EVALUATOR_SELECT, path) ? 's' : has(probe, EVALUATOR_TRUTH, path) ? 't' : '-';
	}
	*out = '\0';
}

static unsigned count(const char *text, char c)
{
	unsigned n = 0;
	for (; *text; text++)
		n += *text == c;
	return n;
}

START_TEST(all_is_drawn_by_the_seed_in_each_class_apart)
{
	struct dataset dataset = dataset_new();
	char first[64], again[64], other[64];
	dataset_add_classes(&dataset, "", 10, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	for (unsigned i = 0; i < 3; i++) {
		settings.split_seed = i == 2 ? 99 : 1;
		settings.threads = 1 + i;
		struct probe *probe = open_or_fail(&settings);
		struct evaluator_description d = describe(probe);
		ck_assert_uint_eq(d.nclasses, DATASET_NCLASSES);
		ck_assert_uint_eq(d.ntrain, 24);
		ck_assert_uint_eq(d.nselect, 8);
		ck_assert_uint_eq(d.ntruth, 8);
		sides_of(probe, "", 10, i == 0 ? first : i == 1 ? again : other);
		probe_close(probe);
	}
	ck_assert_str_eq(first, again);
	ck_assert_str_ne(first, other);
	for (unsigned label = 0; label < DATASET_NCLASSES; label++) {
		char own[11] = {0};
		memcpy(own, first + 10 * label, 10);
		ck_assert_uint_eq(count(own, 's'), 2);
		ck_assert_uint_eq(count(own, 't'), 2);
	}
	dataset_remove(&dataset);
}
END_TEST

START_TEST(a_dataset_that_moved_is_split_alike)
{
	struct dataset dataset = dataset_new(), moved = dataset_new();
	char before[64], after[64];
	dataset_add_classes(&dataset, "", 8, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_or_fail(&settings);
	sides_of(probe, "", 8, before);
	probe_close(probe);
	ck_assert_int_eq(rename(dataset.path, moved.path), 0);
	settings.dataset = moved.path;
	probe = open_or_fail(&settings);
	sides_of(probe, "", 8, after);
	probe_close(probe);
	ck_assert_str_eq(before, after);
	dataset_remove(&moved);
}
END_TEST

START_TEST(three_sides_are_taken_as_they_are)
{
	struct dataset dataset = dataset_new();
	dataset_add_classes(&dataset, "train", 4, 1);
	dataset_add_classes(&dataset, "valid", 2, 2);
	dataset_add_classes(&dataset, "test/", 1, 3);
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_or_fail(&settings);
	struct evaluator_description d = describe(probe);
	ck_assert_uint_eq(d.ntrain, 16);
	ck_assert_uint_eq(d.nselect, 8);
	ck_assert_uint_eq(d.ntruth, 4);
	ck_assert(has(probe, EVALUATOR_SELECT, "valid/c/1.jpg"));
	ck_assert(has(probe, EVALUATOR_TRUTH, "test/d/0.jpg"));
	ck_assert_uint_eq(probe_label(probe, EVALUATOR_TRUTH, 3), 3);
	probe_close(probe);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(one_side_beside_train_is_the_truth)
{
	static const char *const names[] = {"val", "test"};
	for (size_t i = 0; i < COUNT(names); i++) {
		struct dataset dataset = dataset_new();
		char sides[64];
		dataset_add_classes(&dataset, "train", 9, 1);
		dataset_add_classes(&dataset, names[i], 2, 2);
		struct evaluator_settings settings = settings_for(&dataset);
		struct probe *probe = open_or_fail(&settings);
		struct evaluator_description d = describe(probe);
		sides_of(probe, "train/", 9, sides);
		ck_assert_uint_eq(d.ntrain, 24);
		ck_assert_uint_eq(d.nselect, 12);
		ck_assert_uint_eq(d.ntruth, 8);
		ck_assert_uint_eq(count(sides, 's'), 12);
		ck_assert_uint_eq(count(sides, 't'), 0);
		probe_close(probe);
		dataset_remove(&dataset);
	}
}
END_TEST

static void add_copies(const struct dataset *dataset, const char *directory, unsigned n, unsigned first, uint32_t seed)
{
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		snprintf(name, sizeof name, "copy-of-%u-%u.jpg", seed, first + i);
		dataset_add_copy(dataset, directory, name, 0, first + i, seed);
	}
}

/* Of given sides, what the truth has is on no other, and what is selected by is not trained on. */
START_TEST(near_duplicates_of_what_judges_are_left_out)
{
	struct dataset dataset = dataset_new();
	dataset_add_classes(&dataset, "train", 9, 1);
	dataset_add_classes(&dataset, "test", 4, 2);
	add_copies(&dataset, "test/a", 2, 3, 1); /* of 3 and 4 of train/a */
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_or_fail(&settings);
	struct evaluator_description d = describe(probe);
	ck_assert_uint_eq(d.ntwins, 2);
	ck_assert_uint_eq(d.ntrain + d.nselect, 9 * DATASET_NCLASSES - 2);
	ck_assert_uint_eq(d.ntruth, 4 * DATASET_NCLASSES + 2);
	ck_assert(!has(probe, EVALUATOR_SELECT, "train/a/3.jpg") && !has(probe, EVALUATOR_SELECT, "train/a/4.jpg"));
	ck_assert(has(probe, EVALUATOR_TRUTH, "test/a/copy-of-1-3.jpg"));
	probe_close(probe);

	dataset_add_classes(&dataset, "val", 3, 3);
	add_copies(&dataset, "val/a", 1, 6, 1); /* of train/a */
	add_copies(&dataset, "val/a", 1, 0, 2); /* of test/a */
	probe = open_or_fail(&settings);
	d = describe(probe);
	ck_assert_uint_eq(d.ntwins, 2 + 1 + 1);
	ck_assert_uint_eq(d.ntrain, 9 * DATASET_NCLASSES - 3);
	ck_assert_uint_eq(d.nselect, 3 * DATASET_NCLASSES + 1);
	ck_assert_uint_eq(d.ntruth, 4 * DATASET_NCLASSES + 2);
	ck_assert(has(probe, EVALUATOR_SELECT, "val/a/copy-of-1-6.jpg") && has(probe, EVALUATOR_TRUTH, "test/a/0.jpg"));
	ck_assert(!has(probe, EVALUATOR_SELECT, "val/a/copy-of-2-0.jpg"));
	probe_close(probe);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(near_duplicates_are_on_one_side)
{
	struct dataset dataset = dataset_new();
	unsigned ndrawn = 0;
	dataset_add_classes(&dataset, "", 12, 1);
	for (unsigned i = 0; i < 12; i++) {
		char name[32];
		snprintf(name, sizeof name, "copy-of-%u.jpg", i);
		dataset_add_copy(&dataset, "a", name, 0, i, 1);
	}
	for (unsigned seed = 0; seed < 3; seed++) {
		struct evaluator_settings settings = settings_for(&dataset);
		settings.split_seed = seed;
		struct probe *probe = open_or_fail(&settings);
		for (unsigned i = 0; i < 12; i++) {
			char own[32], copy[32];
			snprintf(own, sizeof own, "a/%u.jpg", i);
			snprintf(copy, sizeof copy, "a/copy-of-%u.jpg", i);
			for (unsigned s = 0; s < 2; s++) {
				ck_assert_int_eq(has(probe, s, own), has(probe, s, copy));
				ndrawn += has(probe, s, own);
			}
		}
		probe_close(probe);
	}
	/* 24 images of class a: 4 to select by, 4 for the truth, in pairs. That pictures of a class are no near
	 * duplicates of one another is what leaves so many to draw. */
	ck_assert_uint_eq(ndrawn, 3 * 4);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(what_cannot_be_read_is_left_out)
{
	struct dataset dataset = dataset_new();
	dataset_add_classes(&dataset, "", 5, 1);
	dataset_add_text(&dataset, "a/bad.jpg", "this is no JPEG");
	dataset_add_text(&dataset, "a/empty.jpg", "");
	dataset_add_text(&dataset, "b/labels.txt", "not a source");
	dataset_add_text(&dataset, "c/.hidden.jpg", "hidden");
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_or_fail(&settings);
	struct evaluator_description d = describe(probe);
	ck_assert_uint_eq(d.ntrain + d.nselect + d.ntruth, 20);
	probe_close(probe);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(at_most_so_many_images_are_used)
{
	struct dataset dataset = dataset_new();
	const struct evaluator_option option = {"images", "20"};
	dataset_add_classes(&dataset, "", 10, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	settings.options = &option;
	settings.noptions = 1;
	struct probe *probe = open_or_fail(&settings);
	struct evaluator_description d = describe(probe);
	ck_assert_uint_eq(d.ntrain, 12);
	ck_assert_uint_eq(d.nselect, 4);
	ck_assert_uint_eq(d.ntruth, 4);
	ck_assert_ptr_nonnull(strstr(d.identity, "images=20"));
	probe_close(probe);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(a_class_may_be_called_train)
{
	struct dataset dataset = dataset_new();
	dataset_add(&dataset, "car", 0, 5, 1);
	dataset_add(&dataset, "train", 1, 5, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	struct probe *probe = open_or_fail(&settings);
	ck_assert_uint_eq(describe(probe).nclasses, 2);
	probe_close(probe);
	dataset_remove(&dataset);
}
END_TEST

/* Whose images the fingerprint would not know; a mount does not show them either. */
START_TEST(links_to_directories_are_no_classes)
{
	struct dataset dataset = dataset_new();
	dataset_add_classes(&dataset, "", 6, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	char link[512];
	snprintf(link, sizeof link, "%s/linked", dataset.path);
	ck_assert_int_eq(symlink("a", link), 0);
	struct probe *probe = open_or_fail(&settings);
	ck_assert_uint_eq(describe(probe).nclasses, DATASET_NCLASSES);
	probe_close(probe);
	snprintf(link, sizeof link, "%s/train", dataset.path);
	ck_assert_int_eq(symlink("..", link), 0);
	probe = open_or_fail(&settings);
	ck_assert_uint_eq(describe(probe).nclasses, DATASET_NCLASSES);
	probe_close(probe);
	ck_assert_int_eq(unlink(link), 0);
	snprintf(link, sizeof link, "%s/linked", dataset.path);
	ck_assert_int_eq(unlink(link), 0);
	dataset_remove(&dataset);
}
END_TEST

START_TEST(datasets_that_cannot_be_judged_are_refused)
{
	struct dataset dataset = dataset_new();
	struct evaluator_settings settings = settings_for(&dataset);
	refuse(&settings, -ENODATA, "no classes");
	dataset_add(&dataset, "a", 0, 1, 1);
	refuse(&settings, -ENODATA, "one class");
	dataset_add(&dataset, "b", 1, 1, 1);
	refuse(&settings, -ENODATA, "none is left to select by");
	dataset_add(&dataset, "a", 0, 6, 1);
	dataset_add(&dataset, "b", 1, 6, 1);
	dataset_add_text(&dataset, "a/x.jpg", "no JPEG");
	probe_close(open_or_fail(&settings));
	char path[512];
	snprintf(path, sizeof path, "%s/empty", dataset.path);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refuse(&settings, -ENODATA, "the class empty has no readable images");
	settings.dataset = "/nonexistent";
	refuse(&settings, -ENOENT, "/nonexistent");
	dataset_remove(&dataset);
}
END_TEST

START_TEST(options_are_checked)
{
	static const struct evaluator_option bad[] = {{"images", "3"}, {"images", "x"},   {"images", "-5"},
	                                              {"images", ""},  {"images", "20 "}, {"depth", "2"}};
	struct dataset dataset = dataset_new();
	struct evaluator_settings settings = settings_for(&dataset);
	for (size_t i = 0; i < COUNT(bad); i++) {
		settings.options = &bad[i];
		settings.noptions = 1;
		refuse(&settings, -EINVAL, "images=N");
	}
	dataset_remove(&dataset);
}
END_TEST

START_TEST(opening_can_be_stopped)
{
	struct dataset dataset = dataset_new();
	const atomic_bool cancelled = true;
	dataset_add_classes(&dataset, "", 5, 1);
	struct evaluator_settings settings = settings_for(&dataset);
	settings.cancelled = &cancelled;
	refuse(&settings, -ECANCELED, "stopped");
	dataset_remove(&dataset);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, all_is_drawn_by_the_seed_in_each_class_apart);
	tcase_add_test(cases, a_dataset_that_moved_is_split_alike);
	tcase_add_test(cases, three_sides_are_taken_as_they_are);
	tcase_add_test(cases, one_side_beside_train_is_the_truth);
	tcase_add_test(cases, near_duplicates_of_what_judges_are_left_out);
	tcase_add_test(cases, near_duplicates_are_on_one_side);
	tcase_add_test(cases, what_cannot_be_read_is_left_out);
	tcase_add_test(cases, at_most_so_many_images_are_used);
	tcase_add_test(cases, a_class_may_be_called_train);
	tcase_add_test(cases, links_to_directories_are_no_classes);
	tcase_add_test(cases, datasets_that_cannot_be_judged_are_refused);
	tcase_add_test(cases, options_are_checked);
	tcase_add_test(cases, opening_can_be_stopped);
}

int main(void)
{
	return suite_run("probe-dataset", add);
}
