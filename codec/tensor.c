/* SPDX-License-Identifier: MIT */
#include "codec/tensor.h"

#include "codec/tensor_priv.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* --- What may be asked for ----------------------------------------------------------------------------------------- */

static bool is_frequencies(const struct ic_tensor_spec *spec)
{
	return spec->values == IC_FREQUENCIES;
}

static bool has_numbers(uint8_t type)
{
	return type != IC_UINT8 && type != IC_INT16;
}

static errint_t check_kinds(const struct ic_tensor_spec *s, struct ic_why *why)
{
	if (s->values > IC_FREQUENCIES || s->type > IC_BFLOAT16 || s->axes > IC_NHWC || s->chroma > IC_CHROMA_APART ||
	    s->fit > IC_FIT_RESIZE || s->whole_blocks > 1)
		return ic_fail(why, -EINVAL, "the spec has a value that is none of its field's");
	if (is_frequencies(s) && s->type == IC_UINT8)
		return ic_fail(why, -EINVAL, "type: frequencies have a sign");
	if (!is_frequencies(s) && (s->type == IC_INT8 || s->type == IC_INT16))
		return ic_fail(why, -EINVAL, "type: pixels are numbers of 8 bits without a sign, or floats");
	if (is_frequencies(s) && s->axes != IC_NCHW)
		return ic_fail(why, -EINVAL, "axes: frequencies have their channels apart");
	if (s->components != 0 && s->components != 1 && s->components != 3)
		return ic_fail(why, -EINVAL, "components: an image has 1 or 3, not %u", s->components);
	if (!is_frequencies(s) && s->components)
		return ic_fail(why, -EINVAL, "components: of frequencies alone, pixels have three channels");
	if (!is_frequencies(s) && s->chroma)
		return ic_fail(why, -EINVAL, "chroma: of frequencies alone, pixels have none");
	return 0;
}

static errint_t check_size(const struct ic_tensor_spec *s, struct ic_why *why)
{
	if (!s->width != !s->height || s->width > IC_SIDE_MAX || s->height > IC_SIDE_MAX)
		return ic_fail(why, -EINVAL, "size: no output is %u x %u", s->width, s->height);
	if (s->fit && !s->width)
		return ic_fail(why, -EINVAL, "size: cropping, padding and resizing need one");
	if (s->fit == IC_FIT_RESIZE && is_frequencies(s))
		return ic_fail(why, -EINVAL, "fit: frequencies cannot be resized");
	if (s->short_side && s->fit != IC_FIT_RESIZE)
		return ic_fail(why, -EINVAL, "short_side: of what is resized alone");
	if (s->short_side > IC_SIDE_MAX || (s->short_side && (s->short_side < s->width || s->short_side < s->height)))
		return ic_fail(why, -EINVAL, "short_side: %u x %u cannot be cut out of %u", s->width, s->height,
		               s->short_side);
	return 0;
}

errint_t ic_tensor_check(const struct ic_tensor_spec *s, struct ic_why *why)
{
	errint_t err = check_kinds(s, why);
	if (!err)
		err = check_size(s, why);
	if (!err && !isfinite(s->pad))
		err = ic_fail(why, -EINVAL, "pad: it is not finite");
	if (!err && !has_numbers(s->type) && (s->mean || s->scale))
		err = ic_fail(why, -EINVAL, "%s: values of this type stay as they are", s->mean ? "mean" : "scale");
	return err;
}

static errint_t check_numbers(const struct ic_tensor_spec *s, unsigned channels, struct ic_why *why)
{
	for (unsigned c = 0; c < channels; c++) {
		if (!isfinite(tensor_mean(s, c)))
			return ic_fail(why, -EINVAL, "mean: that of channel %u is not finite", c);
		if (!isfinite(tensor_scale(s, c)))
			return ic_fail(why, -EINVAL, "scale: that of channel %u is not finite", c);
	}
	return 0;
}

/* --- How large it is ----------------------------------------------------------------------------------------------- */

/* How many of the spec's unit (pixels, or blocks of luma) an image has along an axis: all of them, or whole blocks of the
 * coarsest grid. */
static uint32_t extent(const struct ic_layout *l, const struct ic_tensor_spec *s, uint32_t pixels, bool whole)
{
	uint32_t block = l->design.block, coarse = block * l->design.chroma;
	uint32_t counted = whole ? pixels / coarse * coarse : pixels;
	return is_frequencies(s) ? (counted + block - 1) / block : counted;
}

static uint32_t half_of(uint32_t n)
{
	return (n + 1) / 2;
}

static bool fits(uint32_t has, uint32_t wants, uint8_t fit)
{
	return has == wants || (fit & (IC_FIT_RESIZE | (has > wants ? IC_FIT_CROP : IC_FIT_PAD)));
}

static unsigned components_of(const struct ic_layout *l, const struct ic_tensor_spec *s)
{
	return s->components ? s->components : l->ncomponents;
}

static void count_channels(const struct ic_layout *l, const struct ic_tensor_spec *s, struct ic_tensor_shape *shape)
{
	unsigned components = components_of(l, s);
	if (!is_frequencies(s)) {
		shape->channels = 3;
	} else if (components == 3 && s->chroma == IC_CHROMA_APART) {
		bool is_half = l->design.chroma == IC_CHROMA_HALF;
		shape->channels = l->nfreqs;
		shape->chroma_channels = 2 * l->nfreqs;
		shape->chroma_width = is_half ? half_of(shape->width) : shape->width;
		shape->chroma_height = is_half ? half_of(shape->height) : shape->height;
	} else {
		shape->channels = components * l->nfreqs;
	}
}

static uint32_t nbytes_of(uint8_t type)
{
	return type == IC_FLOAT32 ? 4 : type == IC_UINT8 || type == IC_INT8 ? 1 : 2;
}

static errint_t count_bytes(struct ic_tensor_shape *shape, struct ic_why *why)
{
	/* At most 3072 channels of 2^32 values of 4 bytes. */
	uint64_t nbytes = (uint64_t)shape->width * shape->height * shape->channels * shape->value_nbytes;
	uint64_t chroma_nbytes =
	        (uint64_t)shape->chroma_width * shape->chroma_height * shape->chroma_channels * shape->value_nbytes;
	if (nbytes > PTRDIFF_MAX || chroma_nbytes > PTRDIFF_MAX)
		return ic_fail(why, -EFBIG, "the output would be larger than memory can be");
	shape->nbytes = (size_t)nbytes;
	shape->chroma_nbytes = (size_t)chroma_nbytes;
	return 0;
}

errint_t ic_tensor_shape(const struct ic_layout *l, const struct ic_tensor_spec *s, struct ic_tensor_shape *ret_shape,
                         struct ic_why *why)
{
	struct ic_tensor_shape shape = {.value_nbytes = nbytes_of(s->type)};
	errint_t err = ic_tensor_check(s, why);
	if (err)
		return err;

	uint64_t pixels_max = s->pixels_max ? s->pixels_max : IC_PIXELS_MAX;
	if ((uint64_t)l->width * l->height > pixels_max)
		return ic_fail(why, -EFBIG, "the image has %u x %u pixels, the limit is %llu", l->width, l->height,
		               (unsigned long long)pixels_max);
	uint32_t width = extent(l, s, l->width, s->whole_blocks), height = extent(l, s, l->height, s->whole_blocks);
	if (!width || !height)
		return ic_fail(why, -ERANGE, "the image has no whole block of %u x %u",
		               l->design.block * l->design.chroma, l->design.block * l->design.chroma);
	shape.width = s->width ? s->width : width;
	shape.height = s->height ? s->height : height;
	if (!fits(width, shape.width, s->fit) || !fits(height, shape.height, s->fit))
		return ic_fail(why, -ERANGE, "the image is %u wide and %u high, asked for are %u and %u", width, height,
		               shape.width, shape.height);
	count_channels(l, s, &shape);
	err = check_numbers(s, shape.channels + shape.chroma_channels, why);
	if (!err)
		err = count_bytes(&shape, why);
	if (!err)
		*ret_shape = shape;
	return err;
}

/* --- Which part of the image --------------------------------------------------------------------------------------- */

/* Along one axis: where `wants` of `has` begin, a multiple of `unit`, and how many there are. */
static errint_t place(uint32_t has, uint32_t wants, uint32_t at, uint32_t unit, uint32_t *ret_at, uint32_t *ret_n,
                      struct ic_why *why)
{
	uint32_t room = has > wants ? has - wants : 0;
	if (at == IC_CENTER)
		at = room / 2 / unit * unit;
	if (at > room)
		return ic_fail(why, -ERANGE, "a window of %u from %u on does not lie within %u", wants, at, has);
	if (at % unit)
		return ic_fail(why, -EINVAL, "a window begins at %u, off the grid of chroma", at);
	*ret_at = at;
	*ret_n = has < wants ? has : wants;
	return 0;
}

/* Along one axis: the box of `wants` of `has`, or of all from `at` on. */
static errint_t place_box(uint32_t has, uint32_t wants, uint32_t at, uint32_t *ret_at, uint32_t *ret_n,
                          struct ic_why *why)
{
	if (!wants && at == IC_CENTER)
		at = 0;
	if (!wants)
		wants = at < has ? has - at : 1;
	if (wants > has)
		return ic_fail(why, -ERANGE, "a box of %u does not lie within %u", wants, has);
	return place(has, wants, at, 1, ret_at, ret_n, why);
}

static errint_t check_flip(const struct ic_layout *l, const struct ic_tensor_spec *s, const struct ic_region *region,
                           struct ic_why *why)
{
	uint32_t whole = extent(l, s, l->width, true);
	if (!is_frequencies(s) || (region->width % l->design.chroma == 0 && region->x + region->width <= whole))
		return 0;
	return ic_fail(why, -ERANGE, "a flip of %u columns of blocks from %u on is not one of whole blocks",
	               region->width, region->x);
}

/* The region in an image of a known shape. */
static errint_t region_of(const struct ic_layout *l, const struct ic_tensor_spec *s,
                          const struct ic_tensor_shape *shape, const struct ic_window *window,
                          struct ic_region *ret_region, struct ic_why *why)
{
	static const struct ic_window whole = {0};
	const struct ic_window *w = window ? window : &whole;
	uint32_t width = extent(l, s, l->width, s->whole_blocks), height = extent(l, s, l->height, s->whole_blocks);
	uint32_t unit = is_frequencies(s) ? l->design.chroma : 1;
	struct ic_region region;
	if (w->flip > 1)
		return ic_fail(why, -EINVAL, "a window is flipped or not");
	if ((w->width || w->height) && s->fit != IC_FIT_RESIZE)
		return ic_fail(why, -EINVAL, "a window has a box where nothing is resized");
	errint_t err = s->fit == IC_FIT_RESIZE ? place_box(width, w->width, w->x, &region.x, &region.width, why)
	                                       : place(width, shape->width, w->x, unit, &region.x, &region.width, why);
	if (!err)
		err = s->fit == IC_FIT_RESIZE
		              ? place_box(height, w->height, w->y, &region.y, &region.height, why)
		              : place(height, shape->height, w->y, unit, &region.y, &region.height, why);
	if (!err && w->flip)
		err = check_flip(l, s, &region, why);
	if (!err)
		*ret_region = region;
	return err;
}

errint_t ic_tensor_region(const struct ic_layout *l, const struct ic_tensor_spec *s, const struct ic_window *window,
                          struct ic_region *ret_region, struct ic_why *why)
{
	struct ic_tensor_shape shape;
	errint_t err = ic_tensor_shape(l, s, &shape, why);
	return err ? err : region_of(l, s, &shape, window, ret_region, why);
}

/* --- Decoding ------------------------------------------------------------------------------------------------------ */

static errint_t decode_job(struct tensor_job *job)
{
	if (is_frequencies(job->spec))
		return tensor_freqs(job);
	if (job->spec->fit != IC_FIT_RESIZE)
		return tensor_pixels(job);
	job->scaled = resize_size_of(job->region.width, job->region.height, job->spec->width, job->spec->height,
	                             job->spec->short_side);
	return tensor_resize(job);
}

errint_t tensor_decode_with(const struct tensor_kernel *kernel, const struct ic_view *view,
                            const struct ic_tensor_spec *spec, const struct ic_window *window, void *out, void *chroma,
                            struct ic_why *why)
{
	struct tensor_job job = {
	        .kernel = kernel,
	        .view = view,
	        .spec = spec,
	        .flip = window && window->flip,
	        .out = out,
	        .chroma = chroma,
	};
	errint_t err = ic_tensor_shape(&view->layout, spec, &job.shape, why);
	if (!err)
		err = region_of(&view->layout, spec, &job.shape, window, &job.region, why);
	if (err)
		return err;
	if (!out || (job.shape.chroma_nbytes && !chroma))
		return ic_fail(why, -EINVAL, "there is no memory to decode to");
	err = decode_job(&job);
	return err ? ic_fail(why, err, "out of memory for decoding") : 0;
}

errint_t ic_tensor_decode(const struct ic_view *view, const struct ic_tensor_spec *spec, const struct ic_window *window,
                          void *out, void *chroma, struct ic_why *why)
{
	return tensor_decode_with(tensor_kernel_best(), view, spec, window, out, chroma, why);
}

const char *ic_tensor_instructions(void)
{
	return tensor_kernel_best()->name;
}

/* --- Padding ------------------------------------------------------------------------------------------------------- */

/* To the nearest, halves to even: sums from 1.5 * 2^23 on have no fraction. */
static int32_t whole(float value, int32_t min, int32_t max)
{
	const float no_fraction = 12582912.0f;
	return value > (float)max ? max : value < (float)min ? min : (int32_t)(value + no_fraction - no_fraction);
}

void tensor_pad(const struct tensor_job *job, void *out, size_t n)
{
	float pad = job->spec->pad;
	uint16_t half;
	switch (job->spec->type) {
	case IC_UINT8:
		memset(out, whole(pad, 0, UINT8_MAX), n);
		break;
	case IC_INT8:
		memset(out, whole(pad, INT8_MIN, INT8_MAX), n);
		break;
	case IC_INT16:
		for (size_t i = 0; i < n; i++)
			((int16_t *)out)[i] = (int16_t)whole(pad, INT16_MIN, INT16_MAX);
		break;
	case IC_FLOAT16:
	case IC_BFLOAT16:
		if (job->spec->type == IC_FLOAT16)
			job->kernel->coef->half(&pad, 1, &half);
		else
			job->kernel->coef->bfloat(&pad, 1, &half);
		for (size_t i = 0; i < n; i++)
			((uint16_t *)out)[i] = half;
		break;
	default:
		for (size_t i = 0; i < n; i++)
			((float *)out)[i] = pad;
	}
}
