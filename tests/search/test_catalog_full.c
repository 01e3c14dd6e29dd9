/* SPDX-License-Identifier: MIT */
/* A catalog on a disk that is full: a small file system in memory, seen by the test's own process alone. */
#include "search/catalog.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_SKIPPED 77

static const char zeros[300 << 10];

START_TEST(a_full_disk_is_reported_and_got_over)
{
	struct catalog *catalog;
	char ballast[PATH_SIZE];

	mount_scratch("size=600k");
	file_write(path_in_scratch("ballast", ballast), zeros, sizeof(zeros));
	catalog = open_catalog();
	ck_assert_int_eq(put_until_it_fails(catalog), -ENOSPC);
	ck_assert_int_eq(catalog_flush(catalog), 0); /* told once */
	ck_assert_int_eq(unlink(ballast), 0);
	check_put(catalog);
	catalog_close(catalog);
}
END_TEST

START_TEST(no_room_for_a_catalog_is_reported)
{
	struct catalog *catalog = NULL;
	struct ic_why why = {""};
	char ballast[PATH_SIZE];

	mount_scratch("size=600k");
	file_write(path_in_scratch("ballast", ballast), zeros, sizeof(zeros));
	file_write(path_in_scratch("more", ballast), zeros, sizeof(zeros));
	ck_assert_int_eq(catalog_open(scratch_catalog(), &catalog, &why), -ENOSPC);
	ck_assert(!catalog && why.text[0]);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, a_full_disk_is_reported_and_got_over);
	tcase_add_test(cases, no_room_for_a_catalog_is_reported);
}

int main(void)
{
	if (!can_mount()) {
		printf("SKIP: no file system can be mounted here\n");
		return EXIT_SKIPPED;
	}
	return run_catalog_suite("catalog-full", add_tests);
}
