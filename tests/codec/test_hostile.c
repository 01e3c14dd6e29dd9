/* SPDX-License-Identifier: MIT */
/* Damaged and hostile input, and memory that runs out. The linker turns malloc and its like into the functions here. */
#include "codec/compress.h"
#include "codec/decode.h"
#include "codec/make.h"
#include "codec/present.h"
#include "codec/similarity.h"
#include "codec/tensor_priv.h"

#include "attempt.h"
#include "codec_helpers.h"
#include "decode_all.h"
#include "heap.h"
#include "hostile_samples.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NMUTANTS 4000
#define NROUNDS 4
#define PAGE_SIZE 4096 /* to which malloc may round up */
#define SECONDS_MAX 5  /* of processor time for one file, under the slowest sanitizer */

/* --- Damage ------------------------------------------------------------------------------------------------------- */

typedef const char *(*attempt_fn)(const uint8_t *bytes, size_t nbytes);

static double seconds_used(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void check_attempt(attempt_fn attempt, const uint8_t *bytes, size_t nbytes, unsigned n)
{
	double start = seconds_used();
	const char *problem = attempt(bytes, nbytes);

	if (problem)
		ck_abort_msg("number %u, %zu bytes: %s", n, nbytes, problem);
	if (seconds_used() - start > SECONDS_MAX)
		ck_abort_msg("number %u, %zu bytes, took %f s", n, nbytes, seconds_used() - start);
}

static void check_mutants(attempt_fn attempt, const struct samples *samples, uint64_t seed)
{
	struct dice dice = dice_new(seed);

	for (unsigned i = 0; i < NSAMPLES; i++)
		check_attempt(attempt, samples->list[i].bytes, samples->list[i].nbytes, i);
	for (unsigned i = 0; i < NMUTANTS / NROUNDS; i++) {
		size_t nbytes;
		uint8_t *mutant = mutant_new(&dice, samples->list, NSAMPLES, &nbytes);

		check_attempt(attempt, mutant, nbytes, i);
		free(mutant);
	}
}

START_TEST(damaged_jpegs_fail_cleanly_or_are_encoded)
{
	struct samples samples = jpeg_samples();

	check_mutants(attempt_encode, &samples, (uint64_t)_i);
	samples_clear(&samples);
}
END_TEST

START_TEST(damaged_objects_fail_cleanly_or_decode)
{
	struct samples samples = object_samples();

	check_mutants(attempt_view, &samples, (uint64_t)_i);
	samples_clear(&samples);
}
END_TEST

START_TEST(noise_behind_a_good_header_decodes)
{
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned i = 0; i < 100; i++) {
		struct bytes object = noisy_object(&dice, i);

		view_of(object);
		check_attempt(attempt_view, object.data, object.nbytes, i);
		free(object.data);
	}
}
END_TEST

/* --- Memory that runs out ------------------------------------------------------------------------------------------ */

#define UNTOUCHED 77

/* What is tried. Check allocates too, so nothing is asserted while allocations are counted. */
struct task {
	const char *name;
	/* May set *made, which has no data and UNTOUCHED bytes; for the caller to free. */
	errint_t (*run)(const struct task *task, struct bytes *made, struct ic_why *why);
	struct bytes jpeg;
	struct ic_view view;
	struct ic_design design;
	enum ic_face face;
	bool manages; /* may succeed although an allocation failed */
};

static errint_t run_encode(const struct task *task, struct bytes *made, struct ic_why *why)
{
	return ic_encode_jpeg(task->jpeg.data, task->jpeg.nbytes, &task->design, NULL, &made->data, &made->nbytes, why);
}

static errint_t run_keep(const struct task *task, struct bytes *made, struct ic_why *why)
{
	struct ic_coefs *coefs;
	errint_t err = ic_coefs_new(task->jpeg.data, task->jpeg.nbytes, NULL, &coefs, why);

	if (err)
		return err;
	err = ic_encode_coefs(coefs, &task->design, NULL, &made->data, &made->nbytes, why);
	ic_coefs_free(coefs);
	return err;
}

static errint_t run_derive(const struct task *task, struct bytes *made, struct ic_why *why)
{
	return ic_derive(&task->view, &task->design, &made->data, &made->nbytes, why);
}

static errint_t run_probe(const struct task *task, struct bytes *made, struct ic_why *why)
{
	struct ic_jpeg_info info = {.width = UNTOUCHED};
	errint_t err = ic_jpeg_probe(task->jpeg.data, task->jpeg.nbytes, true, NULL, &info, why);

	made->nbytes = info.width;
	return err;
}

/* The decoders have nowhere to say why. */
static errint_t run_component(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static uint8_t out[64 * 64];

	snprintf(why->text, sizeof(why->text), "out of memory");
	return ic_decode_component(&task->view, 0, out, 64);
}

static errint_t run_rgb(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static uint8_t out[3 * 64 * 64];

	snprintf(why->text, sizeof(why->text), "out of memory");
	return ic_decode_rgb(&task->view, out, 3 * 64);
}

static errint_t run_coefficients(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static int16_t out[64 * 64];

	snprintf(why->text, sizeof(why->text), "out of memory");
	return ic_decode_coefficients(&task->view, 0, out);
}

static errint_t run_pixels(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static const struct ic_tensor_spec spec = {.type = IC_UINT8};
	static uint8_t out[3 * 64 * 64];

	return ic_tensor_decode(&task->view, &spec, NULL, out, NULL, why);
}

static errint_t run_resize(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static const struct ic_tensor_spec spec = {.fit = IC_FIT_RESIZE, .width = 50, .height = 64, .short_side = 70};
	static uint8_t out[3 * 64 * 64];

	return ic_tensor_decode(&task->view, &spec, NULL, out, NULL, why);
}

static errint_t run_present_jpeg(const struct task *task, struct bytes *made, struct ic_why *why)
{
	return ic_present_jpeg(&task->view, NULL, 0, &made->data, &made->nbytes, why);
}

static errint_t run_present_bmp(const struct task *task, struct bytes *made, struct ic_why *why)
{
	return ic_present_bmp(&task->view, &made->data, &made->nbytes, why);
}

static errint_t run_markers(const struct task *task, struct bytes *made, struct ic_why *why)
{
	const struct ic_jpeg_info info = {.color = IC_JPEG_YCBCR};

	return ic_jpeg_markers(task->jpeg.data, task->jpeg.nbytes, &info, &made->data, &made->nbytes, why);
}

static errint_t run_make(const struct task *task, struct bytes *made, struct ic_why *why)
{
	const struct ic_variant variant = {task->design, task->face, task->face == IC_FACE_JPEG};

	return ic_make(task->jpeg.data, task->jpeg.nbytes, &variant, NULL, &made->data, &made->nbytes, why);
}

static errint_t run_make_from_object(const struct task *task, struct bytes *made, struct ic_why *why)
{
	const struct ic_variant variant = {task->design, task->face, false};

	return ic_make_from_object(&task->view, &variant, &made->data, &made->nbytes, why);
}

static const uint8_t gray[90 * 90];

static errint_t run_compress(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static const struct ic_pixels pixels = {gray, 90, 90, 1};

	return ic_compress_jpeg(&pixels, 90, &made->data, &made->nbytes, why);
}

static errint_t run_compress_within(const struct task *task, struct bytes *made, struct ic_why *why)
{
	static const struct ic_pixels pixels = {gray, 30, 90, 3};
	int quality;

	return ic_compress_jpeg_within(&pixels, 100000, &quality, &made->data, &made->nbytes, why);
}

static errint_t run_ssim(const struct task *task, struct bytes *made, struct ic_why *why)
{
	double ssim;

	snprintf(why->text, sizeof(why->text), "out of memory");
	return ic_ssim_rgb(gray, gray, 30, 90, &ssim);
}

/* Run the task while some allocations fail. Returns whether there were any. */
static bool run_starved(const struct task *task, unsigned long from, unsigned long to, bool may_manage)
{
	struct ic_why why = {""};
	struct bytes made = {NULL, UNTOUCHED};
	errint_t err;
	bool has_made;

	heap_watch(from, to);
	err = task->run(task, &made, &why);
	has_made = made.data != NULL;
	free(made.data);
	heap.watched = false;
	ck_assert_msg(heap.live == 0, "%s: %ld allocations were left when number %lu failed", task->name, heap.live,
	              from);
	if (heap.count < from || (err == 0 && may_manage)) {
		ck_assert_msg(err == 0, "%s: %d, %s", task->name, err, why.text);
		return heap.count >= from;
	}
	ck_assert_msg(err == -ENOMEM, "%s: %d, %s, when allocation %lu failed", task->name, err, why.text, from);
	ck_assert_msg(why.text[0] != '\0', "%s does not say why it failed at %lu", task->name, from);
	ck_assert_msg(!has_made && made.nbytes == UNTOUCHED, "%s failed and gave something", task->name);
	return true;
}

/* Let each allocation fail, alone (libjpeg tries again with less) and with all later ones, until there is none left to
 * fail. Returns how many there were. */
static unsigned long starve(const struct task *task)
{
	unsigned long n = 1;

	while (run_starved(task, n, ULONG_MAX, task->manages)) {
		run_starved(task, n, n, true);
		n++;
	}
	return n - 1;
}

START_TEST(encoding_survives_want_of_memory)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s2x1-b16-k9-q3-c1", "s1x1-b8-k15-q8-c1-fbox"};

	for (unsigned i = 0; i < NSAMPLES * COUNT(designs); i++) {
		struct task task = {.name = "encoding", .run = run_encode};

		task.jpeg = jpeg_new(61, 45, 3, &sample_kinds[i / COUNT(designs)]);
		task.design = design_of(designs[i % COUNT(designs)]);
		/* The reader, the object, the planes of a component; more where libjpeg's own are counted. */
		ck_assert_uint_ge(starve(&task), 3);
		task.name = "keeping coefficients"; /* them and their bytes, twice, too, and a row of blocks */
		task.run = run_keep;
		ck_assert_uint_ge(starve(&task), 7);
		task.name = "probing";
		task.run = run_probe;
		ck_assert_uint_ge(starve(&task), 1);
		free(task.jpeg.data);
	}
}
END_TEST

START_TEST(deriving_and_decoding_survive_want_of_memory)
{
	const struct ic_design dense = design_of("s1x1-b8-k15-q8");
	struct bytes jpeg = jpeg_new(61, 45, 3, &sample_kinds[0]), object = encode(jpeg, &dense);
	struct task task = {.view = view_of(object), .design = design_of("s1x1-b8-k4-q3")};

	task.name = "deriving";
	task.run = run_derive;
	ck_assert_uint_eq(starve(&task), 1);
	task.name = "decoding a component";
	task.run = run_component;
	ck_assert_uint_ge(starve(&task), 1);
	task.name = "decoding to RGB";
	task.run = run_rgb;
	ck_assert_uint_ge(starve(&task), 2);
	task.name = "decoding coefficients"; /* which may need none */
	task.run = run_coefficients;
	starve(&task);
	task.name = "decoding pixels"; /* a row of them, and of each component */
	task.run = run_pixels;
	ck_assert_uint_ge(starve(&task), 4);
	task.name = "resizing"; /* that, four for each axis, and the bands */
	task.run = run_resize;
	ck_assert_uint_ge(starve(&task), 4 + 2 * 4 + 1);
	free(object.data);
	free(jpeg.data);
}
END_TEST

START_TEST(making_survives_want_of_memory)
{
	static const enum ic_face faces[] = {IC_FACE_IC, IC_FACE_JPEG, IC_FACE_BMP, IC_FACE_ORIG};
	const struct ic_design dense = design_of("s1x1-b8-k15-q8");
	struct bytes jpeg = jpeg_new(61, 45, 3, &sample_kinds[0]), object = encode(jpeg, &dense);
	struct task task = {.jpeg = jpeg, .view = view_of(object), .design = design_of("s1x1-b8-k4-q3")};

	for (unsigned i = 0; i < COUNT(faces); i++) {
		task.face = faces[i];
		task.name = ic_face_name(faces[i]);
		task.manages = faces[i] == IC_FACE_JPEG; /* libjpeg writes with less */
		task.run = run_make;
		ck_assert_uint_ge(starve(&task), 1);
		task.run = run_make_from_object;
		if (faces[i] != IC_FACE_ORIG)
			ck_assert_uint_ge(starve(&task), 1);
	}
	free(object.data);
	free(jpeg.data);
}
END_TEST

START_TEST(presenting_survives_want_of_memory)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s1x1-b8-k4-q3-c1", "s1x1-b16-k9-q8",
	                                      "s1x1-b2-k3-q8-c1"};

	for (unsigned i = 0; i < 2 * COUNT(designs); i++) {
		const struct ic_design d = design_of(designs[i / 2]);
		const struct jpeg_spec spec = {.space = i % 2 ? JCS_GRAYSCALE : JCS_YCbCr, .orientation = 3};
		struct bytes jpeg = jpeg_new(61, 45, 3, &spec), object = encode(jpeg, &d);
		struct task task = {.view = view_of(object), .jpeg = jpeg};

		task.name = "a JPEG"; /* which needs no memory to give back what was too much */
		task.run = run_present_jpeg;
		task.manages = true;
		ck_assert_uint_ge(starve(&task), 4);
		task.name = "a BMP";
		task.run = run_present_bmp;
		task.manages = false;
		ck_assert_uint_ge(starve(&task), 3);
		task.name = "markers";
		task.run = run_markers;
		ck_assert_uint_eq(starve(&task), 1);
		free(object.data);
		free(jpeg.data);
	}
}
END_TEST

START_TEST(compressing_survives_want_of_memory)
{
	struct task task = {.name = "compressing", .run = run_compress, .manages = true};

	ck_assert_uint_ge(starve(&task), 2); /* the compressor and the bytes; more where libjpeg's own are counted */
	task.run = run_compress_within;
	ck_assert_uint_ge(starve(&task), 2);
	task.name = "SSIM";
	task.run = run_ssim;
	task.manages = false;
	ck_assert_uint_eq(starve(&task), 2);
}
END_TEST

/* What ic_encode_memory says is never less than what is taken. */
START_TEST(encoding_takes_no_more_memory_than_estimated)
{
	struct dice dice = dice_new(9);

	for (unsigned i = 0; i < 300; i++) {
		struct ic_design d = design_random(&dice);
		struct bytes jpeg =
		        jpeg_new(1 + dice_roll(&dice, 300), 1 + dice_roll(&dice, 200), i, &sample_kinds[i % NSAMPLES]);
		struct ic_jpeg_info info;
		struct bytes object;

		ck_assert_int_eq(ic_jpeg_probe(jpeg.data, jpeg.nbytes, true, NULL, &info, NULL), 0);
		heap_watch(0, 0);
		object = encode(jpeg, &d);
		heap.watched = false;
		if (heap.peak > ic_encode_memory(&info, &d))
			ck_abort_msg("%s of %u x %u pixels took %zu bytes, not %llu", design_name(&d).text, info.width,
			             info.height, heap.peak, (unsigned long long)ic_encode_memory(&info, &d));
		free(object.data);
		free(jpeg.data);
	}
}
END_TEST

static void check_making(struct bytes source, const struct ic_variant *variant)
{
	struct bytes made = {0};
	uint64_t estimated = 0;

	ck_assert_int_eq(ic_make_memory(source.data, source.nbytes, variant, NULL, &estimated, NULL), 0);
	heap_watch(0, 0);
	errint_t err = ic_make(source.data, source.nbytes, variant, NULL, &made.data, &made.nbytes, NULL);
	heap.watched = false;
	ck_assert_int_eq(err, 0);
	if (heap.peak > estimated + PAGE_SIZE)
		ck_abort_msg("%s as %s took %zu bytes, not %llu", design_name(&variant->design).text,
		             ic_face_name(variant->face), heap.peak, (unsigned long long)estimated);
	free(made.data);
}

static void fill_with_noise(struct bytes object, struct dice *dice)
{
	struct ic_view view = view_of(object);

	for (size_t at = view.layout.data_offset; at < object.nbytes; at++)
		object.data[at] = (uint8_t)dice_roll(dice, 256);
}

/* And what ic_make_memory says, of a JPEG and of an object of noise, under each face. */
START_TEST(making_takes_no_more_memory_than_estimated)
{
	static const enum ic_face faces[] = {IC_FACE_IC, IC_FACE_JPEG, IC_FACE_BMP};
	struct dice dice = dice_new(10);

	for (unsigned i = 0; i < 300; i++) {
		const struct ic_variant variant = {design_random(&dice), faces[i % 3], false};
		uint32_t width = 1 + dice_roll(&dice, 300), height = i % 5 ? 1 + dice_roll(&dice, 200) : 1;
		struct bytes jpeg = jpeg_new(width, height, i, &sample_kinds[i % NSAMPLES]);
		struct bytes object = encode(jpeg, &variant.design);

		fill_with_noise(object, &dice);
		check_making(i % 2 ? jpeg : object, &variant);
		free(object.data);
		free(jpeg.data);
	}
}
END_TEST

/* Where presenting takes more than encoding does. */
START_TEST(making_of_noise_takes_no_more_memory_than_estimated)
{
	const struct ic_variant variant = {design_of("s1x1-b8-k15-q8-c1"), IC_FACE_JPEG, false};
	const struct jpeg_spec spec = {.quality = 100, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct picture picture = picture_new(1200, 900, 1, 1);
	struct dice dice = dice_new(12);

	for (size_t i = 0; i < (size_t)3 * 1200 * 900; i++)
		picture.rgb[i] = (uint8_t)dice_roll(&dice, 256);
	struct bytes jpeg = jpeg_make(&picture, &spec), object = encode(jpeg, &variant.design);
	check_making(jpeg, &variant);
	fill_with_noise(object, &dice);
	check_making(object, &variant);
	free(object.data);
	free(jpeg.data);
	picture_clear(&picture);
}
END_TEST

/* Metadata that are kept are there twice. */
START_TEST(making_with_metadata_takes_no_more_memory_than_estimated)
{
	const struct ic_variant variant = {design_of("s1x1-b8-k15-q8"), IC_FACE_JPEG, true};
	struct bytes jpeg = jpeg_new(64, 64, 1, &sample_kinds[0]), many = with_segments(jpeg, 0xe1, 100, 60000);

	check_making(many, &variant);
	free(many.data);
	free(jpeg.data);
}
END_TEST

/* What tensor.h says of it. */
static uint64_t resizing_memory(const struct ic_layout *l, const struct ic_tensor_spec *spec)
{
	uint64_t w = l->width, h = l->height, wide = spec->width, high = spec->height;

	return tensor_memory(l) + 224 * (w + wide + 600) + 24 * h + 32 * high + 3 * (wide + 192) * (2 * h / high + 40);
}

START_TEST(resizing_takes_no_more_memory_than_documented)
{
	static uint8_t out[3 * 900 * 900];
	struct dice dice = dice_new(14);

	for (unsigned i = 0; i < 300; i++) {
		struct ic_tensor_spec spec = {.fit = IC_FIT_RESIZE};
		struct ic_design d = design_random(&dice);
		uint32_t sides[2] = {1 + dice_roll(&dice, i % 3 ? 300 : 4000), 1 + dice_roll(&dice, i % 3 ? 300 : 20)};
		struct bytes jpeg = jpeg_new(sides[i % 2], sides[1 - i % 2], i, &sample_kinds[i % NSAMPLES]);
		struct bytes object = encode(jpeg, &d);
		struct ic_view view = view_of(object);

		spec.width = 1 + dice_roll(&dice, i % 5 ? 300 : 900);
		spec.height = 1 + dice_roll(&dice, i % 7 ? 300 : 5);
		spec.short_side = i % 4 ? 0 : 900;
		heap_watch(0, 0);
		errint_t err = ic_tensor_decode(&view, &spec, NULL, out, NULL, NULL);
		heap.watched = false;
		ck_assert_int_eq(err, 0);
		if (heap.peak > resizing_memory(&view.layout, &spec) + PAGE_SIZE)
			ck_abort_msg("%s of %u x %u pixels to %u x %u took %zu bytes, not %llu", design_name(&d).text,
			             view.layout.width, view.layout.height, spec.width, spec.height, heap.peak,
			             (unsigned long long)resizing_memory(&view.layout, &spec));
		free(object.data);
		free(jpeg.data);
	}
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, damaged_jpegs_fail_cleanly_or_are_encoded, 0, NROUNDS);
	tcase_add_loop_test(cases, damaged_objects_fail_cleanly_or_decode, 0, NROUNDS);
	tcase_add_loop_test(cases, noise_behind_a_good_header_decodes, 0, 3);
	tcase_add_test(cases, encoding_survives_want_of_memory);
	tcase_add_test(cases, deriving_and_decoding_survive_want_of_memory);
	tcase_add_test(cases, making_survives_want_of_memory);
	tcase_add_test(cases, presenting_survives_want_of_memory);
	tcase_add_test(cases, compressing_survives_want_of_memory);
	tcase_add_test(cases, encoding_takes_no_more_memory_than_estimated);
	tcase_add_test(cases, making_takes_no_more_memory_than_estimated);
	tcase_add_test(cases, making_of_noise_takes_no_more_memory_than_estimated);
	tcase_add_test(cases, making_with_metadata_takes_no_more_memory_than_estimated);
	tcase_add_test(cases, resizing_takes_no_more_memory_than_documented);
}

int main(void)
{
	return suite_run("hostile", add_tests);
}
