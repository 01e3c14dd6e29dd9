/* SPDX-License-Identifier: MIT */
#include "search/path.h"
#include "tests/codec/codec_helpers.h"

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

static void add_all(TCase *tcase)
{
	tcase_add_loop_test(tcase, test_what_holds_what, 0, COUNT(cases));
}

int main(void)
{
	return suite_run("path", add_all);
}
