/* SPDX-License-Identifier: MIT */
/* Pixels, a row at a time: samples from stripes, chroma to luma's grid, colour, and out in the order that is asked for. */
#include "codec/tensor_priv.h"

#include "codec/stripes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JPEG decoders do not apply the triangle filter to chroma that is narrower. */
#define TRIANGLE_WIDTH_MIN 3

/* Room before half[0], for the one at its left. */
#define HALF_LEAD 32

struct pixels {
	const struct tensor_job *job;
	struct stripes component[IC_COMPONENTS_MAX];
	unsigned ncomponents;
	bool is_half;  /* chroma, against luma, and filtered */
	uint32_t lead; /* 1: rows are made from the pixel before the region's first on, which chroma shares with it */
	uint32_t left, right; /* columns of chroma that the region needs: [left, right) */
	uint32_t first, last; /* those that are decoded: with their neighbours, first..last */
	int16_t *half[2];     /* one row of chroma, between the two passes of the triangle filter */
	uint8_t *rgb[3];      /* one row of pixels; the first of what is freed, and all that follows with it */
	uint8_t *repeated[2]; /* one row of chroma that is not filtered, on luma's grid */
	uint8_t *joined;      /* one row of all channels */
	struct pixel_numbers numbers[3]; /* of each channel; or one for all, side by side */
};

static void pixels_clear(struct pixels *p)
{
	for (unsigned c = 0; c < p->ncomponents; c++)
		stripes_clear(&p->component[c]);
	free(p->rgb[0]);
}

static size_t row_nbytes(uint32_t width)
{
	return ((size_t)width + 2 + TENSOR_SLACK + 63) / 64 * 64;
}

static size_t half_nbytes_of(size_t row)
{
	return (HALF_LEAD + row / 2 + TENSOR_SLACK) * sizeof(int16_t);
}

static errint_t rows_init(struct pixels *p)
{
	size_t n = row_nbytes(p->job->region.width), half_nbytes = half_nbytes_of(n);
	uint8_t *memory = malloc(8 * n + 2 * half_nbytes);
	if (!memory)
		return -ENOMEM;
	for (unsigned c = 0; c < 3; c++)
		p->rgb[c] = memory + c * n;
	p->joined = memory + 3 * n;
	for (unsigned i = 0; i < 2; i++) {
		p->repeated[i] = memory + (6 + i) * n;
		p->half[i] = (int16_t *)(void *)(memory + 8 * n + i * half_nbytes) + HALF_LEAD;
	}
	return 0;
}

static void numbers_init(struct pixels *p)
{
	const struct ic_tensor_spec *spec = p->job->spec;
	if (spec->type == IC_UINT8)
		return;
	for (unsigned i = 0; i < 3 * PIXEL_NUMBERS; i++) {
		struct pixel_numbers *numbers = &p->numbers[i / PIXEL_NUMBERS];
		unsigned channel = spec->axes == IC_NHWC ? i % 3 : i / PIXEL_NUMBERS;
		numbers->mean[i % PIXEL_NUMBERS] = tensor_mean(spec, channel);
		numbers->scale[i % PIXEL_NUMBERS] = tensor_scale(spec, channel);
	}
}

static void chroma_init(struct pixels *p)
{
	const struct ic_layout *l = &p->job->view->layout;
	const struct ic_region *r = &p->job->region;
	unsigned divide = l->design.chroma;
	p->is_half = divide == IC_CHROMA_HALF && l->component[1].width >= TRIANGLE_WIDTH_MIN;
	p->left = r->x / divide;
	p->right = (r->x + r->width - 1) / divide + 1;
	p->first = p->left - (p->is_half && p->left > 0);
	p->last = p->right - 1 + (p->is_half && p->right < l->component[1].width);
	p->lead = r->x - p->left * divide;
}

static errint_t pixels_init(struct pixels *p, const struct tensor_job *job)
{
	const struct ic_layout *l = &job->view->layout;
	const struct ic_region *r = &job->region;
	p->job = job;
	p->ncomponents = 0;
	p->lead = 0;
	p->rgb[0] = NULL;
	if (l->ncomponents == 3)
		chroma_init(p);
	numbers_init(p);
	errint_t err = rows_init(p);
	for (; p->ncomponents < l->ncomponents && !err; p->ncomponents++) {
		unsigned c = p->ncomponents;
		err = stripes_init(&p->component[c], job->kernel, job->view, c, c ? p->first : r->x - p->lead,
		                   c ? p->last + 1 : r->x + r->width);
		if (err)
			break;
	}
	if (err)
		pixels_clear(p);
	return err;
}

/* --- Chroma -------------------------------------------------------------------------------------------------------- */

static void repeat_chroma(struct pixels *p, unsigned component, uint32_t y, uint8_t *out)
{
	const uint8_t *in = stripes_row(&p->component[component], p->left, y / 2);
	for (uint32_t i = 0; i < p->right - p->left; i++)
		out[2 * i] = out[2 * i + 1] = in[i];
}

/* From left on, with the one before and the one behind. */
static void filter_chroma(struct pixels *p, unsigned component, uint32_t y, int16_t *out)
{
	const struct ic_component *own = &p->job->view->layout.component[component];
	uint32_t near = y / 2, far = y % 2 ? near + 1 : near - 1;
	far = far == own->height ? near : near || y % 2 ? far : 0;
	const uint8_t *near_row = stripes_row(&p->component[component], p->first, near);
	const uint8_t *far_row = stripes_row(&p->component[component], p->first, far);
	uint32_t n = p->last + 1 - p->first, before = p->left - p->first;
	p->job->kernel->pixel->triangle_down(near_row, far_row, n, out - before);
	if (!before)
		out[-1] = out[0];
	if (p->last + 1 == p->right)
		out[p->right - p->left] = out[p->right - p->left - 1];
}

/* --- One row of pixels --------------------------------------------------------------------------------------------- */

/* Colours, from `lead` before the region on. */
static void color_row(struct pixels *p, uint32_t y, bool joined, uint8_t *const out[3], size_t room)
{
	const struct ic_region *r = &p->job->region;
	struct pixel_row row = {.n = r->width + p->lead};
	bool is_repeated = p->job->view->layout.design.chroma == IC_CHROMA_HALF && !p->is_half;
	row.luma = stripes_row(&p->component[0], r->x - p->lead, y);
	for (unsigned i = 0; i < 2; i++) {
		row.half[i] = p->half[i];
		row.chroma[i] = p->repeated[i];
		if (p->is_half)
			filter_chroma(p, 1 + i, y, p->half[i]);
		else if (is_repeated)
			repeat_chroma(p, 1 + i, y, p->repeated[i]);
		else
			row.chroma[i] = stripes_row(&p->component[1 + i], p->left, y);
	}
	p->job->kernel->pixel->color[p->is_half][joined](&row, out, room);
}

static void reverse(uint8_t *row, uint32_t n)
{
	for (uint32_t i = 0; i < n / 2; i++) {
		uint8_t other = row[n - 1 - i];
		row[n - 1 - i] = row[i];
		row[i] = other;
	}
}

/* Planes of R, G, B of row y; they may be one and the same. */
static void make_planes(struct pixels *p, uint32_t y, const uint8_t *rgb[3])
{
	uint32_t width = p->job->region.width;
	unsigned nplanes = p->ncomponents;
	if (nplanes == 3)
		color_row(p, y, false, p->rgb, width + p->lead);
	else
		memcpy(p->rgb[0], stripes_row(&p->component[0], p->job->region.x, y), width);
	for (unsigned c = 0; c < 3; c++) {
		uint8_t *plane = p->rgb[c < nplanes ? c : 0] + p->lead;
		rgb[c] = plane;
		if (p->job->flip && c < nplanes)
			reverse(plane, width);
	}
}

/* Whether colours may be written where they belong, without a row between. */
static bool is_direct(const struct pixels *p)
{
	return p->ncomponents == 3 && !p->lead && !p->job->flip;
}

/* --- Out ----------------------------------------------------------------------------------------------------------- */

static void put_values(const struct pixels *p, const uint8_t *in, size_t n, unsigned numbers, void *out)
{
	const struct pixel_kernel *kernel = p->job->kernel->pixel;
	if (p->job->spec->type == IC_UINT8)
		memcpy(out, in, n);
	else if (p->job->spec->type == IC_FLOAT16)
		kernel->to_f16(in, n, &p->numbers[numbers], out);
	else if (p->job->spec->type == IC_BFLOAT16)
		kernel->to_bf16(in, n, &p->numbers[numbers], out);
	else
		kernel->to_f32(in, n, &p->numbers[numbers], out);
}

/* Bytes of the channels of row y side by side; `room` as kernels take it. */
static void join_row(struct pixels *p, uint32_t y, uint8_t *out, size_t room)
{
	const uint8_t *rgb[3];
	if (is_direct(p)) {
		color_row(p, y, true, (uint8_t *[3]){out}, room);
		return;
	}
	make_planes(p, y, rgb);
	p->job->kernel->pixel->interleave(rgb, p->job->region.width, out);
}

/* Row `row` of the output. What kernels write beyond its end is written over by what comes behind it. */
static void put_joined(struct pixels *p, uint32_t row)
{
	const struct tensor_job *job = p->job;
	size_t value = job->shape.value_nbytes, own = 3 * (size_t)job->region.width;
	size_t line_nbytes = 3 * (size_t)job->shape.width * value, room = (job->shape.height - row) * line_nbytes;
	uint8_t *out = (uint8_t *)job->out + row * line_nbytes;
	uint8_t *bytes = job->spec->type == IC_UINT8 ? out : p->joined;
	join_row(p, job->region.y + row, bytes, bytes == out ? room : own);
	if (bytes != out)
		put_values(p, bytes, own, 0, out);
	tensor_pad(job, out + own * value, 3 * (size_t)(job->shape.width - job->region.width));
}

static void put_apart(struct pixels *p, uint32_t row)
{
	const struct tensor_job *job = p->job;
	size_t value = job->shape.value_nbytes, own = job->region.width, line_nbytes = job->shape.width * value;
	size_t room = (job->shape.height - row) * line_nbytes;
	bool is_direct_here = is_direct(p) && job->spec->type == IC_UINT8;
	const uint8_t *rgb[3];
	uint8_t *out[3];
	for (unsigned c = 0; c < 3; c++)
		out[c] = (uint8_t *)job->out + ((size_t)c * job->shape.height + row) * line_nbytes;
	if (is_direct_here)
		color_row(p, job->region.y + row, false, out, room);
	else
		make_planes(p, job->region.y + row, rgb);
	for (unsigned c = 0; c < 3; c++) {
		if (!is_direct_here)
			put_values(p, rgb[c], own, c, out[c]);
		tensor_pad(job, out[c] + own * value, job->shape.width - own);
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
		if (job->spec->axes == IC_NHWC)
			put_joined(&p, row);
		else
			put_apart(&p, row);
	}
	pad_below(job);
	pixels_clear(&p);
	return 0;
}

/* --- For other formats --------------------------------------------------------------------------------------------- */

errint_t tensor_component(const struct ic_view *view, unsigned component, uint8_t *out, size_t stride)
{
	const struct ic_component *c = &view->layout.component[component];
	struct stripes stripes;
	errint_t err = stripes_init(&stripes, tensor_kernel_best(), view, component, 0, c->width);
	if (err)
		return err;
	for (uint32_t y = 0; y < c->height; y++)
		memcpy(out + y * stride, stripes_row(&stripes, 0, y), c->width);
	stripes_clear(&stripes);
	return 0;
}

uint64_t tensor_memory(const struct ic_layout *l)
{
	uint64_t n = row_nbytes(l->width), nbytes = 8 * n + 2 * half_nbytes_of(n);
	for (unsigned c = 0; c < l->ncomponents; c++)
		nbytes += stripes_memory(l, c);
	return nbytes;
}

errint_t tensor_bmp_rows(const struct ic_view *view, uint8_t *out, size_t stride)
{
	const struct ic_layout *l = &view->layout;
	const struct ic_tensor_spec spec = {.axes = IC_NHWC};
	const struct tensor_job job = {
	        .kernel = tensor_kernel_best(),
	        .view = view,
	        .spec = &spec,
	        .region = {0, 0, l->width, l->height},
	};
	struct pixels p;
	errint_t err = pixels_init(&p, &job);
	if (err)
		return err;
	for (uint32_t y = 0; y < l->height; y++) {
		uint8_t *row = out + (l->height - 1 - y) * stride;
		const uint8_t *rgb[3];
		make_planes(&p, y, rgb);
		if (l->ncomponents == 1)
			memcpy(row, rgb[0], l->width);
		else
			job.kernel->pixel->interleave((const uint8_t *[3]){rgb[2], rgb[1], rgb[0]}, l->width, row);
	}
	pixels_clear(&p);
	return 0;
}
