/* SPDX-License-Identifier: MIT */
#include "codec/pixel_rows_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* JPEG decoders do not apply the triangle filter to chroma that is narrower. */
#define TRIANGLE_WIDTH_MIN 3

/* Room before half[0], for the one at its left. */
#define HALF_LEAD 32

void pixel_rows_clear(struct pixel_rows *p)
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

static errint_t rows_init(struct pixel_rows *p)
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

static void chroma_init(struct pixel_rows *p)
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

errint_t pixel_rows_init(struct pixel_rows *p, const struct tensor_job *job)
{
	const struct ic_layout *l = &job->view->layout;
	const struct ic_region *r = &job->region;
	p->job = job;
	p->ncomponents = 0;
	p->lead = 0;
	p->rgb[0] = NULL;
	if (l->ncomponents == 3)
		chroma_init(p);
	errint_t err = rows_init(p);
	for (; p->ncomponents < l->ncomponents && !err; p->ncomponents++) {
		unsigned c = p->ncomponents;
		err = stripes_init(&p->component[c], job->kernel, job->view, c, c ? p->first : r->x - p->lead,
		                   c ? p->last + 1 : r->x + r->width);
		if (err)
			break;
	}
	if (err)
		pixel_rows_clear(p);
	return err;
}

/* --- Chroma -------------------------------------------------------------------------------------------------------- */

static void repeat_chroma(struct pixel_rows *p, unsigned component, uint32_t y, uint8_t *out)
{
	const uint8_t *in = stripes_row(&p->component[component], p->left, y / 2);
	for (uint32_t i = 0; i < p->right - p->left; i++)
		out[2 * i] = out[2 * i + 1] = in[i];
}

/* From left on, with the one before and the one behind. */
static void filter_chroma(struct pixel_rows *p, unsigned component, uint32_t y, int16_t *out)
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
void pixel_rows_color(struct pixel_rows *p, uint32_t y, enum pixel_form form, uint8_t *const out[3], size_t room)
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
	p->job->kernel->pixel->color[p->is_half][form](&row, out, room);
}

/* Eight from either end at once, then what is left between. */
void pixel_rows_reverse(uint8_t *row, uint32_t n)
{
	uint8_t *end = row + n;
	for (; end - row >= 16; row += 8, end -= 8) {
		uint64_t first, last;
		memcpy(&first, row, 8);
		memcpy(&last, end - 8, 8);
		first = __builtin_bswap64(first);
		last = __builtin_bswap64(last);
		memcpy(row, &last, 8);
		memcpy(end - 8, &first, 8);
	}
	for (; end - row >= 2; row++, end--) {
		uint8_t last = end[-1];
		end[-1] = *row;
		*row = last;
	}
}

/* Planes of R, G, B of row y; they may be one and the same. */
void pixel_rows_planes(struct pixel_rows *p, uint32_t y, const uint8_t *rgb[3])
{
	uint32_t width = p->job->region.width;
	unsigned nplanes = p->ncomponents;
	if (nplanes == 3)
		pixel_rows_color(p, y, PIXELS_APART, p->rgb, width + p->lead);
	else
		memcpy(p->rgb[0], stripes_row(&p->component[0], p->job->region.x, y), width);
	for (unsigned c = 0; c < 3; c++) {
		uint8_t *plane = p->rgb[c < nplanes ? c : 0] + p->lead;
		rgb[c] = plane;
		if (p->job->flip && c < nplanes)
			pixel_rows_reverse(plane, width);
	}
}

/* Whether colours may be written where they belong, without a row between. */
bool pixel_rows_are_direct(const struct pixel_rows *p)
{
	return p->ncomponents == 3 && !p->job->flip;
}

uint64_t tensor_memory(const struct ic_layout *l)
{
	uint64_t n = row_nbytes(l->width), nbytes = 8 * n + 2 * half_nbytes_of(n);
	for (unsigned c = 0; c < l->ncomponents; c++)
		nbytes += stripes_memory(l, c);
	return nbytes;
}
