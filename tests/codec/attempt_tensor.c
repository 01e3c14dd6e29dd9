/* SPDX-License-Identifier: MIT */
#include "attempt_tensor.h"

#include "codec/decode.h"
#include "codec/tensor.h"
#include "guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSPECS 3
#define PIXELS_MAX (1u << 18) /* as attempt.c has it, so that thousands take seconds */
#define OUTPUT_MAX (8u << 20)

/* Mostly one that makes sense. */
static struct ic_tensor_spec any_spec(struct dice *dice)
{
	struct ic_tensor_spec spec = {
	        .values = (uint8_t)dice_roll(dice, 2),
	        .type = (uint8_t)dice_roll(dice, 5),
	        .fit = (uint8_t)dice_roll(dice, 5),
	        .whole_blocks = (uint8_t)dice_roll(dice, 2),
	        .width = (uint32_t)dice_between(dice, 1, 90),
	        .height = (uint32_t)dice_between(dice, 1, 90),
	        .pad = (float)dice_between(dice, -9, 9),
	        .pixels_max = dice_roll(dice, 8) ? 0 : 1000,
	};
	spec.axes = spec.values == IC_RGB ? (uint8_t)dice_roll(dice, 2) : IC_NCHW;
	spec.chroma = spec.values == IC_FREQUENCIES ? (uint8_t)dice_roll(dice, 2) : 0;
	spec.components = spec.values == IC_FREQUENCIES ? (uint8_t)dice_roll(dice, 4) : 0;
	if (spec.fit == IC_FIT_RESIZE && dice_roll(dice, 2))
		spec.short_side = (uint32_t)dice_between(dice, 60, 120);
	else if (!dice_roll(dice, 2))
		spec.width = spec.height = spec.fit = 0;
	return spec;
}

static const char *decode_one(const struct ic_view *view, const struct ic_tensor_spec *spec,
                              const struct ic_window *window, const struct ic_tensor_shape *shape)
{
	struct guard out = guard_new(shape->nbytes), chroma = guard_new(shape->chroma_nbytes);
	struct ic_region region;
	errint_t expected = ic_tensor_region(&view->layout, spec, window, &region, NULL);
	errint_t err = ic_tensor_decode(view, spec, window, guard_tail(&out, shape->nbytes),
	                                guard_tail(&chroma, shape->chroma_nbytes), NULL);

	guard_clear(&out);
	guard_clear(&chroma);
	return err == expected ? NULL : "ic_tensor_decode and ic_tensor_region disagree";
}

static bool is_documented(errint_t err)
{
	return err == -EINVAL || err == -ERANGE || err == -EFBIG;
}

/* All of an image, beside the plain decoder. */
static const char *compare_pixels(const struct ic_view *view)
{
	const struct ic_tensor_spec spec = {.axes = IC_NHWC};
	size_t nbytes = (size_t)3 * view->layout.width * view->layout.height;
	uint8_t *found = malloc(nbytes), *expected = malloc(nbytes);
	const char *problem = NULL;

	if (found && expected && !ic_tensor_decode(view, &spec, NULL, found, NULL, NULL) &&
	    !ic_decode_rgb(view, expected, (size_t)3 * view->layout.width) && memcmp(found, expected, nbytes) != 0)
		problem = "ic_tensor_decode gives other pixels than ic_decode_rgb";
	free(found);
	free(expected);
	return problem;
}

const char *attempt_tensors(const struct ic_view *view, struct dice *dice)
{
	const char *problem = compare_pixels(view);

	for (unsigned i = 0; i < NSPECS && !problem; i++) {
		struct ic_tensor_spec spec = any_spec(dice);
		struct ic_window window = {
		        .x = dice_roll(dice, 40), .y = dice_roll(dice, 40), .flip = (uint8_t)dice_roll(dice, 2)};
		if (spec.fit == IC_FIT_RESIZE && dice_roll(dice, 2)) {
			window.width = dice_roll(dice, 40);
			window.height = dice_roll(dice, 40);
		}
		struct ic_tensor_shape shape;
		struct ic_why why = {""};
		errint_t err = ic_tensor_shape(&view->layout, &spec, &shape, &why);
		if (err && (!is_documented(err) || !why.text[0]))
			problem = "ic_tensor_shape failed with an undocumented error, or did not say why";
		if (!err && shape.nbytes + shape.chroma_nbytes <= OUTPUT_MAX)
			problem = decode_one(view, &spec, dice_roll(dice, 3) ? &window : NULL, &shape);
	}
	return problem;
}

const char *attempt_prefix(const uint8_t *bytes, size_t nbytes, struct dice *dice)
{
	struct ic_view header, view;
	struct guard guard = {0};
	const char *problem = NULL;

	if (ic_view_parse_header(&header, bytes, nbytes, NULL))
		return NULL;
	unsigned keep = (unsigned)dice_between(dice, 1, header.layout.design.keep);
	uint64_t needed = ic_layout_prefix_nbytes(&header.layout, keep);
	if (ic_layout_prefix_nbytes(&header.layout, header.layout.design.keep + 1u) ||
	    ic_layout_prefix_nbytes(&header.layout, header.layout.design.keep) != header.layout.nbytes)
		return "ic_layout_prefix_nbytes does not end where the object does";
	if (needed > nbytes)
		return ic_view_parse_prefix(&view, bytes, nbytes, keep, NULL) ? NULL
		                                                              : "a head was taken for a longer one";
	const uint8_t *head = guard_copy(&guard, bytes, (size_t)needed);
	errint_t err = ic_view_parse_prefix(&view, head, (size_t)needed, keep, NULL);
	if (err && err != -EBADMSG)
		problem = "ic_view_parse_prefix failed with an undocumented error";
	else if (!err && (uint64_t)view.layout.width * view.layout.height <= PIXELS_MAX)
		problem = attempt_tensors(&view, dice);
	guard_clear(&guard);
	return problem;
}
