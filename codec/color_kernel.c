/* SPDX-License-Identifier: MIT */
/* Compiled once for each instruction set, as dct_kernel.c; COLOR_KERNEL is the function's name. */
#include "codec/color_priv.h"

#include "codec/color_pixel_priv.h"
#include "codec/interleave_priv.h"

#define CHUNK 512 /* pixels at a time, in the first-level cache */

color_ycc_to_rgb_row COLOR_KERNEL;

/* `n` pixels, one channel after the other and of no fixed number: only so does the compiler make vectors of the loops. */
static void convert(const uint8_t *restrict y, const uint8_t *restrict cb, const uint8_t *restrict cr, uint32_t n,
                    uint8_t *restrict r, uint8_t *restrict g, uint8_t *restrict b)
{
	for (uint32_t i = 0; i < n; i++)
		r[i] = color_ycc_to_rgb_pixel(y[i], cb[i], cr[i]).r;
	for (uint32_t i = 0; i < n; i++)
		g[i] = color_ycc_to_rgb_pixel(y[i], cb[i], cr[i]).g;
	for (uint32_t i = 0; i < n; i++)
		b[i] = color_ycc_to_rgb_pixel(y[i], cb[i], cr[i]).b;
}

void COLOR_KERNEL(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t n, uint8_t *rgb)
{
	uint8_t r[CHUNK], g[CHUNK], b[CHUNK];
	for (uint32_t done = 0; done < n; done += CHUNK) {
		uint32_t count = n - done < CHUNK ? n - done : CHUNK, i = 0;
		uint8_t *out = rgb + 3 * (size_t)done;
		convert(y + done, cb + done, cr + done, count, r, g, b);
		for (; count - i >= INTERLEAVE_PIXELS; i += INTERLEAVE_PIXELS)
			interleave_pixels(r + i, g + i, b + i, out + 3 * i);
		for (; i < count; i++) {
			out[3 * i] = r[i];
			out[3 * i + 1] = g[i];
			out[3 * i + 2] = b[i];
		}
	}
}
