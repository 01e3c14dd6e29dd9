/* SPDX-License-Identifier: MIT */
/* The bounds of one store, in bytes and by the space that is left to others: what goes first. */
#include "store_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 90
#define HEIGHT 70

static struct ic_design dense, sparse;

/* Put a hundred times what fits, more or less. Returns how many of them are there in the end. */
static uint64_t overfill(struct scene *scene, struct store *store, uint64_t first, uint64_t count)
{
	uint64_t there = 0;

	for (uint64_t i = first; i < first + count; i++) {
		offer(store, i, &dense, WIDTH, HEIGHT);
		if (i % 64 == 0)
			ck_assert_uint_le(segments_nbytes(scene), scene->settings.nbytes_max);
	}
	store_flush(store);
	ck_assert_uint_le(segments_nbytes(scene), scene->settings.nbytes_max);
	for (uint64_t i = first; i < first + count; i++)
		there += holds(store, i, &dense, &sparse, WIDTH, HEIGHT);
	return there;
}

START_TEST(test_new_objects_take_the_place_of_what_rests)
{
	struct scene scene = scene_new();
	struct bytes object = object_of(1, &dense, WIDTH, HEIGHT);

	scene.settings.nbytes_max = 4u << 20;
	scene.settings.rest_seconds = 0;
	struct store *store = store_new(&scene);
	uint64_t fit = scene.settings.nbytes_max / object.nbytes, there = overfill(&scene, store, 0, 4 * fit);
	ck_assert_uint_gt(there, fit * 8 / 10);
	ck_assert_uint_le(there, fit * 5 / 4); /* one in five is gray, and smaller */
	ck_assert(holds(store, 4 * fit - 1, &dense, &dense, WIDTH, HEIGHT));
	ck_assert(!holds(store, 0, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_gt(store_counts(store).evicted, 20);
	free(object.data);
	store_close(store);
	ck_assert_uint_le(segments_nbytes(&scene), scene.settings.nbytes_max);
	scene_clear(&scene);
}
END_TEST

/* A picture WIDTH wide of which a record takes `nbytes` or a little more. */
static uint32_t height_for(const struct ic_design *design, uint64_t nbytes)
{
	struct ic_layout layout;
	uint32_t height = 0;

	do
		ck_assert_int_eq(ic_layout_init(&layout, design, WIDTH, ++height, 3), 0);
	while (record_nbytes(layout.nbytes) < nbytes);
	return height;
}

START_TEST(test_a_segment_that_is_gone_on_in_counts_once)
{
	const uint64_t nsegments = 16, segment_nbytes = 128 << 10, nbytes = 33 << 10;
	struct scene scene = scene_new();

	/* Segments end a few KiB late, so that 15 fit; the last one is begun, and has room. */
	scene.settings.nbytes_max = nsegments * segment_nbytes;
	uint32_t height = height_for(&dense, nbytes);
	struct store *store = store_new(&scene);
	uint64_t i = 1; /* 0 is gray */
	for (; i <= 14 * 4 + 14 + 1; i++)
		if (i % 5)
			put(store, i, &dense, WIDTH, height);
	store_close(store);
	store = store_new(&scene);
	ck_assert_uint_eq(store_counts(store).segments, 15);
	put(store, i, &dense, WIDTH, height);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).dropped, 0);
	ck_assert(holds(store, i, &dense, &dense, WIDTH, height));
	ck_assert_uint_eq(store_counts(store).segments, 15);
	store_close(store);
	ck_assert_uint_le(segments_nbytes(&scene), scene.settings.nbytes_max);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_no_space_is_enough_where_all_is_to_be_left)
{
	struct scene scene = scene_new();

	scene.settings.free_nbytes_min = UINT64_MAX;
	scene.settings.retry_seconds = 0;
	struct store *store = store_new(&scene);
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).dropped, 1);
	ck_assert_uint_eq(store_counts(store).segments, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_what_is_in_use_stays)
{
	struct scene scene = scene_new();

	scene.settings.nbytes_max = 4u << 20;
	scene.settings.retry_seconds = 0;
	struct store *store = store_new(&scene);
	uint64_t first = overfill(&scene, store, 0, 200);
	ck_assert_uint_eq(first, 200);
	overfill(&scene, store, 1000, 2000);
	for (uint64_t i = 0; i < 200; i++)
		ck_assert(holds(store, i, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_gt(store_counts(store).dropped, 100);
	ck_assert_uint_eq(store_counts(store).evicted, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* Make a segment look as if it was last used that long ago. */
static void age(const struct scene *scene, const char *name, int seconds)
{
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	struct timespec now, times[2];

	clock_gettime(CLOCK_REALTIME, &now);
	times[0] = times[1] = (struct timespec){.tv_sec = now.tv_sec - seconds};
	snprintf(path, sizeof(path), "%s/%s", scene->directory, name);
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

#define APART_MAX 8

/* Sources 1 to n, each in a segment of its own, since the others are being written; last used so many seconds ago. */
static void put_apart(const struct scene *scene, const int *ages, size_t n)
{
	char names[APART_MAX][SEGMENT_NAME_SIZE];
	struct store *stores[APART_MAX];

	for (size_t i = 0; i < n; i++) {
		stores[i] = store_new(scene);
		put(stores[i], i + 1, &dense, WIDTH, HEIGHT);
		store_flush(stores[i]);
	}
	for (size_t i = 0; i < n; i++)
		store_close(stores[i]);
	ck_assert_uint_eq(segment_names(scene, names, APART_MAX), n);
	for (size_t i = 0; i < n; i++)
		age(scene, names[i], ages[i]);
}

START_TEST(test_what_was_not_used_for_longest_goes_first)
{
	static const int ages[] = {300, 900, 100, 600};
	struct scene scene = scene_new();

	put_apart(&scene, ages, COUNT(ages));
	struct store *store = store_new(&scene);
	uint64_t each = segments_nbytes(&scene) / COUNT(ages);
	static const bool stays[][4] = {{1, 0, 1, 1}, {1, 0, 1, 0}, {0, 0, 1, 0}, {0, 0, 0, 0}};
	for (size_t n = 0; n < COUNT(ages); n++) {
		ck_assert_uint_eq(store_evict(store, n == 3 ? 0 : each * (3 - n) + each / 2), 1);
		for (uint64_t i = 0; i < COUNT(ages); i++) {
			struct store_source source = source_of(i + 1);
			ck_assert_msg(store_has(store, &source, &dense) == stays[n][i], "%zu: %d", n, (int)i);
		}
	}
	ck_assert_uint_eq(store_counts(store).segments, 0);
	ck_assert_uint_eq(segments_nbytes(&scene), 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* Who fills a store with one thing, and asks what of it is there, does not lose that to the rest. */
START_TEST(test_what_was_asked_for_stays)
{
	struct scene scene = scene_new();
	char names[64][SEGMENT_NAME_SIZE];

	scene.settings.nbytes_max = 4u << 20;
	scene.settings.segment_nbytes = 256u << 10;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; i < 200; i++)
		put(store, i, &dense, WIDTH, HEIGHT);
	store_close(store);
	store = store_new(&scene);
	overfill(&scene, store, 1000, 2000);
	store_close(store);
	size_t n = segment_names(&scene, names, COUNT(names));
	for (size_t i = 0; i < n; i++)
		age(&scene, names[i], (int)(100000 - i));
	scene.settings.takes_over = true;
	store = store_new(&scene);
	for (uint64_t i = 0; i < 200; i++) {
		struct store_source source = source_of(i);
		ck_assert(store_has_kept(store, &source, &dense));
	}
	for (uint64_t i = 5000; store_counts(store).evicted < 3; i++) {
		put(store, i, &dense, WIDTH, HEIGHT);
		store_flush(store);
		ck_assert_uint_lt(i, 7000);
	}
	for (uint64_t i = 0; i < 200; i++)
		ck_assert(holds(store, i, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_what_never_fits_holds_nobody_up)
{
	struct scene scene = scene_new();
	struct bytes giant = object_of(1, &dense, 2000, 1500);
	struct ic_view view = view_of(giant);
	struct store_source source = source_of(1);

	scene.settings.nbytes_max = 1u << 20;
	scene.settings.segment_nbytes = 256u << 10;
	ck_assert_uint_gt(giant.nbytes, scene.settings.nbytes_max);
	struct store *store = store_new(&scene);
	ck_assert_int_eq(store_put_wait(store, &source, &view), -EFBIG);
	store_put(store, &source, &view);
	ck_assert_uint_eq(store_counts(store).dropped, 1);
	put(store, 2, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	free(giant.data);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* A clock that was ahead and was set back: the future says nothing of use. */
START_TEST(test_files_of_the_future_are_old)
{
	static const int ages[][2] = {{-1000000, 1000000}, {-1000000, 1000}};
	struct store_source source = source_of(1);

	for (unsigned is_asked_for = 0; is_asked_for < 2; is_asked_for++) { /* what is in use now is not old */
		struct scene scene = scene_new();
		put_apart(&scene, ages[is_asked_for], 2);
		uint64_t each = segments_nbytes(&scene) / 2;
		struct store *store = store_new(&scene);
		ck_assert(!is_asked_for || store_has_kept(store, &source, &dense));
		ck_assert_uint_eq(store_evict(store, each + each / 2), 1);
		ck_assert(store_has(store, &source, &dense) == is_asked_for);
		store_close(store);
		scene_clear(&scene);
	}
}
END_TEST

/* It has them open, and they take their place on the disk, until it looks. */
START_TEST(test_who_is_idle_closes_what_others_gave_up)
{
	struct scene scene = scene_new();

	scene.settings.look_seconds = 1;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; i < 50; i++)
		put(store, i, &dense, WIDTH, HEIGHT);
	store_close(store);
	struct store *idle = store_new(&scene);
	store = store_new(&scene);
	ck_assert_uint_gt(store_counts(idle).segments, 0);
	ck_assert_uint_gt(store_evict(store, 0), 0);
	for (unsigned tries = 0; store_counts(idle).segments && tries < 6000; tries++)
		usleep(10000);
	ck_assert_uint_eq(store_counts(idle).segments, 0);
	store_close(store);
	store_close(idle);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_use_is_written_down)
{
	char names[8][SEGMENT_NAME_SIZE], path[PATH_MAX + SEGMENT_NAME_SIZE];
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);
	struct stat st;

	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 1);
	age(&scene, names[0], 100000);
	store = store_new(&scene);
	ck_assert(holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	snprintf(path, sizeof(path), "%s/%s", scene.directory, names[0]);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_gt(st.st_mtim.tv_sec, time(NULL) - 90000);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_a_tighter_bound_holds_at_once)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	for (uint64_t i = 0; i < 800; i++)
		put(store, i, &dense, WIDTH, HEIGHT);
	store_close(store);
	ck_assert_uint_gt(segments_nbytes(&scene), 3u << 20);
	scene.settings.nbytes_max = 2u << 20;
	store = store_new(&scene);
	ck_assert_uint_le(segments_nbytes(&scene), 2u << 20);
	ck_assert_uint_gt(segments_nbytes(&scene), 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_space_is_left_to_others)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	scene.settings.free_nbytes_min = UINT64_MAX / 2; /* more than any disk has */
	store = store_new(&scene);
	ck_assert_uint_eq(segments_nbytes(&scene), 0);
	put(store, 2, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(segments_nbytes(&scene), 0);
	ck_assert(!holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_eq(store_counts(store).dropped, 1);
	struct store_source source = source_of(3);
	struct bytes object = object_of(3, &dense, WIDTH, HEIGHT);
	struct ic_view view = view_of(object);
	ck_assert_int_eq(store_put_wait(store, &source, &view), -ENOSPC);
	free(object.data);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_superseded_segments_go_first)
{
	char names[8][SEGMENT_NAME_SIZE], left[8][SEGMENT_NAME_SIZE];
	struct scene scene = scene_new();
	struct store *a = store_new(&scene), *b = store_new(&scene);

	put(a, 1, &dense, WIDTH, HEIGHT);
	store_flush(a);
	put(b, 2, &sparse, WIDTH, HEIGHT);
	store_flush(b);
	store_close(a);
	store_refresh(b);
	struct store *c = store_new(&scene);
	put(c, 2, &dense, WIDTH, HEIGHT); /* goes on in the first one */
	store_close(c);
	store_close(b);
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 2);
	age(&scene, names[0], 5000);
	c = store_new(&scene);
	ck_assert_uint_eq(store_evict(c, segments_nbytes(&scene) - 1), 1);
	ck_assert_uint_eq(segment_names(&scene, left, COUNT(left)), 1);
	ck_assert_str_eq(left[0], names[0]);
	ck_assert(holds(c, 2, &dense, &dense, WIDTH, HEIGHT));
	store_close(c);
	scene_clear(&scene);
}
END_TEST

static void add(TCase *cases)
{
	dense = design_of("s1x1-b8-k9-q8");
	sparse = design_of("s1x1-b8-k4-q8");
	tcase_add_test(cases, test_new_objects_take_the_place_of_what_rests);
	tcase_add_test(cases, test_a_segment_that_is_gone_on_in_counts_once);
	tcase_add_test(cases, test_no_space_is_enough_where_all_is_to_be_left);
	tcase_add_test(cases, test_what_is_in_use_stays);
	tcase_add_test(cases, test_what_was_not_used_for_longest_goes_first);
	tcase_add_test(cases, test_what_was_asked_for_stays);
	tcase_add_test(cases, test_what_never_fits_holds_nobody_up);
	tcase_add_test(cases, test_files_of_the_future_are_old);
	tcase_add_test(cases, test_who_is_idle_closes_what_others_gave_up);
	tcase_add_test(cases, test_use_is_written_down);
	tcase_add_test(cases, test_a_tighter_bound_holds_at_once);
	tcase_add_test(cases, test_space_is_left_to_others);
	tcase_add_test(cases, test_superseded_segments_go_first);
}

int main(void)
{
	return suite_run("store-bounds", add);
}
