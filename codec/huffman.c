/* SPDX-License-Identifier: MIT */
#include "codec/huffman_priv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Beside the symbols, one that never occurs takes the code that is all ones. */
#define NLEAVES_MAX (HUFFMAN_NSYMBOLS + 1)
#define NITEMS_MAX (2 * NLEAVES_MAX)

struct leaf {
	size_t count;
	uint8_t symbol;
};

/* Rarest first; those equally rare by falling symbol, so that codes do not depend on qsort. */
static int compare(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return y->symbol - x->symbol;
}

/* The first leaf is the one that never occurs. */
static unsigned collect(const size_t counts[HUFFMAN_NSYMBOLS], struct leaf leaves[NLEAVES_MAX])
{
	unsigned n = 1;
	leaves[0] = (struct leaf){0};
	for (unsigned s = 0; s < HUFFMAN_NSYMBOLS; s++)
		if (counts[s])
			leaves[n++] = (struct leaf){counts[s], (uint8_t)s};
	qsort(leaves + 1, n - 1, sizeof *leaves, compare);
	return n;
}

/* Items of one list: leaves, and items of the list before by twos, by rising weight. */
struct items {
	size_t weights[NITEMS_MAX];
	unsigned n;
};

/* Says of each new item whether it is a leaf. */
static void merge(const struct leaf *leaves, unsigned nleaves, const struct items *before, struct items *out,
                  bool is_leaf[NITEMS_MAX])
{
	unsigned leaf = 0, pair = 0, npairs = before->n / 2;
	out->n = nleaves + npairs;
	for (unsigned i = 0; i < out->n; i++) {
		size_t weight = pair < npairs ? before->weights[2 * pair] + before->weights[2 * pair + 1] : SIZE_MAX;
		is_leaf[i] = leaf < nleaves && leaves[leaf].count <= weight;
		out->weights[i] = is_leaf[i] ? leaves[leaf].count : weight;
		leaf += is_leaf[i];
		pair += !is_leaf[i];
	}
}

/* Package-merge: L. L. Larmore and D. S. Hirschberg, A fast algorithm for optimal length-limited Huffman codes, JACM
 * 37(3), 1990. Of each list the lightest items are taken, of the last as many as make a code; the length of a leaf is the
 * number of lists it is taken from. */
static void find_lengths(const struct leaf *leaves, unsigned nleaves, unsigned length_max, uint8_t lengths[NLEAVES_MAX])
{
	bool is_leaf[HUFFMAN_LENGTH_MAX][NITEMS_MAX];
	struct items items[2];
	items[1].n = 0;
	for (unsigned i = 0; i < length_max; i++)
		merge(leaves, nleaves, &items[(i + 1) % 2], &items[i % 2], is_leaf[i]);

	memset(lengths, 0, nleaves);
	unsigned ntaken = 2 * nleaves - 2;
	for (unsigned i = length_max; i-- > 0;) {
		unsigned leaf = 0;
		for (unsigned item = 0; item < ntaken; item++)
			if (is_leaf[i][item])
				lengths[leaf++]++;
		ntaken = 2 * (ntaken - leaf);
	}
}

/* Codes count up, from the most frequent symbol on, and are shifted where they become longer (T.81, figure C.2). */
static void assign_codes(const struct leaf *leaves, unsigned nleaves, const uint8_t *lengths, struct huffman *huffman)
{
	unsigned code = 0, length = 1;
	for (unsigned leaf = nleaves - 1; leaf > 0; leaf--) {
		uint8_t symbol = leaves[leaf].symbol;
		code <<= lengths[leaf] - length;
		length = lengths[leaf];
		huffman->code[symbol] = (uint16_t)code++;
		huffman->length[symbol] = (uint8_t)length;
		huffman->nof_length[length]++;
		huffman->symbols[huffman->nsymbols++] = symbol;
	}
}

void huffman_make(const size_t counts[HUFFMAN_NSYMBOLS], unsigned length_max, struct huffman *ret_huffman)
{
	struct leaf leaves[NLEAVES_MAX];
	uint8_t lengths[NLEAVES_MAX];
	unsigned nleaves = collect(counts, leaves);
	find_lengths(leaves, nleaves, length_max, lengths);
	*ret_huffman = (struct huffman){.nsymbols = 0};
	assign_codes(leaves, nleaves, lengths, ret_huffman);
}
