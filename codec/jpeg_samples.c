/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_samples_priv.h"

#include "codec/color_priv.h"
#include "codec/dct_priv.h"

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

static inline int16_t dequantize(int16_t coef, uint16_t step)
{
	int32_t value = coef * (int32_t)step;
	return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

static void inverse_block(const struct dct_kernel *dct, const int16_t quantized[64], const uint16_t steps[64],
                          uint8_t *out, size_t stride)
{
	int16_t coefs[64];
	uint16_t any = 0;
	for (unsigned i = 0; i < 64; i++) {
		coefs[i] = dequantize(quantized[i], steps[i]);
		any |= i ? (uint16_t)quantized[i] : 0;
	}
	unsigned side = any ? 8 : 1;
	dct->inverse(8, side, side, coefs, out, stride);
}

errint_t jpeg_samples_component(struct jpeg_reader *reader, unsigned component, struct samples *ret_samples,
                                struct ic_why *why)
{
	struct jpeg_plane plane = jpeg_reader_plane(reader, component);
	struct samples samples;
	errint_t err =
	        samples_new(plane.width, plane.height, plane.block_cols * 8, plane.block_rows * 8, &samples, why);
	if (err)
		return err;
	const struct dct_kernel *dct = dct_kernel_best();
	for (uint32_t row = 0; row < plane.block_rows; row++) {
		const int16_t(*blocks)[64];
		err = jpeg_reader_row(reader, component, row, &blocks, why);
		if (err) {
			samples_free(&samples);
			return err;
		}
		uint8_t *out = samples.memory + (size_t)row * 8 * samples.plane.stride;
		for (uint32_t col = 0; col < plane.block_cols; col++)
			inverse_block(dct, blocks[col], plane.steps, out + col * 8, samples.plane.stride);
	}
	*ret_samples = samples;
	return 0;
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

/* One component brought to the full size of the image. */
static errint_t full_size(struct jpeg_reader *reader, const struct ic_jpeg_info *info, unsigned component,
                          struct samples *ret_samples, struct ic_why *why)
{
	struct samples own, full = {0};
	errint_t err = jpeg_samples_component(reader, component, &own, why);
	if (err)
		return err;
	uint32_t h = info->h[component], v = info->v[component], max_h = jpeg_max_h(info), max_v = jpeg_max_v(info);
	struct grid_axis x = {h, max_h, h}, y = {v, max_v, v};
	if (grid_is_identity(&x, &y)) {
		*ret_samples = own;
		return 0;
	}
	err = samples_new(info->width, info->height, info->width, info->height, &full, why);
	if (!err) {
		err = grid_resample(&own.plane, x, y, info->width, info->height, full.memory, full.plane.stride);
		if (err)
			ic_fail(why, err, "out of memory");
	}
	samples_free(&own);
	if (err)
		samples_free(&full);
	else
		*ret_samples = full;
	return err;
}

static void convert(const struct ic_jpeg_info *info, struct samples planes[4])
{
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
}

errint_t jpeg_samples_converted(struct jpeg_reader *reader, const struct ic_jpeg_info *info,
                                struct samples ret_samples[3], struct ic_why *why)
{
	struct samples planes[4] = {0};
	errint_t err = 0;
	for (unsigned i = 0; i < info->ncomponents && !err; i++)
		err = full_size(reader, info, i, &planes[i], why);
	if (!err)
		convert(info, planes);
	for (unsigned i = 0; i < 4; i++) {
		if (err || i == 3)
			samples_free(&planes[i]);
		else
			ret_samples[i] = planes[i];
	}
	return err;
}
