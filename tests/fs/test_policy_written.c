/* SPDX-License-Identifier: MIT */
/* Policy files as files: what is written into a directory, and read from there. */
#include "fs/policy.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A directory of the test's own, and a policy file in it. */
static char directory[] = "/tmp/icfs-test-policy-XXXXXX";
static int directory_fd;

static void enter_directory(void)
{
	strcpy(directory + sizeof(directory) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(directory));
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(directory_fd, 0);
}

static void leave_directory(void)
{
	unlinkat(directory_fd, POLICY_FILE_NAME, 0);
	close(directory_fd);
	/* Fails, and the test with it, where a temporary file was left behind. */
	ck_assert_int_eq(rmdir(directory), 0);
}

static void assert_content(const char *want)
{
	char got[200];
	int fd = openat(directory_fd, POLICY_FILE_NAME, O_RDONLY);
	ssize_t n = read(fd, got, sizeof(got) - 1);

	close(fd);
	ck_assert_int_ge(n, 0);
	got[n] = '\0';
	ck_assert_str_eq(got, want);
}

static void put_content(const char *text, mode_t mode)
{
	int fd = openat(directory_fd, POLICY_FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	ck_assert_int_eq(fchmod(fd, mode), 0);
	close(fd);
}

START_TEST(writing_keeps_the_other_key_and_the_mode)
{
	struct policy_rule design = {.has_design = false}, face = {.has_face = false}, metadata = face;
	struct stat st;

	ck_assert_int_eq(policy_set_design(&design, "s2x2-b8-k6-q8", NULL), 0);
	ck_assert_int_eq(policy_set_face(&face, "ic", NULL), 0);
	ck_assert_int_eq(policy_file_write(directory_fd, &design, NULL), 0);
	assert_content("[policy]\ndesign = s2x2-b8-k6-q8\n");
	ck_assert_int_eq(policy_file_write(directory_fd, &face, NULL), 0);
	assert_content("[policy]\ndesign = s2x2-b8-k6-q8\nface = ic\n");
	ck_assert_int_eq(policy_set_metadata(&metadata, "keep", NULL), 0);
	ck_assert_int_eq(policy_file_write(directory_fd, &metadata, NULL), 0);
	assert_content("[policy]\ndesign = s2x2-b8-k6-q8\nface = ic\nmetadata = keep\n");
	metadata = (struct policy_rule){.has_metadata = true};
	ck_assert_int_eq(policy_file_write(directory_fd, &metadata, NULL), 0);
	assert_content("[policy]\ndesign = s2x2-b8-k6-q8\nface = ic\nmetadata = drop\n");
	put_content("; mine\n[policy]\ndesign = s1x1-b1-k1-q1\n", 0664);
	ck_assert_int_eq(policy_set_design(&design, "auto", NULL), 0);
	ck_assert_int_eq(policy_file_write(directory_fd, &design, NULL), 0);
	assert_content("[policy]\ndesign = auto\n");
	ck_assert_int_eq(fstatat(directory_fd, POLICY_FILE_NAME, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0664);
}
END_TEST

START_TEST(writing_refuses_to_replace_what_it_cannot_read)
{
	struct policy_rule face = {.has_face = false};
	struct ic_why why;

	ck_assert_int_eq(policy_set_face(&face, "ic", NULL), 0);
	put_content("[policy]\ncolour = red\n", 0600);
	ck_assert_int_eq(policy_file_write(directory_fd, &face, &why), -EINVAL);
	ck_assert_str_eq(why.text, ".icpolicy:2: unknown key 'colour'; known: design, face, metadata, max-loss, "
	                           "max-time, max-bytes, objective");
	assert_content("[policy]\ncolour = red\n");
}
END_TEST

START_TEST(reading_takes_a_file_from_its_start)
{
	struct policy_file *file;
	char byte;
	int fd;

	put_content("[policy]\nface = ic\n", 0600);
	fd = openat(directory_fd, POLICY_FILE_NAME, O_RDONLY);
	ck_assert_int_eq(read(fd, &byte, 1), 1);
	ck_assert_int_eq(policy_file_read(fd, "P", POLICY_DIRECTORY, &file, NULL), 0);
	ck_assert(policy_file_root(file)->has_face);
	policy_file_free(file);
	close(fd);
	ck_assert_int_eq(policy_file_read(directory_fd, "P", POLICY_DIRECTORY, &file, NULL), -EISDIR);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-written");
	TCase *cases = tcase_create("written");
	SRunner *runner;
	int failed;

	tcase_set_timeout(cases, 0); /* meson has one */
	tcase_add_checked_fixture(cases, enter_directory, leave_directory);
	tcase_add_test(cases, writing_keeps_the_other_key_and_the_mode);
	tcase_add_test(cases, writing_refuses_to_replace_what_it_cannot_read);
	tcase_add_test(cases, reading_takes_a_file_from_its_start);

	suite_add_tcase(suite, cases);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
