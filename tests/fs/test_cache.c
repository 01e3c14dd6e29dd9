/* SPDX-License-Identifier: MIT */
#include "fs/cache.h"
#include "fs/gate.h"

#include <check.h>

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NTHREADS 64
#define NOBJECTS 100
#define LIMIT (80 * (1000 + CACHE_SLOT_NBYTES)) /* of 1000 bytes each */
/* One that differs in each field of a key, and one that differs in none. */
#define NKEYS 15
_Static_assert(sizeof(struct ic_design) == 8, "a new field takes a key of its own");

static struct object_key key_of(uint64_t ino)
{
	return (struct object_key){.identity = {.ino = ino, .size = 10}, .variant.design = ic_design_default()};
}

struct work {
	atomic_uint made;
	size_t nbytes;
	errint_t err;
	struct cache *cache;
	uint64_t ino;
	bool drop_while_making;
};

static errint_t make(void *context, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct work *work = context;
	struct object_key key = key_of(work->ino);

	atomic_fetch_add(&work->made, 1);
	for (int i = 0; i < 50; i++)
		sched_yield(); /* let others come and wait */
	if (work->drop_while_making)
		cache_drop(work->cache, &key);
	if (work->err)
		return work->err;
	*ret_bytes = malloc(work->nbytes);
	ck_assert_ptr_nonnull(*ret_bytes);
	memset(*ret_bytes, (int)(work->ino & 0xff), work->nbytes);
	*ret_nbytes = work->nbytes;
	return 0;
}

static void get(struct cache *cache, struct work *work, uint64_t ino, size_t nbytes)
{
	struct object_key key = key_of(ino);
	const struct object *object;

	work->ino = ino;
	work->nbytes = nbytes;
	ck_assert_int_eq(cache_get(cache, &key, make, work, &object), 0);
	ck_assert_uint_eq(object->nbytes, nbytes);
	ck_assert_uint_eq(object->bytes[nbytes - 1], ino & 0xff);
	cache_put(cache, object);
}

struct shared {
	struct cache *cache;
	pthread_barrier_t start;
	atomic_uint made[NOBJECTS];
	unsigned order;
};

struct one {
	struct shared *shared;
	uint64_t ino;
};

static errint_t make_one(void *context, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct one *one = context;

	atomic_fetch_add(&one->shared->made[one->ino], 1);
	sched_yield();
	*ret_nbytes = 100;
	*ret_bytes = calloc(1, 100);
	ck_assert_ptr_nonnull(*ret_bytes);
	(*ret_bytes)[99] = (uint8_t)one->ino;
	return 0;
}

static void *read_all(void *context)
{
	struct shared *shared = context;
	unsigned start = __atomic_fetch_add(&shared->order, 7, __ATOMIC_RELAXED);

	pthread_barrier_wait(&shared->start);
	for (unsigned i = 0; i < NOBJECTS; i++) {
		struct one one = {shared, (start / 8 + i) % NOBJECTS};
		struct object_key key = key_of(one.ino);
		const struct object *object;
		ck_assert_int_eq(cache_get(shared->cache, &key, make_one, &one, &object), 0);
		ck_assert_uint_eq(object->bytes[99], one.ino);
		cache_put(shared->cache, object);
	}
	return NULL;
}

START_TEST(test_64_threads_make_each_object_once)
{
	struct shared shared = {0};
	pthread_t threads[NTHREADS];

	ck_assert_int_eq(cache_new(1 << 20, &shared.cache), 0);
	pthread_barrier_init(&shared.start, NULL, NTHREADS);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, read_all, &shared), 0);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < NOBJECTS; i++)
		ck_assert_uint_eq(atomic_load(&shared.made[i]), 1);
	struct cache_counts counts = cache_counts(shared.cache);
	ck_assert_uint_eq(counts.misses, NOBJECTS);
	ck_assert_uint_eq(counts.hits, NOBJECTS * (NTHREADS - 1));
	ck_assert_uint_eq(counts.nbytes, NOBJECTS * 100);
	pthread_barrier_destroy(&shared.start);
	cache_free(shared.cache);
}
END_TEST

static uint64_t memory_of(struct cache *cache)
{
	struct cache_counts counts = cache_counts(cache);

	return counts.nbytes + counts.nobjects * CACHE_SLOT_NBYTES;
}

START_TEST(test_bound)
{
	struct work work = {0};
	struct cache *cache;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	for (uint64_t ino = 0; ino < 2000; ino++) {
		get(cache, &work, ino, 100 + ino % 900);
		ck_assert_uint_le(memory_of(cache), LIMIT);
	}
	ck_assert_uint_gt(memory_of(cache), LIMIT * 9 / 10);
	cache_free(cache);
}
END_TEST

/* What the heap holds beside the bytes of small objects is within the bound, too. */
START_TEST(test_small_objects_are_no_larger_than_they_are_counted)
{
	const uint64_t nobjects = 20000;
	struct work work = {0};
	struct cache *cache;

	ck_assert_int_eq(cache_new(UINT64_C(64) << 20, &cache), 0);
	size_t before = mallinfo2().uordblks;
	for (uint64_t ino = 0; ino < nobjects; ino++)
		get(cache, &work, ino, 1 + ino % 16);
	ck_assert_uint_eq(cache_counts(cache).nobjects, nobjects);
	ck_assert_uint_le(mallinfo2().uordblks - before, memory_of(cache));
	cache_free(cache);
}
END_TEST

/* Epochs over twice what fits: least recently used would never hit. */
START_TEST(test_scans_do_not_empty_it)
{
	struct work work = {0};
	struct cache *cache;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	for (int epoch = 0; epoch < 3; epoch++) {
		uint64_t hits = cache_counts(cache).hits;
		for (uint64_t ino = 0; ino < 160; ino++)
			get(cache, &work, ino, 1000);
		if (epoch)
			ck_assert_uint_ge(cache_counts(cache).hits - hits, 68);
	}
	cache_free(cache);
}
END_TEST

static unsigned read_epoch(struct cache *cache, struct work *work, uint64_t first_ino)
{
	uint64_t hits = cache_counts(cache).hits;

	for (uint64_t i = 0; i < 160; i++)
		get(cache, work, first_ino + i * 7 % 160, 1000);
	return (unsigned)(cache_counts(cache).hits - hits);
}

/* A view that was compared and left must not have the memory for ever; one whose turn comes again keeps its share. */
START_TEST(test_what_nobody_reads_makes_room)
{
	struct work work = {0};
	struct cache *cache;
	unsigned hits = 0;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	for (int epoch = 0; epoch < 3; epoch++)
		read_epoch(cache, &work, 1000);
	ck_assert_uint_ge(read_epoch(cache, &work, 1000), 68);
	for (int epoch = 0; epoch < 12; epoch++)
		hits = read_epoch(cache, &work, 2000);
	ck_assert_uint_ge(hits, 68);
	for (int round = 0; round < 4; round++) {
		read_epoch(cache, &work, 2000);
		read_epoch(cache, &work, 3000); /* such as the images that a training is tested on */
	}
	ck_assert_uint_ge(read_epoch(cache, &work, 2000) + read_epoch(cache, &work, 3000), 68);
	cache_free(cache);
}
END_TEST

START_TEST(test_the_newest_stays_however_large)
{
	struct work work = {0};
	struct cache *cache;

	ck_assert_int_eq(cache_new(0, &cache), 0);
	for (uint64_t ino = 1; ino < 10; ino++)
		for (int again = 0; again < 5; again++)
			get(cache, &work, ino, 5000);
	ck_assert_uint_eq(atomic_load(&work.made), 9);
	ck_assert_uint_eq(cache_counts(cache).nobjects, 1);
	cache_free(cache);
}
END_TEST

START_TEST(test_failures_are_not_kept)
{
	struct work work = {.err = -EBADMSG};
	struct object_key key = key_of(1);
	const struct object *object = NULL;
	struct cache *cache;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	ck_assert_int_eq(cache_get(cache, &key, make, &work, &object), -EBADMSG);
	ck_assert_int_eq(cache_get(cache, &key, make, &work, &object), -EBADMSG);
	ck_assert_ptr_null(object);
	ck_assert_uint_eq(atomic_load(&work.made), 2);
	ck_assert_uint_eq(cache_counts(cache).nobjects, 0);
	work.err = 0;
	get(cache, &work, 1, 50);
	cache_free(cache);
}
END_TEST

START_TEST(test_drop)
{
	struct work work = {0};
	struct object_key key = key_of(1);
	const struct object *object;
	struct cache *cache;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	work.cache = cache;
	work.ino = 1;
	work.nbytes = 50;
	ck_assert_int_eq(cache_get(cache, &key, make, &work, &object), 0);
	cache_drop(cache, &key);
	ck_assert_uint_eq(object->bytes[49], 1); /* ours until we put it */
	ck_assert_uint_eq(cache_counts(cache).nbytes, 0);
	cache_put(cache, object);
	cache_drop(cache, &key);
	work.drop_while_making = true;
	get(cache, &work, 1, 50);
	ck_assert_uint_eq(cache_counts(cache).nobjects, 0);
	cache_free(cache);
}
END_TEST

START_TEST(test_every_part_of_a_key_counts)
{
	struct work work = {.nbytes = 10};
	struct object_key keys[NKEYS];
	const struct object *object;
	struct cache *cache;

	ck_assert_int_eq(cache_new(LIMIT, &cache), 0);
	for (size_t i = 0; i < NKEYS; i++)
		keys[i] = key_of(1);
	keys[1].identity.ino++;
	keys[2].identity.size++;
	keys[3].identity.mtime_ns++;
	keys[4].identity.dev++;
	keys[5].variant.design.keep--;
	keys[6].variant.design.filter = IC_FILTER_BOX;
	keys[7].variant.design.order = IC_ORDER_LOW;
	keys[8].variant.face = IC_FACE_JPEG;
	keys[9].variant.face = IC_FACE_JPEG;
	keys[9].variant.keeps_metadata = true;
	keys[10].variant.design.sx = 2;
	keys[11].variant.design.sy = 2;
	keys[12].variant.design.block = 16;
	keys[13].variant.design.bits--;
	keys[14].variant.design.chroma = IC_CHROMA_FULL;
	for (size_t i = 0; i < NKEYS; i++) {
		uint64_t nbytes = 77;
		ck_assert(!cache_get_size(cache, &keys[i], &nbytes) && nbytes == 77);
		ck_assert_int_eq(cache_get(cache, &keys[i], make, &work, &object), 0);
		cache_put(cache, object);
		ck_assert(cache_get_size(cache, &keys[i], &nbytes) && nbytes == work.nbytes);
		for (size_t j = 0; j < i; j++) /* a table this empty seldom asks */
			ck_assert(!source_identity_equal(&keys[i].identity, &keys[j].identity) ||
			          !ic_variant_equal(&keys[i].variant, &keys[j].variant));
	}
	ck_assert_uint_eq(atomic_load(&work.made), NKEYS);
	cache_free(cache);
}
END_TEST

struct crowd {
	struct gate *gate;
	atomic_uint_fast64_t inside;
};

static void *pass(void *context)
{
	struct crowd *crowd = context;

	for (unsigned i = 0; i < 30; i++) {
		uint64_t nbytes = i % 10 == 0 ? 5000 : 100 + i;
		gate_enter(crowd->gate, nbytes);
		uint64_t inside = atomic_fetch_add(&crowd->inside, nbytes) + nbytes;
		if (nbytes > 1000)
			ck_assert_uint_eq(inside, nbytes); /* too big for the bound, so alone */
		else
			ck_assert_uint_le(inside, 1000);
		sched_yield();
		atomic_fetch_sub(&crowd->inside, nbytes);
		gate_leave(crowd->gate, nbytes);
	}
	return NULL;
}

START_TEST(test_gate)
{
	struct crowd crowd = {0};
	pthread_t threads[NTHREADS];

	ck_assert_int_eq(gate_new(1000, &crowd.gate), 0);
	for (int i = 0; i < NTHREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, pass, &crowd), 0);
	for (int i = 0; i < NTHREADS; i++)
		pthread_join(threads[i], NULL);
	gate_free(crowd.gate);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("cache");
	TCase *tcase = tcase_create("cache");
	SRunner *runner = srunner_create(suite);

	tcase_add_test(tcase, test_64_threads_make_each_object_once);
	tcase_add_test(tcase, test_bound);
	tcase_add_test(tcase, test_small_objects_are_no_larger_than_they_are_counted);
	tcase_add_test(tcase, test_scans_do_not_empty_it);
	tcase_add_test(tcase, test_what_nobody_reads_makes_room);
	tcase_add_test(tcase, test_the_newest_stays_however_large);
	tcase_add_test(tcase, test_failures_are_not_kept);
	tcase_add_test(tcase, test_drop);
	tcase_add_test(tcase, test_every_part_of_a_key_counts);
	tcase_add_test(tcase, test_gate);
	tcase_set_timeout(tcase, 60);
	suite_add_tcase(suite, tcase);
	srunner_run_all(runner, CK_ENV);
	int failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
