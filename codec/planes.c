/* SPDX-License-Identifier: MIT */
#include "codec/planes_priv.h"

#include "codec/dct_priv.h"
#include "codec/transpose8_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8

static void index_freqs(struct planes *planes)
{
	memset(planes->index, -1, sizeof planes->index);
	for (unsigned f = 0; f < planes->nfreqs; f++)
		planes->index[planes->freqs[f].v][planes->freqs[f].u] = (int16_t)f;
}

errint_t planes_init(struct planes *planes, const struct ic_layout *layout, const struct ic_freq *freqs,
                     unsigned component, struct ic_why *why)
{
	const struct ic_component *c = &layout->component[component];
	int16_t *values = malloc(layout->nfreqs * c->nblocks * sizeof *values);
	if (!values)
		return ic_fail(why, -ENOMEM, "out of memory for %u planes of %llu coefficients", layout->nfreqs,
		               (unsigned long long)c->nblocks);
	*planes = (struct planes){
	        .values = values,
	        .nblocks = c->nblocks,
	        .block_cols = c->block_cols,
	        .block = layout->design.block,
	        .nfreqs = layout->nfreqs,
	        .freqs = freqs,
	};
	if (planes->block == 8)
		index_freqs(planes);
	return 0;
}

void planes_clear(struct planes *planes)
{
	free(planes->values);
	planes->values = NULL;
}

/* --- Blocks of 8, eight at a time ----------------------------------------------------------------------------------- */

static inline lanes16 load(const int16_t *p)
{
	lanes16 v;
	memcpy(&v, p, sizeof v);
	return v;
}

static bool keeps_any(const int16_t index[8])
{
	for (unsigned u = 0; u < 8; u++) {
		if (index[u] >= 0)
			return true;
	}
	return false;
}

/* Row v of eight blocks, to as many planes as it has frequencies. */
static void put_eight(const struct planes *planes, unsigned v, const int16_t (*blocks)[64], int16_t *out)
{
	lanes16 r[LANES];
	for (unsigned i = 0; i < LANES; i++)
		r[i] = load(blocks[i] + v * 8);
	transpose8(r);
	for (unsigned u = 0; u < 8; u++) {
		if (planes->index[v][u] >= 0)
			memcpy(out + (size_t)planes->index[v][u] * planes->nblocks, &r[u], sizeof r[u]);
	}
}

static void put_one(const struct planes *planes, size_t block, const int16_t coefs[64])
{
	int16_t *out = planes->values + block;
	for (unsigned f = 0; f < planes->nfreqs; f++, out += planes->nblocks)
		*out = coefs[planes->freqs[f].v * 8 + planes->freqs[f].u];
}

void planes_put_row8(struct planes *planes, uint32_t row, const int16_t (*blocks)[64])
{
	uint32_t whole = planes->block_cols / LANES * LANES;
	size_t first = (size_t)row * planes->block_cols;
	for (unsigned v = 0; v < 8; v++) {
		if (!keeps_any(planes->index[v]))
			continue;
		for (uint32_t col = 0; col < whole; col += LANES)
			put_eight(planes, v, blocks + col, planes->values + first + col);
	}
	for (uint32_t col = whole; col < planes->block_cols; col++)
		put_one(planes, first + col, blocks[col]);
}

void planes_put_lanes(struct planes *planes, size_t first, size_t n, const int16_t *coefs)
{
	int16_t *out = planes->values + first;
	for (unsigned f = 0; f < planes->nfreqs; f++, out += planes->nblocks) {
		const int16_t *lanes = coefs + (planes->freqs[f].v * planes->block + planes->freqs[f].u) * DCT_NBLOCKS;
		if (n == DCT_NBLOCKS)
			memcpy(out, lanes, DCT_NBLOCKS * sizeof *out);
		else
			memcpy(out, lanes, n * sizeof *out);
	}
}
