/* SPDX-License-Identifier: MIT */
#include "tensor_expected.h"

#include "codec/decode.h"

#include "resize_expected.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What values are taken from. */
struct origin {
	const struct ic_layout *layout;
	uint8_t *rgb;
	uint32_t rgb_width;
	int16_t *coefs[IC_COMPONENTS_MAX];
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
};

static void *room(size_t nbytes)
{
	void *memory = malloc(nbytes ? nbytes : 1);

	if (!memory)
		abort();
	return memory;
}

static struct origin origin_new(const struct ic_view *view, bool is_rgb)
{
	const struct ic_layout *l = &view->layout;
	struct origin origin = {.layout = l};

	ic_design_freqs(&l->design, origin.freqs);
	if (is_rgb) {
		origin.rgb_width = l->width;
		origin.rgb = room((size_t)3 * l->width * l->height);
		if (ic_decode_rgb(view, origin.rgb, (size_t)3 * l->width))
			abort();
	}
	for (unsigned c = 0; c < l->ncomponents && !is_rgb; c++) {
		origin.coefs[c] = room(l->nfreqs * l->component[c].nblocks * sizeof(int16_t));
		if (ic_decode_coefficients(view, c, origin.coefs[c]))
			abort();
	}
	return origin;
}

static void origin_clear(struct origin *origin)
{
	free(origin->rgb);
	for (unsigned c = 0; c < IC_COMPONENTS_MAX; c++)
		free(origin->coefs[c]);
}

/* Frequency f of a component's block that luma's block (x, y) lies in. */
static int coefficient(const struct origin *o, unsigned f, unsigned component, uint32_t x, uint32_t y, bool flip)
{
	const struct ic_layout *l = o->layout;
	unsigned divide = component ? l->design.chroma : 1;

	if (component >= l->ncomponents)
		return 0;
	const struct ic_component *c = &l->component[component];
	int value = o->coefs[component][f * c->nblocks + (size_t)(y / divide) * c->block_cols + x / divide];
	return flip && o->freqs[f].u % 2 ? -value : value;
}

uint16_t expected_half(double value)
{
	double size = fabs(value);
	uint16_t sign = signbit(value) ? 0x8000 : 0;
	int exponent = size > 0 ? ilogb(size) : -100;

	exponent = exponent < -14 ? -14 : exponent;
	double units = nearbyint(ldexp(size, 10 - exponent)); /* up to 2048 */
	if (ldexp(units, exponent - 10) >= 65536)
		return sign | 0x7c00;
	/* The implicit one adds 1 to the exponent's field, as does a carry. */
	return (uint16_t)(sign | ((unsigned)(exponent + 14) * 1024 + (unsigned)units));
}

/* bfloat16 of a number, by the definition of rounding: to 8 bits of its significand. */
static uint16_t expected_bfloat(float value)
{
	int exponent;
	float significand = frexpf(value, &exponent), rounded;
	uint32_t bits;

	if (value == 0 || exponent < -125) /* of which the step is that of the smallest normal number */
		rounded = ldexpf(nearbyintf(ldexpf(value, 133)), -133);
	else
		rounded = ldexpf(nearbyintf(ldexpf(significand, 8)), exponent - 8);
	memcpy(&bits, &rounded, sizeof bits);
	return (uint16_t)(bits >> 16);
}

/* `numbers` is what mean and scale make of it, or the padding. */
static void put(uint8_t *out, size_t index, uint8_t type, float number)
{
	int32_t min = type == IC_UINT8 ? 0 : type == IC_INT8 ? INT8_MIN : INT16_MIN;
	int32_t max = type == IC_UINT8 ? UINT8_MAX : type == IC_INT8 ? INT8_MAX : INT16_MAX;
	double rounded = nearbyint((double)number);
	int32_t whole = rounded > max ? max : rounded < min ? min : (int32_t)rounded;
	int16_t whole16 = (int16_t)whole;
	uint16_t half = type == IC_BFLOAT16 ? expected_bfloat(number) : expected_half((double)number);

	if (type == IC_UINT8 || type == IC_INT8)
		out[index] = (uint8_t)whole;
	else if (type == IC_INT16)
		memcpy(out + 2 * index, &whole16, 2);
	else if (type == IC_FLOAT16 || type == IC_BFLOAT16)
		memcpy(out + 2 * index, &half, 2);
	else
		memcpy(out + 4 * index, &number, 4);
}

static float number_of(const struct ic_tensor_spec *spec, unsigned channel, int value)
{
	volatile float centered = (float)value - (spec->mean ? spec->mean[channel] : 0);

	return centered * (spec->scale ? spec->scale[channel] : 1);
}

/* The value of channel c of the first output (or of the one apart) at (x, y) of the region. */
static int value_at(const struct origin *o, const struct ic_tensor_shape *shape, const struct ic_region *r, bool flip,
                    bool apart, unsigned c, uint32_t x, uint32_t y)
{
	const struct ic_layout *l = o->layout;
	unsigned components = shape->channels / l->nfreqs;

	if (o->rgb) {
		x = r->x + (flip ? r->width - 1 - x : x);
		return o->rgb[3 * ((size_t)(r->y + y) * o->rgb_width + x) + c];
	}
	if (!apart) {
		x = r->x + (flip ? r->width - 1 - x : x);
		return coefficient(o, c / components, c % components, x, r->y + y, flip);
	}
	unsigned divide = l->design.chroma;
	uint32_t width = (r->width + divide - 1) / divide;
	x = flip ? width - 1 - x : x;
	return coefficient(o, c / 2, 1 + c % 2, r->x + x * divide, r->y + y * divide, flip);
}

/* From here on the image is what it is resized to. */
static struct ic_region resize(struct origin *o, const struct ic_tensor_spec *spec, const struct ic_region *box)
{
	uint8_t *rgb = expected_resize(o->rgb, o->rgb_width, box, spec);

	free(o->rgb);
	o->rgb = rgb;
	o->rgb_width = spec->width;
	return (struct ic_region){0, 0, spec->width, spec->height};
}

static void fill(const struct origin *o, const struct ic_tensor_spec *spec, const struct ic_tensor_shape *shape,
                 const struct ic_region *r, bool flip, bool apart, uint8_t *out)
{
	uint32_t channels = apart ? shape->chroma_channels : shape->channels;
	uint32_t height = apart ? shape->chroma_height : shape->height;
	uint32_t width = apart ? shape->chroma_width : shape->width;
	unsigned divide = apart ? o->layout->design.chroma : 1;

	for (uint32_t c = 0; c < channels; c++) {
		for (uint32_t y = 0; y < height; y++) {
			for (uint32_t x = 0; x < width; x++) {
				size_t index = spec->axes == IC_NHWC ? ((size_t)y * width + x) * channels + c
				                                     : ((size_t)c * height + y) * width + x;
				bool is_inside =
				        x < (r->width + divide - 1) / divide && y < (r->height + divide - 1) / divide;
				unsigned channel = apart ? shape->channels + c : c;
				int value = is_inside ? value_at(o, shape, r, flip, apart, c, x, y) : 0;
				put(out, index, spec->type, is_inside ? number_of(spec, channel, value) : spec->pad);
			}
		}
	}
}

struct expected expected_tensor(const struct ic_view *view, const struct ic_tensor_spec *spec,
                                const struct ic_tensor_shape *shape, const struct ic_region *region, bool flip)
{
	struct origin origin = origin_new(view, spec->values == IC_RGB);
	struct expected expected = {room(shape->nbytes), NULL};
	struct ic_region shown = spec->fit == IC_FIT_RESIZE ? resize(&origin, spec, region) : *region;

	fill(&origin, spec, shape, &shown, flip, false, expected.out);
	if (shape->chroma_channels) {
		expected.chroma = room(shape->chroma_nbytes);
		fill(&origin, spec, shape, &shown, flip, true, expected.chroma);
	}
	origin_clear(&origin);
	return expected;
}

void expected_clear(struct expected *expected)
{
	free(expected->out);
	free(expected->chroma);
}
