/* SPDX-License-Identifier: MIT */
/*
 * What the host does for batches on a GPU, over a CUDA of the test's own (cuda_on_cpu.h): whatever order streams run in, the
 * values are the reference's; and whichever call fails, that is told, nothing is left running that nobody waits for, and
 * nothing leaks. What the kernels make of all kinds of specs, other tests say.
 */
#include "gpu/gpu.h"

#include "cuda_on_cpu.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <cuda_runtime_api.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOBJECTS 12u
#define NITEMS_MAX 4u
#define NSTREAMS 3u
#define NOUTPUTS 64u
#define NSEEDS 25u
#define NTHREADS 3u
#define OK(call) ck_assert_int_eq(call, 0)

/* --- A kind of batch, and objects for it --------------------------------------------------------------------------- */

struct output {
	struct ic_gpu_output place;
	uint8_t *expected, *expected_chroma;
	size_t nitems;
};

struct kit {
	struct ic_design design;
	struct ic_tensor_spec spec;
	struct ic_tensor_shape shape;
	struct bytes objects[NOBJECTS]; /* some are denser than the design, some gray */
	unsigned index;                 /* of the device */
	struct ic_gpu_device *device;
	struct ic_gpu_plan *plan;
	struct ic_gpu_batch *batch;
	struct ic_gpu_item items[NITEMS_MAX];
	size_t nitems;
	struct output output;
	cudaStream_t stream;
};

enum { CROPPED, RESIZED, FREQUENCIES };

static const struct ic_tensor_spec specs[] = {
        [CROPPED] = {.fit = IC_FIT_CROP | IC_FIT_PAD, .width = 40, .height = 24, .type = IC_FLOAT16},
        [RESIZED] = {.fit = IC_FIT_RESIZE, .width = 33, .height = 21},
        [FREQUENCIES] = {.values = IC_FREQUENCIES,
                         .type = IC_INT8,
                         .chroma = IC_CHROMA_APART,
                         .components = 3,
                         .fit = IC_FIT_CROP | IC_FIT_PAD,
                         .width = 4,
                         .height = 6},
};

static struct kit kit_new(unsigned spec)
{
	const struct ic_design designs[] = {design_of("s1x1-b8-k6-q5"), design_of("s1x1-b8-k9-q5")};
	struct kit kit = {.design = designs[0], .spec = specs[spec]};
	struct dice dice = dice_new(3);
	for (unsigned i = 0; i < NOBJECTS; i++) {
		uint32_t width = (uint32_t)dice_between(&dice, 16, 90), height = (uint32_t)dice_between(&dice, 16, 60);
		kit.objects[i] = wild_object(&dice, &designs[i % 2], width, height, i % 3 ? 3 : 1);
		struct ic_view view = view_of(kit.objects[i]);
		ic_header_write(kit.objects[i].data, &view.layout, (uint8_t)(1 + i % 8), (uint16_t)(i % 4));
	}
	struct ic_view view = view_of(kit.objects[0]);
	OK(ic_tensor_shape(&view.layout, &kit.spec, &kit.shape, NULL));
	return kit;
}

static void kit_clear(struct kit *kit)
{
	for (unsigned i = 0; i < NOBJECTS; i++)
		free(kit->objects[i].data);
}

/* The rest of what a batch needs. */
static errint_t open_device(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_open(kit->index, &kit->device, why);
}

static errint_t make_plan(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_plan_new(kit->device, &kit->design, &kit->spec, &kit->shape, &kit->plan, why);
}

static errint_t make_batch(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_new(kit->plan, NITEMS_MAX, &kit->batch, why);
}

static void kit_open(struct kit *kit)
{
	OK(open_device(kit, NULL));
	OK(make_plan(kit, NULL));
	OK(make_batch(kit, NULL));
}

static void kit_close(struct kit *kit)
{
	ic_gpu_batch_free(kit->batch);
	ic_gpu_plan_free(kit->plan);
	ic_gpu_close(kit->device);
	kit->batch = NULL;
	kit->plan = NULL;
	kit->device = NULL;
}

static void any_items(struct kit *kit, struct dice *dice, bool may_be_bad)
{
	kit->nitems = 1 + dice_roll(dice, NITEMS_MAX);
	for (size_t i = 0; i < kit->nitems; i++) {
		struct bytes object = kit->objects[dice_roll(dice, NOBJECTS)];
		bool is_bad = may_be_bad && dice_roll(dice, 8) == 0;
		kit->items[i] = (struct ic_gpu_item){.bytes = object.data, .nbytes = is_bad ? 10 : object.nbytes};
		if (kit->spec.values == IC_RGB)
			kit->items[i].window.flip = (uint8_t)dice_roll(dice, 2);
	}
}

static errint_t load_items(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_load(kit->batch, kit->items, kit->nitems, 0, NULL, why);
}

/* What ic_gpu_batch_load says of an item is what its header and ic_tensor_region say. */
static void check_item(const struct kit *kit, const struct ic_gpu_item *item)
{
	struct ic_region region = {0};
	struct ic_view view = {.orientation = 0};
	if (!item->err) {
		OK(ic_view_parse_prefix(&view, item->bytes, item->nbytes, kit->design.keep, NULL));
		OK(ic_tensor_region(&view.layout, &kit->spec, &item->window, &region, NULL));
	}
	ck_assert_mem_eq(&item->region, &region, sizeof region);
	ck_assert_uint_eq(item->orientation, view.orientation);
	ck_assert_uint_eq(item->flags, view.flags);
}

/* --- Outputs ------------------------------------------------------------------------------------------------------- */

static void expect(struct output *output, const struct kit *kit, size_t index)
{
	const struct ic_gpu_item *item = &kit->items[index];
	struct ic_view view;
	if (item->err)
		return;
	OK(ic_view_parse_prefix(&view, item->bytes, item->nbytes, kit->design.keep, NULL));
	OK(ic_tensor_decode(&view, &kit->spec, &item->window, output->expected + index * kit->shape.nbytes,
	                    output->expected_chroma + index * kit->shape.chroma_nbytes, NULL));
}

/* For what is loaded. */
static struct output output_new(const struct kit *kit)
{
	struct output output = {.nitems = kit->nitems,
	                        .expected = calloc(kit->nitems, kit->shape.nbytes),
	                        .expected_chroma = calloc(kit->nitems, kit->shape.chroma_nbytes + 1)};
	output.place.out_stride = kit->shape.nbytes;
	output.place.chroma_stride = kit->shape.chroma_nbytes;
	ck_assert_int_eq(cudaMalloc(&output.place.out, kit->nitems * kit->shape.nbytes), cudaSuccess);
	ck_assert_int_eq(cudaMalloc(&output.place.chroma, kit->nitems * kit->shape.chroma_nbytes + 1), cudaSuccess);
	for (size_t i = 0; i < kit->nitems; i++)
		expect(&output, kit, i);
	return output;
}

/* Once it was waited for. */
static void output_check(const struct kit *kit, const struct output *output)
{
	ck_assert_mem_eq(output->place.out, output->expected, output->nitems * kit->shape.nbytes);
	ck_assert_mem_eq(output->place.chroma, output->expected_chroma, output->nitems * kit->shape.chroma_nbytes);
}

static void output_clear(struct output *output)
{
	cudaFree(output->place.out);
	cudaFree(output->place.chroma);
	free(output->expected);
	free(output->expected_chroma);
}

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
	any_items(kit, dice, true);
	OK(load_items(kit, NULL));
	for (size_t i = 0; i < kit->nitems; i++)
		check_item(kit, &kit->items[i]);
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
	struct kit kit = kit_new((unsigned)_i);
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
	struct kit kit = kit_new((unsigned)_i);
	struct dice dice = dice_new(1);
	cuda_on_cpu_start(1, 0);
	kit_open(&kit);
	any_items(&kit, &dice, false);
	OK(load_items(&kit, NULL));
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
	OK(make_batch(kit, NULL));
	run_any(kit, (uint64_t)kit->index + 100);
	ic_gpu_batch_free(kit->batch);
	return NULL;
}

START_TEST(threads_share_a_plan)
{
	struct kit kit = kit_new((unsigned)_i), kits[NTHREADS];
	pthread_t threads[NTHREADS];
	cuda_on_cpu_start(5, 2);
	OK(open_device(&kit, NULL));
	OK(make_plan(&kit, NULL));
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

static stage_function *const stages[] = {open_device, make_plan,    make_batch,
                                         load_items,  decode_items, decode_elsewhere};
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
	struct kit kit = kit_new((unsigned)_i);
	struct dice dice = dice_new(2);
	any_items(&kit, &dice, false);
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
	OK(open_device(&kit, NULL));
	OK(make_plan(&kit, NULL));
	ck_assert(!cuda_on_cpu_is_busy());
	kit_close(&kit);
	kit_clear(&kit);
}
END_TEST

static void decode_once(struct kit *kit)
{
	struct dice dice = dice_new(4);
	any_items(kit, &dice, false);
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
	any_items(&kit, &dice, false);
	kit.index = 1;
	cuda_on_cpu_start(1, 0);
	cuda_on_cpu_fail(3, 1);
	ck_assert_int_eq(open_device(&kit, NULL), -EIO);
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
	struct kit kit = kit_new((unsigned)_i);
	const struct ic_tensor_shape shape = kit.shape;
	const struct ic_tensor_spec spec = kit.spec;
	struct ic_why why = {""};
	cuda_on_cpu_start(1, 3);
	OK(open_device(&kit, NULL));
	for (unsigned i = 0; i < 6; i++) {
		kit.shape = shape;
		kit.spec = spec;
		kit.spec.type = i == 0 ? IC_FLOAT32 : i == 1 ? 17 : spec.type;
		kit.shape.value_nbytes += i == 2;
		kit.shape.nbytes -= i == 3;
		kit.shape.chroma_nbytes += i == 4;
		kit.shape.chroma_channels += i == 5;
		ck_assert_int_eq(make_plan(&kit, &why), -EINVAL);
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
	ck_assert_int_eq(open_device(&kit, &why), -ENODEV);
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
	OK(open_device(&kit, NULL));
	ck_assert_int_eq(make_plan(&kit, &why), -EOPNOTSUPP);
	ck_assert_int_eq(sscanf(why.text, "pixels of B = 8 need %u bytes of shared memory, the device gives %u",
	                        &needed, &given),
	                 2);
	ck_assert_uint_gt(needed, given);
	ck_assert_uint_eq(given, 4096);
	cuda_on_cpu_be((struct cuda_on_cpu_gpus){.shared_nbytes = needed});
	OK(make_plan(&kit, NULL));
	kit_close(&kit);
	kit_clear(&kit);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, batches_in_any_order_are_as_the_reference_has_them, 0, COUNT(specs));
	tcase_add_loop_test(cases, a_batch_that_is_freed_is_waited_for, 0, COUNT(specs));
	tcase_add_loop_test(cases, threads_share_a_plan, 0, COUNT(specs));
	tcase_add_loop_test(cases, a_call_that_fails_is_told_and_leaves_nothing_running, 0, COUNT(specs));
	tcase_add_test(cases, numbers_are_there_before_a_plan_is_used);
	tcase_add_loop_test(cases, a_shape_of_other_bytes_is_refused, 0, COUNT(specs));
	tcase_add_test(cases, a_gpu_without_code_does_not_open);
	tcase_add_test(cases, too_little_shared_memory_is_told);
	tcase_add_test(cases, no_context_is_started_on_another_gpu);
	tcase_add_test(cases, the_current_gpu_is_left_as_it_was);
}

int main(void)
{
	return suite_run("gpu-host", add_tests);
}
