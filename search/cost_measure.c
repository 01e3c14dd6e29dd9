/* SPDX-License-Identifier: MIT */
#include "search/cost_measure.h"

#include "codec/coefs.h"
#include "codec/decode.h"
#include "codec/encode.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NDENSE 45 /* samplings and block sizes: a design of each is fitted to */
#define NHELD_OUT 15
#define NMEASURED (NDENSE + NHELD_OUT)
#define REPEATS 9 /* the least of them: a machine is seldom idle */
#define IMAGES_MAX 8
#define PIXELS_MAX 4000000 /* of all images of the sample together, unless one alone has more: bounds the time */

/* Images of which objects can be made; of each design, so their entropy code is decoded once. */
struct coefs_sample {
	struct ic_coefs *coefs[IMAGES_MAX];
	struct space_shape shapes[IMAGES_MAX];
	size_t n;
};

/* splitmix64 */
static uint64_t mixed(uint64_t z)
{
	z += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* --- The sample --------------------------------------------------------------------------------------------------- */

/* Whether the image can be encoded at all; then it is one of the sample. */
static bool take_image(const struct dataset *dataset, size_t image, struct coefs_sample *sample)
{
	const struct dataset_image *of = &dataset->images[image];
	struct ic_coefs *coefs;
	uint8_t *jpeg;

	if (of->is_object || dataset_read(dataset, image, &jpeg, NULL))
		return false;
	errint_t err = ic_coefs_new(jpeg, of->nbytes, NULL, &coefs, NULL);
	free(jpeg);
	if (err)
		return false;
	sample->coefs[sample->n] = coefs;
	sample->shapes[sample->n++] = (struct space_shape){of->width, of->height, of->ncomponents, 1};
	return true;
}

/* Spread over the paths; the same ones every time. */
static errint_t take_sample(const struct dataset *dataset, struct coefs_sample *sample, struct ic_why *why)
{
	uint64_t npixels = 0;

	*sample = (struct coefs_sample){.n = 0};
	for (size_t i = 0; i < 8 * IMAGES_MAX && sample->n < IMAGES_MAX && npixels < PIXELS_MAX; i++) {
		size_t image = mixed(i) % dataset->nimages;
		if (take_image(dataset, image, sample))
			npixels += (uint64_t)dataset->images[image].width * dataset->images[image].height;
	}
	return sample->n ? 0
	                 : ic_fail(why, -ENODATA, "%.120s: no JPEG that can be encoded, so no times can be measured",
	                           dataset->directory);
}

static void free_sample(struct coefs_sample *sample)
{
	for (size_t i = 0; i < sample->n; i++)
		ic_coefs_free(sample->coefs[i]);
}

/* --- Timing ------------------------------------------------------------------------------------------------------- */

/* Open, read and close a file of these bytes that is in memory, as one in the page cache is. */
static errint_t time_reading(const uint8_t *bytes, size_t nbytes, uint8_t *room, double *ret_s)
{
	int fd = memfd_create("icfs-cost", MFD_CLOEXEC);
	char path[64];
	double least = (double)INFINITY;

	if (fd < 0)
		return -errno;
	errint_t err = write(fd, bytes, nbytes) == (ssize_t)nbytes ? 0 : -EIO;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	for (unsigned i = 0; !err && i < REPEATS; i++) {
		double start = clock_s(CLOCK_MONOTONIC);
		int again = open(path, O_RDONLY | O_CLOEXEC);
		if (again < 0 || read(again, room, nbytes) != (ssize_t)nbytes)
			err = -EIO;
		if (again >= 0)
			close(again);
		least = fmin(least, clock_s(CLOCK_MONOTONIC) - start);
	}
	close(fd);
	if (!err)
		*ret_s = least;
	return err;
}

static errint_t time_decoding(const uint8_t *bytes, size_t nbytes, double *ret_s)
{
	double least = (double)INFINITY;
	struct ic_view view;
	errint_t err = ic_view_parse(&view, bytes, nbytes, NULL);
	uint8_t *rgb = err ? NULL : malloc((size_t)3 * view.layout.width * view.layout.height);

	if (!err && !rgb)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < REPEATS; i++) {
		double start = clock_s(CLOCK_MONOTONIC);
		err = ic_view_parse(&view, bytes, nbytes, NULL);
		if (!err)
			err = ic_decode_rgb(&view, rgb, (size_t)3 * view.layout.width);
		least = fmin(least, clock_s(CLOCK_MONOTONIC) - start);
	}
	free(rgb);
	if (!err)
		*ret_s = least;
	return err;
}

/* Add what one image takes under a design, of which `dense` holds the object. */
static errint_t add_image(const struct ic_view *dense, const struct ic_design *design, struct cost_measured *sum)
{
	uint8_t *object, *room = NULL;
	double read_s = 0, decode_s = 0;
	size_t nbytes;
	errint_t err = ic_derive(dense, design, &object, &nbytes, NULL);

	if (err)
		return err;
	room = malloc(nbytes);
	err = room ? time_reading(object, nbytes, room, &read_s) : -ENOMEM;
	if (!err)
		err = time_decoding(object, nbytes, &decode_s);
	free(room);
	free(object);
	sum->nbytes += (double)nbytes;
	sum->read_s += read_s;
	sum->decode_s += decode_s;
	return err;
}

static errint_t measure(const struct coefs_sample *sample, const struct ic_design *design,
                        struct cost_measured *ret_cost)
{
	const struct ic_design at_q8 = ic_design_at_q8(design);
	struct cost_measured sum = {0};
	errint_t err = 0;

	for (size_t i = 0; !err && i < sample->n; i++) {
		struct ic_view view;
		uint8_t *object;
		size_t nbytes;
		err = ic_encode_coefs(sample->coefs[i], &at_q8, NULL, &object, &nbytes, NULL);
		if (err)
			return err;
		err = ic_view_parse(&view, object, nbytes, NULL);
		if (!err)
			err = add_image(&view, design, &sum);
		free(object);
	}
	if (err)
		return err;
	double n = (double)sample->n;
	*ret_cost = (struct cost_measured){sum.nbytes / n, sum.read_s / n, sum.decode_s / n};
	return 0;
}

/* --- The model ---------------------------------------------------------------------------------------------------- */

/* The i-th design of those that are fitted to: one of each sampling and block size. */
static struct ic_design design_to_fit(unsigned i)
{
	static const uint8_t sides[] = {1, 2, 4}, blocks[] = {1, 2, 4, 8, 16};
	struct ic_design design = ic_design_default();

	design.sx = sides[i % 3];
	design.sy = sides[i / 3 % 3];
	design.block = blocks[i / 9];
	design.keep = (uint8_t)(1 + mixed(i) % (2u * design.block - 1));
	design.bits = (uint8_t)(1 + mixed(i + NDENSE) % 8);
	return design;
}

static bool is_among(const struct ic_design *design, const struct ic_design *designs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (ic_design_equal(design, &designs[i]))
			return true;
	return false;
}

/* Those, and others to check with: no two the same. */
static void choose_designs(struct ic_design out[NMEASURED])
{
	for (unsigned i = 0; i < NDENSE; i++)
		out[i] = design_to_fit(i);
	for (unsigned i = NDENSE; i < NMEASURED; i++) {
		uint64_t index = mixed(i);
		do
			ic_design_at((unsigned)(index++ % IC_DESIGN_COUNT), &out[i]);
		while (is_among(&out[i], out, i));
	}
}

struct measured {
	struct cost_features features[NMEASURED];
	double read_s[NMEASURED], decode_s[NMEASURED], both_s[NMEASURED];
};

static void fit(const struct measured *measured, struct cost_model *ret_model)
{
	struct cost_model model = {
	        .read = cost_fit(measured->features, measured->read_s, NDENSE, COST_OF_READING),
	        .decode = cost_fit(measured->features, measured->decode_s, NDENSE, COST_ALL),
	};
	struct cost_line both;

	for (unsigned f = 0; f < COST_NFEATURES; f++)
		both.at[f] = model.read.at[f] + model.decode.at[f];
	model.infer_error = model.train_error = (double)NAN; /* nobody told any */
	model.held_out_error = cost_error(&both, measured->features + NDENSE, measured->both_s + NDENSE, NHELD_OUT);
	*ret_model = model;
}

/* From the catalog; or measured, and then it is in the catalog. */
static errint_t find_cost(const struct coefs_sample *sample, struct catalog *catalog, const struct cost_key *key,
                          struct cost_measured *ret_cost, struct ic_why *why)
{
	errint_t err = cost_get(catalog, key, ret_cost, why);

	if (err != -ENOENT)
		return err;
	err = measure(sample, &key->design, ret_cost);
	if (err)
		return ic_fail(why, err, "times of decoding cannot be measured: %s", strerror(-err));
	return cost_put(catalog, key, ret_cost, why);
}

errint_t cost_measure(const struct dataset *dataset, struct catalog *catalog, const char *hardware,
                      const atomic_bool *cancelled, void (*told)(void *context, unsigned done, unsigned total),
                      void *context, struct cost_model *ret_model, struct ic_why *why)
{
	struct measured *measured = calloc(1, sizeof(*measured));
	struct ic_design designs[NMEASURED];
	struct coefs_sample sample;
	errint_t err = measured ? take_sample(dataset, &sample, why) : ic_fail(why, -ENOMEM, "out of memory");

	if (err) {
		free(measured);
		return err;
	}
	choose_designs(designs);
	for (unsigned i = 0; !err && i < NMEASURED; i++) {
		struct cost_key key = {dataset->fingerprint, hardware, IC_CODEC_VERSION, designs[i]};
		struct cost_measured cost;
		if (cancelled && atomic_load(cancelled))
			err = ic_fail(why, -ECANCELED, "stopped");
		if (!err)
			err = find_cost(&sample, catalog, &key, &cost, why);
		if (!err)
			err = cost_features_of(sample.shapes, sample.n, &key.design, &measured->features[i]);
		if (err)
			break;
		measured->read_s[i] = cost.read_s;
		measured->decode_s[i] = cost.decode_s;
		measured->both_s[i] = cost.read_s + cost.decode_s;
		if (told)
			told(context, i + 1, NMEASURED);
	}
	if (!err)
		fit(measured, ret_model);
	free_sample(&sample);
	free(measured);
	return err;
}
