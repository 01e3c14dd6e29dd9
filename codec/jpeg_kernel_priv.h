/* SPDX-License-Identifier: MIT */
/*
 * jpeg_kernel_priv.h: the loops of writing a JPEG, from the planes of an object to the symbols of a scan: one filling for
 * each instruction set. Blocks are quantized coefficients in the order of coding (ITU-T T.81, figure A.6).
 */
#pragma once

#include "codec/format.h"

#include <stddef.h>
#include <stdint.h>

#define JPEG_KERNEL_PLACES 8   /* of a block, that are gathered together */
#define JPEG_KERNEL_PAD 16     /* codes and blocks that there is room for beyond their number */
#define JPEG_KERNEL_SYMBOLS 64 /* that there is room for, for each block */
#define JPEG_KERNEL_WORD 8     /* bytes that there is room for behind the bits of a scan */

/* The Huffman tables: two for luma, two for chroma. */
enum {
	JPEG_TABLE_DC = 0,
	JPEG_TABLE_AC,
	JPEG_TABLE_CHROMA = 2, /* added to these */
	JPEG_NTABLES = 4,
};

/* Symbols of a scan, and the bits that follow the code of each. How many those are is the low half of the symbol: for AC the
 * size of the coefficient beside the run of zeros before it, for DC the size of the difference (T.81, F.1.2). */
struct jpeg_symbols {
	uint16_t *symbols; /* table * 256 + symbol; owned, with `bits` */
	uint16_t *bits;
	size_t n;
};

/* A symbol's code, and zeros for the bits that follow it: 27 bits at most. */
struct jpeg_code {
	uint32_t bits, nbits;
};

/* The blocks of one component in a row of MCUs. */
struct jpeg_mcu_blocks {
	uint32_t factor;       /* blocks in an MCU, across and down */
	uint32_t ncols, nrows; /* those that the picture has: others fill MCUs up */
	int16_t (*blocks)[64]; /* one row after the other; with `places`, there is room for JPEG_KERNEL_PAD more */
	uint64_t *places;      /* written by `append`: those of each block that have a symbol, a bit each */
	int last_dc;
};

struct jpeg_mcu_row {
	uint32_t nmcus;
	unsigned ncomponents;
	struct jpeg_mcu_blocks component[IC_COMPONENTS_MAX];
};

/* Fillings write the same values. */
struct jpeg_kernel {
	const char *name; /* of the instruction set */

	/* Places `at` to `at` + 7 of n blocks: codes[i] are those at place at + i, one for each block. Up to
	 * JPEG_KERNEL_PAD more are read, and as many blocks written. */
	void (*gather8)(const int8_t *const codes[JPEG_KERNEL_PLACES], size_t n, int16_t (*blocks)[64], unsigned at);
	void (*gather16)(const int16_t *const codes[JPEG_KERNEL_PLACES], size_t n, int16_t (*blocks)[64], unsigned at);

	/* Append the symbols of a row of MCUs. As many may be written as there is room for. */
	void (*append)(struct jpeg_symbols *symbols, struct jpeg_mcu_row *row);

	/* Write each symbol's code and what follows it. The last byte is filled up with ones (T.81, F.1.2.3). */
	void (*write_bits)(const struct jpeg_symbols *symbols, const struct jpeg_code codes[JPEG_NTABLES * 256],
	                   uint8_t *out);
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct jpeg_kernel *jpeg_kernel_at(unsigned index);

static inline const struct jpeg_kernel *jpeg_kernel_best(void)
{
	return jpeg_kernel_at(0);
}
