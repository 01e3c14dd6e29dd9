/* SPDX-License-Identifier: MIT */
/*
 * Holds on machines with and without GPUs, in builds with and without CUDA. The suite runs a second time with all GPUs
 * hidden, so that the way without one is taken everywhere.
 */
#include "gpu/gpu.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned count_gpus(void)
{
	struct ic_why why;
	unsigned count = 12345;
	errint_t err;

	memset(&why, 0, sizeof(why));
	err = ic_gpu_count(&count, &why);
	if (!err) {
		ck_assert_uint_ge(count, 1);
		return count;
	}
	ck_assert_int_eq(err, -ENODEV);
	ck_assert_uint_eq(count, 12345);
	ck_assert_str_ne(why.text, "");
	return 0;
}

START_TEST(a_missing_gpu_has_a_reason)
{
	const unsigned count = count_gpus();

	if (ic_gpu_cuda_version() == 0 || getenv("TEST_GPUS_ARE_HIDDEN"))
		ck_assert_uint_eq(count, 0);
	else
		ck_assert_uint_ge(ic_gpu_cuda_version(), 11000);
}
END_TEST

START_TEST(the_reason_may_be_left_out)
{
	unsigned count = 0;
	errint_t err = ic_gpu_count(&count, NULL);

	ck_assert(err == 0 || err == -ENODEV);
	ck_assert_int_eq(err == 0, count > 0);
}
END_TEST

START_TEST(every_gpu_says_what_it_is)
{
	const unsigned count = count_gpus();
	struct ic_gpu gpu;
	struct ic_why why;

	for (unsigned i = 0; i < count; i++) {
		memset(&gpu, 0, sizeof(gpu));
		ck_assert_int_eq(ic_gpu_query(i, &gpu, &why), 0);
		ck_assert_str_ne(gpu.name, "");
		ck_assert_uint_gt(gpu.memory_nbytes, 0);
	}
	memset(&gpu, 0xa5, sizeof(gpu));
	memset(&why, 0, sizeof(why));
	ck_assert_int_eq(ic_gpu_query(count, &gpu, &why), -ENODEV);
	ck_assert_str_ne(why.text, "");
	ck_assert_uint_eq(gpu.memory_nbytes, 0xa5a5a5a5a5a5a5a5);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("gpu");
	TCase *cases = tcase_create("gpu");
	SRunner *runner = srunner_create(suite);
	int nfailed;

	suite_add_tcase(suite, cases);
	tcase_set_timeout(cases, 60); /* CUDA may take seconds to start */
	tcase_add_test(cases, a_missing_gpu_has_a_reason);
	tcase_add_test(cases, the_reason_may_be_left_out);
	tcase_add_test(cases, every_gpu_says_what_it_is);
	srunner_run_all(runner, CK_NORMAL);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
