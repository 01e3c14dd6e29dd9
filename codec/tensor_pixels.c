/* SPDX-License-Identifier: MIT */
/* Pixels of the image's own size, a row at a time, out in the order that is asked for. */
#include "codec/bytes_priv.h"
#include "codec/pixel_rows_priv.h"
#include "codec/pixel_writer_priv.h"
#include "codec/tensor_priv.h"

#include <string.h>

/* --- Out ----------------------------------------------------------------------------------------------------------- */

/* Row `row` of the output, of colours that need no row between. What kernels write beyond its end is written over by what
 * comes behind it; the pixel that they write before its beginning, where chroma starts with that, is put back. */
static void put_bytes(struct pixel_rows *rows, uint32_t row)
{
	const struct tensor_job *job = rows->job;
	bool joined = job->spec->axes == IC_NHWC;
	size_t pixel = joined ? 3 : 1, line = job->shape.width * pixel, before = rows->lead * pixel;
	size_t room = (job->shape.height - row) * line + before;
	uint8_t *out[3], kept[3];
	for (unsigned c = 0; c < 3; c++)
		out[c] = (uint8_t *)job->out + ((size_t)c * job->shape.height + row) * line - before;
	for (unsigned c = 0; c < 3 && before; c++)
		kept[c] = *(joined ? out[0] + c : out[c]);
	pixel_rows_color(rows, job->region.y + row, joined ? PIXELS_JOINED : PIXELS_APART, out, room);
	for (unsigned c = 0; c < 3 && before; c++)
		*(joined ? out[0] + c : out[c]) = kept[c];
}

static void put_values(struct pixel_rows *rows, const struct pixel_writer *writer, uint32_t row)
{
	const struct tensor_job *job = rows->job;
	size_t n = 3 * (size_t)job->region.width, before = 3 * rows->lead;
	size_t line_nbytes = (size_t)job->shape.width * job->shape.value_nbytes * 3;
	pixel_rows_color(rows, job->region.y + row, PIXELS_JOINED, (uint8_t *[3]){rows->joined}, n + before);
	pixel_writer_values(writer, rows->joined + before, n, 0, (uint8_t *)job->out + row * line_nbytes);
}

/* Nothing is written before the first byte of the first row, where another image may be. */
static void put_row(struct pixel_rows *rows, const struct pixel_writer *writer, uint32_t row)
{
	const struct tensor_job *job = rows->job;
	const uint8_t *rgb[3];
	if (pixel_rows_are_direct(rows) && job->spec->type == IC_UINT8 && (row > 0 || !rows->lead)) {
		put_bytes(rows, row);
	} else if (pixel_rows_are_direct(rows) && job->spec->type != IC_UINT8 && job->spec->axes == IC_NHWC) {
		put_values(rows, writer, row);
	} else {
		pixel_rows_planes(rows, job->region.y + row, rgb);
		pixel_writer_row(writer, row, rgb, job->region.width, rows->joined);
	}
}

static void pad_right(const struct tensor_job *job, uint32_t row)
{
	bool joined = job->spec->axes == IC_NHWC;
	size_t line = (size_t)job->shape.width * (joined ? 3 : 1), own = (size_t)job->region.width * (joined ? 3 : 1);
	if (own == line)
		return;
	for (unsigned c = 0; c < (joined ? 1 : 3); c++) {
		size_t first = ((size_t)c * job->shape.height + row) * line + own;
		tensor_pad(job, (uint8_t *)job->out + first * job->shape.value_nbytes, line - own);
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
	struct pixel_writer writer;
	struct pixel_rows rows;
	errint_t err = pixel_rows_init(&rows, job);
	if (err)
		return err;
	pixel_writer_init(&writer, job);
	for (uint32_t row = 0; row < job->region.height; row++) {
		put_row(&rows, &writer, row);
		pad_right(job, row);
	}
	pad_below(job);
	pixel_rows_clear(&rows);
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

/* All of an image, by the rows of its pixels. */
static struct tensor_job whole_image(const struct tensor_kernel *kernel, const struct ic_view *view)
{
	static const struct ic_tensor_spec spec = {.axes = IC_NHWC};
	return (struct tensor_job){
	        .kernel = kernel,
	        .view = view,
	        .spec = &spec,
	        .region = {0, 0, view->layout.width, view->layout.height},
	};
}

errint_t tensor_bmp_rows(const struct ic_view *view, uint8_t *out, size_t stride)
{
	const struct ic_layout *l = &view->layout;
	const struct tensor_job job = whole_image(tensor_kernel_best(), view);
	struct pixel_rows p;
	errint_t err = pixel_rows_init(&p, &job);
	if (err)
		return err;
	for (uint32_t y = 0; y < l->height; y++) {
		uint8_t *row = out + (l->height - 1 - y) * stride;
		const uint8_t *rgb[3];
		pixel_rows_planes(&p, y, rgb);
		if (l->ncomponents == 1)
			memcpy(row, rgb[0], l->width);
		else
			job.kernel->pixel->interleave((const uint8_t *[3]){rgb[2], rgb[1], rgb[0]}, l->width, row);
	}
	pixel_rows_clear(&p);
	return 0;
}

errint_t tensor_rgbx_with(const struct tensor_kernel *kernel, const struct ic_view *view, uint8_t *out, size_t stride)
{
	const struct ic_layout *l = &view->layout;
	const struct tensor_job job = whole_image(kernel, view);
	struct pixel_rows p;
	errint_t err = pixel_rows_init(&p, &job);
	if (err)
		return err;
	for (uint32_t y = 0; y < l->height; y++, out += stride) {
		const uint8_t *rgb[3];
		if (l->ncomponents == 3) {
			pixel_rows_color(&p, y, PIXELS_IN_FOURS, (uint8_t *[3]){out}, 4 * (size_t)l->width);
			continue;
		}
		pixel_rows_planes(&p, y, rgb);
		for (uint32_t x = 0; x < l->width; x++)
			put_le32(out + 4 * (size_t)x, rgb[0][x] * 0x010101u | 0xff000000u);
	}
	pixel_rows_clear(&p);
	return 0;
}

errint_t ic_tensor_rgbx(const struct ic_view *view, uint8_t *out, size_t stride)
{
	return tensor_rgbx_with(tensor_kernel_best(), view, out, stride);
}
