/* SPDX-License-Identifier: MIT */
/*
 * jpeg_writer_priv.h: quantized coefficients into a baseline JPEG, with the best Huffman tables for them.
 */
#pragma once

#include "codec/format.h"

/* What the JPEG is to be. Its components have the grids of the layout: 4:4:4, 4:2:0 or grayscale. */
struct jpeg_picture {
	const struct ic_layout *layout;
	uint8_t orientation;                  /* written as an EXIF tag where it is not 1 and `markers` have none */
	uint8_t steps[IC_COMPONENTS_MAX][64]; /* quantization tables, at jpeg_zigzag; each at least 1 */
	const uint8_t *markers;               /* whole APPn and COM segments to write, or NULL */
	size_t markers_nbytes;

	/* Fill `nrows` rows of blocks, one after the other, with quantized coefficients of at most 1023 either way, at
	 * jpeg_zigzag. Rows come from the top, each once, one or two at a time. What no call sets is 0: a call must set again
	 * all that calls for this component set. JPEG_KERNEL_PAD more blocks may be written. */
	void (*fill)(void *context, unsigned component, uint32_t first_row, uint32_t nrows, int16_t (*blocks)[64]);
	void *context;
};

/* The place of coefficient v * 8 + u in the order of coding (ITU-T T.81, figure A.6). */
extern const uint8_t jpeg_zigzag[64];

/* The bytes are malloc'ed and the caller's. -ENOMEM; -EFBIG for a side over 65,500 pixels, which libjpeg does not read. */
errint_t jpeg_write(const struct jpeg_picture *picture, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
