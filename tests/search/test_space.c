/* SPDX-License-Identifier: MIT */
#include "search/space.h"

#include "codec/format.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct space_shape shapes[] = {
        {1, 1, 1, 3}, {224, 224, 3, 1500}, {375, 500, 3, 1}, {500, 375, 1, 70}, {31, 33, 3, 2}, {65535, 1, 3, 1},
};

static uint64_t size_by_layout(const struct ic_design *design)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNT(shapes); i++) {
		struct ic_layout layout;

		ck_assert_int_eq(
		        ic_layout_init(&layout, design, shapes[i].width, shapes[i].height, shapes[i].ncomponents), 0);
		sum += layout.nbytes * shapes[i].count;
	}
	return sum;
}

static struct ic_design design_of(const char *text)
{
	struct ic_design design;

	ck_assert_int_eq(ic_design_parse(text, &design, NULL), 0);
	return design;
}

START_TEST(sum_by_hand)
{
	/* Header 64 and a table of one entry, padded to 128; then 2 x 2 blocks of one coefficient of 8 bits. */
	const struct space_shape shape = {16, 9, 1, 1000};
	const struct ic_design design = design_of("s1x1-b8-k1-q8");
	uint64_t nbytes;

	ck_assert_int_eq(space_of_design(&shape, 1, &design, &nbytes), 0);
	ck_assert_uint_eq(nbytes, 1000 * (128 + 4));
}
END_TEST

START_TEST(one_design_is_the_sum_of_its_layouts)
{
	static const char *const texts[] = {
	        "s1x1-b8-k15-q8", "s2x4-b1-k1-q3",       "s4x1-b16-k31-q1",        "s1x1-b32-k63-q8",
	        "s2x2-b8-k6-q5",  "s1x1-b8-k9-q7-c1-ol", "s4x4-b16-k3-q2-fbox-oy",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		const struct ic_design design = design_of(texts[i]);
		uint64_t nbytes;

		ck_assert_int_eq(space_of_design(shapes, COUNT(shapes), &design, &nbytes), 0);
		ck_assert_uint_eq(nbytes, size_by_layout(&design));
	}
}
END_TEST

START_TEST(base_is_every_design)
{
	static uint64_t sums[IC_DESIGN_COUNT];

	ck_assert_int_eq(space_of_base(shapes, COUNT(shapes), sums), 0);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++) {
		struct ic_design design;

		ck_assert_int_eq(ic_design_at(i, &design), 0);
		ck_assert_msg(sums[i] == size_by_layout(&design), "design %u", i);
	}
}
END_TEST

START_TEST(nothing_takes_nothing)
{
	static uint64_t sums[IC_DESIGN_COUNT];
	const struct ic_design design = ic_design_default();
	uint64_t nbytes = 1;

	memset(sums, 0xff, sizeof(sums));
	ck_assert_int_eq(space_of_design(NULL, 0, &design, &nbytes), 0);
	ck_assert_uint_eq(nbytes, 0);
	ck_assert_int_eq(space_of_base(NULL, 0, sums), 0);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		ck_assert_uint_eq(sums[i], 0);
}
END_TEST

static void expect_failure(const struct space_shape *bad, size_t nbad, errint_t err)
{
	static uint64_t sums[IC_DESIGN_COUNT];
	const struct ic_design design = ic_design_default();
	uint64_t nbytes = 12345;

	memset(sums, 0xa5, sizeof(sums));
	ck_assert_int_eq(space_of_design(bad, nbad, &design, &nbytes), err);
	ck_assert_uint_eq(nbytes, 12345);
	ck_assert_int_eq(space_of_base(bad, nbad, sums), err);
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i++)
		ck_assert_uint_eq(sums[i], 0xa5a5a5a5a5a5a5a5);
}

START_TEST(bad_shapes_are_refused)
{
	static const struct space_shape bad[] = {
	        {0, 5, 3, 1}, {5, 0, 3, 1}, {65536, 5, 3, 1}, {5, 65536, 1, 1},
	        {5, 5, 0, 1}, {5, 5, 2, 1}, {5, 5, 4, 1},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		const struct space_shape pair[] = {{8, 8, 3, 1}, bad[i]};

		expect_failure(pair, COUNT(pair), -EINVAL);
	}
}
END_TEST

START_TEST(bad_designs_are_refused)
{
	struct ic_design design = ic_design_default();
	uint64_t nbytes = 12345;

	design.keep = 16;
	ck_assert_int_eq(space_of_design(shapes, COUNT(shapes), &design, &nbytes), -EINVAL);
	ck_assert_int_eq(space_of_design(NULL, 0, &design, &nbytes), -EINVAL);
	ck_assert_uint_eq(nbytes, 12345);
}
END_TEST

START_TEST(sums_do_not_wrap)
{
	const struct space_shape product = {8, 8, 3, UINT64_MAX / 100};
	const struct space_shape sum[] = {{8, 8, 1, UINT64_MAX / 256}, {9, 8, 1, UINT64_MAX / 256}};
	const struct space_shape counts[] = {{8, 8, 1, UINT64_MAX}, {9, 8, 1, 1}};

	expect_failure(&product, 1, -EFBIG);
	expect_failure(sum, COUNT(sum), -EFBIG);
	expect_failure(counts, COUNT(counts), -EFBIG);
}
END_TEST

START_TEST(merge_joins_equal_shapes)
{
	struct space_shape some[] = {
	        {500, 375, 3, 1}, {224, 224, 3, 5}, {500, 375, 1, 2},
	        {224, 224, 3, 6}, {500, 375, 3, 4}, {224, 100, 3, 9},
	};
	static const struct space_shape expected[] = {
	        {224, 100, 3, 9},
	        {224, 224, 3, 11},
	        {500, 375, 1, 2},
	        {500, 375, 3, 5},
	};

	ck_assert_uint_eq(space_merge(some, COUNT(some)), COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		ck_assert_uint_eq(some[i].width, expected[i].width);
		ck_assert_uint_eq(some[i].height, expected[i].height);
		ck_assert_uint_eq(some[i].ncomponents, expected[i].ncomponents);
		ck_assert_uint_eq(some[i].count, expected[i].count);
	}
	ck_assert_uint_eq(space_merge(NULL, 0), 0);
	ck_assert_uint_eq(space_merge(some, 1), 1);
}
END_TEST

START_TEST(merge_keeps_counts_that_do_not_add_up)
{
	struct space_shape some[] = {{8, 8, 3, UINT64_MAX}, {8, 8, 3, 7}, {8, 8, 3, UINT64_MAX}};
	size_t nleft = space_merge(some, COUNT(some));
	uint64_t low = 0;

	ck_assert_uint_ge(nleft, 2);
	for (size_t i = 0; i < nleft; i++)
		low += some[i].count; /* modulo 2^64, which joining does not change */
	ck_assert_uint_eq(low, 5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("space");
	TCase *cases = tcase_create("space");
	SRunner *runner = srunner_create(suite);
	int nfailed;

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 0); /* meson has one */
	tcase_add_test(cases, sum_by_hand);
	tcase_add_test(cases, one_design_is_the_sum_of_its_layouts);
	tcase_add_test(cases, base_is_every_design);
	tcase_add_test(cases, nothing_takes_nothing);
	tcase_add_test(cases, bad_shapes_are_refused);
	tcase_add_test(cases, bad_designs_are_refused);
	tcase_add_test(cases, sums_do_not_wrap);
	tcase_add_test(cases, merge_joins_equal_shapes);
	tcase_add_test(cases, merge_keeps_counts_that_do_not_add_up);
	srunner_run_all(runner, CK_NORMAL);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
