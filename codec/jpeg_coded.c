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
		nbits += symbols->counts[place / 256][place % 256] * codes[place].nbits;
	return nbits;
}

/* Bits go to whole words wherever the last byte is not full yet: no branch depends on how many there are. */
#define WORD 8

static void write_bits(const struct jpeg_symbols *symbols, const struct code codes[JPEG_NTABLES * 256], uint8_t *out)
{
	uint64_t held = 0;
	unsigned nheld = 0; /* fewer than 8 between symbols */
	for (size_t i = 0; i < symbols->n; i++) {
		jpeg_symbol symbol = symbols->list[i];
		struct code code = codes[symbol & 0xffff];
		held = held << code.nbits | code.bits | symbol >> 16;
		nheld += code.nbits;
		put_be64(out, held << (64 - nheld));
		out += nheld / 8;
		nheld %= 8;
	}
	if (nheld)
		*out |= 0xff >> nheld; /* filled up with ones */
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
