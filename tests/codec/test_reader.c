/* SPDX-License-Identifier: MIT */
/* All rows that a reader gives, whichever decoder they came from, against libjpeg. */
#include "codec/jpeg_reader_priv.h"

#include "attempt.h"
#include "codec_helpers.h"
#include "jpegread.h"
#include "wildjpeg.h"

#include <stdlib.h>
#include <string.h>

#define NWILD 200
#define NDAMAGED 100

struct visit {
	struct jpegread expected;
	uint32_t nrows[4]; /* that came of each component */
};

static void check_row(void *context, const struct jpeg_row *row)
{
	struct visit *visit = context;
	const struct jpegread_component *expected = &visit->expected.component[row->component];

	ck_assert_uint_lt(row->component, visit->expected.ncomponents);
	ck_assert_uint_eq(row->row, visit->nrows[row->component]++);
	ck_assert_uint_lt(row->row, expected->block_rows);
	for (unsigned i = 0; i < 64; i++)
		ck_assert_uint_eq(row->steps[i], expected->steps[i] ? expected->steps[i] : 1);
	if (memcmp(row->blocks, expected->blocks + (size_t)row->row * expected->block_cols,
	           expected->block_cols * sizeof(*expected->blocks)) != 0)
		ck_abort_msg("component %u, row %u of %u", row->component, row->row, expected->block_rows);
}

static void check_whole(const struct visit *visit, const struct jpeg_reader *reader)
{
	for (unsigned c = 0; c < visit->expected.ncomponents; c++) {
		struct jpeg_plane plane = jpeg_reader_plane(reader, c);

		ck_assert_uint_eq(visit->nrows[c], visit->expected.component[c].block_rows);
		ck_assert_uint_eq(plane.block_rows, visit->expected.component[c].block_rows);
		ck_assert_uint_eq(plane.block_cols, visit->expected.component[c].block_cols);
	}
}

/* What a reader gives of a JPEG that libjpeg reads too. */
static errint_t check(struct bytes jpeg)
{
	const struct ic_limits limits = {.pixels = 1 << 20, .memory = 64 << 20, .scans = 20};
	struct visit visit = {.nrows = {0}};
	struct jpeg_reader *reader;
	struct ic_jpeg_info info;
	errint_t err = jpeg_reader_new(jpeg.data, jpeg.nbytes, true, &limits, &reader, &info, NULL);

	if (err)
		return err;
	if (jpegread_damaged(jpeg, &visit.expected)) {
		err = jpeg_reader_each_row(reader, check_row, &visit, NULL);
		if (!err)
			check_whole(&visit, reader);
	}
	jpeg_reader_free(reader);
	jpegread_clear(&visit.expected);
	return err;
}

START_TEST(wild_ones_are_read)
{
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned i = 0; i < NWILD; i++) {
		struct bytes jpeg = wildjpeg_new(&dice, WILDJPEG_BLOCKS);

		ck_assert_int_eq(check(jpeg), 0);
		free(jpeg.data);
	}
}
END_TEST

/* Where the scan decoder gives up in the midst, libjpeg's rows follow its own. */
START_TEST(damaged_ones_are_read_as_libjpeg_reads_them)
{
	static const struct jpeg_spec kinds[] = {
	        {.quality = 75},
	        {.quality = 90, .restart = 3},
	        {.quality = 90, .h = {2, 2, 1}, .v = {2, 1, 2}},
	        {.quality = 85, .space = JCS_GRAYSCALE, .h = {2}, .v = {2}},
	        {.quality = 85, .space = JCS_CMYK, .restart = 2},
	        {.progressive = true},
	};
	struct bytes jpeg = jpeg_new(90, 70, (uint32_t)_i, &kinds[_i % COUNT(kinds)]);
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned i = 0; i < NDAMAGED; i++) {
		struct bytes damaged = {malloc(jpeg.nbytes), jpeg.nbytes};
		size_t at = jpeg.nbytes - 1 - dice_roll(&dice, (uint32_t)(jpeg.nbytes / 2));

		ck_assert_ptr_nonnull(damaged.data);
		memcpy(damaged.data, jpeg.data, jpeg.nbytes);
		if (i % 2)
			damaged.nbytes = at;
		else
			damaged.data[at] ^= (uint8_t)(1 << dice_roll(&dice, 8));
		check(damaged);
		free(damaged.data);
	}
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, wild_ones_are_read, 0, 2);
	tcase_add_loop_test(tests, damaged_ones_are_read_as_libjpeg_reads_them, 0, 12);
}

int main(void)
{
	return suite_run("reader", add_tests);
}
