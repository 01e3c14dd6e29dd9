/* SPDX-License-Identifier: MIT */
/*
 * jpeg_huffman_priv.h: a Huffman table of a JPEG, as its scan decoder looks symbols up.
 *
 * A symbol is a run of zeros and the number of bits of the value behind it (ITU-T T.81, F.2.2). Its entry says at once how
 * many bits code and value take together, so that the next symbol need not wait for this one's value.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_LOOKUP_BITS 10
#define HUFFMAN_CODE_BITS_MAX 16

/*
 * Bits 0..5: how many bits code and value take together (a shift takes these six, whatever lies above); 8..13: 63 less the
 * bits of the value; 16..23: coefficients to go forward by, the value's own included (AC); 24..28: the bits of the code.
 */
typedef uint32_t huffman_entry;

/* Forward by so much is past the last coefficient, from wherever, and farther than any run of zeros goes. */
#define HUFFMAN_END_OF_BLOCK 96
#define HUFFMAN_NO_CODE 255

static inline unsigned huffman_forward(huffman_entry entry)
{
	return entry >> 16 & 255;
}

struct huffman_table {
	huffman_entry lookup[1 << HUFFMAN_LOOKUP_BITS]; /* by the next bits; 0 where the code is longer */
	huffman_entry symbols[256];                     /* in the order of their codes */
	uint32_t limit[HUFFMAN_CODE_BITS_MAX + 1];      /* the first 16 bits behind the last code of so many bits */
	int32_t offset[HUFFMAN_CODE_BITS_MAX + 1];      /* from a code to its symbol's place */
};

enum huffman_class { HUFFMAN_DC, HUFFMAN_AC };

/* From a DHT segment: counts[n] codes of n bits, n in 1..16. False where these are no codes, as where one is all ones, or a
 * symbol is no DC's. */
bool huffman_table_init(struct huffman_table *table, enum huffman_class class, const uint8_t counts[17],
                        const uint8_t symbols[256]);

/* The entry of a code longer than the lookup has, by the next 16 bits. Where there is no such code, one that takes no bits
 * and leads forward by HUFFMAN_NO_CODE. */
huffman_entry huffman_long_code(const struct huffman_table *table, uint32_t next16);
