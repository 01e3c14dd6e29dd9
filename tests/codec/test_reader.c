/* SPDX-License-Identifier: MIT */
/* All rows that a reader gives, whichever decoder they came from, against libjpeg. */
#include "codec/format.h"
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

/* --- What says that it is damaged ------------------------------------------------------------------------------------- */

static void take_nothing(void *context, const struct jpeg_row *row)
{
	(void)context;
	(void)row;
}

static bool read_flags(struct bytes jpeg, unsigned *ret_flags)
{
	struct jpeg_reader *reader;
	struct ic_jpeg_info info;

	if (jpeg_reader_new(jpeg.data, jpeg.nbytes, true, NULL, &reader, &info, NULL))
		return false;
	bool is_read = !jpeg_reader_each_row(reader, take_nothing, NULL, NULL);
	*ret_flags = jpeg_reader_flags(reader);
	jpeg_reader_free(reader);
	return is_read;
}

static unsigned flags_of(struct bytes jpeg)
{
	unsigned flags = 77;

	ck_assert(read_flags(jpeg, &flags));
	return flags;
}

/* Set all steps, which are of 8 bits. */
static void set_steps(struct bytes jpeg, uint8_t step)
{
	for (size_t at = 2; jpeg.data[at + 1] != 0xda; at += 2 + (size_t)(jpeg.data[at + 2] << 8 | jpeg.data[at + 3])) {
		size_t end = at + 2 + (size_t)(jpeg.data[at + 2] << 8 | jpeg.data[at + 3]);
		for (size_t table = at + 4; jpeg.data[at + 1] == 0xdb && table < end; table += 65)
			memset(jpeg.data + table + 1, step, 64);
	}
}

static const struct jpeg_spec processes[] = {
        {.quality = 90},
        {.quality = 90, .restart = 3},
        {.quality = 90, .progressive = true},
        {.quality = 90, .arithmetic = true},
        {.quality = 90, .space = JCS_GRAYSCALE},
};

START_TEST(coefficients_that_no_picture_has_are_damage)
{
	struct bytes jpeg = jpeg_new(120, 80, 3, &processes[_i]);

	ck_assert_uint_eq(flags_of(jpeg), 0);
	set_steps(jpeg, 1);
	ck_assert_uint_eq(flags_of(jpeg), 0);
	set_steps(jpeg, 255);
	ck_assert_uint_eq(flags_of(jpeg), IC_FLAG_DAMAGED);
	free(jpeg.data);
}
END_TEST

/* One gray block, whose DC coefficient has this step and this value. */
static struct bytes gray_block(uint16_t step, int value)
{
	/* clang-format off */
	static const uint8_t head[] = {0xff, 0xd8, 0xff, 0xdb, 0, 67 + 64, 0x10};
	static const uint8_t middle[] = {
	        0xff, 0xc0, 0, 11, 8, 0, 8, 0, 8, 1, 1, 0x11, 0,
	        0xff, 0xc4, 0, 20, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 12, /* DC: "00" is 12 bits */
	        0xff, 0xc4, 0, 20, 0x10, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  /* AC: "00" ends the block */
	        0xff, 0xda, 0, 8, 1, 1, 0x00, 0, 63, 0};
	/* clang-format on */
	struct bytes jpeg = {malloc(sizeof(head) + 128 + sizeof(middle) + 4), 0};
	uint8_t *out = jpeg.data;

	ck_assert_ptr_nonnull(out);
	memcpy(out, head, sizeof(head));
	out += sizeof(head);
	for (unsigned i = 0; i < 64; i++) {
		*out++ = (uint8_t)(step >> 8);
		*out++ = (uint8_t)step;
	}
	memcpy(out, middle, sizeof(middle));
	out += sizeof(middle);
	unsigned bits = (unsigned)(value < 0 ? value + 4095 : value) << 2; /* between the codes */
	*out++ = (uint8_t)(bits >> 8);
	*out++ = (uint8_t)bits;
	*out++ = 0xff;
	*out++ = 0xd9;
	jpeg.nbytes = (size_t)(out - jpeg.data);
	return jpeg;
}

/* (2 |q| - 1) s > 4096. */
START_TEST(the_limit_of_coefficients_is_exact)
{
	static const struct {
		uint16_t step;
		int value;
		unsigned flags;
	} blocks[] = {
	        {1, 2048, 0},
	        {1, 2049, IC_FLAG_DAMAGED},
	        {1, -2048, 0},
	        {1, -2049, IC_FLAG_DAMAGED},
	        {2, 2048, IC_FLAG_DAMAGED},
	        {1, 4095, IC_FLAG_DAMAGED},
	        {1, -4095, IC_FLAG_DAMAGED},
	};

	for (size_t i = 0; i < COUNT(blocks); i++) {
		struct bytes jpeg = gray_block(blocks[i].step, blocks[i].value);

		ck_assert_msg(flags_of(jpeg) == blocks[i].flags, "%d of step %u: flags %u", blocks[i].value,
		              blocks[i].step, flags_of(jpeg));
		free(jpeg.data);
	}
}
END_TEST

static size_t data_at(struct bytes jpeg)
{
	size_t at = 2;

	while (jpeg.data[at + 1] != 0xda)
		at += 2 + (size_t)(jpeg.data[at + 2] << 8 | jpeg.data[at + 3]);
	return at + 2 + (size_t)(jpeg.data[at + 2] << 8 | jpeg.data[at + 3]);
}

/* libjpeg remarks on codes that no table has where it is near the end of what it has of the file, and on no run that is too
 * long. */
START_TEST(codes_that_stand_for_nothing_are_damage)
{
	struct bytes jpeg = jpeg_new(200, 160, 5, &(struct jpeg_spec){.quality = 80});
	size_t first = data_at(jpeg), n = jpeg.nbytes - 200 - first;
	struct dice dice = dice_new(1);
	unsigned nsilent = 0;

	for (unsigned i = 0; i < NDAMAGED; i++) {
		uint8_t *at = jpeg.data + first + dice_roll(&dice, (uint32_t)n), before = *at;
		struct jpegread read;
		unsigned flags;
		*at ^= (uint8_t)(1 << dice_roll(&dice, 8));
		if (read_flags(jpeg, &flags) && jpegread_damaged(jpeg, &read)) {
			nsilent += flags == IC_FLAG_DAMAGED && read.nwarnings == 0;
			jpegread_clear(&read);
		}
		*at = before;
	}
	ck_assert_uint_ge(nsilent, 3);
	ck_assert_uint_eq(flags_of(jpeg), 0);
	free(jpeg.data);
}
END_TEST

START_TEST(a_lost_restart_marker_is_damage)
{
	struct bytes jpeg = jpeg_new(200, 160, 5, &(struct jpeg_spec){.quality = 80, .restart = 2});
	uint8_t *marker = jpeg.data + data_at(jpeg);

	while (marker[0] != 0xff || marker[1] != 0xd3)
		marker++;
	marker[1] = 0xd5;
	ck_assert_uint_eq(flags_of(jpeg) & IC_FLAG_DAMAGED, IC_FLAG_DAMAGED);
	marker[1] = 0xd3;
	ck_assert_uint_eq(flags_of(jpeg), 0);
	free(jpeg.data);
}
END_TEST

/* The first scan of a progressive one has the DC coefficients of all components. */
START_TEST(a_lost_scan_is_damage)
{
	struct bytes jpeg = jpeg_new(120, 80, 3, &(struct jpeg_spec){.progressive = true});
	size_t end = data_at(jpeg), begin = end;

	while (jpeg.data[begin] != 0xff || jpeg.data[begin + 1] != 0xda)
		begin--;
	while (jpeg.data[end] != 0xff || jpeg.data[end + 1] == 0)
		end++;
	ck_assert_uint_eq(flags_of(jpeg), 0);
	memmove(jpeg.data + begin, jpeg.data + end, jpeg.nbytes - end);
	jpeg.nbytes -= end - begin;
	ck_assert_uint_eq(flags_of(jpeg), IC_FLAG_DAMAGED);
	free(jpeg.data);
}
END_TEST

/* Bytes between the data and a marker, and what lies behind the end. */
START_TEST(what_costs_no_part_of_the_picture_is_no_damage)
{
	static const uint8_t padding[] = {0, 0, 0x5a, 0xff, 0, 0xff};
	const struct jpeg_spec spec = {.quality = 80, .restart = 2};
	struct bytes jpeg = jpeg_new(200, 160, 5, &spec), padded = {malloc(jpeg.nbytes + sizeof(padding)), 0};

	ck_assert_ptr_nonnull(padded.data);
	for (unsigned i = 0; i < 3; i++) {
		size_t at = i == 2 ? jpeg.nbytes : i ? jpeg.nbytes - 2 : data_at(jpeg);
		while (i == 0 && (jpeg.data[at] != 0xff || jpeg.data[at + 1] != 0xd3))
			at++;
		memcpy(padded.data, jpeg.data, at);
		memcpy(padded.data + at, padding, sizeof(padding));
		memcpy(padded.data + at + sizeof(padding), jpeg.data + at, jpeg.nbytes - at);
		padded.nbytes = jpeg.nbytes + sizeof(padding);
		ck_assert_msg(flags_of(padded) == 0, "case %u: flags %u", i, flags_of(padded));
	}
	free(padded.data);
	free(jpeg.data);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_test(tests, a_lost_scan_is_damage);
	tcase_add_test(tests, what_costs_no_part_of_the_picture_is_no_damage);
	tcase_add_loop_test(tests, coefficients_that_no_picture_has_are_damage, 0, COUNT(processes));
	tcase_add_test(tests, the_limit_of_coefficients_is_exact);
	tcase_add_test(tests, codes_that_stand_for_nothing_are_damage);
	tcase_add_test(tests, a_lost_restart_marker_is_damage);
	tcase_add_loop_test(tests, wild_ones_are_read, 0, 2);
	tcase_add_loop_test(tests, damaged_ones_are_read_as_libjpeg_reads_them, 0, 12);
}

int main(void)
{
	return suite_run("reader", add_tests);
}
