/* SPDX-License-Identifier: MIT */
/*
 * test_decode [ROUNDS]: batches on a GPU against the reference, bit for bit: random designs, specs, windows, sizes, strides,
 * and every design. Of the stand-in for CUDA (cuda_on_cpu.h) fewer rounds are asked, and fewer designs.
 */
#include "gpu/gpu.h"

#include "codec/decode.h"

#include "tests/codec/codec_helpers.h"
#include "tests/codec/tensor_expected.h"
#include "tests/codec/tensor_trial.h"
#include "tests/codec/wild.h"

#include "near.h"

#include <cuda_runtime_api.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NROUNDS 500u
#define NITEMS_MAX 9
#define POISON 0xa5

static unsigned nrounds = NROUNDS;

#define CUDA_OK(call) ck_assert_msg((call) == cudaSuccess, "%s", #call)

static struct ic_gpu_device *device_new(void)
{
	struct ic_gpu_device *device = NULL;
	struct ic_why why = {""};

	ck_assert_msg(ic_gpu_open(0, &device, &why) == 0, "%s", why.text);
	return device;
}

/* --- One batch ----------------------------------------------------------------------------------------------------- */

struct member {
	struct bytes object;
	struct ic_view view;
	void *on_device;
};

struct lot {
	struct trial trial; /* what all have in common; the first one's object is another's copy */
	struct member members[NITEMS_MAX];
	struct ic_gpu_item items[NITEMS_MAX];
	size_t nitems;
	unsigned flags;
};

static void add_member(struct lot *lot, struct dice *dice, uint32_t width, uint32_t height, unsigned ncomponents)
{
	struct member *m = &lot->members[lot->nitems];
	struct ic_gpu_item *item = &lot->items[lot->nitems++];
	const struct ic_design *design = &lot->trial.view.layout.design;
	struct ic_region region;

	*m = (struct member){.object = wild_object(dice, design, width, height, ncomponents)};
	ck_assert_int_eq(ic_view_parse(&m->view, m->object.data, m->object.nbytes, NULL), 0);
	ic_header_write(m->object.data, &m->view.layout, (uint8_t)(1 + dice_roll(dice, 8)),
	                (uint16_t)dice_roll(dice, 1 + (IC_FLAG_TRUNCATED | IC_FLAG_DAMAGED)));
	ck_assert_int_eq(ic_view_parse(&m->view, m->object.data, m->object.nbytes, NULL), 0);
	*item = (struct ic_gpu_item){.bytes = m->object.data, .nbytes = m->object.nbytes};
	item->window = (struct ic_window){
	        .x = dice_roll(dice, 30), .y = dice_roll(dice, 30), .flip = (uint8_t)dice_roll(dice, 2)};
	if (lot->trial.spec.fit == IC_FIT_RESIZE) { /* a box, or up to the edge */
		item->window.width = dice_roll(dice, 2) * (1 + dice_roll(dice, 200));
		item->window.height = dice_roll(dice, 2) * (1 + dice_roll(dice, 100));
	}
	if (ic_tensor_region(&m->view.layout, &lot->trial.spec, &item->window, &region, NULL))
		item->window = (struct ic_window){0};
	if (!(lot->flags & IC_GPU_DEVICE_MEMORY))
		return;
	CUDA_OK(cudaMalloc(&m->on_device, m->object.nbytes + IC_GPU_SLACK));
	CUDA_OK(cudaMemset(m->on_device, 0x5a, m->object.nbytes + IC_GPU_SLACK));
	CUDA_OK(cudaMemcpy(m->on_device, m->object.data, m->object.nbytes, cudaMemcpyHostToDevice));
	item->bytes = m->on_device;
	item->layout = &m->view.layout;
}

static void lot_fill(struct lot *lot, struct dice *dice)
{
	const struct trial *t = &lot->trial;
	const struct ic_layout *l = &t->view.layout;
	bool any_size = t->spec.fit == (IC_FIT_CROP | IC_FIT_PAD) || t->spec.fit == IC_FIT_RESIZE;
	bool any_components = t->spec.values == IC_RGB || t->spec.components;
	size_t wanted = 1 + dice_roll(dice, NITEMS_MAX);

	lot->nitems = 0;
	lot->flags = dice_roll(dice, 3) ? 0 : IC_GPU_DEVICE_MEMORY;
	while (lot->nitems < wanted) {
		uint32_t width = any_size ? (uint32_t)dice_between(dice, 64, 300) : l->source_width;
		uint32_t height = any_size ? (uint32_t)dice_between(dice, 64, 200) : l->source_height;
		add_member(lot, dice, width * (any_size ? l->design.sx : 1), height * (any_size ? l->design.sy : 1),
		           any_components && dice_roll(dice, 2) ? 1 : l->ncomponents);
	}
}

static void lot_clear(struct lot *lot)
{
	for (size_t i = 0; i < lot->nitems; i++) {
		free(lot->members[i].object.data);
		cudaFree(lot->members[i].on_device);
	}
}

static void check_place(const struct lot *lot, unsigned round, size_t index, const char *what, const uint8_t *found,
                        const uint8_t *expected, size_t nbytes, size_t stride)
{
	const struct trial *t = &lot->trial;

	for (size_t i = 0; i < stride; i++) {
		uint8_t wanted = i >= nbytes ? POISON : expected ? expected[i] : 0;
		if (found[i] != wanted)
			ck_abort_msg("round %u, image %zu of %zu, %s, %u x %u, type %u, axes %u, to %u x %u: %s "
			             "differs at byte "
			             "%zu of %zu: %u, not %u",
			             round, index, lot->nitems, design_name(&t->view.layout.design).text,
			             lot->members[index].view.layout.width, lot->members[index].view.layout.height,
			             t->spec.type, t->spec.axes, t->shape.width, t->shape.height, what, i, nbytes,
			             found[i], wanted);
	}
}

/* Of what is resized, what the reference's decoder makes, which other tests hold to Pillow's bytes. */
static struct expected expected_of(const struct lot *lot, size_t index)
{
	const struct member *m = &lot->members[index];
	const struct ic_gpu_item *item = &lot->items[index];
	const struct trial *t = &lot->trial;

	if (t->spec.fit != IC_FIT_RESIZE)
		return expected_tensor(&m->view, &t->spec, &t->shape, &item->region, item->window.flip);
	struct expected expected = {malloc(t->shape.nbytes), NULL};
	ck_assert_int_eq(ic_tensor_decode(&m->view, &t->spec, &item->window, expected.out, NULL, NULL), 0);
	return expected;
}

/* What ic_gpu_batch_load wrote: of an object in device memory nobody read the header. */
static void check_item(const struct lot *lot, size_t index)
{
	const struct ic_view *view = &lot->members[index].view;
	const struct ic_gpu_item *item = &lot->items[index];
	struct ic_region region = {0, 0, 0, 0};
	bool has_header = !item->err && !item->layout;

	if (!item->err)
		ck_assert_int_eq(ic_tensor_region(&view->layout, &lot->trial.spec, &item->window, &region, NULL), 0);
	ck_assert_mem_eq(&item->region, &region, sizeof region);
	ck_assert_uint_eq(item->orientation, has_header ? view->orientation : 0);
	ck_assert_uint_eq(item->flags, has_header ? view->flags : 0);
}

static void check_lot(const struct lot *lot, unsigned round, const struct ic_gpu_output *output)
{
	const struct ic_tensor_shape *shape = &lot->trial.shape;
	uint8_t *out = malloc(lot->nitems * output->out_stride),
	        *chroma = malloc(lot->nitems * output->chroma_stride + 1);

	CUDA_OK(cudaMemcpy(out, output->out, lot->nitems * output->out_stride, cudaMemcpyDeviceToHost));
	CUDA_OK(cudaMemcpy(chroma, output->chroma, lot->nitems * output->chroma_stride, cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < lot->nitems; i++) {
		const struct ic_gpu_item *item = &lot->items[i];
		struct expected expected = {NULL, NULL};
		check_item(lot, i);
		if (!item->err)
			expected = expected_of(lot, i);
		check_place(lot, round, i, "the output", out + i * output->out_stride, expected.out, shape->nbytes,
		            output->out_stride);
		check_place(lot, round, i, "chroma", chroma + i * output->chroma_stride, expected.chroma,
		            shape->chroma_nbytes, output->chroma_stride);
		expected_clear(&expected);
	}
	free(out);
	free(chroma);
}

static struct ic_gpu_output output_new(const struct lot *lot, bool is_aligned)
{
	const struct ic_tensor_shape *shape = &lot->trial.shape;
	size_t unit = is_aligned ? 16 : shape->value_nbytes;
	struct ic_gpu_output output = {.out_stride = (shape->nbytes + unit) / unit * unit,
	                               .chroma_stride = (shape->chroma_nbytes + unit) / unit * unit};

	CUDA_OK(cudaMalloc(&output.out, lot->nitems * output.out_stride));
	CUDA_OK(cudaMalloc(&output.chroma, lot->nitems * output.chroma_stride));
	CUDA_OK(cudaMemset(output.out, POISON, lot->nitems * output.out_stride));
	CUDA_OK(cudaMemset(output.chroma, POISON, lot->nitems * output.chroma_stride));
	return output;
}

static void output_clear(struct ic_gpu_output *output)
{
	cudaFree(output->out);
	cudaFree(output->chroma);
}

static void try_lot(struct ic_gpu_device *device, struct lot *lot, struct dice *dice, unsigned round)
{
	struct ic_gpu_output output = output_new(lot, dice_roll(dice, 3) > 0);
	struct ic_gpu_plan *plan = NULL;
	struct ic_gpu_batch *batch = NULL;
	struct ic_why why = {""};
	size_t nfailed = 0, expected_failed = 0;
	cudaStream_t stream;

	/* One in four batches has an image that is none. */
	if (!(lot->flags & IC_GPU_DEVICE_MEMORY) && dice_roll(dice, 4) == 0) {
		lot->members[dice_roll(dice, (uint32_t)lot->nitems)].object.data[dice_roll(dice, 8)] ^= 0x10;
		expected_failed = 1;
	}
	ck_assert_msg(ic_gpu_plan_new(device, &lot->trial.view.layout.design, &lot->trial.spec, &lot->trial.shape, 0,
	                              &plan, &why) == 0,
	              "%s", why.text);
	ck_assert_msg(ic_gpu_batch_new(plan, NITEMS_MAX, &batch, &why) == 0, "%s", why.text);
	ck_assert_msg(ic_gpu_batch_load(batch, lot->items, lot->nitems, lot->flags, &nfailed, &why) == 0, "%s",
	              why.text);
	ck_assert_msg(nfailed == expected_failed, "round %u: %s", round, why.text);
	CUDA_OK(cudaStreamCreate(&stream));
	ck_assert_msg(ic_gpu_batch_decode(batch, &output, round % 2 ? stream : NULL, &why) == 0, "%s", why.text);
	ck_assert_msg(ic_gpu_batch_wait(batch, &why) == 0, "round %u: %s", round, why.text);
	check_lot(lot, round, &output);
	CUDA_OK(cudaStreamDestroy(stream));
	ic_gpu_batch_free(batch);
	ic_gpu_plan_free(plan);
	output_clear(&output);
}

typedef bool any_trial(struct trial *t, struct dice *dice, uint8_t values);

static bool any_resize(struct trial *t, struct dice *dice, uint8_t values)
{
	(void)values;
	return trial_resize(t, dice);
}

static void try_many(any_trial *any, uint8_t values, unsigned seed)
{
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(seed);
	unsigned tried = 0;

	lot = (struct lot){0};
	for (unsigned round = 0; round < nrounds; round++) {
		if (!any(&lot.trial, &dice, values))
			continue;
		lot_fill(&lot, &dice);
		try_lot(device, &lot, &dice, round);
		lot_clear(&lot);
		tried++;
	}
	guard_clear(&lot.trial.object);
	ic_gpu_close(device);
	ck_assert_uint_gt(tried, nrounds / 4);
}

START_TEST(pixels_are_those_of_the_reference)
{
	try_many(trial_any, IC_RGB, 31);
}
END_TEST

START_TEST(frequencies_are_those_of_the_reference)
{
	try_many(trial_any, IC_FREQUENCIES, 32);
}
END_TEST

START_TEST(what_is_resized_is_as_the_reference_has_it)
{
	try_many(any_resize, IC_RGB, 33);
}
END_TEST

/* --- Every design -------------------------------------------------------------------------------------------------- */

static void set_design(struct lot *lot, struct dice *dice, const struct ic_design *design)
{
	struct trial *t = &lot->trial;
	struct bytes object = wild_object(dice, design, 210, 75, 3);
	const uint8_t *copy = guard_copy(&t->object, object.data, object.nbytes);

	ck_assert_int_eq(ic_view_parse(&t->view, copy, object.nbytes, NULL), 0);
	free(object.data);
	ck_assert_int_eq(ic_tensor_shape(&t->view.layout, &t->spec, &t->shape, NULL), 0);
	lot->flags = 0;
	lot->nitems = 0;
	add_member(lot, dice, 210, 75, 3);
	add_member(lot, dice, 210, 75, 3);
}

START_TEST(every_design_gives_the_pixels_of_the_reference)
{
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(5);

	lot = (struct lot){0};
	for (unsigned i = 0; i < IC_DESIGN_COUNT; i += NROUNDS / nrounds) {
		struct ic_design design;
		ck_assert_int_eq(ic_design_at(i, &design), 0);
		if (i % 5 == 0)
			design.chroma = IC_CHROMA_FULL;
		lot.trial.spec = (struct ic_tensor_spec){.axes = (uint8_t)(i % 2)};
		set_design(&lot, &dice, &design);
		try_lot(device, &lot, &dice, i);
		lot_clear(&lot);
	}
	guard_clear(&lot.trial.object);
	ic_gpu_close(device);
}
END_TEST

/* --- The fast transform -------------------------------------------------------------------------------------------- */

/* Of images of any size, all of an image and what is cropped of it: within what its transform allows. */
static void try_fast(struct ic_gpu_device *device, struct lot *lot)
{
	const struct trial *t = &lot->trial;
	struct ic_gpu_output output = output_new(lot, true);
	struct ic_gpu_plan *plan = NULL;
	struct ic_gpu_batch *batch = NULL;
	uint8_t *out = malloc(lot->nitems * output.out_stride);

	ck_assert_int_eq(
	        ic_gpu_plan_new(device, &t->view.layout.design, &t->spec, &t->shape, IC_GPU_FAST_DCT, &plan, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_new(plan, NITEMS_MAX, &batch, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_load(batch, lot->items, lot->nitems, IC_GPU_ALL_OR_NONE, NULL, NULL), 0);
	CUDA_OK(cudaDeviceSynchronize()); /* the outputs' poison */
	ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, NULL, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_wait(batch, NULL), 0);
	CUDA_OK(cudaMemcpy(out, output.out, lot->nitems * output.out_stride, cudaMemcpyDeviceToHost));
	for (size_t i = 0; i < lot->nitems; i++)
		near_check(&lot->members[i].view, &lot->items[i].region, &t->shape, out + i * output.out_stride);
	ic_gpu_batch_free(batch);
	ic_gpu_plan_free(plan);
	output_clear(&output);
	free(out);
}

START_TEST(fast_transforms_are_near_the_reference)
{
	static const char *const larger[] = {"s1x1-b16-k31-q8", "s1x1-b16-k12-q8-c1", "s1x1-b32-k63-q8",
	                                     "s1x1-b32-k9-q8-c1"};
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(7);

	for (unsigned i = 0; i < 15 + sizeof larger / sizeof *larger; i++) {
		struct ic_design design = design_of(i >= 15 ? larger[i - 15]
		                                    : i % 2 ? "s1x1-b8-k15-q8"
		                                            : "s1x1-b8-k15-q8-c1");
		if (i < 15)
			design.keep = (uint8_t)(1 + i);
		lot = (struct lot){
		        .trial.spec = {.axes = IC_NHWC, .fit = IC_FIT_CROP | IC_FIT_PAD, .width = 230, .height = 110}};
		for (lot.nitems = 0; lot.nitems < 4; lot.nitems++) {
			struct member *m = &lot.members[lot.nitems];
			uint32_t width = (uint32_t)dice_between(&dice, 20, 300),
			         height = (uint32_t)dice_between(&dice, 20, 150);
			*m = (struct member){
			        .object = near_object(&dice, &design, width, height, lot.nitems == 2 ? 1 : 3)};
			ck_assert_int_eq(ic_view_parse(&m->view, m->object.data, m->object.nbytes, NULL), 0);
			lot.items[lot.nitems] =
			        (struct ic_gpu_item){.bytes = m->object.data, .nbytes = m->object.nbytes};
			lot.items[lot.nitems].window.x = width > 230 ? dice_roll(&dice, width - 230) : 0;
			lot.items[lot.nitems].window.y = height > 110 ? dice_roll(&dice, height - 110) : 0;
		}
		lot.trial.view = lot.members[0].view;
		ck_assert_int_eq(ic_tensor_shape(&lot.trial.view.layout, &lot.trial.spec, &lot.trial.shape, NULL), 0);
		try_fast(device, &lot);
		lot_clear(&lot);
	}
	ic_gpu_close(device);
}
END_TEST

/* --- What a batch promises ----------------------------------------------------------------------------------------- */

/* A batch, decoded again and again: into another output, on another stream, by a graph, loaded anew; and the same resized. */
START_TEST(a_batch_decodes_as_often_as_asked)
{
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(6);
	struct ic_design design = design_of("s1x1-b8-k15-q8");
	struct ic_gpu_plan *plan = NULL;
	struct ic_gpu_batch *batch = NULL;
	cudaStream_t stream;
	cudaGraph_t graph;
	cudaGraphExec_t exec;

	lot = (struct lot){0};
	if (_i)
		lot.trial.spec = (struct ic_tensor_spec){.fit = IC_FIT_RESIZE, .width = 100, .height = 90};
	set_design(&lot, &dice, &design);
	ck_assert_int_eq(ic_gpu_plan_new(device, &design, &lot.trial.spec, &lot.trial.shape, 0, &plan, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_new(plan, 2, &batch, NULL), 0);
	CUDA_OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
	for (unsigned round = 0; round < 3; round++) {
		struct ic_gpu_output output = output_new(&lot, true), again = output_new(&lot, true);
		ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, lot.nitems, 0, NULL, NULL), 0);
		CUDA_OK(cudaDeviceSynchronize()); /* the outputs' poison */
		ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, stream, NULL), 0);
		ck_assert_int_eq(ic_gpu_batch_decode(batch, &again, NULL, NULL), 0);
		ck_assert_int_eq(ic_gpu_batch_wait(batch, NULL), 0);
		check_lot(&lot, round, &output);
		check_lot(&lot, round, &again);
		CUDA_OK(cudaMemset(output.out, POISON, lot.nitems * output.out_stride));
		CUDA_OK(cudaDeviceSynchronize());
		CUDA_OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
		ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, stream, NULL), 0);
		CUDA_OK(cudaStreamEndCapture(stream, &graph));
		CUDA_OK(cudaGraphInstantiate(&exec, graph, 0));
		CUDA_OK(cudaGraphLaunch(exec, stream));
		CUDA_OK(cudaStreamSynchronize(stream));
		check_lot(&lot, round, &output);
		CUDA_OK(cudaGraphExecDestroy(exec));
		CUDA_OK(cudaGraphDestroy(graph));
		output_clear(&output);
		output_clear(&again);
	}
	CUDA_OK(cudaStreamDestroy(stream));
	ic_gpu_batch_free(batch);
	ic_gpu_plan_free(plan);
	lot_clear(&lot);
	guard_clear(&lot.trial.object);
	ic_gpu_close(device);
}
END_TEST

/* Wide ones and high ones: all in one memory would be more than there is, so the batch goes in parts. */
START_TEST(unlike_boxes_go_one_after_the_other)
{
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(9);
	struct ic_design design = design_of("s1x1-b8-k2-q8");

	lot = (struct lot){0};
	lot.trial.spec = (struct ic_tensor_spec){.fit = IC_FIT_RESIZE, .width = 33, .height = 21};
	set_design(&lot, &dice, &design);
	for (unsigned i = 0; i < 5; i++)
		add_member(&lot, &dice, i % 2 ? 60000 : 90, i % 2 ? 90 : 60000, 3);
	for (size_t i = 0; i < lot.nitems; i++)
		lot.items[i].window = (struct ic_window){.flip = (uint8_t)(i % 2)};
	try_lot(device, &lot, &dice, 0);
	lot_clear(&lot);
	guard_clear(&lot.trial.object);
	ic_gpu_close(device);
}
END_TEST

/* The bound on a kernel's shared memory was once what the newest of its plans needs, too little for an older, larger one. */
START_TEST(a_small_plan_leaves_a_larger_one_its_memory)
{
	static struct lot large, small;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(8);
	struct ic_design design = design_of("s1x1-b8-k15-q8");
	struct ic_gpu_plan *large_plan = NULL, *small_plan = NULL;
	struct ic_gpu_batch *batch = NULL;

	large = small = (struct lot){0};
	small.trial.spec = (struct ic_tensor_spec){.fit = IC_FIT_CROP, .width = 8, .height = 8};
	set_design(&large, &dice, &design);
	set_design(&small, &dice, &design);
	struct ic_gpu_output output = output_new(&large, true);
	ck_assert_int_eq(ic_gpu_plan_new(device, &design, &large.trial.spec, &large.trial.shape, 0, &large_plan, NULL),
	                 0);
	ck_assert_int_eq(ic_gpu_plan_new(device, &design, &small.trial.spec, &small.trial.shape, 0, &small_plan, NULL),
	                 0);
	ck_assert_int_eq(ic_gpu_batch_new(large_plan, 2, &batch, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_load(batch, large.items, large.nitems, 0, NULL, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, NULL, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_wait(batch, NULL), 0);
	check_lot(&large, 0, &output);
	ic_gpu_batch_free(batch);
	ic_gpu_plan_free(small_plan);
	ic_gpu_plan_free(large_plan);
	output_clear(&output);
	lot_clear(&large);
	lot_clear(&small);
	guard_clear(&large.trial.object);
	guard_clear(&small.trial.object);
	ic_gpu_close(device);
}
END_TEST

START_TEST(a_batch_that_cannot_be_is_refused)
{
	static struct lot lot;
	struct ic_gpu_device *device = device_new();
	struct dice dice = dice_new(7);
	struct ic_design design = design_of("s1x1-b8-k9-q8"), other = design_of("s1x1-b8-k9-q4");
	struct ic_gpu_plan *plan = NULL;
	struct ic_gpu_batch *batch = NULL;
	struct ic_why why = {""};
	size_t nfailed = 0;

	lot = (struct lot){0};
	set_design(&lot, &dice, &design);
	struct ic_gpu_output output = output_new(&lot, true), none = output;
	ck_assert_int_eq(ic_gpu_plan_new(device, &design, &lot.trial.spec, &lot.trial.shape, 0, &plan, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_new(plan, 0, &batch, NULL), -EINVAL);
	ck_assert_int_eq(ic_gpu_batch_new(plan, IC_GPU_ITEMS_MAX + 1u, &batch, NULL), -EINVAL);
	ck_assert_int_eq(ic_gpu_batch_new(plan, 2, &batch, NULL), 0);
	ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, NULL, NULL), -EINVAL); /* nothing is loaded */
	ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 3, 0, NULL, NULL), -EINVAL);
	ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 2, 4, NULL, NULL), -EINVAL);

	/* Another design, another shape, and bytes that end early: each image for itself, or none. */
	struct bytes sparse = wild_object(&dice, &other, 210, 75, 3), small = wild_object(&dice, &design, 209, 75, 3);
	const struct {
		struct bytes bytes;
		errint_t err;
	} cases[] = {{sparse, -ERANGE},
	             {small, -ERANGE},
	             {{lot.members[1].object.data, lot.members[1].object.nbytes - 1}, -ENODATA},
	             {{lot.members[1].object.data, 10}, -ENODATA}};
	for (unsigned i = 0; i < COUNT(cases); i++) {
		lot.items[1].bytes = cases[i].bytes.data;
		lot.items[1].nbytes = cases[i].bytes.nbytes;
		ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 2, IC_GPU_ALL_OR_NONE, &nfailed, &why),
		                 cases[i].err);
		ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, NULL, NULL), -EINVAL);
		ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 2, 0, &nfailed, &why), 0);
		ck_assert_uint_eq(nfailed, 1);
		ck_assert_int_eq(lot.items[1].err, cases[i].err);
		ck_assert_str_ne(why.text, "");
		ck_assert_int_eq(ic_gpu_batch_decode(batch, &output, NULL, NULL), 0);
		ck_assert_int_eq(ic_gpu_batch_wait(batch, NULL), 0);
		check_lot(&lot, i, &output);
	}
	none.out = NULL;
	ck_assert_int_eq(ic_gpu_batch_decode(batch, &none, NULL, NULL), -EINVAL);
	none = output;
	none.out_stride = lot.trial.shape.nbytes - 1;
	ck_assert_int_eq(ic_gpu_batch_decode(batch, &none, NULL, NULL), -EINVAL);
	/* Device memory without a layout, and off the words' grid. */
	ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 1, IC_GPU_DEVICE_MEMORY, &nfailed, NULL), 0);
	ck_assert_int_eq(lot.items[0].err, -EINVAL);
	lot.items[0].layout = &lot.members[0].view.layout;
	lot.items[0].bytes = (const uint8_t *)output.out + 2;
	ck_assert_int_eq(ic_gpu_batch_load(batch, lot.items, 1, IC_GPU_DEVICE_MEMORY, &nfailed, NULL), 0);
	ck_assert_int_eq(lot.items[0].err, -EINVAL);
	free(sparse.data);
	free(small.data);
	ic_gpu_batch_free(batch);
	ic_gpu_plan_free(plan);
	output_clear(&output);
	lot_clear(&lot);
	guard_clear(&lot.trial.object);
	ic_gpu_close(device);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, pixels_are_those_of_the_reference);
	tcase_add_test(cases, frequencies_are_those_of_the_reference);
	tcase_add_test(cases, what_is_resized_is_as_the_reference_has_it);
	tcase_add_test(cases, fast_transforms_are_near_the_reference);
	tcase_add_test(cases, every_design_gives_the_pixels_of_the_reference);
	tcase_add_loop_test(cases, a_batch_decodes_as_often_as_asked, 0, 2);
	tcase_add_test(cases, unlike_boxes_go_one_after_the_other);
	tcase_add_test(cases, a_small_plan_leaves_a_larger_one_its_memory);
	tcase_add_test(cases, a_batch_that_cannot_be_is_refused);
}

/* CUDA does not survive a fork, and Check forks for each test: so who looks for a GPU does it in a process of his own. */
static bool has_gpu(void)
{
	return system("exec nvidia-smi -L >/dev/null 2>&1") == 0 || access("/dev/nvidia0", F_OK) == 0;
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		nrounds = (unsigned)strtoul(argv[1], NULL, 10);
		if (!nrounds || nrounds > NROUNDS)
			return EXIT_FAILURE;
	} else if (!has_gpu()) {
		printf("SKIP: no NVIDIA GPU\n");
		return 77;
	}
	return suite_run("gpu-decode", add_tests);
}
