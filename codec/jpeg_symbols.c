/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_symbols_priv.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#define BLOCK 8

extern const struct jpeg_kernel jpeg_kernel_c, jpeg_kernel_neon, jpeg_kernel_sse42, jpeg_kernel_avx2,
        jpeg_kernel_avx512;

#if defined(__x86_64__)
static const struct jpeg_kernel *const kernels[] = {&jpeg_kernel_avx512, &jpeg_kernel_avx2, &jpeg_kernel_sse42,
                                                    &jpeg_kernel_c, NULL};

/* Those that this machine can run: with all that codec/meson.build lets the compiler use. */
static const struct jpeg_kernel *const *available(void)
{
	bool has_avx2 =
	        __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
	if (has_avx2 && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
	    __builtin_cpu_supports("avx512vbmi2"))
		return kernels;
	if (has_avx2)
		return kernels + 1;
	return kernels + (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt") ? 2 : 3);
}
#else
#if defined(__aarch64__)
static const struct jpeg_kernel *const kernels[] = {&jpeg_kernel_neon, &jpeg_kernel_c, NULL};
#else
static const struct jpeg_kernel *const kernels[] = {&jpeg_kernel_c, NULL};
#endif

static const struct jpeg_kernel *const *available(void)
{
	return kernels;
}
#endif

const struct jpeg_kernel *jpeg_kernel_at(unsigned index)
{
	const struct jpeg_kernel *const *kernel = available();
	for (; *kernel && index > 0; index--)
		kernel++;
	return *kernel;
}

/* --- Counts ------------------------------------------------------------------------------------------------------- */

#define NCOUNTS ((size_t)JPEG_NTABLES * 256)

/* A symbol that follows itself would wait for its own count: neighbours are counted apart. A quarter of a scan's symbols,
 * those of 65,500 x 65,500 pixels at 4:4:4, are fewer than 2^32. */
static void count(const struct jpeg_symbols *symbols, size_t from, uint32_t counts[4][NCOUNTS])
{
	const uint16_t *at = symbols->symbols + from, *end = symbols->symbols + symbols->n;
	for (; end - at >= 4; at += 4) {
		counts[0][at[0]]++;
		counts[1][at[1]]++;
		counts[2][at[2]]++;
		counts[3][at[3]]++;
	}
	for (; at < end; at++)
		counts[0][*at]++;
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

/* Room for a component's blocks in a row of MCUs. */
static errint_t blocks_init(struct jpeg_mcu_blocks *blocks, const struct jpeg_picture *picture, unsigned c)
{
	*blocks = (struct jpeg_mcu_blocks){
	        .factor = c == 0 ? jpeg_picture_luma_factor(picture) : 1,
	        .ncols = divide_up(picture->layout->component[c].width, BLOCK),
	};
	size_t n = (size_t)blocks->factor * blocks->ncols + JPEG_KERNEL_PAD;
	blocks->blocks = calloc(n, sizeof *blocks->blocks);
	blocks->places = malloc(n * sizeof *blocks->places);
	return blocks->blocks && blocks->places ? 0 : -ENOMEM;
}

static void fill_blocks(struct jpeg_mcu_blocks *blocks, const struct jpeg_picture *picture, unsigned c,
                        uint32_t mcu_row)
{
	uint32_t first = mcu_row * blocks->factor;
	uint32_t left = divide_up(picture->layout->component[c].height, BLOCK) - first;
	blocks->nrows = left < blocks->factor ? left : blocks->factor;
	picture->fill(picture->context, c, first, blocks->nrows, blocks->blocks);
}

static void append_all(struct jpeg_symbols *symbols, uint32_t counts[4][NCOUNTS], const struct jpeg_picture *picture,
                       struct jpeg_mcu_row *row, uint32_t nrows)
{
	const struct jpeg_kernel *kernel = jpeg_kernel_best();
	for (uint32_t i = 0; i < nrows; i++) {
		size_t from = symbols->n;
		for (unsigned c = 0; c < row->ncomponents; c++)
			fill_blocks(&row->component[c], picture, c, i);
		kernel->append(symbols, row);
		count(symbols, from, counts);
	}
}

/* One piece for both: two are given back to the system, and faulted in again, picture after picture, where malloc is left to
 * its own thresholds. */
static errint_t room_init(struct jpeg_symbols *symbols, size_t n)
{
	symbols->symbols = malloc(2 * n * sizeof *symbols->symbols);
	if (!symbols->symbols)
		return -ENOMEM;
	symbols->bits = symbols->symbols + n;
	return 0;
}

errint_t jpeg_symbols_init(struct jpeg_symbols *symbols, size_t counts[JPEG_NTABLES * 256],
                           const struct jpeg_picture *picture)
{
	struct jpeg_mcu_row row = {.ncomponents = picture->layout->ncomponents};
	errint_t err = 0;
	size_t nblocks = 0; /* in an MCU */
	*symbols = (struct jpeg_symbols){.n = 0};
	for (unsigned c = 0; c < row.ncomponents && !err; c++) {
		err = blocks_init(&row.component[c], picture, c);
		nblocks += (size_t)row.component[c].factor * row.component[c].factor;
	}
	uint32_t nrows = divide_up(picture->layout->height, BLOCK * row.component[0].factor);
	row.nmcus = divide_up(row.component[0].ncols, row.component[0].factor);
	if (!err)
		err = room_init(symbols, JPEG_KERNEL_SYMBOLS * nblocks * row.nmcus * nrows);
	if (!err) {
		uint32_t apart[4][NCOUNTS] = {{0}};
		append_all(symbols, apart, picture, &row, nrows);
		for (size_t i = 0; i < NCOUNTS; i++)
			counts[i] = (size_t)apart[0][i] + apart[1][i] + apart[2][i] + apart[3][i];
	}
	for (unsigned c = 0; c < IC_COMPONENTS_MAX; c++) {
		free(row.component[c].blocks);
		free(row.component[c].places);
	}
	return err;
}

void jpeg_symbols_clear(struct jpeg_symbols *symbols)
{
	free(symbols->symbols);
	*symbols = (struct jpeg_symbols){.n = 0};
}
