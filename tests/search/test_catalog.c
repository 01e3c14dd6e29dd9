/* SPDX-License-Identifier: MIT */
/* What the catalog remembers, who may use it at the same time, and what it makes of files that are none. */
#include "search/catalog.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- Sizes -------------------------------------------------------------------------------------------------------- */

START_TEST(sizes_are_remembered)
{
	struct catalog *catalog = open_catalog();
	struct catalog_source source = source_at(1);
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8");

	ck_assert_int_eq(get(catalog, &source, &variant), -ENOENT);
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){1234, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(get(catalog, &source, &variant), 1234);
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){4321, false});
	catalog_close(catalog); /* which writes what is queued */

	catalog = open_catalog();
	ck_assert_int_eq(get(catalog, &source, &variant), 4321);
	catalog_close(catalog);
}
END_TEST

START_TEST(what_is_served_as_it_is_is_told_apart)
{
	struct catalog *catalog = open_catalog();
	struct catalog_source source = source_at(1);
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8"), other = variant;
	struct catalog_known known;

	other.face = IC_FACE_JPEG;
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){50001, true});
	catalog_put_size(catalog, &source, &other, (struct catalog_size){50001, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(catalog_get(catalog, &source, 1, &variant, &known), 0);
	ck_assert(known.has_size && known.size.as_is && known.size.nbytes == 50001);
	ck_assert_int_eq(catalog_get(catalog, &source, 1, &other, &known), 0);
	ck_assert(known.has_size && !known.size.as_is && known.size.nbytes == 50001);
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){7, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(get(catalog, &source, &variant), 7);
	catalog_close(catalog);
}
END_TEST

START_TEST(sizes_belong_to_one_variant)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s1x1-b8-k15-q7", "s1x1-b8-k15-q8-c1",
	                                      "s2x1-b8-k15-q8"};
	struct catalog *catalog = open_catalog();
	struct catalog_source source = source_at(1);

	for (unsigned i = 0; i < 8; i++) {
		struct ic_variant variant = variant_of(designs[i / 2]);
		variant.keeps_metadata = i % 2;
		ck_assert_int_eq(get(catalog, &source, &variant), -ENOENT);
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){100 + i, false});
		ck_assert_int_eq(catalog_flush(catalog), 0);
	}
	for (unsigned i = 0; i < 8; i++) {
		struct ic_variant variant = variant_of(designs[i / 2]);
		variant.keeps_metadata = i % 2;
		ck_assert_int_eq(get(catalog, &source, &variant), 100 + i);
	}
	catalog_close(catalog);
}
END_TEST

START_TEST(a_source_that_changed_is_another_one)
{
	struct catalog *catalog = open_catalog();
	struct catalog_source before = source_at(1), after[2] = {before, before};
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8"), other = variant_of("s1x1-b8-k4-q8");

	after[0].nbytes++;
	after[1].mtime_ns++;
	for (unsigned i = 0; i < 2; i++) {
		catalog_put_size(catalog, &before, &variant, (struct catalog_size){10, false});
		catalog_put_size(catalog, &before, &other, (struct catalog_size){20, false});
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(get(catalog, &before, &variant), 10);
		ck_assert_int_eq(get(catalog, &after[i], &variant), -ENOENT);

		catalog_put_size(catalog, &after[i], &variant, (struct catalog_size){30, false});
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(get(catalog, &after[i], &variant), 30);
		ck_assert_int_eq(get(catalog, &after[i], &other), -ENOENT);
		ck_assert_int_eq(get(catalog, &before, &variant), -ENOENT);
		ck_assert_int_eq(get(catalog, &before, &other), -ENOENT);
	}
	catalog_close(catalog);
}
END_TEST

START_TEST(numbers_of_any_size_are_kept)
{
	const struct catalog_source sources[] = {
	        {UINT64_MAX, UINT64_MAX, UINT64_MAX, INT64_MIN},
	        {UINT64_MAX, 1, INT64_MAX, INT64_MAX},
	        {0, 0, 0, 0},
	        {0, 1, 0, -1},
	};
	struct catalog *catalog = open_catalog();
	struct ic_variant variant = variant_of("s1x1-b16-k31-q8-c1-fbox-oy");

	for (unsigned i = 0; i < 4; i++)
		catalog_put_size(catalog, &sources[i], &variant, (struct catalog_size){(uint64_t)INT64_MAX - i, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_eq(get(catalog, &sources[i], &variant), INT64_MAX - i);
	catalog_close(catalog);
}
END_TEST

/* Far more than are queued, as fast as they can be put: none is lost while the disk goes on. */
START_TEST(who_outruns_the_disk_loses_nothing)
{
	const unsigned n = 30000;
	struct catalog *catalog = open_catalog();
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");

	for (unsigned i = 0; i < n; i++) {
		struct catalog_source source = source_at(i);
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){1 + i, false});
	}
	ck_assert_int_eq(catalog_flush(catalog), 0);
	for (unsigned i = 0; i < n; i++) {
		struct catalog_source source = source_at(i);
		ck_assert_int_eq(get(catalog, &source, &variant), 1 + i);
	}
	catalog_close(catalog);
}
END_TEST

/* --- Places ------------------------------------------------------------------------------------------------------- */

static void check_mode(const char *path, mode_t expected)
{
	struct stat st;

	ck_assert_msg(stat(path, &st) == 0, "%s is not there", path);
	ck_assert_msg((st.st_mode & 07777) == expected, "%s has mode %o", path, st.st_mode & 07777);
}

START_TEST(files_are_private)
{
	char folder[PATH_SIZE], path[PATH_SIZE];
	struct catalog *catalog;
	struct ic_why why;

	umask(0);
	path_in_scratch("new/deep/catalog.db", path);
	ck_assert_msg(catalog_open(path, &catalog, &why) == 0, "%s", why.text);
	check_mode(path, 0600);
	strcat(path, "-wal");
	check_mode(path, 0600);
	strcpy(path + strlen(path) - 3, "shm");
	check_mode(path, 0600);
	path_in_scratch("new/deep", folder);
	check_mode(folder, 0700);
	path_in_scratch("new", folder);
	check_mode(folder, 0700);
	catalog_close(catalog);
}
END_TEST

static void check_default(const char *expected)
{
	char *path = NULL;
	struct ic_why why;

	ck_assert_msg(catalog_default_path(&path, &why) == 0, "%s", why.text);
	ck_assert_str_eq(path, expected);
	free(path);
}

START_TEST(the_default_place_follows_the_environment)
{
	char *path = NULL;
	struct ic_why why = {""};

	setenv("ICFS_CATALOG", "here.db", 1);
	setenv("XDG_DATA_HOME", "/data", 1);
	setenv("HOME", "/home/me", 1);
	check_default("here.db");
	setenv("ICFS_CATALOG", "", 1);
	check_default("/data/icfs/catalog.db");
	setenv("XDG_DATA_HOME", "relative", 1); /* which its specification says to ignore */
	check_default("/home/me/.local/share/icfs/catalog.db");
	unsetenv("XDG_DATA_HOME");
	unsetenv("ICFS_CATALOG");
	check_default("/home/me/.local/share/icfs/catalog.db");
	unsetenv("HOME");
	ck_assert_int_eq(catalog_default_path(&path, &why), -ENOENT);
	ck_assert(!path && why.text[0]);
}
END_TEST

/* --- Files that are no catalog ------------------------------------------------------------------------------------- */

/* `path` is refused with `expected`, and neither changed nor joined by other files. */
static void check_refused(const char *path, errint_t expected)
{
	struct file_bytes before = file_read(path), after;
	struct catalog *catalog = NULL;
	struct ic_why why = {""};
	errint_t err = catalog_open(path, &catalog, &why);

	ck_assert_msg(err == expected, "%d, not %d: %s", err, expected, why.text);
	ck_assert(!catalog && strstr(why.text, path));
	after = file_read(path);
	ck_assert_uint_eq(after.nbytes, before.nbytes);
	ck_assert_msg(memcmp(before.data, after.data, before.nbytes) == 0, "%s was changed", path);
	ck_assert_uint_eq(count_scratch(), 1);
	free(before.data);
	free(after.data);
}

START_TEST(what_is_no_database_is_refused)
{
	static const char text[] = "these are not the bytes of a database, whatever their name says\n";
	char header[4096] = "SQLite format 3";

	file_write(scratch_catalog(), text, sizeof(text) - 1);
	check_refused(scratch_catalog(), -EBADMSG);
	memset(header + 16, 0xee, sizeof(header) - 16);
	file_write(scratch_catalog(), header, sizeof(header));
	check_refused(scratch_catalog(), -EBADMSG);
}
END_TEST

START_TEST(what_is_another_database_is_refused)
{
	static const char *const others[] = {
	        "CREATE TABLE source (id); INSERT INTO source VALUES (1)",
	        "CREATE TABLE mine (a); PRAGMA user_version = 3", /* the catalog's own version */
	        "PRAGMA application_id = 7",
	        "PRAGMA user_version = 3",
	        "PRAGMA application_id = 0x69636673; PRAGMA user_version = -3",
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		unlink(scratch_catalog());
		sql(scratch_catalog(), others[i]);
		check_refused(scratch_catalog(), -EBADMSG);
	}
}
END_TEST

START_TEST(a_newer_catalog_is_left_alone)
{
	char path[PATH_SIZE];

	/* As another icfs would have made it, and in SQLite's other kind of journal. */
	catalog_close(open_catalog());
	sql(scratch_catalog(), "PRAGMA user_version = 1000");
	check_refused(scratch_catalog(), -EOPNOTSUPP);
	sql(scratch_catalog(), "PRAGMA journal_mode = DELETE");
	check_refused(scratch_catalog(), -EOPNOTSUPP);
	ck_assert(access(path_in_scratch("catalog.db-wal", path), F_OK) != 0);
}
END_TEST

START_TEST(a_catalog_without_its_tables_is_refused)
{
	struct catalog *catalog = NULL;
	struct ic_why why = {""};

	catalog_close(open_catalog());
	sql(scratch_catalog(), "DROP TABLE object_size");
	ck_assert_int_eq(catalog_open(scratch_catalog(), &catalog, &why), -EBADMSG);
	ck_assert(!catalog && why.text[0]);
}
END_TEST

START_TEST(an_older_catalog_is_migrated)
{
	struct catalog_source source = source_at(1);
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");

	if (_i == 0)
		file_write(scratch_catalog(), "", 0);
	else
		sql(scratch_catalog(), "PRAGMA application_id = 0x69636673"); /* version 0 */
	struct catalog *catalog = open_catalog();
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){9, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(get(catalog, &source, &variant), 9);
	catalog_close(catalog);
	ck_assert_int_eq(sql_number(scratch_catalog(), "PRAGMA user_version"), 3);
	ck_assert_int_eq(sql_number(scratch_catalog(), "PRAGMA application_id"), 0x69636673);
}
END_TEST

START_TEST(a_size_that_was_never_put_is_damage)
{
	static const char *const values[] = {"-5", "0", "'large'", "x'00'"};
	struct catalog_source source = source_at(1);
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");
	char text[80];

	struct catalog *catalog = open_catalog();
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){9, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	for (size_t i = 0; i < 4; i++) {
		snprintf(text, sizeof(text), "UPDATE object_size SET nbytes = %s", values[i]);
		sql(scratch_catalog(), text);
		ck_assert_int_eq(get(catalog, &source, &variant), -EBADMSG);
	}
	catalog_close(catalog);
}
END_TEST

/* Whatever a byte becomes: an error or an answer, and never a crash. */
START_TEST(damaged_catalogs_do_no_harm)
{
	struct catalog *catalog = open_catalog();
	struct ic_variant variant = variant_of("s1x1-b8-k15-q8");

	for (unsigned i = 0; i < 300; i++) {
		struct catalog_source source = source_at(i);
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){1 + i, false});
	}
	catalog_close(catalog);
	struct file_bytes whole = file_read(scratch_catalog());
	for (unsigned round = 0; round < 150; round++) {
		char *bytes = malloc(whole.nbytes);
		struct catalog_source source = source_at(round);
		struct ic_why why = {""};

		memcpy(bytes, whole.data, whole.nbytes);
		for (unsigned n = 0; n < 1 + round % 40; n++)
			bytes[mixed(round * 64 + n) % whole.nbytes] = (char)mixed(~(round * 64 + n));
		file_write(scratch_catalog(), bytes, round % 7 ? whole.nbytes : mixed(round) % whole.nbytes);
		if (catalog_open(scratch_catalog(), &catalog, &why) == 0) {
			get(catalog, &source, &variant);
			catalog_put_size(catalog, &source, &variant, (struct catalog_size){5, false});
			catalog_flush(catalog);
			catalog_close(catalog);
		} else {
			ck_assert(why.text[0]);
		}
		free(bytes);
		remove_beside_catalog();
	}
	free(whole.data);
}
END_TEST

/* --- Where nothing can be written ----------------------------------------------------------------------------------- */

static errint_t try_open(const char *path)
{
	struct catalog *catalog = NULL;
	struct ic_why why = {""};
	errint_t err = catalog_open(path, &catalog, &why);

	ck_assert(!err || (why.text[0] && !catalog));
	catalog_close(catalog);
	return err;
}

static void check_can_only_be_read(const char *path)
{
	struct ic_variant variant = variant_of("s1x1-b8-k4-q8");
	struct catalog_source source = source_at(77);
	struct catalog *catalog = NULL;
	struct ic_why why = {""};

	ck_assert_msg(catalog_open(path, &catalog, &why) == 0, "%s", why.text);
	ck_assert_int_eq(catalog_check_writable(catalog, &why), -EACCES);
	ck_assert(strstr(why.text, path));
	ck_assert_int_eq(get(catalog, &source, &variant), 7);
	catalog_close(catalog);
	ck_assert_uint_eq(count_scratch(), 1);
}

START_TEST(files_and_folders_that_are_read_only_are_read)
{
	char beside[PATH_SIZE];
	struct catalog *catalog = open_catalog();

	check_put(catalog);
	catalog_close(catalog);
	chmod(scratch_catalog(), 0400);
	become_ordinary();
	check_can_only_be_read(scratch_catalog());
	chmod(scratch_catalog(), 0600);
	ck_assert_int_eq(try_open(scratch_catalog()), 0);
	chmod(scratch(), 0500);
	check_can_only_be_read(scratch_catalog());
	ck_assert_int_eq(try_open(path_in_scratch("other.db", beside)), -EACCES);
	ck_assert_int_eq(try_open(path_in_scratch("sub/other.db", beside)), -ENOENT);
	chmod(scratch_catalog(), 0000);
	ck_assert_int_eq(try_open(scratch_catalog()), -EACCES);
	chmod(scratch(), 0700);
}
END_TEST

START_TEST(a_folder_is_no_catalog)
{
	char below[PATH_SIZE];

	ck_assert(try_open(scratch()) != 0);
	file_write(scratch_catalog(), "", 0);
	ck_assert_int_eq(try_open(path_in_scratch("catalog.db/below.db", below)), -ENOTDIR);
}
END_TEST

/* A limit of the process, which meets every user, and lets up when it is told to. */
START_TEST(writes_that_fail_are_reported_and_got_over)
{
	struct catalog *catalog = open_catalog();
	struct rlimit limit, small;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	small = (struct rlimit){256 << 10, limit.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(put_until_it_fails(catalog), -EIO);
	ck_assert_int_eq(catalog_flush(catalog), 0); /* told once */
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_put(catalog);
	catalog_close(catalog);
}
END_TEST

/* --- Nothing -------------------------------------------------------------------------------------------------------- */

START_TEST(nothing_to_do_is_fine)
{
	struct catalog *catalog = open_catalog();

	ck_assert_int_eq(catalog_flush(catalog), 0);
	catalog_close(catalog);
	catalog_close(NULL);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, sizes_are_remembered);
	tcase_add_test(cases, what_is_served_as_it_is_is_told_apart);
	tcase_add_test(cases, sizes_belong_to_one_variant);
	tcase_add_test(cases, a_source_that_changed_is_another_one);
	tcase_add_test(cases, numbers_of_any_size_are_kept);
	tcase_add_test(cases, who_outruns_the_disk_loses_nothing);
	tcase_add_test(cases, files_are_private);
	tcase_add_test(cases, the_default_place_follows_the_environment);
	tcase_add_test(cases, what_is_no_database_is_refused);
	tcase_add_test(cases, what_is_another_database_is_refused);
	tcase_add_test(cases, a_newer_catalog_is_left_alone);
	tcase_add_test(cases, a_catalog_without_its_tables_is_refused);
	tcase_add_loop_test(cases, an_older_catalog_is_migrated, 0, 2);
	tcase_add_test(cases, a_size_that_was_never_put_is_damage);
	tcase_add_test(cases, damaged_catalogs_do_no_harm);
	tcase_add_test(cases, files_and_folders_that_are_read_only_are_read);
	tcase_add_test(cases, a_folder_is_no_catalog);
	tcase_add_test(cases, writes_that_fail_are_reported_and_got_over);
	tcase_add_test(cases, nothing_to_do_is_fine);
}

int main(void)
{
	return run_catalog_suite("catalog", add_tests);
}
