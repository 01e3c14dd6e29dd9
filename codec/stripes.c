/* SPDX-License-Identifier: MIT */
#include "codec/stripes_priv.h"

#include "codec/spread_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CACHE_LINE 64

static void shape_init(struct stripes *s, const struct ic_view *view)
{
	const struct ic_layout *l = &view->layout;
	struct block_shape *shape = &s->shape;
	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	ic_design_freqs(&l->design, freqs);
	memset(shape->nv, 0, sizeof shape->nv);
	memset(shape->plane, 0xff, sizeof shape->plane);
	shape->block = s->block;
	shape->nu = 0;
	shape->dequant = s->dequant;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned u = freqs[f].u, v = freqs[f].v;
		struct ic_plane_params params = ic_view_plane_params(view, f * l->ncomponents + s->component);
		s->planes[f] = ic_view_plane_data(view, f * l->ncomponents + s->component);
		s->dequant[f] = spread_dequant(params, l->design.bits);
		shape->plane[u][v] = (int16_t)f;
		shape->nu = u >= shape->nu ? u + 1 : shape->nu;
		shape->nv[u] = v >= shape->nv[u] ? (uint8_t)(v + 1) : shape->nv[u];
	}
	if (s->block > 1)
		block_shape_pairs(s->block, shape->pairs);
}

/* The parts of one allocation, each at a multiple of 64 bytes. */
static size_t reserve(size_t *nbytes, size_t part)
{
	size_t at = *nbytes;
	*nbytes += (part + 63) / 64 * 64;
	return at;
}

errint_t stripes_init(struct stripes *s, const struct tensor_kernel *kernel, const struct ic_view *view,
                      unsigned component, uint32_t left, uint32_t right)
{
	const struct ic_layout *l = &view->layout;
	unsigned block = l->design.block, lanes = kernel->unblock->lanes;
	uint32_t first_col = left / block, ncols = (right - 1) / block + 1 - first_col;
	size_t stride = (size_t)(ncols < lanes ? lanes : ncols) * block + TENSOR_SLACK;
	size_t spread_stride = ncols + TENSOR_LANES_MAX + 2 * SPREAD_SLACK;
	bool spreads = l->design.bits < 8 || ncols < lanes;
	unsigned nheld = block > 1 ? 2 : STRIPES_HELD_MAX;

	size_t nbytes = 0;
	size_t dequant = reserve(&nbytes, l->nfreqs * sizeof *s->dequant);
	size_t planes = reserve(&nbytes, l->nfreqs * sizeof *s->planes);
	size_t codes = reserve(&nbytes, l->nfreqs * sizeof *s->codes);
	size_t some = reserve(&nbytes, l->nfreqs * sizeof *s->some);
	size_t spread = reserve(&nbytes, spreads ? l->nfreqs * spread_stride : 0);
	size_t scratch = reserve(&nbytes, (size_t)block * block * lanes * sizeof *s->scratch);
	size_t samples = reserve(&nbytes, nheld * block * stride + TENSOR_SLACK);
	uint8_t *memory = malloc(nbytes);
	if (!memory)
		return -ENOMEM;

	s->kernel = kernel;
	s->view = view;
	s->component = component;
	s->block = block;
	s->first_col = first_col;
	s->ncols = ncols;
	s->dequant = (struct dequant *)(void *)(memory + dequant);
	s->planes = (const uint8_t **)(void *)(memory + planes);
	s->codes = (const int8_t **)(void *)(memory + codes);
	s->some = (const int8_t **)(void *)(memory + some);
	s->spread = (int8_t *)memory + spread;
	s->spread_stride = spread_stride;
	s->scratch = (int16_t *)(void *)(memory + scratch);
	s->samples = memory + samples;
	s->stride = stride;
	s->nheld = nheld;
	for (unsigned i = 0; i < nheld; i++)
		s->held[i] = -1;
	shape_init(s, view);
	return 0;
}

void stripes_clear(struct stripes *s)
{
	free(s->dequant);
	s->dequant = NULL;
}

/* Point codes[] at those of row of blocks `row`, one to a byte, as many as a group at the least. */
static void load_row(struct stripes *s, uint32_t row)
{
	const struct ic_layout *l = &s->view->layout;
	uint64_t first = (uint64_t)row * l->component[s->component].block_cols + s->first_col;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		unsigned p = f * l->ncomponents + s->component;
		int8_t *spread = s->spread + f * s->spread_stride;
		if (l->design.bits < 8) {
			spread_codes(s->view, p, first & ~UINT64_C(7), s->ncols + first % 8, spread);
			s->codes[f] = spread + first % 8;
		} else {
			s->codes[f] = (const int8_t *)s->planes[f] + first;
			if (s->ncols < s->kernel->unblock->lanes)
				s->codes[f] = memcpy(spread, s->codes[f], s->ncols);
		}
	}
}

/* The planes are many streams of a few bytes each, which a processor does not foresee by itself. */
static void fetch_row(const struct stripes *s, uint32_t row)
{
	const struct ic_layout *l = &s->view->layout;
	const struct ic_component *c = &l->component[s->component];
	uint64_t first = ((uint64_t)row * c->block_cols + s->first_col) * l->design.bits / 8;
	size_t nbytes = (size_t)s->ncols * l->design.bits / 8 + 1;
	if (row >= c->block_rows)
		return;
	for (unsigned f = 0; f < l->nfreqs; f++) {
		const uint8_t *codes = s->planes[f] + first;
		for (size_t at = 0; at < nbytes + CACHE_LINE; at += CACHE_LINE)
			__builtin_prefetch(codes + at);
	}
}

static void decode_row(struct stripes *s, uint32_t row, uint8_t *samples)
{
	const struct unblock_kernel *kernel = s->kernel->unblock;
	load_row(s, row);
	fetch_row(s, row + 1);
	if (s->block == 1) {
		kernel->inverse_one(s->codes[0], s->dequant[0], s->ncols, samples);
		return;
	}
	for (uint32_t col = 0; col < s->ncols; col += kernel->lanes) {
		/* The last group takes in blocks that were done: no group is read in part. */
		if (s->ncols - col < kernel->lanes && s->ncols > kernel->lanes)
			col = s->ncols - kernel->lanes;
		for (unsigned f = 0; f < s->view->layout.nfreqs; f++)
			s->some[f] = s->codes[f] + col;
		kernel->inverse(&s->shape, s->some, s->scratch, samples + (size_t)col * s->block, s->stride);
	}
}

const uint8_t *stripes_row(struct stripes *s, uint32_t left, uint32_t y)
{
	uint32_t row = y / s->block;
	unsigned slot = row % s->nheld;
	uint8_t *samples = s->samples + (size_t)slot * s->block * s->stride;
	if (s->held[slot] != row) {
		decode_row(s, row, samples);
		s->held[slot] = row;
	}
	return samples + y % s->block * s->stride + (left - s->first_col * s->block);
}
