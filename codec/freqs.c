/* SPDX-License-Identifier: MIT */
/* The order of frequencies: which are kept, and in what order their planes lie. */
#include "codec/design.h"
#include "codec/format.h"

#include <string.h>

/* Append anti-diagonal `sum` by rising u. */
static unsigned add_diagonal(unsigned block, unsigned sum, struct ic_freq *out)
{
	unsigned n = 0;
	for (unsigned u = 0; u <= sum && u < block; u++) {
		if (sum - u < block)
			out[n++] = (struct ic_freq){(uint8_t)u, (uint8_t)(sum - u)};
	}
	return n;
}

static unsigned diagonals(const struct ic_design *d, struct ic_freq *out)
{
	unsigned n = 0, last = 2u * d->block - 2;
	for (unsigned i = 0; i < d->keep; i++)
		n += add_diagonal(d->block, d->order == IC_ORDER_HIGH ? i : last - i, out + n);
	return n;
}

/* The line (column or row) that goes `i`-th when lines are pruned from both ends: B-1, 0, B-2, 1, ... */
static unsigned pruned_line(unsigned block, unsigned i)
{
	return i % 2 ? i / 2 : block - 1 - i / 2;
}

static unsigned add_line(const struct ic_design *d, unsigned line, unsigned from, unsigned to, struct ic_freq *out)
{
	for (unsigned i = from; i < to; i++) {
		out[i - from] = d->order == IC_ORDER_COLUMNS ? (struct ic_freq){(uint8_t)line, (uint8_t)i}
		                                             : (struct ic_freq){(uint8_t)i, (uint8_t)line};
	}
	return to - from;
}

static unsigned lines(const struct ic_design *d, struct ic_freq *out)
{
	unsigned block = d->block, half = block / 2;
	unsigned n = add_line(d, pruned_line(block, block - 1), 0, block, out);
	for (unsigned group = 1; group < d->keep; group++) {
		unsigned line = pruned_line(block, block - 1 - (group + 1) / 2);
		bool low = group % 2;
		n += add_line(d, line, low ? 0 : half, low ? half : block, out + n);
	}
	return n;
}

void ic_design_freqs(const struct ic_design *d, struct ic_freq *out)
{
	if (d->order == IC_ORDER_HIGH || d->order == IC_ORDER_LOW)
		diagonals(d, out);
	else
		lines(d, out);
}

unsigned ic_design_nfreqs(const struct ic_design *d)
{
	unsigned block = d->block, keep = d->keep;
	if (d->order == IC_ORDER_COLUMNS || d->order == IC_ORDER_ROWS)
		return block == 1 ? 1 : block + (keep - 1) * (block / 2);
	/* Anti-diagonals have 1, 2, ..., B, ..., 2, 1 entries: symmetrical, so both directions count alike. */
	if (keep <= block)
		return keep * (keep + 1) / 2;
	unsigned left_out = 2 * block - 1 - keep;
	return block * block - left_out * (left_out + 1) / 2;
}

bool ic_design_covers(const struct ic_design *dense, const struct ic_design *sparse)
{
	if (dense->sx != sparse->sx || dense->sy != sparse->sy || dense->block != sparse->block ||
	    dense->chroma != sparse->chroma || dense->filter != sparse->filter)
		return false;
	if (dense->bits != 8 && dense->bits != sparse->bits)
		return false;
	if (dense->keep == 2 * dense->block - 1)
		return true;
	if (dense->order == sparse->order)
		return dense->keep >= sparse->keep;

	struct ic_freq freqs[IC_BLOCK_MAX * IC_BLOCK_MAX];
	bool held[IC_BLOCK_MAX][IC_BLOCK_MAX];
	memset(held, 0, sizeof held);
	ic_design_freqs(dense, freqs);
	for (unsigned i = 0; i < ic_design_nfreqs(dense); i++)
		held[freqs[i].v][freqs[i].u] = true;
	ic_design_freqs(sparse, freqs);
	for (unsigned i = 0; i < ic_design_nfreqs(sparse); i++) {
		if (!held[freqs[i].v][freqs[i].u])
			return false;
	}
	return true;
}

struct ic_design ic_design_at_q8(const struct ic_design *design)
{
	struct ic_design at_q8 = *design;
	at_q8.bits = 8;
	return at_q8;
}
