/* SPDX-License-Identifier: MIT */
/*
 * jpeg_reader_priv.h: libjpeg behind an interface without longjmp. It is asked for coefficients only: the inverse DCT,
 * upsampling and colour conversion are ours, so that they are the same on every machine.
 */
#pragma once

#include "codec/jpeg.h"

struct jpeg_reader;

/* Parse the header. The bytes stay the caller's and must outlive the reader. Errors as ic_jpeg_probe. */
errint_t jpeg_reader_new(const uint8_t *bytes, size_t nbytes, bool complete, const struct ic_limits *limits,
                         struct jpeg_reader **ret_reader, struct ic_jpeg_info *ret_info, struct ic_why *why);
void jpeg_reader_free(struct jpeg_reader *reader); /* NULL is fine */

/* Decode the entropy-coded data of all scans. Then the rest may be called. */
errint_t jpeg_reader_decode(struct jpeg_reader *reader, struct ic_why *why);

/* The data ended before the end marker. */
bool jpeg_reader_is_truncated(const struct jpeg_reader *reader);

/* A component's own grid: samples, and blocks of 8 x 8. */
struct jpeg_plane {
	uint32_t width, height;
	uint32_t block_cols, block_rows;
	const uint16_t *steps; /* 64 quantization steps at v * 8 + u, each at least 1 */
};
struct jpeg_plane jpeg_reader_plane(const struct jpeg_reader *reader, unsigned component);

/* Quantized coefficients of one row of blocks: ret_row[block][v * 8 + u]. Borrowed until the next call. */
errint_t jpeg_reader_row(struct jpeg_reader *reader, unsigned component, uint32_t block_row,
                         const int16_t (**ret_row)[64], struct ic_why *why);
