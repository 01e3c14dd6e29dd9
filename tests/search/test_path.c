/* SPDX-License-Identifier: MIT */
#include "search/path.h"

#include <check.h>
#include <stdlib.h>

static const struct {
	const char *above, *path;
	bool holds;
} cases[] = {
        {"/", "/", true},       {"/", "/a", true},      {"/a", "/", false},    {"/a", "/a", true},
        {"/a", "/a/b/c", true}, {"/a", "/ab", false},   {"/a/b", "/a", false}, {"/a/b", "/a/c", false},
        {"", "", true},         {"", "a", true},        {"a", "", false},      {"a", "a/b", true},
        {"a", "ab", false},     {"a/b", "a/b/c", true},
};

START_TEST(test_what_holds_what)
{
	ck_assert_msg(path_holds(cases[_i].above, cases[_i].path) == cases[_i].holds, "'%s' '%s'", cases[_i].above,
	              cases[_i].path);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("path");
	TCase *tcase = tcase_create("path");

	tcase_add_loop_test(tcase, test_what_holds_what, 0, sizeof(cases) / sizeof(*cases));
	suite_add_tcase(suite, tcase);
	SRunner *runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
