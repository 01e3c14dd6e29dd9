/* SPDX-License-Identifier: MIT */
/* The scan decoder against libjpeg: what it takes, libjpeg reads alike; what is common, it takes. So are the rows that it
 * gives before it finds damage. */
#include "codec/jpeg_scan_priv.h"

#include "codec/jpeg_huffman_priv.h"

#include "attempt.h"
#include "codec_helpers.h"
#include "jpegread.h"
#include "wildjpeg.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define NWILD 400

/* --- A JPEG's header, for a scan decoder to begin with ------------------------------------------------------------ */

struct header {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	jmp_buf on_error;
};

static void give_up(j_common_ptr jpeg)
{
	longjmp(((struct header *)jpeg->client_data)->on_error, 1);
}

static void say_nothing(j_common_ptr jpeg)
{
	(void)jpeg;
}

/* False where there is none, or none of a sane size. To be destroyed all the same. */
static bool header_read(struct header *h, struct bytes jpeg)
{
	h->jpeg.err = jpeg_std_error(&h->errors);
	h->errors.error_exit = give_up;
	h->errors.output_message = say_nothing;
	h->jpeg.client_data = h;
	jpeg_create_decompress(&h->jpeg);
	if (setjmp(h->on_error))
		return false;
	jpeg_mem_src(&h->jpeg, jpeg.data, jpeg.nbytes);
	jpeg_read_header(&h->jpeg, TRUE);
	return (size_t)h->jpeg.image_width * h->jpeg.image_height < 1 << 24;
}

/* --- What is read of it ------------------------------------------------------------------------------------------- */

static void check_mcu_row(const struct jpeg_scan *scan, const struct jpegread *expected, uint32_t mcu_row)
{
	for (unsigned c = 0; c < expected->ncomponents; c++) {
		const struct jpegread_component *component = &expected->component[c];
		uint32_t nrows = expected->ncomponents == 1 ? 1 : component->v;

		for (uint32_t y = 0; y < nrows && mcu_row * nrows + y < component->block_rows; y++) {
			size_t first = (size_t)(mcu_row * nrows + y) * component->block_cols;

			if (memcmp(jpeg_scan_blocks(scan, c, y), component->blocks + first,
			           component->block_cols * sizeof(*component->blocks)) != 0)
				ck_abort_msg("component %u, row %u of MCUs", c, mcu_row);
		}
	}
}

/* Whether the scan decoder finds no damage. All rows that it gives are libjpeg's, where that gives any. */
static bool read_rows(struct jpeg_scan *scan, const struct jpeg_decompress_struct *jpeg,
                      const struct jpegread *expected)
{
	uint32_t nrows = jpeg_mcus(jpeg->image_height, jpeg->max_v_samp_factor, jpeg->num_components);

	for (uint32_t row = 0; row < nrows; row++) {
		if (!jpeg_scan_next(scan))
			return false;
		check_mcu_row(scan, expected, row);
	}
	return jpeg_scan_ends_well(scan);
}

/* Whether the scan decoder takes the JPEG; then libjpeg must find nothing wrong with it. */
static bool is_taken(struct bytes jpeg)
{
	static struct header header;
	struct jpeg_scan *scan = header_read(&header, jpeg) ? jpeg_scan_new(&header.jpeg) : NULL;
	struct jpegread expected = {0};
	bool taken = false;

	if (scan) {
		bool is_read = jpegread_damaged(jpeg, &expected);

		taken = read_rows(scan, &header.jpeg, &expected);
		ck_assert_msg(!taken || is_read, "libjpeg refuses what the scan decoder took");
		ck_assert_msg(!taken || !expected.nwarnings, "libjpeg warns of what the scan decoder took");
	}
	jpegread_clear(&expected);
	jpeg_scan_free(scan);
	jpeg_destroy_decompress(&header.jpeg);
	return taken;
}

/* --- What is taken ------------------------------------------------------------------------------------------------ */

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

/* All but a few whose data take more bytes than their coefficients. */
START_TEST(wild_ones_are_taken)
{
	struct dice dice = dice_new((uint64_t)_i);
	unsigned ntaken = 0;

	for (unsigned i = 0; i < NWILD; i++) {
		struct bytes jpeg = wildjpeg_new(&dice, WILDJPEG_BLOCKS);

		ntaken += is_taken(jpeg);
		free(jpeg.data);
	}
	ck_assert_uint_gt(ntaken, NWILD * 9 / 10);
}
END_TEST

/* --- What is not -------------------------------------------------------------------------------------------------- */

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

/* The same bytes behind another frame header or scan header: progressive, arithmetic, 12 bits, or coefficients in part. */
START_TEST(headers_of_other_kinds_are_left_to_libjpeg)
{
	static const struct {
		const char *segment; /* how it begins */
		size_t at;
		uint8_t value;
	} changes[] = {
	        {"\xff\xc0", 1, 0xc2}, {"\xff\xc0", 1, 0xc9}, {"\xff\xc0", 1, 0xca},  {"\xff\xc0", 4, 12},
	        {"\xff\xda", 11, 1},   {"\xff\xda", 12, 62},  {"\xff\xda", 13, 0x10}, {"\xff\xda", 13, 0x01},
	};
	const struct jpeg_spec spec = {.quality = 75};

	for (size_t i = 0; i < COUNT(changes); i++) {
		struct bytes jpeg = jpeg_new(50, 40, 1, &spec);
		uint8_t *segment = memmem(jpeg.data, jpeg.nbytes, changes[i].segment, 2);

		ck_assert_ptr_nonnull(segment);
		segment[changes[i].at] = changes[i].value;
		ck_assert_msg(!is_taken(jpeg), "change %zu", i);
		free(jpeg.data);
	}
}
END_TEST

START_TEST(a_byte_before_the_end_is_left_to_libjpeg)
{
	struct dice dice = dice_new(13);

	for (unsigned i = 0; i < 50; i++) {
		struct bytes jpeg = wildjpeg_new(&dice, WILDJPEG_BLOCKS), grown = {malloc(jpeg.nbytes + 1), 0};

		ck_assert_ptr_nonnull(grown.data);
		memcpy(grown.data, jpeg.data, jpeg.nbytes - 2);
		memcpy(grown.data + jpeg.nbytes - 2, "\x55\xff\xd9", 3);
		grown.nbytes = jpeg.nbytes + 1;
		ck_assert(!is_taken(grown));
		free(grown.data);
		free(jpeg.data);
	}
}
END_TEST

/* Which libjpeg does not read at all. */
START_TEST(tables_have_no_more_symbols_than_there_are)
{
	static const uint8_t symbols[256] = {0};
	static struct huffman_table table;
	uint8_t counts[17] = {[9] = 255, [10] = 1};

	ck_assert(huffman_table_init(&table, HUFFMAN_AC, counts, symbols));
	counts[10]++;
	ck_assert(!huffman_table_init(&table, HUFFMAN_AC, counts, symbols));
}
END_TEST

START_TEST(larger_mcus_are_left_to_libjpeg)
{
	struct dice dice = dice_new(11);
	unsigned nrefused = 0;

	for (unsigned i = 0; i < 50; i++) {
		struct bytes jpeg = wildjpeg_new(&dice, 4 * 16);

		nrefused += !is_taken(jpeg);
		free(jpeg.data);
	}
	ck_assert_uint_gt(nrefused, 5);
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

/* Every symbol takes the most bits that there are, all of them zeros, so that what lies behind the data is read as far as it
 * ever is. Data that take more room than their coefficients are no picture's, even where they are whole. */
START_TEST(the_longest_symbols_are_left_to_libjpeg)
{
	enum { NBLOCKS = 16, NBYTES = NBLOCKS * (16 + 63 * 31) / 8 };
	struct bytes zeros = {calloc(1, NBYTES), NBYTES};

	ck_assert_ptr_nonnull(zeros.data);
	for (size_t nbytes = 0; nbytes <= NBYTES; nbytes += nbytes < NBYTES / 4 || nbytes >= NBYTES - 8 ? 1 : 8) {
		struct bytes data = {zeros.data, nbytes};
		struct bytes jpeg = wildjpeg_column(NBLOCKS, (struct wildjpeg_code){16, 0x00},
		                                    (struct wildjpeg_code){16, 0x0f}, data);

		ck_assert(!is_taken(jpeg));
		free(jpeg.data);
	}
	free(zeros.data);
}
END_TEST

/* A block of 1 and no more, and then ones, which are no code; those behind it would be the largest of values. */
START_TEST(bits_that_are_no_code_are_left_to_libjpeg)
{
	uint8_t bits[] = {0x5f, 0xff, 0, 0xff, 0, 0xff, 0, 0xdf, 0xff, 0, 0xff, 0, 0xff, 0, 0xff, 0};
	const struct wildjpeg_code dc = {1, 1}, ac = {1, 0};

	for (size_t nbytes = 2; nbytes <= sizeof(bits); nbytes++) {
		struct bytes jpeg = wildjpeg_column(2, dc, ac, (struct bytes){bits, nbytes});

		ck_assert(!is_taken(jpeg));
		free(jpeg.data);
	}
	bits[0] = 0x4b; /* twice 010 */
	struct bytes jpeg = wildjpeg_column(2, dc, ac, (struct bytes){bits, 1});
	ck_assert(is_taken(jpeg));
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

START_TEST(damage_to_wild_ones_is_seen_or_harmless)
{
	struct dice dice = dice_new((uint64_t)_i);

	for (unsigned i = 0; i < NWILD; i++) {
		struct bytes jpeg = wildjpeg_new(&dice, WILDJPEG_BLOCKS), mutant;
		const struct sample sample = {jpeg.data, jpeg.nbytes};

		mutant.data = mutant_new(&dice, &sample, 1, &mutant.nbytes);
		is_taken(mutant);
		is_taken((struct bytes){jpeg.data, dice_roll(&dice, (uint32_t)jpeg.nbytes)});
		free(mutant.data);
		free(jpeg.data);
	}
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, common_kinds_are_taken, 0, COUNT(common));
	tcase_add_loop_test(tests, photographs_are_taken, 0, 10);
	tcase_add_loop_test(tests, wild_ones_are_taken, 0, 4);
	tcase_add_test(tests, other_kinds_are_left_to_libjpeg);
	tcase_add_test(tests, headers_of_other_kinds_are_left_to_libjpeg);
	tcase_add_test(tests, a_byte_before_the_end_is_left_to_libjpeg);
	tcase_add_test(tests, tables_have_no_more_symbols_than_there_are);
	tcase_add_test(tests, larger_mcus_are_left_to_libjpeg);
	tcase_add_test(tests, an_end_that_is_not_the_end_is_left_to_libjpeg);
	tcase_add_test(tests, no_row_comes_from_behind_the_data);
	tcase_add_test(tests, a_code_of_all_ones_is_left_to_libjpeg);
	tcase_add_test(tests, the_longest_symbols_are_left_to_libjpeg);
	tcase_add_test(tests, bits_that_are_no_code_are_left_to_libjpeg);
	tcase_add_loop_test(tests, damage_to_wild_ones_is_seen_or_harmless, 0, 4);
	tcase_add_loop_test(tests, damage_is_seen_or_harmless, 0, COUNT(common));
}

int main(void)
{
	return suite_run("scan", add_tests);
}
