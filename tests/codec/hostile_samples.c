/* SPDX-License-Identifier: MIT */
#include "hostile_samples.h"

#include "codec_helpers.h"

#include <stdlib.h>

const struct jpeg_spec sample_kinds[NSAMPLES] = {
        {0},
        {.h = {1, 1, 1}, .v = {1, 1, 1}, .quality = 95},
        {.progressive = true},
        {.arithmetic = true},
        {.arithmetic = true, .progressive = true},
        {.space = JCS_GRAYSCALE, .orientation = 6},
        {.space = JCS_CMYK},
        {.space = JCS_YCCK, .h = {2, 1, 1, 2}, .v = {2, 1, 1, 2}},
        {.space = JCS_RGB},
        {.restart = 1, .h = {4, 1, 1}, .v = {1, 1, 1}},
        {.h = {1, 2, 2}, .v = {1, 2, 1}, .wide_tables = true},
};

struct samples jpeg_samples(void)
{
	struct samples samples;

	for (unsigned i = 0; i < NSAMPLES; i++) {
		struct bytes jpeg = jpeg_new(20 + 7 * i, 60 - 5 * i, i, &sample_kinds[i]);

		samples.list[i] = (struct sample){jpeg.data, jpeg.nbytes};
	}
	return samples;
}

struct samples object_samples(void)
{
	static const char *const designs[NSAMPLES] = {
	        "s1x1-b8-k15-q8", "s2x2-b8-k6-q8",  "s1x1-b16-k31-q8-c1", "s1x2-b4-k3-q3",
	        "s4x4-b1-k1-q5",  "s1x1-b32-k9-q2", "s1x1-b2-k3-q8-ox",   "s2x1-b8-k4-q8-ol",
	        "s1x1-b8-k5-q1",  "s1x1-b4-k7-q8",  "s4x1-b2-k2-q7-fbox",
	};
	struct samples jpegs = jpeg_samples(), objects;

	for (unsigned i = 0; i < NSAMPLES; i++) {
		struct ic_design d = design_of(designs[i]);
		struct bytes jpeg = {(uint8_t *)jpegs.list[i].bytes, jpegs.list[i].nbytes};
		struct bytes object = encode(jpeg, &d);

		objects.list[i] = (struct sample){object.data, object.nbytes};
		free(jpeg.data);
	}
	return objects;
}

void samples_clear(struct samples *samples)
{
	for (unsigned i = 0; i < NSAMPLES; i++)
		free((void *)samples->list[i].bytes);
}

struct bytes noisy_object(struct dice *dice, unsigned i)
{
	struct ic_design d = design_random(dice);
	struct ic_layout l;

	if (ic_layout_init(&l, &d, 1 + dice_roll(dice, 80), 1 + dice_roll(dice, 80), i % 4 ? 3 : 1))
		abort();
	uint8_t *object = calloc(1, l.nbytes);
	if (!object)
		abort();
	ic_header_write(object, &l, 1, 0);
	for (unsigned p = 0; p < l.nplanes; p++) {
		object[64 + 4 * p] = (uint8_t)(i % 3 ? 255 : dice_between(dice, 1, 255));
		object[64 + 4 * p + 1] = (uint8_t)(i % 3 ? 8 : dice_between(dice, 1, 8));
		for (unsigned mean = 2; mean < 4 && object[64 + 4 * p + 1] > d.bits; mean++)
			object[64 + 4 * p + mean] = (uint8_t)dice_roll(dice, 256);
	}
	for (size_t at = l.data_offset; at < l.nbytes; at++)
		object[at] = (uint8_t)(i % 5 ? dice_roll(dice, 256) : dice_roll(dice, 2) ? 0x80 : 0x7f);
	return (struct bytes){object, l.nbytes};
}
