/* SPDX-License-Identifier: MIT */
/* jpegread.h: a JPEG as libjpeg's own decoder shows it. Errors end the program: the callers are tests. */
#pragma once

#include "tests/tools/jpegmake.h"

/* Its pixels, by the accurate inverse DCT and the smooth upsampling that programs use. */
struct picture jpegread_rgb(struct bytes jpeg);

/* What its header says, and its quantized coefficients. */
struct jpegread {
	uint32_t width, height;
	unsigned ncomponents;
	bool is_baseline; /* SOF0, Huffman, 8 bits, tables of 8 bits */
	long nwarnings;   /* of libjpeg's about the data */
	struct jpegread_component {
		uint8_t h, v;
		uint32_t block_cols, block_rows;
		uint16_t steps[64];    /* at v * 8 + u; 0 where no scan has the component */
		int16_t (*blocks)[64]; /* block_rows * block_cols of them, row by row; malloc'ed */
	} component[4];
};
struct jpegread jpegread_coefficients(struct bytes jpeg);
void jpegread_clear(struct jpegread *read); /* zeroed is fine */

/* The same of a JPEG that may be damaged, with what libjpeg fills in. False where it gives up. */
bool jpegread_damaged(struct bytes jpeg, struct jpegread *ret_read);

/* The first segment with this second byte of its marker whose payload begins with `id`; NULL where there is none. Borrowed.
 * The segments up to the first scan are looked at. */
const uint8_t *jpegread_segment(struct bytes jpeg, uint8_t marker, const char *id, size_t *ret_payload_nbytes);

/* The same coefficients as libjpeg writes them with Huffman tables that it makes for them; malloc'ed. */
struct bytes jpegread_optimized(struct bytes jpeg);

/* Bytes of the entropy-coded data of a JPEG of one scan, without the zeros that follow bytes of ones. */
size_t jpegread_scan_nbytes(struct bytes jpeg);
