/* SPDX-License-Identifier: MIT */
/*
 * stripes_priv.h: the samples of a component, a row of blocks at a time, so that no more is held than a reader that goes
 * down the rows needs.
 */
#pragma once

#include "codec/format.h"
#include "codec/tensor_kernel_priv.h"

#define STRIPES_HELD_MAX 4

struct stripes {
	const struct tensor_kernel *kernel;
	const struct ic_view *view;
	unsigned component, block, shift; /* 2^shift is block */
	uint32_t first_col, ncols;        /* columns of blocks that are decoded */
	struct block_shape shape;         /* owns its frequencies, and all that follows with them */
	bool spreads;                     /* the object has its codes not one to a byte, or fewer than a group */
	int8_t *spread;                   /* those of one row */
	size_t spread_stride;
	int16_t *scratch;               /* of the transform, */
	uint32_t run;                   /* of so many blocks at a time */
	uint8_t *samples;               /* nheld rows of blocks */
	size_t stride;                  /* bytes from row to row of samples */
	unsigned nheld;                 /* a power of two */
	int64_t held[STRIPES_HELD_MAX]; /* which rows of blocks */
};

/* Samples from column `left` up to, not including, `right` of a component of a view that was accepted. -ENOMEM. */
errint_t stripes_init(struct stripes *stripes, const struct tensor_kernel *kernel, const struct ic_view *view,
                      unsigned component, uint32_t left, uint32_t right);
/* Bytes that it takes at the most, for all columns. */
uint64_t stripes_memory(const struct ic_layout *layout, unsigned component);
void stripes_clear(struct stripes *stripes); /* zeroed is fine */

/* Sample (left, y), which TENSOR_SLACK and the row up to `right` follow. It and the rows before and after it stay until
 * one is asked for that is farther away than one. */
const uint8_t *stripes_row(struct stripes *stripes, uint32_t left, uint32_t y);
