/* SPDX-License-Identifier: MIT */
/*
 * Whichever call of CUDA fails (cuda_on_cpu.h), that is told, nothing is left running that nobody waits for, and nothing
 * leaks; and faults that gpu/ once had.
 */
#include "host_kit.h"

#include <errno.h>
#include <stdio.h>

/* --- Calls that fail ----------------------------------------------------------------------------------------------- */

static errint_t decode_items(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_decode(kit->batch, &kit->output.place, kit->stream, why);
}

static errint_t decode_elsewhere(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_decode(kit->batch, &kit->output.place, NULL, why);
}

typedef errint_t stage_function(struct kit *kit, struct ic_why *why);

static stage_function *const stages[] = {kit_open_device, kit_make_plan, kit_make_batch,
                                         kit_load,        decode_items,  decode_elsewhere};
#define FIRST_DECODE 4u

/* Everything up to a stage goes well, and in that `count` calls fail, from the first-th on; then it is tried again. Whether
 * there was such a call. Streams do as little as they may: what is not waited for is still to run. */
static bool fail_at(struct kit *kit, unsigned stage, unsigned first, unsigned count)
{
	struct ic_why why = {""};
	cuda_on_cpu_start(first, 0);
	ck_assert_int_eq(cudaStreamCreateWithFlags(&kit->stream, cudaStreamNonBlocking), cudaSuccess);
	kit->output = output_new(kit);
	for (unsigned i = 0; i < stage; i++)
		OK(stages[i](kit, NULL));
	cuda_on_cpu_fail(first, count);
	errint_t err = stages[stage](kit, &why);
	const char *failed = cuda_on_cpu_what_failed();
	bool has_failed = *failed != 0;
	ck_assert_msg(has_failed == (err != 0), "stage %u, call %u, %s: %d", stage, first, failed, err);
	cuda_on_cpu_fail(0, 0);
	if (has_failed) {
		ck_assert(err == -EIO || err == -ENOMEM || err == -ENODEV);
		ck_assert_str_ne(why.text, "");
		ck_assert_int_eq(cudaGetLastError(), cudaSuccess); /* which would be taken for another call's */
		if (kit->batch)
			OK(ic_gpu_batch_wait(kit->batch, NULL));
		ck_assert_msg(!cuda_on_cpu_is_busy(), "stage %u, call %u: %s", stage, first, why.text);
	}
	for (unsigned i = stage + !has_failed; i < COUNT(stages); i++)
		OK(stages[i](kit, NULL));
	kit_close(kit);
	output_check(kit, &kit->output);
	output_clear(&kit->output);
	ck_assert_int_eq(cudaStreamDestroy(kit->stream), cudaSuccess);
	ck_assert_uint_eq(cuda_on_cpu_nlive(), 0);
	return has_failed;
}

/* A decode once left work in the stream that nobody waited for, when it could not record an event behind it. */
START_TEST(a_call_that_fails_is_told_and_leaves_nothing_running)
{
	struct kit kit = kit_new(_i);
	struct dice dice = dice_new(2);
	kit_any_items(&kit, &dice, false);
	for (unsigned stage = 0; stage < COUNT(stages); stage++) {
		unsigned ncalls = 0;
		while (fail_at(&kit, stage, ncalls + 1, 1))
			ncalls++;
		ck_assert_uint_ge(ncalls, 2);
		/* The next call after one that fails is what a decode waits with. */
		for (unsigned first = 1; stage >= FIRST_DECODE && first <= ncalls; first++)
			ck_assert(fail_at(&kit, stage, first, 2));
	}
	kit_clear(&kit);
}
END_TEST

/* --- Faults that there were ---------------------------------------------------------------------------------------- */

/* The copy of a plan's means and scales was once on its way when the plan was already used. */
START_TEST(numbers_are_there_before_a_plan_is_used)
{
	struct kit kit = kit_new(FREQUENCIES);
	cuda_on_cpu_start(1, 0);
	OK(kit_open_device(&kit, NULL));
	OK(kit_make_plan(&kit, NULL));
	ck_assert(!cuda_on_cpu_is_busy());
	kit_close(&kit);
	kit_clear(&kit);
}
END_TEST

static void decode_once(struct kit *kit)
{
	struct dice dice = dice_new(4);
	kit_any_items(kit, &dice, false);
	kit->output = output_new(kit);
	for (unsigned i = 0; i < FIRST_DECODE; i++)
		OK(stages[i](kit, NULL));
	OK(decode_items(kit, NULL));
	OK(ic_gpu_batch_wait(kit->batch, NULL));
	output_check(kit, &kit->output);
	kit_close(kit);
	output_clear(&kit->output);
}

/* To put back the device that was current started a context on it, 500 MB of device 0 for each process that used another. */
START_TEST(no_context_is_started_on_another_gpu)
{
	struct kit kit = kit_new(CROPPED);
	struct dice dice = dice_new(4);
	kit_any_items(&kit, &dice, false);
	kit.index = 1;
	cuda_on_cpu_start(1, 0);
	cuda_on_cpu_fail(3, 1);
	ck_assert_int_eq(kit_open_device(&kit, NULL), -EIO);
	ck_assert_str_eq(cuda_on_cpu_what_failed(), "cudaSetDevice");
	cuda_on_cpu_fail(0, 0);
	for (unsigned i = 0; i < FIRST_DECODE; i++)
		OK(stages[i](&kit, NULL));
	kit_close(&kit);
	ck_assert(cuda_on_cpu_has_context(1) && !cuda_on_cpu_has_context(0));
	kit_clear(&kit);
}
END_TEST

START_TEST(the_current_gpu_is_left_as_it_was)
{
	struct kit kit = kit_new(CROPPED);
	int current = -1;
	cuda_on_cpu_start(1, 0);
	ck_assert_int_eq(cudaSetDevice(0), cudaSuccess);
	kit.index = 1;
	decode_once(&kit);
	ck_assert_int_eq(cudaGetDevice(&current), cudaSuccess);
	ck_assert_int_eq(current, 0);
	kit_clear(&kit);
}
END_TEST

/* Kernels write by the type and the numbers of values, past the end of outputs of a shape that has fewer bytes. */
START_TEST(a_shape_of_other_bytes_is_refused)
{
	struct kit kit = kit_new(_i);
	const struct ic_tensor_shape shape = kit.shape;
	const struct ic_tensor_spec spec = kit.spec;
	struct ic_why why = {""};
	cuda_on_cpu_start(1, 3);
	OK(kit_open_device(&kit, NULL));
	for (unsigned i = 0; i < 6; i++) {
		kit.shape = shape;
		kit.spec = spec;
		kit.spec.type = i == 0 ? IC_FLOAT32 : i == 1 ? 17 : spec.type;
		kit.shape.value_nbytes += i == 2;
		kit.shape.nbytes -= i == 3;
		kit.shape.chroma_nbytes += i == 4;
		kit.shape.chroma_channels += i == 5;
		ck_assert_int_eq(kit_make_plan(&kit, &why), -EINVAL);
		ck_assert_str_ne(why.text, "");
	}
	kit_close(&kit);
	kit_clear(&kit);
}
END_TEST

/* It opened, and the first plan failed. */
START_TEST(a_gpu_without_code_does_not_open)
{
	struct kit kit = kit_new(CROPPED);
	struct ic_why why = {""};
	cuda_on_cpu_start(1, 3);
	cuda_on_cpu_be((struct cuda_on_cpu_gpus){.have_no_code = true});
	ck_assert_int_eq(kit_open_device(&kit, &why), -ENODEV);
	ck_assert_str_ne(why.text, "");
	kit_clear(&kit);
}
END_TEST

/* It was an error of the device that said nothing. */
START_TEST(too_little_shared_memory_is_told)
{
	struct kit kit = kit_new(CROPPED);
	struct ic_why why = {""};
	unsigned needed, given;
	cuda_on_cpu_start(1, 3);
	cuda_on_cpu_be((struct cuda_on_cpu_gpus){.shared_nbytes = 4096});
	OK(kit_open_device(&kit, NULL));
	ck_assert_int_eq(kit_make_plan(&kit, &why), -EOPNOTSUPP);
	ck_assert_int_eq(sscanf(why.text, "pixels of B = 8 need %u bytes of shared memory, the device gives %u",
	                        &needed, &given),
	                 2);
	ck_assert_uint_gt(needed, given);
	ck_assert_uint_eq(given, 4096);
	cuda_on_cpu_be((struct cuda_on_cpu_gpus){.shared_nbytes = needed});
	OK(kit_make_plan(&kit, NULL));
	kit_close(&kit);
	kit_clear(&kit);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, a_call_that_fails_is_told_and_leaves_nothing_running, 0, KIT_NKINDS);
	tcase_add_test(cases, numbers_are_there_before_a_plan_is_used);
	tcase_add_loop_test(cases, a_shape_of_other_bytes_is_refused, 0, KIT_NKINDS);
	tcase_add_test(cases, a_gpu_without_code_does_not_open);
	tcase_add_test(cases, too_little_shared_memory_is_told);
	tcase_add_test(cases, no_context_is_started_on_another_gpu);
	tcase_add_test(cases, the_current_gpu_is_left_as_it_was);
}

int main(void)
{
	return suite_run("gpu-host-faults", add_tests);
}
