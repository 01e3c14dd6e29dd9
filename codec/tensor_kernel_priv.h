/* SPDX-License-Identifier: MIT */
/*
 * tensor_kernel_priv.h: the hot loops of decoding, once for each instruction set. All give the same bytes.
 *
 * Blocks are transformed many at a time, one to a lane: the codes of neighbouring blocks lie side by side in their plane,
 * so nothing has to be gathered, and frequencies that the design does not keep cost nothing.
 */
#pragma once

#include "codec/design.h"
#include "codec/resize.h"

#define TENSOR_LANES_MAX 32 /* blocks that any filling takes at a time */
#define TENSOR_SLACK 128    /* bytes that rows have behind their end where that is said */
#define SPREAD_SLACK 64
#define TENSOR_PAIRS_MAX 172 /* of struct block_shape, at B = 32 */

/* Two numbers as lanes_madd multiplies them: in memory the first one comes first. */
static inline int32_t tensor_pair(int16_t first, int16_t second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (int32_t)((uint32_t)second << 16 | (uint16_t)first);
#else
	return (int32_t)((uint32_t)first << 16 | (uint16_t)second);
#endif
}

/* How the codes q of a plane become coefficients: q * step + (q < 0 ? if_neg : if_nonneg), which is the formula of
 * docs/format.md, section 2: q * 2^d * s is whole, so only the place in the cell needs rounding. */
struct dequant {
	int16_t step, if_nonneg, if_neg;
};

/* A frequency of a column: codes q become q * step + (q < 0 ? if_nonneg + change : if_nonneg). One that the design does not
 * keep has any codes, and step and all 0. */
struct frequency {
	const int8_t *codes;
	int32_t step, if_nonneg, change; /* of 16 bits, twice */
};

/* What the blocks of one component have in common. */
struct block_shape {
	unsigned block;                /* B, at least 2 */
	unsigned nu;                   /* columns that have a kept frequency lie below this */
	uint8_t nv[IC_BLOCK_MAX];      /* for each of these, the same of its rows */
	bool is_product[IC_BLOCK_MAX]; /* and whether none of its frequencies has anything to add to products */
	struct frequency *frequencies; /* [u * B + v] */
	unsigned npairs;
	int32_t pairs[TENSOR_PAIRS_MAX]; /* constants of the transform (block_shape_pairs) */
};

/* The constants in the order in which inverse transforms use them, two to a word; returns how many. */
unsigned block_shape_pairs(unsigned block, int32_t *pairs);

/* Blocks side by side. Block i has the 8-bit codes[first + i] of each frequency. */
struct block_run {
	size_t first, n;  /* n is at least the filling's lanes */
	size_t next;      /* how far behind them those lie that are wanted next, so that they are fetched by then */
	int16_t *scratch; /* nu * B numbers for each of n blocks, rounded up to whole lanes */
	uint8_t *samples; /* B rows of n * B, */
	size_t stride;    /* so far apart */
};

struct unblock_kernel {
	unsigned lanes; /* blocks at a time */

	/* From codes to samples. */
	void (*inverse)(const struct block_shape *shape, const struct block_run *run);

	/* The same at B = 1, n blocks, at least `lanes`. */
	void (*inverse_one)(const struct frequency *frequency, size_t first, size_t n, uint8_t *samples);
};

/* One row of pixels, n of them; samples have TENSOR_SLACK behind their ends, which is read. */
struct pixel_row {
	size_t n;
	const uint8_t *luma;
	const uint8_t *chroma[2]; /* on luma's grid; or NULL, and */
	const int16_t
	        *half[2]; /* what triangle_down made of it, from the pixel at luma[0] on, and one before and behind */
};

/* What a row's values become: less the mean, times the scale, which follow each other again and again. So many that all
 * registers are filled, by one channel or three. */
#define PIXEL_NUMBERS 48
struct pixel_numbers {
	float mean[PIXEL_NUMBERS], scale[PIXEL_NUMBERS];
};

/* How the channels of a row of pixels lie. */
enum pixel_form {
	PIXELS_APART,    /* each in an output of its own */
	PIXELS_JOINED,   /* side by side: R, G, B */
	PIXELS_IN_FOURS, /* R, G, B, 255 */
	PIXEL_FORMS,
};

/* Bytes of a pixel in its output. */
static inline size_t pixel_form_nbytes(enum pixel_form form)
{
	return form == PIXELS_APART ? 1 : form == PIXELS_JOINED ? 3 : 4;
}

/* From samples to pixels. */
struct pixel_kernel {
	/* The triangle filter from row to row: of n samples and those of the row at the other side; out has TENSOR_SLACK. */
	void (*triangle_down)(const uint8_t *near, const uint8_t *far, size_t n, int16_t *out);

	/* [is chroma halved][of what form; but for PIXELS_APART it is out[0] alone]. Each output has `room` bytes that may be
	 * written, those of the row at the least; what lies behind these is left as it was or not. */
	void (*color[2][PIXEL_FORMS])(const struct pixel_row *row, uint8_t *const out[3], size_t room);

	/* n pixels of planes side by side; planes have TENSOR_SLACK. */
	void (*interleave)(const uint8_t *const rgb[3], size_t n, uint8_t *out);

	/* n values, which have TENSOR_SLACK. */
	void (*to_f32)(const uint8_t *in, size_t n, const struct pixel_numbers *numbers, float *out);
	void (*to_f16)(const uint8_t *in, size_t n, const struct pixel_numbers *numbers, uint16_t *out);
	void (*to_bf16)(const uint8_t *in, size_t n, const struct pixel_numbers *numbers, uint16_t *out);
};

/* From codes to values of a tensor: coefficients, and those less the mean, times the scale. */
struct coef_kernel {
	/* n codes of `bits` bits, 1 to 8, from the byte `in` on, sign-extended, one to a byte. Reads nothing from `end` on;
	 * writes up to SPREAD_SLACK bytes behind the last. */
	void (*spread)(const uint8_t *in, const uint8_t *end, unsigned bits, size_t n, int8_t *out);

	void (*to_i8)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, int8_t *out);
	void (*to_i16)(const int8_t *codes, size_t n, struct dequant d, int16_t *out);
	void (*to_f16)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out);
	void (*to_bf16)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, uint16_t *out);
	void (*to_f32)(const int8_t *codes, size_t n, struct dequant d, float mean, float scale, float *out);

	void (*half)(const float *in, size_t n, uint16_t *out);   /* to binary16; no NaN */
	void (*bfloat)(const float *in, size_t n, uint16_t *out); /* to bfloat16; no NaN */
};

/* The weights of two rows, in 1 / RESIZE_ONE: high * 2^RESIZE_LOW_BITS + low, so that each fits a product of 16 bits. */
#define RESIZE_LOW_BITS 11
struct resize_taps {
	int16_t high[2], low[2];
};

/* From pixels to those of another size. Sums are less than 2^31 for up to 2^17 weights that add up to RESIZE_ONE, give or
 * take half of one each. */
struct resize_kernel {
	/* n bytes of each of 2 * npairs rows to their mean, clamped. Of rows and of out, up to TENSOR_SLACK bytes more are
	 * read and written. */
	void (*weigh)(const uint8_t *rows, size_t stride, const struct resize_taps *taps, size_t npairs, size_t n,
	              uint8_t *out);

	/* 16 rows of n bytes, with TENSOR_SLACK, to n columns of 16 bytes, n rounded up to 16. */
	void (*transpose)(const uint8_t *in, size_t stride, size_t n, uint8_t *out, size_t out_stride);
};

struct tensor_kernel {
	const char *name; /* of the instruction set; "c" for plain C */
	const struct unblock_kernel *unblock;
	const struct pixel_kernel *pixel;
	const struct coef_kernel *coef;
	const struct resize_kernel *resize;
};

/* The fillings that this machine can run, the best one first; NULL at `index` past the last. */
const struct tensor_kernel *tensor_kernel_at(unsigned index);

static inline const struct tensor_kernel *tensor_kernel_best(void)
{
	return tensor_kernel_at(0);
}
