/* SPDX-License-Identifier: MIT */
/*
 * huffman_priv.h: the best Huffman code for counted symbols, as a baseline JPEG may have it (ITU-T T.81, annex C).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HUFFMAN_NSYMBOLS 256
#define HUFFMAN_LENGTH_MAX 16

/* Symbols that never occur have no code: length 0. */
struct huffman {
	uint8_t nof_length[HUFFMAN_LENGTH_MAX + 1]; /* codes of each length; [0] is 0 */
	uint8_t symbols[HUFFMAN_NSYMBOLS];          /* those with a code, in the order of their codes: T.81's HUFFVAL */
	unsigned nsymbols;
	uint16_t code[HUFFMAN_NSYMBOLS];
	uint8_t length[HUFFMAN_NSYMBOLS];
};

/* No code of at most `length_max` bits a symbol, none of them all ones, makes the counted symbols shorter. At least one
 * count is not 0, fewer than 2^length_max are; their sum, times 16, is in the range of size_t. */
void huffman_make(const size_t counts[HUFFMAN_NSYMBOLS], unsigned length_max, struct huffman *ret_huffman);
