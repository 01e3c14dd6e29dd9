/* SPDX-License-Identifier: MIT */
/* color_pixel_priv.h: one pixel from YCbCr to RGB (docs/format.md, section 4), for loops to be built around. */
#pragma once

#include <stdint.h>

#define FIX_BITS 16
#define FIX_HALF (1 << (FIX_BITS - 1))
#define FIX(x) ((int32_t)((x) * (1 << FIX_BITS) + 0.5))

static inline uint8_t color_clamp8(int32_t n)
{
	return (uint8_t)(n > 255 ? 255 : n < 0 ? 0 : n);
}

struct color_rgb {
	uint8_t r, g, b;
};

static inline struct color_rgb color_ycc_to_rgb_pixel(int32_t y, int32_t cb, int32_t cr)
{
	cb -= 128;
	cr -= 128;
	return (struct color_rgb){
	        color_clamp8(y + ((FIX(1.40200) * cr + FIX_HALF) >> FIX_BITS)),
	        color_clamp8(y + ((-FIX(0.34414) * cb - FIX(0.71414) * cr + FIX_HALF) >> FIX_BITS)),
	        color_clamp8(y + ((FIX(1.77200) * cb + FIX_HALF) >> FIX_BITS)),
	};
}
