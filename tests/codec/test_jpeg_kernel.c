/* SPDX-License-Identifier: MIT */
/* Every filling of the loops of writing a JPEG against what ITU-T T.81, F.1.2, says of one coefficient after the other, and the
 * bits of any symbols. */
#include "codec/jpeg_coded_priv.h"
#include "codec/jpeg_kernel_priv.h"

#include "codec_helpers.h"
#include "guard.h"

#include <stdlib.h>
#include <string.h>

static int count_kernels(void)
{
	int n = 0;

	while (jpeg_kernel_at((unsigned)n))
		n++;
	return n;
}

/* --- Planes to blocks ----------------------------------------------------------------------------------------------- */

#define NGATHERED_MAX 70

/* Memory ends where the kernel may read and write last. Other places of a block are not touched. */
static void check_gather(const struct jpeg_kernel *kernel, bool is_wide, size_t n, unsigned at, struct guard *guards,
                         struct dice *dice)
{
	size_t room = n + JPEG_KERNEL_PAD;
	const int8_t *narrow[JPEG_KERNEL_PLACES];
	const int16_t *wide[JPEG_KERNEL_PLACES];
	int16_t(*blocks)[64] = guard_tail(&guards[JPEG_KERNEL_PLACES], room * sizeof *blocks);

	memset(blocks, 0x5a, room * sizeof *blocks);
	for (unsigned i = 0; i < JPEG_KERNEL_PLACES; i++) {
		uint8_t *codes = guard_tail(&guards[i], room * (is_wide ? 2 : 1));

		for (size_t j = 0; j < room * (is_wide ? 2 : 1); j++)
			codes[j] = (uint8_t)dice_roll(dice, 256);
		narrow[i] = is_wide ? NULL : (const int8_t *)codes;
		wide[i] = is_wide ? (const int16_t *)codes : NULL;
	}
	if (is_wide)
		kernel->gather16(wide, n, blocks, at);
	else
		kernel->gather8(narrow, n, blocks, at);
	for (size_t block = 0; block < n; block++) {
		for (unsigned place = 0; place < 64; place++) {
			unsigned i = place - at;

			ck_assert_int_eq(blocks[block][place], i >= JPEG_KERNEL_PLACES ? 0x5a5a
			                                       : is_wide               ? wide[i][block]
			                                                               : narrow[i][block]);
		}
	}
}

START_TEST(planes_become_blocks)
{
	const struct jpeg_kernel *kernel = jpeg_kernel_at((unsigned)_i);
	struct guard guards[JPEG_KERNEL_PLACES + 1];
	struct dice dice = dice_new(16);

	for (unsigned i = 0; i < COUNT(guards); i++)
		guards[i] = guard_new((NGATHERED_MAX + JPEG_KERNEL_PAD) * sizeof(int16_t[64]));
	for (size_t n = 0; n <= NGATHERED_MAX; n++)
		check_gather(kernel, n / 8 % 2, n, (unsigned)(n % 8 * 8), guards, &dice);
	for (unsigned i = 0; i < COUNT(guards); i++)
		guard_clear(&guards[i]);
}
END_TEST

/* --- Blocks to symbols ---------------------------------------------------------------------------------------------- */

static void put(struct jpeg_symbols *symbols, unsigned table, unsigned symbol, unsigned bits)
{
	symbols->symbols[symbols->n] = (uint16_t)(table << 8 | symbol);
	symbols->bits[symbols->n++] = (uint16_t)bits;
}

static void put_value(struct jpeg_symbols *symbols, unsigned table, unsigned run, int value)
{
	unsigned size = 0, magnitude = (unsigned)abs(value);

	while (magnitude >> size)
		size++;
	put(symbols, table, run << 4 | size, value < 0 ? (unsigned)(value - 1) & ((1u << size) - 1) : magnitude);
}

static void put_block(struct jpeg_symbols *symbols, unsigned tables, const int16_t block[64], int dc)
{
	unsigned run = 0;

	put_value(symbols, tables + JPEG_TABLE_DC, 0, dc);
	for (unsigned i = 1; i < 64; i++) {
		if (!block[i]) {
			run++;
			continue;
		}
		for (; run > 15; run -= 16)
			put(symbols, tables + JPEG_TABLE_AC, 0xf0, 0);
		put_value(symbols, tables + JPEG_TABLE_AC, run, block[i]);
		run = 0;
	}
	if (run)
		put(symbols, tables + JPEG_TABLE_AC, 0, 0);
}

static void put_row(struct jpeg_symbols *symbols, struct jpeg_mcu_row *row)
{
	static const int16_t zeros[64];

	for (uint32_t mcu = 0; mcu < row->nmcus; mcu++) {
		for (unsigned c = 0; c < row->ncomponents; c++) {
			struct jpeg_mcu_blocks *of = &row->component[c];

			for (uint32_t i = 0; i < of->factor * of->factor; i++) {
				uint32_t y = i / of->factor, x = mcu * of->factor + i % of->factor;
				bool is_seen = y < of->nrows && x < of->ncols;
				const int16_t *block = is_seen ? of->blocks[y * of->ncols + x] : zeros;
				int dc = is_seen ? block[0] : of->last_dc;

				put_block(symbols, c ? JPEG_TABLE_CHROMA : 0, block, dc - of->last_dc);
				of->last_dc = dc;
			}
		}
	}
}

#define NKINDS 7

/* As many symbols as can be, DC as far from the block before as can be; long runs of zeros, up to the end; dense to sparse, up
 * to the largest either way. */
static int16_t any_coef(struct dice *dice, unsigned kind, unsigned block, unsigned place)
{
	static const uint32_t one_of[] = {1, 2, 5, 20, 60};

	if (kind == 1)
		return block % 2 ? 1023 : -1023;
	if (kind == 2)
		return place % 17 == 16 || place == 63 ? -1023 : 0;
	if (dice_roll(dice, one_of[kind - 3]))
		return 0;
	return (int16_t)(dice_between(dice, -1023, 1023) / (1 << dice_roll(dice, 11)));
}

#define NMCUS_MAX 40
#define NROW_GUARDS (2 * IC_COMPONENTS_MAX)

/* With `kind`, all blocks are of that kind, else each of any. Memory ends where the header says. */
static struct jpeg_mcu_row row_new(struct dice *dice, unsigned kind, struct guard guards[NROW_GUARDS])
{
	struct jpeg_mcu_row row = {.nmcus = 1 + dice_roll(dice, NMCUS_MAX), .ncomponents = dice_roll(dice, 3) ? 3 : 1};

	for (unsigned c = 0; c < row.ncomponents; c++) {
		uint32_t factor = c == 0 && row.ncomponents == 3 ? 1 + dice_roll(dice, 2) : 1;
		struct jpeg_mcu_blocks *of = &row.component[c];

		*of = (struct jpeg_mcu_blocks){
		        .factor = factor,
		        .ncols = row.nmcus * factor - dice_roll(dice, factor),
		        .nrows = 1 + dice_roll(dice, factor),
		        .last_dc = dice_between(dice, -1023, 1023),
		};
		size_t nblocks = of->nrows * of->ncols;

		of->blocks = guard_tail(&guards[2 * c], (nblocks + JPEG_KERNEL_PAD) * sizeof *of->blocks);
		of->places = guard_tail(&guards[2 * c + 1], (nblocks + JPEG_KERNEL_PAD) * sizeof *of->places);
		for (uint32_t i = 0; i < nblocks + JPEG_KERNEL_PAD; i++) {
			unsigned its_kind = kind ? kind : 1 + dice_roll(dice, NKINDS);

			for (unsigned place = 0; place < 64; place++)
				of->blocks[i][place] = any_coef(dice, its_kind, i, place);
		}
	}
	return row;
}

/* As many as the header says there is room for: memory ends there. */
static struct jpeg_symbols room_for(const struct jpeg_mcu_row *row, size_t nbefore, struct guard guards[2])
{
	size_t room = nbefore;

	for (unsigned c = 0; c < row->ncomponents; c++)
		room += (size_t)JPEG_KERNEL_SYMBOLS * row->nmcus * row->component[c].factor * row->component[c].factor;
	for (unsigned i = 0; i < 2; i++)
		guards[i] = guard_new(room * sizeof(uint16_t));
	return (struct jpeg_symbols){guard_tail(&guards[0], room * sizeof(uint16_t)),
	                             guard_tail(&guards[1], room * sizeof(uint16_t)), nbefore};
}

START_TEST(blocks_become_symbols)
{
	const struct jpeg_kernel *kernel = jpeg_kernel_at((unsigned)_i);
	struct guard row_guards[NROW_GUARDS];
	struct dice dice = dice_new(81);

	for (unsigned i = 0; i < NROW_GUARDS; i++)
		row_guards[i] = guard_new((4 * NMCUS_MAX + JPEG_KERNEL_PAD) * sizeof(int16_t[64]));
	for (unsigned round = 0; round < 200; round++) {
		struct jpeg_mcu_row row = row_new(&dice, round % (NKINDS + 1), row_guards), same = row;
		struct guard guards[2], expected_guards[2];
		struct jpeg_symbols symbols = room_for(&row, round % 3, guards);
		struct jpeg_symbols expected = room_for(&row, round % 3, expected_guards);

		for (size_t i = 0; i < round % 3; i++) /* appended to, not written over */
			symbols.symbols[i] = symbols.bits[i] = expected.symbols[i] = expected.bits[i] = 0xabcd;
		kernel->append(&symbols, &row);
		put_row(&expected, &same);
		ck_assert_uint_eq(symbols.n, expected.n);
		ck_assert_mem_eq(symbols.symbols, expected.symbols, symbols.n * sizeof *symbols.symbols);
		ck_assert_mem_eq(symbols.bits, expected.bits, symbols.n * sizeof *symbols.bits);
		for (unsigned c = 0; c < row.ncomponents; c++)
			ck_assert_int_eq(row.component[c].last_dc, same.component[c].last_dc);
		for (unsigned i = 0; i < 2; i++) {
			guard_clear(&guards[i]);
			guard_clear(&expected_guards[i]);
		}
	}
	for (unsigned i = 0; i < NROW_GUARDS; i++)
		guard_clear(&row_guards[i]);
}
END_TEST

/* --- Symbols to bits ------------------------------------------------------------------------------------------------ */

/* The bits of symbols one after the other, most significant first, filled up with ones, a byte 0 behind each byte of ones.
 * Returns how many bytes. */
static size_t expected_bytes(const struct jpeg_symbols *symbols, const struct huffman tables[JPEG_NTABLES],
                             uint8_t *out)
{
	size_t nbits = 0, nbytes = 0;
	unsigned byte = 0;

	for (size_t i = 0; i <= symbols->n; i++) {
		bool is_end = i == symbols->n;
		const struct huffman *table = &tables[is_end ? 0 : symbols->symbols[i] / 256];
		unsigned symbol = is_end ? 0 : symbols->symbols[i] % 256, follow = symbol % 16;
		unsigned length = is_end ? (unsigned)(-nbits % 8) : table->length[symbol] + follow;
		uint64_t bits = is_end ? 0xff : (uint64_t)table->code[symbol] << follow | symbols->bits[i];

		for (unsigned bit = length; bit-- > 0; nbits++) {
			byte = (byte << 1 | (bits >> bit & 1)) & 0xff;
			if (nbits % 8 != 7)
				continue;
			out[nbytes++] = (uint8_t)byte;
			if (byte == 0xff)
				out[nbytes++] = 0;
		}
	}
	return nbytes;
}

/* Few symbols or many, of a table each or of all; with `ones`, those that follow a code are ones, and mostly many. */
static void any_symbols(struct jpeg_symbols *symbols, bool ones, struct dice *dice, size_t counts[JPEG_NTABLES * 256])
{
	unsigned ntables = 1 + dice_roll(dice, JPEG_NTABLES), nsymbols = 1 + dice_roll(dice, 160);

	memset(counts, 0, JPEG_NTABLES * 256 * sizeof *counts);
	for (size_t i = 0; i < symbols->n; i++) {
		unsigned follow = ones && dice_roll(dice, 4) ? 11 : dice_roll(dice, 12);
		unsigned symbol = (dice_roll(dice, nsymbols) << 4 & 0xf0) | follow;

		symbols->symbols[i] = (uint16_t)(dice_roll(dice, ntables) << 8 | symbol);
		symbols->bits[i] = (uint16_t)((ones ? 0xffff : dice_roll(dice, 0x10000)) & ((1u << follow) - 1));
		counts[symbols->symbols[i]]++;
	}
}

static bool is_counted(const size_t counts[256])
{
	size_t n = 0;

	for (unsigned i = 0; i < 256; i++)
		n += counts[i];
	return n > 0;
}

/* With codes of up to 16 and of up to 8 bits. Memory ends with the last byte. */
START_TEST(symbols_become_bits)
{
	const struct jpeg_kernel *kernel = jpeg_kernel_at((unsigned)_i / 2);
	struct dice dice = dice_new(64 + (uint64_t)_i);
	struct guard guard = guard_new((size_t)1 << 20);

	for (unsigned round = 0; round < 60; round++) {
		static uint16_t of[2][20000];
		static uint8_t expected[20000 * 8];
		struct jpeg_symbols symbols = {of[0], of[1], 1 + dice_roll(&dice, round % 2 ? 20 : 20000)};
		size_t counts[JPEG_NTABLES * 256];
		struct huffman tables[JPEG_NTABLES] = {{.nsymbols = 0}};
		struct jpeg_coded coded;

		any_symbols(&symbols, round % 4 > 1, &dice, counts);
		for (unsigned i = 0; i < JPEG_NTABLES; i++)
			if (is_counted(counts + 256 * i))
				huffman_make(counts + 256 * i, _i % 2 ? 8 : 16, &tables[i]);
		ck_assert_int_eq(jpeg_coded_init(&coded, kernel, &symbols, counts, tables), 0);

		uint8_t *out = guard_tail(&guard, coded.nbytes_stuffed);
		size_t nbytes = expected_bytes(&symbols, tables, expected);

		ck_assert_uint_eq(coded.nbytes_stuffed, nbytes);
		ck_assert_ptr_eq(jpeg_coded_stuff(&coded, out), out + nbytes);
		ck_assert_mem_eq(out, expected, nbytes);
		jpeg_coded_clear(&coded);
	}
	guard_clear(&guard);
}
END_TEST

static void add_tests(TCase *tests)
{
	tcase_add_loop_test(tests, planes_become_blocks, 0, count_kernels());
	tcase_add_loop_test(tests, blocks_become_symbols, 0, count_kernels());
	tcase_add_loop_test(tests, symbols_become_bits, 0, 2 * count_kernels());
}

int main(void)
{
	return suite_run("jpeg-kernel", add_tests);
}
