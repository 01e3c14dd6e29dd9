/* SPDX-License-Identifier: MIT */
/* Times as one number: whatever time stamp a file has. */
#include "search/clock.h"
#include "tests/codec/codec_helpers.h"

START_TEST(test_time_stamps)
{
	static const struct {
		struct timespec t;
		int64_t ns;
	} cases[] = {
	        {{0, 0}, 0},
	        {{1, 5}, 1000000005},
	        {{-1, 5}, -999999995},
	        {{9000000000, 999999999}, INT64_C(9000000000999999999)},
	        {{-9000000000, 1}, INT64_C(-8999999999999999999)},
	        {{9223372036, 999999999}, INT64_MAX}, /* the first that may not fit, though some of its second do */
	        {{-9223372037, 0}, INT64_MIN},
	        {{INT64_MAX, 999999999}, INT64_MAX},
	        {{INT64_MIN, 0}, INT64_MIN},
	};

	ck_assert_int_eq(clock_timespec_ns(&cases[_i].t), cases[_i].ns);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (cases[i].t.tv_sec < cases[_i].t.tv_sec)
			ck_assert_int_le(cases[i].ns, cases[_i].ns);
}
END_TEST

START_TEST(test_differences)
{
	ck_assert_int_eq(clock_ns_between(5, 3), -2);
	ck_assert_int_eq(clock_ns_between(INT64_MIN, -1), INT64_MAX);
	ck_assert_int_eq(clock_ns_between(INT64_MIN, 0), INT64_MAX);
	ck_assert_int_eq(clock_ns_between(INT64_MAX, -1), INT64_MIN);
	ck_assert_int_eq(clock_ns_between(INT64_MAX, -2), INT64_MIN);
	ck_assert_int_eq(clock_ns_between(INT64_MIN, INT64_MIN), 0);
}
END_TEST

START_TEST(test_clocks)
{
	int64_t before = clock_ns(CLOCK_MONOTONIC);
	double s = clock_s(CLOCK_MONOTONIC);
	int64_t after = clock_ns(CLOCK_MONOTONIC);

	ck_assert(before <= after);
	ck_assert(s * 1e9 > (double)before - 1e6 && s * 1e9 < (double)after + 1e6);
}
END_TEST

static void add_all(TCase *cases)
{
	tcase_add_loop_test(cases, test_time_stamps, 0, 9);
	tcase_add_test(cases, test_differences);
	tcase_add_test(cases, test_clocks);
}

int main(void)
{
	return suite_run("clock", add_all);
}
