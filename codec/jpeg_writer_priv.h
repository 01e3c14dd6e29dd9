/* SPDX-License-Identifier: MIT */
/*
 * jpeg_writer_priv.h: quantized coefficients into a baseline JPEG, by libjpeg without longjmp.
 */
#pragma once

#include "codec/format.h"

/* What the JPEG is to be. Its components have the grids of the layout: 4:4:4, 4:2:0 or grayscale. */
struct jpeg_picture {
	const struct ic_layout *layout;
	uint8_t orientation;                  /* written as an EXIF tag where it is not 1 and `markers` have none */
	uint8_t steps[IC_COMPONENTS_MAX][64]; /* quantization tables, at v * 8 + u; each at least 1 */
	unsigned bits; /* 8..10: that the magnitude of a coefficient takes, at most; a difference of DC one more */
	const uint8_t *markers; /* whole APPn and COM segments to write, or NULL */
	size_t markers_nbytes;

	/* Fill a row of `ncols` blocks of 8 x 8 with quantized coefficients; they are zeroed before. */
	void (*fill)(void *context, unsigned component, uint32_t block_row, int16_t (*blocks)[64], uint32_t ncols);
	void *context;
};

/* Blocks of luma in an MCU, across and down: 2 under 4:2:0. */
uint32_t jpeg_picture_luma_factor(const struct jpeg_picture *picture);

/* Huffman tables are made for the picture. The bytes are malloc'ed and the caller's. -ENOMEM; -EFBIG for a side over 65,500
 * pixels, which libjpeg does not write; -EBADMSG for a coefficient that no baseline JPEG can hold. */
errint_t jpeg_write(const struct jpeg_picture *picture, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
