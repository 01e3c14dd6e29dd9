/* SPDX-License-Identifier: MIT */
#include "near.h"

#include "codec/decode.h"
#include "gpu/tile_transform_priv.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <math.h>
#include <stdlib.h>

/* What half precision may add: of the magnitudes of what a sample is the sum of, twice its rounding, of codes times steps and
 * of the basis, or four times, of the matrix in both passes and of what is between these; of sums and shares of 255, of the
 * filter and of colours. */
#define ERROR_RELATIVE(block) ((block) == 8 ? 1.01 / 1024 : 1.01 / 512)
#define ERROR_SAMPLE 0.11
#define ERROR_FILTER 0.07
#define ERROR_COLOR 0.23

static void *room(size_t nbytes)
{
	void *memory = calloc(1, nbytes ? nbytes : 1);

	if (!memory)
		abort();
	return memory;
}

/* Samples, and by how much each may be wrong. */
struct part {
	uint32_t width, height;
	double *value, *error;
};

static struct part part_new(uint32_t width, uint32_t height)
{
	size_t n = (size_t)width * height;
	struct part part = {width, height, room(n * sizeof(double)), room(n * sizeof(double))};
	return part;
}

static void part_clear(struct part *part)
{
	free(part->value);
	free(part->error);
}

/* Of frequency u at place x: M[x][u] of docs/format.md, section 3, of which kernels take the same table. */
struct basis {
	double at[IC_BLOCK_MAX][IC_BLOCK_MAX];
};

static struct basis basis_of(unsigned block)
{
	struct basis basis;

	for (unsigned x = 0; x < block; x++) {
		for (unsigned u = 0; u < block; u++)
			basis.at[u][x] = tile_matrix(block, x, u) / (8192 * sqrt(block));
	}
	return basis;
}

static double clamped(double value, double max)
{
	return fmin(fmax(value, 0), max);
}

static struct part part_of(const struct ic_view *view, unsigned component)
{
	const struct ic_layout *l = &view->layout;
	const struct ic_component *c = &l->component[component];
	const unsigned block = l->design.block;
	const struct basis basis = basis_of(block);
	struct part part = part_new(c->width, c->height);
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	int16_t *coefs = room(l->nfreqs * c->nblocks * sizeof *coefs);

	ic_design_freqs(&l->design, freqs);
	if (ic_decode_coefficients(view, component, coefs))
		abort();
	for (size_t i = 0; i < (size_t)c->width * c->height; i++) {
		uint32_t x = (uint32_t)(i % c->width), y = (uint32_t)(i / c->width);
		const int16_t *own = coefs + (size_t)(y / block) * c->block_cols + x / block;
		double sum = 128, magnitude = 0;
		for (unsigned f = 0; f < l->nfreqs; f++) {
			double term =
			        own[f * c->nblocks] * basis.at[freqs[f].v][y % block] * basis.at[freqs[f].u][x % block];
			sum += term;
			magnitude += fabs(term);
		}
		part.value[i] = clamped(sum, 255);
		part.error[i] = ERROR_RELATIVE(block) * magnitude + ERROR_SAMPLE;
	}
	free(coefs);
	return part;
}

/* Of n halved samples, the two that sample i of the whole is made of, the nearer first. */
static void neighbours(uint32_t i, uint32_t n, uint32_t ret_from[2])
{
	ret_from[0] = i / 2;
	ret_from[1] = i % 2 ? (i / 2 + 1 < n ? i / 2 + 1 : n - 1) : i / 2 - (i / 2 > 0);
}

/* On luma's grid, by the triangle filter; fewer than three samples a row are repeated. */
static struct part part_filtered(const struct part *half, uint32_t width, uint32_t height)
{
	static const double weights[2] = {0.75, 0.25};
	struct part part = part_new(width, height);

	for (size_t i = 0; i < (size_t)width * height; i++) {
		uint32_t xs[2], ys[2];
		neighbours((uint32_t)(i % width), half->width, xs);
		neighbours((uint32_t)(i / width), half->height, ys);
		part.error[i] = ERROR_FILTER;
		for (unsigned k = 0; k < 4; k++) {
			double weight = half->width < 3 ? k == 0 : weights[k % 2] * weights[k / 2];
			size_t at = (size_t)ys[k / 2] * half->width + xs[k % 2];
			part.value[i] += weight * half->value[at];
			part.error[i] += weight * half->error[at];
		}
	}
	return part;
}

struct near near_new(const struct ic_view *view)
{
	/* What a channel takes of luma, Cb and Cr (docs/format.md, section 4). */
	static const double shares[3][3] = {{1, 0, 1.402}, {1, -0.344136, -0.714136}, {1, 1.772, 0}};
	const struct ic_layout *l = &view->layout;
	size_t n = (size_t)l->width * l->height;
	struct near near = {room(3 * n * sizeof(double)), room(3 * n * sizeof(double))};
	struct part parts[IC_COMPONENTS_MAX];

	for (unsigned c = 0; c < l->ncomponents; c++) {
		parts[c] = part_of(view, c);
		if (parts[c].width == l->width && parts[c].height == l->height)
			continue;
		struct part half = parts[c];
		parts[c] = part_filtered(&half, l->width, l->height);
		part_clear(&half);
	}
	for (size_t i = 0; i < 3 * n; i++) {
		near.error[i] = ERROR_COLOR;
		for (unsigned c = 0; c < l->ncomponents; c++) {
			near.value[i] += shares[i % 3][c] * (parts[c].value[i / 3] - (c ? 128 : 0));
			near.error[i] += fabs(shares[i % 3][c]) * parts[c].error[i / 3];
		}
	}
	for (unsigned c = 0; c < l->ncomponents; c++)
		part_clear(&parts[c]);
	return near;
}

void near_clear(struct near *near)
{
	free(near->value);
	free(near->error);
}

static uint8_t to_byte(double value)
{
	return (uint8_t)floor(clamped(value, 255) + 0.5);
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
		uint8_t least = is_own ? to_byte(near.value[at] - near.error[at]) : 0;
		uint8_t most = is_own ? to_byte(near.value[at] + near.error[at]) : 0;
		if (rgb[i] < least || rgb[i] > most)
			ck_abort_msg("%s, %u x %u, %u components: channel %zu of pixel %u, %u is %u, not %u..%u",
			             design_name(&l->design).text, l->width, l->height, l->ncomponents, i % 3, x, y,
			             rgb[i], least, most);
	}
	near_clear(&near);
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
