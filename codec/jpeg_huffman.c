/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_huffman_priv.h"

#include <string.h>

#define SYMBOLS_MAX 256
#define RUN_MAX 15

/* Without bits, neither of its own nor of a value. */
#define NO_CODE (HUFFMAN_NO_CODE << 16 | 63 << 8)

static huffman_entry entry_of(uint8_t symbol, unsigned code_bits)
{
	unsigned run = symbol >> 4, value_bits = symbol & 15;
	unsigned forward = value_bits == 0 && run != RUN_MAX ? HUFFMAN_END_OF_BLOCK : run + 1; /* nobody asks a DC's */
	return code_bits << 24 | forward << 16 | (63 - value_bits) << 8 | (code_bits + value_bits);
}

/* All prefixes that begin with one code. */
static void fill_lookup(struct huffman_table *table, uint32_t code, unsigned code_bits, huffman_entry entry)
{
	unsigned free_bits = HUFFMAN_LOOKUP_BITS - code_bits;
	for (uint32_t i = 0; i < 1u << free_bits; i++)
		table->lookup[(code << free_bits) + i] = entry;
}

bool huffman_table_init(struct huffman_table *table, enum huffman_class class, const uint8_t counts[17],
                        const uint8_t symbols[256])
{
	uint32_t code = 0;
	unsigned n = 0;
	memset(table->lookup, 0, sizeof table->lookup);
	for (unsigned bits = 1; bits <= HUFFMAN_CODE_BITS_MAX; bits++, code <<= 1) {
		table->offset[bits] = (int32_t)n - (int32_t)code;
		if (n + counts[bits] > SYMBOLS_MAX || code + counts[bits] >= 1u << bits)
			return false; /* too many, or one that is all ones (T.81, C.2), which libjpeg refuses, too */
		for (unsigned i = 0; i < counts[bits]; i++, code++, n++) {
			if (class == HUFFMAN_DC && symbols[n] > 15)
				return false;
			table->symbols[n] = entry_of(symbols[n], bits);
			if (bits <= HUFFMAN_LOOKUP_BITS)
				fill_lookup(table, code, bits, table->symbols[n]);
		}
		table->limit[bits] = code << (HUFFMAN_CODE_BITS_MAX - bits);
	}
	return true;
}

huffman_entry huffman_long_code(const struct huffman_table *table, uint32_t next16)
{
	for (unsigned bits = HUFFMAN_LOOKUP_BITS + 1; bits <= HUFFMAN_CODE_BITS_MAX; bits++) {
		if (next16 < table->limit[bits])
			return table
			        ->symbols[(int32_t)(next16 >> (HUFFMAN_CODE_BITS_MAX - bits)) + table->offset[bits]];
	}
	return NO_CODE;
}
