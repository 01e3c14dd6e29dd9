/* SPDX-License-Identifier: MIT */
#include "fs/store_ahead_priv.h"
#include "tests/codec/codec_helpers.h"

#include <pthread.h>
#include <stdlib.h>

#define OBJECT_NBYTES 30000u
#define SEGMENT_PARTS 200u
#define NTHREADS 4

/* A segment's parts, and how often each was asked for. */
struct asked {
	atomic_uint count[SEGMENT_PARTS + AHEAD_LEAD + AHEAD_RUN];
};

static bool ask(struct store_ahead *ahead, struct asked *asked, uint64_t offset, uint64_t nbytes)
{
	struct ahead_range range;

	if (!ahead_take(ahead, offset, nbytes, &range))
		return false;
	ck_assert_uint_eq(range.offset % AHEAD_NBYTES, 0);
	ck_assert_uint_eq(range.nbytes % AHEAD_NBYTES, 0);
	ck_assert_uint_gt(range.nbytes, 0);
	for (uint64_t part = range.offset / AHEAD_NBYTES; part < (range.offset + range.nbytes) / AHEAD_NBYTES; part++)
		asked->count[part]++;
	return true;
}

static bool is_asked(const struct asked *asked, uint64_t offset, uint64_t nbytes)
{
	for (uint64_t part = offset / AHEAD_NBYTES; part <= (offset + nbytes - 1) / AHEAD_NBYTES; part++)
		if (!asked->count[part])
			return false;
	return true;
}

/* The first read asks for itself; all others find that it was done, and long ago. */
START_TEST(who_reads_in_order_never_waits)
{
	static struct store_ahead ahead;
	static struct asked asked;
	unsigned nrequests = 0;

	for (uint64_t offset = 64; offset + OBJECT_NBYTES < SEGMENT_PARTS * AHEAD_NBYTES; offset += OBJECT_NBYTES) {
		uint64_t later = offset + (uint64_t)(AHEAD_LEAD - 1) * AHEAD_NBYTES;

		ck_assert(offset == 64 || is_asked(&asked, offset, later - offset));
		nrequests += ask(&ahead, &asked, offset, OBJECT_NBYTES);
		ck_assert(is_asked(&asked, offset, OBJECT_NBYTES));
	}
	for (unsigned part = 0; part < SEGMENT_PARTS; part++)
		ck_assert_uint_eq(asked.count[part], 1);
	ck_assert_uint_le(nrequests, SEGMENT_PARTS / (AHEAD_RUN - AHEAD_LEAD) + 1);
}
END_TEST

/* The threads of a mount take requests in almost the order that they come in. */
START_TEST(neighbours_may_change_places)
{
	static struct store_ahead ahead;
	static struct asked asked;

	for (uint64_t i = 0; i < 1000; i++) {
		uint64_t offset = (i ^ 1) * OBJECT_NBYTES;

		ck_assert(i == 0 || is_asked(&asked, offset, OBJECT_NBYTES));
		ask(&ahead, &asked, offset, OBJECT_NBYTES);
	}
}
END_TEST

/* No part is asked for twice, and hardly one that nothing was read from. */
START_TEST(who_reads_at_random_asks_for_what_is_read)
{
	static struct store_ahead ahead;
	static struct asked asked;
	struct dice dice = dice_new(5);
	unsigned nread = 0, nasked = 0;
	static bool is_read[SEGMENT_PARTS];

	for (unsigned i = 0; i < 40; i++) {
		unsigned part = dice_roll(&dice, SEGMENT_PARTS);

		ask(&ahead, &asked, (uint64_t)part * AHEAD_NBYTES + 64 * i, 64);
		is_read[part] = true;
		ck_assert_uint_eq(asked.count[part], 1);
	}
	for (unsigned part = 0; part < SEGMENT_PARTS; part++) {
		ck_assert_uint_le(asked.count[part], 1);
		nread += is_read[part];
		nasked += asked.count[part];
	}
	ck_assert_uint_ge(nasked, nread);
	ck_assert_uint_le(nasked, nread + 2 * AHEAD_RUN);
}
END_TEST

/* One that spans parts asks for each of them, and only for those that nobody asked for. */
START_TEST(an_object_may_span_parts)
{
	static struct store_ahead ahead;
	static struct asked asked;

	ck_assert(ask(&ahead, &asked, 51 * AHEAD_NBYTES, 10));
	ck_assert(ask(&ahead, &asked, 100 * AHEAD_NBYTES - 1, 2 * AHEAD_NBYTES + 2));
	for (unsigned part = 99; part <= 102; part++)
		ck_assert_uint_eq(asked.count[part], 1);
	ck_assert_uint_eq(asked.count[98], 0);
	ck_assert_uint_eq(asked.count[103], 0);
	ck_assert(ask(&ahead, &asked, 50 * AHEAD_NBYTES, 2 * AHEAD_NBYTES));
	ck_assert_uint_eq(asked.count[50], 1);
	ck_assert_uint_eq(asked.count[51], 1);
	ck_assert(!ask(&ahead, &asked, 10 * AHEAD_NBYTES * AHEAD_PARTS + 51 * AHEAD_NBYTES, 10));
}
END_TEST

struct reader {
	struct store_ahead *ahead;
	struct asked *asked;
	uint64_t seed;
};

static void *read_all(void *context)
{
	struct reader *reader = context;
	struct dice dice = dice_new(reader->seed);

	for (unsigned i = 0; i < 20000; i++)
		ask(reader->ahead, reader->asked, (uint64_t)dice_roll(&dice, SEGMENT_PARTS) * AHEAD_NBYTES, 64);
	return NULL;
}

START_TEST(threads_leave_no_part_out)
{
	static struct store_ahead ahead;
	static struct asked asked;
	struct reader readers[NTHREADS];
	pthread_t threads[NTHREADS];

	for (unsigned i = 0; i < NTHREADS; i++) {
		readers[i] = (struct reader){&ahead, &asked, i};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
	}
	for (unsigned i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	for (unsigned part = 0; part < SEGMENT_PARTS; part++)
		ck_assert_uint_ge(asked.count[part], 1);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, who_reads_in_order_never_waits);
	tcase_add_test(tests, neighbours_may_change_places);
	tcase_add_test(tests, who_reads_at_random_asks_for_what_is_read);
	tcase_add_test(tests, an_object_may_span_parts);
	tcase_add_test(tests, threads_leave_no_part_out);
}

int main(void)
{
	return suite_run("store_ahead", add_tests);
}
