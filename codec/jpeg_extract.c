/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_extract_priv.h"

#include <string.h>

#define BLOCK 8

/* One row of MCUs in so many. Symbols that only the cover brings cost bytes, the more the fewer blocks there are beside
 * them: at these strides a JPEG is 0.2 to 1.6 % larger than with tables of its own. `nblocks` are the last component's. */
static uint32_t stride_of(uint32_t nrows, uint32_t nblocks)
{
	return nrows >= 16 && nblocks >= 256 ? 4 : nrows >= 8 && nblocks >= 192 ? 2 : 1;
}

/* --- Every symbol ------------------------------------------------------------------------------------------------- */

#define NCOVER 26 /* blocks; even, for they work in pairs, coded one after the other */
#define RUN_MAX 15
#define LAST 63

/* v * 8 + u of each place in the order of coding (ITU-T T.81, figure A.6). */
static const uint8_t zigzag[64] = {
        0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
        41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
        30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
};

/* Each size of a difference of DC: from the first of a pair, which is 0, to the second. */
static void cover_dc(int16_t blocks[NCOVER][64], unsigned size_max)
{
	for (unsigned size = 1; size <= size_max; size++)
		blocks[2 * size + 1][0] = (int16_t)(1 << (size - 1));
}

/* Each run of zeros before each size of a coefficient, block after block, long runs first: the first block is for
 * runs of more than 15. */
static void cover_ac(int16_t blocks[NCOVER][64], unsigned size_max)
{
	unsigned block = 1, at = 0;
	blocks[0][zigzag[LAST]] = 1;
	for (unsigned run = RUN_MAX + 1; run-- > 0;) {
		for (unsigned size = 1; size <= size_max; size++) {
			if (at + run + 1 > LAST) {
				block++;
				at = 0;
			}
			at += run + 1;
			blocks[block][zigzag[at]] = (int16_t)(1 << (size - 1));
		}
	}
}

static void cover(int16_t blocks[NCOVER][64], unsigned bits)
{
	memset(blocks, 0, NCOVER * sizeof *blocks);
	cover_ac(blocks, bits);
	cover_dc(blocks, bits + 1);
}

/* --- The extract -------------------------------------------------------------------------------------------------- */

static uint32_t blocks_across(const struct ic_component *component)
{
	return (component->width + BLOCK - 1) / BLOCK;
}

/* Blocks of `row`, counted from the first row of the cover; a pair is never parted. */
static void fill_cover(unsigned bits, uint32_t row, int16_t (*blocks)[64], uint32_t ncols)
{
	int16_t all[NCOVER][64];
	uint32_t used = ncols / 2 * 2, first = row * used;
	if (first >= NCOVER)
		return;
	cover(all, bits);
	memcpy(blocks, all[first], (used < NCOVER - first ? used : NCOVER - first) * sizeof *blocks);
}

static void fill_extract(void *context, unsigned component, uint32_t block_row, int16_t (*blocks)[64], uint32_t ncols)
{
	const struct jpeg_extract *extract = context;
	const struct jpeg_picture *whole = extract->whole;
	uint32_t per_mcu = component == 0 ? jpeg_picture_luma_factor(whole) : 1;
	uint32_t mcu_row = block_row / per_mcu;
	if (mcu_row < extract->nrows)
		whole->fill(whole->context, component,
		            (mcu_row * extract->stride + extract->stride / 2) * per_mcu + block_row % per_mcu, blocks,
		            ncols);
	else if (component < 2) /* Cr has the tables of Cb */
		fill_cover(whole->bits, block_row - extract->nrows * per_mcu, blocks, ncols);
}

bool jpeg_extract_init(struct jpeg_extract *extract, const struct jpeg_picture *whole)
{
	const struct ic_component *last = &whole->layout->component[whole->layout->ncomponents - 1];
	uint32_t nrows = last->height / BLOCK, usable_cols = blocks_across(last) / 2 * 2;
	extract->stride = stride_of(nrows, nrows * usable_cols);
	if (extract->stride == 1 || usable_cols == 0)
		return false;

	extract->whole = whole;
	extract->nrows = nrows / extract->stride;
	extract->layout = *whole->layout;
	uint32_t height = (extract->nrows + (NCOVER + usable_cols - 1) / usable_cols) * BLOCK;
	for (unsigned c = 0; c < extract->layout.ncomponents; c++)
		extract->layout.component[c].height = c == 0 ? height * jpeg_picture_luma_factor(whole) : height;
	extract->layout.height = extract->layout.component[0].height;
	extract->picture = (struct jpeg_picture){
	        .layout = &extract->layout,
	        .orientation = 1,
	        .bits = whole->bits,
	        .fill = fill_extract,
	        .context = extract,
	};
	memset(extract->picture.steps, 1, sizeof extract->picture.steps);
	return true;
}
