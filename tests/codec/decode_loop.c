/* SPDX-License-Identifier: MIT */
/*
 * decode_loop PASSES FILE...: decode JPEGs from memory to RGB by libjpeg, all of them once a pass, and print the least time of
 * a pass in microseconds an image. What decode_profile profiles.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <jpeglib.h>

#define ROWS 16

struct file {
	uint8_t *bytes;
	size_t nbytes;
};

static _Noreturn void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static struct file read_file(const char *path)
{
	FILE *in = fopen(path, "rb");
	struct file file;

	if (!in || fseek(in, 0, SEEK_END))
		die(path);
	long nbytes = ftell(in);
	rewind(in);
	file.nbytes = nbytes < 0 ? 0 : (size_t)nbytes;
	file.bytes = malloc(file.nbytes + 1);
	if (!file.bytes || fread(file.bytes, 1, file.nbytes, in) != file.nbytes)
		die(path);
	fclose(in);
	return file;
}

/* Into memory that is used again. libjpeg ends the program where a file is none of its own. */
static void decode(const struct file *file)
{
	static uint8_t *out;
	static size_t room;
	struct jpeg_error_mgr errors;
	struct jpeg_decompress_struct jpeg = {.err = jpeg_std_error(&errors)};

	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, file->bytes, file->nbytes);
	jpeg_read_header(&jpeg, TRUE);
	jpeg.out_color_space = JCS_RGB;
	jpeg_start_decompress(&jpeg);
	size_t row = 3 * (size_t)jpeg.output_width, nbytes = row * (jpeg.output_height + ROWS);
	if (nbytes > room) {
		free(out);
		room = nbytes;
		if (!(out = malloc(room)))
			die("decode_loop");
	}
	while (jpeg.output_scanline < jpeg.output_height) {
		JSAMPROW rows[ROWS];
		for (unsigned i = 0; i < ROWS; i++)
			rows[i] = out + row * (jpeg.output_scanline + i);
		jpeg_read_scanlines(&jpeg, rows, ROWS);
	}
	jpeg_finish_decompress(&jpeg);
	jpeg_destroy_decompress(&jpeg);
}

int main(int argc, char **argv)
{
	int npasses = argc > 2 ? atoi(argv[1]) : 0, n = argc - 2;
	double least = 0;

	if (npasses < 1) {
		fprintf(stderr, "usage: decode_loop PASSES FILE...\n");
		return 2;
	}
	struct file *files = calloc((size_t)n, sizeof(*files));
	if (!files)
		die("decode_loop");
	for (int i = 0; i < n; i++)
		files[i] = read_file(argv[2 + i]);
	for (int pass = 0; pass < npasses; pass++) {
		double start = now();
		for (int i = 0; i < n; i++)
			decode(&files[i]);
		double took = now() - start;
		least = pass && least < took ? least : took;
	}
	printf("%.1f\n", 1e6 * least / n);
	for (int i = 0; i < n; i++)
		free(files[i].bytes);
	free(files);
	return EXIT_SUCCESS;
}
