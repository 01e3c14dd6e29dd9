/* SPDX-License-Identifier: MIT */
/* Pixels, a row at a time: samples from stripes, chroma to luma's grid, colour, and out in the order that is asked for. */
#include "codec/tensor_priv.h"

#include "codec/stripes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JPEG decoders do not apply the triangle filter to chroma that is narrower. */
#define TRIANGLE_WIDTH_MIN 3

/* Room before in[0] of the triangle filter, for the one at its left. */
#define WIDE_LEAD 32

struct pixels {
	const struct tensor_job *job;
	struct stripes component[IC_COMPONENTS_MAX];
	unsigned ncomponents;
	bool is_half;           /* chroma, against luma */
	uint32_t left, right;   /* columns of chroma that the region needs: [left, right) */
	uint32_t first, last;   /* those that are decoded: with their neighbours, first..last */
	uint16_t *wide;         /* one row of chroma, between the two passes of the triangle filter */
	uint8_t *upsampled[2];  /* one row of chroma on luma's grid, from pixel 2 * left on */
	uint8_t *rgb[3];        /* one row of pixels; the first of what is freed, and all that follows with it */
	float *values, *joined; /* one row of numbers, and of all channels */
};

static void pixels_clear(struct pixels *p)
{
	for (unsigned c = 0; c < p->ncomponents; c++)
		stripes_clear(&p->component[c]);
	free(p->rgb[0]);
}

static errint_t rows_init(struct pixels *p)
{
	size_t n = (p->job->region.width + 2 + TENSOR_SLACK + 63) / 64 * 64;
	size_t wide_nbytes = (WIDE_LEAD + n) * sizeof *p->wide;
	uint8_t *memory = malloc(5 * n + wide_nbytes + 4 * n * sizeof *p->values);
	if (!memory)
		return -ENOMEM;
	p->rgb[0] = memory;
	p->rgb[1] = memory + n;
	p->rgb[2] = memory + 2 * n;
	p->upsampled[0] = memory + 3 * n;
	p->upsampled[1] = memory + 4 * n;
	p->wide = (uint16_t *)(void *)(memory + 5 * n) + WIDE_LEAD;
	p->values = (float *)(void *)(memory + 5 * n + wide_nbytes);
	p->joined = p->values + n;
	return 0;
}

static errint_t pixels_init(struct pixels *p, const struct tensor_job *job)
{
	const struct ic_layout *l = &job->view->layout;
	const struct ic_region *r = &job->region;
	*p = (struct pixels){.job = job};
	if (l->ncomponents == 3) {
		p->is_half = l->design.chroma == IC_CHROMA_HALF;
		p->left = p->is_half ? r->x / 2 : r->x;
		p->right = p->is_half ? (r->x + r->width - 1) / 2 + 1 : r->x + r->width;
		bool needs_before = p->is_half && p->left > 0;
		bool needs_after = p->is_half && p->right < l->component[1].width;
		p->first = p->left - needs_before;
		p->last = p->right - 1 + needs_after;
	}
	errint_t err = rows_init(p);
	for (; p->ncomponents < l->ncomponents && !err; p->ncomponents++) {
		unsigned c = p->ncomponents;
		err = stripes_init(&p->component[c], job->kernel, job->view, c, c ? p->first : r->x,
		                   c ? p->last + 1 : r->x + r->width);
		if (err)
			break;
	}
	if (err)
		pixels_clear(p);
	return err;
}

/* --- Chroma on luma's grid ----------------------------------------------------------------------------------------- */

static void repeat_chroma(struct pixels *p, unsigned component, uint32_t y, uint8_t *out)
{
	const uint8_t *in = stripes_row(&p->component[component], p->left, y / 2);
	for (uint32_t i = 0; i < p->right - p->left; i++)
		out[2 * i] = out[2 * i + 1] = in[i];
}

static void filter_chroma(struct pixels *p, unsigned component, uint32_t y, uint8_t *out)
{
	const struct pixel_kernel *kernel = p->job->kernel->pixel;
	const struct ic_component *own = &p->job->view->layout.component[component];
	uint32_t near = y / 2, far = y % 2 ? near + 1 : near - 1;
	far = far == own->height ? near : near || y % 2 ? far : 0;
	const uint8_t *near_row = stripes_row(&p->component[component], p->first, near);
	const uint8_t *far_row = stripes_row(&p->component[component], p->first, far);
	uint32_t n = p->last + 1 - p->first, before = p->left - p->first;
	uint16_t *wide = p->wide - before; /* so that wide[0] of the filter is always at p->wide */
	kernel->triangle_down(near_row, far_row, n, wide);
	if (!before)
		wide[-1] = wide[0];
	if (p->last + 1 == p->right)
		wide[n] = wide[n - 1];
	kernel->triangle_across(p->wide, p->right - p->left, out);
}

/* Row y of a component of chroma, from pixel x of the region on. */
static const uint8_t *chroma_row(struct pixels *p, unsigned component, uint32_t y)
{
	uint8_t *out = p->upsampled[component - 1];
	if (!p->is_half)
		return stripes_row(&p->component[component], p->left, y);
	if (p->job->view->layout.component[component].width < TRIANGLE_WIDTH_MIN)
		repeat_chroma(p, component, y, out);
	else
		filter_chroma(p, component, y, out);
	return out + (p->job->region.x - 2 * p->left);
}

/* --- One row of pixels --------------------------------------------------------------------------------------------- */

static void reverse(uint8_t *row, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		uint8_t other = row[n - 1 - i];
		row[n - 1 - i] = row[i];
		row[i] = other;
	}
}

/* Planes of R, G, B of row y; they may be one and the same. */
static void make_row(struct pixels *p, uint32_t y, const uint8_t *rgb[3])
{
	uint32_t width = p->job->region.width;
	const uint8_t *luma = stripes_row(&p->component[0], p->job->region.x, y);
	unsigned nplanes = p->ncomponents;
	if (nplanes == 3)
		p->job->kernel->pixel->color(luma, chroma_row(p, 1, y), chroma_row(p, 2, y), width, p->rgb);
	else
		memcpy(p->rgb[0], luma, width);
	for (unsigned c = 0; c < 3; c++) {
		rgb[c] = p->rgb[c < nplanes ? c : 0];
		if (p->job->flip && c < nplanes)
			reverse(p->rgb[c], width);
	}
}

/* --- Out ----------------------------------------------------------------------------------------------------------- */

/* Channels side by side: row y of the output. */
static void put_joined(struct pixels *p, const uint8_t *const rgb[3], uint8_t *out)
{
	const struct tensor_kernel *kernel = p->job->kernel;
	const struct ic_tensor_spec *spec = p->job->spec;
	uint32_t width = p->job->region.width;
	void *values = out;
	if (spec->type == IC_UINT8) {
		kernel->pixel->interleave(rgb, width, out);
		return;
	}
	float *joined = spec->type == IC_FLOAT32 ? values : p->joined;
	for (unsigned c = 0; c < 3; c++) {
		kernel->pixel->to_f32(rgb[c], width, tensor_mean(spec, c), tensor_scale(spec, c), p->values);
		for (uint32_t x = 0; x < width; x++)
			joined[3 * x + c] = p->values[x];
	}
	if (spec->type == IC_FLOAT16)
		kernel->coef->half(joined, 3 * (size_t)width, values);
}

/* A row of one channel. */
static void put_apart(struct pixels *p, const uint8_t *in, unsigned c, uint8_t *out)
{
	const struct tensor_kernel *kernel = p->job->kernel;
	const struct ic_tensor_spec *spec = p->job->spec;
	uint32_t width = p->job->region.width;
	void *values = out;
	if (spec->type == IC_UINT8) {
		memcpy(out, in, width);
		return;
	}
	float *numbers = spec->type == IC_FLOAT32 ? values : p->values;
	kernel->pixel->to_f32(in, width, tensor_mean(spec, c), tensor_scale(spec, c), numbers);
	if (spec->type == IC_FLOAT16)
		kernel->coef->half(numbers, width, values);
}

static void put_row(struct pixels *p, const uint8_t *const rgb[3], uint32_t row)
{
	const struct ic_tensor_shape *shape = &p->job->shape;
	size_t value = shape->value_nbytes, width = shape->width, own = p->job->region.width;
	uint8_t *out = p->job->out;
	if (p->job->spec->axes == IC_NHWC) {
		out += row * 3 * width * value;
		put_joined(p, rgb, out);
		tensor_pad(p->job, out + 3 * own * value, 3 * (width - own));
		return;
	}
	for (unsigned c = 0; c < 3; c++) {
		uint8_t *line = out + (c * shape->height + row) * width * value;
		put_apart(p, rgb[c], c, line);
		tensor_pad(p->job, line + own * value, width - own);
	}
}

static void pad_below(const struct tensor_job *job)
{
	const struct ic_tensor_shape *shape = &job->shape;
	bool is_joined = job->spec->axes == IC_NHWC;
	size_t row = (size_t)shape->width * (is_joined ? 3 : 1), rows = shape->height - job->region.height;
	for (unsigned c = 0; c < (is_joined ? 1 : 3); c++) {
		size_t first = (c * shape->height + job->region.height) * row;
		tensor_pad(job, (uint8_t *)job->out + first * shape->value_nbytes, rows * row);
	}
}

errint_t tensor_pixels(const struct tensor_job *job)
{
	struct pixels p;
	errint_t err = pixels_init(&p, job);
	if (err)
		return err;
	for (uint32_t row = 0; row < job->region.height; row++) {
		const uint8_t *rgb[3];
		make_row(&p, job->region.y + row, rgb);
		put_row(&p, rgb, row);
	}
	pad_below(job);
	pixels_clear(&p);
	return 0;
}
