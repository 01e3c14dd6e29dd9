/* SPDX-License-Identifier: MIT */
/* One decoder of the nvImageCodec extension, used by many threads at once, as an executor does. ThreadSanitizer runs it. */
#include "codec/decode.h"

#include "nv_host.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <stdlib.h>
#include <string.h>

#define NTHREADS 4
#define NROUNDS 60
#define SIDE 64u

static const char *module_path;

struct job {
	struct host *host;
	struct stream *streams[3]; /* shared: mapped, read, and one that is no object */
	const uint8_t *expected;
	unsigned ngood, nbad;
};

static void *decode_all(void *context)
{
	struct job *job = context;
	uint8_t *out = malloc((size_t)3 * SIDE * SIDE);

	for (unsigned round = 0; out && round < NROUNDS; round++) {
		struct output output;
		bool good = round % 3 != 2;

		output_init(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, SIDE, SIDE, 0, out);
		nvimgcodecProcessingStatus_t status = host_decode(job->host, &output, job->streams[round % 3], false);
		if (good && status == NVIMGCODEC_PROCESSING_STATUS_SUCCESS)
			job->ngood += memcmp(out, job->expected, (size_t)3 * SIDE * SIDE) == 0;
		if (!good)
			job->nbad += status == NVIMGCODEC_PROCESSING_STATUS_IMAGE_CORRUPTED;
	}
	free(out);
	return NULL;
}

START_TEST(threads_share_a_decoder_and_its_streams)
{
	struct ic_design design = design_of("s1x1-b8-k15-q8");
	struct dice dice = dice_new(3);
	struct bytes object = wild_object(&dice, &design, SIDE, SIDE, 3);
	struct ic_view view = view_of(object);
	uint8_t *expected = malloc((size_t)3 * SIDE * SIDE);
	struct stream mapped, read, bad;
	pthread_t threads[NTHREADS];
	struct job jobs[NTHREADS];
	struct host host;

	ck_assert_ptr_nonnull(expected);
	ck_assert_int_eq(ic_decode_rgb(&view, expected, (size_t)3 * SIDE), 0);
	host_load(&host, module_path);
	ck_assert_int_eq(host_create(&host), NVIMGCODEC_STATUS_SUCCESS);
	stream_init(&mapped, &host, object.data, object.nbytes, true);
	stream_init(&read, &host, object.data, object.nbytes, false);
	stream_init(&bad, &host, object.data, object.nbytes / 2, false);
	for (unsigned i = 0; i < NTHREADS; i++) {
		jobs[i] = (struct job){.host = &host, .streams = {&mapped, &read, &bad}, .expected = expected};
		ck_assert_int_eq(pthread_create(&threads[i], NULL, decode_all, &jobs[i]), 0);
	}
	for (unsigned i = 0; i < NTHREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(jobs[i].ngood, NROUNDS / 3 * 2);
		ck_assert_uint_eq(jobs[i].nbad, NROUNDS / 3);
	}
	ck_assert_int_eq(mapped.nmapped, 0);
	ck_assert_uint_eq(host.nmessages, NTHREADS * NROUNDS / 3);
	host_destroy(&host);
	host_unload(&host);
	free(expected);
	free(object.data);
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, threads_share_a_decoder_and_its_streams);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return EXIT_FAILURE;
	module_path = argv[1];
	return suite_run("nvimgcodec-threads", add);
}
