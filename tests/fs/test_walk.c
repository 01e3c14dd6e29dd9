/* SPDX-License-Identifier: MIT */
/* A tree gone through by many threads: each entry told once, inside its directory, in one part; stopping. */
#include "fs/walk.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDERS 12
#define FILES 30
#define ENTRIES_MAX 1000

static char root[64];

struct told {
	pthread_mutex_t lock;
	struct walk *walk;
	char paths[ENTRIES_MAX][64];
	size_t n, nentered, nleft;
	char open[ENTRIES_MAX][64]; /* entered and not left */
	unsigned stop_after;
};

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, path, strlen(path)), (ssize_t)strlen(path));
	close(fd);
}

static void make_tree(void)
{
	char path[128];

	strcpy(root, "/tmp/icfs-test-walk-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	for (unsigned i = 0; i < FOLDERS; i++) {
		snprintf(path, sizeof(path), "%s/f%u", root, i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
		snprintf(path, sizeof(path), "%s/f%u/deep", root, i);
		ck_assert_int_eq(mkdir(path, 0755), 0);
		for (unsigned j = 0; j < FILES; j++) {
			snprintf(path, sizeof(path), "%s/f%u/%s%u.txt", root, i, j % 2 ? "deep/" : "", j);
			make_file(path);
		}
	}
}

static void remove_tree(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	ck_assert_int_eq(system(command), 0);
}

static ssize_t find_open(const struct told *told, const char *path, size_t len)
{
	for (size_t i = 0; i < ENTRIES_MAX; i++)
		if (strlen(told->open[i]) == len + 1 && !strncmp(told->open[i], path, len))
			return (ssize_t)i;
	return -1;
}

/* What it lies in was entered before. */
static void assert_inside(const struct told *told, const char *path)
{
	const char *slash = strrchr(path, '/');

	ck_assert_int_ge(find_open(told, path, slash ? (size_t)(slash - path) : 0), 0);
}

static bool enter(void *context, const struct walk_entry *directory)
{
	struct told *told = context;

	pthread_mutex_lock(&told->lock);
	if (*directory->path)
		assert_inside(told, directory->path);
	snprintf(told->open[told->nentered++], sizeof(told->open[0]), "%s/", directory->path);
	pthread_mutex_unlock(&told->lock);
	return strcmp(directory->path, "f3") != 0;
}

static void leave(void *context, const struct walk_entry *directory)
{
	struct told *told = context;

	pthread_mutex_lock(&told->lock);
	ssize_t i = find_open(told, directory->path, strlen(directory->path));
	ck_assert_int_ge(i, 0);
	told->open[i][0] = 0;
	told->nleft++;
	pthread_mutex_unlock(&told->lock);
}

static void entry(void *context, unsigned thread, struct walk_entry *e)
{
	struct told *told = context;

	pthread_mutex_lock(&told->lock);
	ck_assert_uint_lt(thread, 8);
	ck_assert_int_eq(e->kind, WALK_FILE);
	ck_assert_uint_eq(e->nbytes, strlen(root) + 1 + strlen(e->path));
	assert_inside(told, e->path);
	for (size_t i = 0; i < told->n; i++)
		ck_assert_str_ne(told->paths[i], e->path);
	snprintf(told->paths[told->n++], sizeof(told->paths[0]), "%s", e->path);
	if (told->n == told->stop_after)
		walk_stop(told->walk);
	pthread_mutex_unlock(&told->lock);
}

static struct told *go(unsigned threads, unsigned part, unsigned nparts, unsigned stop_after)
{
	struct told *told = calloc(1, sizeof(*told));
	struct walk_settings settings = walk_settings_default();
	struct walk_hooks hooks = {.context = told, .enter = enter, .leave = leave, .entry = entry};

	settings.source = root;
	settings.threads = threads;
	settings.part = part;
	settings.nparts = nparts;
	pthread_mutex_init(&told->lock, NULL);
	told->stop_after = stop_after;
	ck_assert_int_eq(walk_new(&settings, NULL, &told->walk, NULL), 0);
	ck_assert_int_eq(walk_run(told->walk, &hooks), 0);
	walk_free(told->walk);
	return told;
}

START_TEST(test_each_entry_once_inside_its_directory)
{
	for (unsigned threads = 1; threads <= 8; threads *= 2) {
		struct told *told = go(threads, 0, 1, 0);
		ck_assert_uint_eq(told->n, (FOLDERS - 1) * FILES); /* f3 was left out */
		ck_assert_uint_eq(told->nentered, 1 + FOLDERS * 2 - 1);
		ck_assert_uint_eq(told->nleft, told->nentered - 1);
		free(told);
	}
}
END_TEST

START_TEST(test_parts_share_the_files)
{
	size_t sum = 0;

	for (unsigned part = 0; part < 3; part++) {
		struct told *told = go(2, part, 3, 0);
		ck_assert_uint_gt(told->n, 50);
		ck_assert_uint_eq(told->nentered, 1 + FOLDERS * 2 - 1);
		sum += told->n;
		free(told);
	}
	ck_assert_uint_eq(sum, (FOLDERS - 1) * FILES);
}
END_TEST

START_TEST(test_stop_ends_it)
{
	struct told *told = go(4, 0, 1, 40);

	ck_assert_uint_ge(told->n, 40);
	ck_assert_uint_le(told->n, 40 + 4);
	free(told);
}
END_TEST

START_TEST(test_a_source_that_is_not_there)
{
	struct walk_settings settings = walk_settings_default();
	struct ic_why why = {""};
	struct walk *walk;

	settings.source = "/nowhere/at/all";
	ck_assert_int_eq(walk_new(&settings, NULL, &walk, &why), -ENOENT);
	ck_assert_ptr_nonnull(strstr(why.text, "/nowhere/at/all"));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("walk");
	TCase *tc = tcase_create("walk");
	tcase_set_timeout(tc, 0); /* meson has one */
	SRunner *runner = srunner_create(suite);

	tcase_add_checked_fixture(tc, make_tree, remove_tree);
	tcase_add_test(tc, test_each_entry_once_inside_its_directory);
	tcase_add_test(tc, test_parts_share_the_files);
	tcase_add_test(tc, test_stop_ends_it);
	tcase_add_test(tc, test_a_source_that_is_not_there);
	suite_add_tcase(suite, tc);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
