/* SPDX-License-Identifier: MIT */
/*
 * Pixels of another size: across first, then down, each rounded to 8 bits, as Pillow does it. Rows come a band at a time,
 * which is laid on its side for the pass across; of its rows those are held that the pass down needs next.
 */
#include "codec/pixel_rows_priv.h"
#include "codec/pixel_writer_priv.h"
#include "codec/resize_axis_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Rows of a band: as many as fill the widest register with a channel's part of a column or two, and few enough that a band
 * of a photograph stays in a second-level cache. */
#define BAND 32

#define PIECE 16 /* what resize_kernel.transpose turns at a time */

struct resizing {
	const struct tensor_job *job;
	struct tensor_job source; /* the same for the pixels that the result is made of */
	struct pixel_rows rows;
	struct pixel_writer writer;
	struct resize_axis x, y;
	unsigned nplanes; /* 1 for gray */

	uint8_t *memory;  /* the one allocation */
	uint8_t *band;    /* [plane][row], band_stride bytes apart */
	uint8_t *columns; /* of the band, nplanes * BAND bytes each */
	uint8_t *across;  /* columns of the result, likewise */
	uint8_t *held;    /* [plane][row] of the result, before the pass down; nheld_max rows of line bytes a plane */
	uint8_t *rgb[3];  /* a row of the result */
	uint8_t *joined;
	size_t band_stride, line, nheld_max;
	uint32_t first_held, nheld; /* which rows of the image, counted from the region's first */
};

static size_t round_up(size_t n, size_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static size_t column_nbytes(const struct resizing *r)
{
	return (size_t)r->nplanes * BAND;
}

/* A part of the memory, at a multiple of 64 bytes; all have TENSOR_SLACK. */
static size_t reserve(uint64_t *nbytes, uint64_t part)
{
	size_t at = (size_t)*nbytes;
	*nbytes += (part + TENSOR_SLACK + 63) / 64 * 64;
	return at;
}

/* A weight of 0 may pad a place's last pair: hence one row or column more than there are. */
static errint_t memory_init(struct resizing *r)
{
	uint32_t nin = r->x.end - r->x.begin, nout = r->x.nout;
	uint64_t nbytes = 0;
	r->band_stride = round_up(nin + (size_t)TENSOR_SLACK, 64);
	r->line = round_up(nout + (size_t)TENSOR_SLACK, 64);
	r->nheld_max = (size_t)r->y.ntaps_max + BAND + 1;
	size_t band = reserve(&nbytes, (uint64_t)r->band_stride * r->nplanes * BAND);
	size_t columns = reserve(&nbytes, (uint64_t)column_nbytes(r) * (round_up(nin, PIECE) + 1));
	size_t across = reserve(&nbytes, (uint64_t)column_nbytes(r) * round_up(nout, PIECE));
	size_t rgb = reserve(&nbytes, (uint64_t)r->line * 3);
	size_t joined = reserve(&nbytes, (uint64_t)nout * 3);
	size_t held = reserve(&nbytes, (uint64_t)r->line * r->nheld_max * r->nplanes);
	r->memory = nbytes > PTRDIFF_MAX ? NULL : malloc((size_t)nbytes);
	if (!r->memory)
		return -ENOMEM;
	r->band = r->memory + band;
	r->columns = r->memory + columns;
	r->across = r->memory + across;
	r->joined = r->memory + joined;
	r->held = r->memory + held;
	for (unsigned c = 0; c < 3; c++)
		r->rgb[c] = r->memory + rgb + (c < r->nplanes ? c : 0) * r->line;
	return 0;
}

static void resizing_clear(struct resizing *r)
{
	resize_axis_clear(&r->x);
	resize_axis_clear(&r->y);
	free(r->memory);
}

static errint_t resizing_init(struct resizing *r, const struct tensor_job *job)
{
	const struct ic_region *box = &job->region;
	const struct resize_size *scaled = &job->scaled;
	r->job = job;
	r->nplanes = job->view->layout.ncomponents;
	r->memory = NULL;
	r->x = r->y = (struct resize_axis){0};
	r->first_held = r->nheld = 0;
	errint_t err = resize_axis_init(&r->x, box->width, scaled->width, scaled->left, job->shape.width);
	if (!err)
		err = resize_axis_init(&r->y, box->height, scaled->height, scaled->top, job->shape.height);
	if (!err)
		err = memory_init(r);
	r->source = *job;
	r->source.flip = false;
	r->source.region = (struct ic_region){box->x + r->x.begin, box->y + r->y.begin, r->x.end - r->x.begin,
	                                      r->y.end - r->y.begin};
	if (!err)
		err = pixel_rows_init(&r->rows, &r->source);
	if (err)
		resizing_clear(r);
	pixel_writer_init(&r->writer, job);
	return err;
}

/* --- Across -------------------------------------------------------------------------------------------------------- */

/* The next rows of the image, as many as the band holds or are left. Returns how many. */
static uint32_t fill_band(struct resizing *r)
{
	const struct ic_region *region = &r->source.region;
	uint32_t next = r->first_held + r->nheld, left = region->height - next, n = left < BAND ? left : BAND;
	for (uint32_t row = 0; row < n; row++) {
		const uint8_t *rgb[3];
		pixel_rows_planes(&r->rows, region->y + next + row, rgb);
		for (unsigned c = 0; c < r->nplanes; c++)
			memcpy(r->band + ((size_t)c * BAND + row) * r->band_stride, rgb[c], region->width);
	}
	return n;
}

/* The band, `nin` wide, to columns, their means, and those to rows behind the ones that are held. */
static void resize_across(struct resizing *r)
{
	const struct resize_kernel *kernel = r->job->kernel->resize;
	size_t nbytes = column_nbytes(r), nin = r->source.region.width;
	for (size_t row = 0; row < nbytes; row += PIECE)
		kernel->transpose(r->band + row * r->band_stride, r->band_stride, nin, r->columns + row, nbytes);
	for (uint32_t x = 0; x < r->x.nout; x++)
		kernel->weigh(r->columns + (r->x.first[x] - r->x.begin) * nbytes, nbytes, resize_axis_taps(&r->x, x),
		              resize_axis_npairs(&r->x, x), nbytes, r->across + x * nbytes);
	for (unsigned c = 0; c < r->nplanes; c++) {
		uint8_t *rows = r->held + (c * r->nheld_max + r->nheld) * r->line;
		for (uint32_t x = 0; x < r->x.nout; x += PIECE)
			kernel->transpose(r->across + x * nbytes + (size_t)c * BAND, nbytes, BAND, rows + x, r->line);
	}
}

/* --- Down ---------------------------------------------------------------------------------------------------------- */

/* Rows before `first`, counted as first_held is, are not needed any more. */
static void let_go(struct resizing *r, uint32_t first)
{
	uint32_t ngone = first - r->first_held;
	if (ngone > r->nheld)
		ngone = r->nheld;
	r->nheld -= ngone;
	r->first_held += ngone;
	for (unsigned c = 0; c < r->nplanes && ngone; c++) {
		uint8_t *rows = r->held + c * r->nheld_max * r->line;
		memmove(rows, rows + ngone * r->line, r->nheld * r->line);
	}
}

/* Have the rows that row y of the result is a mean of; returns which of those held is the first. */
static uint32_t have_rows(struct resizing *r, uint32_t y)
{
	uint32_t first = r->y.first[y] - r->y.begin, height = r->source.region.height;
	uint32_t end = first + 2 * resize_axis_npairs(&r->y, y);
	end = end < height ? end : height;
	while (r->first_held + r->nheld < end) {
		let_go(r, first);
		uint32_t n = fill_band(r);
		resize_across(r);
		r->nheld += n;
	}
	return first - r->first_held;
}

static void put_row(struct resizing *r, uint32_t y)
{
	uint32_t first = have_rows(r, y);
	for (unsigned c = 0; c < r->nplanes; c++) {
		r->job->kernel->resize->weigh(r->held + (c * r->nheld_max + first) * r->line, r->line,
		                              resize_axis_taps(&r->y, y), resize_axis_npairs(&r->y, y), r->x.nout,
		                              r->rgb[c]);
		if (r->job->flip)
			pixel_rows_reverse(r->rgb[c], r->x.nout);
	}
	pixel_writer_row(&r->writer, y, (const uint8_t *const *)r->rgb, r->x.nout, r->joined);
}

errint_t tensor_resize(const struct tensor_job *job)
{
	struct resizing r;
	errint_t err = resizing_init(&r, job);
	if (err)
		return err;
	for (uint32_t y = 0; y < job->shape.height; y++)
		put_row(&r, y);
	pixel_rows_clear(&r.rows);
	resizing_clear(&r);
	return 0;
}
