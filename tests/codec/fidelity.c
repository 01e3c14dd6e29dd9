/* SPDX-License-Identifier: MIT */
/*
 * fidelity DIRECTORY...: how near the designs come to their sources. Prints, as Markdown, the tables of docs/fidelity.md:
 * mean PSNR (RGB, dB, over the images; an exact image counts as 99) of each block size against the decoded source, and of
 * every base design against its sampled source. Exits with 1 if a mean of the first falls short of 42 dB, or one of the
 * second falls where k or q grows. --full-only leaves out the second.
 *
 * The source's pixels are those of sXxY-b1-k1-q8: at B = 1 the codes are the samples, so nothing is lost.
 */
#include "codec/decode.h"
#include "codec/encode.h"
#include "codec/similarity.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_DB 99.0
#define FULL_MIN_DB 42.0 /* what everything kept must reach, for every block size */
#define N_BLOCKS 6
#define N_SAMPLINGS 9
#define KEEP_MAX 63
#define N_BITS 8

static const unsigned sides[] = {1, 2, 4};

struct object {
	uint8_t *bytes;
	struct ic_view view;
};

struct means {
	double full[N_BLOCKS];                                /* s1x1-bB-k(2B-1)-q8-c1 against the source */
	double base[N_SAMPLINGS][N_BLOCKS][KEEP_MAX][N_BITS]; /* against the sampled source */
	unsigned nimages;
};

static void die(const char *what, const char *why)
{
	fprintf(stderr, "fidelity: %s: %s\n", what, why);
	exit(2);
}

static struct object view_of(uint8_t *bytes, size_t nbytes, const char *name)
{
	struct object object = {.bytes = bytes};
	struct ic_why why;
	if (ic_view_parse(&object.view, bytes, nbytes, &why))
		die(name, why.text);
	return object;
}

static struct object encode(const uint8_t *jpeg, size_t nbytes, struct ic_design design, const char *name)
{
	uint8_t *bytes;
	size_t object_nbytes;
	struct ic_why why;
	if (ic_encode_jpeg(jpeg, nbytes, &design, NULL, &bytes, &object_nbytes, &why))
		die(name, why.text);
	return view_of(bytes, object_nbytes, name);
}

static uint8_t *rgb_of(const struct object *object)
{
	const struct ic_layout *l = &object->view.layout;
	uint8_t *rgb = malloc((size_t)3 * l->width * l->height);
	if (!rgb || ic_decode_rgb(&object->view, rgb, (size_t)3 * l->width))
		die("decoding", "out of memory");
	return rgb;
}

static double psnr_of(const struct object *object, const uint8_t *reference)
{
	uint8_t *rgb = rgb_of(object);
	double db = ic_psnr(rgb, reference, (size_t)3 * object->view.layout.width * object->view.layout.height);
	free(rgb);
	return fmin(db, EXACT_DB);
}

static void measure_full(struct means *means, const uint8_t *jpeg, size_t nbytes, const char *name)
{
	struct ic_design design = ic_design_default();
	design.chroma = IC_CHROMA_FULL;
	design.block = design.keep = 1;
	struct object source = encode(jpeg, nbytes, design, name);
	uint8_t *reference = rgb_of(&source);
	for (unsigned b = 0; b < N_BLOCKS; b++) {
		design.block = (uint8_t)(1u << b);
		design.keep = (uint8_t)(2 * design.block - 1);
		struct object object = encode(jpeg, nbytes, design, name);
		means->full[b] += psnr_of(&object, reference);
		free(object.bytes);
	}
	free(reference);
	free(source.bytes);
}

/* Every k and q of one dense object. */
static void measure_sparser(double out[KEEP_MAX][N_BITS], const struct object *dense, const uint8_t *reference)
{
	struct ic_design design = dense->view.layout.design;
	for (unsigned k = 1; k <= 2u * design.block - 1; k++) {
		for (unsigned q = 1; q <= N_BITS; q++) {
			struct ic_design sparse = design;
			uint8_t *bytes;
			size_t nbytes;
			sparse.keep = (uint8_t)k;
			sparse.bits = (uint8_t)q;
			if (ic_derive(&dense->view, &sparse, &bytes, &nbytes, NULL))
				die("deriving", "failed");
			struct object object = view_of(bytes, nbytes, "a derived object");
			out[k - 1][q - 1] += psnr_of(&object, reference);
			free(bytes);
		}
	}
}

static void measure_base(struct means *means, const uint8_t *jpeg, size_t nbytes, const char *name)
{
	for (unsigned s = 0; s < N_SAMPLINGS; s++) {
		struct ic_design design = ic_design_default();
		design.sx = (uint8_t)sides[s / 3];
		design.sy = (uint8_t)sides[s % 3];
		uint8_t *reference = NULL;
		for (unsigned b = 0; b < N_BLOCKS - 1; b++) { /* 32 is not in the base */
			design.block = (uint8_t)(1u << b);
			design.keep = (uint8_t)(2 * design.block - 1);
			struct object dense = encode(jpeg, nbytes, design, name);
			if (!reference)
				reference = rgb_of(&dense);
			measure_sparser(means->base[s][b], &dense, reference);
			free(dense.bytes);
		}
		free(reference);
	}
}

static void measure_file(struct means *means, const char *path, bool everything)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		die(path, "cannot be opened");
	fseek(file, 0, SEEK_END);
	size_t nbytes = (size_t)ftell(file);
	rewind(file);
	uint8_t *jpeg = malloc(nbytes + 1);
	if (!jpeg || fread(jpeg, 1, nbytes, file) != nbytes)
		die(path, "cannot be read");
	fclose(file);
	if (ic_is_jpeg(jpeg, nbytes)) {
		measure_full(means, jpeg, nbytes, path);
		if (everything)
			measure_base(means, jpeg, nbytes, path);
		means->nimages++;
	}
	free(jpeg);
}

static void measure_directory(struct means *means, const char *path, bool everything)
{
	DIR *directory = opendir(path);
	if (!directory)
		die(path, "is no directory");
	for (struct dirent *entry; (entry = readdir(directory));) {
		char file[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		measure_file(means, file, everything);
	}
	closedir(directory);
}

/* --- What is printed ------------------------------------------------------------------------------------------------ */

/* Returns whether all are good enough. */
static bool print_full(const struct means *means)
{
	bool good = true;
	printf("| design | mean PSNR, dB |\n|---|---|\n");
	for (unsigned b = 0; b < N_BLOCKS; b++) {
		double mean = means->full[b] / means->nimages;
		printf("| `s1x1-b%u-k%u-q8-c1` | %.2f |\n", 1u << b, (2u << b) - 1, mean);
		good = good && mean >= FULL_MIN_DB;
	}
	return good;
}

static void print_by_bits(const struct means *means, unsigned s, unsigned b)
{
	unsigned nkeeps = (2u << b) - 1;
	printf("\n`s%ux%u-b%u`\n\n| k | q1 | q2 | q3 | q4 | q5 | q6 | q7 | q8 "
	       "|\n|---|---|---|---|---|---|---|---|---|\n",
	       sides[s / 3], sides[s % 3], 1u << b);
	for (unsigned k = 0; k < nkeeps; k++) {
		bool shown = nkeeps <= 15 || k == nkeeps - 1 || (k & (k + 1)) == 0 || k % 4 == 3;
		if (!shown)
			continue;
		printf("| %u |", k + 1);
		for (unsigned q = 0; q < N_BITS; q++)
			printf(" %.2f |", means->base[s][b][k][q] / means->nimages);
		printf("\n");
	}
}

/* The most that a mean falls from one k or q to the next; 0 where it never does. */
static double worst_fall(const struct means *means, char *where, size_t where_size)
{
	double worst = 0;
	for (unsigned s = 0; s < N_SAMPLINGS; s++) {
		for (unsigned b = 0; b < N_BLOCKS - 1; b++) {
			for (unsigned i = 0; i < ((2u << b) - 1) * N_BITS; i++) {
				unsigned k = i / N_BITS, q = i % N_BITS;
				double here = means->base[s][b][k][q];
				double fall_k = k ? means->base[s][b][k - 1][q] - here : 0;
				double fall_q = q ? means->base[s][b][k][q - 1] - here : 0;
				double fall = fmax(fall_k, fall_q) / means->nimages;
				if (fall > worst) {
					worst = fall;
					snprintf(where, where_size, "s%ux%u-b%u-k%u-q%u against one less %s",
					         sides[s / 3], sides[s % 3], 1u << b, k + 1, q + 1,
					         fall_k > fall_q ? "k" : "q");
				}
			}
		}
	}
	return worst;
}

int main(int argc, char **argv)
{
	static struct means means;
	bool everything = true;
	int first = 1;
	if (argc > 1 && strcmp(argv[1], "--full-only") == 0) {
		everything = false;
		first = 2;
	}
	for (int i = first; i < argc; i++)
		measure_directory(&means, argv[i], everything);
	if (!means.nimages) {
		fprintf(stderr, "usage: fidelity [--full-only] DIRECTORY...\n");
		return 2;
	}

	printf("%u images.\n\n", means.nimages);
	bool good = print_full(&means);
	if (!everything)
		return !good;
	for (unsigned b = 0; b < N_BLOCKS - 1; b++)
		print_by_bits(&means, 0, b);
	print_by_bits(&means, 4, 3);
	print_by_bits(&means, 8, 3);
	char where[80] = "";
	double worst = worst_fall(&means, where, sizeof where);
	printf("\nLargest fall of a mean as k or q grows: %.4f dB%s%s\n", worst, worst > 0 ? ", at " : "", where);
	return worst > 0 || !good;
}
