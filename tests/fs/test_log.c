/* SPDX-License-Identifier: MIT */
#include "fs/log.h"

#include <check.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NTHREADS 4
#define NLINES 200

static char path[] = "/tmp/icfs-test-log-XXXXXX";

static void make_file(void)
{
	int fd;

	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void remove_file(void)
{
	unlink(path);
}

static struct log *open_log(enum log_level level)
{
	struct log *log = NULL;
	struct ic_why why = {""};

	ck_assert_msg(!log_new(path, level, &log, &why), "%s", why.text);
	return log;
}

/* What one line says, without its time. */
static void assert_line(const char *message, const char *want)
{
	struct log *log = open_log(LOG_LEVEL_INFO);
	char line[512] = "";
	FILE *file;

	ck_assert_int_eq(truncate(path, 0), 0);
	log_write(log, LOG_LEVEL_WARNING, "%s", message);
	log_free(log);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(file);
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_int_eq(fgetc(file), EOF);
	fclose(file);
	ck_assert_msg(strlen(line) > 25 && line[10] == 'T' && line[23] == 'Z', "%s", line);
	ck_assert_str_eq(line + 25, want);
}

START_TEST(names_cannot_forge_lines)
{
	assert_line("plain", "warning: plain\n");
	assert_line("a\nb\r\t\033[1m\177", "warning: a\\x0Ab\\x0D\\x09\\x1B[1m\\x7F\n");
	assert_line("na\xc3\xafve \xe4\xbd\xa0 \xf0\x9f\x90\x88",
	            "warning: na\xc3\xafve \xe4\xbd\xa0 \xf0\x9f\x90\x88\n");
	/* a lone continuation, an overlong slash, a surrogate, past U+10FFFF, a C1 control, a cut sequence */
	assert_line("\x80", "warning: \\x80\n");
	assert_line("\xc0\xaf", "warning: \\xC0\\xAF\n");
	assert_line("\xe0\x80\xaf", "warning: \\xE0\\x80\\xAF\n");
	assert_line("\xed\xa0\x80", "warning: \\xED\\xA0\\x80\n");
	assert_line("\xf4\x90\x80\x80", "warning: \\xF4\\x90\\x80\\x80\n");
	assert_line("\xc2\x85", "warning: \\xC2\\x85\n");
	assert_line("\xf0\x9f\x90", "warning: \\xF0\\x9F\\x90\n");
}
END_TEST

START_TEST(levels_select)
{
	enum log_level level;
	struct ic_why why;
	struct log *log = open_log(LOG_LEVEL_WARNING);
	FILE *file;
	char text[200];
	size_t n;

	ck_assert(!log_enabled(NULL, LOG_LEVEL_ERROR) && log_enabled(log, LOG_LEVEL_ERROR));
	ck_assert(log_enabled(log, LOG_LEVEL_WARNING) && !log_enabled(log, LOG_LEVEL_INFO));
	log_write(NULL, LOG_LEVEL_ERROR, "nowhere");
	log_write(log, LOG_LEVEL_INFO, "not this");
	log_write(log, LOG_LEVEL_ERROR, "but %s", "this");
	log_free(log);
	log_free(NULL);
	file = fopen(path, "r");
	n = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[n] = '\0';
	ck_assert_ptr_null(strstr(text, "not this"));
	ck_assert_ptr_nonnull(strstr(text, " error: but this\n"));

	ck_assert_int_eq(log_level_parse("debug", &level, &why), 0);
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(log_level_parse("loud", &level, &why), -EINVAL);
	ck_assert_str_eq(why.text, "unknown log level 'loud'; known: error, warning, info, debug");
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
}
END_TEST

START_TEST(targets_that_cannot_be_opened_say_why)
{
	struct log *log = NULL;
	struct ic_why why;

	ck_assert_int_eq(log_new("/nonexistent/icfs.log", LOG_LEVEL_INFO, &log, &why), -ENOENT);
	ck_assert_str_eq(why.text, "log /nonexistent/icfs.log: No such file or directory");
	ck_assert_int_eq(log_new("", LOG_LEVEL_INFO, &log, &why), -EINVAL);
	ck_assert_ptr_null(log);
	ck_assert_int_eq(log_new("stderr", LOG_LEVEL_ERROR, &log, &why), 0);
	log_free(log);
	ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0);
}
END_TEST

START_TEST(stderr_lines_name_the_program)
{
	struct log *log;
	int saved = dup(STDERR_FILENO), fd = open(path, O_WRONLY | O_TRUNC);
	char line[100] = "";
	FILE *file;

	ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
	ck_assert_int_eq(log_new("stderr", LOG_LEVEL_INFO, &log, NULL), 0);
	log_write(log, LOG_LEVEL_WARNING, "cat.jpg: %s", "damaged");
	log_free(log);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	fclose(file);
	ck_assert_str_eq(line, "icfs: warning: cat.jpg: damaged\n");
}
END_TEST

START_TEST(long_messages_are_cut)
{
	static char message[20000], line[40000];
	struct log *log = open_log(LOG_LEVEL_INFO);
	FILE *file;

	memset(message, '\n', sizeof(message) - 1);
	log_write(log, LOG_LEVEL_INFO, "%s", message);
	log_free(log);
	file = fopen(path, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), file));
	ck_assert_int_eq(fgetc(file), EOF);
	fclose(file);
	ck_assert_uint_gt(strlen(line), 4 * 6000);
	ck_assert_int_eq(strncmp(line + strlen(line) - 5, "\\x0A\n", 5), 0);
}
END_TEST

static void *write_lines(void *log)
{
	for (int i = 0; i < NLINES; i++)
		log_write(log, LOG_LEVEL_INFO, "0123456789012345678901234567890123456789");
	return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
	struct log *log = open_log(LOG_LEVEL_INFO);
	pthread_t threads[NTHREADS];
	char line[200];
	int nlines = 0;
	FILE *file;

	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_lines, log), 0);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
	log_free(log);
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file)) {
		ck_assert_str_eq(line + 24, " info: 0123456789012345678901234567890123456789\n");
		nlines++;
	}
	fclose(file);
	ck_assert_int_eq(nlines, NTHREADS * NLINES);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("log");
	TCase *lines = tcase_create("lines");
	SRunner *runner;
	int failed;

	tcase_set_timeout(lines, 0); /* meson has one */
	tcase_add_checked_fixture(lines, make_file, remove_file);
	tcase_add_test(lines, names_cannot_forge_lines);
	tcase_add_test(lines, levels_select);
	tcase_add_test(lines, targets_that_cannot_be_opened_say_why);
	tcase_add_test(lines, stderr_lines_name_the_program);
	tcase_add_test(lines, long_messages_are_cut);
	tcase_add_test(lines, lines_of_threads_do_not_mix);
	suite_add_tcase(suite, lines);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
