/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_symbols_priv.h"

#include "codec/nonzero_priv.h"

#include <errno.h>
#include <stdlib.h>

#define BLOCK 8
#define NCOEFS 64
#define RUN_MAX 15
#define SIZE_MAX_DC 11 /* of a difference of DC; of AC it is 10 */
#define VALUE_MAX ((1 << SIZE_MAX_DC) - 1)

/* Symbols of AC with a meaning of their own (T.81, F.1.2.2.1). */
#define END_OF_BLOCK 0x00
#define ZERO_RUN 0xf0 /* sixteen zeros */

/* --- A block ------------------------------------------------------------------------------------------------------ */

/* What is coded of each value, table and run aside: its size, and as many bits of itself, or, where it is negative, of
 * one less (T.81, F.1.2.1). */
struct values {
	jpeg_symbol of[2 * VALUE_MAX + 1]; /* from -VALUE_MAX on */
};

static void values_init(struct values *values)
{
	values->of[VALUE_MAX] = 0;
	for (unsigned size = 1; size <= SIZE_MAX_DC; size++) {
		for (unsigned i = 1u << (size - 1); i < 1u << size; i++) {
			values->of[VALUE_MAX + i] = size | i << 16;
			values->of[VALUE_MAX - i] = size | (~i & ((1u << size) - 1)) << 16;
		}
	}
}

/* Counted at once, which takes less time than to go through the list again. */
static inline jpeg_symbol *put(jpeg_symbol *out, size_t counts[JPEG_NTABLES * 256], jpeg_symbol symbol)
{
	counts[symbol & 0xffff]++;
	*out = symbol;
	return out + 1;
}

static inline jpeg_symbol *put_ac(jpeg_symbol *out, size_t *counts, const struct values *values, unsigned table,
                                  const int16_t block[NCOEFS])
{
	unsigned last = 0;
	for (uint64_t left = nonzero(block) & ~(uint64_t)1; left; left &= left - 1) {
		unsigned at = (unsigned)__builtin_ctzll(left), run = at - last - 1;
		for (; run > RUN_MAX; run -= RUN_MAX + 1)
			out = put(out, counts, table << 8 | ZERO_RUN);
		out = put(out, counts, table << 8 | run << 4 | values->of[VALUE_MAX + block[at]]);
		last = at;
	}
	if (last < NCOEFS - 1)
		out = put(out, counts, table << 8 | END_OF_BLOCK);
	return out;
}

/* --- A row of MCUs ------------------------------------------------------------------------------------------------ */

struct rows {
	uint32_t factor; /* blocks in an MCU, across and down */
	uint32_t ncols, nrows;
	int16_t (*blocks)[NCOEFS]; /* `factor` rows of ncols; owned */
	unsigned tables;           /* number of the first of its two */
	int last_dc;
};

struct scan {
	const struct jpeg_picture *picture;
	struct rows rows[IC_COMPONENTS_MAX];
	uint32_t mcu_cols, mcu_rows;
	struct values values;
	size_t *counts; /* of struct jpeg_symbols */
};

static void fill_rows(const struct scan *scan, unsigned c, uint32_t mcu_row)
{
	const struct jpeg_picture *picture = scan->picture;
	const struct rows *rows = &scan->rows[c];
	for (uint32_t i = 0; i < rows->factor && mcu_row * rows->factor + i < rows->nrows; i++)
		picture->fill(picture->context, c, mcu_row * rows->factor + i, rows->blocks + (size_t)i * rows->ncols,
		              rows->ncols);
}

/* The blocks of one component in an MCU. Those that only fill it up nobody sees: they are the cheapest there are. */
static jpeg_symbol *put_unit(jpeg_symbol *out, struct scan *scan, unsigned c, uint32_t mcu_row, uint32_t mcu_col)
{
	static const int16_t filler[NCOEFS] = {0};
	struct rows *rows = &scan->rows[c];
	jpeg_symbol dc_table = (rows->tables + JPEG_TABLE_DC) << 8;
	for (uint32_t y = 0; y < rows->factor; y++) {
		for (uint32_t x = 0; x < rows->factor; x++) {
			uint32_t col = mcu_col * rows->factor + x, row = mcu_row * rows->factor + y;
			bool is_seen = col < rows->ncols && row < rows->nrows;
			const int16_t *block = is_seen ? rows->blocks[(size_t)y * rows->ncols + col] : filler;
			int dc = is_seen ? block[0] : rows->last_dc;
			out = put(out, scan->counts, dc_table | scan->values.of[VALUE_MAX + dc - rows->last_dc]);
			out = put_ac(out, scan->counts, &scan->values, rows->tables + JPEG_TABLE_AC, block);
			rows->last_dc = dc;
		}
	}
	return out;
}

static jpeg_symbol *put_all(jpeg_symbol *out, struct scan *scan)
{
	unsigned ncomponents = scan->picture->layout->ncomponents;
	for (uint32_t row = 0; row < scan->mcu_rows; row++) {
		for (unsigned c = 0; c < ncomponents; c++)
			fill_rows(scan, c, row);
		for (uint32_t col = 0; col < scan->mcu_cols; col++)
			for (unsigned c = 0; c < ncomponents; c++)
				out = put_unit(out, scan, c, row, col);
	}
	return out;
}

/* --- The scan ----------------------------------------------------------------------------------------------------- */

uint32_t jpeg_picture_luma_factor(const struct jpeg_picture *picture)
{
	const struct ic_layout *l = picture->layout;
	return l->design.chroma == IC_CHROMA_HALF && l->ncomponents > 1 ? 2 : 1;
}

static uint32_t divide_up(uint32_t n, uint32_t by)
{
	return (n + by - 1) / by;
}

static errint_t rows_init(struct rows *rows, const struct jpeg_picture *picture, unsigned c)
{
	const struct ic_component *component = &picture->layout->component[c];
	*rows = (struct rows){
	        .factor = c == 0 ? jpeg_picture_luma_factor(picture) : 1,
	        .ncols = divide_up(component->width, BLOCK),
	        .nrows = divide_up(component->height, BLOCK),
	        .tables = c == 0 ? 0 : JPEG_TABLE_CHROMA,
	};
	rows->blocks = calloc((size_t)rows->factor * rows->ncols, sizeof *rows->blocks);
	return rows->blocks ? 0 : -ENOMEM;
}

errint_t jpeg_symbols_init(struct jpeg_symbols *symbols, const struct jpeg_picture *picture)
{
	struct scan scan = {.picture = picture, .counts = symbols->counts};
	errint_t err = 0;
	size_t nblocks = 0; /* in an MCU */
	*symbols = (struct jpeg_symbols){.n = 0};
	for (unsigned c = 0; c < picture->layout->ncomponents && !err; c++) {
		err = rows_init(&scan.rows[c], picture, c);
		nblocks += (size_t)scan.rows[c].factor * scan.rows[c].factor;
	}
	scan.mcu_cols = divide_up(scan.rows[0].ncols, scan.rows[0].factor);
	scan.mcu_rows = divide_up(scan.rows[0].nrows, scan.rows[0].factor);
	if (!err) { /* a block has no more symbols than coefficients */
		symbols->list = malloc(NCOEFS * nblocks * scan.mcu_cols * scan.mcu_rows * sizeof *symbols->list);
		err = symbols->list ? 0 : -ENOMEM;
	}
	if (!err) {
		values_init(&scan.values);
		symbols->n = (size_t)(put_all(symbols->list, &scan) - symbols->list);
	}
	for (unsigned c = 0; c < IC_COMPONENTS_MAX; c++)
		free(scan.rows[c].blocks);
	return err;
}

void jpeg_symbols_clear(struct jpeg_symbols *symbols)
{
	free(symbols->list);
	symbols->list = NULL;
}
