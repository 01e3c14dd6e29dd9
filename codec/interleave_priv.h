/* SPDX-License-Identifier: MIT */
/* interleave_priv.h: sixteen pixels of three planes, side by side. For kernels, each with its own instruction set. */
#pragma once

#include <stdint.h>
#include <string.h>

#define INTERLEAVE_PIXELS 16

typedef uint8_t interleave_lanes __attribute__((vector_size(INTERLEAVE_PIXELS)));

/* Byte i of a run of pixels is byte i / 3 of the channel i % 3. Shuffles take from two vectors, so red and green come
 * together first; AT(i) is for them, AND_BLUE(i) puts blue between. */
#define INTERLEAVE_AT(i) ((i) % 3 == 0 ? (i) / 3 : (i) % 3 == 1 ? INTERLEAVE_PIXELS + (i) / 3 : 0)
#define INTERLEAVE_AND_BLUE(i) ((i) % 3 == 2 ? INTERLEAVE_PIXELS + (i) / 3 : (i) % INTERLEAVE_PIXELS)
#define INTERLEAVE_SIXTEEN(f, i)                                                                                       \
	f(i), f((i) + 1), f((i) + 2), f((i) + 3), f((i) + 4), f((i) + 5), f((i) + 6), f((i) + 7), f((i) + 8),          \
	        f((i) + 9), f((i) + 10), f((i) + 11), f((i) + 12), f((i) + 13), f((i) + 14), f((i) + 15)

static inline void interleave_pixels(const uint8_t *r, const uint8_t *g, const uint8_t *b, uint8_t *rgb)
{
	interleave_lanes red, green, blue;
	memcpy(&red, r, INTERLEAVE_PIXELS);
	memcpy(&green, g, INTERLEAVE_PIXELS);
	memcpy(&blue, b, INTERLEAVE_PIXELS);
	interleave_lanes out[3] = {
	        __builtin_shufflevector(red, green, INTERLEAVE_SIXTEEN(INTERLEAVE_AT, 0)),
	        __builtin_shufflevector(red, green, INTERLEAVE_SIXTEEN(INTERLEAVE_AT, INTERLEAVE_PIXELS)),
	        __builtin_shufflevector(red, green, INTERLEAVE_SIXTEEN(INTERLEAVE_AT, 2 * INTERLEAVE_PIXELS)),
	};
	out[0] = __builtin_shufflevector(out[0], blue, INTERLEAVE_SIXTEEN(INTERLEAVE_AND_BLUE, 0));
	out[1] = __builtin_shufflevector(out[1], blue, INTERLEAVE_SIXTEEN(INTERLEAVE_AND_BLUE, INTERLEAVE_PIXELS));
	out[2] = __builtin_shufflevector(out[2], blue, INTERLEAVE_SIXTEEN(INTERLEAVE_AND_BLUE, 2 * INTERLEAVE_PIXELS));
	/* One by one, for a copy of all three would go by way of memory. */
	memcpy(rgb, &out[0], INTERLEAVE_PIXELS);
	memcpy(rgb + INTERLEAVE_PIXELS, &out[1], INTERLEAVE_PIXELS);
	memcpy(rgb + 2 * INTERLEAVE_PIXELS, &out[2], INTERLEAVE_PIXELS);
}
