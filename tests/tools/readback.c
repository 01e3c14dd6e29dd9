/* SPDX-License-Identifier: MIT */
/*
 * readback: read every JPEG and every .ic file below a directory, in order of their names, and say how long it took.
 *
 *   readback [--decode] [--limit N] DIR
 *
 * Prints one line: FILES BYTES SECONDS FAILED. With --decode each file also becomes RGB in memory: a JPEG by
 * libjpeg-turbo with its defaults, an .ic by ic_decode_rgb, so that the two can be compared. Files are told by their first
 * bytes; others are not counted. A file that cannot be read or decoded, or has not the size that stat says, is FAILED and
 * named on stderr. One thread.
 */
#include "tests/tools/pixels.h"

#include "codec/format.h"
#include "codec/jpeg.h"

#include <errno.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

struct readback {
	bool decode;
	unsigned long limit; /* files; 0 for all */
	unsigned long nfiles, nfailed;
	uint64_t nbytes;
	struct buffer file, pixels;
};

static void visit(struct readback *readback, const FTSENT *entry)
{
	const size_t size = (size_t)entry->fts_statp->st_size;
	const ssize_t nbytes = read_whole(entry->fts_accpath, size, &readback->file);

	if (nbytes < 0) {
		fprintf(stderr, "readback: %s: %s\n", entry->fts_path, strerror(errno));
		readback->nfailed++;
		return;
	}
	if (!ic_is_jpeg(readback->file.bytes, size) && !ic_is_magic(readback->file.bytes, size))
		return;
	if (readback->decode && !decode_pixels(readback->file.bytes, size, &readback->pixels)) {
		fprintf(stderr, "readback: %s: cannot be decoded\n", entry->fts_path);
		readback->nfailed++;
	}
	readback->nfiles++;
	readback->nbytes += size;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool walk(struct readback *readback, char *directory)
{
	char *const roots[] = {directory, NULL};
	FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	const FTSENT *entry;

	if (!tree)
		return false;
	while ((entry = fts_read(tree)) && (!readback->limit || readback->nfiles < readback->limit)) {
		if (entry->fts_info == FTS_F)
			visit(readback, entry);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
			readback->nfailed++;
	}
	fts_close(tree);
	return true;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
	        {"decode", no_argument, NULL, 'd'},
	        {"limit", required_argument, NULL, 'l'},
	        {NULL, 0, NULL, 0},
	};
	struct readback readback = {0};
	double start;
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		if (c == 'd')
			readback.decode = true;
		else if (c == 'l')
			readback.limit = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: readback [--decode] [--limit N] DIR\n");
		return 2;
	}
	start = now();
	if (!walk(&readback, argv[optind])) {
		fprintf(stderr, "readback: %s: %s\n", argv[optind], strerror(errno));
		return EXIT_FAILURE;
	}
	printf("%lu %llu %.6f %lu\n", readback.nfiles, (unsigned long long)readback.nbytes, now() - start,
	       readback.nfailed);
	buffer_free(&readback.file);
	buffer_free(&readback.pixels);
	return readback.nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
