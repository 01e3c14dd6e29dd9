/* SPDX-License-Identifier: MIT */
/*
 * fast_dct DIRECTORY [DESIGN...]: how far IC_GPU_FAST_DCT takes pixels from those of the reference, of the JPEGs in a
 * directory, and how far both are from what they are without rounding: root mean squares, of 255. Prints the table of
 * docs/gpu.md as Markdown. The kernels are run by the CPU. Exits with 1 if a channel is 4 or more apart, or the fast pixels
 * are farther from what they should be than the reference.
 */
#include "gpu/plan_priv.h"

#include "near.h"
#include "tests/codec/measure.h"
#include "tile_on_cpu.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAPART 5u /* that far, or farther */

struct kind {
	struct ic_design design;
	uint64_t apart[NAPART];
	double reference_squares, fast_squares; /* sums, of what each is off by */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "fast_dct: %s\n", what);
	exit(2);
}

static void *room(size_t nbytes)
{
	void *memory = aligned_alloc(16, (nbytes + 15) / 16 * 16);
	if (!memory)
		die("out of memory");
	return memory;
}

static uint8_t *fast_rgb(const struct ic_view *view)
{
	static uint32_t basis[TILE_BASIS_NWORDS_MAX];
	const struct ic_layout *l = &view->layout;
	const struct ic_tensor_spec spec = {.axes = IC_NHWC};
	const struct ic_region all = {0, 0, l->width, l->height};
	struct ic_tensor_shape shape;
	struct tile_plan plan;
	struct tile_image image;

	if (ic_tensor_shape(l, &spec, &shape, NULL) || tile_plan_init(&plan, &l->design, &spec, &shape, true, NULL) ||
	    !plan.is_fast)
		die("no fast transform for such a design");
	tile_plan_put_basis(&plan, &l->design, basis);
	plan.basis = basis;
	uint8_t *object = room(l->nbytes + TILE_SLACK), *rgb = room(shape.nbytes);
	memcpy(object, view->bytes, l->nbytes);
	memset(object + l->nbytes, 0, TILE_SLACK);
	tile_plan_set_strips(&plan, 1, 1);
	tile_plan_set_outputs(&plan, rgb, shape.nbytes, NULL, 0);
	tile_image_init(&image, &plan, l, &all, false, object);
	tile_on_cpu(&plan, &image, 1, rgb, NULL);
	free(object);
	return rgb;
}

static void visit(void *context, const char *path, struct bytes jpeg)
{
	struct kind *kind = context;
	struct measured object = measure_encode(path, jpeg, &kind->design);
	size_t nbytes = (size_t)3 * object.view.layout.width * object.view.layout.height;
	uint8_t *reference = measure_rgb(&object.view), *fast = fast_rgb(&object.view);
	struct near exact = near_new(&object.view);

	for (size_t i = 0; i < nbytes; i++) {
		unsigned apart = (unsigned)abs(fast[i] - reference[i]);
		double value = fmin(fmax(exact.value[i], 0), 255);
		kind->apart[apart < NAPART ? apart : NAPART - 1]++;
		kind->reference_squares += (reference[i] - value) * (reference[i] - value);
		kind->fast_squares += (fast[i] - value) * (fast[i] - value);
	}
	near_clear(&exact);
	free(reference);
	free(fast);
	measured_clear(&object);
}

/* Whether it is as it should be. */
static bool print_kind(const char *name, const char *directory)
{
	struct kind kind = {.fast_squares = 0};
	uint64_t n = 0;

	if (ic_design_parse(name, &kind.design, NULL))
		die(name);
	measure_each_jpeg(directory, visit, &kind);
	for (unsigned i = 0; i < NAPART; i++)
		n += kind.apart[i];
	printf("| `%s` |", name);
	for (unsigned i = 0; i < NAPART; i++)
		printf(" %.2f %% |", 100 * (double)kind.apart[i] / (double)n);
	printf(" %.2f | %.2f |\n", sqrt(kind.reference_squares / (double)n), sqrt(kind.fast_squares / (double)n));
	fflush(stdout);
	return !kind.apart[NAPART - 1] && kind.fast_squares < kind.reference_squares;
}

int main(int argc, char **argv)
{
	static const char *const usual[] = {"s1x1-b8-k15-q8",  "s1x1-b8-k6-q8",   "s1x1-b8-k15-q8-c1",
	                                    "s1x1-b16-k31-q8", "s1x1-b16-k12-q8", "s1x1-b32-k63-q8"};

	if (argc < 2)
		die("fast_dct DIRECTORY [DESIGN...]");
	puts("| design | equal | 1 apart | 2 | 3 | 4 or more | reference, off by | fast, off by |\n"
	     "|---|---|---|---|---|---|---|---|");
	bool is_well = true;
	for (int i = 2; i < argc; i++)
		is_well = print_kind(argv[i], argv[1]) && is_well;
	for (unsigned i = 0; argc == 2 && i < sizeof usual / sizeof *usual; i++)
		is_well = print_kind(usual[i], argv[1]) && is_well;
	return !is_well;
}
