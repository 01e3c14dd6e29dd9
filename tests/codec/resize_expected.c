/* SPDX-License-Identifier: MIT */
#include "resize_expected.h"

#include <math.h>
#include <stdlib.h>

/* Samples along an axis, `step` bytes apart. */
struct samples {
	const uint8_t *first;
	size_t step;
	uint32_t n;
};

/* Pillow's Resample.c: precompute_coeffs, normalize_coeffs_8bpc, and the sum of a pixel of the 8-bit passes. */
static uint8_t resized(struct samples in, uint32_t nall, uint32_t place)
{
	double scale = (double)in.n / nall, width = fmax(scale, 1), center = (place + 0.5) * scale, sum = 0;
	int first = (int)(center - width + 0.5), end = (int)(center + width + 0.5);
	int64_t value = 1 << 21;

	first = first < 0 ? 0 : first;
	end = end > (int)in.n ? (int)in.n : end;
	for (int pass = 0; pass < 2; pass++) {
		double total = sum;
		for (int i = first; i < end; i++) {
			double weight = fmax(0, 1 - fabs((i - center + 0.5) * (1.0 / width)));
			sum += weight;
			if (pass)
				value += (int64_t)(0.5 + weight / total * (1 << 22)) * in.first[(size_t)i * in.step];
		}
	}
	value >>= 22;
	return value > 255 ? 255 : (uint8_t)value;
}

static uint32_t all_of(uint32_t wants, uint32_t short_side, uint32_t own, uint32_t other)
{
	if (!short_side)
		return wants;
	return own <= other ? short_side : (uint32_t)floor((double)short_side * own / other);
}

static uint32_t left_of(uint32_t all, uint32_t wants)
{
	return (uint32_t)nearbyint((all - wants) / 2.0);
}

uint8_t *expected_resize(const uint8_t *rgb, uint32_t width, const struct ic_region *box,
                         const struct ic_tensor_spec *spec)
{
	uint32_t all_width = all_of(spec->width, spec->short_side, box->width, box->height);
	uint32_t all_height = all_of(spec->height, spec->short_side, box->height, box->width);
	uint32_t left = left_of(all_width, spec->width), top = left_of(all_height, spec->height);
	size_t line = (size_t)3 * spec->width;
	uint8_t *across = malloc(line * box->height), *out = malloc(line * spec->height);

	if (!across || !out)
		abort();
	for (uint32_t y = 0; y < box->height; y++) {
		for (uint32_t i = 0; i < line; i++) {
			const uint8_t *row = rgb + 3 * ((size_t)(box->y + y) * width + box->x);
			across[y * line + i] =
			        resized((struct samples){row + i % 3, 3, box->width}, all_width, left + i / 3);
		}
	}
	for (uint32_t y = 0; y < spec->height; y++) {
		for (uint32_t i = 0; i < line; i++)
			out[y * line + i] =
			        resized((struct samples){across + i, line, box->height}, all_height, top + y);
	}
	free(across);
	return out;
}
