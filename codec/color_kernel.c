/* SPDX-License-Identifier: MIT */
/* Compiled once for each instruction set, as dct_kernel.c; COLOR_KERNEL is the function's name. */
#include "codec/color_priv.h"

#include "codec/color_pixel_priv.h"

#include <string.h>

#define LANES 16  /* pixels at a time */
#define CHUNK 512 /* and in the first-level cache */

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
		for (; count - i >= LANES; i += LANES)
			interleave(r + i, g + i, b + i, out + 3 * i);
		for (; i < count; i++) {
			out[3 * i] = r[i];
			out[3 * i + 1] = g[i];
			out[3 * i + 2] = b[i];
		}
	}
}
