/* SPDX-License-Identifier: MIT */
/* transpose8_priv.h: eight rows of eight numbers to columns, for loops of any instruction set. */
#pragma once

#include <stdint.h>
#include <string.h>

typedef int16_t lanes16 __attribute__((vector_size(8 * sizeof(int16_t))));

/* Three rounds of interleaving row i with row i + 4. */
static inline __attribute__((always_inline)) void transpose8(lanes16 rows[8])
{
	lanes16 s[8];
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < 4; i++) {
			s[2 * i] = __builtin_shufflevector(rows[i], rows[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
			s[2 * i + 1] = __builtin_shufflevector(rows[i], rows[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
		}
		memcpy(rows, s, sizeof s);
	}
}
