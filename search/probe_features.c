/* SPDX-License-Identifier: MIT */
#include "search/probe_features_priv.h"

#include "codec/tensor.h"
#include "search/probe_filters_priv.h"
#include "search/probe_resample_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NPIXELS (PROBE_SIDE * PROBE_SIDE)
#define PAD (PROBE_WINDOW / 2) /* samples around a scale, so that there is a window for each of its own */

struct probe_scratch {
	const struct probe_filters *filters;
	struct resample_axis x, y; /* of the last image */
	uint8_t *pixels;           /* as they are decoded: three planes; behind them what resample wants */
	size_t pixels_nbytes;
	uint8_t grid[3 * NPIXELS];
	int16_t channel[3 * NPIXELS];     /* of colours in opposition */
	int16_t padded[PROBE_PADDED_MAX]; /* one scale, as its windows read it */
	uint16_t sums[PROBE_NFILTERS * PROBE_SIDE];
	uint32_t cells[PROBE_CELLS * PROBE_CELLS * PROBE_NFILTERS];
};

errint_t probe_scratch_new(const struct probe_filters *filters, struct probe_scratch **ret_scratch)
{
	struct probe_scratch *scratch = calloc(1, sizeof *scratch);
	if (!scratch)
		return -ENOMEM;
	scratch->filters = filters;
	*ret_scratch = scratch;
	return 0;
}

void probe_scratch_free(struct probe_scratch *scratch)
{
	if (!scratch)
		return;
	resample_axis_clear(&scratch->x);
	resample_axis_clear(&scratch->y);
	free(scratch->pixels);
	free(scratch);
}

/* --- From an object to the grid ----------------------------------------------------------------------------------- */

static errint_t fit_axis(struct resample_axis *axis, uint32_t nin)
{
	if (axis->nin == nin)
		return 0;
	resample_axis_clear(axis);
	return resample_axis_init(axis, nin, PROBE_SIDE);
}

/* Room for an image of this size, and behind its pixels for resample. */
static errint_t fit(struct probe_scratch *s, uint32_t width, uint32_t height, uint8_t **ret_memory)
{
	errint_t err = fit_axis(&s->x, width);
	if (!err)
		err = fit_axis(&s->y, height);
	if (err)
		return err;
	size_t pixels = ((size_t)width * height * 3 + 63) / 64 * 64, nbytes = pixels + resample_nbytes(&s->x, &s->y);
	if (s->pixels_nbytes < nbytes) {
		free(s->pixels);
		s->pixels = malloc(nbytes);
		s->pixels_nbytes = s->pixels ? nbytes : 0;
	}
	if (!s->pixels)
		return -ENOMEM;
	*ret_memory = s->pixels + pixels;
	return 0;
}

errint_t probe_grid(struct probe_scratch *s, const struct ic_view *view, const uint8_t **ret_grid, struct ic_why *why)
{
	static const struct ic_tensor_spec spec = {.values = IC_RGB, .type = IC_UINT8, .axes = IC_NCHW};
	uint32_t width = view->layout.width, height = view->layout.height;
	struct ic_tensor_shape shape;
	uint8_t *memory;
	errint_t err = ic_tensor_shape(&view->layout, &spec, &shape, why);
	if (err)
		return err;
	err = fit(s, width, height, &memory);
	if (err)
		return ic_fail(why, err, "out of memory for an image of %u x %u", width, height);
	err = ic_tensor_decode(view, &spec, NULL, s->pixels, NULL, why);
	if (err)
		return err;
	for (unsigned c = 0; c < 3; c++)
		resample(&s->x, &s->y, s->pixels + (size_t)c * width * height, width, memory, s->grid + c * NPIXELS);
	*ret_grid = s->grid;
	return 0;
}

/* --- From the grid to features ------------------------------------------------------------------------------------ */

/* Brightness, blue against red, and green against both, each in -PROBE_RANGE..PROBE_RANGE: one eighth of a level is 1.
 * The weights of brightness are those of JFIF. */
static void oppose(const uint8_t *restrict grid, int16_t *restrict out)
{
	const uint8_t *r = grid, *g = grid + NPIXELS, *b = grid + 2 * NPIXELS;
	for (size_t i = 0; i < NPIXELS; i++) {
		out[i] = (int16_t)(((77 * r[i] + 150 * g[i] + 29 * b[i]) >> 5) - PROBE_RANGE);
		out[NPIXELS + i] = (int16_t)((b[i] - r[i]) * 4);
		out[2 * NPIXELS + i] = (int16_t)((2 * g[i] - r[i] - b[i]) * 2);
	}
}

/* In place: means of 2 x 2. */
static void halve(int16_t *channel, unsigned side)
{
	for (unsigned y = 0; y < side / 2; y++) {
		const int16_t *top = channel + (size_t)2 * y * side, *bottom = top + side;
		int16_t *out = channel + (size_t)y * side / 2;
		for (unsigned x = 0; x < side / 2; x++, top += 2, bottom += 2)
			out[x] = (int16_t)((top[0] + top[1] + bottom[0] + bottom[1] + 2) >> 2);
	}
}

/* One row, its first and last sample repeated, each `step`-th sample in a row of its own. */
static void pad_row(const struct probe_scale *scale, const int16_t *in, int16_t *restrict out)
{
	unsigned side = scale->noutputs * scale->step;
	int16_t row[PROBE_SIDE + 2 * PAD];
	for (unsigned i = 0; i < PAD; i++) {
		row[i] = in[0];
		row[PAD + side + i] = in[side - 1];
	}
	memcpy(row + PAD, in, side * sizeof *row);
	if (scale->step == 1) {
		memcpy(out, row, (side + 2 * PAD) * sizeof *row);
	} else {
		for (unsigned i = 0; i < side / 2 + PAD; i++) {
			out[i] = row[2 * i];
			out[scale->stride + i] = row[2 * i + 1];
		}
	}
}

static void pad(const struct probe_scale *scale, const int16_t *channel, int16_t *out)
{
	unsigned side = scale->noutputs * scale->step;
	for (unsigned y = 0; y < side + 2 * PAD; y++) {
		unsigned from = y < PAD ? 0 : y - PAD < side ? y - PAD : side - 1;
		for (unsigned c = 0; c < 3; c++, out += scale->step * scale->stride)
			pad_row(scale, channel + c * NPIXELS + (size_t)from * side, out);
	}
}

/* Sums over a run of rows to sums over cells. */
static void add_run(const struct probe_scale *scale, const uint16_t *sums, uint32_t *cells)
{
	unsigned width = scale->noutputs / PROBE_CELLS;
	for (unsigned f = 0; f < scale->bank.nfilters; f++, cells += PROBE_CELLS * PROBE_CELLS) {
		for (unsigned cell = 0; cell < PROBE_CELLS; cell++, sums += width) {
			uint32_t sum = 0;
			for (unsigned x = 0; x < width; x++)
				sum += sums[x];
			cells[cell] = sum;
		}
	}
}

static void filter_scale(struct probe_scratch *s, const struct probe_kernel *kernel, const struct probe_scale *scale)
{
	unsigned nfilters = scale->bank.nfilters, height = scale->noutputs / PROBE_CELLS;
	for (unsigned cell = 0; cell < PROBE_CELLS; cell++) {
		memset(s->sums, 0, nfilters * scale->noutputs * sizeof *s->sums);
		for (unsigned y = 0; y < height; y++)
			kernel->add_row(&scale->bank, s->padded + (cell * height + y) * scale->row_step,
			                scale->noutputs, s->sums);
		add_run(scale, s->sums, s->cells + cell * PROBE_CELLS);
	}
}

static float *put_filtered(struct probe_scratch *s, const struct probe_scale *scale, float *out)
{
	unsigned nvalues = PROBE_CELLS * PROBE_CELLS * scale->bank.nfilters;
	float one = 1.0f / (float)(scale->noutputs * scale->noutputs);
	for (unsigned i = 0; i < nvalues; i++)
		*out++ = sqrtf((float)s->cells[i] * one);
	return out;
}

static int32_t sum_of(const int16_t *values, unsigned n)
{
	int32_t sum = 0;
	for (unsigned i = 0; i < n; i++)
		sum += values[i];
	return sum;
}

/* The mean of each channel over each cell. */
static float *put_colours(const int16_t *channel, unsigned side, float *out)
{
	unsigned width = side / PROBE_CELLS;
	for (unsigned c = 0; c < 3; c++, channel += NPIXELS) {
		int32_t cells[PROBE_CELLS * PROBE_CELLS] = {0};
		for (unsigned y = 0; y < side; y++)
			for (unsigned cell = 0; cell < PROBE_CELLS; cell++)
				cells[y / width * PROBE_CELLS + cell] +=
				        sum_of(channel + y * side + cell * width, width);
		for (unsigned i = 0; i < PROBE_CELLS * PROBE_CELLS; i++)
			*out++ = (float)cells[i] / (float)(width * width);
	}
	return out;
}

void probe_features(struct probe_scratch *s, const struct probe_kernel *kernel, const uint8_t *grid, float *out)
{
	const struct probe_filters *filters = s->filters;
	unsigned side = PROBE_SIDE;
	oppose(grid, s->channel);
	for (unsigned i = 0; i < PROBE_NSCALES; i++) {
		const struct probe_scale *scale = &filters->scales[i];
		for (; side > scale->noutputs * scale->step; side /= 2)
			for (unsigned c = 0; c < 3; c++)
				halve(s->channel + c * NPIXELS, side);
		pad(scale, s->channel, s->padded);
		filter_scale(s, kernel, scale);
		out = put_filtered(s, scale, out);
	}
	put_colours(s->channel, side, out);
}
