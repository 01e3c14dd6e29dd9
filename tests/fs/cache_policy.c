/* SPDX-License-Identifier: MIT */
/*
 * cache_policy: the hit rate of the mount's cache of objects against one that evicts what was used least recently, and
 * against what fits, for epochs that read a set of files once each in random order.
 *
 *   cache_policy [NFILES [NEPOCHS]]
 *
 * Prints a Markdown table. Sizes of objects are spread as those of photographs are, by a factor of four. The first epoch,
 * in which everything is new, is not counted. Exit status 1 where the mount's cache is the worse one.
 */
#include "fs/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NBYTES_MIN 65536u

struct files {
	unsigned n;
	unsigned *order;
	unsigned *sizes;
	uint64_t nbytes;
	uint64_t dice;
};

static unsigned roll(struct files *files, unsigned n)
{
	files->dice = files->dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((files->dice >> 33) % n);
}

static void *allocate(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p) {
		fputs("cache_policy: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	return p;
}

static void files_init(struct files *files, unsigned n)
{
	*files = (struct files){.n = n, .dice = 1};
	files->order = allocate(n, sizeof(*files->order));
	files->sizes = allocate(n, sizeof(*files->sizes));
	for (unsigned i = 0; i < n; i++) {
		files->order[i] = i;
		files->sizes[i] = NBYTES_MIN + roll(files, 3 * NBYTES_MIN);
		files->nbytes += files->sizes[i];
	}
}

static void shuffle(struct files *files)
{
	for (unsigned i = files->n - 1; i > 0; i--) {
		unsigned j = roll(files, i + 1), kept = files->order[i];
		files->order[i] = files->order[j];
		files->order[j] = kept;
	}
}

/* --- Least recently used ------------------------------------------------------------------------------------------ */

struct lru {
	const struct files *files;
	unsigned *older, *newer; /* a ring through NFILES, the head; a file that is not in it points at itself */
	uint64_t nbytes, nbytes_max;
};

static void lru_init(struct lru *lru, const struct files *files, uint64_t nbytes_max)
{
	*lru = (struct lru){.files = files, .nbytes_max = nbytes_max};
	lru->older = allocate(files->n + 1, sizeof(*lru->older));
	lru->newer = allocate(files->n + 1, sizeof(*lru->newer));
	for (unsigned i = 0; i <= files->n; i++)
		lru->older[i] = lru->newer[i] = i;
}

static void lru_remove(struct lru *lru, unsigned i)
{
	lru->newer[lru->older[i]] = lru->newer[i];
	lru->older[lru->newer[i]] = lru->older[i];
	lru->older[i] = lru->newer[i] = i;
	lru->nbytes -= lru->files->sizes[i];
}

static bool lru_get(struct lru *lru, unsigned i)
{
	unsigned head = lru->files->n;
	bool is_there = lru->older[i] != i;

	if (is_there)
		lru_remove(lru, i);
	lru->older[i] = lru->older[head];
	lru->newer[i] = head;
	lru->newer[lru->older[head]] = i;
	lru->older[head] = i;
	lru->nbytes += lru->files->sizes[i];
	while (lru->nbytes > lru->nbytes_max)
		lru_remove(lru, lru->newer[head]);
	return is_there;
}

static void lru_clear(struct lru *lru)
{
	free(lru->older);
	free(lru->newer);
}

/* --- The mount's -------------------------------------------------------------------------------------------------- */

/* The cache never looks into an object, so one byte stands for all. */
static errint_t make(void *context, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	*ret_nbytes = *(const unsigned *)context;
	*ret_bytes = allocate(1, 1);
	return 0;
}

static bool get(struct cache *cache, struct files *files, unsigned i)
{
	struct object_key key = {.identity.ino = i, .variant.design = ic_design_default()};
	uint64_t nbytes;
	bool is_there = cache_get_size(cache, &key, &nbytes);
	const struct object *object;

	if (cache_get(cache, &key, make, &files->sizes[i], &object)) {
		fputs("cache_policy: out of memory\n", stderr);
		exit(EXIT_FAILURE);
	}
	cache_put(cache, object);
	return is_there;
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

static bool compare(struct files *files, unsigned nepochs, unsigned percent)
{
	uint64_t nbytes_max = files->nbytes * percent / 100, nlru = 0, nours = 0;
	struct cache *cache;
	struct lru lru;

	if (cache_new(nbytes_max, &cache))
		exit(EXIT_FAILURE);
	lru_init(&lru, files, nbytes_max);
	for (unsigned epoch = 0; epoch <= nepochs; epoch++) {
		shuffle(files);
		for (unsigned i = 0; i < files->n; i++) {
			bool lru_hit = lru_get(&lru, files->order[i]), hit = get(cache, files, files->order[i]);
			nlru += lru_hit && epoch;
			nours += hit && epoch;
		}
	}
	double n = (double)files->n * nepochs;
	printf("| %u %% | %.1f %% | %.1f %% |\n", percent, 100 * (double)nours / n, 100 * (double)nlru / n);
	lru_clear(&lru);
	cache_free(cache);
	return nours >= nlru;
}

int main(int argc, char **argv)
{
	unsigned nfiles = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
	unsigned nepochs = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 10;
	bool is_good = true;
	struct files files;

	if (argc > 3 || !nfiles || !nepochs) {
		fputs("Usage: cache_policy [NFILES [NEPOCHS]]\n", stderr);
		return 2;
	}
	files_init(&files, nfiles);
	puts("| cache, of the set's bytes | hits | least recently used |\n|---|---|---|");
	for (const unsigned *percent = (const unsigned[]){10, 50, 90, 0}; *percent; percent++)
		is_good &= compare(&files, nepochs, *percent);
	free(files.order);
	free(files.sizes);
	return is_good ? EXIT_SUCCESS : EXIT_FAILURE;
}
