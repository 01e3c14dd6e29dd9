/* SPDX-License-Identifier: MIT */
/*
 * decoding DIRECTORY [DESIGN...]: what decoding an object in memory costs, against libjpeg's decode of its source to RGB,
 * whole and at half the size, on one core. Prints the table of docs/decoding.md as Markdown.
 *
 * All decode into memory that is there already and is used again. Each round goes through the photographs once and does
 * everything to one before it turns to the next, so that what disturbs the machine disturbs all alike. A ratio is that of
 * one round's sums; its median over the rounds is printed, and its least and its largest value behind it.
 */
#include "codec/tensor.h"

#include "measure.h"

#include <jpeglib.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NROUNDS 7
#define NDESIGNS_MAX 64
#define REPEAT 4 /* decodings of an object that are timed together: one may be shorter than the clock is good for */

static const char *const default_designs[] = {
        "s1x1-b8-k15-q8",  "s2x2-b8-k6-q8",    "s1x1-b8-k6-q8",     "s1x1-b8-k1-q8",   "s1x1-b8-k6-q4",
        "s1x1-b8-k6-q1",   "s1x1-b8-k6-q8-c1", "s1x1-b8-k15-q8-c1", "s1x2-b8-k15-q8",  "s2x1-b8-k15-q8",
        "s2x2-b8-k15-q8",  "s1x4-b8-k15-q8",   "s4x1-b8-k15-q8",    "s2x4-b8-k15-q8",  "s4x2-b8-k15-q8",
        "s4x4-b8-k15-q8",  "s2x2-b8-k6-q4",    "s4x4-b8-k6-q8",     "s1x1-b1-k1-q8",   "s2x2-b1-k1-q8",
        "s1x1-b2-k3-q8",   "s2x2-b2-k2-q8",    "s1x1-b4-k7-q8",     "s2x2-b4-k4-q8",   "s1x1-b16-k31-q8",
        "s2x2-b16-k12-q8", "s1x1-b32-k63-q8",  "s1x1-b32-k24-q8",   "s2x2-b32-k24-q8",
};

/* The ways of decoding an object. */
enum way { WAY_RGB, WAY_RGB_HALF, WAY_FREQS, WAY_FREQS_HALF, NWAYS };
static const struct ic_tensor_spec ways[NWAYS] = {
        [WAY_RGB] = {.values = IC_RGB, .type = IC_UINT8, .axes = IC_NHWC},
        [WAY_RGB_HALF] = {.values = IC_RGB, .type = IC_FLOAT16},
        [WAY_FREQS] = {.values = IC_FREQUENCIES, .type = IC_FLOAT32, .chroma = IC_CHROMA_APART},
        [WAY_FREQS_HALF] = {.values = IC_FREQUENCIES, .type = IC_FLOAT16, .chroma = IC_CHROMA_APART},
};

struct round {
	double whole, half;              /* libjpeg, seconds */
	double way[NDESIGNS_MAX][NWAYS]; /* ours */
};

struct bench {
	struct ic_design designs[NDESIGNS_MAX];
	unsigned ndesigns, nrounds;
	struct round rounds[NROUNDS];
	uint8_t *out, *chroma;
	size_t nbytes;
};

static _Noreturn void die(const char *what, const char *why)
{
	fprintf(stderr, "decoding: %s: %s\n", what, why);
	exit(2);
}

/* Grow the memory that everything is decoded to, and touch it. */
static void make_room(struct bench *bench, size_t nbytes)
{
	if (nbytes <= bench->nbytes)
		return;
	free(bench->out);
	free(bench->chroma);
	bench->out = malloc(nbytes);
	bench->chroma = malloc(nbytes);
	if (!bench->out || !bench->chroma)
		die("room", "out of memory");
	memset(bench->out, 1, nbytes);
	memset(bench->chroma, 1, nbytes);
	bench->nbytes = nbytes;
}

static double libjpeg_seconds(struct bench *bench, struct bytes jpeg, unsigned scale)
{
	struct jpeg_decompress_struct source;
	struct jpeg_error_mgr errors;
	double start = measure_seconds();

	source.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&source);
	jpeg_mem_src(&source, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&source, TRUE);
	source.out_color_space = JCS_RGB;
	source.scale_denom = scale;
	jpeg_start_decompress(&source);
	make_room(bench, (size_t)3 * source.output_width * source.output_height);
	while (source.output_scanline < source.output_height) {
		JSAMPROW row = bench->out + (size_t)3 * source.output_width * source.output_scanline;
		jpeg_read_scanlines(&source, &row, 1);
	}
	jpeg_finish_decompress(&source);
	jpeg_destroy_decompress(&source);
	return measure_seconds() - start;
}

static double way_seconds(struct bench *bench, struct bytes object, const struct ic_tensor_spec *spec)
{
	struct ic_tensor_shape shape;
	struct ic_view view;
	struct ic_why why;

	if (ic_view_parse(&view, object.data, object.nbytes, &why) || ic_tensor_shape(&view.layout, spec, &shape, &why))
		die("an object", why.text);
	make_room(bench, shape.nbytes > shape.chroma_nbytes ? shape.nbytes : shape.chroma_nbytes);
	double start = measure_seconds();
	for (unsigned i = 0; i < REPEAT; i++) {
		if (ic_view_parse(&view, object.data, object.nbytes, &why) ||
		    ic_tensor_decode(&view, spec, NULL, bench->out, bench->chroma, &why))
			die("an object", why.text);
	}
	return (measure_seconds() - start) / REPEAT;
}

static void visit(void *context, const char *path, struct bytes jpeg)
{
	struct bench *bench = context;
	struct round *round = &bench->rounds[bench->nrounds];

	round->whole += libjpeg_seconds(bench, jpeg, 1);
	round->half += libjpeg_seconds(bench, jpeg, 2);
	for (unsigned i = 0; i < bench->ndesigns; i++) {
		struct measured object = measure_encode(path, jpeg, &bench->designs[i]);
		struct bytes bytes = {object.bytes, object.view.layout.nbytes};
		for (unsigned way = 0; way < NWAYS; way++)
			round->way[i][way] += way_seconds(bench, bytes, &ways[way]);
		measured_clear(&object);
	}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* values is sorted in place. */
static void print_spread(double values[NROUNDS])
{
	qsort(values, NROUNDS, sizeof *values, compare);
	printf(" %.1f (%.1f to %.1f) |", values[NROUNDS / 2], values[0], values[NROUNDS - 1]);
}

static void print_ratio(const struct bench *bench, unsigned design, enum way way, bool to_half)
{
	double ratios[NROUNDS];

	for (unsigned i = 0; i < NROUNDS; i++) {
		const struct round *round = &bench->rounds[i];
		ratios[i] = (to_half ? round->half : round->whole) / round->way[design][way];
	}
	print_spread(ratios);
}

static double least_us(const struct bench *bench, unsigned design, enum way way, unsigned nimages)
{
	double least = 1e9;

	for (unsigned i = 0; i < NROUNDS; i++)
		least = bench->rounds[i].way[design][way] < least ? bench->rounds[i].way[design][way] : least;
	return 1e6 * least / nimages;
}

static void print_table(const struct bench *bench, unsigned nimages)
{
	double whole[NROUNDS], half[NROUNDS];

	for (unsigned i = 0; i < NROUNDS; i++) {
		whole[i] = 1e6 * bench->rounds[i].whole / nimages;
		half[i] = 1e6 * bench->rounds[i].half / nimages;
	}
	printf("%u images, %s; microseconds for one, median of %d rounds (least to most): libjpeg", nimages,
	       ic_tensor_instructions(), NROUNDS);
	print_spread(whole);
	printf(" at half size");
	print_spread(half);
	printf("\n\n| design | RGB, us | times libjpeg | times libjpeg at half size | RGB half precision, us | "
	       "frequencies, us | times libjpeg | in half precision, us |\n|---|---|---|---|---|---|---|---|\n");
	for (unsigned i = 0; i < bench->ndesigns; i++) {
		char name[IC_DESIGN_STRING_SIZE];

		ic_design_print(&bench->designs[i], name);
		printf("| `%s` | %.1f |", name, least_us(bench, i, WAY_RGB, nimages));
		print_ratio(bench, i, WAY_RGB, false);
		print_ratio(bench, i, WAY_RGB, true);
		printf(" %.1f | %.1f |", least_us(bench, i, WAY_RGB_HALF, nimages),
		       least_us(bench, i, WAY_FREQS, nimages));
		print_ratio(bench, i, WAY_FREQS, false);
		printf(" %.1f |\n", least_us(bench, i, WAY_FREQS_HALF, nimages));
	}
}

static bool parse_designs(struct bench *bench, const char *const *names, size_t n)
{
	struct ic_why why;

	for (size_t i = 0; i < n && i < NDESIGNS_MAX; i++) {
		if (ic_design_parse(names[i], &bench->designs[bench->ndesigns++], &why)) {
			fprintf(stderr, "decoding: %s: %s\n", names[i], why.text);
			return false;
		}
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct bench bench;
	unsigned nimages = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: decoding DIRECTORY [DESIGN...]\n");
		return 2;
	}
	if (argc == 2 ? !parse_designs(&bench, default_designs, COUNT(default_designs))
	              : !parse_designs(&bench, (const char *const *)argv + 2, (size_t)argc - 2))
		return 2;
	for (; bench.nrounds < NROUNDS; bench.nrounds++)
		nimages = measure_each_jpeg(argv[1], visit, &bench);
	if (!nimages)
		die(argv[1], "holds no JPEG");
	print_table(&bench, nimages);
	free(bench.out);
	free(bench.chroma);
	return 0;
}
