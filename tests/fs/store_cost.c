/* SPDX-License-Identifier: MIT */
/*
 * store_cost: what an object costs that is taken from a store, against one that is encoded from its JPEG.
 *
 *   store_cost DIRECTORY DENSE SPARSE...
 *
 * Reads the JPEGs below DIRECTORY into memory, puts their objects of the design DENSE into a store in a temporary directory,
 * and tells for DENSE and every SPARSE design the mean microseconds of both ways, and their ratio. The store's files are in
 * the page cache; one thread. Each way is timed five times and the least is told, since what disturbs only adds.
 */
#include "codec/encode.h"
#include "fs/store.h"

#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 5

struct source {
	uint8_t *bytes;
	size_t nbytes;
};

struct sources {
	struct source *all;
	size_t n;
};

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "store_cost: %s\n", what);
	exit(EXIT_FAILURE);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void add(struct sources *sources, const char *path, size_t nbytes)
{
	FILE *in = fopen(path, "rb");
	struct source source = {malloc(nbytes + 1), nbytes};
	struct ic_jpeg_info info;

	check(in && source.bytes && fread(source.bytes, 1, nbytes, in) == nbytes, path);
	fclose(in);
	if (ic_jpeg_probe(source.bytes, nbytes, true, NULL, &info, NULL)) {
		free(source.bytes);
		return;
	}
	sources->all = realloc(sources->all, (sources->n + 1) * sizeof(source));
	check(sources->all, "out of memory");
	sources->all[sources->n++] = source;
}

static struct sources read_all(char *directory)
{
	char *const paths[] = {directory, NULL};
	struct sources sources = {0};
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;

	check(tree, directory);
	while ((entry = fts_read(tree)))
		if (entry->fts_info == FTS_F)
			add(&sources, entry->fts_path, (size_t)entry->fts_statp->st_size);
	fts_close(tree);
	check(sources.n, "no JPEG there");
	return sources;
}

static struct store_source name_of(const struct sources *sources, size_t i)
{
	return (struct store_source){"", i, sources->all[i].nbytes, 0};
}

static void fill(struct store *store, const struct sources *sources, const struct ic_design *dense)
{
	for (size_t i = 0; i < sources->n; i++) {
		struct store_source name = name_of(sources, i);
		struct ic_view view;
		uint8_t *object;
		size_t nbytes;

		check(!ic_encode_jpeg(sources->all[i].bytes, sources->all[i].nbytes, dense, NULL, &object, &nbytes,
		                      NULL),
		      "a JPEG cannot be encoded");
		check(!ic_view_parse(&view, object, nbytes, NULL) && !store_put_wait(store, &name, &view),
		      "not stored");
		free(object);
	}
	store_flush(store);
}

static void encode(struct store *store, const struct sources *sources, size_t i, const struct ic_design *design)
{
	uint8_t *object;
	size_t nbytes;

	check(!ic_encode_jpeg(sources->all[i].bytes, sources->all[i].nbytes, design, NULL, &object, &nbytes, NULL),
	      "a JPEG cannot be encoded");
	free(object);
}

static void take(struct store *store, const struct sources *sources, size_t i, const struct ic_design *design)
{
	struct store_source name = name_of(sources, i);
	struct ic_view view;
	uint8_t *bytes = NULL, *object = NULL;
	size_t nbytes;

	check(!store_get(store, &name, design, &bytes, &view) && !ic_derive(&view, design, &object, &nbytes, NULL),
	      "not in the store");
	free(bytes);
	free(object);
}

static double time_all(struct store *store, const struct sources *sources, const struct ic_design *design,
                       void (*way)(struct store *, const struct sources *, size_t, const struct ic_design *))
{
	double least = 1e300;

	for (int round = 0; round < ROUNDS; round++) {
		double start = now_us();
		for (size_t i = 0; i < sources->n; i++)
			way(store, sources, i, design);
		double took = (now_us() - start) / (double)sources->n;
		least = took < least ? took : least;
	}
	return least;
}

int main(int argc, char **argv)
{
	char directory[] = "/tmp/store-cost-XXXXXX";
	struct store_settings settings = store_settings_default();
	struct ic_design design;
	struct store *store;

	check(argc > 2 && !ic_design_parse(argv[2], &design, NULL), "expected DIRECTORY DENSE SPARSE...");
	struct sources sources = read_all(argv[1]);
	check(mkdtemp(directory), "no temporary directory");
	settings.directory = directory;
	check(!store_open(&settings, NULL, &store, NULL), "the store cannot be opened");
	fill(store, &sources, &design);
	printf("%zu JPEGs, stored under %s\n\n| design | encode, us | from the store, us | times faster "
	       "|\n|---|---|---|---|\n",
	       sources.n, argv[2]);
	for (int i = 2; i < argc; i++) {
		check(!ic_design_parse(argv[i], &design, NULL), argv[i]);
		double encoding = time_all(store, &sources, &design, encode);
		double taking = time_all(store, &sources, &design, take);
		printf("| `%s` | %.0f | %.1f | %.1f |\n", argv[i], encoding, taking, encoding / taking);
	}
	store_evict(store, 0);
	store_close(store);
	settings.rest_seconds = 0;
	if (!store_open(&settings, NULL, &store, NULL)) { /* what was being written is finished now */
		store_evict(store, 0);
		store_close(store);
	}
	for (size_t i = 0; i < sources.n; i++)
		free(sources.all[i].bytes);
	free(sources.all);
	return rmdir(directory) ? EXIT_FAILURE : EXIT_SUCCESS;
}
