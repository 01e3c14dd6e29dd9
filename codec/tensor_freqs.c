/* SPDX-License-Identifier: MIT */
/* Frequencies: planes become channels, as they lie or laid out anew where a window, a flip or repeated chroma asks. */
#include "codec/tensor_priv.h"

#include "codec/spread_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUN 8192 /* codes at a time: a multiple of 8, and with their values in the second-level cache */

/* One channel of an output. */
struct channel {
	const struct tensor_job *job;
	unsigned index; /* of mean and scale */
	int plane;      /* of the object, or -1 for one that it does not have: coefficients of 0 */
	unsigned component;
	struct dequant dequant;
	unsigned repeat;         /* 2: each block stands for 2 x 2 of the output */
	struct ic_region region; /* in blocks of the output */
	uint32_t width, height;  /* of the output */
	int8_t *spread, *rows;   /* scratch: codes of a row of the object, and of rows of the output */
};

static void put_values(const struct channel *c, const int8_t *codes, size_t n, uint8_t *out)
{
	const struct ic_tensor_spec *spec = c->job->spec;
	const struct coef_kernel *kernel = c->job->kernel->coef;
	float mean = tensor_mean(spec, c->index), scale = tensor_scale(spec, c->index);
	void *values = out;
	switch (spec->type) {
	case IC_INT8:
		kernel->to_i8(codes, n, c->dequant, mean, scale, values);
		break;
	case IC_INT16:
		kernel->to_i16(codes, n, c->dequant, values);
		break;
	case IC_FLOAT16:
		kernel->to_f16(codes, n, c->dequant, mean, scale, values);
		break;
	case IC_BFLOAT16:
		kernel->to_bf16(codes, n, c->dequant, mean, scale, values);
		break;
	default:
		kernel->to_f32(codes, n, c->dequant, mean, scale, values);
	}
}

/* n codes of the plane from code `first` on, one to a byte; spread[] has room for them and 2 * SPREAD_SLACK. */
static const int8_t *load_codes(const struct channel *c, uint64_t first, size_t n)
{
	const struct ic_view *view = c->job->view;
	if (c->plane < 0)
		return memset(c->spread, 0, n);
	if (view->layout.design.bits == 8)
		return (const int8_t *)ic_view_plane_data(view, (unsigned)c->plane) + first;
	spread_codes(c->job->kernel->coef, view, (unsigned)c->plane, first & ~UINT64_C(7), n + first % 8, c->spread);
	return c->spread + first % 8;
}

/* A plane as it lies. */
static void put_plane(const struct channel *c, uint8_t *out)
{
	size_t n = (size_t)c->width * c->height, run = c->plane >= 0 && c->job->view->layout.design.bits == 8 ? n : RUN;
	for (size_t done = 0; done < n; done += run) {
		size_t count = n - done < run ? n - done : run;
		put_values(c, load_codes(c, done, count), count, out + done * c->job->shape.value_nbytes);
	}
}

/* The codes of row y of the region, in the order and number that the output has. */
static void load_row(const struct channel *c, uint32_t y, int8_t *row)
{
	const struct ic_layout *l = &c->job->view->layout;
	uint32_t cols = c->plane < 0 ? 0 : l->component[c->component].block_cols, n = c->region.width;
	uint32_t own = (n + c->repeat - 1) / c->repeat;
	uint64_t first = (uint64_t)((c->region.y + y) / c->repeat) * cols + c->region.x / c->repeat;
	const int8_t *codes = load_codes(c, first, own);
	if (c->repeat == 1 && !c->job->flip) {
		memcpy(row, codes, n);
	} else if (c->repeat == 1) {
		for (uint32_t x = 0; x < n; x++)
			row[x] = codes[n - 1 - x];
	} else if (c->job->flip) {
		for (uint32_t x = 0; x < own; x++)
			row[2 * x] = row[2 * x + 1] = codes[own - 1 - x];
	} else {
		for (uint32_t x = 0; x < own; x++)
			row[2 * x] = row[2 * x + 1] = codes[x];
	}
}

/* Rows are short, and kernels slow at the ends: many become values at once, the padding between them included, which is
 * written over after. */
static void put_rows(const struct channel *c, uint8_t *out)
{
	size_t value = c->job->shape.value_nbytes, stride = c->width * value;
	uint32_t most = c->width < RUN ? RUN / c->width : 1, n;
	for (uint32_t y = 0; y < c->region.height; y += n, out += n * stride) {
		n = c->region.height - y < most ? c->region.height - y : most;
		for (uint32_t i = 0; i < n; i++)
			load_row(c, y + i, c->rows + (size_t)i * c->width);
		put_values(c, c->rows, (size_t)(n - 1) * c->width + c->region.width, out);
		for (uint32_t i = 0; i < n && c->region.width < c->width; i++)
			tensor_pad(c->job, out + i * stride + c->region.width * value, c->width - c->region.width);
	}
	tensor_pad(c->job, out, (size_t)(c->height - c->region.height) * c->width);
}

static void put_channel(const struct channel *c, uint8_t *out)
{
	const struct ic_layout *l = &c->job->view->layout;
	const struct ic_component *own = &l->component[c->plane < 0 ? 0 : c->component];
	bool is_whole = c->region.width == c->width && c->region.height == c->height;
	/* Rows follow each other in the plane as in the output. */
	bool as_it_lies =
	        c->plane < 0 || (c->repeat == 1 && !c->job->flip && c->width == own->block_cols && !c->region.y);
	if (is_whole && as_it_lies)
		put_plane(c, out);
	else
		put_rows(c, out);
}

/* A region of luma's blocks on the grid of halved chroma; x and y are even. */
static struct ic_region half_region(struct ic_region r)
{
	return (struct ic_region){r.x / 2, r.y / 2, (r.width + 1) / 2, (r.height + 1) / 2};
}

static void set_plane(struct channel *c, struct ic_freq freq, unsigned f)
{
	const struct ic_layout *l = &c->job->view->layout;
	c->plane = -1;
	c->dequant = (struct dequant){0};
	if (c->component >= l->ncomponents)
		return;
	c->plane = (int)(f * l->ncomponents + c->component);
	c->dequant = spread_dequant(ic_view_plane_params(c->job->view, (unsigned)c->plane), l->design.bits);
	if (c->job->flip && freq.u % 2) {
		c->dequant.step = (int16_t)-c->dequant.step;
		c->dequant.if_nonneg = (int16_t)-c->dequant.if_nonneg;
		c->dequant.if_neg = (int16_t)-c->dequant.if_neg;
	}
}

/* All frequencies of components `from` up to `to` into channels of one output, the first of which has mean `first`. */
static void put_components(const struct tensor_job *job, unsigned from, unsigned to, unsigned first, int8_t *scratch,
                           size_t line_nbytes, uint8_t *out)
{
	const struct ic_layout *l = &job->view->layout;
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	bool is_apart = from > 0, is_half = l->design.chroma == IC_CHROMA_HALF;
	struct channel c = {.job = job, .index = first, .spread = scratch, .rows = scratch + line_nbytes};
	c.width = is_apart ? job->shape.chroma_width : job->shape.width;
	c.height = is_apart ? job->shape.chroma_height : job->shape.height;
	c.region = is_apart && is_half ? half_region(job->region) : job->region;
	size_t nbytes = (size_t)c.width * c.height * job->shape.value_nbytes;
	ic_design_freqs(&l->design, freqs);
	for (unsigned f = 0; f < l->nfreqs; f++) {
		for (c.component = from; c.component < to; c.component++, c.index++, out += nbytes) {
			c.repeat = c.component && !is_apart && is_half ? 2 : 1;
			set_plane(&c, freqs[f], f);
			put_channel(&c, out);
		}
	}
}

errint_t tensor_freqs(const struct tensor_job *job)
{
	const struct ic_layout *l = &job->view->layout;
	unsigned in_out = job->shape.channels / l->nfreqs; /* components of the first output */
	size_t longest = job->region.width < RUN ? RUN : job->region.width;
	size_t line_nbytes = longest + 2 * SPREAD_SLACK;
	int8_t *scratch = calloc(2, line_nbytes);
	if (!scratch)
		return -ENOMEM;
	put_components(job, 0, in_out, 0, scratch, line_nbytes, job->out);
	if (job->shape.chroma_channels)
		put_components(job, 1, 3, job->shape.channels, scratch, line_nbytes, job->chroma);
	free(scratch);
	return 0;
}
