/* SPDX-License-Identifier: MIT */
/*
 * A JPEG's way into an object. Row by row of blocks, as they come from the entropy decoder, each component becomes the
 * coefficients of its planes, where the JPEG's blocks are the object's blocks, and samples elsewhere; samples then go to
 * their grid and to coefficients, and these plane by plane to codes.
 */
#include "codec/encode.h"

#include "codec/block8_priv.h"
#include "codec/codes_priv.h"
#include "codec/coefs_priv.h"
#include "codec/dct_priv.h"
#include "codec/jpeg_samples_priv.h"
#include "codec/limits_priv.h"
#include "codec/object_priv.h"
#include "codec/planes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One component of the source on its way. */
struct input {
	struct grid_axis x, y;  /* how it lies against the object's */
	bool direct;            /* its blocks are the object's: coefficients need no transform */
	bool reduced;           /* its grid is not finer than the source's */
	struct planes planes;   /* of the object's component */
	struct samples samples; /* where it is not direct */
	uint16_t steps[64];     /* the source's own */
};

struct encoder {
	/* One of the two gives the rows. */
	struct jpeg_reader *reader;
	const struct ic_coefs *coefs;
	struct ic_jpeg_info info;
	struct input input[4];
	struct object object;
};

/* How component `c` of the source lies against its target grid (docs/format.md, "Grids"). */
static void set_axes(const struct encoder *e, unsigned c, struct grid_axis *ret_x, struct grid_axis *ret_y)
{
	const struct ic_design *d = &e->object.layout.design;
	bool own_grid = jpeg_samples_is_ycc(&e->info);
	uint32_t halve = c ? d->chroma : 1;
	uint32_t h = own_grid ? e->info.h[c] : 1, max_h = own_grid ? jpeg_max_h(&e->info) : 1;
	uint32_t v = own_grid ? e->info.v[c] : 1, max_v = own_grid ? jpeg_max_v(&e->info) : 1;
	bool box = d->filter == IC_FILTER_BOX;
	*ret_x = (struct grid_axis){d->sx * halve * h, max_h, (box ? d->sx : 1) * halve * h};
	*ret_y = (struct grid_axis){d->sy * halve * v, max_v, (box ? d->sy : 1) * halve * v};
}

static errint_t input_init(const struct encoder *e, unsigned c, struct input *input, struct ic_why *why)
{
	const struct object *o = &e->object;
	struct jpeg_plane plane = e->reader ? jpeg_reader_plane(e->reader, c) : coefs_plane(e->coefs, c);
	if (c < o->layout.ncomponents)
		set_axes(e, c, &input->x, &input->y);
	bool same_blocks = o->layout.design.block == 8 && jpeg_samples_is_ycc(&e->info);
	input->direct = same_blocks && grid_is_identity(&input->x, &input->y);
	input->reduced = same_blocks && grid_is_reduction(&input->x, &input->y);
	return input->direct ? planes_init(&input->planes, &o->layout, o->freqs, c, why)
	                     : jpeg_samples_new(&plane, &input->samples, why);
}

static void input_clear(struct input *input)
{
	planes_clear(&input->planes);
	samples_free(&input->samples);
}

/* --- Coefficients ------------------------------------------------------------------------------------------------- */

static void take_row(void *context, const struct jpeg_row *row)
{
	struct encoder *e = context;
	struct input *input = &e->input[row->component];
	memcpy(input->steps, row->steps, sizeof input->steps);
	if (input->direct)
		planes_put_row8(&input->planes, row->row, row->blocks);
	else
		jpeg_samples_put(&input->samples, row);
}

/* Samples are read up to DCT_NBLOCKS - 1 blocks behind a row of them. */
static void transform(const struct object *o, const uint8_t *samples, size_t stride, struct planes *planes)
{
	const struct dct_kernel *dct = dct_kernel_best();
	unsigned block = planes->block;
	size_t ncols = planes->block_cols, nrows = planes->nblocks / ncols;
	int16_t coefs[IC_BLOCK_MAX * IC_BLOCK_MAX * DCT_NBLOCKS];
	for (size_t row = 0; row < nrows; row++) {
		for (size_t col = 0; col < ncols; col += DCT_NBLOCKS) {
			size_t left = ncols - col;
			dct->forward(block, o->nu, o->nv, samples + (row * stride + col) * block, stride, coefs);
			planes_put_lanes(planes, row * ncols + col, left < DCT_NBLOCKS ? left : DCT_NBLOCKS, coefs);
		}
	}
}

/* transform for blocks of 8. -ENOMEM. */
static errint_t transform8(const uint8_t *samples, size_t stride, struct planes *planes, struct ic_why *why)
{
	const struct block8_kernel *kernel = block8_kernel_best();
	uint32_t ncols = planes->block_cols, nrows = (uint32_t)(planes->nblocks / ncols);
	int16_t(*coefs)[64] = malloc(ncols * sizeof *coefs);
	if (!coefs)
		return ic_fail(why, -ENOMEM, "out of memory for a row of %u blocks", ncols);
	for (uint32_t row = 0; row < nrows; row++) {
		kernel->forward(samples + row * 8 * stride, stride, ncols, coefs);
		planes_put_row8(planes, row, (const int16_t(*)[64])coefs);
	}
	free(coefs);
	return 0;
}

/* transform for blocks of one sample, where it is a subtraction. */
static void transform_samples(const struct ic_component *component, const uint8_t *samples, size_t stride,
                              struct planes *planes)
{
	int16_t *values = planes->values;
	for (uint32_t row = 0; row < component->height; row++)
		for (uint32_t col = 0; col < component->width; col++)
			*values++ = (int16_t)((samples[row * stride + col] - 128) * DCT_FORWARD_UNIT);
}

/* From a component's samples, on their own grid, to its coefficients. */
static errint_t sample(struct encoder *e, unsigned c, struct ic_why *why)
{
	const struct object *o = &e->object;
	const struct ic_component *component = &o->layout.component[c];
	struct input *input = &e->input[c];
	size_t stride = (size_t)component->block_cols * o->layout.design.block;
	uint32_t padded_height = component->block_rows * o->layout.design.block;
	uint8_t *target = malloc(stride * padded_height + (DCT_NBLOCKS - 1) * o->layout.design.block);
	if (!target || grid_resample(&input->samples.plane, input->x, input->y, component->width, component->height,
	                             target, stride)) {
		free(target);
		return ic_fail(why, -ENOMEM, "out of memory");
	}
	errint_t err = planes_init(&input->planes, &o->layout, o->freqs, c, why);
	if (!err) {
		grid_pad(target, stride, component->width, component->height, padded_height);
		if (o->layout.design.block == 1)
			transform_samples(component, target, stride, &input->planes);
		else if (o->layout.design.block == 8)
			err = transform8(target, stride, &input->planes, why);
		else
			transform(o, target, stride, &input->planes);
	}
	free(target);
	return err;
}

/* --- Codes -------------------------------------------------------------------------------------------------------- */

/* What sources of quality 91 or so and all lower ones come to: with 16, those of quality 75 would lose 1.5 dB more. */
#define SAMPLED_STEP_MAX 12

/*
 * The least step of planes that are made from a source's samples: its own steps' root mean square. Taking samples of a picture
 * spreads the noise of those evenly over all frequencies, so that what is finer is mostly this noise, and fills a JPEG with
 * symbols (docs/format.md, "Codes").
 */
static uint8_t step_of_samples(const uint16_t own[64])
{
	uint64_t squares = 0;
	for (unsigned i = 0; i < 64; i++)
		squares += (uint64_t)own[i] * own[i];
	unsigned step = 1;
	while (step < SAMPLED_STEP_MAX && 16 * (2 * step + 1) * (2 * step + 1) <= squares)
		step++;
	return (uint8_t)step;
}

static struct plane_values plane_of(const struct input *input, unsigned f, struct ic_freq freq, uint8_t least_step)
{
	const struct planes *planes = &input->planes;
	struct plane_values plane = {
	        .values = planes->values + f * planes->nblocks,
	        .n = planes->nblocks,
	        .scale = 1,
	        .unit = DCT_FORWARD_UNIT,
	        .least_step = least_step,
	};
	if (input->direct) {
		unsigned own = input->steps[freq.v * 8 + freq.u];
		plane.scale = own;
		plane.unit = 1;
		plane.least_step = own <= UINT8_MAX ? (uint8_t)own : 1;
	}
	return plane;
}

static errint_t put_component(struct encoder *e, unsigned c, struct ic_why *why)
{
	struct object *o = &e->object;
	const struct ic_layout *l = &o->layout;
	struct input *input = &e->input[c];
	errint_t err = input->direct ? 0 : sample(e, c, why);
	if (err)
		return err;
	int8_t *codes = malloc(input->planes.nblocks);
	if (!codes)
		return ic_fail(why, -ENOMEM, "out of memory for %zu codes", input->planes.nblocks);
	uint8_t of_samples = input->reduced ? step_of_samples(input->steps) : 1;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		struct plane_values plane = plane_of(input, f, o->freqs[f], of_samples);
		object_put_plane(o, f * l->ncomponents + c, codes, codes_quantize(&plane, codes));
	}
	free(codes);
	return 0;
}

static errint_t encode(struct encoder *e, struct ic_why *why)
{
	errint_t err = 0;
	for (unsigned c = 0; c < e->info.ncomponents && !err; c++)
		err = input_init(e, c, &e->input[c], why);
	if (!err)
		err = e->reader ? jpeg_reader_each_row(e->reader, take_row, e, why)
		                : coefs_each_row(e->coefs, take_row, e, why);
	if (!err && !jpeg_samples_is_ycc(&e->info)) {
		struct samples planes[4];
		for (unsigned c = 0; c < 4; c++)
			planes[c] = e->input[c].samples;
		err = jpeg_samples_convert(&e->info, planes, why);
		for (unsigned c = 0; c < 4; c++)
			e->input[c].samples = planes[c];
	}
	for (unsigned c = 0; c < e->object.layout.ncomponents && !err; c++) {
		err = put_component(e, c, why);
		input_clear(&e->input[c]);
	}
	if (err)
		return err;
	unsigned flags = e->reader ? jpeg_reader_flags(e->reader) : coefs_flags(e->coefs);
	object_put_header(&e->object, e->info.orientation, (uint16_t)flags);
	return 0;
}

/* All but the reader is set up here, and cleared. */
static errint_t encode_object(struct encoder *e, const struct ic_design *design, const struct ic_limits *limits,
                              uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_jpeg_info *info = &e->info;
	errint_t err = limits_check_memory(limits, ic_encode_memory(info, design), why, "%u x %u pixels need",
	                                   info->width, info->height);
	if (!err)
		err = object_init(&e->object, design, info->width, info->height, info->nobject_components, why);
	if (!err)
		err = encode(e, why);
	if (!err) {
		*ret_nbytes = e->object.layout.nbytes;
		*ret_object = object_steal(&e->object);
	}
	for (unsigned i = 0; i < 4; i++)
		input_clear(&e->input[i]);
	object_clear(&e->object);
	return err;
}

errint_t ic_encode_jpeg(const uint8_t *jpeg, size_t nbytes, const struct ic_design *design,
                        const struct ic_limits *limits, uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why)
{
	if (!ic_design_is_valid(design))
		return ic_fail(why, -EINVAL, "not a valid design");
	struct encoder e = {0};
	errint_t err = jpeg_reader_new(jpeg, nbytes, true, limits, &e.reader, &e.info, why);
	if (!err)
		err = encode_object(&e, design, limits, ret_object, ret_nbytes, why);
	jpeg_reader_free(e.reader);
	return err;
}

errint_t ic_encode_coefs(const struct ic_coefs *coefs, const struct ic_design *design, const struct ic_limits *limits,
                         uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why)
{
	if (!ic_design_is_valid(design))
		return ic_fail(why, -EINVAL, "not a valid design");
	struct encoder e = {.coefs = coefs, .info = *coefs_info(coefs)};
	return encode_object(&e, design, limits, ret_object, ret_nbytes, why);
}

uint64_t ic_encode_memory(const struct ic_jpeg_info *info, const struct ic_design *design)
{
	struct ic_layout l;
	if (ic_layout_init(&l, design, info->width, info->height, info->nobject_components))
		return 0;

	const struct ic_component *luma = &l.component[0];
	uint64_t n = info->ncomponents;
	uint64_t pixels = (uint64_t)(info->width + 64) * (info->height + 64); /* with blocks and MCUs filled up */
	uint64_t coefs = pixels * sizeof(int16_t) * n; /* libjpeg's arrays, at most 4:4:4, or as much of coded data */
	uint64_t mcu_row = (uint64_t)(info->width + 64) * 32 * sizeof(int16_t) * n;
	uint64_t planes = luma->nblocks * l.nfreqs * sizeof(int16_t);
	uint64_t input = design->block == 8 && planes > pixels ? planes : pixels; /* one component */
	if (!jpeg_samples_is_ycc(info))
		n++; /* one is brought to another size */
	uint64_t target = luma->nblocks * design->block * design->block;
	uint64_t block_row = (uint64_t)luma->block_cols * 64 * sizeof(int16_t);
	uint64_t codes = luma->nblocks;
	uint64_t tables = 1 << 20; /* libjpeg's */
	return coefs + mcu_row + input * n + target + block_row + planes + codes + l.nbytes + tables;
}
