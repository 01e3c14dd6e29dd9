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
#include "codec/decode.h"
#include "codec/jpeg.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <getopt.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jpeglib.h>

struct readback {
	bool decode;
	unsigned long limit; /* files; 0 for all */
	unsigned long nfiles, nfailed;
	uint64_t nbytes;
	uint8_t *file, *pixels; /* grown as needed */
	size_t file_capacity, pixels_capacity;
};

struct jump_manager {
	struct jpeg_error_mgr base; /* first: libjpeg hands its address back */
	jmp_buf jump;
};

static void jump_out(j_common_ptr cinfo)
{
	longjmp(((struct jump_manager *)cinfo->err)->jump, 1);
}

static void stay_silent(j_common_ptr cinfo)
{
}

static bool reserve(uint8_t **buffer, size_t *capacity, size_t nbytes)
{
	uint8_t *grown;

	if (nbytes <= *capacity)
		return true;
	grown = realloc(*buffer, nbytes);
	if (!grown)
		return false;
	*buffer = grown;
	*capacity = nbytes;
	return true;
}

/* The whole file; -1 where it is not as long as stat says. */
static ssize_t read_file(struct readback *readback, const char *path, size_t expected)
{
	size_t nread = 0;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (reserve(&readback->file, &readback->file_capacity, expected + 1)) {
		while ((n = read(fd, readback->file + nread, expected + 1 - nread)) > 0)
			nread += (size_t)n;
	}
	close(fd);
	if (n == 0 && nread == expected)
		return (ssize_t)nread;
	if (n == 0)
		errno = EILSEQ;
	return -1;
}

static bool decode_jpeg(struct readback *readback, size_t nbytes)
{
	struct jpeg_decompress_struct cinfo;
	struct jump_manager errors;

	cinfo.err = jpeg_std_error(&errors.base);
	errors.base.error_exit = jump_out;
	errors.base.output_message = stay_silent;
	if (setjmp(errors.jump)) {
		jpeg_destroy_decompress(&cinfo);
		return false;
	}
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, readback->file, nbytes);
	jpeg_read_header(&cinfo, TRUE);
	jpeg_start_decompress(&cinfo);
	if (!reserve(&readback->pixels, &readback->pixels_capacity,
	             (size_t)cinfo.output_width * (size_t)cinfo.output_components))
		longjmp(errors.jump, 1);
	while (cinfo.output_scanline < cinfo.output_height)
		jpeg_read_scanlines(&cinfo, &readback->pixels, 1);
	jpeg_finish_decompress(&cinfo);
	jpeg_destroy_decompress(&cinfo);
	return true;
}

static bool decode_ic(struct readback *readback, size_t nbytes)
{
	struct ic_view view;
	size_t stride;

	if (ic_view_parse(&view, readback->file, nbytes, NULL))
		return false;
	stride = (size_t)3 * view.layout.width;
	if (!reserve(&readback->pixels, &readback->pixels_capacity, stride * view.layout.height))
		return false;
	return ic_decode_rgb(&view, readback->pixels, stride) == 0;
}

static void visit(struct readback *readback, const FTSENT *entry)
{
	const size_t size = (size_t)entry->fts_statp->st_size;
	const ssize_t nbytes = read_file(readback, entry->fts_accpath, size);
	bool is_jpeg, done = true;

	if (nbytes < 0) {
		fprintf(stderr, "readback: %s: %s\n", entry->fts_path, strerror(errno));
		readback->nfailed++;
		return;
	}
	is_jpeg = ic_is_jpeg(readback->file, size);
	if (!is_jpeg && !ic_is_magic(readback->file, size))
		return;
	if (readback->decode)
		done = is_jpeg ? decode_jpeg(readback, size) : decode_ic(readback, size);
	if (!done) {
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
	free(readback.file);
	free(readback.pixels);
	return readback.nfailed ? EXIT_FAILURE : EXIT_SUCCESS;
}
