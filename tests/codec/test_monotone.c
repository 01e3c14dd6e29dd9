/* SPDX-License-Identifier: MIT */
/*
 * More frequencies or more bits never cost fidelity: the mean PSNR over a few images does not fall as k or q grows.
 *
 *   test_monotone quick    some k and q of every sampling and block
 *   test_monotone whole    all of them
 */
#include "codec/decode.h"

#include "codec_helpers.h"

#include <stdlib.h>
#include <string.h>

#define NGROUPS 45 /* samplings and blocks */
#define NIMAGES_MAX 8
#define STEPS_MAX 32

/*
 * What is measured. The rule for the codes is proven before samples are rounded and clamped to bytes; rounding moves the
 * mean over few pixels by a little, which shrinks with their number: over the 125 photographs of docs/fidelity.md nothing
 * falls. Another rule would fall by tenths of a dB and more.
 */
struct extent {
	const char *name;
	bool all_steps;
	unsigned nimages;
	uint32_t width, height;
	double fall_max; /* of the mean, in dB */
};

static const struct extent extents[] = {
        {"quick", false, 4, 150, 110, 0.05},
        {"whole", true, 8, 280, 220, 0.01},
};

/* Set by main. */
static const struct extent *extent;

/* The values of k or q that are compared, rising, all up to `last` or some. */
static unsigned steps_up_to(unsigned last, uint8_t steps[STEPS_MAX])
{
	unsigned n = 0;

	for (unsigned step = 1; step < last; step += extent->all_steps ? 1 : (step + 1) / 2)
		steps[n++] = (uint8_t)step;
	steps[n++] = (uint8_t)last;
	return n;
}

/* An image's objects of one sampling and block: the dense one, and the samples that they all stand for. */
struct subject {
	struct bytes dense;
	struct ic_view view;
	uint8_t *sampled, *decoded;
	size_t nbytes, stride;
};

static struct bytes subject_jpeg(unsigned index)
{
	const struct jpeg_spec spec = {.quality = 92, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct bytes whole = photograph("imagenet-1k-sample", 7 * index, 340, 260, &spec);
	struct bytes part = crop(whole, 20, 10, extent->width, extent->height, &spec);

	free(whole.data);
	return part;
}

static void subject_init(struct subject *s, unsigned index, const struct ic_design *d)
{
	struct ic_design dense = *d, samples = *d;
	struct bytes jpeg = subject_jpeg(index);

	dense.keep = (uint8_t)(2 * d->block - 1);
	dense.bits = 8;
	samples.block = samples.keep = 1;
	samples.bits = 8;
	s->dense = encode(jpeg, &dense);
	s->view = view_of(s->dense);
	s->stride = (size_t)3 * s->view.layout.width;
	s->nbytes = s->stride * s->view.layout.height;
	s->sampled = malloc(s->nbytes);
	s->decoded = malloc(s->nbytes);
	ck_assert(s->sampled && s->decoded);
	struct bytes object = encode(jpeg, &samples);
	struct ic_view view = view_of(object);
	ck_assert_int_eq(ic_decode_rgb(&view, s->sampled, s->stride), 0);
	free(object.data);
	free(jpeg.data);
}

static void subject_clear(struct subject *s)
{
	free(s->dense.data);
	free(s->sampled);
	free(s->decoded);
}

static double mean_psnr(struct subject *subjects, const struct ic_design *d)
{
	double sum = 0;

	for (unsigned i = 0; i < extent->nimages; i++) {
		struct subject *s = &subjects[i];
		struct bytes object = derive(&s->view, d);
		struct ic_view view = view_of(object);

		ck_assert_int_eq(ic_decode_rgb(&view, s->decoded, s->stride), 0);
		sum += psnr(s->decoded, s->sampled, s->nbytes);
		free(object.data);
	}
	return sum / extent->nimages;
}

struct worst {
	double rise;
	struct ic_design from, to;
};

static void compare(struct worst *worst, double from, double to, const struct ic_design *d, unsigned k, unsigned q)
{
	if (to - from >= worst->rise)
		return;
	worst->rise = to - from;
	worst->from = worst->to = *d;
	worst->from.keep = (uint8_t)k;
	worst->from.bits = (uint8_t)q;
}

START_TEST(fidelity_never_falls)
{
	static const uint8_t samplings[] = {1, 2, 4};
	struct ic_design d = ic_design_default();
	struct worst worst = {.rise = 1000};
	struct subject subjects[NIMAGES_MAX];
	uint8_t keeps[STEPS_MAX], bits[STEPS_MAX];
	double fewer_keeps[STEPS_MAX] = {0};

	d.sx = samplings[_i / 15];
	d.sy = samplings[_i / 5 % 3];
	d.block = (uint8_t)(1 << _i % 5);
	unsigned nkeeps = steps_up_to(2u * d.block - 1, keeps), nbits = steps_up_to(8, bits);
	for (unsigned i = 0; i < extent->nimages; i++)
		subject_init(&subjects[i], i, &d);
	for (unsigned k = 0; k < nkeeps; k++) {
		double fewer_bits = 0;

		for (unsigned q = 0; q < nbits; q++) {
			d.keep = keeps[k];
			d.bits = bits[q];
			double now = mean_psnr(subjects, &d);
			if (k > 0)
				compare(&worst, fewer_keeps[q], now, &d, keeps[k - 1], d.bits);
			if (q > 0)
				compare(&worst, fewer_bits, now, &d, d.keep, bits[q - 1]);
			fewer_bits = fewer_keeps[q] = now;
		}
	}
	ck_assert_msg(worst.rise >= -extent->fall_max, "%s has %f dB more than %s", design_name(&worst.from).text,
	              -worst.rise, design_name(&worst.to).text);
	for (unsigned i = 0; i < extent->nimages; i++)
		subject_clear(&subjects[i]);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, fidelity_never_falls, 0, NGROUPS);
}

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < COUNT(extents); i++) {
		if (strcmp(extents[i].name, argv[1]) == 0)
			extent = &extents[i];
	}
	if (!extent) {
		fprintf(stderr, "usage: test_monotone quick|whole\n");
		return 2;
	}
	return suite_run("monotone", add_tests);
}
