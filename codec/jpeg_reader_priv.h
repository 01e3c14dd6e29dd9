/* SPDX-License-Identifier: MIT */
/*
 * jpeg_reader_priv.h: libjpeg behind an interface without longjmp, and our own decoder of the scans that nearly all have,
 * with the same result. Coefficients are all that is asked for: the inverse DCT, upsampling and colour conversion are ours,
 * so that they are the same on every machine.
 */
#pragma once

#include "codec/jpeg.h"

struct jpeg_reader;

/* Parse the header. The bytes stay the caller's and must outlive the reader. Errors as ic_jpeg_probe. */
errint_t jpeg_reader_new(const uint8_t *bytes, size_t nbytes, bool complete, const struct ic_limits *limits,
                         struct jpeg_reader **ret_reader, struct ic_jpeg_info *ret_info, struct ic_why *why);
void jpeg_reader_free(struct jpeg_reader *reader); /* NULL is fine */

/* A component's own grid: samples, and blocks of 8 x 8. */
struct jpeg_plane {
	uint32_t width, height;
	uint32_t block_cols, block_rows;
};
struct jpeg_plane jpeg_reader_plane(const struct jpeg_reader *reader, unsigned component);

/* A row of blocks of one component: quantized coefficients, blocks[col][v * 8 + u], and the 64 quantization steps in the
 * same order, each at least 1. Borrowed for the call. */
struct jpeg_row {
	unsigned component;
	uint32_t row;
	const int16_t (*blocks)[64];
	const uint16_t *steps;
};
typedef void jpeg_row_fn(void *context, const struct jpeg_row *row);

/* Decode the entropy-coded data of all scans, and call `visit` for each row of blocks, each component's from the top down.
 * After an error rows may be missing. Once. */
errint_t jpeg_reader_each_row(struct jpeg_reader *reader, jpeg_row_fn *visit, void *context, struct ic_why *why);

/* After that, those of the object: IC_FLAG_TRUNCATED where the data ended before the end marker, IC_FLAG_DAMAGED. */
unsigned jpeg_reader_flags(const struct jpeg_reader *reader);
