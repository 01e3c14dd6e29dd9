/* SPDX-License-Identifier: MIT */
/* Rules of the store that only show where several things come together. */
#include "store_helpers.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define WIDTH 90
#define HEIGHT 70

static struct ic_design dense, sparse;

static void put_one(const struct scene *scene, uint64_t i)
{
	struct store *store = store_new(scene);

	put(store, i, &dense, WIDTH, HEIGHT);
	store_close(store);
}

static int open_only_segment(const struct scene *scene)
{
	char name[2][SEGMENT_NAME_SIZE], path[PATH_MAX + SEGMENT_NAME_SIZE];

	ck_assert_uint_eq(segment_names(scene, name, 2), 1);
	snprintf(path, sizeof(path), "%s/%s", scene->directory, name[0]);
	int fd = open(path, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	return fd;
}

/* One group more than there is: not found, and no damage either. */
START_TEST(test_a_design_just_beyond)
{
	struct ic_design beyond = dense;
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	beyond.keep++;
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(!holds(store, 1, &dense, &beyond, WIDTH, HEIGHT));
	ck_assert(holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_eq(store_counts(store).corrupt, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* What a file system brings back in another place of the same file, after a crash, is no record there. */
START_TEST(test_records_that_changed_places)
{
	struct scene scene = scene_new();
	char name[1][SEGMENT_NAME_SIZE];
	struct ic_layout layout;

	put_one(&scene, 1);
	put_one(&scene, 2);
	ck_assert_uint_eq(segment_names(&scene, name, 1), 1);
	ck_assert_int_eq(ic_layout_init(&layout, &dense, WIDTH, HEIGHT, 3), 0);
	size_t size = record_nbytes(layout.nbytes);
	struct bytes bytes = file_read(&scene, name[0]);
	bytes.nbytes = SEGMENT_HEADER_SIZE + 2 * size; /* without its footer */
	scene.settings.read_only = true;
	for (int swaps = 0; swaps < 2; swaps++) {
		file_write(&scene, name[0], bytes);
		struct store *store = store_new(&scene);
		ck_assert_uint_eq(store_counts(store).records, swaps ? 0 : 2);
		store_close(store);
		uint8_t *first = bytes.data + SEGMENT_HEADER_SIZE, *copy = malloc(size);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, first, size);
		memcpy(first, first + size, size);
		memcpy(first + size, copy, size);
		free(copy);
	}
	free(bytes.data);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_a_removed_file_is_not_gone_on_in)
{
	struct scene scene = scene_new();
	put_one(&scene, 1);
	struct store *store = store_new(&scene), *other = store_new(&scene);

	ck_assert_uint_eq(store_evict(other, 0), 1);
	store_close(other);
	put(store, 2, &dense, WIDTH, HEIGHT);
	store_close(store);
	store = store_new(&scene);
	ck_assert(holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_what_another_added_is_not_cut_off)
{
	struct scene scene = scene_new();
	put_one(&scene, 1);
	struct store *store = store_new(&scene);

	put_one(&scene, 2); /* goes on in the file, of which `store` has not seen it */
	put(store, 3, &dense, WIDTH, HEIGHT);
	store_close(store);
	store = store_new(&scene);
	for (uint64_t i = 1; i <= 3; i++)
		ck_assert_msg(holds(store, i, &dense, &dense, WIDTH, HEIGHT), "%u", (unsigned)i);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* A record that was made again lies in a newer file, and the older one still lists it. */
START_TEST(test_what_was_made_again_is_found_first)
{
	struct scene scene = scene_new();
	char names[2][SEGMENT_NAME_SIZE];

	put_one(&scene, 1);
	int fd = open_only_segment(&scene);
	ck_assert_int_eq(pwrite(fd, "damage", 6, SEGMENT_HEADER_SIZE + 400), 6);
	struct store *store = store_new(&scene);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0); /* so that nobody goes on in it */
	ck_assert(!holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	close(fd);
	ck_assert_uint_eq(segment_names(&scene, names, 2), 2);
	store = store_new(&scene);
	ck_assert(holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_eq(store_counts(store).corrupt, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_a_file_given_up_is_closed_by_its_last_reader)
{
	struct scene scene = scene_new();
	uint8_t byte;

	put_one(&scene, 1);
	struct store *store = store_new(&scene);
	pthread_mutex_lock(&store->lock);
	struct segment *segment = segment_get(store, 0);
	pthread_mutex_unlock(&store->lock);
	int fd = segment->fd;
	ck_assert_uint_eq(store_evict(store, 0), 1);
	ck_assert(segment_read(segment, &byte, 1, SEGMENT_HEADER_SIZE));
	segment_put(store, segment);
	ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* Each has looked at the directory when nothing was there, and is asked for nothing since. */
START_TEST(test_bounds_hold_for_all_writers_together)
{
	struct scene scene = scene_new();
	struct store *stores[5];
	struct ic_layout layout;

	scene.settings.nbytes_max = 2 << 20;
	scene.settings.rest_seconds = 0;
	ck_assert_int_eq(ic_layout_init(&layout, &dense, WIDTH, HEIGHT, 3), 0);
	uint64_t record = record_nbytes(layout.nbytes), n = scene.settings.nbytes_max / 3 / record;
	for (size_t s = 0; s < COUNT(stores); s++)
		stores[s] = store_new(&scene);
	for (uint64_t i = 0; i < n; i++)
		for (size_t s = 0; s < COUNT(stores); s++)
			put(stores[s], s * n + i, &dense, WIDTH, HEIGHT);
	for (size_t s = 0; s < COUNT(stores); s++)
		store_flush(stores[s]);
	/* Each may end one record late. */
	ck_assert_uint_le(segments_nbytes(&scene), scene.settings.nbytes_max + COUNT(stores) * record);
	ck_assert_uint_ge(segments_nbytes(&scene), scene.settings.nbytes_max / 2);
	for (size_t s = 0; s < COUNT(stores); s++)
		store_close(stores[s]);
	scene_clear(&scene);
}
END_TEST

/* One that was seen empty, and was filled by another process since, is not dead. */
START_TEST(test_what_was_filled_since_it_was_looked_at_stays)
{
	const struct timespec long_ago[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000}};
	struct scene scene = scene_new();

	put_one(&scene, 1);
	int fd = open_only_segment(&scene);
	ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
	ck_assert_int_eq(futimens(fd, long_ago), 0);
	struct store *writer = store_new(&scene);
	pthread_mutex_lock(&writer->files);
	ck_assert_int_eq(segment_begin(writer, 1000), 0);
	pthread_mutex_unlock(&writer->files);
	close(fd);
	struct store *store = store_new(&scene);
	ck_assert_uint_eq(store_counts(store).segments, 2);
	put(writer, 2, &dense, WIDTH, HEIGHT);
	store_close(writer);
	ck_assert_uint_eq(store_evict(store, store_counts(store).nbytes - 1), 1);
	store_close(store);
	store = store_new(&scene);
	ck_assert(holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	ck_assert(!holds(store, 1, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* Of which nothing is found any more, however lately it was read. */
START_TEST(test_what_is_superseded_makes_room_at_once)
{
	const struct ic_design larger = design_of("s1x1-b8-k10-q8");
	struct scene scene = scene_new();
	struct ic_layout layout;

	scene.settings.nbytes_max = 2 << 20;
	ck_assert_int_eq(ic_layout_init(&layout, &dense, WIDTH, HEIGHT, 3), 0);
	uint64_t n = (3 << 19) / record_nbytes(layout.nbytes); /* 1.5 MiB of 2 */
	struct store *store = store_new(&scene);
	for (int again = 0; again < 2; again++)
		for (uint64_t i = 0; i < n; i++)
			put(store, i, again ? &larger : &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).dropped, 0);
	ck_assert_uint_gt(store_counts(store).evicted, 0);
	for (uint64_t i = 0; i < n; i++)
		ck_assert_msg(holds(store, i, &larger, &sparse, WIDTH, HEIGHT), "%u", (unsigned)i);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_what_waits_twice_is_written_once)
{
	struct scene scene = scene_new();
	struct store *store = store_new(&scene);

	pthread_mutex_lock(&store->files); /* the writer waits */
	put(store, 1, &dense, WIDTH, HEIGHT);
	put(store, 1, &dense, WIDTH, HEIGHT);
	put(store, 1, &sparse, WIDTH, HEIGHT);
	pthread_mutex_unlock(&store->files);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).written, 1);
	ck_assert_uint_eq(store_counts(store).dropped, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

/* An index entry under another's key is told of, not taken for a record that verifies. */
START_TEST(test_verify_compares_keys)
{
	struct scene scene = scene_new();
	char name[1][SEGMENT_NAME_SIZE];
	struct segment_trailer trailer;
	struct segment_header header;
	struct store_check check;

	put_one(&scene, 1);
	ck_assert_uint_eq(segment_names(&scene, name, 1), 1);
	struct bytes bytes = file_read(&scene, name[0]);
	uint8_t *end = bytes.data + bytes.nbytes - SEGMENT_TRAILER_SIZE;
	ck_assert(segment_read_header(bytes.data, &header));
	ck_assert(segment_read_trailer(end, header.id, bytes.nbytes, &trailer));
	uint8_t *entries = bytes.data + trailer.data_end;
	entries[0] ^= 1;
	trailer.entries_sum = segment_sum(entries, SEGMENT_ENTRY_SIZE);
	segment_write_trailer(end, &trailer);
	file_write(&scene, name[0], bytes);
	struct store *store = store_new(&scene);
	ck_assert_int_eq(store_verify(store, NULL, NULL, &check), 0);
	ck_assert(check.total == 1 && check.corrupt == 1 && check.records == 0);
	store_close(store);
	free(bytes.data);
	scene_clear(&scene);
}
END_TEST

static void add(TCase *cases)
{
	dense = design_of("s1x1-b8-k9-q8");
	sparse = design_of("s1x1-b8-k4-q8");
	tcase_add_test(cases, test_a_design_just_beyond);
	tcase_add_test(cases, test_records_that_changed_places);
	tcase_add_test(cases, test_a_removed_file_is_not_gone_on_in);
	tcase_add_test(cases, test_what_another_added_is_not_cut_off);
	tcase_add_test(cases, test_what_was_made_again_is_found_first);
	tcase_add_test(cases, test_a_file_given_up_is_closed_by_its_last_reader);
	tcase_add_test(cases, test_bounds_hold_for_all_writers_together);
	tcase_add_test(cases, test_what_was_filled_since_it_was_looked_at_stays);
	tcase_add_test(cases, test_what_is_superseded_makes_room_at_once);
	tcase_add_test(cases, test_what_waits_twice_is_written_once);
	tcase_add_test(cases, test_verify_compares_keys);
}

int main(void)
{
	return suite_run("store rules", add);
}
