/* SPDX-License-Identifier: MIT */
#include "near.h"

#include "codec/color_priv.h"
#include "codec/decode.h"
#include "codec/grid_priv.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDE 8
#define PI 3.14159265358979323846

/* Twice half precision's rounding, of codes times steps and of the basis; and that of a sum of 64 to 128. */
#define RELATIVE (1.0 / 1024)
#define ABSOLUTE (1.0 / 32 + 0.001)

/* RGB, of each pixel and channel the least and the most. */
struct near {
	uint8_t *low, *high;
};

static void *room(size_t nbytes)
{
	void *memory = calloc(1, nbytes ? nbytes : 1);

	if (!memory)
		abort();
	return memory;
}

static double basis(unsigned x, unsigned u)
{
	return (u ? 0.5 : sqrt(0.125)) * cos((2 * x + 1) * u * PI / 16);
}

static uint8_t to_byte(double value)
{
	return (uint8_t)floor(fmin(fmax(value, 0), 255) + 0.5);
}

/* Samples of a component, width from row to row. */
static void put_component(const struct ic_view *view, unsigned component, uint8_t *low, uint8_t *high)
{
	const struct ic_layout *l = &view->layout;
	const struct ic_component *c = &l->component[component];
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	int16_t *coefs = room(l->nfreqs * c->nblocks * sizeof *coefs);

	ic_design_freqs(&l->design, freqs);
	if (ic_decode_coefficients(view, component, coefs))
		abort();
	for (uint32_t y = 0; y < c->height; y++) {
		for (uint32_t x = 0; x < c->width; x++) {
			const int16_t *own = coefs + (size_t)(y / SIDE) * c->block_cols + x / SIDE;
			double sum = 128, magnitude = 0;
			for (unsigned f = 0; f < l->nfreqs; f++) {
				double part =
				        own[f * c->nblocks] * basis(y % SIDE, freqs[f].v) * basis(x % SIDE, freqs[f].u);
				sum += part;
				magnitude += fabs(part);
			}
			double error = RELATIVE * magnitude + ABSOLUTE;
			low[(size_t)y * c->width + x] = to_byte(sum - error);
			high[(size_t)y * c->width + x] = to_byte(sum + error);
		}
	}
	free(coefs);
}

/* On luma's grid. */
static void put_full(const struct ic_layout *l, unsigned component, const uint8_t *own, uint8_t *out)
{
	const struct ic_component *c = &l->component[component];
	struct plane8 plane = {own, c->width, c->width, c->height};
	struct grid_axis half = {1, 2, 1};

	if (c->width == l->width && c->height == l->height)
		memcpy(out, own, (size_t)c->width * c->height);
	else if (grid_resample(&plane, half, half, l->width, l->height, out, l->width))
		abort();
}

/* Red and blue grow with all of their samples; green with luma, and against chroma. */
static void put_rgb(size_t n, const uint8_t *luma, const uint8_t *chroma, const uint8_t *against, uint8_t *out)
{
	uint8_t *green = room(3 * n);

	color_ycc_to_rgb(luma, chroma, chroma + n, (uint32_t)n, out);
	color_ycc_to_rgb(luma, against, against + n, (uint32_t)n, green);
	for (size_t i = 0; i < n; i++)
		out[3 * i + 1] = green[3 * i + 1];
	free(green);
}

static struct near near_new(const struct ic_view *view)
{
	const struct ic_layout *l = &view->layout;
	size_t n = (size_t)l->width * l->height;
	struct near near = {room(3 * n), room(3 * n)};
	uint8_t *own[2] = {room(n), room(n)}, *full[2] = {room(3 * n), room(3 * n)};

	for (unsigned c = 0; c < l->ncomponents; c++) {
		put_component(view, c, own[0], own[1]);
		put_full(l, c, own[0], full[0] + c * n);
		put_full(l, c, own[1], full[1] + c * n);
	}
	if (l->ncomponents == 1) {
		color_gray_to_rgb(full[0], (uint32_t)n, near.low);
		color_gray_to_rgb(full[1], (uint32_t)n, near.high);
	} else {
		put_rgb(n, full[0], full[0] + n, full[1] + n, near.low);
		put_rgb(n, full[1], full[1] + n, full[0] + n, near.high);
	}
	for (unsigned i = 0; i < 2; i++) {
		free(own[i]);
		free(full[i]);
	}
	return near;
}

void near_check(const struct ic_view *view, const struct ic_region *region, const struct ic_tensor_shape *shape,
                const uint8_t *rgb)
{
	const struct ic_layout *l = &view->layout;
	struct near near = near_new(view);

	for (size_t i = 0; i < (size_t)3 * shape->width * shape->height; i++) {
		uint32_t x = (uint32_t)(i / 3 % shape->width), y = (uint32_t)(i / 3 / shape->width);
		size_t at = 3 * ((size_t)(region->y + y) * l->width + region->x + x) + i % 3;
		bool is_own = x < region->width && y < region->height;
		uint8_t least = is_own ? near.low[at] : 0, most = is_own ? near.high[at] : 0;
		if (rgb[i] < least || rgb[i] > most)
			ck_abort_msg("%s, %u x %u, %u components: channel %zu of pixel %u, %u is %u, not %u..%u",
			             design_name(&l->design).text, l->width, l->height, l->ncomponents, i % 3, x, y,
			             rgb[i], least, most);
	}
	free(near.low);
	free(near.high);
}

struct bytes near_object(struct dice *dice, const struct ic_design *design, uint32_t width, uint32_t height,
                         unsigned ncomponents)
{
	struct bytes object = wild_object(dice, design, width, height, ncomponents);
	struct ic_view view;

	if (ic_view_parse(&view, object.data, object.nbytes, NULL))
		abort();
	for (unsigned p = 0; p < view.layout.nplanes; p++) {
		uint8_t *codes = object.data + ic_layout_plane_offset(&view.layout, p);
		uint64_t nbytes = view.layout.component[p % ncomponents].plane_nbytes;
		unsigned shift = p < ncomponents ? 0 : 2 + dice_roll(dice, 5);
		object.data[IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p] = (uint8_t)dice_between(dice, 1, 9);
		for (uint64_t i = 0; i < nbytes; i++)
			codes[i] = (uint8_t)((int8_t)codes[i] >> shift);
	}
	return object;
}
