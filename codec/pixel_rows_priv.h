/* SPDX-License-Identifier: MIT */
/* pixel_rows_priv.h: the pixels of a region of an image, a row at a time: samples from stripes, chroma to luma's grid, and
 * colour. */
#pragma once

#include "codec/stripes_priv.h"
#include "codec/tensor_priv.h"

struct pixel_rows {
	const struct tensor_job *job;
	struct stripes component[IC_COMPONENTS_MAX];
	unsigned ncomponents;
	bool is_half;  /* chroma, against luma, and filtered */
	uint32_t lead; /* 1: rows are made from the pixel before the region's first on, which chroma shares with it */
	uint32_t left, right; /* columns of chroma that the region needs: [left, right) */
	uint32_t first, last; /* those that are decoded: with their neighbours, first..last */
	int16_t *half[2];     /* one row of chroma, between the two passes of the triangle filter */
	uint8_t *rgb[3];      /* one row of pixels; the first of what is freed, and all that follows with it */
	uint8_t *repeated[2]; /* one row of chroma that is not filtered, on luma's grid */
	uint8_t *joined;      /* one row of all channels, for whoever needs one; with TENSOR_SLACK */
};

/* Rows of the job's region, of its image, by its kernel; the job is borrowed. -ENOMEM. */
errint_t pixel_rows_init(struct pixel_rows *rows, const struct tensor_job *job);
void pixel_rows_clear(struct pixel_rows *rows);

/* Planes of R, G, B of row y of the image, one and the same where it is gray; mirrored if the job says so. They have
 * TENSOR_SLACK, and stay until the next row is made. Rows are asked for from the top down. */
void pixel_rows_planes(struct pixel_rows *rows, uint32_t y, const uint8_t *rgb[3]);

/* Whether colours may be written where they belong, without a row between; */
bool pixel_rows_are_direct(const struct pixel_rows *rows);
/* that, from `lead` before the region on, as pixel_kernel.color takes `form`, `out` and `room`. */
void pixel_rows_color(struct pixel_rows *rows, uint32_t y, enum pixel_form form, uint8_t *const out[3], size_t room);

/* Mirror a row. */
void pixel_rows_reverse(uint8_t *row, uint32_t n);
