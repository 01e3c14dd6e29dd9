/* SPDX-License-Identifier: MIT */
/*
 * Policies where memory runs out: the linker puts the functions below in place of those that allocate.
 */
#include "fs/policy.h"

#include <check.h>

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *old, size_t n, size_t size);
char *__real_strndup(const char *text, size_t n);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *old, size_t n, size_t size);
char *__wrap_strndup(const char *text, size_t n);
int __wrap_asprintf(char **ret_text, const char *format, ...);

/* Allocations that still succeed. */
static unsigned left = UINT_MAX;

static bool is_denied(void)
{
	if (left == UINT_MAX)
		return false;
	if (left) {
		left--;
		return false;
	}
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_denied() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return is_denied() ? NULL : __real_calloc(n, size);
}

void *__wrap_reallocarray(void *old, size_t n, size_t size)
{
	return is_denied() ? NULL : __real_reallocarray(old, n, size);
}

char *__wrap_strndup(const char *text, size_t n)
{
	return is_denied() ? NULL : __real_strndup(text, n);
}

__attribute__((format(printf, 2, 3))) int __wrap_asprintf(char **ret_text, const char *format, ...)
{
	va_list args;
	int n;

	if (is_denied())
		return -1;
	va_start(args, format);
	n = vasprintf(ret_text, format, args);
	va_end(args);
	return n;
}

static const char text[] =
        "[policy]\ndesign = auto\nface = ic\n[a]\nface = ic\n[b]\n[c]\n[d]\n[e]\n[f]\ndesign = auto\n";

START_TEST(parsing_without_memory_says_so)
{
	unsigned n = 0;
	errint_t err;

	do {
		struct policy_file *file = NULL;
		struct ic_why why = {""};

		left = n++;
		err = policy_file_parse(text, sizeof(text) - 1, "P", POLICY_TREE, &file, &why);
		left = UINT_MAX;
		if (err) {
			ck_assert_int_eq(err, -ENOMEM);
			ck_assert_str_eq(why.text, "P: out of memory");
			ck_assert_ptr_null(file);
		}
		policy_file_free(file);
	} while (err);
	/* a file, eleven of its parts and a list of keys, at the least */
	ck_assert_uint_gt(n, 10);
}
END_TEST

START_TEST(resolving_without_memory_leaves_the_result_alone)
{
	struct policy_rule options = {.has_design = true, .design_is_auto = true, .has_face = true};
	struct policy_context context = {.options = &options};
	unsigned n = 0;
	errint_t err;

	ck_assert_int_eq(policy_set_aim(&options, AIM_MAX_BYTES, "12%", NULL), 0);
	do {
		struct policy policy = {.design_rule = NULL};

		left = n++;
		err = policy_resolve(&context, &policy);
		left = UINT_MAX;
		if (err) {
			ck_assert_int_eq(err, -ENOMEM);
			ck_assert_ptr_null(policy.design_rule);
			ck_assert_ptr_null(policy.face_rule);
			ck_assert_ptr_null(policy.metadata_rule);
			ck_assert_ptr_null(policy.aim_rule);
		}
		policy_clear(&policy);
	} while (err);
	/* the words for each key, those around auto, and the key's before those of max-bytes */
	ck_assert_uint_eq(n, POLICY_NKEYS + 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("policy-memory");
	TCase *memory = tcase_create("memory");
	SRunner *runner;
	int failed;

	tcase_set_timeout(memory, 0); /* meson has one */
	tcase_add_test(memory, parsing_without_memory_says_so);
	tcase_add_test(memory, resolving_without_memory_leaves_the_result_alone);
	suite_add_tcase(suite, memory);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
