/* SPDX-License-Identifier: MIT */
#include "codec/color_priv.h"

#include "codec/color_pixel_priv.h"

/* The fillings of color_kernel.c. */
color_ycc_to_rgb_row color_ycc_to_rgb_c, color_ycc_to_rgb_avx2;

void color_ycc_to_rgb(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t n, uint8_t *rgb)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx2")) {
		color_ycc_to_rgb_avx2(y, cb, cr, n, rgb);
		return;
	}
#endif
	color_ycc_to_rgb_c(y, cb, cr, n, rgb);
}

void color_gray_to_rgb(const uint8_t *y, uint32_t n, uint8_t *rgb)
{
	for (uint32_t i = 0; i < n; i++)
		rgb[3 * i] = rgb[3 * i + 1] = rgb[3 * i + 2] = y[i];
}

static inline void put_ycc(struct color_rgb c, uint8_t *y, uint8_t *cb, uint8_t *cr)
{
	const int32_t offset = (128 << FIX_BITS) + FIX_HALF - 1;
	*y = (uint8_t)((FIX(0.29900) * c.r + FIX(0.58700) * c.g + FIX(0.11400) * c.b + FIX_HALF) >> FIX_BITS);
	*cb = (uint8_t)((-FIX(0.16874) * c.r - FIX(0.33126) * c.g + FIX(0.50000) * c.b + offset) >> FIX_BITS);
	*cr = (uint8_t)((FIX(0.50000) * c.r - FIX(0.41869) * c.g - FIX(0.08131) * c.b + offset) >> FIX_BITS);
}

void color_rgb_to_ycc(uint8_t *r, uint8_t *g, uint8_t *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		put_ycc((struct color_rgb){r[i], g[i], b[i]}, r + i, g + i, b + i);
}

/* a * b / 255, rounded. */
static inline int32_t mul_div_255(int32_t a, int32_t b)
{
	int32_t n = a * b + 128;
	return ((n >> 8) + n) >> 8;
}

/* Ink that a JPEG holds inverted: 255 is none. Less `ink` from what black leaves, white less black. */
static inline uint8_t cmyk_channel(int32_t inverted, int32_t inverted_black)
{
	return color_clamp8(inverted_black - mul_div_255(255 - inverted, inverted_black));
}

void color_cmyk_to_ycc(uint8_t *c, uint8_t *m, uint8_t *y, const uint8_t *k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct color_rgb rgb = {cmyk_channel(c[i], k[i]), cmyk_channel(m[i], k[i]), cmyk_channel(y[i], k[i])};
		put_ycc(rgb, c + i, m + i, y + i);
	}
}

/* YCCK is CMYK whose inverted ink, 255 - CMY, went through the RGB to YCbCr conversion. */
void color_ycck_to_ycc(uint8_t *y, uint8_t *cb, uint8_t *cr, const uint8_t *k, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct color_rgb inverse = color_ycc_to_rgb_pixel(y[i], cb[i], cr[i]);
		y[i] = 255 - inverse.r;
		cb[i] = 255 - inverse.g;
		cr[i] = 255 - inverse.b;
	}
	color_cmyk_to_ycc(y, cb, cr, k, n);
}
