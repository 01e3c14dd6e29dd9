/* SPDX-License-Identifier: MIT */
/* Huffman codes against a search over all codes that T.81 allows. */
#include "codec/huffman_priv.h"

#include "codec_helpers.h"

#include <stdlib.h>
#include <string.h>

#define NCOUNTS 400

struct counts {
	size_t of[HUFFMAN_NSYMBOLS];
};

/* --- What any code must be ---------------------------------------------------------------------------------------- */

/* Symbols take the codes that a decoder derives from HUFFSIZE and HUFFVAL, count up, and never reach all ones. */
static void check_codes(const struct huffman *huffman, const struct counts *counts, unsigned length_max)
{
	unsigned code = 0, n = 0;

	ck_assert_uint_eq(huffman->nof_length[0], 0);
	for (unsigned length = 1; length <= HUFFMAN_LENGTH_MAX; length++, code <<= 1) {
		for (unsigned i = 0; i < huffman->nof_length[length]; i++, n++, code++) {
			uint8_t symbol = huffman->symbols[n];

			ck_assert_uint_gt(counts->of[symbol], 0);
			ck_assert_uint_eq(huffman->code[symbol], code);
			ck_assert_uint_eq(huffman->length[symbol], length);
			ck_assert_uint_lt(code, (1u << length) - 1);
		}
	}
	ck_assert_uint_eq(huffman->nsymbols, n);
	for (unsigned length = length_max + 1; length <= HUFFMAN_LENGTH_MAX; length++)
		ck_assert_uint_eq(huffman->nof_length[length], 0);
	for (unsigned symbol = 0; symbol < HUFFMAN_NSYMBOLS; symbol++)
		ck_assert_uint_eq(huffman->length[symbol] != 0, counts->of[symbol] != 0);
}

static size_t cost_of(const struct huffman *huffman, const struct counts *counts)
{
	size_t nbits = 0;

	for (unsigned symbol = 0; symbol < HUFFMAN_NSYMBOLS; symbol++)
		nbits += huffman->length[symbol] * counts->of[symbol];
	return nbits;
}

/* --- The least cost there is -------------------------------------------------------------------------------------- */

/* Leaves by falling count, the last of them the code that is all ones; what it costs to place all from the `first` on
 * below a level with so many open nodes, each of those leaves being one bit deeper for it. */
struct search {
	size_t counts[HUFFMAN_NSYMBOLS + 1];
	unsigned nleaves, length_max;
	size_t *known; /* [level][first][open]; 0: not yet */
};

static size_t *known_at(struct search *s, unsigned level, unsigned first, unsigned open)
{
	return &s->known[((size_t)level * (s->nleaves + 1) + first) * (s->nleaves + 1) + open];
}

static size_t least_below(struct search *s, unsigned level, unsigned first, unsigned open)
{
	unsigned left = s->nleaves - first;
	size_t best = SIZE_MAX, below = 0;

	if (left == 0)
		return 0;
	if (level == s->length_max || open == 0)
		return SIZE_MAX;
	open = 2 * open < left ? 2 * open : left; /* more nodes than leaves help no one */
	size_t *known = known_at(s, level, first, open);
	if (*known)
		return *known;
	for (unsigned i = first; i < s->nleaves; i++)
		below += s->counts[i];
	for (unsigned nplaced = 0; nplaced <= open; nplaced++) {
		size_t rest = least_below(s, level + 1, first + nplaced, open - nplaced);

		best = rest != SIZE_MAX && rest + below < best ? rest + below : best;
	}
	return *known = best;
}

static int compare(const void *a, const void *b)
{
	size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return (x < y) - (x > y);
}

static size_t least_cost(const struct counts *counts, unsigned length_max)
{
	struct search s = {.nleaves = 1, .length_max = length_max};

	for (unsigned symbol = 0; symbol < HUFFMAN_NSYMBOLS; symbol++)
		if (counts->of[symbol])
			s.counts[s.nleaves++ - 1] = counts->of[symbol];
	qsort(s.counts, s.nleaves, sizeof *s.counts, compare);
	s.known = calloc((length_max + 1) * (size_t)(s.nleaves + 1) * (s.nleaves + 1), sizeof *s.known);
	ck_assert_ptr_nonnull(s.known);
	size_t cost = least_below(&s, 0, 0, 1);
	free(s.known);
	return cost;
}

static void check(const struct counts *counts, unsigned length_max)
{
	struct huffman huffman;

	huffman_make(counts->of, length_max, &huffman);
	check_codes(&huffman, counts, length_max);
	ck_assert_uint_eq(cost_of(&huffman, counts), least_cost(counts, length_max));
}

/* --- Counts ------------------------------------------------------------------------------------------------------- */

START_TEST(one_symbol_takes_one_bit)
{
	for (unsigned symbol = 0; symbol < HUFFMAN_NSYMBOLS; symbol += 51) {
		struct counts counts = {{0}};
		struct huffman huffman;

		counts.of[symbol] = 7;
		huffman_make(counts.of, 8, &huffman);
		check_codes(&huffman, &counts, 8);
		ck_assert_uint_eq(huffman.length[symbol], 1);
	}
}
END_TEST

/* Without a limit the n-th of these would take n bits. */
START_TEST(lengths_are_limited_at_the_least_cost)
{
	for (unsigned n = 2; n <= 60; n++) {
		struct counts counts = {{1, 1}};

		for (unsigned symbol = 2; symbol < n; symbol++)
			counts.of[symbol] = counts.of[symbol - 1] + counts.of[symbol - 2];
		for (unsigned length_max = 6; length_max <= HUFFMAN_LENGTH_MAX; length_max++)
			check(&counts, length_max);
	}
}
END_TEST

START_TEST(no_code_costs_less)
{
	struct dice dice = dice_new(1);

	for (unsigned i = 0; i < NCOUNTS; i++) {
		struct counts counts = {{0}};
		unsigned n = 1 + dice_roll(&dice, 40), range_bits = 1 + dice_roll(&dice, 30);

		for (unsigned j = 0; j < n; j++)
			counts.of[dice_roll(&dice, 256)] = 1 + dice_roll(&dice, 1u << dice_roll(&dice, range_bits));
		check(&counts, i % 2 ? HUFFMAN_LENGTH_MAX : 8);
	}
}
END_TEST

START_TEST(all_symbols_have_codes)
{
	struct counts equal, falling;

	for (unsigned symbol = 0; symbol < HUFFMAN_NSYMBOLS; symbol++) {
		equal.of[symbol] = 1000;
		falling.of[symbol] = (size_t)1 << (40 - symbol / 8);
	}
	check(&equal, HUFFMAN_LENGTH_MAX);
	check(&falling, HUFFMAN_LENGTH_MAX);
	equal.of[7] = falling.of[7] = 0; /* as many as 8 bits have room for beside the one that is all ones */
	check(&equal, 8);
	check(&falling, 8);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, one_symbol_takes_one_bit);
	tcase_add_test(cases, lengths_are_limited_at_the_least_cost);
	tcase_add_test(cases, no_code_costs_less);
	tcase_add_test(cases, all_symbols_have_codes);
}

int main(void)
{
	return suite_run("huffman", add_tests);
}
