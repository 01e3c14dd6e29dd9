/* SPDX-License-Identifier: MIT */
/* Encoding one JPEG, deriving from one object and decoding it in many threads at once: for ThreadSanitizer above all. */
#include "codec/decode.h"
#include "codec/encode.h"

#include "codec_helpers.h"
#include "decode_all.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define NDESIGNS 12

/* All threads read the same bytes. */
struct shared {
	struct bytes jpeg, dense;
	struct ic_view dense_view;
	struct ic_design designs[NDESIGNS];
	struct bytes expected[NDESIGNS];
	struct bytes rgb; /* of the dense object */
};

struct worker {
	pthread_t thread;
	const struct shared *shared;
	unsigned nbad;
};

static bool is_expected(const uint8_t *object, size_t nbytes, struct bytes expected)
{
	return nbytes == expected.nbytes && memcmp(object, expected.data, nbytes) == 0;
}

static struct bytes decode_rgb(const struct ic_view *view)
{
	size_t stride = (size_t)3 * view->layout.width;
	struct bytes rgb = {malloc(stride * view->layout.height), stride * view->layout.height};

	if (!rgb.data || ic_decode_rgb(view, rgb.data, stride))
		rgb.nbytes = 0;
	return rgb;
}

static bool check_design(const struct shared *s, unsigned i)
{
	uint8_t *encoded = NULL, *derived = NULL;
	size_t encoded_nbytes = 0, derived_nbytes = 0;
	struct ic_design sparse = s->dense_view.layout.design;

	sparse.keep = (uint8_t)(1 + i);
	sparse.bits = (uint8_t)(1 + i % 8);
	struct bytes rgb = decode_rgb(&s->dense_view);
	bool good =
	        is_expected(rgb.data, rgb.nbytes, s->rgb) &&
	        !ic_encode_jpeg(s->jpeg.data, s->jpeg.nbytes, &s->designs[i], NULL, &encoded, &encoded_nbytes, NULL) &&
	        is_expected(encoded, encoded_nbytes, s->expected[i]) &&
	        !ic_derive(&s->dense_view, &sparse, &derived, &derived_nbytes, NULL) && !decode_all(&s->dense_view);
	free(rgb.data);
	free(encoded);
	free(derived);
	return good;
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	for (unsigned i = 0; i < NDESIGNS; i++)
		worker->nbad += !check_design(worker->shared, i);
	return NULL;
}

START_TEST(threads_do_not_meet)
{
	const struct jpeg_spec spec = {.quality = 80};
	const struct ic_design dense = ic_design_default();
	struct dice dice = dice_new(5);
	struct shared shared = {.jpeg = jpeg_new(93, 75, 7, &spec)};
	struct worker workers[4];

	shared.dense = encode(shared.jpeg, &dense);
	shared.dense_view = view_of(shared.dense);
	shared.rgb = decode_rgb(&shared.dense_view);
	ck_assert_uint_eq(shared.rgb.nbytes, 3 * 93 * 75);
	for (unsigned i = 0; i < NDESIGNS; i++) {
		shared.designs[i] = design_random(&dice);
		shared.expected[i] = encode(shared.jpeg, &shared.designs[i]);
	}
	for (unsigned i = 0; i < COUNT(workers); i++) {
		workers[i] = (struct worker){.shared = &shared};
		ck_assert_int_eq(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (unsigned i = 0; i < COUNT(workers); i++) {
		ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
		ck_assert_uint_eq(workers[i].nbad, 0);
	}
	for (unsigned i = 0; i < NDESIGNS; i++)
		free(shared.expected[i].data);
	free(shared.dense.data);
	free(shared.rgb.data);
	free(shared.jpeg.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_test(cases, threads_do_not_meet);
}

int main(void)
{
	return suite_run("threads", add_tests);
}
