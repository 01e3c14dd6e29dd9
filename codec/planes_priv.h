/* SPDX-License-Identifier: MIT */
/* planes_priv.h: the coefficients of one component while they come block by block, before they are codes. */
#pragma once

#include "codec/format.h"

struct planes {
	int16_t *values; /* plane after plane: values[f * nblocks + block]; owned */
	size_t nblocks;
	uint32_t block_cols;
	unsigned block, nfreqs;
	const struct ic_freq *freqs; /* borrowed */
	int16_t index[8][8];         /* which frequency [v][u] is, -1 where it is not kept; for blocks of 8 */
};

/* Room for all blocks of a component. -ENOMEM. */
errint_t planes_init(struct planes *planes, const struct ic_layout *layout, const struct ic_freq *freqs,
                     unsigned component, struct ic_why *why);
void planes_clear(struct planes *planes); /* zeroed is fine */

/* Take a row of blocks of 8, block_cols of them: the coefficients of blocks[col] are at v * 8 + u. */
void planes_put_row8(struct planes *planes, uint32_t row, const int16_t (*blocks)[64]);

/* Take `n` blocks from block `first` on, as dct_kernel's `forward` leaves them: coefs[(v * block + u) * DCT_NBLOCKS + i]. */
void planes_put_lanes(struct planes *planes, size_t first, size_t n, const int16_t *coefs);
