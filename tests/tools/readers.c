/* SPDX-License-Identifier: MIT */
/*
 * readers: time what is done with every JPEG of a tree, by some threads, in an order that is shuffled anew each time.
 *
 *   readers [--threads N] [--rounds N] [--limit N] TREE TASK...
 *
 * A TASK is one of
 *   read=DIR       open, read to the end and close the file of the same name below DIR
 *   ic=DIR         the same, of the name that ends in .ic in place of its own suffix
 *   load=DIR       read, and decode to RGB
 *   coefficients   jpeg_read_coefficients of the JPEG, which lies in memory
 *   decode         decode the JPEG, which lies in memory, to RGB
 *
 * Each round does all tasks, one after the other, and prints a line: the seconds of each, separated by spaces. Names come
 * from TREE, before anything is timed, so that a mount's first look at a file is part of its task. What fails ends it all.
 */
#include "tests/tools/pixels.h"

#include "codec/jpeg.h"

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define NTHREADS_MAX 256

enum kind { READ, LOAD, COEFFICIENTS, DECODE };

struct jpeg {
	char *name; /* below the tree */
	uint8_t *bytes;
	size_t nbytes;
};

struct task {
	enum kind kind;
	char **paths; /* one for each JPEG; NULL where nothing is read */
};

struct run {
	struct jpeg *jpegs;
	size_t njpegs;
	size_t *order;
	unsigned long nthreads, nrounds, limit;
	uint64_t dice;
	const struct task *task; /* at the moment */
	atomic_size_t next;
	pthread_barrier_t barrier;
};

static _Noreturn void give_up(const char *what)
{
	fprintf(stderr, "readers: %s: %s\n", what, errno ? strerror(errno) : "cannot be decoded");
	exit(EXIT_FAILURE);
}

static void *must(void *p)
{
	if (!p)
		give_up("memory");
	return p;
}

/* --- What there is to do ------------------------------------------------------------------------------------------ */

static void add_jpeg(struct run *run, const FTSENT *entry, size_t root_length)
{
	struct buffer file = {0};

	errno = 0;
	ssize_t nbytes = read_whole(entry->fts_accpath, (size_t)entry->fts_statp->st_size, &file);
	if (nbytes < 0)
		give_up(entry->fts_path);
	if (!ic_is_jpeg(file.bytes, (size_t)nbytes)) {
		buffer_free(&file);
		return;
	}
	run->jpegs = must(reallocarray(run->jpegs, run->njpegs + 1, sizeof(*run->jpegs)));
	run->jpegs[run->njpegs++] = (struct jpeg){
	        .name = must(strdup(entry->fts_path + root_length)),
	        .bytes = file.bytes,
	        .nbytes = (size_t)nbytes,
	};
}

static void find_jpegs(struct run *run, char *root)
{
	char *const roots[] = {root, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	const FTSENT *entry;

	if (!tree)
		give_up(root);
	while ((entry = fts_read(tree)) && (!run->limit || run->njpegs < run->limit)) {
		if (entry->fts_info == FTS_F)
			add_jpeg(run, entry, strlen(root));
	}
	fts_close(tree);
	run->order = must(calloc(run->njpegs + 1, sizeof(*run->order)));
	for (size_t i = 0; i < run->njpegs; i++)
		run->order[i] = i;
}

static char **make_paths(const struct run *run, const char *directory, bool as_ic)
{
	char **paths = must(calloc(run->njpegs + 1, sizeof(*paths)));

	for (size_t i = 0; i < run->njpegs; i++) {
		const char *name = run->jpegs[i].name, *dot = strrchr(name, '.');
		int length = as_ic && dot ? (int)(dot - name) : (int)strlen(name);
		if (asprintf(&paths[i], "%s%.*s%s", directory, length, name, as_ic ? ".ic" : "") < 0)
			give_up("memory");
	}
	return paths;
}

static bool parse_task(const struct run *run, const char *text, struct task *ret_task)
{
	const char *directory = strchr(text, '=');
	size_t n = directory ? (size_t)(directory - text) : strlen(text);
	struct task task = {.paths = NULL};

	if (n == 2 && !strncmp(text, "ic", n) && directory)
		task = (struct task){READ, make_paths(run, directory + 1, true)};
	else if (n == 4 && !strncmp(text, "read", n) && directory)
		task = (struct task){READ, make_paths(run, directory + 1, false)};
	else if (n == 4 && !strncmp(text, "load", n) && directory)
		task = (struct task){LOAD, make_paths(run, directory + 1, false)};
	else if (!strcmp(text, "coefficients"))
		task.kind = COEFFICIENTS;
	else if (!strcmp(text, "decode"))
		task.kind = DECODE;
	else
		return false;
	*ret_task = task;
	return true;
}

/* --- Doing it ----------------------------------------------------------------------------------------------------- */

/* Its size is asked for as most programs do, Python's open() among them. */
static size_t read_path(const char *path, struct buffer *file)
{
	struct stat st;

	errno = 0;
	if (stat(path, &st) || read_whole(path, (size_t)st.st_size, file) < 0)
		give_up(path);
	return (size_t)st.st_size;
}

static void do_one(const struct run *run, size_t i, struct buffer *file, struct buffer *pixels)
{
	const struct task *task = run->task;
	const struct jpeg *jpeg = &run->jpegs[i];
	bool done = true;
	size_t nbytes = task->paths ? read_path(task->paths[i], file) : 0;

	errno = 0;
	if (task->kind == LOAD)
		done = decode_pixels(file->bytes, nbytes, pixels);
	else if (task->kind == DECODE)
		done = decode_pixels(jpeg->bytes, jpeg->nbytes, pixels);
	else if (task->kind == COEFFICIENTS)
		done = decode_coefficients(jpeg->bytes, jpeg->nbytes);
	if (!done)
		give_up(jpeg->name);
}

static void *work(void *context)
{
	struct run *run = context;
	struct buffer file = {0}, pixels = {0};
	size_t i;

	pthread_barrier_wait(&run->barrier);
	while ((i = atomic_fetch_add(&run->next, 1)) < run->njpegs)
		do_one(run, run->order[i], &file, &pixels);
	pthread_barrier_wait(&run->barrier);
	buffer_free(&file);
	buffer_free(&pixels);
	return NULL;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void shuffle(struct run *run)
{
	for (size_t i = run->njpegs; i > 1; i--) {
		run->dice = run->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		size_t j = (run->dice >> 33) % i, kept = run->order[i - 1];
		run->order[i - 1] = run->order[j];
		run->order[j] = kept;
	}
}

static double time_task(struct run *run, const struct task *task)
{
	pthread_t threads[NTHREADS_MAX];

	shuffle(run);
	run->task = task;
	atomic_store(&run->next, 0);
	pthread_barrier_init(&run->barrier, NULL, (unsigned)run->nthreads + 1);
	for (unsigned long i = 0; i < run->nthreads; i++) {
		errno = pthread_create(&threads[i], NULL, work, run);
		if (errno)
			give_up("thread");
	}
	double start = now();
	pthread_barrier_wait(&run->barrier);
	pthread_barrier_wait(&run->barrier);
	double seconds = now() - start;
	for (unsigned long i = 0; i < run->nthreads; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&run->barrier);
	return seconds;
}

static void run_rounds(struct run *run, const struct task *tasks, size_t ntasks)
{
	for (unsigned long round = 0; round < run->nrounds; round++) {
		for (size_t i = 0; i < ntasks; i++)
			printf("%.6f%c", time_task(run, &tasks[i]), i + 1 < ntasks ? ' ' : '\n');
		fflush(stdout);
	}
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
	        {"threads", required_argument, NULL, 't'},
	        {"rounds", required_argument, NULL, 'r'},
	        {"limit", required_argument, NULL, 'l'},
	        {NULL, 0, NULL, 0},
	};
	struct run run = {.nthreads = 1, .nrounds = 1};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == '?')
			return 2;
		*(c == 't' ? &run.nthreads : c == 'r' ? &run.nrounds : &run.limit) = strtoul(optarg, NULL, 10);
	}
	if (argc - optind < 2 || run.nthreads < 1 || run.nthreads > NTHREADS_MAX) {
		fprintf(stderr, "usage: readers [--threads N] [--rounds N] [--limit N] TREE TASK...\n");
		return 2;
	}
	find_jpegs(&run, argv[optind]);
	size_t ntasks = (size_t)(argc - optind) - 1;
	struct task *tasks = must(calloc(ntasks, sizeof(*tasks)));
	for (size_t i = 0; i < ntasks; i++) {
		if (!parse_task(&run, argv[optind + 1 + (int)i], &tasks[i])) {
			fprintf(stderr, "readers: '%s' is no task\n", argv[optind + 1 + (int)i]);
			return 2;
		}
	}
	run_rounds(&run, tasks, ntasks);
	return EXIT_SUCCESS;
}
