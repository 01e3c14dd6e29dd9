/* SPDX-License-Identifier: MIT */
/* nonzero_priv.h: which coefficients of a block are not 0, a bit each. */
#pragma once

#include "codec/bytes_priv.h"

#include <stdint.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* For any machine. */
static inline uint64_t nonzero_plain(const int16_t block[64])
{
	uint8_t is_nonzero[64];
	uint64_t mask = 0;
	for (unsigned i = 0; i < 64; i++)
		is_nonzero[i] = block[i] != 0;
	for (unsigned i = 0; i < 64; i += 8) /* the product has the lowest bits of eight bytes at its top */
		mask |= (get_le64(is_nonzero + i) * 0x0102040810204080u >> 56) << i;
	return mask;
}

#if defined(__SSE2__)
static inline uint64_t nonzero(const int16_t block[64])
{
	uint64_t zero = 0;
	for (unsigned i = 0; i < 64; i += 16) {
		__m128i low = _mm_loadu_si128((const __m128i *)(block + i));
		__m128i high = _mm_loadu_si128((const __m128i *)(block + i + 8));
		__m128i narrow = _mm_packs_epi16(low, high); /* saturated, so that only 0 becomes 0 */
		zero |= (uint64_t)_mm_movemask_epi8(_mm_cmpeq_epi8(narrow, _mm_setzero_si128())) << i;
	}
	return ~zero;
}
#else
#define nonzero nonzero_plain
#endif
