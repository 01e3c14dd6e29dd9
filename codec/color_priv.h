/* SPDX-License-Identifier: MIT */
/*
 * color_priv.h: the colour conversions of docs/format.md, in whole numbers; row by row, full-resolution components.
 * JFIF 1.02 (ITU-R BT.601, full range) with the 16-bit constants and roundings of libjpeg.
 */
#pragma once

#include <stdint.h>

/* `n` pixels of one row. */
typedef void color_ycc_to_rgb_row(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, uint32_t n, uint8_t *rgb);
color_ycc_to_rgb_row color_ycc_to_rgb;
void color_gray_to_rgb(const uint8_t *y, uint32_t n, uint8_t *rgb);

/* In place: three planes of RGB become Y, Cb, Cr. */
void color_rgb_to_ycc(uint8_t *r, uint8_t *g, uint8_t *b, uint32_t n);

/* In place: inverted CMYK (as JPEG files hold it) becomes Y, Cb, Cr in the first three, by way of RGB as Pillow has it. */
void color_cmyk_to_ycc(uint8_t *c, uint8_t *m, uint8_t *y, const uint8_t *k, uint32_t n);
void color_ycck_to_ycc(uint8_t *y, uint8_t *cb, uint8_t *cr, const uint8_t *k, uint32_t n);
