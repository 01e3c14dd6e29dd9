/* SPDX-License-Identifier: MIT */
/*
 * Runs a fuzz target without a fuzzer.
 *
 *   fuzz_TARGET FILE...                          each file once: a corpus, or an input that crashed
 *   fuzz_TARGET --random SECONDS SEED FILE...    each file, then mutants of the files for SECONDS
 *
 * A mutant that crashes the target is left in the working directory as crash-SEED-NUMBER, for the first form.
 */
#include "fuzz.h"

#include "tests/codec/attempt.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FILE_MAX (16u << 20)

struct corpus {
	struct sample *samples;
	size_t n;
};

static void die(const char *what)
{
	fprintf(stderr, "fuzz: %s: %s\n", what, strerror(errno));
	exit(2);
}

static struct sample read_sample(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(FILE_MAX);

	if (!file || !bytes)
		die(path);
	size_t nbytes = fread(bytes, 1, FILE_MAX, file);
	if (ferror(file))
		die(path);
	fclose(file);
	uint8_t *fitting = realloc(bytes, nbytes ? nbytes : 1);
	if (!fitting)
		die(path);
	return (struct sample){fitting, nbytes};
}

static struct corpus read_corpus(char **paths, size_t n)
{
	struct corpus corpus = {malloc((n ? n : 1) * sizeof(struct sample)), n};

	if (!corpus.samples)
		die("corpus");
	for (size_t i = 0; i < n; i++)
		corpus.samples[i] = read_sample(paths[i]);
	return corpus;
}

static void corpus_clear(struct corpus *corpus)
{
	for (size_t i = 0; i < corpus->n; i++)
		free((void *)corpus->samples[i].bytes);
	free(corpus->samples);
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Mutants are numbered, so that one can be made again. */
static uint8_t *numbered_mutant(const struct corpus *corpus, uint64_t seed, uint64_t number, size_t *ret_nbytes)
{
	struct dice dice = dice_new(seed ^ number << 20);

	return mutant_new(&dice, corpus->samples, corpus->n, ret_nbytes);
}

static void run_mutants(const struct corpus *corpus, uint64_t seed, double seconds, volatile uint64_t *number)
{
	for (double end = seconds_now() + seconds; seconds_now() < end; (*number)++) {
		size_t nbytes;
		uint8_t *mutant = numbered_mutant(corpus, seed, *number, &nbytes);

		LLVMFuzzerTestOneInput(mutant, nbytes);
		free(mutant);
	}
}

static void save_mutant(const struct corpus *corpus, uint64_t seed, uint64_t number)
{
	char path[64];
	size_t nbytes;
	uint8_t *mutant = numbered_mutant(corpus, seed, number, &nbytes);

	snprintf(path, sizeof(path), "crash-%llu-%llu", (unsigned long long)seed, (unsigned long long)number);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(mutant, 1, nbytes, file) != nbytes || fclose(file))
		die(path);
	fprintf(stderr, "fuzz: mutant %llu of seed %llu crashed; it is in %s\n", (unsigned long long)number,
	        (unsigned long long)seed, path);
	free(mutant);
}

/* In a child, so that the input is at hand when it dies. */
static int run_random(const struct corpus *corpus, double seconds, uint64_t seed)
{
	volatile uint64_t *number =
	        mmap(NULL, sizeof(*number), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 0;

	if (number == MAP_FAILED)
		die("shared memory");
	pid_t child = fork();
	if (child == 0) {
		run_mutants(corpus, seed, seconds, number);
		exit(EXIT_SUCCESS);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("child");
	if (status)
		save_mutant(corpus, seed, *number);
	else
		printf("%llu mutants\n", (unsigned long long)*number);
	return status || *number == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	int first = 1;
	bool is_random = argc > 4 && strcmp(argv[1], "--random") == 0;

	if (is_random)
		first = 4;
	if (argc <= first || argv[first][0] == '-') {
		fprintf(stderr, "usage: %s [--random SECONDS SEED] FILE...\n", argv[0]);
		return 2;
	}
	struct corpus corpus = read_corpus(argv + first, (size_t)(argc - first));
	for (size_t i = 0; i < corpus.n; i++)
		LLVMFuzzerTestOneInput(corpus.samples[i].bytes, corpus.samples[i].nbytes);
	printf("%zu files\n", corpus.n);
	int status = is_random ? run_random(&corpus, atof(argv[2]), strtoull(argv[3], NULL, 10)) : EXIT_SUCCESS;
	corpus_clear(&corpus);
	return status;
}
