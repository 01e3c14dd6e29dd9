/* SPDX-License-Identifier: MIT */
/* What one store keeps and gives back. */
#include "store_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define WIDTH 90
#define HEIGHT 70

static struct ic_design dense, sparse;

START_TEST(test_sparser_designs_are_those_of_a_direct_encode)
{
	static const char *const families[] = {"s1x1-b8-k15-q8", "s2x2-b8-k6-q8",           "s4x2-b16-k31-q8",
	                                       "s2x1-b1-k1-q8",  "s2x2-b32-k40-q8-c1-fbox", "s1x1-b8-k9-q8-ol"};
	struct scene scene = scene_new();
	struct jpeg_spec spec = {0};
	struct bytes jpeg = jpeg_new(203, 151, 1, &spec);
	struct ic_design d;

	for (int reopened = 0; reopened < 2; reopened++) {
		struct store *store = store_new(&scene);
		for (size_t f = 0; f < COUNT(families); f++) {
			struct store_source source = {"cat.jpg", 7, jpeg.nbytes, 1};
			d = design_of(families[f]);
			if (!reopened) {
				struct bytes object = encode(jpeg, &d);
				struct ic_view view = view_of(object);
				store_put(store, &source, &view);
				store_flush(store);
				free(object.data);
			}
			for (unsigned n = d.keep; n > 0; n--) {
				d.keep = (uint8_t)n;
				for (d.bits = 8; d.bits; d.bits = (uint8_t)(d.bits - 1 - (n % 3))) {
					struct ic_view view;
					uint8_t *bytes;
					ck_assert_int_eq(store_get(store, &source, &d, &bytes, &view), 0);
					struct bytes derived = derive(&view, &d), direct = encode(jpeg, &d);
					assert_same_bytes(derived, direct, "from the store", &d);
					free(bytes);
					free(derived.data);
					free(direct.data);
					if (d.bits <= 1 + n % 3)
						break;
				}
			}
		}
		ck_assert_uint_eq(store_counts(store).records, COUNT(families));
		store_close(store);
	}
	free(jpeg.data);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_only_what_covers_is_found)
{
	struct scene scene = scene_new();
	struct ic_design k6 = design_of("s1x1-b8-k6-q8"), k9 = design_of("s1x1-b8-k9-q8"), d = k6;
	struct store *store = store_new(&scene);

	ck_assert(!holds(store, 1, &k6, &k6, WIDTH, HEIGHT));
	put(store, 1, &k6, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(holds(store, 1, &k6, &k6, WIDTH, HEIGHT));
	for (d.keep = 1; d.keep <= 6; d.keep++)
		for (d.bits = 1; d.bits <= 8; d.bits++)
			ck_assert(holds(store, 1, &k6, &d, WIDTH, HEIGHT));
	ck_assert(!holds(store, 1, &k6, &k9, WIDTH, HEIGHT));

	/* A larger K takes the place of the smaller one, never the other way round. */
	put(store, 1, &k9, WIDTH, HEIGHT);
	put(store, 1, &k6, WIDTH, HEIGHT);
	store_flush(store);
	for (int reopened = 0; reopened < 2; reopened++) {
		ck_assert_uint_eq(store_counts(store).records, 1);
		ck_assert(holds(store, 1, &k9, &k9, WIDTH, HEIGHT));
		ck_assert(holds(store, 1, &k9, &k6, WIDTH, HEIGHT));
		store_close(store);
		store = store_new(&scene);
	}
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_every_part_of_a_key_counts)
{
	static const char *const others[] = {"s2x1-b8-k6-q8",    "s1x2-b8-k6-q8",      "s1x1-b16-k6-q8",
	                                     "s1x1-b8-k6-q8-c1", "s1x1-b8-k6-q8-fbox", "s1x1-b8-k6-q8-ox"};
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);
	struct ic_design d = design_of("s1x1-b8-k6-q8");
	struct store_source a = {"a.jpg", 1, 2, 3}, sources[] = {a, a, a, a, a};
	struct bytes object = object_of(1, &d, WIDTH, HEIGHT);
	struct ic_view view = view_of(object);

	sources[1].name = "b.jpg";
	sources[2].inode++;
	sources[3].nbytes++;
	sources[4].mtime_ns++;
	store_put(store, &a, &view);
	store_flush(store);
	for (size_t i = 0; i < COUNT(sources); i++)
		ck_assert(store_has(store, &sources[i], &d) == (i == 0));
	for (size_t i = 0; i < COUNT(others); i++) {
		d = design_of(others[i]);
		ck_assert(!store_has(store, &a, &d));
	}
	free(object.data);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_only_q8_objects_are_kept)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);
	struct jpeg_spec spec = {0};
	struct bytes jpeg = jpeg_new(40, 30, 1, &spec), object;
	struct ic_design d = design_of("s1x1-b8-k6-q7");
	struct store_source source = source_of(1);

	object = encode(jpeg, &d);
	struct ic_view view = view_of(object);
	store_put(store, &source, &view);
	store_flush(store);
	ck_assert(!store_has(store, &source, &d));
	ck_assert_uint_eq(segments_nbytes(&scene), 0);
	free(jpeg.data);
	free(object.data);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_objects_of_all_sizes)
{
	static const uint32_t sides[] = {1, 7, 8, 60, 127, 128, 129, 500, 2100}; /* 2100: a head over 4 KiB */
	struct ic_design d = design_of("s1x1-b1-k1-q8-c1");
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	for (int reopened = 0; reopened < 3; reopened++) {
		for (uint64_t i = 0; i < COUNT(sides) && !reopened; i++)
			put(store, i, &d, sides[i], sides[i]);
		store_flush(store);
		for (uint64_t i = 0; i < COUNT(sides); i++)
			ck_assert(holds(store, i, &d, &d, sides[i], sides[i]));
		store_close(store);
		store = store_new(&scene);
	}
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_readers_never_wait_for_the_writer)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	put(store, 0, &dense, WIDTH, HEIGHT);
	store_flush(store);
	pthread_mutex_lock(&store->files); /* as if the disk did not answer */
	struct bytes object = object_of(1, &dense, WIDTH, HEIGHT);
	struct ic_view view = view_of(object);
	uint64_t fit = scene.settings.queue_nbytes / object.nbytes;
	for (uint64_t i = 1; i < fit + 20; i++) {
		struct store_source source = source_of(i);
		store_put(store, &source, &view);
	}
	ck_assert_uint_ge(store_counts(store).dropped, 10);
	ck_assert_uint_le(store_counts(store).queued_nbytes, scene.settings.queue_nbytes);
	ck_assert(holds(store, 0, &dense, &dense, WIDTH, HEIGHT));
	ck_assert(!holds(store, 500000, &dense, &dense, WIDTH, HEIGHT));
	pthread_mutex_unlock(&store->files);
	free(object.data);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_short_lives_share_a_segment)
{
	char names[16][SEGMENT_NAME_SIZE];
	struct scene scene = scene_new();

	for (uint64_t i = 0; i < 10; i++) {
		struct store *store = store_new(&scene);
		put(store, i, &dense, WIDTH, HEIGHT);
		store_close(store);
	}
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 1);
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; i < 10; i++)
		ck_assert(holds(store, i, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* --- Sources that are gone ------------------------------------------------------------------------------------------ */

START_TEST(test_what_no_source_asks_for_goes)
{
	const struct ic_design other = design_of("s2x2-b4-k3-q8");
	struct scene scene = scene_new();
	struct store_sweep *sweep;
	struct store_swept swept;
	char names[8][SEGMENT_NAME_SIZE];
	struct store_source source;

	struct store *old = store_new(&scene);
	put(old, 1, &dense, WIDTH, HEIGHT);
	put(old, 2, &dense, WIDTH, HEIGHT);
	put(old, 2, &other, WIDTH, HEIGHT);
	store_flush(old);
	struct store *gone = store_new(&scene); /* in a segment of its own, for the other one is being written */
	put(gone, 3, &dense, WIDTH, HEIGHT);
	store_close(gone);
	store_close(old);
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 2);

	struct store *store = store_new(&scene);
	ck_assert_int_eq(store_sweep_new(store, &sweep), 0);
	source = source_of(2);
	store_sweep_keep(sweep, &source);
	put(store, 4, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_int_eq(store_sweep_end(sweep, &swept), 0);
	store_sweep_free(sweep);
	ck_assert_uint_eq(swept.records, 2);
	ck_assert_uint_eq(swept.segments + segment_names(&scene, names, COUNT(names)), 2);
	for (int again = 0; again < 2; again++) {
		ck_assert_uint_eq(store_counts(store).records, 3);
		ck_assert(!holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
		ck_assert(holds(store, 2, &dense, &sparse, WIDTH, HEIGHT));
		ck_assert(holds(store, 2, &other, &other, WIDTH, HEIGHT));
		ck_assert(!holds(store, 3, &dense, &dense, WIDTH, HEIGHT));
		ck_assert(holds(store, 4, &dense, &dense, WIDTH, HEIGHT)); /* put meanwhile */
		store_close(store);
		store = store_new(&scene);
	}
	/* One that is not ended changes nothing; then all goes. */
	ck_assert_int_eq(store_sweep_new(store, &sweep), 0);
	store_sweep_free(sweep);
	ck_assert_uint_eq(store_counts(store).records, 3);
	ck_assert_int_eq(store_sweep_new(store, &sweep), 0);
	ck_assert_int_eq(store_sweep_end(sweep, &swept), 0);
	store_sweep_free(sweep);
	ck_assert_uint_eq(swept.records, 3);
	store_close(store);
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 0);
	scene.settings.read_only = true;
	store = store_new(&scene);
	ck_assert_int_eq(store_sweep_new(store, &sweep), -EROFS);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* --- What cannot be written ---------------------------------------------------------------------------------------- */

START_TEST(test_read_only)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	uint64_t nbytes = segments_nbytes(&scene);
	scene.settings.read_only = true;
	store = store_new(&scene);
	ck_assert(holds(store, 1, &dense, &sparse, WIDTH, HEIGHT));
	put(store, 2, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(!holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_eq(store_evict(store, 0), 0);
	store_close(store);
	ck_assert_uint_eq(segments_nbytes(&scene), nbytes);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_places_that_are_no_store)
{
	struct store_settings settings = store_settings_default();
	struct store *store = NULL;
	struct ic_why why;

	ck_assert_int_eq(store_open(&settings, NULL, &store, &why), -EINVAL);
	settings.directory = "/dev/null/store";
	ck_assert_int_eq(store_open(&settings, NULL, &store, &why), -ENOTDIR);
	settings.directory = "/nowhere/at/all";
	ck_assert_int_eq(store_open(&settings, NULL, &store, &why), -ENOENT);
	ck_assert_str_eq(why.text, "store /nowhere/at/all: No such file or directory");
	settings.directory = "/dev/null";
	ck_assert_int_eq(store_open(&settings, NULL, &store, &why), -ENOTDIR);
	ck_assert_ptr_null(store);
	store_close(NULL);
}
END_TEST

START_TEST(test_other_files_in_the_directory_are_left_alone)
{
	static const char *const names[] = {"README", "x.seg.txt", ".seg",
	                                    "0123456789012345678901234567890123456789012345678.seg"};
	struct scene scene = scene_new();
	char path[2 * PATH_MAX];

	for (size_t i = 0; i < COUNT(names); i++)
		file_write(&scene, names[i], (struct bytes){(uint8_t *)"text", 4});
	scene.settings.nbytes_max = 1 << 20;
	struct store *store = store_new(&scene);
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_evict(store, 0);
	store_close(store);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct bytes bytes = file_read(&scene, names[i]);
		ck_assert(bytes.nbytes == 4 && !memcmp(bytes.data, "text", 4));
		free(bytes.data);
		snprintf(path, sizeof(path), "%s/%s", scene.directory, names[i]);
		unlink(path);
	}
	scene_clear(&scene);
}
END_TEST

START_TEST(test_nothing_but_files_is_opened)
{
	struct scene scene = scene_new();
	char path[2 * PATH_MAX], folder[2 * PATH_MAX];

	struct store *store = store_new(&scene);
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	snprintf(path, sizeof(path), "%s/0-fifo.seg", scene.directory);
	snprintf(folder, sizeof(folder), "%s/0-folder.seg", scene.directory);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(mkdir(folder, 0700), 0);
	for (int i = 0; i < 2; i++) {
		scene.settings.read_only = i;
		store = store_new(&scene); /* and does not wait for somebody who writes to the FIFO */
		ck_assert(holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
		ck_assert_uint_eq(store_counts(store).segments, 1);
		ck_assert_uint_eq(store_evict(store, segments_nbytes(&scene)), 0);
		store_close(store);
	}
	ck_assert(!unlink(path) && !rmdir(folder));
	scene_clear(&scene);
}
END_TEST

static size_t open_descriptors(void)
{
	size_t n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

START_TEST(test_descriptors_are_left_to_others)
{
	struct scene scene = scene_new();
	struct store *stores[40];
	struct rlimit limit;

	for (size_t i = 0; i < COUNT(stores); i++) { /* each writes a file of its own */
		stores[i] = store_new(&scene);
		put(stores[i], i, &dense, WIDTH, HEIGHT);
		store_flush(stores[i]);
	}
	for (size_t i = 0; i < COUNT(stores); i++)
		store_close(stores[i]);
	size_t before = open_descriptors();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 48;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	struct store *store = store_new(&scene);
	ck_assert_uint_eq(store_counts(store).segments, 24);
	ck_assert_uint_eq(open_descriptors(), before + 25);
	store_refresh(store);
	ck_assert_uint_eq(store_counts(store).segments, 24);
	ck_assert_uint_eq(store_counts(store).records, 24);
	ck_assert_uint_ge(store_evict(store, 0), 24);
	store_close(store);
	ck_assert_uint_eq(open_descriptors(), before);
	scene_clear(&scene);
}
END_TEST

static void add(TCase *cases)
{
	dense = design_of("s1x1-b8-k9-q8");
	sparse = design_of("s1x1-b8-k4-q8");
	tcase_add_test(cases, test_sparser_designs_are_those_of_a_direct_encode);
	tcase_add_test(cases, test_only_what_covers_is_found);
	tcase_add_test(cases, test_every_part_of_a_key_counts);
	tcase_add_test(cases, test_only_q8_objects_are_kept);
	tcase_add_test(cases, test_objects_of_all_sizes);
	tcase_add_test(cases, test_readers_never_wait_for_the_writer);
	tcase_add_test(cases, test_short_lives_share_a_segment);
	tcase_add_test(cases, test_what_no_source_asks_for_goes);
	tcase_add_test(cases, test_read_only);
	tcase_add_test(cases, test_places_that_are_no_store);
	tcase_add_test(cases, test_other_files_in_the_directory_are_left_alone);
	tcase_add_test(cases, test_nothing_but_files_is_opened);
	tcase_add_test(cases, test_descriptors_are_left_to_others);
}

int main(void)
{
	return suite_run("store", add);
}
