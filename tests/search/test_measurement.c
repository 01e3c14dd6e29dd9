/* SPDX-License-Identifier: MIT */
/* What the catalog keeps of evaluations: that it is kept, who finds it, and that nothing loses it. */
#include "search/measurement.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

static struct measurement_key key_of(const char *design)
{
	struct measurement_key key = {
	        .evaluator = "synthetic 1",
	        .dataset = "00112233445566778899aabbccddeeff",
	        .hardware = "here",
	        .codec = 3,
	        .split = EVALUATOR_SELECT,
	        .seed = UINT64_MAX,
	        .fraction = 0.1,
	};

	ck_assert_int_eq(ic_design_parse(design, &key.design, NULL), 0);
	return key;
}

static struct evaluator_result result_of(double accuracy)
{
	return (struct evaluator_result){
	        .accuracy = accuracy,
	        .log_loss = (double)NAN,
	        .nimages = 390,
	        .infer_s = 1e-3,
	        .train_s = (double)NAN,
	        .decode_s = 2.5e-4,
	        .wall_s = 1.0 / 3,
	};
}

static void put(struct catalog *catalog, const struct measurement_key *key, double accuracy)
{
	struct evaluator_result result = result_of(accuracy);
	struct ic_why why = {""};
	int64_t id;

	ck_assert_msg(!measurement_put(catalog, key, &result, NULL, &id, &why), "%s", why.text);
}

static double accuracy_of(struct catalog *catalog, const struct measurement_key *key)
{
	struct measurement measurement;
	errint_t err = measurement_get(catalog, key, &measurement, NULL);

	ck_assert_msg(!err || err == -ENOENT, "%d", err);
	return err ? -1 : measurement.is_failure ? -2 : measurement.result.accuracy;
}

START_TEST(a_result_comes_back_as_it_was)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s2x4-b16-k31-q3");
	struct measurement measurement;

	ck_assert_int_eq(measurement_get(catalog, &key, &measurement, NULL), -ENOENT);
	put(catalog, &key, 0.1 + 0.2);
	catalog_close(catalog);
	catalog = open_catalog();
	ck_assert_int_eq(measurement_get(catalog, &key, &measurement, NULL), 0);
	ck_assert(!measurement.is_failure && !measurement.is_foreign && measurement.id > 0);
	ck_assert(measurement.result.accuracy == 0.1 + 0.2 && measurement.result.wall_s == 1.0 / 3);
	ck_assert(isnan(measurement.result.log_loss) && isnan(measurement.result.train_s));
	ck_assert(measurement.result.infer_s == 1e-3 && measurement.result.decode_s == 2.5e-4);
	ck_assert_uint_eq(measurement.result.nimages, 390);
	catalog_close(catalog);
}
END_TEST

START_TEST(each_part_of_a_key_tells_apart)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key keys[9];

	for (unsigned i = 0; i < 9; i++)
		keys[i] = key_of("s1x1-b8-k15-q8");
	keys[1].evaluator = "synthetic 2";
	keys[2].dataset = "ff";
	keys[3].codec = 4;
	keys[4].split = EVALUATOR_TRUTH;
	keys[5].seed = 1;
	keys[6].fraction = 0.2;
	keys[7].lineage = "s1x1-b8-k15-q8";
	keys[8] = key_of("s1x1-b8-k15-q7");
	for (unsigned i = 0; i < 9; i++) {
		ck_assert(accuracy_of(catalog, &keys[i]) == -1);
		put(catalog, &keys[i], i);
	}
	for (unsigned i = 0; i < 9; i++)
		ck_assert(accuracy_of(catalog, &keys[i]) == i);
	catalog_close(catalog);
}
END_TEST

START_TEST(the_first_result_stays)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s1x1-b8-k15-q8");

	put(catalog, &key, 0.5);
	put(catalog, &key, 0.7);
	ck_assert(accuracy_of(catalog, &key) == 0.5);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_failure_is_replaced_by_a_result_and_not_the_other_way_round)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s1x1-b8-k15-q8");
	struct measurement measurement;
	int64_t failed, id;

	ck_assert_int_eq(measurement_put(catalog, &key, NULL, "it printed NaN", &failed, NULL), 0);
	ck_assert_int_eq(measurement_get(catalog, &key, &measurement, NULL), 0);
	ck_assert(measurement.is_failure && !strcmp(measurement.failure, "it printed NaN"));
	put(catalog, &key, 0.5);
	ck_assert(accuracy_of(catalog, &key) == 0.5);
	ck_assert_int_eq(measurement_put(catalog, &key, NULL, "it fell over", &id, NULL), 0);
	ck_assert(accuracy_of(catalog, &key) == 0.5 && id == failed);
	catalog_close(catalog);
}
END_TEST

START_TEST(what_is_no_number_is_no_result)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s1x1-b8-k15-q8");
	struct evaluator_result result = result_of((double)NAN);
	int64_t id;

	ck_assert_int_eq(measurement_put(catalog, &key, &result, NULL, &id, NULL), -EINVAL);
	result.accuracy = (double)INFINITY;
	ck_assert_int_eq(measurement_put(catalog, &key, &result, NULL, &id, NULL), -EINVAL);
	ck_assert(accuracy_of(catalog, &key) == -1);
	catalog_close(catalog);
}
END_TEST

START_TEST(accuracy_holds_on_other_hardware_and_seconds_do_not)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s1x1-b8-k15-q8"), there = key;
	struct measurement measurement;

	there.hardware = "there";
	put(catalog, &there, 0.25);
	ck_assert_int_eq(measurement_get(catalog, &key, &measurement, NULL), 0);
	ck_assert(measurement.is_foreign && measurement.result.accuracy == 0.25);
	ck_assert(isnan(measurement.result.infer_s) && isnan(measurement.result.decode_s) &&
	          isnan(measurement.result.wall_s));
	put(catalog, &key, 0.5);
	ck_assert_int_eq(measurement_get(catalog, &key, &measurement, NULL), 0);
	ck_assert(!measurement.is_foreign && measurement.result.accuracy == 0.5);
	catalog_close(catalog);
}
END_TEST

START_TEST(costs_come_back)
{
	struct catalog *catalog = open_catalog();
	struct cost_key key = {"aa", "here", 3, ic_design_default()};
	struct cost_measured cost = {1000, 1e-6, 2e-4}, other = {1000, 5, 5}, got;

	ck_assert_int_eq(cost_get(catalog, &key, &got, NULL), -ENOENT);
	ck_assert_int_eq(cost_put(catalog, &key, &cost, NULL), 0);
	ck_assert_int_eq(cost_put(catalog, &key, &other, NULL), 0);
	ck_assert_int_eq(cost_get(catalog, &key, &got, NULL), 0);
	ck_assert(got.nbytes == 1000 && got.read_s == 1e-6 && got.decode_s == 2e-4);
	key.hardware = "there";
	ck_assert_int_eq(cost_get(catalog, &key, &got, NULL), -ENOENT);
	catalog_close(catalog);
}
END_TEST

/* --- Merging ----------------------------------------------------------------------------------------------------- */

START_TEST(catalogs_merge)
{
	struct catalog *catalog = open_catalog(), *other;
	struct measurement_key here = key_of("s1x1-b8-k15-q8"), both = key_of("s1x1-b8-k14-q8"),
	                       there = key_of("s1x1-b8-k13-q8");
	struct cost_key cost_key = {"aa", "here", 3, ic_design_default()};
	struct cost_measured cost = {1000, 1e-6, 2e-4};
	struct ic_why why = {""};
	char path[PATH_SIZE];
	uint64_t nnew;

	ck_assert_msg(!catalog_open(path_in_scratch("other.db", path), &other, &why), "%s", why.text);
	put(catalog, &here, 0.1);
	put(catalog, &both, 0.2);
	put(other, &both, 0.3);
	put(other, &there, 0.4);
	ck_assert_int_eq(cost_put(other, &cost_key, &cost, NULL), 0);
	ck_assert_msg(!measurement_merge(catalog, other, &nnew, &why), "%s", why.text);
	ck_assert_uint_eq(nnew, 2);
	ck_assert(accuracy_of(catalog, &here) == 0.1 && accuracy_of(catalog, &both) == 0.2);
	ck_assert(accuracy_of(catalog, &there) == 0.4 && accuracy_of(other, &here) == -1);
	ck_assert_int_eq(measurement_merge(catalog, other, &nnew, &why), 0);
	ck_assert_uint_eq(nnew, 0);
	catalog_close(other);
	catalog_close(catalog);
}
END_TEST

static errint_t count(void *context, const struct measurement_key *key, const struct measurement *measurement)
{
	ck_assert_str_eq(key->lineage, "");
	ck_assert(measurement->result.accuracy >= 0);
	++*(unsigned *)context;
	return 0;
}

static errint_t stop(void *context, const struct measurement_key *key, const struct measurement *measurement)
{
	++*(unsigned *)context;
	return -ECANCELED;
}

START_TEST(all_are_told_until_somebody_has_heard_enough)
{
	struct catalog *catalog = open_catalog();
	unsigned n = 0;

	for (unsigned i = 0; i < 100; i++) {
		struct measurement_key key = key_of("s1x1-b8-k15-q8");
		key.seed = i;
		put(catalog, &key, i);
	}
	ck_assert_int_eq(measurement_each(catalog, count, &n, NULL), 0);
	ck_assert_uint_eq(n, 100);
	ck_assert_int_eq(measurement_each(catalog, stop, &n, NULL), -ECANCELED);
	ck_assert_uint_eq(n, 101);
	catalog_close(catalog);
}
END_TEST

/* --- Company ----------------------------------------------------------------------------------------------------- */

#define NTHREADS 4
#define NEACH 25

static void *put_many(void *catalog)
{
	for (unsigned i = 0; i < NEACH; i++) {
		struct measurement_key key = key_of("s1x1-b8-k15-q8");
		struct catalog_source source = source_at(i);
		struct ic_variant variant = variant_of("s1x1-b8-k15-q8");
		key.seed = (uintptr_t)pthread_self() + i;
		catalog_put_size(catalog, &source, &variant, (struct catalog_size){1 + i, false});
		put(catalog, &key, i);
	}
	return NULL;
}

START_TEST(threads_and_catalogs_write_at_the_same_time)
{
	struct catalog *catalogs[2] = {open_catalog(), open_catalog()};
	pthread_t threads[NTHREADS];
	unsigned n = 0;

	for (unsigned i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, put_many, catalogs[i % 2]), 0);
	for (unsigned i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(measurement_each(catalogs[1], count, &n, NULL), 0);
	ck_assert_uint_eq(n, NTHREADS * NEACH);
	catalog_close(catalogs[0]);
	catalog_close(catalogs[1]);
}
END_TEST

START_TEST(a_locked_catalog_is_an_error_and_loses_nothing)
{
	struct catalog *catalog = open_catalog();
	struct measurement_key key = key_of("s1x1-b8-k15-q8"), other = key_of("s1x1-b8-k14-q8");
	struct evaluator_result result = result_of(0.5);
	struct ic_why why = {""};
	sqlite3 *lock;
	int64_t id;

	put(catalog, &key, 0.5);
	ck_assert_int_eq(sqlite3_open(scratch_catalog(), &lock), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(lock, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	ck_assert_int_eq(measurement_put(catalog, &other, &result, NULL, &id, &why), -EBUSY);
	ck_assert_msg(strstr(why.text, "locked"), "%s", why.text);
	ck_assert(accuracy_of(catalog, &key) == 0.5);
	sqlite3_close(lock);
	put(catalog, &other, 0.6);
	ck_assert(accuracy_of(catalog, &other) == 0.6);
	catalog_close(catalog);
}
END_TEST

START_TEST(rows_that_were_never_put_are_refused)
{
	static const char *const changes[] = {
	        "UPDATE measurement SET accuracy = NULL",
	        "UPDATE measurement SET accuracy = 9e999",
	        "UPDATE measurement SET design = 'cat'",
	};
	struct measurement_key key = key_of("s1x1-b8-k15-q8");

	for (unsigned i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
		struct catalog *catalog = open_catalog();
		unsigned n = 0;
		put(catalog, &key, 0.5);
		catalog_close(catalog);
		sql(scratch_catalog(), changes[i]);
		catalog = open_catalog();
		ck_assert_int_eq(measurement_each(catalog, count, &n, NULL), -EBADMSG);
		catalog_close(catalog);
		ck_assert_int_eq(unlink(scratch_catalog()), 0);
		remove_beside_catalog();
	}
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, a_result_comes_back_as_it_was);
	tcase_add_test(cases, each_part_of_a_key_tells_apart);
	tcase_add_test(cases, the_first_result_stays);
	tcase_add_test(cases, a_failure_is_replaced_by_a_result_and_not_the_other_way_round);
	tcase_add_test(cases, what_is_no_number_is_no_result);
	tcase_add_test(cases, accuracy_holds_on_other_hardware_and_seconds_do_not);
	tcase_add_test(cases, costs_come_back);
	tcase_add_test(cases, catalogs_merge);
	tcase_add_test(cases, all_are_told_until_somebody_has_heard_enough);
	tcase_add_test(cases, threads_and_catalogs_write_at_the_same_time);
	tcase_add_test(cases, a_locked_catalog_is_an_error_and_loses_nothing);
	tcase_add_test(cases, rows_that_were_never_put_are_refused);
}

int main(void)
{
	return run_catalog_suite("measurement", add);
}
