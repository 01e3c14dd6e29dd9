/* SPDX-License-Identifier: MIT */
/*
 * jpeg_scan_priv.h: the entropy decoding of the JPEG that nearly all are: sequential, Huffman-coded, all components in one
 * scan, undamaged. It takes half the time that libjpeg takes, and gives the same coefficients.
 *
 * Whatever is not exactly that is refused, and the caller turns to libjpeg, which then decides what it is worth: what a
 * damaged file shows is libjpeg's to say.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jpeg_decompress_struct;
struct jpeg_scan;

/* MCUs along one side of an image in one scan, by its largest sampling factor there. Where a component is alone, they are
 * blocks (ITU-T T.81, A.2). */
static inline uint32_t jpeg_mcus(uint32_t nsamples, int factor_max, int ncomponents)
{
	uint32_t side = 8u * (ncomponents == 1 ? 1u : (uint32_t)factor_max);
	return (nsamples + side - 1) / side;
}

/* For a source whose header was just read, up to the first scan's data; that is not moved. NULL where it is of another
 * kind, or out of memory. The data must outlive the scan. */
struct jpeg_scan *jpeg_scan_new(const struct jpeg_decompress_struct *jpeg);
void jpeg_scan_free(struct jpeg_scan *scan); /* NULL is fine */

/* Decode the next row of MCUs. False where the data are not as they should be. */
bool jpeg_scan_next(struct jpeg_scan *scan);

/* Right after jpeg_scan_next refused a row: data stand for nothing there, and have not just ended. */
bool jpeg_scan_met_damage(const struct jpeg_scan *scan);

/* Of the row of MCUs decoded last, row `row` of blocks of a component: quantized coefficients at v * 8 + u. Borrowed until
 * the next call of jpeg_scan_next. */
const int16_t (*jpeg_scan_blocks(const struct jpeg_scan *scan, unsigned component, unsigned row))[64];

/* After the last row: the data ended where they should, and the file right behind them. */
bool jpeg_scan_ends_well(const struct jpeg_scan *scan);
