/* SPDX-License-Identifier: MIT */
/* Compiled once for each instruction set, as dct_kernel.c; COLOR_KERNEL is the function's name. */
#include "codec/color_priv.h"

#include "codec/color_pixel_priv.h"

#include <string.h>

#define LANES 16 /* pixels at a time */

color_ycc_to_rgb_row COLOR_KERNEL;

typedef uint8_t lanes8 __attribute__((vector_size(LANES)));

/* Byte i of a run of pixels is byte i / 3 of the channel i % 3. Shuffles take from two vectors, so red and green come
 * together first; AT(i) is for them, AND_BLUE(i) puts blue between. */
#define AT(i) ((i) % 3 == 0 ? (i) / 3 : (i) % 3 == 1 ? LANES + (i) / 3 : 0)
#define AND_BLUE(i) ((i) % 3 == 2 ? LANES + (i) / 3 : (i) % LANES)
#define SIXTEEN(f, i)                                                                                                  \
	f(i), f((i) + 1), f((i) + 2), f((i) + 3), f((i) + 4), f((i) + 5), f((i) + 6), f((i) + 7), f((i) + 8),          \
	        f((i) + 9), f((i) + 10), f((i) + 11), f((i) + 12), f((i) + 13), f((i) + 14), f((i) + 15)

static void interleave(const uint8_t r[LANES], const uint8_t g[LANES], const uint8_t b[LANES], uint8_t *rgb)
{
	lanes8 red, green, blue;
	memcpy(&red, r, LANES);
	memcpy(&green, g, LANES);
	memcpy(&blue, b, LANES);
	lanes8 out[3] = {
	        __builtin_shufflevector(red, green, SIXTEEN(AT, 0)),
	        __builtin_shufflevector(red, green, SIXTEEN(AT, LANES)),
	        __builtin_shufflevector(red, green, SIXTEEN(AT, 2 * LANES)),
	};
	out[0] = __builtin_shufflevector(out[0], blue, SIXTEEN(AND_BLUE, 0));
	out[1] = __builtin_shufflevector(out[1], blue, SIXTEEN(AND_BLUE, LANES));
	out[2] = __builtin_shufflevector(out[2], blue, SIXTEEN(AND_BLUE, 2 * LANES));
	memcpy(rgb, out, sizeof out);
}

void COLOR_KERNEL(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t n, uint8_t *rgb)
{
	uint32_t done = 0;
	for (; n - done >= LANES; done += LANES) {
		uint8_t r[LANES], g[LANES], b[LANES];
		for (unsigned i = 0; i < LANES; i++) {
			struct color_rgb c = color_ycc_to_rgb_pixel(y[done + i], cb[done + i], cr[done + i]);
			r[i] = c.r;
			g[i] = c.g;
			b[i] = c.b;
		}
		interleave(r, g, b, rgb + 3 * done);
	}
	for (; done < n; done++) {
		struct color_rgb c = color_ycc_to_rgb_pixel(y[done], cb[done], cr[done]);
		rgb[3 * done] = c.r;
		rgb[3 * done + 1] = c.g;
		rgb[3 * done + 2] = c.b;
	}
}
