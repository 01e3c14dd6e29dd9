/* SPDX-License-Identifier: MIT */
/*
 * encoding DIRECTORY [DESIGN...]: what making an object costs, against libjpeg on the same bytes in memory: its entropy
 * decoding alone (jpeg_read_coefficients), and a whole decode to RGB. And what it costs of coefficients that were kept.
 * Prints the table of docs/encoding.md as Markdown.
 *
 * Each round goes through the photographs once and does everything to one before it turns to the next, so that what
 * disturbs the machine disturbs all alike. A ratio is that of one round's sums; its median over the rounds is printed, and
 * its least and its largest value behind it.
 */
#include "jpegread.h"
#include "measure.h"

#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NROUNDS 7
#define NDESIGNS_MAX 64

static const char *const default_designs[] = {
        "s1x1-b8-k15-q8",  "s1x1-b8-k6-q8",   "s1x1-b8-k1-q8",   "s1x1-b8-k6-q4",      "s1x1-b8-k6-q8-c1",
        "s2x2-b8-k15-q8",  "s2x2-b8-k6-q8",   "s2x2-b8-k6-q4",   "s2x2-b8-k6-q8-c1",   "s2x2-b8-k6-q8-fbox",
        "s1x2-b8-k6-q8",   "s2x1-b8-k6-q8",   "s4x4-b8-k6-q8",   "s4x4-b8-k6-q8-fbox", "s1x1-b1-k1-q8",
        "s2x2-b1-k1-q8",   "s1x1-b2-k2-q8",   "s2x2-b2-k2-q8",   "s1x1-b4-k4-q8",      "s2x2-b4-k4-q8",
        "s1x1-b16-k12-q8", "s2x2-b16-k12-q8", "s1x1-b32-k24-q8", "s2x2-b32-k24-q8",
};

struct round {
	double coefficients, decode, keep; /* seconds */
	double encode[NDESIGNS_MAX], encode_kept[NDESIGNS_MAX];
};

struct bench {
	struct ic_design designs[NDESIGNS_MAX];
	unsigned ndesigns, nrounds;
	struct round rounds[NROUNDS];
	double nbytes, nbytes_kept;
};

static double coefficients_seconds(struct bytes jpeg)
{
	struct jpeg_decompress_struct source;
	struct jpeg_error_mgr errors;
	double start = measure_seconds();

	source.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&source);
	jpeg_mem_src(&source, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&source, TRUE);
	jpeg_read_coefficients(&source);
	jpeg_destroy_decompress(&source);
	return measure_seconds() - start;
}

static double decode_seconds(struct bytes jpeg)
{
	double start = measure_seconds();
	struct picture picture = jpegread_rgb(jpeg);

	picture_clear(&picture);
	return measure_seconds() - start;
}

static double encode_seconds(const char *path, struct bytes jpeg, const struct ic_design *design)
{
	double start = measure_seconds();
	struct measured object = measure_encode(path, jpeg, design);

	measured_clear(&object);
	return measure_seconds() - start;
}

static struct ic_coefs *keep(const char *path, struct bytes jpeg, double *seconds)
{
	struct ic_coefs *coefs;
	struct ic_why why;
	double start = measure_seconds();

	if (ic_coefs_new(jpeg.data, jpeg.nbytes, NULL, &coefs, &why)) {
		fprintf(stderr, "encoding: %s: %s\n", path, why.text);
		exit(EXIT_FAILURE);
	}
	*seconds += measure_seconds() - start;
	return coefs;
}

static double encode_kept_seconds(const char *path, const struct ic_coefs *coefs, const struct ic_design *design)
{
	struct bytes object;
	struct ic_why why;
	double start = measure_seconds();

	if (ic_encode_coefs(coefs, design, NULL, &object.data, &object.nbytes, &why)) {
		fprintf(stderr, "encoding: %s: %s\n", path, why.text);
		exit(EXIT_FAILURE);
	}
	free(object.data);
	return measure_seconds() - start;
}

static void visit(void *context, const char *path, struct bytes jpeg)
{
	struct bench *bench = context;
	struct round *round = &bench->rounds[bench->nrounds];

	bench->nbytes += (double)jpeg.nbytes;
	round->coefficients += coefficients_seconds(jpeg);
	round->decode += decode_seconds(jpeg);
	struct ic_coefs *coefs = keep(path, jpeg, &round->keep);
	bench->nbytes_kept += (double)ic_coefs_nbytes(coefs);
	for (unsigned i = 0; i < bench->ndesigns; i++) {
		round->encode[i] += encode_seconds(path, jpeg, &bench->designs[i]);
		round->encode_kept[i] += encode_kept_seconds(path, coefs, &bench->designs[i]);
	}
	ic_coefs_free(coefs);
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
	printf(" %.2f (%.2f to %.2f) |", values[NROUNDS / 2], values[0], values[NROUNDS - 1]);
}

static void print_design(const struct bench *bench, unsigned design)
{
	double against_coefficients[NROUNDS], against_decode[NROUNDS], kept[NROUNDS];
	char name[IC_DESIGN_STRING_SIZE];

	for (unsigned i = 0; i < NROUNDS; i++) {
		const struct round *round = &bench->rounds[i];

		against_coefficients[i] = round->encode[design] / round->coefficients;
		against_decode[i] = round->encode[design] / round->decode;
		kept[i] = round->encode_kept[design] / round->encode[design];
	}
	ic_design_print(&bench->designs[design], name);
	printf("| `%s` |", name);
	print_spread(against_coefficients);
	print_spread(against_decode);
	print_spread(kept);
	printf("\n");
}

static void print_table(const struct bench *bench, unsigned nimages)
{
	double coefficients[NROUNDS], decode[NROUNDS], kept[NROUNDS];

	for (unsigned i = 0; i < NROUNDS; i++) {
		coefficients[i] = 1e3 * bench->rounds[i].coefficients / nimages;
		decode[i] = 1e3 * bench->rounds[i].decode / nimages;
		kept[i] = 1e3 * bench->rounds[i].keep / nimages;
	}
	printf("%u images of %.0f bytes; milliseconds for one, median of %d rounds (least to most): coefficients",
	       nimages, bench->nbytes / NROUNDS / nimages, NROUNDS);
	print_spread(coefficients);
	printf(" whole decode");
	print_spread(decode);
	printf(" keeping coefficients");
	print_spread(kept);
	printf(" in %.0f bytes\n\n", bench->nbytes_kept / NROUNDS / nimages);
	printf("| design | object / coefficients | object / whole decode | of kept coefficients / object |\n"
	       "|---|---|---|---|\n");
	for (unsigned i = 0; i < bench->ndesigns; i++)
		print_design(bench, i);
}

static bool parse_designs(struct bench *bench, const char *const *names, size_t n)
{
	struct ic_why why;

	for (size_t i = 0; i < n && i < NDESIGNS_MAX; i++) {
		if (ic_design_parse(names[i], &bench->designs[bench->ndesigns++], &why)) {
			fprintf(stderr, "encoding: %s: %s\n", names[i], why.text);
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
		fprintf(stderr, "usage: encoding DIRECTORY [DESIGN...]\n");
		return 2;
	}
	if (argc == 2 ? !parse_designs(&bench, default_designs, COUNT(default_designs))
	              : !parse_designs(&bench, (const char *const *)argv + 2, (size_t)argc - 2))
		return 2;
	for (; bench.nrounds < NROUNDS; bench.nrounds++)
		nimages = measure_each_jpeg(argv[1], visit, &bench);
	if (!nimages) {
		fprintf(stderr, "encoding: %s holds no JPEG\n", argv[1]);
		return 2;
	}
	print_table(&bench, nimages);
	return 0;
}
