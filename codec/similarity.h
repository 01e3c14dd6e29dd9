/* SPDX-License-Identifier: MIT */
/*
 * similarity.h: how near one picture is to another, by the two measures that papers give.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>
#include <stdint.h>

/* Peak signal-to-noise ratio of two buffers of 8-bit samples, in dB: 10 log10(255^2 / MSE), over all samples of all
 * channels. Infinite for equal ones. */
double ic_psnr(const uint8_t *a, const uint8_t *b, size_t nsamples);

/*
 * Structural similarity of two RGB pictures: rows of 3 * width bytes without gaps. That of Wang, Bovik, Sheikh and
 * Simoncelli, "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE Transactions on Image
 * Processing 13(4), 2004: a Gaussian window of 11 x 11 pixels with a standard deviation of 1.5, K1 = 0.01, K2 = 0.03, the
 * mean over all places at which the window lies within the picture; of luma as JFIF has it, 0.299 R + 0.587 G + 0.114 B, at
 * the pictures' own size. 1 for equal ones.
 *
 * Takes some rows of memory. -ERANGE: a side under IC_SSIM_WINDOW, within which no window lies. -ENOMEM. Thread safe.
 */
#define IC_SSIM_WINDOW 11
errint_t ic_ssim_rgb(const uint8_t *a, const uint8_t *b, uint32_t width, uint32_t height, double *ret_ssim);
