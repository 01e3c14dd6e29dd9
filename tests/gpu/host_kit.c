/* SPDX-License-Identifier: MIT */
#include "host_kit.h"

#include "tests/codec/wild.h"

#include <stdlib.h>

/* --- A kind of batch, and objects for it --------------------------------------------------------------------------- */

static const struct ic_tensor_spec specs[KIT_NKINDS] = {
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

struct kit kit_new(enum kit_kind kind)
{
	const struct ic_design designs[] = {design_of("s1x1-b8-k6-q5"), design_of("s1x1-b8-k9-q5")};
	struct kit kit = {.design = designs[0], .spec = specs[kind]};
	struct dice dice = dice_new(3);
	for (unsigned i = 0; i < KIT_NOBJECTS; i++) {
		uint32_t width = (uint32_t)dice_between(&dice, 16, 90), height = (uint32_t)dice_between(&dice, 16, 60);
		kit.objects[i] = wild_object(&dice, &designs[i % 2], width, height, i % 3 ? 3 : 1);
		struct ic_view view = view_of(kit.objects[i]);
		ic_header_write(kit.objects[i].data, &view.layout, (uint8_t)(1 + i % 8), (uint16_t)(i % 4));
	}
	struct ic_view view = view_of(kit.objects[0]);
	OK(ic_tensor_shape(&view.layout, &kit.spec, &kit.shape, NULL));
	return kit;
}

void kit_clear(struct kit *kit)
{
	for (unsigned i = 0; i < KIT_NOBJECTS; i++)
		free(kit->objects[i].data);
}

errint_t kit_open_device(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_open(kit->index, &kit->device, why);
}

errint_t kit_make_plan(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_plan_new(kit->device, &kit->design, &kit->spec, &kit->shape, 0, &kit->plan, why);
}

errint_t kit_make_batch(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_new(kit->plan, KIT_NITEMS_MAX, &kit->batch, why);
}

void kit_open(struct kit *kit)
{
	OK(kit_open_device(kit, NULL));
	OK(kit_make_plan(kit, NULL));
	OK(kit_make_batch(kit, NULL));
}

void kit_close(struct kit *kit)
{
	ic_gpu_batch_free(kit->batch);
	ic_gpu_plan_free(kit->plan);
	ic_gpu_close(kit->device);
	kit->batch = NULL;
	kit->plan = NULL;
	kit->device = NULL;
}

void kit_any_items(struct kit *kit, struct dice *dice, bool may_be_bad)
{
	kit->nitems = 1 + dice_roll(dice, KIT_NITEMS_MAX);
	for (size_t i = 0; i < kit->nitems; i++) {
		struct bytes object = kit->objects[dice_roll(dice, KIT_NOBJECTS)];
		bool is_bad = may_be_bad && dice_roll(dice, 8) == 0;
		kit->items[i] = (struct ic_gpu_item){.bytes = object.data, .nbytes = is_bad ? 10 : object.nbytes};
		if (kit->spec.values == IC_RGB)
			kit->items[i].window.flip = (uint8_t)dice_roll(dice, 2);
	}
}

errint_t kit_load(struct kit *kit, struct ic_why *why)
{
	return ic_gpu_batch_load(kit->batch, kit->items, kit->nitems, 0, NULL, why);
}

void kit_check_item(const struct kit *kit, const struct ic_gpu_item *item)
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

struct output output_new(const struct kit *kit)
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

void output_check(const struct kit *kit, const struct output *output)
{
	ck_assert_mem_eq(output->place.out, output->expected, output->nitems * kit->shape.nbytes);
	ck_assert_mem_eq(output->place.chroma, output->expected_chroma, output->nitems * kit->shape.chroma_nbytes);
}

void output_clear(struct output *output)
{
	cudaFree(output->place.out);
	cudaFree(output->place.chroma);
	free(output->expected);
	free(output->expected_chroma);
}
