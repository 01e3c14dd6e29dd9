/* SPDX-License-Identifier: MIT */
/* jpeg_coded_priv.h: symbols as bits. */
#pragma once

#include "codec/huffman_priv.h"
#include "codec/jpeg_symbols_priv.h"

/* An entropy-coded segment, but for the byte of zeros that has to follow each byte of ones. */
struct jpeg_coded {
	uint8_t *bytes; /* owned */
	size_t nbytes;
	size_t nbytes_stuffed; /* with those zeros */
};

/* -ENOMEM. */
errint_t jpeg_coded_init(struct jpeg_coded *coded, const struct jpeg_kernel *kernel, const struct jpeg_symbols *symbols,
                         const size_t counts[JPEG_NTABLES * 256], const struct huffman tables[JPEG_NTABLES]);
void jpeg_coded_clear(struct jpeg_coded *coded); /* zeroed is fine */

/* Write nbytes_stuffed bytes. Returns their end. */
uint8_t *jpeg_coded_stuff(const struct jpeg_coded *coded, uint8_t *out);
