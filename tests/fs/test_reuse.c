/* SPDX-License-Identifier: MIT */
#include "fs/hash.h"
#include "fs/reuse.h"

#include <check.h>

#include <stdlib.h>

static uint64_t note(struct reuse *reuse, uint64_t key)
{
	return reuse_note(reuse, hash_u64(HASH_SEED, key));
}

static uint64_t read_in_order(struct reuse *reuse, uint64_t first, uint64_t n)
{
	uint64_t now = 0;

	for (uint64_t i = 0; i < n; i++)
		now = note(reuse, first + i);
	return now;
}

START_TEST(test_nothing_is_known_without_reuse)
{
	struct reuse *reuse;

	ck_assert_int_eq(reuse_new(&reuse), 0);
	ck_assert_uint_eq(read_in_order(reuse, 0, 100000), 100000);
	ck_assert_uint_eq(reuse_horizon(reuse), 0);
	reuse_free(reuse);
	reuse_free(NULL);
}
END_TEST

/* Sets that are sampled whole, and sets of which one key in hundreds is. */
START_TEST(test_horizon_is_twice_an_epoch)
{
	static const uint64_t sizes[] = {20, 1000, 300000};
	uint64_t n = sizes[_i], now = 0;
	struct reuse *reuse;

	ck_assert_int_eq(reuse_new(&reuse), 0);
	for (int epoch = 0; epoch < 4; epoch++)
		now = read_in_order(reuse, 0, n);
	ck_assert_uint_eq(reuse_horizon(reuse), now - 2 * n);
	reuse_free(reuse);
}
END_TEST

START_TEST(test_it_follows_a_smaller_set)
{
	uint64_t now = 0;
	struct reuse *reuse;

	ck_assert_int_eq(reuse_new(&reuse), 0);
	for (int epoch = 0; epoch < 2; epoch++)
		read_in_order(reuse, 0, 300000);
	for (int epoch = 0; epoch < 6000; epoch++)
		now = read_in_order(reuse, 1000000, 1000);
	ck_assert_uint_eq(reuse_horizon(reuse), now - 2000);
	reuse_free(reuse);
}
END_TEST

/* So much smaller that at first none of it is in the sample. */
START_TEST(test_it_follows_a_set_that_is_hardly_sampled)
{
	uint64_t now = 0;
	struct reuse *reuse;

	ck_assert_int_eq(reuse_new(&reuse), 0);
	for (int epoch = 0; epoch < 2; epoch++)
		read_in_order(reuse, 0, 300000);
	for (int epoch = 0; epoch < 400000; epoch++)
		now = read_in_order(reuse, 1000000, 20);
	ck_assert_uint_eq(reuse_horizon(reuse), now - 40);
	for (int epoch = 0; epoch < 6; epoch++) /* and back */
		now = read_in_order(reuse, 2000000, 300000);
	ck_assert_uint_eq(reuse_horizon(reuse), now - 600000);
	reuse_free(reuse);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reuse");
	TCase *tcase = tcase_create("reuse");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, test_nothing_is_known_without_reuse);
	tcase_add_loop_test(tcase, test_horizon_is_twice_an_epoch, 0, 3);
	tcase_add_test(tcase, test_it_follows_a_smaller_set);
	tcase_add_test(tcase, test_it_follows_a_set_that_is_hardly_sampled);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
