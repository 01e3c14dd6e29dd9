/* SPDX-License-Identifier: MIT */
/* jpeg_bits_priv.h: the last loop of writing a JPEG, from symbols to bits. Its shifts are one instruction each where the
 * instruction set of a filling has BMI2, and three elsewhere. */
#pragma once

#include "codec/bytes_priv.h"
#include "codec/jpeg_kernel_priv.h"

/* Codes, one after the other, and the bits that follow each. */
struct coded {
	uint64_t bits;
	uint64_t nbits;
};

static inline struct coded code_of(uint16_t symbol, uint16_t bits, const struct jpeg_code codes[JPEG_NTABLES * 256])
{
	struct jpeg_code code = codes[symbol];
	return (struct coded){code.bits | bits, code.nbits};
}

static inline struct coded join(struct coded a, struct coded b)
{
	return (struct coded){a.bits << b.nbits | b.bits, a.nbits + b.nbits};
}

/* Bits go to whole words wherever the last byte is not full yet: no branch depends on how many there are. */
struct bits {
	uint8_t *out;
	uint64_t held;
	unsigned nheld; /* fewer than 8 between two calls */
};

#define PUT_BITS_MAX 57

static inline void put_bits(struct bits *b, struct coded coded)
{
	b->held = b->held << coded.nbits | coded.bits;
	b->nheld += (unsigned)coded.nbits;
	put_be64(b->out, b->held << (64 - b->nheld));
	b->out += b->nheld / 8;
	b->nheld %= 8;
}

/* Each step waits for the one before it, so four symbols are one step: those of a photograph have 20 to 30 bits, and any two
 * have no more than 54. */
static void jpeg_write_bits(const struct jpeg_symbols *symbols, const struct jpeg_code codes[JPEG_NTABLES * 256],
                            uint8_t *out)
{
	struct bits b = {.out = out};
	const uint16_t *symbol = symbols->symbols, *end = symbol + symbols->n, *bits = symbols->bits;
	for (; end - symbol >= 4; symbol += 4, bits += 4) {
		struct coded first = join(code_of(symbol[0], bits[0], codes), code_of(symbol[1], bits[1], codes));
		struct coded second = join(code_of(symbol[2], bits[2], codes), code_of(symbol[3], bits[3], codes));
		struct coded all = join(first, second);
		if (all.nbits > PUT_BITS_MAX) {
			put_bits(&b, first);
			all = second;
		}
		put_bits(&b, all);
	}
	for (; symbol < end; symbol++, bits++)
		put_bits(&b, code_of(*symbol, *bits, codes));
	if (b.nheld)
		*b.out |= 0xff >> b.nheld; /* filled up with ones */
}
