/* SPDX-License-Identifier: MIT */
/*
 * jpeg_symbols_priv.h: the symbols of a baseline JPEG's one scan, found once, to be counted and then written.
 */
#pragma once

#include "codec/jpeg_writer_priv.h"

#include <stddef.h>

/* The Huffman tables: two for luma, two for chroma. */
enum {
	JPEG_TABLE_DC = 0,
	JPEG_TABLE_AC,
	JPEG_TABLE_CHROMA = 2, /* added to these */
	JPEG_NTABLES = 4,
};

/* A symbol and the bits that follow its code: table * 256 + symbol in the low 16 bits, those bits in the high ones. Their
 * number is the low half of the symbol: for AC the size of the coefficient beside the run of zeros before it, for DC
 * the size of the difference (ITU-T T.81, F.1.2). */
typedef uint32_t jpeg_symbol;

struct jpeg_symbols {
	jpeg_symbol *list; /* in the order of the scan; owned */
	size_t n;
	size_t counts[JPEG_NTABLES * 256]; /* how often each is in it, the bits that follow aside */
};

/* Blocks of luma in an MCU, across and down: 2 under 4:2:0. */
uint32_t jpeg_picture_luma_factor(const struct jpeg_picture *picture);

/* The symbols of a picture's interleaved scan. -ENOMEM. */
errint_t jpeg_symbols_init(struct jpeg_symbols *symbols, const struct jpeg_picture *picture);
void jpeg_symbols_clear(struct jpeg_symbols *symbols); /* zeroed is fine */
