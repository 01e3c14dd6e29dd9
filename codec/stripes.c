/* SPDX-License-Identifier: MIT */
#include "codec/stripes_priv.h"

#include "codec/spread_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers between the two passes of a transform that stay in half of a first-level cache. */
#define SCRATCH_NUMBERS 8192

/* Blocks that are transformed together: whole groups, and one at the least. */
static unsigned run_of(unsigned block, unsigned lanes)
{
	unsigned n = SCRATCH_NUMBERS / (block * block) / lanes * lanes;
	return n ? n : lanes;
}

/* Where the codes of a frequency are while its rows are decoded. */
static const int8_t *codes_of(const struct stripes *s, unsigned f)
{
	if (s->spreads)
		return s->spread + f * s->spread_stride;
	return (const int8_t *)ic_view_plane_data(s->view, f * s->view->layout.ncomponents + s->component);
}

static int32_t twice(int16_t n)
{
	return (int32_t)((uint16_t)n * 0x10001u);
}

static void shape_init(struct stripes *s)
{
	const struct ic_layout *l = &s->view->layout;
	struct block_shape *shape = &s->shape;
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	ic_design_freqs(&l->design, freqs);
	memset(shape->nv, 0, sizeof shape->nv);
	memset(shape->is_product, true, sizeof shape->is_product);
	shape->block = s->block;
	shape->nu = 0;
	for (unsigned i = 0; i < s->block * s->block; i++)
		shape->frequencies[i] = (struct frequency){.codes = codes_of(s, 0)};
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned u = freqs[f].u, v = freqs[f].v;
		struct ic_plane_params params = ic_view_plane_params(s->view, f * l->ncomponents + s->component);
		struct dequant d = spread_dequant(params, l->design.bits);
		shape->frequencies[u * s->block + v] = (struct frequency){
		        codes_of(s, f), twice(d.step), twice(d.if_nonneg), twice((int16_t)(d.if_neg - d.if_nonneg))};
		shape->is_product[u] &= !d.if_nonneg && !d.if_neg;
		shape->nu = u >= shape->nu ? u + 1 : shape->nu;
		shape->nv[u] = v >= shape->nv[u] ? (uint8_t)(v + 1) : shape->nv[u];
	}
	if (s->block > 1)
		shape->npairs = block_shape_pairs(s->block, shape->pairs);
}

/* The parts of one allocation, each at a multiple of 64 bytes. */
static size_t reserve(size_t *nbytes, size_t part)
{
	size_t at = *nbytes;
	*nbytes += (part + 63) / 64 * 64;
	return at;
}

/* Where the parts of the one allocation begin. */
struct parts {
	size_t frequencies, spread, scratch, samples, nbytes;
	size_t stride, spread_stride; /* of samples, and of codes of a frequency */
	bool spreads;
	unsigned nheld;
};

static struct parts parts_of(const struct ic_layout *l, unsigned lanes, uint32_t ncols)
{
	unsigned block = l->design.block, run = run_of(block, lanes);
	size_t filled = (ncols + lanes - 1) / lanes * lanes, nscratch = filled < run ? filled : run;
	struct parts p = {
	        .stride = filled * block + TENSOR_SLACK,
	        .spread_stride = ncols + TENSOR_LANES_MAX + 16, /* from a multiple of 8 on, and up to one */
	        .spreads = l->design.bits < 8 || (ncols < lanes),
	        .nheld = (block > 1) ? 2 : STRIPES_HELD_MAX,
	};
	p.frequencies = reserve(&p.nbytes, (size_t)block * block * sizeof(struct frequency));
	p.spread = reserve(&p.nbytes, p.spreads ? l->nfreqs * p.spread_stride + SPREAD_SLACK : 0);
	p.scratch = reserve(&p.nbytes, block > 1 ? block * block * nscratch * sizeof(int16_t) : 0);
	p.samples = reserve(&p.nbytes, p.nheld * block * p.stride + TENSOR_SLACK);
	return p;
}

uint64_t stripes_memory(const struct ic_layout *l, unsigned component)
{
	return parts_of(l, TENSOR_LANES_MAX, l->component[component].block_cols).nbytes;
}

errint_t stripes_init(struct stripes *s, const struct tensor_kernel *kernel, const struct ic_view *view,
                      unsigned component, uint32_t left, uint32_t right)
{
	const struct ic_layout *l = &view->layout;
	unsigned block = l->design.block, lanes = kernel->unblock->lanes;
	uint32_t first_col = left / block, ncols = (right - 1) / block + 1 - first_col;
	struct parts parts = parts_of(l, lanes, ncols);
	uint8_t *memory = malloc(parts.nbytes);
	if (!memory)
		return -ENOMEM;

	s->kernel = kernel;
	s->view = view;
	s->component = component;
	s->block = block;
	s->shift = (unsigned)__builtin_ctz(block);
	s->first_col = first_col;
	s->ncols = ncols;
	s->shape.frequencies = (struct frequency *)(void *)(memory + parts.frequencies);
	s->spread = (int8_t *)memory + parts.spread;
	s->spread_stride = parts.spread_stride;
	s->spreads = parts.spreads;
	s->scratch = (int16_t *)(void *)(memory + parts.scratch);
	s->run = run_of(block, lanes);
	s->samples = memory + parts.samples;
	s->stride = parts.stride;
	s->nheld = parts.nheld;
	for (unsigned i = 0; i < s->nheld; i++)
		s->held[i] = -1;
	shape_init(s);
	return 0;
}

void stripes_clear(struct stripes *s)
{
	free(s->shape.frequencies);
	s->shape.frequencies = NULL;
}

/* Codes that the object has not one to a byte, or fewer than a group, are spread first. What is written behind those of a
 * frequency is written over by those of the next. */
static void spread_row(struct stripes *s, uint64_t first)
{
	const struct ic_layout *l = &s->view->layout;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned p = f * l->ncomponents + s->component;
		int8_t *spread = s->spread + f * s->spread_stride;
		if (l->design.bits < 8)
			spread_codes(s->kernel->coef, s->view, p, first & ~UINT64_C(7), s->ncols + first % 8, spread);
		else
			memcpy(spread, ic_view_plane_data(s->view, p) + first, s->ncols);
	}
}

static void decode_row(struct stripes *s, uint32_t row, uint8_t *samples)
{
	const struct unblock_kernel *kernel = s->kernel->unblock;
	const struct ic_layout *l = &s->view->layout;
	uint32_t stride = l->component[s->component].block_cols;
	uint64_t first = (uint64_t)row * stride + s->first_col;
	if (s->spreads) {
		spread_row(s, first);
		first = l->design.bits < 8 ? first % 8 : 0;
		stride = 0;
	}
	uint32_t ncols = s->ncols < kernel->lanes ? kernel->lanes : s->ncols;
	if (s->block == 1) {
		kernel->inverse_one(s->shape.frequencies, first, ncols, samples);
		return;
	}
	struct block_run run = {.next = stride, .scratch = s->scratch, .stride = s->stride};
	for (uint32_t col = 0; col < ncols; col += s->run) {
		/* The last run takes in blocks that were done, where it is less than a group. */
		col = ncols - col < kernel->lanes ? ncols - kernel->lanes : col;
		run.first = first + col;
		run.n = ncols - col < s->run ? ncols - col : s->run;
		run.samples = samples + (size_t)col * s->block;
		kernel->inverse(&s->shape, &run);
	}
}

const uint8_t *stripes_row(struct stripes *s, uint32_t left, uint32_t y)
{
	uint32_t row = y >> s->shift;
	unsigned slot = row & (s->nheld - 1);
	uint8_t *samples = s->samples + ((size_t)slot << s->shift) * s->stride;
	if (s->held[slot] != row) {
		decode_row(s, row, samples);
		s->held[slot] = row;
	}
	return samples + (y & (s->block - 1)) * s->stride + (left - (s->first_col << s->shift));
}
