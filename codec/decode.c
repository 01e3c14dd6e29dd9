/* SPDX-License-Identifier: MIT */
#include "codec/decode.h"

#include "codec/codes_priv.h"
#include "codec/color_priv.h"
#include "codec/dct_priv.h"
#include "codec/grid_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

errint_t ic_decode_coefficients(const struct ic_view *view, unsigned component, int16_t *out)
{
	const struct ic_layout *l = &view->layout;
	if (component >= l->ncomponents)
		return -EINVAL;
	size_t n = l->component[component].nblocks;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned p = f * l->ncomponents + component;
		int16_t table[256];
		codes_table(ic_view_plane_params(view, p), l->design.bits, table);
		codes_unpack(ic_view_plane_data(view, p), l->design.bits, 0, n, table, out + f * n);
	}
	return 0;
}

/* --- Samples: one row of blocks at a time -------------------------------------------------------------------------- */

struct component_decoder {
	const struct ic_view *view;
	unsigned component;
	const struct dct_kernel *dct;
	unsigned nu, nv;                          /* what the kept frequencies lie below */
	uint16_t at[IC_BLOCK_MAX * IC_BLOCK_MAX]; /* v * block + u of each kept frequency */
	int16_t (*tables)[256];                   /* for each plane of the component */
	int16_t *rows;                            /* for each plane, its coefficients of one row of blocks */
	uint8_t *samples;                         /* one row of blocks, whole blocks */
};

static void component_decoder_clear(struct component_decoder *d)
{
	free(d->tables);
	free(d->rows);
	free(d->samples);
}

static errint_t component_decoder_init(struct component_decoder *d, const struct ic_view *view, unsigned component)
{
	const struct ic_layout *l = &view->layout;
	size_t cols = l->component[component].block_cols;
	d->view = view;
	d->component = component;
	d->dct = dct_kernel_best();
	d->nu = d->nv = 0;
	d->tables = malloc(l->nfreqs * sizeof *d->tables);
	d->rows = malloc(l->nfreqs * cols * sizeof *d->rows);
	d->samples = malloc(cols * l->design.block * l->design.block);
	if (!d->tables || !d->rows || !d->samples) {
		component_decoder_clear(d);
		return -ENOMEM;
	}
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	ic_design_freqs(&l->design, freqs);
	for (unsigned f = 0; f < l->nfreqs; f++) {
		codes_table(ic_view_plane_params(view, f * l->ncomponents + component), l->design.bits, d->tables[f]);
		d->at[f] = (uint16_t)(freqs[f].v * l->design.block + freqs[f].u);
		d->nu = freqs[f].u >= d->nu ? freqs[f].u + 1u : d->nu;
		d->nv = freqs[f].v >= d->nv ? freqs[f].v + 1u : d->nv;
	}
	return 0;
}

/* The inverse transform of blocks of one sample. */
static void decode_samples(const int16_t *coefs, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(coefs[i] > 127 ? 255 : coefs[i] < -128 ? 0 : coefs[i] + 128);
}

static void decode_block_row(struct component_decoder *d, uint32_t row)
{
	const struct ic_layout *l = &d->view->layout;
	unsigned block = l->design.block;
	size_t cols = l->component[d->component].block_cols, stride = cols * block;

	for (unsigned f = 0; f < l->nfreqs; f++)
		codes_unpack(ic_view_plane_data(d->view, f * l->ncomponents + d->component), l->design.bits, row * cols,
		             cols, d->tables[f], d->rows + f * cols);

	if (block == 1) {
		decode_samples(d->rows, cols, d->samples);
		return;
	}
	int16_t coefs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	memset(coefs, 0, (size_t)block * block * sizeof *coefs);
	for (size_t col = 0; col < cols; col++) {
		const int16_t *in = d->rows + col;
		uint16_t any = 0; /* but the mean */
		for (unsigned f = 0; f < l->nfreqs; f++, in += cols) {
			coefs[d->at[f]] = *in;
			any |= d->at[f] ? (uint16_t)*in : 0;
		}
		d->dct->inverse(block, any ? d->nu : 1, any ? d->nv : 1, coefs, d->samples + col * block, stride);
	}
}

errint_t ic_decode_component(const struct ic_view *view, unsigned component, uint8_t *out, size_t stride)
{
	const struct ic_layout *l = &view->layout;
	struct component_decoder d;
	if (component >= l->ncomponents)
		return -EINVAL;
	errint_t err = component_decoder_init(&d, view, component);
	if (err)
		return err;

	const struct ic_component *c = &l->component[component];
	unsigned block = l->design.block;
	size_t samples_stride = (size_t)c->block_cols * block;
	for (uint32_t row = 0; row < c->block_rows; row++) {
		decode_block_row(&d, row);
		for (uint32_t y = 0; y < block && row * block + y < c->height; y++)
			memcpy(out + (size_t)(row * block + y) * stride, d.samples + y * samples_stride, c->width);
	}
	component_decoder_clear(&d);
	return 0;
}

/* --- RGB ----------------------------------------------------------------------------------------------------------- */

/* A component on luma's grid, width samples from row to row. */
static errint_t decode_full(const struct ic_view *view, unsigned component, uint8_t *out)
{
	const struct ic_layout *l = &view->layout;
	const struct ic_component *c = &l->component[component];
	if (c->width == l->width && c->height == l->height)
		return ic_decode_component(view, component, out, l->width);

	uint8_t *own = malloc((size_t)c->width * c->height);
	if (!own)
		return -ENOMEM;
	errint_t err = ic_decode_component(view, component, own, c->width);
	if (!err) {
		struct plane8 plane = {own, c->width, c->width, c->height};
		struct grid_axis half = {1, 2, 1};
		err = grid_resample(&plane, half, half, l->width, l->height, out, l->width);
	}
	free(own);
	return err;
}

errint_t ic_decode_rgb(const struct ic_view *view, uint8_t *out, size_t stride)
{
	const struct ic_layout *l = &view->layout;
	size_t npixels = (size_t)l->width * l->height;
	uint8_t *planes = malloc(npixels * l->ncomponents);
	if (!planes)
		return -ENOMEM;

	errint_t err = 0;
	for (unsigned c = 0; c < l->ncomponents && !err; c++)
		err = decode_full(view, c, planes + c * npixels);
	for (uint32_t row = 0; row < l->height && !err; row++) {
		const uint8_t *y = planes + (size_t)row * l->width;
		if (l->ncomponents == 1)
			color_gray_to_rgb(y, l->width, out + row * stride);
		else
			color_ycc_to_rgb(y, y + npixels, y + 2 * npixels, l->width, out + row * stride);
	}
	free(planes);
	return err;
}
