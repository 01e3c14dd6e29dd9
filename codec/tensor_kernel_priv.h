/* SPDX-License-Identifier: MIT */
/*
 * tensor_kernel_priv.h: the hot loops of decoding, once for each instruction set. All give the same bytes.
 *
 * Blocks are transformed many at a time, one to a lane: the codes of neighbouring blocks lie side by side in their plane,
 * so nothing has to be gathered, and frequencies that the design does not keep cost nothing.
 */
#pragma once

#include "codec/design.h"

#define TENSOR_LANES_MAX 32  /* blocks that any filling takes at a time */
#define TENSOR_SLACK 128     /* bytes that rows have behind their end where that is said */
#define TENSOR_PAIRS_MAX 172 /* of struct block_shape, at B = 32 */

/* How the codes q of a plane become coefficients: q * step + (q < 0 ? if_neg : if_nonneg), which is the formula of
 * docs/format.md, section 2: q * 2^d * s is whole, so only the place in the cell needs rounding. */
struct dequant {
	int16_t step, if_nonneg, if_neg;
};

/* What the blocks of one component have in common. */
struct block_shape {
	unsigned block;                            /* B, at least 2 */
	unsigned nu;                               /* columns that have a kept frequency lie below this */
	uint8_t nv[IC_BLOCK_MAX];                  /* for each of these, the same of its rows */
	int16_t plane[IC_BLOCK_MAX][IC_BLOCK_MAX]; /* [u][v]: which of the planes, or -1 */
	const struct dequant *dequant;             /* of each plane */
	int32_t pairs[TENSOR_PAIRS_MAX];           /* constants of the transform (block_shape_pairs) */
};

/* The constants in the order in which inverse transforms use them, two to a word. */
void block_shape_pairs(unsigned block, int32_t *pairs);

/* From codes to samples. */
struct unblock_kernel {
	unsigned lanes; /* blocks at a time */

	/* Samples of `lanes` blocks side by side, B rows `stride` apart. codes[p] has the 8-bit codes of plane p. `scratch`
	 * has room for nu * B * lanes numbers. */
	void (*inverse)(const struct block_shape *shape, const int8_t *const *codes, int16_t *scratch, uint8_t *samples,
	                size_t stride);

	/* The same at B = 1, n blocks; samples have TENSOR_SLACK behind them. */
	void (*inverse_one)(const int8_t *codes, struct dequant dequant, size_t n, uint8_t *samples);
};

/* From samples to pixels. Rows have TENSOR_SLACK behind their ends, which is read and written, but for `out` of the last
 * two, which have none. */
struct pixel_kernel {
	/* The triangle filter: 3 * near + far, n of them, */
	void (*triangle_down)(const uint8_t *near, const uint8_t *far, size_t n, uint16_t *out);
	/* and from these, and the ones at in[-1] and in[n], 2 * n samples. */
	void (*triangle_across)(const uint16_t *in, size_t n, uint8_t *out);

	/* n pixels from YCbCr to planes of R, G, B. */
	void (*color)(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t n, uint8_t *const rgb[3]);

	/* n pixels of planes side by side. */
	void (*interleave)(const uint8_t *const rgb[3], size_t n, uint8_t *out);

	/* (in[i] - mean) * scale */
	void (*to_f32)(const uint8_t *in, size_t n, float mean, float scale, float *out);
};

/* From codes to values of a tensor: coefficients, and those less the mean, times the scale. */
struct coef_kernel {
	void (*to_i8)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, int8_t *out);
	void (*to_i16)(const int8_t *codes, size_t n, struct dequant d, int16_t *out);
	void (*to_f16)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out);
	void (*to_f32)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, float *out);

	void (*half)(const float *in, size_t n, uint16_t *out); /* to binary16; no NaN */
};

struct tensor_kernel {
	const char *name; /* of the instruction set; "c" for plain C */
	const struct unblock_kernel *unblock;
	const struct pixel_kernel *pixel;
	const struct coef_kernel *coef;
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct tensor_kernel *tensor_kernel_at(unsigned index);

static inline const struct tensor_kernel *tensor_kernel_best(void)
{
	return tensor_kernel_at(0);
}
