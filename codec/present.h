/* SPDX-License-Identifier: MIT */
/*
 * present.h: an object as a file that programs know, a JPEG or a BMP. From an object alone, so that a stored or shipped
 * one serves every face. docs/faces.md says what each keeps, with measurements.
 *
 * The view must be one that ic_view_parse accepted. Results are malloc'ed and the caller's. Thread safe.
 */
#pragma once

#include "codec/format.h"

/*
 * A baseline JPEG: JFIF YCbCr or grayscale, 4:2:0 under c2 and 4:4:4 under c1, with Huffman tables made for it.
 *
 * At B = 8 the coefficients are those that ic_decode_coefficients gives, rounded to the planes' steps, which are the
 * quantization tables; there is no transform, and where no bits were dropped a decoder with libjpeg's arithmetic shows
 * the pixels of ic_decode_rgb. Other block sizes are brought to samples and transformed anew, in steps of
 * IC_PRESENT_STEP, fine enough that the design decides the quality.
 *
 * `markers` are whole APPn and COM segments of the source to carry (ic_jpeg_markers), NULL for none. An orientation other
 * than 1 that they do not carry is written as an EXIF tag. -ENOMEM; -EFBIG for a side over 65,500 pixels, which libjpeg
 * does not read.
 */
errint_t ic_present_jpeg(const struct ic_view *view, const uint8_t *markers, size_t markers_nbytes, uint8_t **ret_bytes,
                         size_t *ret_nbytes, struct ic_why *why);

#define IC_PRESENT_STEP 2

/* A BMP with a 40-byte header: 24 bits a pixel, or 8 with a palette of grays for one component; rows from the bottom.
 * It has no place for an orientation. ic_bmp_nbytes is its size, which follows from the layout. -ENOMEM; -EFBIG where
 * that is over the 32 bits that the header has for it. */
errint_t ic_present_bmp(const struct ic_view *view, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
uint64_t ic_bmp_nbytes(const struct ic_layout *layout);
