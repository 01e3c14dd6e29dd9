/* SPDX-License-Identifier: MIT */
/* Datasets: what a fingerprint follows and what it does not, and what measuring costs gives. */
#include "search/cost_measure.h"
#include "search/dataset.h"

#include "catalog_helpers.h"
#include "tests/codec/codec_helpers.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Fingerprints ------------------------------------------------------------------------------------------------- */

static void make_folder(const char *name)
{
	char path[PATH_SIZE];

	ck_assert_int_eq(mkdir(path_in_scratch(name, path), 0700), 0);
}

static void write_in(const char *name, const void *bytes, size_t nbytes)
{
	char path[PATH_SIZE];

	file_write(path_in_scratch(name, path), bytes, nbytes);
}

static void write_jpeg(const char *name, uint32_t width, uint32_t height)
{
	struct jpeg_spec spec = {.quality = 80};
	struct bytes jpeg = jpeg_new(width, height, width + height, &spec);

	write_in(name, jpeg.data, jpeg.nbytes);
	free(jpeg.data);
}

static void make_dataset(void)
{
	make_folder("set");
	make_folder("set/cats");
	make_folder("set/dogs");
	write_jpeg("set/cats/a.jpg", 120, 90);
	write_jpeg("set/cats/b.jpg", 120, 90);
	write_jpeg("set/dogs/a.jpg", 64, 200);
	write_in("set/labels.csv", "cats,dogs\n", 10);
	write_in("set/dogs/broken.jpg", "\xff\xd8\xff\xe0 and no more", 16);
}

static struct dataset *open_set(const char *name)
{
	struct dataset *dataset;
	struct ic_why why = {""};
	char path[PATH_SIZE];

	ck_assert_msg(!dataset_open(path_in_scratch(name, path), NULL, &dataset, &why), "%s", why.text);
	return dataset;
}

static void check_fingerprint(const char *name, const char *before, bool is_same)
{
	struct dataset *dataset = open_set(name);

	ck_assert_msg(!strcmp(dataset->fingerprint, before) == is_same, "%s, %s", dataset->fingerprint, before);
	dataset_free(dataset);
}

START_TEST(a_dataset_is_what_its_images_take)
{
	make_dataset();
	struct dataset *dataset = open_set("set");
	uint8_t *bytes;

	ck_assert_uint_eq(dataset->nimages, 3);
	ck_assert_uint_eq(dataset->nfiles, 5);
	ck_assert_uint_eq(dataset->nshapes, 2);
	ck_assert_str_eq(dataset->images[0].path, "cats/a.jpg");
	ck_assert_str_eq(dataset->images[2].path, "dogs/a.jpg");
	ck_assert(dataset->images[2].width == 64 && dataset->images[2].height == 200);
	ck_assert(dataset->shapes[1].count == 2 && dataset->shapes[1].width == 120);
	ck_assert_int_eq(dataset_read(dataset, 1, &bytes, NULL), 0);
	ck_assert(ic_is_jpeg(bytes, dataset->images[1].nbytes));
	free(bytes);
	write_jpeg("set/cats/b.jpg", 300, 300);
	ck_assert_int_eq(dataset_read(dataset, 1, &bytes, NULL), -ESTALE);
	dataset_free(dataset);
}
END_TEST

START_TEST(a_fingerprint_survives_a_move_a_copy_and_time)
{
	char command[3 * PATH_SIZE], from[PATH_SIZE], to[PATH_SIZE];

	make_dataset();
	struct dataset *dataset = open_set("set");
	path_in_scratch("set", from);
	snprintf(command, sizeof(command), "cp -r %s %s && touch -d 2001-01-01 %s/*/*", from,
	         path_in_scratch("copy", to), to);
	ck_assert_int_eq(system(command), 0);
	check_fingerprint("copy", dataset->fingerprint, true);
	ck_assert_int_eq(rename(from, path_in_scratch("moved", to)), 0);
	check_fingerprint("moved", dataset->fingerprint, true);
	write_in("moved/.icpolicy", "[policy]\ndesign = auto\n", 23);
	check_fingerprint("moved", dataset->fingerprint, true);
	dataset_free(dataset);
}
END_TEST

START_TEST(a_fingerprint_tells_what_changed)
{
	static const char *const commands[] = {
	        "mv cats/a.jpg cats/c.jpg",
	        "mv cats/a.jpg dogs/c.jpg",
	        "rm labels.csv",
	        "echo more > more",
	        "printf x >> labels.csv",
	        "printf CATS | dd of=labels.csv conv=notrunc status=none",
	        "cp dogs/a.jpg cats/a.jpg",
	        "printf x | dd of=cats/a.jpg bs=1 seek=900 conv=notrunc status=none",
	        "mkdir e && cp cats/a.jpg e/c.jpg",
	};
	char command[2 * PATH_SIZE];

	for (unsigned i = 0; i < COUNT(commands); i++) {
		make_dataset();
		struct dataset *dataset = open_set("set");
		snprintf(command, sizeof(command), "cd %s/set && %s", scratch(), commands[i]);
		ck_assert_int_eq(system(command), 0);
		check_fingerprint("set", dataset->fingerprint, false);
		dataset_free(dataset);
		snprintf(command, sizeof(command), "rm -r %s/set", scratch());
		ck_assert_int_eq(system(command), 0);
	}
}
END_TEST

START_TEST(what_is_no_dataset_is_refused)
{
	struct dataset *dataset = NULL;
	struct ic_why why = {""};
	char path[PATH_SIZE];
	const atomic_bool cancelled = true;

	ck_assert_int_eq(dataset_open(path_in_scratch("none", path), NULL, &dataset, &why), -ENOENT);
	ck_assert(strstr(why.text, "none"));
	write_in("file", "x", 1);
	ck_assert_int_eq(dataset_open(path_in_scratch("file", path), NULL, &dataset, &why), -ENOTDIR);
	make_folder("empty");
	ck_assert_int_eq(dataset_open(path_in_scratch("empty", path), NULL, &dataset, &why), -ENODATA);
	ck_assert_msg(strstr(why.text, "no image"), "%s", why.text);
	make_dataset();
	ck_assert_int_eq(dataset_open(path_in_scratch("set", path), &cancelled, &dataset, &why), -ECANCELED);
	ck_assert_ptr_null(dataset);
}
END_TEST

START_TEST(odd_files_are_no_obstacle)
{
	char command[2 * PATH_SIZE], path[PATH_SIZE];

	make_dataset();
	snprintf(command, sizeof(command),
	         "cd %s/set && mkfifo pipe && ln -s . cats/loop && ln -s nowhere gone && ln -s cats/a.jpg link.jpg && "
	         "touch empty.jpg && truncate -s 20M zeros.jpg",
	         scratch());
	ck_assert_int_eq(system(command), 0);
	struct dataset *dataset = open_set("set");
	ck_assert_uint_eq(dataset->nimages, 4); /* the link is one */
	ck_assert_uint_eq(dataset->nunreadable, 0);
	dataset_free(dataset);
	ck_assert_int_eq(unlink(path_in_scratch("set/gone", path)), 0);
	ck_assert_int_eq(chmod(path_in_scratch("set/cats/b.jpg", path), 0), 0);
	become_ordinary();
	dataset = open_set("set");
	ck_assert_uint_eq(dataset->nimages, 3);
	ck_assert_uint_eq(dataset->nunreadable, 1);
	dataset_free(dataset);
}
END_TEST

/* --- Costs -------------------------------------------------------------------------------------------------------- */

static void count_told(void *context, unsigned done, unsigned total)
{
	ck_assert_uint_le(done, total);
	++*(unsigned *)context;
}

START_TEST(costs_are_measured_once)
{
	struct catalog *catalog = open_catalog();
	struct cost_model model, again;
	struct ic_why why = {""};
	unsigned ntold = 0;

	make_dataset();
	struct dataset *dataset = open_set("set");
	ck_assert_msg(!cost_measure(dataset, catalog, "here", NULL, count_told, &ntold, &model, &why), "%s", why.text);
	ck_assert_uint_eq(ntold, 60);
	ck_assert(model.held_out_error > 0 && isfinite(model.held_out_error));
	ck_assert_int_eq(cost_measure(dataset, catalog, "here", NULL, NULL, NULL, &again, &why), 0);
	ck_assert(!memcmp(&model, &again, sizeof(model))); /* from the catalog: measured anew, no two are alike */

	struct cost_features dense, sparse;
	struct ic_design design = ic_design_default(), small = {4, 4, 8, 1, 1, IC_CHROMA_HALF, 0, 0};
	ck_assert_int_eq(cost_features_of(dataset->shapes, dataset->nshapes, &design, &dense), 0);
	ck_assert_int_eq(cost_features_of(dataset->shapes, dataset->nshapes, &small, &sparse), 0);
	double dense_s = cost_of(&model, &dense).infer_s, sparse_s = cost_of(&model, &sparse).infer_s;
	ck_assert_msg(sparse_s > 0 && dense_s > sparse_s && dense_s < 0.1, "%g, %g", sparse_s, dense_s);
	dataset_free(dataset);
	catalog_close(catalog);
}
END_TEST

/* Stopped once so many are done. */
struct stopping {
	atomic_bool cancelled;
	unsigned ntold, after;
};

static void stop_after(void *context, unsigned done, unsigned total)
{
	struct stopping *stopping = context;

	stopping->ntold++;
	if (done == stopping->after && total == 60)
		stopping->cancelled = true;
}

static errint_t count_cost(void *context, const struct cost_key *key, const struct cost_measured *cost,
                           int64_t measured_s)
{
	++*(unsigned *)context;
	return key && cost->decode_s > 0 && measured_s > 0 ? 0 : -EBADMSG;
}

START_TEST(what_was_measured_before_a_stop_is_kept)
{
	struct catalog *catalog = open_catalog();
	struct stopping stopping = {.after = 7};
	struct cost_model model;
	unsigned n = 0;

	make_dataset();
	struct dataset *dataset = open_set("set");
	ck_assert_int_eq(
	        cost_measure(dataset, catalog, "here", &stopping.cancelled, stop_after, &stopping, &model, NULL),
	        -ECANCELED);
	ck_assert_uint_eq(stopping.ntold, 7);
	ck_assert_int_eq(cost_each(catalog, count_cost, &n, NULL), 0);
	ck_assert_uint_eq(n, 7);
	dataset_free(dataset);
	catalog_close(catalog);
}
END_TEST

START_TEST(without_a_jpeg_there_is_nothing_to_measure)
{
	struct catalog *catalog = open_catalog();
	struct cost_model model;
	struct ic_why why = {""};
	const atomic_bool cancelled = true;

	make_dataset();
	struct dataset *dataset = open_set("set");
	ck_assert_int_eq(cost_measure(dataset, catalog, "here", &cancelled, NULL, NULL, &model, &why), -ECANCELED);
	for (size_t i = 0; i < dataset->nimages; i++)
		dataset->images[i].is_object = true;
	ck_assert_int_eq(cost_measure(dataset, catalog, "here", NULL, NULL, NULL, &model, &why), -ENODATA);
	dataset_free(dataset);
	catalog_close(catalog);
}
END_TEST

START_TEST(hardware_has_a_name)
{
	char name[128];

	hardware_name(name);
	ck_assert(strlen(name) > 12 && strstr(name, " processors"));
	for (const char *c = name; *c; c++)
		ck_assert(*c >= ' ' && *c <= '~');
}
END_TEST

static void write_text(const char *name, const char *text)
{
	write_in(name, text, strlen(text));
}

START_TEST(gpus_are_hardware)
{
	static const char *const folders[] = {"driver", "driver/nvidia", "driver/nvidia/gpus",
	                                      "driver/nvidia/gpus/0000:01:00.0", "driver/nvidia/gpus/0000:02:00.0"};
	char name[128], expected[128];

	hardware_name_at(scratch(), name);
	ck_assert_ptr_null(strstr(name, " x "));
	write_text("cpuinfo", "processor\t: 0\nmodel\t\t: 1\nmodel name\t: A processor \1\nmodel name\t: Another\n");
	hardware_name_at(scratch(), name);
	snprintf(expected, sizeof(expected), "A processor ?, %ld processors", sysconf(_SC_NPROCESSORS_ONLN));
	ck_assert_str_eq(name, expected);
	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		make_folder(folders[i]);
	write_text("driver/nvidia/gpus/0000:01:00.0/information", "Model: \t\t NVIDIA H200\nIRQ:   \t\t 7\n");
	write_text("driver/nvidia/gpus/0000:02:00.0/information", "Model: \t\t NVIDIA H200\n");
	hardware_name_at(scratch(), name);
	strcat(expected, ", 2 x NVIDIA H200");
	ck_assert_str_eq(name, expected);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, a_dataset_is_what_its_images_take);
	tcase_add_test(cases, a_fingerprint_survives_a_move_a_copy_and_time);
	tcase_add_test(cases, a_fingerprint_tells_what_changed);
	tcase_add_test(cases, what_is_no_dataset_is_refused);
	tcase_add_test(cases, odd_files_are_no_obstacle);
	tcase_add_test(cases, costs_are_measured_once);
	tcase_add_test(cases, what_was_measured_before_a_stop_is_kept);
	tcase_add_test(cases, without_a_jpeg_there_is_nothing_to_measure);
	tcase_add_test(cases, hardware_has_a_name);
	tcase_add_test(cases, gpus_are_hardware);
}

int main(void)
{
	return run_catalog_suite("dataset", add);
}
