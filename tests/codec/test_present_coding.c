/* SPDX-License-Identifier: MIT */
/* The entropy coding of the face jpeg: libjpeg reads what the object holds, and can hardly write it shorter. */
#include "codec/present.h"

#include "codec/jpeg_writer_priv.h"
#include "codec/nonzero_priv.h"

#include "codec_helpers.h"
#include "jpegread.h"
#include "present_helpers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An object whose planes are noise, in one row of blocks of `each`. */
static struct bytes object_of_noise(const char *design, uint32_t width, uint32_t height, unsigned ncomponents,
                                    uint32_t each, uint64_t seed)
{
	const struct ic_design d = design_of(design);
	struct dice dice = dice_new(seed);
	struct ic_layout l;

	ck_assert_int_eq(ic_layout_init(&l, &d, width, height, ncomponents), 0);
	struct bytes object = {calloc(1, l.nbytes), l.nbytes};
	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, &l, 1, 0);
	for (unsigned p = 0; p < l.nplanes; p++) {
		const struct ic_component *component = &l.component[p % ncomponents];
		uint8_t *plane = object.data + ic_layout_plane_offset(&l, p);

		memcpy(object.data + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p, "\1\x08\0\0", 4);
		for (uint32_t row = 0; row < component->block_rows; row += each)
			for (uint32_t col = 0; col < component->block_cols; col++)
				plane[row * component->block_cols + col] = (uint8_t)dice_roll(&dice, 256);
		/* The extremes, one after the other. */
		for (uint64_t block = 0; block < 3 && block < component->nblocks; block++)
			plane[block] = block % 2 ? 0x7f : 0x80;
	}
	return object;
}

/* No code is longer than the 8 bits that decoders look up at once: of the numbers of codes by length, from 1 to 16, in each
 * table of each DHT segment, the last eight are 0. */
static void check_code_lengths(struct bytes jpeg)
{
	static const uint8_t none[8];
	size_t at = 2, ntables = 0;

	while (jpeg.data[at + 1] != 0xda) {
		size_t end = at + 2 + (size_t)(jpeg.data[at + 2] << 8 | jpeg.data[at + 3]);
		bool is_dht = jpeg.data[at + 1] == 0xc4;

		for (size_t table = at + 4; is_dht && table < end; ntables++) {
			unsigned nsymbols = 0;

			ck_assert_mem_eq(jpeg.data + table + 9, none, sizeof none);
			for (unsigned length = 1; length <= 8; length++)
				nsymbols += jpeg.data[table + length];
			table += 17 + nsymbols;
		}
		at = end;
	}
	ck_assert_uint_ge(ntables, 2);
}

/* libjpeg's decoder finds the object's coefficients; its encoder, free to use codes of 16 bits, saves little. */
static void check_entropy_coding(struct bytes object)
{
	struct ic_view view = view_of(object);
	struct bytes jpeg = present(&view), optimized = jpegread_optimized(jpeg);

	check_coefficients(jpeg, &view);
	check_code_lengths(jpeg);
	ck_assert_uint_le(30 * jpegread_scan_nbytes(jpeg), 31 * jpegread_scan_nbytes(optimized));
	free(jpeg.data);
	free(optimized.data);
}

/* Runs of any length, blocks without a zero, all 8-bit codes, and differences of DC from -255 to 255. */
START_TEST(noise_is_coded_nearly_as_well_as_can_be)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8",   "s1x1-b8-k15-q8-c1", "s1x1-b8-k6-q8-c1",
	                                      "s1x1-b8-k9-q8-ol", "s1x1-b8-k1-q8-ol",  "s2x2-b8-k1-q8"};

	for (unsigned i = 0; i < 2 * COUNT(designs); i++) {
		struct bytes object =
		        object_of_noise(designs[i / 2], 170, 400, i % 2 ? 1 : 3, 1u << 2 * (_i / 2), (uint64_t)_i);

		check_entropy_coding(object);
		free(object.data);
	}
}
END_TEST

START_TEST(photographs_are_coded_nearly_as_well_as_can_be)
{
	static const char *const designs[] = {"s1x1-b8-k15-q8", "s1x1-b8-k4-q8", "s1x1-b8-k7-q5-c1",
	                                      "s1x1-b8-k15-q1", "s2x2-b8-k6-q8", "s4x4-b8-k6-q8"};
	const struct jpeg_spec spec = {.quality = 96, .h = {1, 1, 1}, .v = {1, 1, 1}};
	struct bytes source = photograph("imagenet-1k-sample", (unsigned)_i, 651, 187, &spec);

	for (unsigned i = 0; i < COUNT(designs); i++) {
		struct ic_design d = design_of(designs[i]);
		struct bytes object = encode(source, &d);

		check_entropy_coding(object);
		free(object.data);
	}
	free(source.data);
}
END_TEST

/* One block, MCUs of which one block is seen, a single row or column of them, and the longest side there is. */
START_TEST(narrow_pictures_are_coded_nearly_as_well_as_can_be)
{
	static const struct {
		uint32_t width, height;
	} narrow[] = {{1, 1}, {8, 8}, {17, 1}, {1, 17}, {40, 100}, {600, 50}, {65500, 8}, {17, 65500}};

	for (unsigned i = 0; i < COUNT(narrow); i++) {
		struct bytes object = object_of_noise(_i ? "s1x1-b8-k15-q8-c1" : "s1x1-b8-k4-q8", narrow[i].width,
		                                      narrow[i].height, 3, 1, i);

		check_entropy_coding(object);
		free(object.data);
	}
}
END_TEST

START_TEST(one_symbol_is_coded)
{
	struct bytes object = object_of_noise("s1x1-b8-k15-q8", 24, 8, 1, 1, 0);
	struct ic_view view = view_of(object);

	/* Every DC the same, every AC 1: the differences have one size after the first block, the rest one symbol. */
	for (unsigned p = 0; p < view.layout.nplanes; p++)
		memset(object.data + ic_layout_plane_offset(&view.layout, p), p ? 1 : 0,
		       view.layout.component[0].nblocks);
	check_entropy_coding(object);
	free(object.data);
}
END_TEST

/* --- The writer alone --------------------------------------------------------------------------------------------- */

/* Differences of DC from one end to the other, and runs of any length between AC of any size. */
static int16_t any_coefficient(unsigned component, uint32_t row, uint32_t col, unsigned at)
{
	struct dice dice = dice_new((((uint64_t)component << 16 | row) << 16 | col) << 6 | at);

	if (at == 0)
		return (row + col) % 2 ? 1023 : -1023;
	return (int16_t)(dice_roll(&dice, 1 + col % 9)
	                         ? 0
	                         : dice_between(&dice, -1023, 1023) / (1 << dice_roll(&dice, 11)));
}

struct filling {
	const struct ic_layout *layout;
	uint32_t nrows[IC_COMPONENTS_MAX];
};

static void fill(void *context, unsigned component, uint32_t first_row, uint32_t nrows, int16_t (*blocks)[64])
{
	struct filling *filling = context;
	const struct ic_component *c = &filling->layout->component[component];

	ck_assert_uint_eq(first_row, filling->nrows[component]);
	filling->nrows[component] += nrows;
	ck_assert_uint_le(filling->nrows[component], c->block_rows);
	for (uint32_t i = 0; i < nrows * c->block_cols; i++)
		for (unsigned at = 0; at < 64; at++)
			blocks[i][jpeg_zigzag[at]] =
			        any_coefficient(component, first_row + i / c->block_cols, i % c->block_cols, at);
}

static void check_filled(const struct jpegread *read, const struct ic_layout *l)
{
	for (unsigned c = 0; c < l->ncomponents; c++) {
		const struct jpegread_component *component = &read->component[c];

		for (uint32_t row = 0; row < component->block_rows; row++)
			for (uint32_t col = 0; col < component->block_cols; col++)
				for (unsigned at = 0; at < 64; at++)
					ck_assert_int_eq(component->blocks[row * component->block_cols + col][at],
					                 any_coefficient(c, row, col, at));
	}
}

START_TEST(the_writer_takes_each_row_once_and_any_coefficient)
{
	const struct ic_design d = design_of(_i % 2 ? "s1x1-b8-k15-q8" : "s1x1-b8-k15-q8-c1");
	struct ic_layout l;
	struct filling filling = {.layout = &l};
	struct jpeg_picture picture = {.layout = &l, .orientation = 1, .fill = fill, .context = &filling};
	struct bytes jpeg = {0};
	size_t steps_nbytes;

	ck_assert_int_eq(ic_layout_init(&l, &d, 192 + 8 * (uint32_t)_i, 144 - 8 * (uint32_t)_i, _i < 4 ? 3 : 1), 0);
	memset(picture.steps, 1, sizeof(picture.steps));
	picture.steps[1][9] = picture.steps[2][9] = (uint8_t)(1 + _i % 3);
	ck_assert_int_eq(jpeg_write(&picture, &jpeg.data, &jpeg.nbytes, NULL), 0);
	ck_assert_ptr_nonnull(jpegread_segment(jpeg, 0xdb, "", &steps_nbytes));
	ck_assert_uint_eq(steps_nbytes, l.ncomponents == 1 || _i % 3 == 0 ? 65 : 2 * 65);
	for (unsigned c = 0; c < l.ncomponents; c++)
		ck_assert_uint_eq(filling.nrows[c], l.component[c].block_rows);
	struct jpegread read = jpegread_coefficients(jpeg);
	check_filled(&read, &l);
	jpegread_clear(&read);
	free(jpeg.data);
}
END_TEST

START_TEST(what_is_not_zero_is_found_by_all_instruction_sets)
{
	static const int16_t values[] = {1, -1, 127, -128, 256, -256, 0x7f00, INT16_MAX, INT16_MIN};
	for (unsigned i = 0; i < 64; i++) {
		for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
			int16_t block[64] = {0};
			block[i] = values[v];
			ck_assert_uint_eq(nonzero(block), (uint64_t)1 << i);
			ck_assert_uint_eq(nonzero_plain(block), (uint64_t)1 << i);
			for (unsigned j = 0; j < 64; j++)
				block[j] = j == i ? 0 : values[v];
			ck_assert_uint_eq(nonzero(block), ~((uint64_t)1 << i));
			ck_assert_uint_eq(nonzero_plain(block), ~((uint64_t)1 << i));
		}
	}
}
END_TEST

static void fill_nothing(void *context, unsigned component, uint32_t first_row, uint32_t nrows, int16_t (*blocks)[64])
{
}

/* Two symbols, each the only one of its table, then T.81, F.1.2.3. */
START_TEST(the_last_byte_is_filled_up_with_ones)
{
	const struct ic_design d = design_of("s1x1-b8-k15-q8");
	struct ic_layout l;
	struct jpeg_picture picture = {.layout = &l, .orientation = 1, .fill = fill_nothing};
	struct bytes jpeg = {0};
	size_t tables_nbytes;

	ck_assert_int_eq(ic_layout_init(&l, &d, 8, 8, 1), 0);
	memset(picture.steps, 1, sizeof(picture.steps));
	ck_assert_int_eq(jpeg_write(&picture, &jpeg.data, &jpeg.nbytes, NULL), 0);
	ck_assert_ptr_nonnull(jpegread_segment(jpeg, 0xc4, "", &tables_nbytes));
	ck_assert_uint_eq(tables_nbytes, 2 * (1 + 16 + 1));
	ck_assert_uint_eq(jpegread_scan_nbytes(jpeg), 1);
	ck_assert_uint_eq(jpeg.data[jpeg.nbytes - 3], 0x3f);
	free(jpeg.data);
}
END_TEST

/* Samples of nothing but extremes have the largest coefficients there are. */
START_TEST(the_largest_coefficients_have_codes)
{
	struct bytes object = object_of_noise("s1x1-b1-k1-q8-c1", 136, 300, 1, 1, (uint64_t)_i);
	struct ic_view view = view_of(object);
	uint8_t *plane = object.data + ic_layout_plane_offset(&view.layout, 0);

	/* The signs of one frequency in each block of every fourth row, both ways; gray elsewhere. */
	for (uint32_t y = 0; y < 300; y++) {
		for (uint32_t x = 0; x < 136; x++) {
			uint32_t u = x / 8 % 8, v = y / 8 % 8;
			bool up = (cos((2 * (x % 8) + 1) * u * M_PI / 16) > 0) ^
			          (cos((2 * (y % 8) + 1) * v * M_PI / 16) > 0) ^ (x / 64 % 2 != 0);

			plane[y * 136 + x] = (y / 8) % 4 == 2 ? 0 : up ? 0x80 : 0x7f;
		}
	}
	struct bytes jpeg = present(&view);
	struct picture shown = jpegread_rgb(jpeg);
	uint8_t *rgb = rgb_of(&view);
	double db = psnr(shown.rgb, rgb, (size_t)3 * shown.width * shown.height);

	ck_assert_msg(db > NEAR_DB, "%.2f dB", db);
	free(rgb);
	picture_clear(&shown);
	free(jpeg.data);
	free(object.data);
}
END_TEST

static void add_tests(TCase *cases)
{
	tcase_add_loop_test(cases, noise_is_coded_nearly_as_well_as_can_be, 0, 4);
	tcase_add_loop_test(cases, photographs_are_coded_nearly_as_well_as_can_be, 0, 3);
	tcase_add_loop_test(cases, narrow_pictures_are_coded_nearly_as_well_as_can_be, 0, 2);
	tcase_add_test(cases, one_symbol_is_coded);
	tcase_add_loop_test(cases, the_writer_takes_each_row_once_and_any_coefficient, 0, 6);
	tcase_add_test(cases, what_is_not_zero_is_found_by_all_instruction_sets);
	tcase_add_test(cases, the_last_byte_is_filled_up_with_ones);
	tcase_add_test(cases, the_largest_coefficients_have_codes);
}

int main(void)
{
	return suite_run("present-coding", add_tests);
}
