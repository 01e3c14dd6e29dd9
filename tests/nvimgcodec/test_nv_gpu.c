/* SPDX-License-Identifier: MIT */
/*
 * The extension's decoder for a GPU, over gpu.h by the reference decoder: what it takes and what it leaves to the CPU, the
 * plans that it keeps, and many threads. What the kernels write, suite gpu tests.
 */
#include "codec/decode.h"

#include "gpu_on_cpu.h"
#include "nv_host.h"
#include "tests/codec/codec_helpers.h"
#include "tests/codec/wild.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 37u
#define HEIGHT 29u
#define NTHREADS 4
#define NROUNDS 50
#define NSIZES 80 /* more than are kept */
#define STATUS(name) NVIMGCODEC_PROCESSING_STATUS_##name

static const char *module_path;
static struct gpu_on_cpu *counts;

static void host_init(struct host *host)
{
	host_load(host, module_path);
	host->kind = NVIMGCODEC_BACKEND_KIND_GPU_ONLY;
	ck_assert_int_eq(host_create(host), NVIMGCODEC_STATUS_SUCCESS);
	counts = dlsym(host->module, "gpu_on_cpu_counts");
	ck_assert_ptr_nonnull(counts);
}

static void host_clear(struct host *host)
{
	host_destroy(host);
	ck_assert_int_eq(counts->nbatches, 0);
	ck_assert_int_eq(counts->nplans, 0);
	ck_assert_int_eq(counts->ndevices, 0);
	host_unload(host);
}

static struct bytes object_new(uint32_t width, uint8_t orientation)
{
	struct ic_design design = design_of("s1x1-b8-k9-q8");
	struct dice dice = dice_new(width);
	struct bytes object = wild_object(&dice, &design, width, HEIGHT, 3);
	struct ic_view view = view_of(object);

	ic_header_write(object.data, &view.layout, orientation, 0);
	return object;
}

static uint8_t *rgb_new(struct bytes object)
{
	struct ic_view view = view_of(object);
	uint8_t *rgb = malloc((size_t)3 * view.layout.width * view.layout.height);

	ck_assert_ptr_nonnull(rgb);
	ck_assert_int_eq(ic_decode_rgb(&view, rgb, (size_t)3 * view.layout.width), 0);
	return rgb;
}

static void device_output(struct output *output, nvimgcodecSampleFormat_t format, unsigned nchannels, uint32_t width,
                          uint32_t height, uint8_t *buffer)
{
	output_init(output, format, nchannels, width, height, 0, buffer);
	output->info.buffer_kind = NVIMGCODEC_IMAGE_BUFFER_KIND_STRIDED_DEVICE;
	output->info.cuda_stream = (cudaStream_t)(uintptr_t)0x5eed;
}

START_TEST(pixels_are_put_into_the_stream_of_the_image)
{
	struct bytes object = object_new(WIDTH, 1);
	uint8_t *rgb = rgb_new(object), out[3 * WIDTH * HEIGHT];
	struct stream stream;
	struct output output;
	struct host host;

	host_init(&host);
	ck_assert_str_eq(host.decoder_desc->id, "ic_cuda_decoder");
	stream_init(&stream, &host, object.data, object.nbytes, true);
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, out);
	ck_assert_int_eq(host_can_decode(&host, &output, &stream, true), STATUS(SUCCESS));
	ck_assert_int_eq(host_decode(&host, &output, &stream, true), STATUS(SUCCESS));
	ck_assert(memcmp(out, rgb, sizeof out) == 0);
	ck_assert_ptr_eq(counts->stream, (void *)0x5eed);

	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_P_RGB, 3, WIDTH, HEIGHT, out);
	ck_assert_int_eq(host_decode(&host, &output, &stream, true), STATUS(SUCCESS));
	for (size_t i = 0; i < sizeof out; i++)
		ck_assert_uint_eq(out[i % 3 * WIDTH * HEIGHT + i / 3], rgb[i]);

	stream_select(&stream, 5, 7, 20, 11, (const uint8_t[3]){0});
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, 20, 11, out);
	ck_assert_int_eq(host_decode(&host, &output, &stream, true), STATUS(SUCCESS));
	for (size_t y = 0; y < 11; y++)
		ck_assert(memcmp(out + 60 * y, rgb + 3 * ((7 + y) * WIDTH + 5), 60) == 0);
	host_clear(&host);
	free(rgb);
	free(object.data);
}
END_TEST

START_TEST(what_the_kernels_do_not_write_is_left_to_the_cpu)
{
	struct bytes object = object_new(WIDTH, 6);
	uint8_t out[3 * 2 * WIDTH * HEIGHT];
	struct stream stream;
	struct output output;
	struct host host;

	host_init(&host);
	stream_init(&stream, &host, object.data, object.nbytes, true);
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, HEIGHT, WIDTH, out);
	ck_assert_uint_eq(host_can_decode(&host, &output, &stream, true), STATUS(ORIENTATION_UNSUPPORTED));
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_BGR, 3, WIDTH, HEIGHT, out);
	ck_assert_uint_eq(host_can_decode(&host, &output, &stream, false), STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_P_Y, 1, WIDTH, HEIGHT, out);
	ck_assert_uint_eq(host_can_decode(&host, &output, &stream, false), STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, out);
	output.info.plane_info[0].row_stride += 4;
	ck_assert_uint_eq(host_can_decode(&host, &output, &stream, false), STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	ck_assert_uint_eq(host_decode(&host, &output, &stream, false), STATUS(SAMPLE_FORMAT_UNSUPPORTED));
	stream_select(&stream, -1, 0, 20, 11, (const uint8_t[3]){0});
	device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, 20, 11, out);
	ck_assert_uint_eq(host_can_decode(&host, &output, &stream, false), STATUS(ROI_UNSUPPORTED));
	ck_assert_int_eq(counts->ndecoded, 0);
	host_clear(&host);
	free(object.data);
}
END_TEST

START_TEST(a_failure_of_the_device_is_told_and_costs_one_image)
{
	struct bytes object = object_new(WIDTH, 1);
	uint8_t out[3 * WIDTH * HEIGHT];
	struct stream stream;
	struct output output;
	struct host host;

	host_init(&host);
	for (int fails = 1; fails >= 0; fails--) {
		stream_init(&stream, &host, object.data, object.nbytes, true);
		device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, out);
		counts->fails = fails;
		ck_assert_int_eq(host_decode(&host, &output, &stream, true), fails ? STATUS(FAIL) : STATUS(SUCCESS));
		ck_assert_int_eq(counts->nbatches, !fails);
	}
	ck_assert_str_eq(host.message, "ic_cuda_decoder: cudaLaunchKernel: unspecified launch failure");
	output_init(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, WIDTH, HEIGHT, 0, out);
	ck_assert_int_eq(host_decode(&host, &output, &stream, true), STATUS(FAIL)); /* memory of the CPU */
	host_clear(&host);
	free(object.data);
}
END_TEST

START_TEST(plans_are_kept_and_their_number_is_bounded)
{
	uint8_t *out = malloc((size_t)3 * (WIDTH + NSIZES) * HEIGHT);
	struct host host;

	ck_assert_ptr_nonnull(out);
	host_init(&host);
	for (unsigned round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < NSIZES; i++) {
			uint32_t width = WIDTH + (round < 2 ? i % 8 : i); /* few sizes, again and again; then many */
			struct bytes object = object_new(width, 1);
			uint8_t *rgb = rgb_new(object);
			struct stream stream;
			struct output output;

			stream_init(&stream, &host, object.data, object.nbytes, false);
			device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, width, HEIGHT, out);
			ck_assert_int_eq(host_decode(&host, &output, &stream, true), STATUS(SUCCESS));
			ck_assert(memcmp(out, rgb, (size_t)3 * width * HEIGHT) == 0);
			free(rgb);
			free(object.data);
		}
		ck_assert_int_eq(counts->nplans_ever, round < 2 ? 8 : NSIZES);
	}
	ck_assert_int_eq(counts->nplans, 64);
	host_clear(&host);
	free(out);
}
END_TEST

#define LARGE 5000u /* pixels, each way: some 10 MB */
#define NLARGE 20u

/* Small regions of a large image, each of another size, so that each takes a plan. Returns how many were decoded. */
static unsigned decode_regions(struct host *host, struct bytes object)
{
	uint8_t out[3 * (8 + NLARGE) * 8];
	unsigned ngood = 0;

	for (uint32_t i = 0; i < NLARGE; i++) {
		struct stream stream;
		struct output output;

		stream_init(&stream, host, object.data, object.nbytes, true);
		stream_select(&stream, 0, 0, (int)(8 + i), 8, (const uint8_t[3]){0});
		device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, 8 + i, 8, out);
		ngood += host_decode(host, &output, &stream, false) == STATUS(SUCCESS);
	}
	return ngood;
}

static struct bytes large_object_new(void)
{
	struct ic_design design = design_of("s1x1-b8-k9-q8");
	struct dice dice = dice_new(1);

	return wild_object(&dice, &design, LARGE, LARGE, 3);
}

/* 64 plans, however large their objects, were more than some devices have. */
START_TEST(what_is_kept_is_bounded_in_bytes)
{
	struct bytes object = large_object_new();
	struct host host;

	host_init(&host);
	ck_assert_uint_eq(decode_regions(&host, object), NLARGE);
	ck_assert_int_ge(counts->nbytes, 100l << 20);
	ck_assert_int_le(counts->nbytes, 128l << 20);
	host_clear(&host);
	free(object.data);
}
END_TEST

/* It failed where memory was short, and kept what nobody used. */
START_TEST(what_is_kept_gives_way_to_what_is_needed)
{
	struct bytes object = large_object_new();
	struct host host;

	host_init(&host);
	counts->nbytes_max = 3 * (long)object.nbytes;
	ck_assert_uint_eq(decode_regions(&host, object), NLARGE);
	ck_assert_int_gt(counts->nbatches, 0);
	ck_assert_int_le(counts->nbatches, 3);
	counts->nbytes_max = (long)object.nbytes - 1;
	ck_assert_uint_eq(decode_regions(&host, object), 0);
	host_clear(&host);
	free(object.data);
}
END_TEST

START_TEST(there_must_be_such_a_device)
{
	const nvimgcodecExecutionParams_t params = {.device_id = 7}, none = {.device_id = NVIMGCODEC_DEVICE_CPU_ONLY};
	nvimgcodecDecoder_t decoder = NULL;
	struct host host;

	host_init(&host);
	ck_assert_int_ne(host.decoder_desc->create(host.decoder_desc->instance, &decoder, &params, ""), 0);
	ck_assert_str_eq(host.message, "ic_cuda_decoder: there is no GPU 7");
	ck_assert_int_ne(host.decoder_desc->create(host.decoder_desc->instance, &decoder, &none, ""), 0);
	ck_assert_ptr_null(decoder);
	host_clear(&host);
}
END_TEST

struct job {
	struct host *host;
	struct bytes objects[3];
	uint8_t *rgb[3];
	unsigned ngood;
};

static void *decode_all(void *context)
{
	struct job *job = context;
	uint8_t *out = malloc((size_t)3 * (WIDTH + 3) * HEIGHT);

	for (unsigned round = 0; out && round < NROUNDS; round++) {
		uint32_t width = WIDTH + round % 3;
		struct stream stream;
		struct output output;

		stream_init(&stream, job->host, job->objects[round % 3].data, job->objects[round % 3].nbytes,
		            round % 2);
		device_output(&output, NVIMGCODEC_SAMPLEFORMAT_I_RGB, 3, width, HEIGHT, out);
		if (host_decode(job->host, &output, &stream, true) == STATUS(SUCCESS))
			job->ngood += memcmp(out, job->rgb[round % 3], (size_t)3 * width * HEIGHT) == 0;
	}
	free(out);
	return NULL;
}

START_TEST(threads_share_a_decoder)
{
	pthread_t threads[NTHREADS];
	struct job jobs[NTHREADS];
	struct job first = {.ngood = 0};
	struct host host;

	host_init(&host);
	first.host = &host;
	for (uint32_t i = 0; i < 3; i++) {
		first.objects[i] = object_new(WIDTH + i, 1);
		first.rgb[i] = rgb_new(first.objects[i]);
	}
	for (unsigned i = 0; i < NTHREADS; i++) {
		jobs[i] = first;
		ck_assert_int_eq(pthread_create(&threads[i], NULL, decode_all, &jobs[i]), 0);
	}
	for (unsigned i = 0; i < NTHREADS; i++) {
		ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
		ck_assert_uint_eq(jobs[i].ngood, NROUNDS);
	}
	ck_assert_int_le(counts->nplans_ever, 3 * NTHREADS);
	host_clear(&host);
	for (uint32_t i = 0; i < 3; i++) {
		free(first.rgb[i]);
		free(first.objects[i].data);
	}
}
END_TEST

static void add(TCase *cases)
{
	tcase_add_test(cases, pixels_are_put_into_the_stream_of_the_image);
	tcase_add_test(cases, what_the_kernels_do_not_write_is_left_to_the_cpu);
	tcase_add_test(cases, a_failure_of_the_device_is_told_and_costs_one_image);
	tcase_add_test(cases, plans_are_kept_and_their_number_is_bounded);
	tcase_add_test(cases, what_is_kept_is_bounded_in_bytes);
	tcase_add_test(cases, what_is_kept_gives_way_to_what_is_needed);
	tcase_add_test(cases, there_must_be_such_a_device);
	tcase_add_test(cases, threads_share_a_decoder);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return EXIT_FAILURE;
	module_path = argv[1];
	return suite_run("nvimgcodec-gpu", add);
}
