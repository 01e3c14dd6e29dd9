/* SPDX-License-Identifier: MIT */
/*
 * What the host does for batches on a GPU, over a CUDA of the tests' own (cuda_on_cpu.h): whatever order streams run in, the
 * values are the reference's, and nothing leaks. What the kernels make of all kinds of specs, other suites say.
 */
#include "host_kit.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define NSTREAMS 3u
#define NOUTPUTS 64u
#define NSEEDS 25u
#define NTHREADS 3u

/* --- In any order -------------------------------------------------------------------------------------------------- */

struct run {
	struct kit *kit;
	cudaStream_t streams[NSTREAMS]; /* the first is the default one */
	struct output outputs[NOUTPUTS];
	unsigned noutputs;
};

static void load_any(struct run *run, struct dice *dice)
{
	struct kit *kit = run->kit;
	kit_any_items(kit, dice, true);
	OK(kit_load(kit, NULL));
	for (size_t i = 0; i < kit->nitems; i++)
		kit_check_item(kit, &kit->items[i]);
}

static void decode_any(struct run *run, struct dice *dice)
{
	struct output *output = &run->outputs[run->noutputs++];
	*output = output_new(run->kit);
	OK(ic_gpu_batch_decode(run->kit->batch, &output->place, run->streams[dice_roll(dice, NSTREAMS)], NULL));
}

static void check_all(struct run *run)
{
	OK(ic_gpu_batch_wait(run->kit->batch, NULL));
	while (run->noutputs) {
		output_check(run->kit, &run->outputs[--run->noutputs]);
		output_clear(&run->outputs[run->noutputs]);
	}
}

static void run_any(struct kit *kit, uint64_t seed)
{
	struct run run = {.kit = kit};
	struct dice dice = dice_new(seed);
	for (unsigned i = 1; i < NSTREAMS; i++)
		ck_assert_int_eq(cudaStreamCreateWithFlags(&run.streams[i], cudaStreamNonBlocking), cudaSuccess);
	load_any(&run, &dice);
	for (unsigned i = 0; i < NOUTPUTS / 2; i++) {
		unsigned what = dice_roll(&dice, 8);
		if (what < 2)
			load_any(&run, &dice);
		else if (what < 7)
			decode_any(&run, &dice);
		else
			check_all(&run);
	}
	check_all(&run);
	for (unsigned i = 1; i < NSTREAMS; i++)
		cudaStreamDestroy(run.streams[i]);
}

START_TEST(batches_in_any_order_are_as_the_reference_has_them)
{
	struct kit kit = kit_new(_i);
	for (unsigned seed = 0; seed < NSEEDS; seed++) {
		cuda_on_cpu_start(seed, seed % 4);
		kit_open(&kit);
		run_any(&kit, seed);
		kit_close(&kit);
		cuda_on_cpu_drain();
		ck_assert_uint_eq(cuda_on_cpu_nlive(), 0);
	}
	kit_clear(&kit);
}
END_TEST

/* A batch is freed while it is decoded; the outputs are there until then. */
START_TEST(a_batch_that_is_freed_is_waited_for)
{
	struct kit kit = kit_new(_i);
	struct dice dice = dice_new(1);
	cuda_on_cpu_start(1, 0);
	kit_open(&kit);
	kit_any_items(&kit, &dice, false);
	OK(kit_load(&kit, NULL));
	struct output output = output_new(&kit);
	OK(ic_gpu_batch_decode(kit.batch, &output.place, NULL, NULL));
	kit_close(&kit);
	output_check(&kit, &output);
	output_clear(&output);
	ck_assert_uint_eq(cuda_on_cpu_nlive(), 0);
	kit_clear(&kit);
}
END_TEST

static void *run_thread(void *context)
{
	struct kit *kit = context;
	OK(kit_make_batch(kit, NULL));
	run_any(kit, (uint64_t)kit->index + 100);
	ic_gpu_batch_free(kit->batch);
	return NULL;
}

START_TEST(threads_share_a_plan)
{
	struct kit kit = kit_new(_i), kits[NTHREADS];
	pthread_t threads[NTHREADS];
	cuda_on_cpu_start(5, 2);
	OK(kit_open_device(&kit, NULL));
	OK(kit_make_plan(&kit, NULL));
	for (unsigned i = 0; i < NTHREADS; i++) {
		kits[i] = kit;
		kits[i].index = i; /* its dice */
		OK(pthread_create(&threads[i], NULL, run_thread, &kits[i]));
	}
	for (unsigned i = 0; i < NTHREADS; i++)
		OK(pthread_join(threads[i], NULL));
	kit_close(&kit);
	ck_assert_uint_eq(cuda_on_cpu_nlive(), 0);
	kit_clear(&kit);
}
END_TEST

/* Whether the copy is over cannot be known while a graph is made. */
START_TEST(a_graph_needs_a_batch_that_was_waited_for)
{
	struct kit kit = kit_new(_i);
	struct dice dice = dice_new(1);
	struct ic_why why = {""};
	cudaGraph_t graph;
	cuda_on_cpu_start(1, 0);
	kit_open(&kit);
	kit_any_items(&kit, &dice, false);
	OK(kit_load(&kit, NULL));
	kit.output = output_new(&kit);
	ck_assert_int_eq(cudaStreamCreate(&kit.stream), cudaSuccess);
	OK(ic_gpu_batch_decode(kit.batch, &kit.output.place, NULL, NULL));
	ck_assert_int_eq(cudaStreamBeginCapture(kit.stream, cudaStreamCaptureModeGlobal), cudaSuccess);
	ck_assert_int_eq(ic_gpu_batch_decode(kit.batch, &kit.output.place, kit.stream, &why), -EINVAL);
	ck_assert_str_ne(why.text, "");
	ck_assert_int_eq(cudaStreamEndCapture(kit.stream, &graph), cudaSuccess);
	ck_assert_int_eq(cudaGraphDestroy(graph), cudaSuccess);
	ck_assert_int_eq(cudaStreamDestroy(kit.stream), cudaSuccess);
	kit_close(&kit);
	output_check(&kit, &kit.output);
	output_clear(&kit.output);
	kit_clear(&kit);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, batches_in_any_order_are_as_the_reference_has_them, 0, KIT_NKINDS);
	tcase_add_loop_test(cases, a_batch_that_is_freed_is_waited_for, 0, KIT_NKINDS);
	tcase_add_loop_test(cases, a_graph_needs_a_batch_that_was_waited_for, 0, KIT_NKINDS);
	tcase_add_loop_test(cases, threads_share_a_plan, 0, KIT_NKINDS);
}

int main(void)
{
	return suite_run("gpu-host", add_tests);
}
