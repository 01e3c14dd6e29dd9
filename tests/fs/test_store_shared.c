/* SPDX-License-Identifier: MIT */
/* A store that several threads and processes use at the same time, some of which die. */
#include "store_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WIDTH 90
#define HEIGHT 70
#define NTHREADS 8
#define NKEYS 300
#define NKILLS 25
#define NPUTS 300
#define NKEYS_KILLED 100000

static struct ic_design dense, sparse;

START_TEST(test_two_processes_see_what_the_other_writes)
{
	char names[4][SEGMENT_NAME_SIZE];
	struct scene scene = scene_new();
	struct store *a = store_new(&scene), *b = store_new(&scene);

	put(a, 1, &dense, WIDTH, HEIGHT);
	put(b, 2, &dense, WIDTH, HEIGHT);
	store_flush(a);
	store_flush(b);
	ck_assert_uint_eq(segment_names(&scene, names, COUNT(names)), 2);
	ck_assert(!holds(a, 2, &dense, &dense, WIDTH, HEIGHT) || !holds(b, 1, &dense, &dense, WIDTH, HEIGHT));
	for (uint64_t round = 0; round < 5; round++) {
		store_refresh(a);
		store_refresh(b);
		for (uint64_t i = 1; i <= 2 + 2 * round; i++)
			ck_assert(holds(i % 2 ? b : a, i, &dense, &sparse, WIDTH, HEIGHT));
		put(a, 3 + 2 * round, &dense, WIDTH, HEIGHT);
		put(b, 4 + 2 * round, &dense, WIDTH, HEIGHT);
		store_flush(a);
		store_flush(b);
	}
	/* Finished by its writer, gone on with by another, given up by a third: the first sees all of it. */
	store_close(b);
	b = store_new(&scene);
	put(b, 100, &dense, WIDTH, HEIGHT);
	store_flush(b);
	store_refresh(a);
	ck_assert(holds(a, 100, &dense, &dense, WIDTH, HEIGHT));
	store_close(b);
	b = store_new(&scene);
	ck_assert_uint_eq(store_evict(b, 0), 1); /* not the one that is being written */
	ck_assert(holds(a, 2, &dense, &dense, WIDTH, HEIGHT));
	store_refresh(a);
	ck_assert(!holds(a, 2, &dense, &dense, WIDTH, HEIGHT));
	ck_assert(holds(a, 1, &dense, &dense, WIDTH, HEIGHT));
	store_close(a);
	store_close(b);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_a_miss_makes_it_look)
{
	struct scene scene = scene_new();
	struct store *a = store_new(&scene), *b = store_new(&scene);
	const struct timespec pause = {.tv_nsec = 5000000};
	bool has = false;

	put(a, 1, &dense, WIDTH, HEIGHT);
	store_flush(a);
	for (int i = 0; i < 4000 && !has; i++) { /* within a second of asking; 20 allow for a busy machine */
		has = holds(b, 1, &dense, &dense, WIDTH, HEIGHT);
		nanosleep(&pause, NULL);
	}
	ck_assert(has);
	store_close(a);
	store_close(b);
	scene_clear(&scene);
}
END_TEST

struct worker {
	struct store *stores[2];
	unsigned number;
};

static void *work(void *context)
{
	struct worker *worker = context;
	struct dice dice = dice_new(worker->number);

	for (int i = 0; i < 400; i++) {
		struct store *store = worker->stores[dice_roll(&dice, 2)];
		uint64_t key = dice_roll(&dice, NKEYS);
		if (!holds(store, key, &dense, dice_roll(&dice, 2) ? &dense : &sparse, WIDTH, HEIGHT)) {
			struct store_source source = source_of(key);
			struct bytes object = object_of(key, &dense, WIDTH, HEIGHT);
			struct ic_view view = view_of(object);
			store_put(store, &source, &view);
			free(object.data);
		}
		if (dice_roll(&dice, 100) == 0)
			store_refresh(store);
		if (dice_roll(&dice, 100) == 0)
			store_evict(store, 1u << 20);
	}
	return NULL;
}

START_TEST(test_threads)
{
	struct worker workers[NTHREADS];
	pthread_t threads[NTHREADS];
	struct scene scene = scene_new();

	scene.settings.nbytes_max = 2u << 20;
	scene.settings.rest_seconds = 0;
	struct store *a = store_new(&scene), *b = store_new(&scene);
	for (unsigned i = 0; i < NTHREADS; i++) {
		workers[i] = (struct worker){{a, b}, i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_uint_eq(store_counts(a).corrupt + store_counts(b).corrupt, 0);
	ck_assert_uint_gt(store_counts(a).hits, 100);
	store_close(a);
	store_close(b);
	scene_clear(&scene);
}
END_TEST

/* --- Death --------------------------------------------------------------------------------------------------------- */

struct task {
	struct store_source source;
	struct bytes object;
	struct ic_view view;
};

static void tasks_make(struct task tasks[NPUTS], uint64_t seed)
{
	struct dice dice = dice_new(seed);

	for (unsigned i = 0; i < NPUTS; i++) {
		uint64_t key = dice_roll(&dice, NKEYS_KILLED);

		tasks[i].source = source_of(key);
		tasks[i].object = object_of(key, &dense, WIDTH, HEIGHT);
		tasks[i].view = view_of(tasks[i].object);
	}
}

/* In a process of its own, until it is killed. Without Check, whose asserts all write to one file: a death in the middle of
 * that would break the report of the parent. */
static void put_until_killed(const struct scene *scene, const struct task tasks[NPUTS])
{
	struct store_settings settings = scene->settings;
	struct store *store;

	settings.directory = scene->directory;
	if (store_open(&settings, NULL, &store, NULL))
		_exit(1);
	for (unsigned i = 0; i < NPUTS; i++) {
		if (store_put_wait(store, &tasks[i].source, &tasks[i].view))
			_exit(2);
	}
	for (;;)
		pause();
}

static void run_and_kill(const struct scene *scene, uint64_t seed)
{
	/* The later, the longer: on a slow machine none of the first may get to write. */
	uint64_t life_ms = (1 + seed * 7919 % 60) * (1 + seed / NKILLS);
	const struct timespec life = {.tv_sec = (time_t)(life_ms / 1000), .tv_nsec = (long)(life_ms % 1000) * 1000000};
	static struct task tasks[NPUTS];
	int status;

	tasks_make(tasks, seed);
	pid_t child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		put_until_killed(scene, tasks);
	nanosleep(&life, NULL);
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	for (unsigned i = 0; i < NPUTS; i++)
		free(tasks[i].object.data);
}

START_TEST(test_killed_while_writing)
{
	struct scene scene = scene_new();
	struct store_check check;
	uint64_t records = 0;

	scene.settings.segment_nbytes = 512u << 10;
	/* On a busy machine little is written before each kill: until enough is. */
	for (uint64_t round = 0; round < NKILLS || records <= 100; round++) {
		run_and_kill(&scene, round);
		struct store *store = store_new(&scene);
		ck_assert_int_eq(store_verify(store, NULL, NULL, &check), 0);
		ck_assert_uint_eq(check.corrupt, 0); /* the kernel had all that was written */
		ck_assert_uint_ge(check.records, records);
		records = check.records;
		store_close(store);
	}
	struct store *store = store_new(&scene);
	uint64_t there = 0;
	for (uint64_t i = 0; i < NKEYS_KILLED; i++) {
		struct store_source source = source_of(i);
		there += store_has(store, &source, &dense) && holds(store, i, &dense, &dense, WIDTH, HEIGHT);
	}
	ck_assert_uint_eq(there, records);
	store_evict(store, 0);
	store_close(store);
	scene_clear(&scene);
}
END_TEST

START_TEST(test_who_dies_leaves_what_the_next_one_finishes)
{
	char names[64][SEGMENT_NAME_SIZE];
	struct scene scene = scene_new();

	for (uint64_t i = 0; i < 20; i++)
		run_and_kill(&scene, i);
	struct store *store = store_new(&scene);
	store_close(store);
	size_t n = segment_names(&scene, names, COUNT(names));
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		struct bytes bytes = file_read(&scene, names[i]);
		struct segment_header header;
		struct segment_trailer trailer;
		if (bytes.nbytes >= SEGMENT_HEADER_SIZE && segment_read_header(bytes.data, &header))
			ck_assert(segment_read_trailer(bytes.data + bytes.nbytes - SEGMENT_TRAILER_SIZE, header.id,
			                               bytes.nbytes, &trailer));
		free(bytes.data);
	}
	scene_clear(&scene);
}
END_TEST

/* --- Full and read-only disks -------------------------------------------------------------------------------------- */

/* A file system of that size, for this process alone. False where we may not. */
static bool mount_small(const char *directory, const char *options)
{
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWNS : CLONE_NEWNS))
		return false;
	return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) && !mount("none", directory, "tmpfs", 0, options);
}

/* A scene on a disk of its own. */
static struct scene disk_new(const char *options)
{
	struct scene scene = scene_new();

	ck_assert(mount_small(scene.directory, options));
	scene.settings.retry_seconds = 0;
	return scene;
}

static void disk_clear(struct scene *scene)
{
	ck_assert_int_eq(umount(scene->directory), 0);
	scene_clear(scene);
}

static uint64_t disk_free(const struct scene *scene)
{
	struct statvfs fs;

	ck_assert_int_eq(statvfs(scene->directory, &fs), 0);
	return (uint64_t)fs.f_bavail * fs.f_frsize;
}

START_TEST(test_full_disk)
{
	struct scene scene = disk_new("size=1m");

	scene.settings.segment_nbytes = 256u << 10;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; i < 400; i++)
		offer(store, i, &dense, WIDTH, HEIGHT);
	store_flush(store);
	uint64_t there = 0;
	for (uint64_t i = 0; i < 400; i++)
		there += holds(store, i, &dense, &dense, WIDTH, HEIGHT);
	ck_assert_uint_gt(there, 80);
	ck_assert_uint_eq(there, store_counts(store).records);
	ck_assert_uint_eq(there + store_counts(store).dropped, 400);
	store_close(store);

	/* The next one finds all of it, and writes again once there is room. */
	store = store_new(&scene);
	ck_assert_uint_eq(store_counts(store).records, there);
	ck_assert_uint_gt(store_evict(store, 256u << 10), 0);
	put(store, 1000, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(holds(store, 1000, &dense, &dense, WIDTH, HEIGHT));
	ck_assert_uint_eq(store_counts(store).corrupt, 0);
	store_close(store);
	disk_clear(&scene);
}
END_TEST

/* With files much larger than the disk. */
START_TEST(test_small_disk)
{
	struct scene scene = disk_new("size=1m");

	scene.settings.segment_nbytes = 64u << 20;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; i < 20; i++)
		put(store, i, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).dropped, 0);
	ck_assert_uint_eq(store_counts(store).records, 20);
	store_close(store);
	disk_clear(&scene);
}
END_TEST

/* Giving up a file that somebody has open gains nothing until that is closed: no more go for it meanwhile. Once it is, what
 * it had is there, and not twice. */
START_TEST(test_files_that_others_have_open)
{
	struct scene scene = disk_new("size=16m");

	scene.settings.segment_nbytes = 256u << 10;
	scene.settings.rest_seconds = 0;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; store_counts(store).segments < 40; i++) {
		put(store, i, &dense, WIDTH, HEIGHT);
		store_flush(store);
	}
	store_close(store);
	struct store *idle = store_new(&scene);
	uint64_t least = disk_free(&scene);
	scene.settings.free_nbytes_min = least;
	store = store_new(&scene);
	/* Eight files are begun, and each takes about one to be given up; as if nothing had gone, it would be one,
	 * two, three more. */
	uint64_t i = 1000;
	for (; store_counts(store).written_nbytes < 2000u << 10; i++) {
		put(store, i, &dense, WIDTH, HEIGHT);
		store_flush(store);
		ck_assert_uint_eq(store_counts(store).dropped, 0);
	}
	ck_assert_uint_gt(store_counts(store).evicted, 7);
	ck_assert_uint_le(store_counts(store).evicted, 14);
	store_refresh(idle);
	for (; store_counts(store).written_nbytes < 5000u << 10; i++) {
		put(store, i, &dense, WIDTH, HEIGHT);
		store_flush(store);
		store_refresh(idle);
		ck_assert_uint_ge(disk_free(&scene) + (320u << 10), least);
	}
	store_close(store);
	store_close(idle);
	disk_clear(&scene);
}
END_TEST

/* What is in use is not given up for what is new: a full store stays as it is, and leaves free what it is to leave. */
START_TEST(test_a_full_disk_of_what_is_in_use)
{
	struct scene scene = disk_new("size=24m");

	scene.settings.segment_nbytes = 64u << 20;
	scene.settings.free_nbytes_min = 2u << 20;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; store_counts(store).dropped < 200 && i < 10000; i++)
		offer(store, i, &dense, WIDTH, HEIGHT);
	store_flush(store);
	struct store_counts counts = store_counts(store);
	ck_assert_uint_eq(counts.evicted, 0);
	ck_assert_uint_gt(counts.dropped, 0);
	ck_assert_uint_gt(counts.nbytes, 20u << 20);
	ck_assert_uint_ge(disk_free(&scene) + (64u << 10), 2u << 20);
	store_close(store);
	disk_clear(&scene);
}
END_TEST

START_TEST(test_read_only_disk)
{
	struct scene scene = disk_new("size=4m");

	struct store *store = store_new(&scene);
	put(store, 1, &dense, WIDTH, HEIGHT);
	store_close(store);
	ck_assert_int_eq(mount("none", scene.directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	store = store_new(&scene);
	ck_assert(holds(store, 1, &dense, &sparse, WIDTH, HEIGHT));
	put(store, 2, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert(!holds(store, 2, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	disk_clear(&scene);
}
END_TEST

/* It becomes read-only while it is open: what is there is served, what is new is dropped. */
START_TEST(test_a_disk_that_becomes_read_only)
{
	struct scene scene = disk_new("size=4m");

	scene.settings.segment_nbytes = 64u << 10;
	struct store *store = store_new(&scene);
	for (uint64_t i = 0; store_counts(store).segments < 2 || store->current; i++) {
		put(store, i, &dense, WIDTH, HEIGHT); /* until nothing is open for writing */
		store_flush(store);
	}
	uint64_t there = store_counts(store).records;
	for (size_t i = 0; i < store->nslots; i++) { /* a descriptor that may write keeps the disk writable */
		int fd = openat(store->directory, store->segments[i]->name, O_RDONLY);
		ck_assert(fd >= 0 && dup2(fd, store->segments[i]->fd) >= 0);
		close(fd);
	}
	ck_assert_int_eq(mount("none", scene.directory, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	put(store, 1000, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(store_counts(store).dropped, 1);
	ck_assert_uint_eq(store_counts(store).records, there);
	for (uint64_t i = 0; i < there; i++)
		ck_assert(holds(store, i, &dense, &dense, WIDTH, HEIGHT));
	store_close(store);
	disk_clear(&scene);
}
END_TEST

static void add_shared(TCase *cases)
{
	tcase_add_test(cases, test_two_processes_see_what_the_other_writes);
	tcase_add_test(cases, test_a_miss_makes_it_look);
	tcase_add_test(cases, test_threads);
	tcase_add_test(cases, test_killed_while_writing);
	tcase_add_test(cases, test_who_dies_leaves_what_the_next_one_finishes);
}

static void add_disks(TCase *cases)
{
	tcase_add_test(cases, test_full_disk);
	tcase_add_test(cases, test_small_disk);
	tcase_add_test(cases, test_files_that_others_have_open);
	tcase_add_test(cases, test_a_full_disk_of_what_is_in_use);
	tcase_add_test(cases, test_read_only_disk);
	tcase_add_test(cases, test_a_disk_that_becomes_read_only);
}

static bool may_mount(void)
{
	char directory[] = "/tmp/icfs-store-XXXXXX";
	int status = 1;

	if (!mkdtemp(directory))
		return false;
	pid_t child = fork();
	if (child == 0)
		_exit(mount_small(directory, "size=1m") ? 0 : 1);
	waitpid(child, &status, 0);
	rmdir(directory);
	return status == 0;
}

int main(int argc, char **argv)
{
	bool disks = argc > 1 && !strcmp(argv[1], "disks");

	dense = design_of("s1x1-b8-k9-q8");
	sparse = design_of("s1x1-b8-k4-q8");
	if (disks && !may_mount()) {
		puts("SKIP: no file system can be mounted here, not even in a name space of our own");
		return 77;
	}
	return disks ? suite_run("store on odd disks", add_disks) : suite_run("store shared", add_shared);
}
