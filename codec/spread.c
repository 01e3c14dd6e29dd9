/* SPDX-License-Identifier: MIT */
#include "codec/spread_priv.h"

#include "codec/bytes_priv.h"

#include <string.h>

struct dequant spread_dequant(struct ic_plane_params params, unsigned bits)
{
	int32_t step = params.step << (params.nbits > bits ? params.nbits - bits : 0);
	return (struct dequant){
	        .step = (int16_t)step,
	        .if_nonneg = (int16_t)((params.mean_nonneg * step + 128) >> 8),
	        .if_neg = (int16_t)((params.mean_neg * step + 128) >> 8),
	};
}

/* Eight codes of a word, a byte for each: the four upper ones to the upper half, the two upper ones of each half likewise,
 * and the upper one of each two. */
static inline uint64_t split(uint64_t word, unsigned bits)
{
	const uint64_t two = 0x0000000100000001, four = 0x0001000100010001;
	uint64_t quads = (UINT64_C(1) << 4 * bits) - 1, pairs = (UINT64_C(1) << 2 * bits) - 1, ones = (1u << bits) - 1;
	word = (word & quads) | (word & quads << 4 * bits) << (32 - 4 * bits);
	word = (word & two * pairs) | (word & two * pairs << 2 * bits) << (16 - 2 * bits);
	return (word & four * ones) | (word & four * ones << bits) << (8 - bits);
}

/* The sign of each byte's code in all bits above it: the product of the sign bit and those, which stays in the byte. */
static inline uint64_t extend_signs(uint64_t codes, unsigned bits)
{
	uint64_t signs = codes & UINT64_C(0x0101010101010101) << (bits - 1);
	return codes | signs * ((2u << (8 - bits)) - 2);
}

void spread_codes(const struct ic_view *view, unsigned p, uint64_t first, size_t n, int8_t *out)
{
	const struct ic_layout *l = &view->layout;
	unsigned bits = l->design.bits;
	const uint8_t *in = ic_view_plane_data(view, p) + first / 8 * bits;
	const uint8_t *end = ic_view_plane_data(view, p) + l->component[p % l->ncomponents].plane_nbytes;
	for (size_t i = 0; i < n; i += 8, in += bits) {
		uint8_t eight[8] = {0};
		size_t left = (size_t)(end - in);
		memcpy(eight, in, left < 8 ? left : 8);
		put_le64(eight, extend_signs(split(get_le64(eight), bits), bits));
		memcpy(out + i, eight, 8);
	}
}
