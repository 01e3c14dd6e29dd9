/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_coded_priv.h"

#include "codec/bytes_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void join_tables(const struct huffman tables[JPEG_NTABLES], struct jpeg_code codes[JPEG_NTABLES * 256])
{
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++) {
		const struct huffman *table = &tables[place / 256];
		unsigned symbol = place % 256, follow = symbol & 15;
		codes[place] =
		        (struct jpeg_code){(uint32_t)table->code[symbol] << follow, table->length[symbol] + follow};
	}
}

static size_t count_bits(const size_t counts[JPEG_NTABLES * 256], const struct jpeg_code codes[JPEG_NTABLES * 256])
{
	size_t nbits = 0;
	for (unsigned place = 0; place < JPEG_NTABLES * 256; place++)
		nbits += counts[place] * codes[place].nbits;
	return nbits;
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

errint_t jpeg_coded_init(struct jpeg_coded *coded, const struct jpeg_kernel *kernel, const struct jpeg_symbols *symbols,
                         const size_t counts[JPEG_NTABLES * 256], const struct huffman tables[JPEG_NTABLES])
{
	struct jpeg_code codes[JPEG_NTABLES * 256];
	join_tables(tables, codes);
	size_t nbytes = (count_bits(counts, codes) + 7) / 8;
	*coded = (struct jpeg_coded){.bytes = malloc(nbytes + JPEG_KERNEL_WORD), .nbytes = nbytes};
	if (!coded->bytes)
		return -ENOMEM;
	kernel->write_bits(symbols, codes, coded->bytes);
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
