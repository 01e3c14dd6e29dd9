/* SPDX-License-Identifier: MIT */
/* The design space: how many there are, how they are written, which frequencies they keep, how they compare. */
#include "codec/design.h"

#include "codec/format.h"
#include "codec_helpers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FREQS_MAX (IC_BLOCK_MAX * IC_BLOCK_MAX)

static const uint8_t samplings[] = {1, 2, 4};
static const uint8_t blocks[] = {1, 2, 4, 8, 16, 32};
static const enum ic_order orders[] = {IC_ORDER_HIGH, IC_ORDER_LOW, IC_ORDER_COLUMNS, IC_ORDER_ROWS};

/* Every valid (s, b, k, q) with the rest of `d` as it is. */
static void for_each(struct ic_design d, unsigned nblocks, void (*visit)(const struct ic_design *, void *), void *with)
{
	for (unsigned s = 0; s < 9; s++) {
		d.sx = samplings[s / 3];
		d.sy = samplings[s % 3];
		for (unsigned b = 0; b < nblocks; b++) {
			d.block = blocks[b];
			for (d.keep = 1; d.keep < 2 * d.block; d.keep++)
				for (d.bits = 1; d.bits <= 8; d.bits++)
					visit(&d, with);
		}
	}
}

static void check_place(const struct ic_design *design, void *with)
{
	unsigned *count = with;
	struct ic_design at;

	ck_assert_int_eq(ic_design_index(design), (int)*count);
	ck_assert_int_eq(ic_design_at(*count, &at), 0);
	ck_assert(ic_design_equal(&at, design));
	ck_assert(ic_design_is_base(design));
	(*count)++;
}

START_TEST(the_base_space_has_4104_designs_in_a_fixed_order)
{
	struct ic_design untouched = design_of("s4x1-b2-k3-q7");
	unsigned count = 0;

	for_each(ic_design_default(), 5, check_place, &count);
	ck_assert_uint_eq(count, 4104);
	ck_assert_uint_eq(IC_DESIGN_COUNT, 4104);
	ck_assert_int_eq(ic_design_at(4104, &untouched), -EINVAL);
	ck_assert_int_eq(ic_design_at(UINT32_MAX, &untouched), -EINVAL);
	ck_assert_str_eq(design_name(&untouched).text, "s4x1-b2-k3-q7");
}
END_TEST

START_TEST(what_lies_outside_the_base_has_no_index)
{
	static const char *const texts[] = {
	        "s1x1-b32-k1-q8",    "s1x1-b8-k15-q8-c1", "s2x1-b8-k15-q8-fbox",
	        "s1x1-b8-k15-q8-ol", "s1x1-b1-k1-q1-ox",  "s1x1-b8-k15-q8-oy",
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct ic_design d = design_of(texts[i]);

		ck_assert(ic_design_is_valid(&d));
		ck_assert(!ic_design_is_base(&d));
		ck_assert_int_eq(ic_design_index(&d), -EINVAL);
	}
}
END_TEST

START_TEST(fields_outside_their_domain_are_not_valid)
{
	static const size_t places[] = {
	        offsetof(struct ic_design, sx),     offsetof(struct ic_design, sy),
	        offsetof(struct ic_design, block),  offsetof(struct ic_design, keep),
	        offsetof(struct ic_design, bits),   offsetof(struct ic_design, chroma),
	        offsetof(struct ic_design, filter), offsetof(struct ic_design, order),
	};
	static const char *const domains[] = {
	        "\1\2\4", "\1\2\4", "\1\2\4\10\20\40", NULL, "\1\2\3\4\5\6\7\10", "\1\2", NULL, NULL,
	};
	static const unsigned up_to[] = {0, 0, 0, 15, 0, 0, 1, 3};

	for (size_t i = 0; i < COUNT(places); i++) {
		for (unsigned value = 0; value < 256; value++) {
			struct ic_design d = ic_design_default();
			bool in_domain = domains[i] ? value && strchr(domains[i], (int)value)
			                            : value <= up_to[i] && (value || i != 3);

			d.keep = places[i] == offsetof(struct ic_design, block) ? 1 : d.keep;
			((uint8_t *)&d)[places[i]] = (uint8_t)value;
			ck_assert_msg(ic_design_is_valid(&d) == in_domain, "field %zu at %u", i, value);
		}
	}
}
END_TEST

/* --- The written form ------------------------------------------------------------------------------------------ */

static void check_round_trip(const struct ic_design *design, void *with)
{
	char text[IC_DESIGN_STRING_SIZE];
	struct ic_design parsed;
	struct ic_why why;
	size_t length = ic_design_print(design, text);

	if (length != strlen(text) || ic_design_parse(text, &parsed, &why) || !ic_design_equal(design, &parsed) ||
	    !ic_design_is_valid(design))
		ck_abort_msg("%s does not survive", text);
	(*(unsigned *)with)++;
}

START_TEST(every_design_survives_printing_and_parsing)
{
	struct ic_design d = ic_design_default();
	unsigned count = 0;

	for (d.chroma = 1; d.chroma <= 2; d.chroma++)
		for (d.filter = 0; d.filter <= 1; d.filter++)
			for (d.order = 0; d.order <= 3; d.order++)
				for_each(d, 6, check_round_trip, &count);
	ck_assert_uint_eq(count, 9 * (57 + 63) * 8 * 2 * 2 * 4);
}
END_TEST

START_TEST(the_written_form_is_the_shortest)
{
	static const struct {
		const char *text, *printed;
	} cases[] = {
	        {"s2x2-b8-k6-q8", "s2x2-b8-k6-q8"},
	        {"s1x4-b16-k31-q1-c2-fdrop-oh", "s1x4-b16-k31-q1"},
	        {"s1x1-b32-k63-q8-c1-fbox-oy", "s1x1-b32-k63-q8-c1-fbox-oy"},
	        {"s4x1-b1-k1-q3-c2-fbox", "s4x1-b1-k1-q3-fbox"},
	        {"s4x1-b2-k3-q3-c1-oh", "s4x1-b2-k3-q3-c1"},
	        {"s4x1-b2-k3-q3-fdrop-ol", "s4x1-b2-k3-q3-ol"},
	        {"s4x1-b2-k3-q3-ox", "s4x1-b2-k3-q3-ox"},
	};
	const struct ic_design parsed = design_of("s2x4-b16-k7-q5-c1-fbox-ol");
	const struct ic_design expected = {2, 4, 16, 7, 5, IC_CHROMA_FULL, IC_FILTER_BOX, IC_ORDER_LOW};
	const struct ic_design ours = ic_design_default();

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct ic_design d = design_of(cases[i].text);

		ck_assert_str_eq(design_name(&d).text, cases[i].printed);
	}
	ck_assert(ic_design_equal(&parsed, &expected));
	ck_assert_str_eq(design_name(&ours).text, "s1x1-b8-k15-q8");
}
END_TEST

START_TEST(malformed_texts_are_refused)
{
	static const char *const texts[] = {
	        "",
	        "s",
	        "s1",
	        "s1x1",
	        "s1x1-",
	        "s1x1-b8",
	        "s1x1-b8-k15",
	        "s1x1-b8-k15-",
	        "s1x1-b8-k15-q",
	        "s0x1-b8-k15-q8",
	        "s1x3-b8-k15-q8",
	        "s3x1-b8-k15-q8",
	        "s1x8-b8-k15-q8",
	        "s01x1-b8-k15-q8",
	        "s1x1-b0-k1-q8",
	        "s1x1-b3-k1-q8",
	        "s1x1-b64-k1-q8",
	        "s1x1-b08-k1-q8",
	        "s1x1-b8-k0-q8",
	        "s1x1-b8-k16-q8",
	        "s1x1-b1-k2-q8",
	        "s1x1-b16-k32-q8",
	        "s1x1-b32-k64-q8",
	        "s1x1-b8-k015-q8",
	        "s1x1-b8-k15-q0",
	        "s1x1-b8-k15-q9",
	        "s1x1-b8-k15-q10",
	        "s1x1-b8-k15-q08",
	        "s1x1-b8-k257-q8",
	        "s1x1-b8-k271-q8",
	        "s257x1-b8-k15-q8",
	        "s1x1-b264-k15-q8",
	        "s1x1-b8-k15-q264",
	        "s1x1-b8-k15-q8 ",
	        " s1x1-b8-k15-q8",
	        "s1x1-b8-k15-q8\n",
	        "s1x1-b8-k15-q8-",
	        "S1x1-b8-k15-q8",
	        "s1X1-b8-k15-q8",
	        "s1x1_b8_k15_q8",
	        "s1x1-b8-q8-k15",
	        "b8-s1x1-k15-q8",
	        "s-1x1-b8-k15-q8",
	        "s+1x1-b8-k15-q8",
	        "s1x1-b 8-k15-q8",
	        "s1x1--b8-k15-q8",
	        "s1x1-b8-k15-q8-c",
	        "s1x1-b8-k15-q8-c0",
	        "s1x1-b8-k15-q8-c3",
	        "s1x1-b8-k15-q8-c4",
	        "s1x1-b8-k15-q8-c257",
	        "s1x1-b8-k15-q8-f",
	        "s1x1-b8-k15-q8-fb",
	        "s1x1-b8-k15-q8-fboxy",
	        "s1x1-b8-k15-q8-fBOX",
	        "s1x1-b8-k15-q8-o",
	        "s1x1-b8-k15-q8-oz",
	        "s1x1-b8-k15-q8-ohh",
	        "s1x1-b8-k15-q8-fbox-c1",
	        "s1x1-b8-k15-q8-ol-fbox",
	        "s1x1-b8-k15-q8-c1-c1",
	        "s1x1-b8-k15-q8-oh-oh",
	        "s1x1-b8-k15-q8,ic",
	        "auto",
	        "s1x1-b8-k15-q8/",
	        "s1x1-b8-k99999999999999999999-q8",
	        ("s1x1-b8-k15-q8-a-very-long-text-that-would-overflow-a-sentence-of-200-bytes-if-it-were-taken-over-"
	         "whole-into-the-sentence-that-says-what-was-expected-and-so-on-and-so-on-and-so-on-and-so-on"),
	};

	for (size_t i = 0; i < COUNT(texts); i++) {
		struct ic_design d = design_of("s4x2-b4-k5-q6");
		struct ic_why why;

		memset(&why, 0x7f, sizeof(why));
		ck_assert_msg(ic_design_parse(texts[i], &d, &why) == -EINVAL, "'%s' was accepted", texts[i]);
		ck_assert_str_eq(design_name(&d).text, "s4x2-b4-k5-q6");
		ck_assert_uint_lt(strnlen(why.text, sizeof(why.text)), sizeof(why.text));
		ck_assert(*texts[i] == 0 || strlen(texts[i]) > 60 || strstr(why.text, texts[i]));
		ck_assert_int_eq(ic_design_parse(texts[i], &d, NULL), -EINVAL);
	}
}
END_TEST

/* Every text that one changed, left out or doubled character makes of a good one is refused, or read as what it says. */
START_TEST(near_misses_are_refused_or_print_as_they_are)
{
	static const char good[] = "s2x4-b16-k12-q3-c1-fbox-ol";
	static const char letters[] = "0123456789sxbkqcfo-hlyd \t";
	unsigned naccepted = 0;

	for (size_t at = 0; at < strlen(good); at++) {
		for (const char *p = letters; *p; p++) {
			char text[IC_DESIGN_STRING_SIZE];
			struct ic_design d;

			snprintf(text, sizeof(text), "%s", good);
			text[at] = *p;
			if (ic_design_parse(text, &d, NULL) == 0) {
				naccepted++;
				ck_assert(ic_design_is_valid(&d));
				/* c2 and oh are defaults, which are not printed. */
				if (d.chroma == IC_CHROMA_FULL && d.order != IC_ORDER_HIGH)
					ck_assert_str_eq(design_name(&d).text, text);
			}
		}
	}
	/* 1 and 2 and 4 twice, k10..19, 22, q1..8, c1 and c2, four orders but x and y, which are not among the letters */
	ck_assert_uint_gt(naccepted, 20);
	ck_assert_uint_lt(naccepted, 60);
}
END_TEST

/* --- Frequencies ------------------------------------------------------------------------------------------------- */

/* Appends the group that is pruned `step`-th (from 0) to `out`, in the order of its planes, as design.h words it. */
static unsigned pruned_group(enum ic_order order, unsigned block, unsigned step, struct ic_freq *out)
{
	unsigned n = 0, last = 2 * block - 2;
	/* Lines go in the order B-1, 0, B-2, 1, ..., each in two steps but the last. */
	unsigned nth = step / 2, line = nth % 2 ? nth / 2 : block - 1 - nth / 2;

	for (unsigned i = 0; i < block * block; i++) {
		unsigned major = i / block, minor = i % block; /* by rising u, or along a line */
		struct ic_freq freq = {(uint8_t)major, (uint8_t)minor};
		bool in_group;

		if (order == IC_ORDER_ROWS)
			freq = (struct ic_freq){(uint8_t)minor, (uint8_t)major};
		if (order == IC_ORDER_HIGH)
			in_group = major + minor == last - step;
		else if (order == IC_ORDER_LOW)
			in_group = major + minor == step;
		else
			in_group = major == line && (step == last || (minor >= block / 2) == (step % 2 == 0));
		if (in_group)
			out[n++] = freq;
	}
	return n;
}

/* What kK keeps: the K groups that are pruned last, the very last first. */
static unsigned freqs_by_pruning(const struct ic_design *d, struct ic_freq *out)
{
	unsigned n = 0;

	for (unsigned kept = 0; kept < d->keep; kept++)
		n += pruned_group((enum ic_order)d->order, d->block, 2u * d->block - 2 - kept, out + n);
	return n;
}

static void check_freqs(const struct ic_design *d)
{
	static struct ic_freq found[FREQS_MAX + 1], expected[FREQS_MAX];
	unsigned n = freqs_by_pruning(d, expected);

	memset(found, 0xee, sizeof(found));
	ic_design_freqs(d, found);
	ck_assert_msg(ic_design_nfreqs(d) == n, "%s: %u frequencies, not %u", design_name(d).text, ic_design_nfreqs(d),
	              n);
	ck_assert_msg(memcmp(found, expected, n * sizeof(*found)) == 0, "%s: other frequencies", design_name(d).text);
	ck_assert_uint_eq(found[n].u, 0xee);
	if (d->keep == 2 * d->block - 1)
		ck_assert_uint_eq(n, (unsigned)d->block * d->block);
}

/* That the list of K is the head of the list of K + 1 follows from comparing each with the same groups. */
START_TEST(frequencies_are_those_pruned_last)
{
	struct ic_design d = ic_design_default();

	for (size_t o = 0; o < COUNT(orders); o++) {
		d.order = (uint8_t)orders[o];
		for (size_t b = 0; b < COUNT(blocks); b++) {
			d.block = blocks[b];
			for (d.keep = 1; d.keep < 2 * d.block; d.keep++)
				check_freqs(&d);
		}
	}
}
END_TEST

START_TEST(frequencies_are_a_set_and_each_list_begins_the_next)
{
	static struct ic_freq shorter[FREQS_MAX], longer[FREQS_MAX];
	struct ic_design d = ic_design_default();

	for (size_t i = 0; i < COUNT(orders) * COUNT(blocks); i++) {
		unsigned nshorter = 0;
		bool seen[IC_BLOCK_MAX][IC_BLOCK_MAX] = {{false}};

		d.order = (uint8_t)orders[i % COUNT(orders)];
		d.block = blocks[i / COUNT(orders)];
		for (d.keep = 1; d.keep < 2 * d.block; d.keep++) {
			unsigned nlonger = ic_design_nfreqs(&d);

			ck_assert_uint_gt(nlonger, nshorter);
			ic_design_freqs(&d, longer);
			ck_assert(memcmp(shorter, longer, nshorter * sizeof(*shorter)) == 0);
			for (unsigned f = nshorter; f < nlonger; f++) {
				ck_assert(longer[f].u < d.block && longer[f].v < d.block);
				ck_assert(!seen[longer[f].v][longer[f].u]);
				seen[longer[f].v][longer[f].u] = true;
			}
			memcpy(shorter, longer, nlonger * sizeof(*shorter));
			nshorter = nlonger;
		}
	}
}
END_TEST

/* --- Comparing --------------------------------------------------------------------------------------------------- */

#define NCOMPARED (IC_DESIGN_COUNT + 500)

/* An image whose every grid has whole blocks and whole bytes, so that its size is exactly in proportion to its density. */
static uint64_t exact_size(const struct ic_design *design)
{
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, design, 4096, 4096, 3), 0);
	return layout.data_nbytes;
}

START_TEST(density_orders_as_the_sizes_of_large_objects_do)
{
	static struct ic_design designs[NCOMPARED];
	static uint64_t sizes[NCOMPARED];
	struct dice dice = dice_new(1);

	for (unsigned i = 0; i < NCOMPARED; i++) {
		if (i >= IC_DESIGN_COUNT)
			designs[i] = design_random(&dice);
		else
			ck_assert_int_eq(ic_design_at(i, &designs[i]), 0);
		sizes[i] = exact_size(&designs[i]);
	}
	for (unsigned i = 0; i < NCOMPARED; i++) {
		for (unsigned j = 0; j < NCOMPARED; j++) {
			int order = ic_design_compare_density(&designs[i], &designs[j]);

			if ((order > 0) != (sizes[i] > sizes[j]) || (order < 0) != (sizes[i] < sizes[j]))
				ck_abort_msg("%s against %s: %d", design_name(&designs[i]).text,
				             design_name(&designs[j]).text, order);
		}
	}
}
END_TEST

struct freq_set {
	uint64_t words[FREQS_MAX / 64];
};

static struct freq_set set_of(const struct ic_design *d)
{
	static struct ic_freq freqs[FREQS_MAX];
	struct freq_set set = {{0}};

	for (unsigned f = 0, n = freqs_by_pruning(d, freqs); f < n; f++) {
		unsigned at = freqs[f].v * 32u + freqs[f].u;

		set.words[at / 64] |= 1ull << at % 64;
	}
	return set;
}

static bool includes(const struct freq_set *whole, const struct freq_set *part)
{
	for (size_t i = 0; i < COUNT(part->words); i++) {
		if (part->words[i] & ~whole->words[i])
			return false;
	}
	return true;
}

/* All pairs of (k, order) of one block size, at random numbers of bits. */
static void check_covers(uint8_t block)
{
	static struct ic_design designs[4 * 63];
	static struct freq_set sets[4 * 63];
	struct dice dice = dice_new(block);
	unsigned n = 0;

	for (size_t o = 0; o < COUNT(orders); o++) {
		for (unsigned k = 1; k < 2u * block; k++, n++) {
			designs[n] = (struct ic_design){2, 1, block, (uint8_t)k, 8, 2, 0, (uint8_t)orders[o]};
			sets[n] = set_of(&designs[n]);
		}
	}
	for (unsigned i = 0; i < n * n; i++) {
		struct ic_design dense = designs[i / n], sparse = designs[i % n];
		bool bits_cover, covers;

		dense.bits = (uint8_t)(dice_roll(&dice, 2) ? 8 : dice_between(&dice, 1, 8));
		sparse.bits = (uint8_t)dice_between(&dice, 1, 8);
		bits_cover = dense.bits == 8 || dense.bits == sparse.bits;
		covers = ic_design_covers(&dense, &sparse);
		if (covers != (bits_cover && includes(&sets[i / n], &sets[i % n])))
			ck_abort_msg("%s and %s: %d", design_name(&dense).text, design_name(&sparse).text, covers);
	}
}

START_TEST(covering_is_including)
{
	check_covers(blocks[_i]);
}
END_TEST

START_TEST(a_design_covers_itself_and_nothing_of_another_grid)
{
	struct dice dice = dice_new(3);

	for (unsigned i = 0; i < 2000; i++) {
		struct ic_design d = design_random(&dice), other = design_random(&dice), at_q8 = ic_design_at_q8(&d);

		ck_assert(ic_design_covers(&d, &d));
		ck_assert(ic_design_covers(&at_q8, &d));
		ck_assert_int_eq(ic_design_covers(&d, &at_q8), d.bits == 8);
		other.keep = 1;
		other.bits = 1;
		other.order = IC_ORDER_HIGH;
		d.keep = (uint8_t)(2 * d.block - 1);
		d.bits = 8;
		ck_assert_int_eq(ic_design_covers(&d, &other),
		                 d.sx == other.sx && d.sy == other.sy && d.block == other.block &&
		                         d.chroma == other.chroma && d.filter == other.filter);
	}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, the_base_space_has_4104_designs_in_a_fixed_order);
	tcase_add_test(cases, what_lies_outside_the_base_has_no_index);
	tcase_add_test(cases, fields_outside_their_domain_are_not_valid);
	tcase_add_test(cases, every_design_survives_printing_and_parsing);
	tcase_add_test(cases, the_written_form_is_the_shortest);
	tcase_add_test(cases, malformed_texts_are_refused);
	tcase_add_test(cases, near_misses_are_refused_or_print_as_they_are);
	tcase_add_test(cases, frequencies_are_those_pruned_last);
	tcase_add_test(cases, frequencies_are_a_set_and_each_list_begins_the_next);
	tcase_add_test(cases, density_orders_as_the_sizes_of_large_objects_do);
	tcase_add_loop_test(cases, covering_is_including, 0, COUNT(blocks));
	tcase_add_test(cases, a_design_covers_itself_and_nothing_of_another_grid);
}

int main(void)
{
	return suite_run("design", add_tests);
}
