/* SPDX-License-Identifier: MIT */
/*
 * compress.h: pixels as a JPEG, as programs save them: what designs are compared with. Objects are presented as JPEGs by
 * present.h, which is another thing.
 *
 * Both make a baseline JPEG by libjpeg-turbo: JFIF, YCbCr 4:2:0 or grayscale, the accurate DCT, the quantization tables of
 * ITU-T T.81, Annex K, scaled to a quality, and Huffman tables made for it. The bytes are malloc'ed and the caller's. Same
 * pixels and quality: the same bytes for one version of libjpeg-turbo. Thread safe.
 *
 * -EINVAL: a side of 0, another number of components than 1 or 3, a quality outside 1..100. -EFBIG: a side over 65,500
 * pixels, which libjpeg does not write. -ENOMEM.
 */
#pragma once

#include "codec/errint.h"

#include <stddef.h>
#include <stdint.h>

/* In the caller's memory: rows of ncomponents * width bytes without gaps between them. */
struct ic_pixels {
	const uint8_t *samples;
	uint32_t width, height;
	unsigned ncomponents; /* 1: gray, or 3: R, G, B */
};

#define IC_QUALITY_MAX 100

errint_t ic_compress_jpeg(const struct ic_pixels *pixels, int quality, uint8_t **ret_jpeg, size_t *ret_nbytes,
                          struct ic_why *why);

/* The JPEG of the best quality that has at most `nbytes_max` bytes. Size is taken to rise with quality, which it does but
 * for a few bytes: the next quality's JPEG is larger. -ERANGE where that of quality 1 is. */
errint_t ic_compress_jpeg_within(const struct ic_pixels *pixels, size_t nbytes_max, int *ret_quality,
                                 uint8_t **ret_jpeg, size_t *ret_nbytes, struct ic_why *why);
