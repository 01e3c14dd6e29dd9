/* SPDX-License-Identifier: MIT */
/* What the catalog remembers of sources, many at once, and what it makes of a catalog of version 1. */
#include "codec/encode.h"
#include "search/catalog.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NSOURCES 3000

static struct catalog_facts facts_of(unsigned n)
{
	static const struct catalog_facts kinds[] = {
	        {.is_jpeg = false},
	        {true, {500, 375, 3, 3, IC_JPEG_YCBCR, IC_JPEG_BASELINE, false, 0, {2, 1, 1}, {2, 1, 1}, 1}},
	        {true, {65535, 1, 1, 1, IC_JPEG_GRAY, IC_JPEG_PROGRESSIVE, false, 0, {1}, {1}, 8}},
	        {true, {1, 65535, 4, 3, IC_JPEG_YCCK, IC_JPEG_BASELINE, true, 65535, {4, 1, 1, 4}, {2, 1, 3, 4}, 6}},
	        {true, {640, 480, 3, 3, IC_JPEG_RGB, IC_JPEG_PROGRESSIVE, true, 7, {1, 1, 1}, {1, 1, 1}, 2}},
	        {true, {16, 16, 4, 3, IC_JPEG_CMYK, IC_JPEG_BASELINE, false, 1, {1, 1, 1, 1}, {1, 1, 1, 1}, 3}},
	};

	return kinds[n % (sizeof(kinds) / sizeof(kinds[0]))];
}

static void check_equal(const struct catalog_facts *a, const struct catalog_facts *b)
{
	ck_assert_int_eq(a->is_jpeg, b->is_jpeg);
	ck_assert_uint_eq(a->info.width, b->info.width);
	ck_assert_uint_eq(a->info.height, b->info.height);
	ck_assert_uint_eq(a->info.ncomponents, b->info.ncomponents);
	ck_assert_uint_eq(a->info.nobject_components, b->info.nobject_components);
	ck_assert_int_eq(a->info.color, b->info.color);
	ck_assert_int_eq(a->info.process, b->info.process);
	ck_assert_int_eq(a->info.arithmetic, b->info.arithmetic);
	ck_assert_uint_eq(a->info.restart_interval, b->info.restart_interval);
	ck_assert_mem_eq(a->info.h, b->info.h, 4);
	ck_assert_mem_eq(a->info.v, b->info.v, 4);
	ck_assert_uint_eq(a->info.orientation, b->info.orientation);
}

static struct catalog_known known_of(struct catalog *catalog, unsigned n)
{
	struct catalog_source source = source_at(n);
	struct catalog_known known;

	ck_assert_int_eq(catalog_get(catalog, &source, 1, NULL, &known), 0);
	return known;
}

START_TEST(facts_are_remembered)
{
	struct catalog *catalog = open_catalog();

	for (unsigned i = 0; i < 6; i++) {
		struct catalog_source source = source_at(i);
		struct catalog_facts facts = facts_of(i);
		ck_assert(!known_of(catalog, i).has_facts);
		catalog_put_facts(catalog, &source, &facts);
	}
	catalog_close(catalog);
	catalog = open_catalog();
	for (unsigned i = 0; i < 6; i++) {
		struct catalog_known known = known_of(catalog, i);
		struct catalog_facts facts = facts_of(i);
		ck_assert(known.has_facts && !known.has_size);
		check_equal(&known.facts, &facts);
	}
	catalog_close(catalog);
}
END_TEST

/* Facts and sizes of one source come in any order, and neither replaces the other. */
START_TEST(facts_and_sizes_live_together)
{
	struct catalog *catalog = open_catalog();
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8");
	struct catalog_known known;

	for (unsigned i = 0; i < 2; i++) {
		struct catalog_source source = source_at(i);
		struct catalog_facts facts = facts_of(1), newer = facts_of(2);
		if (i == 0)
			catalog_put_facts(catalog, &source, &facts);
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){1234, false});
		if (i == 1)
			catalog_put_facts(catalog, &source, &facts);
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(catalog_get(catalog, &source, 1, &variant, &known), 0);
		ck_assert(known.has_facts && known.has_size && known.size.nbytes == 1234);
		check_equal(&known.facts, &facts);
		catalog_put_facts(catalog, &source, &newer);
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(catalog_get(catalog, &source, 1, &variant, &known), 0);
		ck_assert(known.has_facts && known.has_size && known.size.nbytes == 1234);
		check_equal(&known.facts, &newer);
	}
	catalog_close(catalog);
}
END_TEST

START_TEST(many_are_got_at_once)
{
	struct catalog_source *sources = calloc(NSOURCES, sizeof(*sources));
	struct catalog_known *known = calloc(NSOURCES, sizeof(*known));
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8"), other = variant_of("s2x2-b8-k5-q8");
	struct catalog *catalog = open_catalog();

	ck_assert(sources && known);
	for (unsigned i = 0; i < NSOURCES; i++) {
		struct catalog_facts facts = facts_of(i);
		sources[i] = source_at(i);
		if (i % 2)
			catalog_put_facts(catalog, &sources[i], &facts);
		if (i % 3 == 0)
			catalog_put_size(catalog, &sources[i], i % 9 ? &variant : &other,
			                 (struct catalog_size){1 + i, i % 2});
	}
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(catalog_get(catalog, sources, NSOURCES, &variant, known), 0);
	for (unsigned i = 0; i < NSOURCES; i++) {
		struct catalog_facts facts = facts_of(i);
		ck_assert_int_eq(known[i].has_facts, i % 2);
		if (i % 2)
			check_equal(&known[i].facts, &facts);
		ck_assert_int_eq(known[i].has_size, i % 3 == 0 && i % 9);
		ck_assert(!known[i].has_size || (known[i].size.nbytes == 1 + i && known[i].size.as_is == i % 2));
	}
	ck_assert_int_eq(catalog_get(catalog, sources, 0, &variant, known), 0);
	catalog_close(catalog);
	free(sources);
	free(known);
}
END_TEST

START_TEST(what_is_forgotten_is_gone)
{
	struct catalog *catalog = open_catalog();
	struct catalog_source source = source_at(1), other = source_at(2);
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8");
	struct catalog_facts facts = facts_of(1);

	catalog_put_facts(catalog, &source, &facts);
	catalog_put_facts(catalog, &other, &facts);
	catalog_put_size(catalog, &source, &variant, (struct catalog_size){1234, false});
	catalog_forget(catalog, &source);
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert(!known_of(catalog, 1).has_facts);
	ck_assert_int_eq(get(catalog, &source, &variant), -ENOENT);
	ck_assert(known_of(catalog, 2).has_facts);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_source_that_changed_has_no_facts)
{
	struct catalog *catalog = open_catalog();
	struct catalog_source before = source_at(1), after[2] = {before, before};
	struct catalog_facts facts = facts_of(1), other = facts_of(4);
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8");
	struct catalog_known known;

	after[0].nbytes++;
	after[1].mtime_ns++;
	for (unsigned i = 0; i < 2; i++) {
		catalog_put_facts(catalog, &before, &facts);
		catalog_put_size(catalog, &before, &variant, (struct catalog_size){1234, false});
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(catalog_get(catalog, &after[i], 1, &variant, &known), 0);
		ck_assert(!known.has_facts && !known.has_size);

		catalog_put_facts(catalog, &after[i], &other);
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert_int_eq(catalog_get(catalog, &after[i], 1, &variant, &known), 0);
		ck_assert(known.has_facts && !known.has_size);
		check_equal(&known.facts, &other);
		ck_assert(!known_of(catalog, 1).has_facts);
	}
	catalog_close(catalog);
}
END_TEST

#define TEXT(x) #x
#define TEXT_OF(macro) TEXT(macro)

/* As the first release made it. */
static const char version_1[] =
        "CREATE TABLE source (id INTEGER PRIMARY KEY, device INTEGER NOT NULL, inode INTEGER NOT NULL,"
        " nbytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, UNIQUE (device, inode));"
        "CREATE TABLE variant (id INTEGER PRIMARY KEY, design TEXT NOT NULL, face TEXT NOT NULL, codec INTEGER NOT "
        "NULL,"
        " UNIQUE (design, face, codec));"
        "CREATE TABLE object_size (source INTEGER NOT NULL REFERENCES source ON DELETE CASCADE,"
        " variant INTEGER NOT NULL REFERENCES variant, nbytes INTEGER NOT NULL, as_is INTEGER NOT NULL,"
        " PRIMARY KEY (source, variant)) WITHOUT ROWID;"
        "INSERT INTO source VALUES (5, 2049, 1001, 50001, 17);"
        "INSERT INTO variant VALUES (3, 's2x2-b8-k6-q8', 'ic', " TEXT_OF(
                IC_CODEC_VERSION) ");"
                                  "INSERT INTO object_size VALUES (5, 3, 1234, 0);"
                                  "PRAGMA application_id = 0x69636673; PRAGMA user_version = 1";

START_TEST(a_catalog_of_version_1_keeps_what_it_knows)
{
	struct ic_variant variant = variant_of("s2x2-b8-k6-q8");
	struct catalog_source source = source_at(1);
	struct catalog_facts facts = facts_of(3);

	sql(scratch_catalog(), version_1);
	struct catalog *catalog = open_catalog();
	ck_assert_int_eq(get(catalog, &source, &variant), 1234);
	ck_assert(!known_of(catalog, 1).has_facts);
	catalog_put_facts(catalog, &source, &facts);
	ck_assert_int_eq(catalog_flush(catalog), 0);
	struct catalog_known known = known_of(catalog, 1);
	ck_assert(known.has_facts);
	check_equal(&known.facts, &facts);
	ck_assert_int_eq(get(catalog, &source, &variant), 1234);
	catalog_close(catalog);
	ck_assert_int_eq(sql_number(scratch_catalog(), "PRAGMA user_version"), 3);
}
END_TEST

START_TEST(facts_that_were_never_put_are_damage)
{
	static const char *const changes[] = {
	        "is_jpeg = 'yes'",
	        "is_jpeg = 2",
	        "width = 0",
	        "width = 65536",
	        "width = NULL",
	        "height = -1",
	        "height = 'x'",
	        "components = 0",
	        "components = 5",
	        "color = 5",
	        "color = -1",
	        "progressive = 2",
	        "arithmetic = 9",
	        "factors = 0",
	        "factors = -1",
	        "factors = 4294967296",
	        "factors = 0x22111100 + 1",
	        "factors = 0x52111100",
	        "orientation = 0",
	        "orientation = 9",
	        "restart_interval = 65536",
	};
	struct catalog_source source = source_at(1);
	struct catalog_facts facts = facts_of(1);
	struct catalog *catalog = open_catalog();
	struct catalog_known known;
	char text[120];

	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		catalog_put_facts(catalog, &source, &facts);
		ck_assert_int_eq(catalog_flush(catalog), 0);
		ck_assert(known_of(catalog, 1).has_facts);
		snprintf(text, sizeof(text), "UPDATE source SET %s", changes[i]);
		sql(scratch_catalog(), text);
		ck_assert_msg(catalog_get(catalog, &source, 1, NULL, &known) == -EBADMSG, "%s", changes[i]);
	}
	catalog_close(catalog);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, facts_are_remembered);
	tcase_add_test(cases, facts_and_sizes_live_together);
	tcase_add_test(cases, many_are_got_at_once);
	tcase_add_test(cases, what_is_forgotten_is_gone);
	tcase_add_test(cases, a_source_that_changed_has_no_facts);
	tcase_add_test(cases, a_catalog_of_version_1_keeps_what_it_knows);
	tcase_add_test(cases, facts_that_were_never_put_are_damage);
}

int main(void)
{
	return run_catalog_suite("catalog-facts", add_tests);
}
