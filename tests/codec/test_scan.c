/* SPDX-License-Identifier: MIT */
/* The scan decoder against libjpeg: what it takes, libjpeg reads alike; what is common, it takes. So are the rows that it
 * gives before it finds damage. */
#include "codec/jpeg_scan_priv.h"

#include "attempt.h"
#include "codec_helpers.h"
#include "jpegread.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

/* Coefficients of all components, row after row of blocks. */
struct coefficients {
	int16_t *values;
	size_t n;
};

struct read {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf on_error;
};

static void give_up(j_common_ptr jpeg)
{
	longjmp(((struct read *)jpeg->client_data)->on_error, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void begin(struct read *r, struct bytes jpeg)
{
	r->jpeg.err = jpeg_std_error(&r->errors);
	r->errors.error_exit = give_up;
	r->errors.output_message = say_nothing;
	r->jpeg.client_data = r;
	jpeg_create_decompress(&r->jpeg);
	jpeg_mem_src(&r->jpeg, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&r->jpeg, TRUE);
	r->errors.num_warnings = 0; /* what is wrong with the header alone is of no account */
}

static struct coefficients coefficients_new(const struct jpeg_decompress_struct *jpeg)
{
	struct coefficients c = {NULL, 0};

	for (int i = 0; i < jpeg->num_components; i++)
		c.n += (size_t)64 * jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
	c.values = malloc(c.n * sizeof(*c.values) + 1);
	ck_assert_ptr_nonnull(c.values);
	return c;
}

/* Where row `row` of a component's blocks goes. */
static int16_t *row_of(const struct coefficients *c, const struct jpeg_decompress_struct *jpeg, int component,
                       uint32_t row)
{
	size_t blocks = (size_t)row * jpeg->comp_info[component].width_in_blocks;

	for (int i = 0; i < component; i++)
		blocks += (size_t)jpeg->comp_info[i].width_in_blocks * jpeg->comp_info[i].height_in_blocks;
	return c->values + 64 * blocks;
}

static void copy_mcu_row(const struct jpeg_scan *scan, const struct jpeg_decompress_struct *jpeg, uint32_t mcu_row,
                         struct coefficients *c)
{
	for (int i = 0; i < jpeg->num_components; i++) {
		const jpeg_component_info *info = &jpeg->comp_info[i];
		uint32_t nrows = jpeg->num_components == 1 ? 1 : (uint32_t)info->v_samp_factor;

		for (uint32_t y = 0; y < nrows && mcu_row * nrows + y < info->height_in_blocks; y++)
			memcpy(row_of(c, jpeg, i, mcu_row * nrows + y), jpeg_scan_blocks(scan, (unsigned)i, y),
			       128 * (size_t)info->width_in_blocks);
	}
}

/* False where the scan decoder takes the data for damaged; *nrows is how many rows of MCUs it gave. */
static bool read_scan(struct jpeg_scan *scan, const struct jpeg_decompress_struct *jpeg, struct coefficients *c,
                      uint32_t *nrows)
{
	uint32_t nrows_all = jpeg_mcus(jpeg->image_height, jpeg->max_v_samp_factor, jpeg->num_components);

	for (*nrows = 0; *nrows < nrows_all; ++*nrows) {
		if (!jpeg_scan_next(scan))
			return false;
		copy_mcu_row(scan, jpeg, *nrows, c);
	}
	return jpeg_scan_ends_well(scan);
}

static void check_against_libjpeg(struct jpeg_decompress_struct *jpeg, const struct coefficients *c, uint32_t nrows)
{
	jvirt_barray_ptr *arrays = jpeg_read_coefficients(jpeg);

	for (int i = 0; i < jpeg->num_components; i++) {
		const jpeg_component_info *info = &jpeg->comp_info[i];
		uint32_t nblocks = nrows * (jpeg->num_components == 1 ? 1 : (uint32_t)info->v_samp_factor);

		for (uint32_t row = 0; row < nblocks && row < info->height_in_blocks; row++) {
			JBLOCKARRAY blocks =
			        jpeg->mem->access_virt_barray((j_common_ptr)jpeg, arrays[i], row, 1, FALSE);

			if (memcmp(blocks[0], row_of(c, jpeg, i, row), 128 * (size_t)info->width_in_blocks) != 0)
				ck_abort_msg("component %d, row %u", i, row);
		}
	}
}

/* Whether the scan decoder takes the JPEG; then libjpeg must find nothing wrong with it, and the same coefficients. Where it
 * does not, the same in the rows that came before. */
static bool is_taken(struct bytes jpeg)
{
	static struct read r;
	static struct jpeg_scan *scan;
	static struct coefficients c;
	static volatile bool taken;
	static uint32_t nrows;

	scan = NULL;
	c = (struct coefficients){NULL, 0};
	taken = false;
	if (setjmp(r.on_error) == 0) {
		begin(&r, jpeg);
		if ((size_t)r.jpeg.image_width * r.jpeg.image_height < 1 << 24)
			scan = jpeg_scan_new(&r.jpeg);
		if (scan) {
			c = coefficients_new(&r.jpeg);
			taken = read_scan(scan, &r.jpeg, &c, &nrows);
			check_against_libjpeg(&r.jpeg, &c, nrows);
		}
		ck_assert(!taken || r.errors.num_warnings == 0);
	} else {
		ck_assert_msg(!taken, "libjpeg refuses what the scan decoder took");
	}
	jpeg_scan_free(scan);
	jpeg_destroy_decompress(&r.jpeg);
	free(c.values);
	return taken;
}

static const struct jpeg_spec common[] = {
        {.quality = 75},
        {.quality = 100},
        {.quality = 1},
        {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}},
        {.quality = 90, .h = {2, 1, 1}, .v = {1, 1, 1}},
        {.quality = 90, .h = {1, 1, 1}, .v = {2, 1, 1}},
        {.quality = 90, .h = {4, 1, 1}, .v = {1, 1, 1}},
        {.quality = 90, .h = {2, 2, 1}, .v = {2, 1, 2}},
        {.quality = 85, .space = JCS_GRAYSCALE},
        {.quality = 85, .space = JCS_GRAYSCALE, .h = {2}, .v = {2}},
        {.quality = 85, .space = JCS_CMYK},
        {.quality = 85, .space = JCS_RGB},
        {.quality = 75, .restart = 1},
        {.quality = 95, .restart = 7, .h = {1, 1, 1}, .v = {1, 1, 1}},
        {.quality = 75, .restart = 3, .space = JCS_GRAYSCALE},
        {.wide_tables = true},
};

START_TEST(common_kinds_are_taken)
{
	static const uint32_t sizes[][2] = {{1, 1}, {8, 8}, {17, 31}, {157, 99}, {300, 40}};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct bytes jpeg = jpeg_new(sizes[i][0], sizes[i][1], (uint32_t)i, &common[_i]);

		ck_assert_msg(is_taken(jpeg), "kind %d, %u x %u", _i, sizes[i][0], sizes[i][1]);
		free(jpeg.data);
	}
}
END_TEST

START_TEST(photographs_are_taken)
{
	const struct jpeg_spec spec = {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct bytes jpeg = photograph("imagenet-1k-sample", (unsigned)_i, 400, 300, &spec);

	ck_assert(is_taken(jpeg));
	free(jpeg.data);
}
END_TEST

START_TEST(other_kinds_are_left_to_libjpeg)
{
	static const struct jpeg_spec others[] = {{.progressive = true}, {.arithmetic = true}};

	for (size_t i = 0; i < COUNT(others); i++) {
		struct bytes jpeg = jpeg_new(50, 40, 1, &others[i]);

		ck_assert(!is_taken(jpeg));
		free(jpeg.data);
	}
}
END_TEST

/* Anything between the data and the end marker, and every cut, is libjpeg's to judge. */
START_TEST(an_end_that_is_not_the_end_is_left_to_libjpeg)
{
	const struct jpeg_spec spec = {.quality = 75};
	struct bytes jpeg = jpeg_new(40, 30, 5, &spec);
	uint8_t *grown = malloc(jpeg.nbytes + 1);
	size_t end = jpeg.nbytes - 2;

	ck_assert_ptr_nonnull(grown);
	memcpy(grown, jpeg.data, end);
	grown[end] = 0x55;
	memcpy(grown + end + 1, jpeg.data + end, 2);
	ck_assert(!is_taken((struct bytes){grown, jpeg.nbytes + 1}));
	for (size_t n = jpeg.nbytes - 1; n > jpeg.nbytes / 2; n--)
		ck_assert(!is_taken((struct bytes){jpeg.data, n}));
	free(grown);
	free(jpeg.data);
}
END_TEST

/* Where the shortest codes stand for blocks without coefficients, zeros behind the data would make rows of them. */
START_TEST(no_row_comes_from_behind_the_data)
{
	const struct jpeg_spec spec = {.quality = 1, .space = JCS_GRAYSCALE};
	struct bytes jpeg = jpeg_new(16, 400, 3, &spec), optimized = jpegread_optimized(jpeg);

	ck_assert(is_taken(optimized));
	for (size_t n = optimized.nbytes - 1; n > optimized.nbytes / 2; n--)
		ck_assert(!is_taken((struct bytes){optimized.data, n}));
	free(optimized.data);
	free(jpeg.data);
}
END_TEST

/* libjpeg's table for DC ends with a code of eight ones and a zero; another one of that length would be all ones. */
START_TEST(a_code_of_all_ones_is_left_to_libjpeg)
{
	const struct jpeg_spec spec = {.quality = 75};
	struct bytes jpeg = jpeg_new(40, 30, 5, &spec), grown = {malloc(jpeg.nbytes + 1), jpeg.nbytes + 1};
	size_t payload_nbytes;
	size_t table = (size_t)(jpegread_segment(jpeg, 0xc4, "", &payload_nbytes) - jpeg.data);
	size_t end = table + payload_nbytes;

	ck_assert_ptr_nonnull(grown.data);
	ck_assert(jpeg.data[table] == 0 && jpeg.data[table + 9] == 1 && payload_nbytes == 17 + 12);
	memcpy(grown.data, jpeg.data, end);
	memcpy(grown.data + end + 1, jpeg.data + end, jpeg.nbytes - end);
	grown.data[table - 1]++;
	grown.data[table + 9]++;
	grown.data[end] = 12;
	ck_assert(!is_taken(grown));
	free(grown.data);
	free(jpeg.data);
}
END_TEST

START_TEST(damage_is_seen_or_harmless)
{
	struct bytes jpeg = jpeg_new(90, 70, (uint32_t)_i, &common[_i]);
	const struct sample sample = {jpeg.data, jpeg.nbytes};
	struct dice dice = dice_new((uint64_t)_i);
	unsigned nrefused = 0;

	for (unsigned i = 0; i < 400; i++) {
		struct bytes mutant;

		mutant.data = mutant_new(&dice, &sample, 1, &mutant.nbytes);
		nrefused += !is_taken(mutant);
		free(mutant.data);
	}
	ck_assert_uint_gt(nrefused, 100);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, common_kinds_are_taken, 0, COUNT(common));
	tcase_add_loop_test(tests, photographs_are_taken, 0, 10);
	tcase_add_test(tests, other_kinds_are_left_to_libjpeg);
	tcase_add_test(tests, an_end_that_is_not_the_end_is_left_to_libjpeg);
	tcase_add_test(tests, no_row_comes_from_behind_the_data);
	tcase_add_test(tests, a_code_of_all_ones_is_left_to_libjpeg);
	tcase_add_loop_test(tests, damage_is_seen_or_harmless, 0, COUNT(common));
}

int main(void)
{
	return suite_run("scan", add_tests);
}
