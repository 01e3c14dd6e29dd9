/* SPDX-License-Identifier: MIT */
/* A catalog on a file system that is read-only, or that only others may write: one in memory, seen by the test's own
 * process alone. */
#include "search/catalog.h"
#include "search/catalog_priv.h"
#include "search/choice.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

static void mount_disk(void)
{
	mount_scratch("size=8m");
}

static void make_read_only(bool is_read_only)
{
	unsigned long flags = MS_REMOUNT | (is_read_only ? MS_RDONLY : 0);

	ck_assert_int_eq(mount("none", scratch(), NULL, flags, "size=8m"), 0);
}

static errint_t choose(struct catalog *catalog, const char *directory, struct ic_why *why)
{
	struct choice choice = {.is_pin = true, .reason = "a test says so"};
	int64_t id;

	snprintf(choice.directory, sizeof(choice.directory), "%s", directory);
	ck_assert_int_eq(ic_design_parse("s2x2-b8-k6-q4", &choice.design, NULL), 0);
	return choice_put(catalog, &choice, &id, why);
}

/* Opens, chooses and ends, as a command does. */
static void choose_and_close(const char *directory)
{
	struct catalog *catalog = open_catalog();

	ck_assert_int_eq(choose(catalog, directory, NULL), 0);
	catalog_close(catalog);
}

/* The same by a process that is killed: its log stays. */
static void choose_and_die(const char *directory)
{
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(choose(open_catalog(), directory, NULL) != 0);
	ck_assert(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static size_t count_choices(struct catalog *catalog)
{
	struct choice *choices;
	struct ic_why why = {""};
	size_t n;

	if (choice_list(catalog, NULL, true, &choices, &n, &why))
		ck_abort_msg("%s", why.text);
	free(choices);
	return n;
}

static uint64_t change_count(struct catalog *catalog)
{
	uint64_t count = 0;

	ck_assert_int_eq(catalog_change_count(catalog, &count), 0);
	return count;
}

static void check_refused(errint_t expected, const char *words)
{
	struct catalog *catalog = NULL;
	struct ic_why why = {""};

	ck_assert_int_eq(catalog_open(scratch_catalog(), &catalog, &why), expected);
	ck_assert_msg(!catalog && strstr(why.text, words) && strstr(why.text, scratch_catalog()), "%s", why.text);
}

START_TEST(what_is_on_a_read_only_disk_is_read)
{
	struct ic_variant variant = variant_of("s1x1-b8-k4-q8");
	struct catalog_source source = source_at(77);
	static const time_t written[] = {1700000000, 4000000000}; /* the second by a clock that was wrong */
	const struct timespec times[2] = {{written[_i], 0}, {written[_i], 0}};

	mount_disk();
	struct catalog *catalog = open_catalog();
	check_put(catalog);
	catalog_close(catalog);
	choose_and_close("/a");
	ck_assert_int_eq(utimensat(AT_FDCWD, scratch_catalog(), times, 0), 0);
	make_read_only(true);
	catalog = open_catalog();
	ck_assert_int_eq(get(catalog, &source, &variant), 7);
	uint64_t count = change_count(catalog);
	ck_assert_uint_eq(count_choices(catalog), 1);
	ck_assert(count && change_count(catalog) == count);
	catalog_close(catalog);
}
END_TEST

START_TEST(what_cannot_be_written_is_said)
{
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");
	struct catalog_source source = source_at(1);
	struct ic_why why = {""}, same = {""};

	mount_disk();
	choose_and_close("/a");
	make_read_only(true);
	struct catalog *catalog = open_catalog();
	ck_assert_int_eq(choose(catalog, "/b", &why), -EROFS);
	ck_assert(strstr(why.text, scratch_catalog()) && strstr(why.text, "not written: Read-only file system"));
	ck_assert_int_eq(choice_withdraw(catalog, "/a", NULL), -EROFS);
	ck_assert_int_eq(catalog_check_writable(catalog, &same), -EROFS);
	ck_assert_str_eq(why.text, same.text);
	ck_assert_int_eq(catalog_flush(catalog), 0);
	for (unsigned i = 0; i < 20000; i++) /* more than a queue holds */
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){9, false});
	ck_assert_int_eq(catalog_flush(catalog), -EROFS);
	ck_assert_int_eq(catalog_flush(catalog), 0); /* told once */
	ck_assert_int_eq(get(catalog, &source, &variant), -ENOENT);
	ck_assert_uint_eq(count_choices(catalog), 1);
	catalog_close(catalog);
	make_read_only(false);
	choose_and_close("/b");
	ck_assert_int_eq(sql_number(scratch_catalog(), "SELECT count(*) FROM choice"), 2);
}
END_TEST

START_TEST(what_a_killed_process_wrote_is_read_or_said_to_be_missing)
{
	char beside[PATH_SIZE];

	mount_disk();
	choose_and_close("/a");
	choose_and_die("/b");
	make_read_only(true);
	struct catalog *catalog = open_catalog();
	ck_assert_uint_eq(count_choices(catalog), 2);
	change_count(catalog);
	catalog_close(catalog);

	make_read_only(false);
	ck_assert_int_eq(unlink(path_in_scratch("catalog.db-shm", beside)), 0);
	make_read_only(true);
	check_refused(-EROFS, "its -wal holds what a killed process wrote");
	make_read_only(false);
	catalog = open_catalog();
	ck_assert_uint_eq(count_choices(catalog), 2);
	catalog_close(catalog);
	make_read_only(true);
	catalog = open_catalog();
	ck_assert_uint_eq(count_choices(catalog), 2);
	catalog_close(catalog);
}
END_TEST

START_TEST(only_the_version_of_this_icfs_is_read)
{
	mount_disk();
	choose_and_close("/a");
	sql(scratch_catalog(), "PRAGMA user_version = 2");
	make_read_only(true);
	check_refused(-EOPNOTSUPP, "catalog version 2 is from an older icfs");
	make_read_only(false);
	sql(scratch_catalog(), "PRAGMA user_version = 1000");
	make_read_only(true);
	check_refused(-EOPNOTSUPP, "catalog version 1000 is from a newer icfs");
	make_read_only(false);
	file_write(scratch_catalog(), "", 0);
	make_read_only(true);
	check_refused(-EOPNOTSUPP, "catalog version 0");
}
END_TEST

/* As a container sees the home of its host. */
static struct catalog *open_read_only_view(void)
{
	static const char name[] = "a %3f? #b";
	struct catalog *catalog;
	struct ic_why why = {""};
	char folder[PATH_SIZE], path[PATH_SIZE];

	ck_assert_int_eq(mkdir(path_in_scratch(name, folder), 0700), 0);
	ck_assert_int_eq(mount(scratch(), folder, NULL, MS_BIND, NULL), 0);
	ck_assert_int_eq(mount("none", folder, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);
	snprintf(path, sizeof(path), "%s/%s/catalog.db", scratch(), name);
	ck_assert_msg(catalog_open(path, &catalog, &why) == 0, "%s", why.text);
	ck_assert_int_eq(catalog_check_writable(catalog, NULL), -EROFS);
	return catalog;
}

START_TEST(what_others_write_is_seen)
{
	mount_disk();
	choose_and_close("/a");
	struct catalog *view = open_read_only_view();
	ck_assert_uint_eq(count_choices(view), 1);
	for (size_t i = 1; i < 4; i++) { /* each by one that comes and goes */
		uint64_t count = change_count(view);
		choose_and_close("/b");
		ck_assert_uint_ne(change_count(view), count);
		ck_assert_uint_eq(count_choices(view), i + 1);
	}
	struct catalog *writer = open_catalog();
	for (size_t i = 4; i < 7; i++) { /* each by one that stays */
		uint64_t count = change_count(view);
		ck_assert_int_eq(choose(writer, "/c", NULL), 0);
		ck_assert_uint_ne(change_count(view), count);
		ck_assert_uint_eq(count_choices(view), i + 1);
	}
	catalog_close(writer);
	ck_assert_uint_eq(count_choices(view), 7);
	choose_and_close("/d");
	ck_assert_uint_eq(count_choices(view), 8);
	catalog_close(view);
}
END_TEST

/* By one who opens, checkpoints and closes all the time; some answers may be that it was written meanwhile. */
START_TEST(what_is_read_beside_a_writer_is_whole)
{
	enum { NCHOICES = 100 };
	struct choice *choices;
	struct ic_why why = {""};
	size_t n, last = 1;
	int status;

	mount_disk();
	choose_and_close("/a");
	struct catalog *view = open_read_only_view();
	pid_t child = fork();
	if (child == 0) {
		for (int i = 1; i < NCHOICES; i++)
			choose_and_close("/b");
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(child, &status, WNOHANG) == 0) {
		errint_t err = choice_list(view, NULL, true, &choices, &n, &why);
		ck_assert_msg(!err || err == -EBUSY, "%d: %s", err, why.text);
		if (err)
			continue;
		ck_assert_uint_ge(n, last);
		last = n;
		free(choices);
	}
	/* What the last one took with it may be told once more. */
	if (!choice_list(view, NULL, true, &choices, &n, NULL))
		free(choices);
	ck_assert_uint_eq(count_choices(view), NCHOICES);
	catalog_close(view);
}
END_TEST

static errint_t write_meanwhile(struct catalog_link *link, void *context, struct ic_why *why)
{
	(void)link, (void)context, (void)why;
	choose_and_close("/b");
	return 0;
}

START_TEST(what_was_written_during_a_reading_is_not_taken)
{
	struct ic_why why = {""};

	mount_disk();
	choose_and_close("/a");
	struct catalog *view = open_read_only_view();
	ck_assert_int_eq(catalog_read(view, write_meanwhile, NULL, &why), -EBUSY);
	ck_assert_msg(strstr(why.text, "written while it was read"), "%s", why.text);
	ck_assert_uint_eq(count_choices(view), 2);
	catalog_close(view);
}
END_TEST

static errint_t find_it_read_only(struct catalog_link *link, void *context, struct ic_why *why)
{
	(void)link, (void)context;
	return ic_fail(why, -EROFS, "attempt to write a readonly database");
}

/* As SQLite says where a writer made the index anew; the next reading begins with that. */
START_TEST(an_index_that_was_made_anew_is_no_failure)
{
	struct ic_why why = {""};

	mount_disk();
	choose_and_close("/a");
	struct catalog *writer = open_catalog(), *view = open_read_only_view();
	ck_assert_uint_eq(count_choices(view), 1);
	ck_assert_int_eq(catalog_read(view, find_it_read_only, NULL, &why), -EBUSY);
	ck_assert_msg(strstr(why.text, "written while it was read"), "%s", why.text);
	ck_assert_uint_eq(count_choices(view), 1);
	catalog_close(view);
	catalog_close(writer);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, what_is_on_a_read_only_disk_is_read, 0, 2);
	tcase_add_test(cases, what_cannot_be_written_is_said);
	tcase_add_test(cases, what_a_killed_process_wrote_is_read_or_said_to_be_missing);
	tcase_add_test(cases, only_the_version_of_this_icfs_is_read);
	tcase_add_test(cases, what_others_write_is_seen);
	tcase_add_test(cases, what_is_read_beside_a_writer_is_whole);
	tcase_add_test(cases, what_was_written_during_a_reading_is_not_taken);
	tcase_add_test(cases, an_index_that_was_made_anew_is_no_failure);
}

int main(void)
{
	if (!can_mount()) {
		printf("SKIP: no file system can be mounted here\n");
		return EXIT_SKIPPED;
	}
	return run_catalog_suite("catalog-read-only", add_tests);
}
