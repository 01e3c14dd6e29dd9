/* SPDX-License-Identifier: MIT */
/*
 * A JPEG's way into an object: libjpeg undoes the entropy coding; each component goes, on its own, to the coefficients of
 * its planes (directly where the JPEG's blocks are the object's blocks, by way of samples elsewhere), and plane by plane
 * to codes.
 */
#include "codec/encode.h"

#include "codec/codes_priv.h"
#include "codec/dct_priv.h"
#include "codec/jpeg_samples_priv.h"
#include "codec/object_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct encoder {
	struct jpeg_reader *reader;
	struct ic_jpeg_info info;
	struct samples converted[3]; /* for sources that are not YCbCr */
	struct object object;
};

/* How component `c` of the source lies against its target grid (docs/format.md, "Grids"). */
static void component_axes(const struct encoder *e, unsigned c, struct grid_axis *ret_x, struct grid_axis *ret_y)
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

/* The JPEG's own blocks are the object's: coefficients need no transform. */
static bool is_direct(const struct encoder *e, const struct grid_axis *x, const struct grid_axis *y)
{
	return e->object.layout.design.block == 8 && jpeg_samples_is_ycc(&e->info) && grid_is_identity(x, y);
}

/* --- Coefficients, plane by plane: values[f * nblocks + block] --------------------------------------------------- */

static errint_t gather(struct encoder *e, unsigned c, int16_t *values, struct ic_why *why)
{
	const struct object *o = &e->object;
	const struct ic_component *component = &o->layout.component[c];
	for (uint32_t row = 0; row < component->block_rows; row++) {
		const int16_t(*blocks)[64];
		errint_t err = jpeg_reader_row(e->reader, c, row, &blocks, why);
		if (err)
			return err;
		int16_t *out = values + (size_t)row * component->block_cols;
		for (unsigned f = 0; f < o->layout.nfreqs; f++, out += component->nblocks) {
			unsigned at = o->freqs[f].v * 8u + o->freqs[f].u;
			for (uint32_t col = 0; col < component->block_cols; col++)
				out[col] = blocks[col][at];
		}
	}
	return 0;
}

static void transform(const struct object *o, const struct ic_component *component, const uint8_t *samples,
                      size_t stride, int16_t *values)
{
	unsigned block = o->layout.design.block;
	const struct dct_kernel *dct = dct_kernel_best();
	int16_t coefs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	for (uint32_t row = 0; row < component->block_rows; row++) {
		for (uint32_t col = 0; col < component->block_cols; col++) {
			const uint8_t *in = samples + (size_t)row * block * stride + (size_t)col * block;
			int16_t *out = values + (size_t)row * component->block_cols + col;
			dct->forward(block, o->nu, o->nv, in, stride, coefs);
			for (unsigned f = 0; f < o->layout.nfreqs; f++, out += component->nblocks)
				*out = coefs[o->freqs[f].v * block + o->freqs[f].u];
		}
	}
}

/* transform for blocks of one sample, where it is a subtraction. */
static void transform_samples(const struct ic_component *component, const uint8_t *samples, size_t stride,
                              int16_t *values)
{
	for (uint32_t row = 0; row < component->height; row++)
		for (uint32_t col = 0; col < component->width; col++)
			*values++ = (int16_t)((samples[row * stride + col] - 128) * DCT_FORWARD_UNIT);
}

/* Repeat the last column and row up to whole blocks. */
static void pad(uint8_t *samples, size_t stride, uint32_t width, uint32_t height, uint32_t padded_height)
{
	for (uint32_t row = 0; row < height; row++)
		memset(samples + row * stride + width, samples[row * stride + width - 1], stride - width);
	for (uint32_t row = height; row < padded_height; row++)
		memcpy(samples + row * stride, samples + (size_t)(height - 1) * stride, stride);
}

static errint_t sample(struct encoder *e, unsigned c, struct grid_axis x, struct grid_axis y, int16_t *values,
                       struct ic_why *why)
{
	const struct object *o = &e->object;
	const struct ic_component *component = &o->layout.component[c];
	struct samples own = {0};
	const struct plane8 *source = &e->converted[c].plane;
	errint_t err = 0;

	if (jpeg_samples_is_ycc(&e->info)) {
		err = jpeg_samples_component(e->reader, c, &own, why);
		source = &own.plane;
	}
	if (err)
		return err;

	size_t stride = (size_t)component->block_cols * o->layout.design.block;
	uint32_t padded_height = component->block_rows * o->layout.design.block;
	uint8_t *target = malloc(stride * padded_height);
	err = target ? grid_resample(source, x, y, component->width, component->height, target, stride) : -ENOMEM;
	if (!err) {
		pad(target, stride, component->width, component->height, padded_height);
		if (o->layout.design.block == 1)
			transform_samples(component, target, stride, values);
		else
			transform(o, component, target, stride, values);
	} else {
		ic_fail(why, err, "out of memory");
	}
	free(target);
	samples_free(&own);
	return err;
}

/* --- Codes -------------------------------------------------------------------------------------------------------- */

static errint_t encode_component(struct encoder *e, unsigned c, struct ic_why *why)
{
	struct object *o = &e->object;
	const struct ic_layout *l = &o->layout;
	size_t n = l->component[c].nblocks;
	struct grid_axis x, y;
	component_axes(e, c, &x, &y);
	bool direct = is_direct(e, &x, &y);

	int16_t *values = malloc((l->nfreqs * sizeof *values + sizeof(int8_t)) * n);
	if (!values)
		return ic_fail(why, -ENOMEM, "out of memory for %u planes of %zu coefficients", l->nfreqs, n);
	int8_t *codes = (int8_t *)(values + l->nfreqs * n);
	errint_t err = direct ? gather(e, c, values, why) : sample(e, c, x, y, values, why);
	for (unsigned f = 0; f < l->nfreqs && !err; f++) {
		struct plane_values plane = {values + f * n, n, 1, DCT_FORWARD_UNIT};
		if (direct) {
			plane.scale = jpeg_reader_plane(e->reader, c).steps[o->freqs[f].v * 8 + o->freqs[f].u];
			plane.unit = 1;
		}
		object_put_plane(o, f * l->ncomponents + c, codes, codes_quantize(&plane, codes));
	}
	free(values);
	return err;
}

static errint_t encode(struct encoder *e, struct ic_why *why)
{
	errint_t err = jpeg_reader_decode(e->reader, why);
	if (!err && !jpeg_samples_is_ycc(&e->info))
		err = jpeg_samples_converted(e->reader, &e->info, e->converted, why);
	for (unsigned c = 0; c < e->object.layout.ncomponents && !err; c++)
		err = encode_component(e, c, why);
	if (!err)
		object_put_header(&e->object, e->info.orientation,
		                  jpeg_reader_is_truncated(e->reader) ? IC_FLAG_TRUNCATED : 0);
	return err;
}

static errint_t check_memory(const struct ic_jpeg_info *info, const struct ic_design *design,
                             const struct ic_limits *limits, struct ic_why *why)
{
	uint64_t limit = limits ? limits->memory : ic_limits_default().memory;
	uint64_t needed = ic_encode_memory(info, design);
	if (limit && needed > limit)
		return ic_fail(why, -EFBIG, "%u x %u pixels need %llu bytes of memory, over the limit of %llu",
		               info->width, info->height, (unsigned long long)needed, (unsigned long long)limit);
	return 0;
}

errint_t ic_encode_jpeg(const uint8_t *jpeg, size_t nbytes, const struct ic_design *design,
                        const struct ic_limits *limits, uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why)
{
	if (!ic_design_is_valid(design))
		return ic_fail(why, -EINVAL, "not a valid design");

	struct encoder e = {0};
	errint_t err = jpeg_reader_new(jpeg, nbytes, true, limits, &e.reader, &e.info, why);
	if (!err)
		err = check_memory(&e.info, design, limits, why);
	if (!err)
		err = object_init(&e.object, design, e.info.width, e.info.height, e.info.nobject_components, why);
	if (!err)
		err = encode(&e, why);
	if (!err) {
		*ret_nbytes = e.object.layout.nbytes;
		*ret_object = object_steal(&e.object);
	}
	for (unsigned i = 0; i < 3; i++)
		samples_free(&e.converted[i]);
	object_clear(&e.object);
	jpeg_reader_free(e.reader);
	return err;
}

uint64_t ic_encode_memory(const struct ic_jpeg_info *info, const struct ic_design *design)
{
	struct ic_layout l;
	if (ic_layout_init(&l, design, info->width, info->height, info->nobject_components))
		return 0;

	uint64_t pixels = (uint64_t)(info->width + 64) * (info->height + 64); /* with blocks and MCUs filled up */
	uint64_t coefs = pixels * sizeof(int16_t) * info->ncomponents;        /* libjpeg's arrays, at most 4:4:4 */
	uint64_t samples = pixels;                                            /* one component on its own grid */
	if (!jpeg_samples_is_ycc(info))
		samples += pixels * info->ncomponents;
	const struct ic_component *luma = &l.component[0];
	uint64_t target = luma->nblocks * design->block * design->block;
	uint64_t values = luma->nblocks * (l.nfreqs * sizeof(int16_t) + 1);
	return coefs + samples + target + values + l.nbytes + (1 << 20); /* libjpeg's tables and saved markers */
}
