/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_coded_priv.h"

#include "codec/bytes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A symbol's code, and zeros for the bits that follow it: 27 bits at most. */
struct code {
	uint32_t bits, nbits;
};

static void join_tables(const struct huffman tables[JPEG_NTABLES], struct code codes[JPEG_NTABLES * 256])
{
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++) {
		const struct huffman *table = &tables[place / 256];
		unsigned symbol = place % 256, follow = symbol & 15;
		codes[place] = (struct code){(uint32_t)table->code[symbol] << follow, table->length[symbol] + follow};
	}
}

static size_t count_bits(const struct jpeg_symbols *symbols, const struct code codes[JPEG_NTABLES * 256])
{
	size_t nbits = 0;
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++)
		nbits += symbols->counts[place] * codes[place].nbits;
	return nbits;
}

/* A symbol's code and the bits that follow it. */
static inline struct code code_of(jpeg_symbol symbol, const struct code codes[JPEG_NTABLES * 256])
{
	struct code code = codes[symbol & 0xffff];
	return (struct code){code.bits | symbol >> 16, code.nbits};
}

/* Bits go to whole words wherever the last byte is not full yet: no branch depends on how many there are. */
#define WORD 8

struct bits {
	uint8_t *out;
	uint64_t held;
	unsigned nheld; /* fewer than 8 between two calls */
};

/* Up to 57 bits. */
static inline void put_bits(struct bits *b, uint64_t bits, unsigned nbits)
{
	b->held = b->held << nbits | bits;
	b->nheld += nbits;
	put_be64(b->out, b->held << (64 - b->nheld));
	b->out += b->nheld / 8;
	b->nheld %= 8;
}

/* Each step waits for the one before it, so two symbols, 54 bits at most, are one step. */
static void write_bits(const struct jpeg_symbols *symbols, const struct code codes[JPEG_NTABLES * 256], uint8_t *out)
{
	struct bits b = {.out = out};
	for (size_t i = 0; i + 2 <= symbols->n; i += 2) {
		struct code first = code_of(symbols->list[i], codes), second = code_of(symbols->list[i + 1], codes);
		put_bits(&b, (uint64_t)first.bits << second.nbits | second.bits, first.nbits + second.nbits);
	}
	if (symbols->n % 2) {
		struct code last = code_of(symbols->list[symbols->n - 1], codes);
		put_bits(&b, last.bits, last.nbits);
	}
	if (b.nheld)
		*b.out |= 0xff >> b.nheld; /* filled up with ones */
}

static size_t count_ones(const uint8_t *bytes, size_t nbytes)
{
	size_t n = 0;
	for (size_t i = 0; i < nbytes; i++)
		n += bytes[i] == 0xff;
	return n;
}

errint_t jpeg_coded_init(struct jpeg_coded *coded, const struct jpeg_symbols *symbols,
                         const struct huffman tables[JPEG_NTABLES])
{
	struct code codes[JPEG_NTABLES * 256];
	join_tables(tables, codes);
	size_t nbytes = (count_bits(symbols, codes) + 7) / 8;
	*coded = (struct jpeg_coded){.bytes = malloc(nbytes + WORD), .nbytes = nbytes};
	if (!coded->bytes)
		return -ENOMEM;
	write_bits(symbols, codes, coded->bytes);
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
