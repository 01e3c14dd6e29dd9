/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_samples_priv.h"

#include "codec/block8_priv.h"
#include "codec/color_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void samples_free(struct samples *samples)
{
	free(samples->memory);
	memset(samples, 0, sizeof *samples);
}

static errint_t samples_new(uint32_t width, uint32_t height, uint32_t stored_width, uint32_t stored_height,
                            struct samples *ret, struct ic_why *why)
{
	uint8_t *memory = malloc((size_t)stored_width * stored_height);
	if (!memory)
		return ic_fail(why, -ENOMEM, "out of memory for %u x %u samples", stored_width, stored_height);
	ret->memory = memory;
	ret->plane = (struct plane8){memory, stored_width, width, height};
	return 0;
}

errint_t jpeg_samples_new(const struct jpeg_plane *plane, struct samples *ret_samples, struct ic_why *why)
{
	return samples_new(plane->width, plane->height, plane->block_cols * 8, plane->block_rows * 8, ret_samples, why);
}

void jpeg_samples_put(struct samples *samples, const struct jpeg_row *row)
{
	size_t stride = samples->plane.stride;
	uint8_t *out = samples->memory + (size_t)row->row * 8 * stride;
	block8_kernel_best()->inverse(row->blocks, row->steps, stride / 8, out, stride);
}

bool jpeg_samples_is_ycc(const struct ic_jpeg_info *info)
{
	return info->color == IC_JPEG_GRAY || info->color == IC_JPEG_YCBCR;
}

static unsigned max4(const uint8_t factors[4])
{
	unsigned max = 1;
	for (unsigned i = 0; i < 4; i++)
		max = factors[i] > max ? factors[i] : max;
	return max;
}

unsigned jpeg_max_h(const struct ic_jpeg_info *info)
{
	return max4(info->h);
}

unsigned jpeg_max_v(const struct ic_jpeg_info *info)
{
	return max4(info->v);
}

/* Bring one component to the full size of the image. */
static errint_t enlarge(const struct ic_jpeg_info *info, unsigned component, struct samples *samples,
                        struct ic_why *why)
{
	struct samples full;
	uint32_t h = info->h[component], v = info->v[component], max_h = jpeg_max_h(info), max_v = jpeg_max_v(info);
	struct grid_axis x = {h, max_h, h}, y = {v, max_v, v};
	if (grid_is_identity(&x, &y))
		return 0;
	errint_t err = samples_new(info->width, info->height, info->width, info->height, &full, why);
	if (err)
		return err;
	err = grid_resample(&samples->plane, x, y, info->width, info->height, full.memory, full.plane.stride);
	if (err) {
		samples_free(&full);
		return ic_fail(why, err, "out of memory");
	}
	samples_free(samples);
	*samples = full;
	return 0;
}

errint_t jpeg_samples_convert(const struct ic_jpeg_info *info, struct samples planes[4], struct ic_why *why)
{
	for (unsigned i = 0; i < info->ncomponents; i++) {
		errint_t err = enlarge(info, i, &planes[i], why);
		if (err)
			return err;
	}
	for (uint32_t row = 0; row < info->height; row++) {
		uint8_t *p[4] = {0};
		for (unsigned i = 0; i < info->ncomponents; i++)
			p[i] = planes[i].memory + row * planes[i].plane.stride;
		if (info->color == IC_JPEG_RGB)
			color_rgb_to_ycc(p[0], p[1], p[2], info->width);
		else if (info->color == IC_JPEG_CMYK)
			color_cmyk_to_ycc(p[0], p[1], p[2], p[3], info->width);
		else
			color_ycck_to_ycc(p[0], p[1], p[2], p[3], info->width);
	}
	return 0;
}
