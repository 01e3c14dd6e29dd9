/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_coded_priv.h"

#include "codec/bytes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A symbol's code, and zeros for the bits that follow it: 27 bits at most. */
struct entry {
	uint32_t bits, nbits;
};

static void join_tables(const struct huffman tables[JPEG_NTABLES], struct entry entries[JPEG_NTABLES * 256])
{
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++) {
		const struct huffman *table = &tables[place / 256];
		unsigned symbol = place % 256, follow = symbol & 15;
		entries[place] =
		        (struct entry){(uint32_t)table->code[symbol] << follow, table->length[symbol] + follow};
	}
}

static size_t count_bits(const size_t counts[JPEG_NTABLES * 256], const struct entry entries[JPEG_NTABLES * 256])
{
	size_t nbits = 0;
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++)
		nbits += counts[place] * entries[place].nbits;
	return nbits;
}

/* Codes, one after the other, and the bits that follow each. */
struct code {
	uint64_t bits;
	uint64_t nbits;
};

static inline struct code code_of(uint16_t symbol, uint16_t bits, const struct entry entries[JPEG_NTABLES * 256])
{
	struct entry entry = entries[symbol];
	return (struct code){entry.bits | bits, entry.nbits};
}

static inline struct code join(struct code a, struct code b)
{
	return (struct code){a.bits << b.nbits | b.bits, a.nbits + b.nbits};
}

/* Bits go to whole words wherever the last byte is not full yet: no branch depends on how many there are. */
#define WORD 8

struct bits {
	uint8_t *out;
	uint64_t held;
	unsigned nheld; /* fewer than 8 between two calls */
};

#define PUT_BITS_MAX 57

static inline void put_bits(struct bits *b, struct code code)
{
	b->held = b->held << code.nbits | code.bits;
	b->nheld += (unsigned)code.nbits;
	put_be64(b->out, b->held << (64 - b->nheld));
	b->out += b->nheld / 8;
	b->nheld %= 8;
}

/* Each step waits for the one before it, so four symbols are one step: those of a photograph have 20 to 30 bits, and any two
 * have no more than 54. */
static void write_bits(const struct jpeg_symbols *symbols, const struct entry entries[JPEG_NTABLES * 256], uint8_t *out)
{
	struct bits b = {.out = out};
	const uint16_t *symbol = symbols->symbols, *end = symbol + symbols->n, *bits = symbols->bits;
	for (; end - symbol >= 4; symbol += 4, bits += 4) {
		struct code first = join(code_of(symbol[0], bits[0], entries), code_of(symbol[1], bits[1], entries));
		struct code second = join(code_of(symbol[2], bits[2], entries), code_of(symbol[3], bits[3], entries));
		struct code all = join(first, second);
		if (all.nbits > PUT_BITS_MAX) {
			put_bits(&b, first);
			all = second;
		}
		put_bits(&b, all);
	}
	for (; symbol < end; symbol++, bits++)
		put_bits(&b, code_of(*symbol, *bits, entries));
	if (b.nheld)
		*b.out |= 0xff >> b.nheld; /* filled up with ones */
}

/* Counted in bytes, of which a register holds many, as far as one can count. */
static size_t count_ones(const uint8_t *bytes, size_t nbytes)
{
	size_t n = 0;
	for (size_t i = 0; i < nbytes; i += 128) {
		uint8_t part = 0;
		for (size_t j = i; j < i + 128 && j < nbytes; j++)
			part += bytes[j] == 0xff;
		n += part;
	}
	return n;
}

errint_t jpeg_coded_init(struct jpeg_coded *coded, const struct jpeg_symbols *symbols,
                         const size_t counts[JPEG_NTABLES * 256], const struct huffman tables[JPEG_NTABLES])
{
	struct entry entries[JPEG_NTABLES * 256];
	join_tables(tables, entries);
	size_t nbytes = (count_bits(counts, entries) + 7) / 8;
	*coded = (struct jpeg_coded){.bytes = malloc(nbytes + WORD), .nbytes = nbytes};
	if (!coded->bytes)
		return -ENOMEM;
	write_bits(symbols, entries, coded->bytes);
	coded->nbytes_stuffed = nbytes + count_ones(coded->bytes, nbytes);
	return 0;
}

void jpeg_coded_clear(struct jpeg_coded *coded)
{
	free(coded->bytes);
	coded->bytes = NULL;
}

/* Ones followed by anything else would look like a marker (T.81, F.1.2.3). */
uint8_t *jpeg_coded_stuff(const struct jpeg_coded *coded, uint8_t *out)
{
	const uint8_t *at = coded->bytes, *end = at + coded->nbytes, *ones;
	while ((ones = memchr(at, 0xff, (size_t)(end - at)))) {
		out = mempcpy(out, at, (size_t)(ones + 1 - at));
		*out++ = 0;
		at = ones + 1;
	}
	return mempcpy(out, at, (size_t)(end - at));
}
