/* SPDX-License-Identifier: MIT */
#include "scale_priv.h"

#include "plan_priv.h"

#include <errno.h>
#define PITCH_UNIT 16u

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

errint_t scale_source_init(struct tile_plan *source, const struct ic_design *design, bool is_fast, struct ic_why *why)
{
	const struct ic_tensor_spec spec = {
	        .values = IC_RGB, .type = IC_UINT8, .axes = IC_NCHW, .fit = IC_FIT_CROP | IC_FIT_PAD};
	const struct ic_tensor_shape shape = {
	        .channels = 3, .width = PITCH_UNIT, .height = 1, .value_nbytes = 1, .nbytes = 3 * PITCH_UNIT};
	errint_t err = tile_plan_init(source, design, &spec, &shape, is_fast, why);
	if (err)
		return err;
	source->has_no_padding = 1;
	tile_plan_set_size(source, tile_plan_columns_max(source), 1);
	return 0;
}

/* Triangles move on with their places, at both ends. */
static struct scale_axis axis_of(uint32_t nin, uint32_t nall, uint32_t left, uint32_t nout)
{
	struct resize_triangle first = resize_triangle_at(nin, nall, left),
	                       last = resize_triangle_at(nin, nall, left + nout - 1);
	return (struct scale_axis){
	        .nin = nin,
	        .nall = nall,
	        .left = left,
	        .nout = nout,
	        .begin = first.first,
	        .end = last.first + last.n,
	        .nwords = SCALE_PLACE_WORDS + resize_ntaps_max(nin, nall),
	};
}

errint_t scale_image_init(struct scale_image *scale, const struct ic_tensor_spec *spec, const struct ic_region *box,
                          bool flip, struct ic_region *ret_source, struct ic_why *why)
{
	struct resize_size size = resize_size_of(box->width, box->height, spec->width, spec->height, spec->short_side);
	struct scale_image made = {
	        .x = axis_of(box->width, size.width, size.left, spec->width),
	        .y = axis_of(box->height, size.height, size.top, spec->height),
	        .is_there = 1,
	        .is_flipped = flip,
	};
	*ret_source = (struct ic_region){box->x + made.x.begin, box->y + made.y.begin, made.x.end - made.x.begin,
	                                 made.y.end - made.y.begin};
	if (3 * round_up(ret_source->width, PITCH_UNIT) * ret_source->height > INT32_MAX)
		return ic_fail(why, -EFBIG, "a box of %u x %u is more than a GPU is asked to resize", box->width,
		               box->height);
	*scale = made;
	return 0;
}

static uint64_t axis_nwords(const struct scale_axis *axis)
{
	return (uint64_t)axis->nout * axis->nwords;
}

/* With one image more, if it is there. */
static struct scale_chunk chunk_with(const struct scale_chunk *chunk, const struct scale_image *scale, uint64_t *nwords)
{
	struct scale_chunk c = *chunk;
	uint32_t width = scale->x.end - scale->x.begin, height = scale->y.end - scale->y.begin;
	c.n++;
	if (scale->is_there) {
		c.pitch = c.pitch > width ? c.pitch : (uint32_t)round_up(width, PITCH_UNIT);
		c.height = c.height > height ? c.height : height;
		*nwords += axis_nwords(&scale->x) + axis_nwords(&scale->y);
	}
	c.image_nbytes = (uint64_t)3 * c.pitch * c.height;
	c.weights_at = c.n * c.image_nbytes;
	c.nbytes = c.weights_at + *nwords * sizeof(uint32_t);
	return c;
}

struct scale_chunk scale_chunk_init(struct scale_image *scales, uint32_t first, uint32_t n, uint64_t nbytes_max)
{
	struct scale_chunk chunk = {.first = first, .pitch = PITCH_UNIT, .height = 1};
	uint64_t nwords = 0;
	for (uint32_t i = first; i < n; i++) {
		struct scale_image *scale = &scales[i];
		uint64_t at = nwords;
		struct scale_chunk next = chunk_with(&chunk, scale, &nwords);
		if (chunk.n && next.nbytes > nbytes_max)
			break;
		chunk = next;
		scale->x.at = at;
		scale->y.at = at + axis_nwords(&scale->x);
	}
	return chunk;
}
