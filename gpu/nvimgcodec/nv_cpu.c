/* SPDX-License-Identifier: MIT */
#include "nv_decoder_priv.h"

#include "codec/decode.h"
#include "codec/tensor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- From decoded pixels to their places --------------------------------------------------------------------------- */

/* Pixels as stored: samples of a pixel side by side. */
struct pixels {
	const uint8_t *first;
	size_t stride; /* bytes from row to row */
	struct nv_rect rect;
};

/* Where a stored pixel is displayed; its sample 0 in the output. */
static uint8_t *place_of(const struct nv_request *request, int64_t x, int64_t y)
{
	const struct nv_rect *d = &request->display, *r = &request->region;

	if (request->turn.transposed) {
		int64_t row = y;
		y = x;
		x = row;
	}
	if (request->turn.flip_x)
		x = d->width - 1 - x;
	if (request->turn.flip_y)
		y = d->height - 1 - y;
	return request->buffer + (size_t)(y - r->y) * request->row_step + (size_t)(x - r->x) * request->pixel_step;
}

/* How far apart in the output the neighbours of a stored pixel are, along a row or a column. */
static ptrdiff_t step_of(const struct nv_request *request, bool along_row)
{
	bool horizontal = along_row != request->turn.transposed;
	ptrdiff_t step = (ptrdiff_t)(horizontal ? request->pixel_step : request->row_step);
	bool back = horizontal ? request->turn.flip_x : request->turn.flip_y;

	return back ? -step : step;
}

/* Whether a row of pixels goes to one place as it is. */
static bool is_row_copy(const struct nv_request *request, ptrdiff_t step)
{
	for (unsigned c = 0; c < request->nchannels; c++) {
		if (request->channel_offset[c] != c)
			return false;
	}
	return step == (ptrdiff_t)request->nchannels;
}

static void place_pixels(const struct nv_request *request, const struct pixels *pixels)
{
	const struct nv_rect *rect = &pixels->rect;
	ptrdiff_t step = step_of(request, true), row_step = step_of(request, false);
	uint8_t *out = place_of(request, rect->x, rect->y);
	unsigned n = request->nchannels;
	bool copy = is_row_copy(request, step);

	for (int64_t y = 0; y < rect->height; y++) {
		const uint8_t *row = pixels->first + (size_t)y * pixels->stride;
		uint8_t *to = out + y * row_step;

		if (copy) {
			memcpy(to, row, (size_t)rect->width * n);
			continue;
		}
		for (unsigned c = 0; c < n; c++) {
			for (int64_t x = 0; x < rect->width; x++)
				to[(ptrdiff_t)request->channel_offset[c] + x * step] = row[x * n + c];
		}
	}
}

static void fill_output(const struct nv_request *request)
{
	for (int64_t y = 0; y < request->region.height; y++) {
		uint8_t *row = request->buffer + (size_t)y * request->row_step;

		for (unsigned c = 0; c < request->nchannels; c++) {
			for (int64_t x = 0; x < request->region.width; x++)
				row[request->channel_offset[c] + (size_t)x * request->pixel_step] = request->fill[c];
		}
	}
}

/* --- Decoding ------------------------------------------------------------------------------------------------------ */

static bool is_stored_order(const struct nv_request *request)
{
	return !request->turn.transposed && !request->turn.flip_x && !request->turn.flip_y;
}

static bool is_rect_whole(const struct nv_rect *rect, const struct ic_layout *layout)
{
	return rect->width == layout->width && rect->height == layout->height;
}

static errint_t decode_rgb(const struct ic_view *view, const struct nv_rect *rect, bool planar, uint8_t *out,
                           struct ic_why *why)
{
	const struct ic_tensor_spec spec = {
	        .axes = planar ? IC_NCHW : IC_NHWC,
	        .fit = IC_FIT_CROP,
	        .width = (uint32_t)rect->width,
	        .height = (uint32_t)rect->height,
	};
	const struct ic_window window = {.x = (uint32_t)rect->x, .y = (uint32_t)rect->y};

	return ic_tensor_decode(view, &spec, &window, out, NULL, why);
}

/* A component is decoded whole, whatever is shown of it. */
static errint_t render_luma(const struct ic_view *view, const struct nv_request *request, const struct nv_rect *rect,
                            struct ic_why *why)
{
	const struct ic_layout *l = &view->layout;

	if (is_stored_order(request) && is_rect_whole(&request->region, l) && is_rect_whole(rect, l)) {
		errint_t err = ic_decode_component(view, 0, request->buffer, request->row_step);
		return err ? ic_fail(why, err, "no memory to decode %u x %u samples", l->width, l->height) : 0;
	}
	uint8_t *samples = malloc((size_t)l->width * l->height);
	if (!samples || ic_decode_component(view, 0, samples, l->width)) {
		free(samples);
		return ic_fail(why, -ENOMEM, "no memory for %u x %u samples", l->width, l->height);
	}
	place_pixels(request, &(struct pixels){samples + rect->y * l->width + rect->x, l->width, *rect});
	free(samples);
	return 0;
}

static errint_t render_rgb(const struct ic_view *view, const struct nv_request *request, const struct nv_rect *rect,
                           struct ic_why *why)
{
	size_t stride = (size_t)rect->width * NV_CHANNELS_MAX;
	bool planar;

	if (is_stored_order(request) && rect->width == request->region.width &&
	    rect->height == request->region.height && nv_request_is_tight(request, &planar))
		return decode_rgb(view, rect, planar, request->buffer, why);
	uint8_t *pixels = malloc(stride * (size_t)rect->height);
	if (!pixels)
		return ic_fail(why, -ENOMEM, "no memory for %lld x %lld pixels", (long long)rect->width,
		               (long long)rect->height);
	errint_t err = decode_rgb(view, rect, false, pixels, why);
	if (!err)
		place_pixels(request, &(struct pixels){pixels, stride, *rect});
	free(pixels);
	return err;
}

static errint_t render(void *state, const struct ic_view *view, const struct nv_request *request, struct ic_why *why)
{
	struct nv_rect inside = nv_request_inside(request);

	if (inside.width < request->region.width || inside.height < request->region.height)
		fill_output(request);
	if (inside.width == 0)
		return 0;
	struct nv_rect rect = nv_request_stored(request, &inside);
	return request->nchannels == 1 ? render_luma(view, request, &rect, why) : render_rgb(view, request, &rect, why);
}

/* --- The back end -------------------------------------------------------------------------------------------------- */

static errint_t open_nothing(const nvimgcodecExecutionParams_t *params, void **ret_state, struct ic_why *why)
{
	*ret_state = NULL;
	return 0;
}

static void close_nothing(void *state)
{
}

static nvimgcodecProcessingStatus_t check(const struct nv_request *request)
{
	return NVIMGCODEC_PROCESSING_STATUS_SUCCESS; /* all that a request can ask for */
}

const struct nv_backend nv_cpu_backend = {
        .id = "ic_cpu_decoder",
        .kind = NVIMGCODEC_BACKEND_KIND_CPU_ONLY,
        .priority = NVIMGCODEC_PRIORITY_NORMAL,
        .open = open_nothing,
        .close = close_nothing,
        .check = check,
        .render = render,
};
