/* SPDX-License-Identifier: MIT */
/* One catalog for several threads, several processes, and those who hold it up. */
#include "search/catalog.h"

#include "catalog_helpers.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#define NWORKERS 4
#define NFACTS 300
#define AT_ONCE 4.5   /* seconds in which what does not wait is done, on a machine that is busy; who waits takes 5 */
#define STALLED 60.0  /* seconds in which who waits 2 for room in the queue, once, is done; each time would be hours */
#define GIVEN_UP 60.0 /* seconds in which a writer has given up, 5 of them in SQLite; else it never does */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static struct ic_variant variant(void)
{
	return variant_of("s2x2-b8-k6-q8");
}

/* --- Threads ------------------------------------------------------------------------------------------------------ */

struct worker {
	struct catalog *catalog;
	unsigned n;
	pthread_t thread;
	unsigned nwrong;
};

/* Check's assertions are for the test's own thread. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct ic_variant design = variant();

	for (unsigned i = 0; i < NFACTS; i++) {
		struct catalog_source own = source_at(NFACTS * worker->n + i),
		                      any = source_at(mixed(i) % (NFACTS * NWORKERS));
		struct catalog_known known;

		catalog_put_size(worker->catalog, &own, &design, (struct catalog_size){own.inode, false});
		errint_t err = catalog_get(worker->catalog, &any, 1, &design, &known);
		worker->nwrong += err || (known.has_size && known.size.nbytes != any.inode);
		if (i % 100 == 0)
			worker->nwrong += catalog_flush(worker->catalog) != 0;
	}
	return NULL;
}

static void check_all(struct catalog *catalog)
{
	struct ic_variant design = variant();

	for (unsigned i = 0; i < NFACTS * NWORKERS; i++) {
		struct catalog_source source = source_at(i);
		ck_assert_int_eq(get(catalog, &source, &design), (int64_t)source.inode);
	}
}

START_TEST(threads_share_a_catalog)
{
	struct worker workers[NWORKERS];
	struct catalog *catalog = open_catalog();

	for (unsigned i = 0; i < NWORKERS; i++) {
		workers[i] = (struct worker){.catalog = catalog, .n = i};
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < NWORKERS; i++) {
		pthread_join(workers[i].thread, NULL);
		ck_assert_uint_eq(workers[i].nwrong, 0);
	}
	ck_assert_int_eq(catalog_flush(catalog), 0);
	check_all(catalog);
	catalog_close(catalog);
}
END_TEST

/* --- Processes ---------------------------------------------------------------------------------------------------- */

static void finish_child(pid_t child)
{
	int status;

	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a process ended with status %#x", status);
}

/* All at once make the file, its tables and its log; none may find it busy, or half made. */
START_TEST(processes_share_a_catalog)
{
	pid_t children[NWORKERS];

	for (unsigned n = 0; n < NWORKERS; n++) {
		children[n] = fork();
		ck_assert_int_ge(children[n], 0);
		if (children[n] == 0) {
			struct worker worker = {.n = n};
			struct ic_why why;
			if (catalog_open(scratch_catalog(), &worker.catalog, &why)) {
				fprintf(stderr, "%s\n", why.text);
				_exit(1);
			}
			work(&worker);
			catalog_close(worker.catalog);
			_exit(worker.nwrong ? 2 : 0);
		}
	}
	for (unsigned n = 0; n < NWORKERS; n++)
		finish_child(children[n]);
	struct catalog *catalog = open_catalog();
	check_all(catalog);
	catalog_close(catalog);
}
END_TEST

/* --- Held up ------------------------------------------------------------------------------------------------------ */

/* Another process with the only right to write, until `release` is closed. */
struct holder {
	pid_t pid;
	int release;
};

static struct holder hold(void)
{
	int ready[2], release[2];
	struct holder holder;
	char byte;

	ck_assert(pipe(ready) == 0 && pipe(release) == 0);
	holder = (struct holder){fork(), release[1]};
	ck_assert_int_ge(holder.pid, 0);
	if (holder.pid == 0) {
		sqlite3 *db;
		close(release[1]);
		if (sqlite3_open(scratch_catalog(), &db) || sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL) ||
		    write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(release[0], &byte, 1) != 0 || sqlite3_close(db));
	}
	close(ready[1]);
	close(release[0]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return holder;
}

static void let_go(struct holder holder)
{
	close(holder.release);
	finish_child(holder.pid);
}

/* More than the queue takes, of sources from 2 on. */
static void put_many(struct catalog *catalog, uint64_t nbytes)
{
	struct ic_variant design = variant();

	for (unsigned i = 2; i < 20000; i++) {
		struct catalog_source source = source_at(i);
		catalog_put_size(catalog, &source, &design, (struct catalog_size){nbytes, false});
	}
}

/* Who fills its queue waits for it once, for seconds, and then no more. */
START_TEST(a_catalog_that_is_held_delays_nobody_for_long)
{
	struct catalog *catalog = open_catalog();
	struct ic_variant design = variant();
	struct catalog_source source = source_at(1);

	catalog_put_size(catalog, &source, &design, (struct catalog_size){10, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	struct holder holder = hold();
	double start = now();
	put_many(catalog, 10);
	ck_assert_msg(now() - start < STALLED, "putting took %f s", now() - start);

	start = now();
	source = source_at(1);
	catalog_put_size(catalog, &source, &design, (struct catalog_size){11, false});
	ck_assert_int_eq(get(catalog, &source, &design), 10);
	ck_assert_msg(now() - start < AT_ONCE, "put or get took %f s", now() - start);

	start = now();
	catalog_close(catalog);
	ck_assert_msg(now() - start < GIVEN_UP, "closing took %f s", now() - start);
	let_go(holder);
}
END_TEST

START_TEST(a_catalog_that_was_held_is_waited_for_again)
{
	struct catalog *catalog = open_catalog();
	struct ic_variant design = variant();
	struct holder holder = hold();

	put_many(catalog, 10);
	let_go(holder);
	catalog_flush(catalog);
	put_many(catalog, 20);
	ck_assert_int_eq(catalog_flush(catalog), 0);
	for (unsigned i = 2; i < 20000; i++) {
		struct catalog_source source = source_at(i);
		ck_assert_int_eq(get(catalog, &source, &design), 20);
	}
	catalog_close(catalog);
}
END_TEST

START_TEST(a_catalog_that_is_held_is_reported_and_got_over)
{
	struct catalog *catalog = open_catalog();
	struct ic_variant design = variant();
	struct catalog_source source = source_at(1);
	struct holder holder = hold();

	catalog_put_size(catalog, &source, &design, (struct catalog_size){10, false});
	ck_assert_int_eq(catalog_flush(catalog), -EBUSY);
	ck_assert_int_eq(get(catalog, &source, &design), -ENOENT);
	let_go(holder);
	ck_assert_int_eq(catalog_flush(catalog), 0);
	catalog_put_size(catalog, &source, &design, (struct catalog_size){11, false});
	ck_assert_int_eq(catalog_flush(catalog), 0);
	ck_assert_int_eq(get(catalog, &source, &design), 11);
	catalog_close(catalog);
}
END_TEST

START_TEST(a_catalog_that_is_held_can_be_opened)
{
	catalog_close(open_catalog());
	struct holder holder = hold();
	double start = now();
	catalog_close(open_catalog());
	ck_assert_msg(now() - start < AT_ONCE, "opening took %f s", now() - start);
	let_go(holder);
}
END_TEST

/* --- One process --------------------------------------------------------------------------------------------------- */

/* Whether another process can have the database for itself, as the last one to close it does. */
static bool is_free(void)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		sqlite3 *db;
		if (sqlite3_open(scratch_catalog(), &db))
			_exit(2);
		int code = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
		_exit(code == SQLITE_OK ? 1 : code == SQLITE_BUSY ? 0 : 3);
	}
	ck_assert(waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) <= 1);
	return WEXITSTATUS(status) == 1;
}

/* POSIX drops all locks of a process on a file when it closes any descriptor of it. */
START_TEST(opening_a_catalog_again_keeps_the_locks_of_the_first)
{
	struct catalog *first = open_catalog(), *second;

	ck_assert(!is_free());
	second = open_catalog();
	ck_assert(!is_free());
	catalog_close(second);
	ck_assert(!is_free());
	catalog_close(first);
	ck_assert(is_free());
}
END_TEST

/* A signal goes to any thread that does not block it: here to none, so it stays pending. */
START_TEST(signals_are_left_to_the_other_threads)
{
	struct catalog *catalog = open_catalog();
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	ck_assert_int_eq(kill(getpid(), SIGTERM), 0);
	catalog_close(catalog);
	ck_assert(sigpending(&set) == 0 && sigismember(&set, SIGTERM) == 1);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, threads_share_a_catalog);
	tcase_add_test(cases, processes_share_a_catalog);
	tcase_add_test(cases, a_catalog_that_is_held_delays_nobody_for_long);
	tcase_add_test(cases, a_catalog_that_was_held_is_waited_for_again);
	tcase_add_test(cases, a_catalog_that_is_held_is_reported_and_got_over);
	tcase_add_test(cases, a_catalog_that_is_held_can_be_opened);
	tcase_add_test(cases, opening_a_catalog_again_keeps_the_locks_of_the_first);
	tcase_add_test(cases, signals_are_left_to_the_other_threads);
}

int main(void)
{
	return run_catalog_suite("catalog-shared", add_tests);
}
