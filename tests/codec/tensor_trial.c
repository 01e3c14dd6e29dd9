/* SPDX-License-Identifier: MIT */
#include "tensor_trial.h"

#include "wild.h"

#include <stdlib.h>
#include <string.h>

static uint32_t any_side(struct dice *dice, unsigned block)
{
	switch (dice_roll(dice, 4)) {
	case 0:
		return (uint32_t)dice_between(dice, 1, 9);
	case 1:
		return block * (uint32_t)dice_between(dice, 1, 6);
	case 2:
		return (uint32_t)dice_between(dice, 1, 70);
	default:
		return (uint32_t)dice_between(dice, 1, 300);
	}
}

void trial_object(struct trial *t, struct dice *dice)
{
	struct ic_design design = design_random(dice);
	uint32_t width, height;

	if (dice_roll(dice, 2))
		design.order = IC_ORDER_HIGH;
	width = any_side(dice, design.block);
	height = dice_roll(dice, 2) ? any_side(dice, design.block) : (uint32_t)dice_between(dice, 1, 40);
	struct bytes object =
	        wild_object(dice, &design, width * design.sx, height * design.sy, dice_roll(dice, 4) ? 3 : 1);
	const uint8_t *copy = guard_copy(&t->object, object.data, object.nbytes);
	if (ic_view_parse(&t->view, copy, object.nbytes, NULL))
		abort();
	free(object.data);
}

static void any_numbers(struct trial *t, struct dice *dice)
{
	for (unsigned c = 0; c < TRIAL_CHANNELS_MAX; c++) {
		t->mean[c] = (float)dice_between(dice, -1000, 1000) / 7;
		t->scale[c] = (float)dice_between(dice, -1000, 1000) / (dice_roll(dice, 8) ? 50000 : 3);
	}
	if (t->spec.type == IC_UINT8 || t->spec.type == IC_INT16)
		return;
	t->spec.mean = dice_roll(dice, 4) ? t->mean : NULL;
	t->spec.scale = dice_roll(dice, 4) ? t->scale : NULL;
}

static void any_spec(struct trial *t, struct dice *dice, uint8_t values)
{
	static const uint8_t types[2][5] = {{IC_UINT8, IC_FLOAT16, IC_FLOAT32, IC_BFLOAT16, IC_UINT8},
	                                    {IC_INT8, IC_INT16, IC_FLOAT16, IC_FLOAT32, IC_BFLOAT16}};

	t->spec = (struct ic_tensor_spec){.values = values, .type = types[values][dice_roll(dice, 5)]};
	t->spec.pad = (float)dice_between(dice, -300, 300) / 2;
	t->spec.whole_blocks = (uint8_t)dice_roll(dice, 2);
	if (values == IC_RGB) {
		t->spec.axes = (uint8_t)dice_roll(dice, 2);
	} else {
		t->spec.chroma = (uint8_t)dice_roll(dice, 2);
		t->spec.components = (uint8_t[]){0, 1, 3}[dice_roll(dice, 3)];
	}
	if (dice_roll(dice, 2)) {
		t->spec.fit = (uint8_t)dice_roll(dice, 4);
		t->spec.width = (uint32_t)dice_between(dice, 1, values == IC_RGB ? 100 : 20);
		t->spec.height = (uint32_t)dice_between(dice, 1, values == IC_RGB ? 100 : 20);
	}
	any_numbers(t, dice);
}

static uint32_t any_of(struct dice *dice, uint32_t n)
{
	return dice_roll(dice, 3) ? (uint32_t)dice_between(dice, 1, (int)n) : dice_roll(dice, 2) ? 1 : n;
}

bool trial_resize(struct trial *t, struct dice *dice)
{
	trial_object(t, dice);
	any_spec(t, dice, IC_RGB);
	uint32_t width = t->view.layout.width, height = t->view.layout.height;
	uint32_t unit = t->spec.whole_blocks ? t->view.layout.design.block * t->view.layout.design.chroma : 1;
	t->spec.fit = IC_FIT_RESIZE;
	t->spec.width = any_of(dice, 90);
	t->spec.height = any_of(dice, 90);
	if (dice_roll(dice, 2))
		t->spec.short_side = (t->spec.width > t->spec.height ? t->spec.width : t->spec.height) +
		                     (uint32_t)dice_roll(dice, 40);
	if (ic_tensor_shape(&t->view.layout, &t->spec, &t->shape, NULL))
		return false;
	t->window = (struct ic_window){.flip = (uint8_t)dice_roll(dice, 2)};
	if (dice_roll(dice, 4)) {
		t->window.width = any_of(dice, width / unit * unit);
		t->window.height = any_of(dice, height / unit * unit);
		t->window.x = dice_roll(dice, width / unit * unit - t->window.width + 1);
		t->window.y =
		        dice_roll(dice, 4) ? dice_roll(dice, height / unit * unit - t->window.height + 1) : IC_CENTER;
	}
	if (ic_tensor_region(&t->view.layout, &t->spec, &t->window, &t->region, NULL))
		abort();
	return true;
}

bool trial_any(struct trial *t, struct dice *dice, uint8_t values)
{
	trial_object(t, dice);
	any_spec(t, dice, values);
	if (ic_tensor_shape(&t->view.layout, &t->spec, &t->shape, NULL))
		return false;
	t->window = (struct ic_window){
	        .x = dice_roll(dice, 30), .y = dice_roll(dice, 30), .flip = (uint8_t)dice_roll(dice, 2)};
	if (ic_tensor_region(&t->view.layout, &t->spec, &t->window, &t->region, NULL) == 0)
		return true;
	t->window.x = dice_roll(dice, 2) ? IC_CENTER : 0;
	t->window.y = dice_roll(dice, 2) ? IC_CENTER : 0;
	if (ic_tensor_region(&t->view.layout, &t->spec, &t->window, &t->region, NULL) == 0)
		return true;
	t->window.flip = 0;
	if (ic_tensor_region(&t->view.layout, &t->spec, &t->window, &t->region, NULL))
		abort();
	return true;
}

bool trial_crop(struct trial *t, struct dice *dice)
{
	trial_object(t, dice);
	any_spec(t, dice, IC_RGB);
	t->spec.whole_blocks = 0;
	t->spec.fit = IC_FIT_CROP | (dice_roll(dice, 2) ? IC_FIT_PAD : 0);
	const struct ic_layout *l = &t->view.layout;
	t->spec.width = any_of(dice, l->width);
	t->spec.height = any_of(dice, l->height + (t->spec.fit & IC_FIT_PAD ? 5 : 0));
	if (ic_tensor_shape(l, &t->spec, &t->shape, NULL))
		return false;
	uint32_t below = l->height > t->spec.height ? l->height - t->spec.height : 0;
	t->window = (struct ic_window){.x = dice_roll(dice, l->width - t->spec.width + 1),
	                               .y = dice_roll(dice, below + 1),
	                               .flip = (uint8_t)!dice_roll(dice, 3)};
	if (ic_tensor_region(l, &t->spec, &t->window, &t->region, NULL))
		abort();
	return true;
}
