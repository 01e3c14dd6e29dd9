/* SPDX-License-Identifier: MIT */
/*
 * presented [cost] DIRECTORY: what the faces jpeg and bmp keep of an object, and what making them costs, or that alone.
 * Prints the tables of docs/faces.md as Markdown: means over the photographs of the directory.
 */
#include "codec/jpeg_writer_priv.h"
#include "codec/present.h"

#include "jpegread.h"
#include "measure.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NTIMES 9 /* the fastest counts */

static const char *const quality_designs[] = {
        "s1x1-b8-k15-q8",  "s1x1-b8-k4-q8",   "s1x1-b8-k4-q4",   "s2x2-b8-k15-q8",  "s2x2-b8-k6-q8",
        "s4x4-b8-k6-q8",   "s1x1-b1-k1-q8",   "s1x1-b1-k1-q5",   "s2x2-b1-k1-q8",   "s2x2-b1-k1-q4",
        "s1x1-b2-k3-q8",   "s1x1-b2-k2-q6",   "s2x2-b2-k3-q8",   "s2x2-b2-k2-q5",   "s1x1-b4-k7-q8",
        "s1x1-b4-k3-q8",   "s1x1-b4-k2-q5",   "s2x2-b4-k7-q8",   "s2x2-b4-k3-q6",   "s4x4-b4-k7-q8",
        "s1x1-b16-k31-q8", "s1x1-b16-k8-q8",  "s1x1-b16-k6-q4",  "s2x2-b16-k31-q8", "s2x2-b16-k12-q6",
        "s4x4-b16-k31-q8", "s1x1-b32-k63-q8", "s1x1-b32-k16-q8", "s2x2-b32-k24-q6",
};

static const char *const cost_designs[] = {
        "s1x1-b8-k15-q8", "s1x1-b8-k10-q8", "s1x1-b8-k8-q8", "s1x1-b8-k6-q8", "s1x1-b8-k5-q8",
        "s1x1-b8-k4-q8",  "s2x2-b8-k15-q8", "s2x2-b8-k6-q8", "s4x4-b8-k6-q8", "s2x2-b16-k12-q8",
};

struct quality {
	double object_db, jpeg_db, between_db;
	double object_nbytes, jpeg_nbytes, bmp_nbytes;
};

struct cost {
	double encode, jpeg, bmp; /* seconds */
	double nsymbols;          /* of the JPEG's entropy code */
};

struct means {
	bool of_cost_alone;
	struct quality quality[COUNT(quality_designs)];
	struct cost cost[COUNT(cost_designs)];
	double source_nbytes;
};

static struct ic_design design_of(const char *text)
{
	struct ic_design design;

	if (ic_design_parse(text, &design, NULL))
		abort();
	return design;
}

static struct bytes present(const struct ic_view *view)
{
	struct bytes jpeg;

	if (ic_present_jpeg(view, NULL, 0, &jpeg.data, &jpeg.nbytes, NULL))
		abort();
	return jpeg;
}

static void add_quality(struct quality *sum, const struct ic_design *design, const char *path, struct bytes source)
{
	struct measured object = measure_encode(path, source, design);
	struct bytes jpeg = present(&object.view);
	struct picture shown = jpegread_rgb(jpeg);
	uint8_t *reference = measure_reference(path, source, design), *rgb = measure_rgb(&object.view);
	size_t n = (size_t)3 * shown.width * shown.height;

	sum->object_db += measure_psnr(rgb, reference, n);
	sum->jpeg_db += measure_psnr(shown.rgb, reference, n);
	sum->between_db += measure_psnr(shown.rgb, rgb, n);
	sum->object_nbytes += (double)object.view.layout.nbytes;
	sum->jpeg_nbytes += (double)jpeg.nbytes;
	sum->bmp_nbytes += (double)ic_bmp_nbytes(&object.view.layout);
	free(reference);
	free(rgb);
	picture_clear(&shown);
	free(jpeg.data);
	measured_clear(&object);
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

/* One for the DC coefficient, one for each other that is not 0 and for 16 zeros before it, and one for zeros at the end. */
static unsigned block_symbols(const int16_t block[64])
{
	int16_t ordered[64];
	unsigned n = 1, nzeros = 0;

	for (unsigned i = 0; i < 64; i++)
		ordered[jpeg_zigzag[i]] = block[i];
	for (unsigned i = 1; i < 64; i++) {
		if (!ordered[i]) {
			nzeros++;
			continue;
		}
		n += 1 + nzeros / 16;
		nzeros = 0;
	}
	return n + (nzeros > 0);
}

static double count_symbols(struct bytes jpeg)
{
	struct jpegread read = jpegread_coefficients(jpeg);
	double n = 0;

	for (unsigned c = 0; c < read.ncomponents; c++) {
		size_t nblocks = (size_t)read.component[c].block_cols * read.component[c].block_rows;
		for (size_t i = 0; i < nblocks; i++)
			n += block_symbols(read.component[c].blocks[i]);
	}
	jpegread_clear(&read);
	return n;
}

static void add_cost(struct cost *sum, const struct ic_design *design, const char *path, struct bytes source)
{
	struct cost best = {1e9, 1e9, 1e9, 0};

	for (unsigned i = 0; i < NTIMES; i++) {
		double start = measure_seconds();
		struct measured object = measure_encode(path, source, design);
		double encoded = measure_seconds();
		free(present(&object.view).data);
		double presented = measure_seconds();
		struct bytes bmp;
		if (ic_present_bmp(&object.view, &bmp.data, &bmp.nbytes, NULL))
			abort();
		double end = measure_seconds();
		free(bmp.data);
		measured_clear(&object);
		best.encode = least(best.encode, encoded - start);
		best.jpeg = least(best.jpeg, presented - encoded);
		best.bmp = least(best.bmp, end - presented);
	}
	struct measured object = measure_encode(path, source, design);
	struct bytes jpeg = present(&object.view);
	sum->nsymbols += count_symbols(jpeg);
	free(jpeg.data);
	measured_clear(&object);
	sum->encode += best.encode;
	sum->jpeg += best.jpeg;
	sum->bmp += best.bmp;
}

static void visit(void *context, const char *path, struct bytes source)
{
	struct means *means = context;

	means->source_nbytes += (double)source.nbytes;
	for (size_t i = 0; i < COUNT(quality_designs) && !means->of_cost_alone; i++) {
		struct ic_design design = design_of(quality_designs[i]);
		add_quality(&means->quality[i], &design, path, source);
	}
	for (size_t i = 0; i < COUNT(cost_designs); i++) {
		struct ic_design design = design_of(cost_designs[i]);
		add_cost(&means->cost[i], &design, path, source);
	}
}

static void print_quality(const struct means *means, double n)
{
	printf("%.0f images, %.0f bytes each; steps of other block sizes: %d.\n\n", n, means->source_nbytes / n,
	       IC_PRESENT_STEP);
	printf("| design | object, dB | jpeg, dB | jpeg costs, dB | jpeg against object, dB | object, bytes | jpeg, "
	       "bytes | "
	       "bmp, bytes |\n|---|---|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(quality_designs); i++) {
		const struct quality *q = &means->quality[i];
		printf("| `%s` | %.2f | %.2f | %.2f | %.2f | %.0f | %.0f | %.0f |\n", quality_designs[i],
		       q->object_db / n, q->jpeg_db / n, (q->object_db - q->jpeg_db) / n, q->between_db / n,
		       q->object_nbytes / n, q->jpeg_nbytes / n, q->bmp_nbytes / n);
	}
}

static void print_cost(const struct means *means, double n)
{
	printf("\n| design | object, ms | jpeg adds, ms | of the object's cost | bmp adds, ms | of the object's cost "
	       "|\n"
	       "|---|---|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(cost_designs); i++) {
		const struct cost *c = &means->cost[i];
		printf("| `%s` | %.2f | %.2f | %.2f | %.2f | %.2f |\n", cost_designs[i], 1e3 * c->encode / n,
		       1e3 * c->jpeg / n, c->jpeg / c->encode, 1e3 * c->bmp / n, c->bmp / c->encode);
	}
	printf("\n| design | symbols | ns a symbol | ns that a third of the object's cost allows "
	       "|\n|---|---|---|---|\n");
	for (size_t i = 0; i < COUNT(cost_designs); i++) {
		const struct cost *c = &means->cost[i];
		printf("| `%s` | %.0f | %.1f | %.1f |\n", cost_designs[i], c->nsymbols / n, 1e9 * c->jpeg / c->nsymbols,
		       1e9 * c->encode / 3 / c->nsymbols);
	}
}

int main(int argc, char **argv)
{
	struct means means = {.of_cost_alone = argc == 3 && !strcmp(argv[1], "cost")};
	bool is_called_well = argc == 2 || means.of_cost_alone;
	unsigned nimages = is_called_well ? measure_each_jpeg(argv[argc - 1], visit, &means) : 0;

	if (!nimages) {
		fprintf(stderr, "usage: presented [cost] DIRECTORY\n");
		return 2;
	}
	if (!means.of_cost_alone)
		print_quality(&means, nimages);
	print_cost(&means, nimages);
	return 0;
}
