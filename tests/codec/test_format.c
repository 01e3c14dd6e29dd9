/* SPDX-License-Identifier: MIT */
/* The .ic file: layouts by formulas of their own, and what a reader accepts. */
#include "codec/format.h"

#include "codec_helpers.h"
#include "guard.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- Layouts ----------------------------------------------------------------------------------------------------- */

/* Number of k in 0, step, 2 * step, ... below `end`: division by counting. */
static uint64_t count_up(uint64_t end, unsigned step)
{
	uint64_t n = 0;

	for (uint64_t at = 0; at < end; at += step)
		n++;
	return n;
}

static void check_layout(const struct ic_design *d, uint32_t width, uint32_t height, unsigned ncomponents)
{
	struct ic_layout l;
	uint64_t data = 0;

	ck_assert_int_eq(ic_layout_init(&l, d, width, height, ncomponents), 0);
	ck_assert(ic_design_equal(&l.design, d));
	ck_assert(l.source_width == width && l.source_height == height && l.ncomponents == ncomponents);
	ck_assert_uint_eq(l.width, count_up(width, d->sx));
	ck_assert_uint_eq(l.height, count_up(height, d->sy));
	ck_assert_uint_eq(l.nfreqs, ic_design_nfreqs(d));
	ck_assert_uint_eq(l.nplanes, l.nfreqs * ncomponents);
	ck_assert_uint_eq(l.data_offset, 64 * count_up(64 + 4 * l.nplanes, 64));
	for (unsigned p = 0; p < l.nplanes; p++) {
		const struct ic_component *c = &l.component[p % ncomponents];
		unsigned across = d->sx * (p % ncomponents ? d->chroma : 1u);
		unsigned down = d->sy * (p % ncomponents ? d->chroma : 1u);

		if (p < ncomponents) {
			ck_assert_uint_eq(c->width, count_up(width, across));
			ck_assert_uint_eq(c->height, count_up(height, down));
			ck_assert_uint_eq(c->block_cols, count_up(width, across * d->block));
			ck_assert_uint_eq(c->block_rows, count_up(height, down * d->block));
			ck_assert_uint_eq(c->nblocks, (uint64_t)c->block_cols * c->block_rows);
			ck_assert_uint_eq(c->plane_nbytes, count_up(c->nblocks * d->bits, 8));
		}
		ck_assert_uint_eq(ic_layout_plane_offset(&l, p), l.data_offset + data);
		data += c->plane_nbytes;
	}
	ck_assert_uint_eq(l.data_nbytes, data);
	ck_assert_uint_eq(l.nbytes, l.data_offset + data);
}

START_TEST(layouts_follow_from_the_size)
{
	static const uint32_t sizes[][2] = {
	        {1, 1}, {1, 2}, {3, 1}, {5, 7}, {16, 16}, {17, 15}, {33, 31}, {64, 65}, {127, 129}, {500, 375},
	};
	struct dice dice = dice_new(1);

	for (size_t i = 0; i < COUNT(sizes) * 100; i++) {
		struct ic_design d = design_random(&dice);

		check_layout(&d, sizes[i % COUNT(sizes)][0], sizes[i % COUNT(sizes)][1], i % 3 ? 3 : 1);
	}
}
END_TEST

/* By hand, from the formulas of docs/format.md. */
START_TEST(layouts_of_the_largest_image_do_not_wrap)
{
	const struct ic_design whole = design_of("s1x1-b1-k1-q8-c1"), blocks = design_of("s1x1-b32-k63-q8-c1");
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &whole, 65535, 65535, 3), 0);
	ck_assert_uint_eq(l.nbytes, 128 + 3 * 65535ull * 65535);
	ck_assert_int_eq(ic_layout_init(&l, &blocks, 65535, 65535, 3), 0);
	ck_assert_uint_eq(l.nbytes, 64 + 4 * 3 * 1024 + 3 * 65536ull * 65536);
	ck_assert_uint_eq(ic_layout_plane_offset(&l, 3071), l.nbytes - 2048 * 2048);
}
END_TEST

START_TEST(layouts_of_nothing_are_refused)
{
	const struct ic_design d = ic_design_default();
	struct ic_design bad = d;
	struct ic_layout l;

	memset(&l, 0x5a, sizeof(l));
	ck_assert_int_eq(ic_layout_init(&l, &d, 0, 1, 3), -EINVAL);
	ck_assert_int_eq(ic_layout_init(&l, &d, 1, 0, 3), -EINVAL);
	ck_assert_int_eq(ic_layout_init(&l, &d, 65536, 1, 3), -EINVAL);
	ck_assert_int_eq(ic_layout_init(&l, &d, 1, 65536, 3), -EINVAL);
	for (unsigned n = 0; n < 6; n++)
		ck_assert_int_eq(ic_layout_init(&l, &d, 1, 1, n == 1 ? 0 : n == 3 ? UINT32_MAX : n), -EINVAL);
	bad.keep = 16;
	ck_assert_int_eq(ic_layout_init(&l, &bad, 1, 1, 3), -EINVAL);
	ck_assert_uint_eq(l.nfreqs, 0x5a5a5a5a);
}
END_TEST

/* --- Headers ----------------------------------------------------------------------------------------------------- */

static struct ic_layout some_layout(struct dice *dice)
{
	struct ic_design d = design_random(dice);
	struct ic_layout l;

	ck_assert_int_eq(
	        ic_layout_init(&l, &d, 1 + dice_roll(dice, 200), 1 + dice_roll(dice, 200), dice_roll(dice, 2) ? 3 : 1),
	        0);
	return l;
}

/* Field by field: structs have padding. */
static void assert_same_layout(const struct ic_layout *a, const struct ic_layout *b)
{
	ck_assert(ic_design_equal(&a->design, &b->design));
	ck_assert(a->source_width == b->source_width && a->source_height == b->source_height);
	ck_assert(a->width == b->width && a->height == b->height);
	ck_assert(a->ncomponents == b->ncomponents && a->nfreqs == b->nfreqs && a->nplanes == b->nplanes);
	ck_assert(a->data_offset == b->data_offset && a->data_nbytes == b->data_nbytes && a->nbytes == b->nbytes);
}

START_TEST(headers_survive_writing_and_parsing)
{
	struct dice dice = dice_new(2);
	struct guard guard = guard_new(IC_HEADER_SIZE);
	uint8_t *header = guard_tail(&guard, IC_HEADER_SIZE);

	for (unsigned i = 0; i < 2000; i++) {
		struct ic_layout l = some_layout(&dice);
		uint8_t orientation = (uint8_t)(i % 8 + 1);
		uint16_t flags = i % 3 ? 0 : IC_FLAG_TRUNCATED;
		struct ic_view view;

		ic_header_write(header, &l, orientation, flags);
		ck_assert(ic_is_magic(header, 8));
		ck_assert_int_eq(ic_view_parse_header(&view, header, IC_HEADER_SIZE, NULL), 0);
		assert_same_layout(&view.layout, &l);
		ck_assert(view.bytes == header && view.orientation == orientation && view.flags == flags);
	}
	guard_clear(&guard);
}
END_TEST

/* Byte for byte, as docs/format.md has it. */
START_TEST(a_header_by_hand)
{
	static const uint8_t expected[IC_HEADER_SIZE] = {
	        0x89, 'I',  'C', 'F', '\r', '\n', 0x1a, '\n',       /* magic */
	        1,    0,    64,  0,                                 /* version, header length */
	        0xf4, 1,    0,   0,   0x77, 1,    0,    0,          /* 500 x 375 */
	        250,  0,    0,   0,   94,   0,    0,    0,          /* 250 x 94 */
	        3,    6,    2,   4,   16,   7,    5,    1,    1, 1, /* N, orientation, the design */
	        1,    0,                                            /* truncated */
	        84,   0,    0,   0,                                 /* 3 * 28 planes */
	        0xc0, 1,    0,   0,                                 /* data at 448 = 64 * ceil((64 + 4 * 84) / 64) */
	        0xb0, 0x13, 0,   0,   0,    0,    0,    0,          /* 84 * ceil(16 * 6 * 5 / 8) bytes */
	};
	const struct ic_design d = design_of("s2x4-b16-k7-q5-c1-fbox-ol");
	uint8_t header[IC_HEADER_SIZE];
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &d, 500, 375, 3), 0);
	ic_header_write(header, &l, 6, IC_FLAG_TRUNCATED);
	for (size_t i = 0; i < IC_HEADER_SIZE; i++)
		ck_assert_msg(header[i] == expected[i], "byte %zu is %u, not %u", i, header[i], expected[i]);
}
END_TEST

/* Whether a header that was accepted, changed in one byte, says something else that can be: another orientation, the flag,
 * a source of another size with the same grid; or another design with as many planes of the same size (fdrop and fbox;
 * orders). */
static bool says_something_else(const struct ic_view *view, const struct ic_layout *was, size_t at)
{
	const struct ic_layout *is = &view->layout;
	bool same_grid = is->width == was->width && is->height == was->height && is->ncomponents == was->ncomponents;
	bool other_size = is->source_width != was->source_width || is->source_height != was->source_height;

	if (!same_grid || is->nbytes != was->nbytes || is->nplanes != was->nplanes)
		return false;
	return at == 29 || at == 38 || other_size || !ic_design_equal(&is->design, &was->design);
}

static void check_change(const uint8_t *header, const struct ic_layout *l, size_t at, uint8_t value,
                         unsigned *naccepted)
{
	uint8_t changed[IC_HEADER_SIZE];
	struct ic_view view;
	struct ic_why why = {""};
	errint_t err;

	memcpy(changed, header, IC_HEADER_SIZE);
	changed[at] = value;
	err = ic_view_parse_header(&view, changed, IC_HEADER_SIZE, &why);
	if (err) {
		bool is_unknown = at == 8 || at == 9 || at == 38 || at == 39;

		ck_assert_msg(err == (is_unknown ? -EOPNOTSUPP : -EBADMSG), "byte %zu = %u gives %d, %s", at, value,
		              err, why.text);
		ck_assert_str_ne(why.text, "");
		return;
	}
	(*naccepted)++;
	if (!says_something_else(&view, l, at))
		ck_abort_msg("byte %zu = %u of the header of %s was accepted", at, value, design_name(&l->design).text);
}

START_TEST(any_changed_byte_of_a_header_is_refused_or_says_something_else)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s2x4-b16-k7-q5-c1-fbox-ol", "s4x1-b1-k1-q1"};

	for (size_t i = 0; i < COUNT(designs); i++) {
		const struct ic_design d = design_of(designs[i]);
		uint8_t header[IC_HEADER_SIZE];
		struct ic_layout l;
		unsigned naccepted = 0;

		ck_assert_int_eq(ic_layout_init(&l, &d, 500, 375, 3), 0);
		ic_header_write(header, &l, 1, 0);
		for (size_t at = 0; at < IC_HEADER_SIZE; at++)
			for (unsigned value = 0; value < 256; value++)
				if (value != header[at])
					check_change(header, &l, at, (uint8_t)value, &naccepted);
		/* Seven orientations, two flags and both, the other filter, other orders where they keep as many
		 * planes, and sizes that round up to the same grid: and nothing more. */
		ck_assert_uint_ge(naccepted, 7 + 3 + 1);
		ck_assert_uint_le(naccepted, 7 + 3 + 1 + 3 + (d.sx - 1u) + (d.sy - 1u));
	}
}
END_TEST

START_TEST(unknown_versions_and_flags_are_not_supported)
{
	struct dice dice = dice_new(4);
	struct ic_layout l = some_layout(&dice);
	uint8_t header[IC_HEADER_SIZE];
	struct ic_view view;

	ic_header_write(header, &l, 1, 0);
	for (unsigned version = 0; version < 65536; version++) {
		header[8] = (uint8_t)version;
		header[9] = (uint8_t)(version >> 8);
		ck_assert_int_eq(ic_view_parse_header(&view, header, IC_HEADER_SIZE, NULL),
		                 version == 1 ? 0 : -EOPNOTSUPP);
	}
	header[8] = 1;
	header[9] = 0;
	for (unsigned flags = 0; flags < 65536; flags++) {
		header[38] = (uint8_t)flags;
		header[39] = (uint8_t)(flags >> 8);
		ck_assert_int_eq(ic_view_parse_header(&view, header, IC_HEADER_SIZE, NULL),
		                 flags < 4 ? 0 : -EOPNOTSUPP);
	}
}
END_TEST

START_TEST(the_magic_needs_eight_bytes)
{
	static const uint8_t magic[8] = {0x89, 'I', 'C', 'F', '\r', '\n', 0x1a, '\n'};
	struct guard guard = {0};

	for (size_t n = 0; n <= 8; n++)
		ck_assert_int_eq(ic_is_magic(guard_copy(&guard, magic, n), n), n == 8);
	for (size_t at = 0; at < 8; at++) {
		uint8_t *changed = guard_copy(&guard, magic, 8);

		changed[at] ^= 0x20;
		ck_assert(!ic_is_magic(changed, 8));
	}
	guard_clear(&guard);
}
END_TEST

/* --- Whole objects ----------------------------------------------------------------------------------------------- */

/* An object of random codes with a table of the right form. */
static struct bytes object_new(const struct ic_layout *l, struct dice *dice)
{
	struct bytes object = {calloc(1, l->nbytes), l->nbytes};

	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, l, 1, 0);
	for (unsigned p = 0; p < l->nplanes; p++) {
		uint8_t *entry = object.data + 64 + 4 * p;

		entry[0] = (uint8_t)dice_between(dice, 1, 255);
		entry[1] = (uint8_t)dice_between(dice, 1, 8);
		entry[2] = entry[1] > l->design.bits ? (uint8_t)dice_roll(dice, 256) : 0;
		entry[3] = entry[1] > l->design.bits ? (uint8_t)dice_roll(dice, 256) : 0;
	}
	for (size_t i = l->data_offset; i < l->nbytes; i++)
		object.data[i] = (uint8_t)dice_roll(dice, 256);
	return object;
}

START_TEST(views_show_the_table_and_the_planes)
{
	struct dice dice = dice_new(5);

	for (unsigned i = 0; i < 200; i++) {
		struct ic_layout l = some_layout(&dice);
		struct bytes object = object_new(&l, &dice);
		struct ic_view view = view_of(object);
		const uint8_t *at = object.data + l.data_offset;

		assert_same_layout(&view.layout, &l);
		for (unsigned p = 0; p < l.nplanes; p++) {
			struct ic_plane_params params = ic_view_plane_params(&view, p);
			const uint8_t *entry = object.data + 64 + 4 * p;

			ck_assert(params.step == entry[0] && params.nbits == entry[1] &&
			          params.mean_nonneg == entry[2] && params.mean_neg == entry[3]);
			ck_assert_ptr_eq(ic_view_plane_data(&view, p), at);
			at += l.component[p % l.ncomponents].plane_nbytes;
		}
		ck_assert_ptr_eq(at, object.data + object.nbytes);
		free(object.data);
	}
}
END_TEST

START_TEST(an_object_that_ends_early_is_not_all_there)
{
	const struct ic_design d = design_of("s1x1-b4-k4-q3");
	struct dice dice = dice_new(6);
	struct guard guard = {0};
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &d, 21, 19, 3), 0);
	struct bytes object = object_new(&l, &dice);
	for (size_t n = 0; n <= object.nbytes; n++) {
		const uint8_t *head = guard_copy(&guard, object.data, n);
		struct ic_view view = {.orientation = 77};
		errint_t err = ic_view_parse(&view, head, n, NULL);

		ck_assert_int_eq(err, n == object.nbytes ? 0 : -ENODATA);
		ck_assert(err == 0 || view.orientation == 77);
		ck_assert_int_eq(ic_view_parse_header(&view, head, n, NULL), n >= IC_HEADER_SIZE ? 0 : -ENODATA);
	}
	guard_clear(&guard);
	free(object.data);
}
END_TEST

START_TEST(what_follows_an_object_is_ignored)
{
	struct dice dice = dice_new(7);
	struct ic_layout l = some_layout(&dice);
	struct bytes object = object_new(&l, &dice);
	struct ic_view view;

	object.data = realloc(object.data, object.nbytes + 100);
	memset(object.data + object.nbytes, 0xff, 100);
	ck_assert_int_eq(ic_view_parse(&view, object.data, object.nbytes + 100, NULL), 0);
	ck_assert_uint_eq(view.layout.nbytes, object.nbytes);
	free(object.data);
}
END_TEST

START_TEST(what_is_no_object_is_damaged)
{
	static const char *const texts[] = {"\x88", "no object", "\xff\xd8\xff", "\x89PNG\r\n\x1a\n",
	                                    "\x89ICF\n\x1a\n"};
	struct ic_view view;

	for (size_t i = 0; i < COUNT(texts); i++)
		ck_assert_int_eq(ic_view_parse(&view, (const uint8_t *)texts[i], strlen(texts[i]), NULL), -EBADMSG);
	ck_assert_int_eq(ic_view_parse(&view, NULL, 0, NULL), -ENODATA); /* nothing is no object yet */
}
END_TEST

/* Entry by entry, at both ends of each field. */
START_TEST(tables_that_no_encoder_writes_are_damaged)
{
	static const struct {
		uint8_t entry[4];
		errint_t at_q3;
	} cases[] = {
	        {{1, 1, 0, 0}, 0},        {{255, 8, 255, 255}, 0},  {{0, 1, 0, 0}, -EBADMSG},
	        {{1, 0, 0, 0}, -EBADMSG}, {{1, 9, 0, 0}, -EBADMSG}, {{1, 255, 1, 1}, -EBADMSG},
	        {{1, 3, 0, 0}, 0},        {{1, 3, 1, 0}, -EBADMSG}, {{1, 3, 0, 1}, -EBADMSG},
	        {{1, 4, 1, 0}, 0},        {{1, 4, 0, 1}, 0},        {{1, 4, 0, 0}, 0},
	};
	const struct ic_design d = design_of("s1x1-b2-k3-q3");
	struct dice dice = dice_new(8);
	struct ic_layout l;
	struct ic_view view;

	ck_assert_int_eq(ic_layout_init(&l, &d, 8, 8, 3), 0);
	struct bytes object = object_new(&l, &dice);
	for (unsigned p = 0; p < l.nplanes; p++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			memcpy(object.data + 64 + 4 * p, cases[i].entry, 4);
			ck_assert_msg(ic_view_parse(&view, object.data, object.nbytes, NULL) == cases[i].at_q3,
			              "case %zu at plane %u", i, p);
		}
	}
	ck_assert_uint_eq(ic_view_parse(&view, object.data, object.nbytes, NULL), 0);
	for (size_t at = 64 + 4 * l.nplanes; at < l.data_offset; at++) {
		object.data[at] = 1;
		ck_assert_int_eq(ic_view_parse(&view, object.data, object.nbytes, NULL), -EBADMSG);
		object.data[at] = 0;
	}
	free(object.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, layouts_follow_from_the_size);
	tcase_add_test(cases, layouts_of_the_largest_image_do_not_wrap);
	tcase_add_test(cases, layouts_of_nothing_are_refused);
	tcase_add_test(cases, headers_survive_writing_and_parsing);
	tcase_add_test(cases, a_header_by_hand);
	tcase_add_test(cases, any_changed_byte_of_a_header_is_refused_or_says_something_else);
	tcase_add_test(cases, unknown_versions_and_flags_are_not_supported);
	tcase_add_test(cases, the_magic_needs_eight_bytes);
	tcase_add_test(cases, views_show_the_table_and_the_planes);
	tcase_add_test(cases, an_object_that_ends_early_is_not_all_there);
	tcase_add_test(cases, what_follows_an_object_is_ignored);
	tcase_add_test(cases, what_is_no_object_is_damaged);
	tcase_add_test(cases, tables_that_no_encoder_writes_are_damaged);
}

int main(void)
{
	return suite_run("format", add_tests);
}
