/* SPDX-License-Identifier: MIT */
/*
 * design.h: the design space. A design says which samples, which frequencies and how many bits of an image are kept.
 *
 * Written form, always in this order: sXxY-bB-kK-qQ[-cC][-fF][-oO], for example s2x2-b8-k6-q8 or s1x1-b8-k15-q8-c1.
 *
 *   sXxY  sampling: keep every X-th column and every Y-th row; X, Y in {1, 2, 4}
 *   bB    partitioning: blocks of B x B samples, orthonormal 2-D DCT-II of each; B in {1, 2, 4, 8, 16} and, beyond the
 *         base space, 32
 *   kK    pruning: K of the 2B-1 groups of frequencies are kept, 1..2B-1 (see ic_order)
 *   qQ    quantization: Q bits a coefficient, 1..8
 *   cC    chroma: c2 (the default, left out when printed) halves Cb and Cr both ways, c1 does not
 *   fF    filter when sampling: fdrop (default) or fbox
 *   oO    pruning order: oh (default), ol, ox, oy
 *
 * The base space is every (s, b, k, q) with b <= 16 and the defaults for the rest: 9 x 57 x 8 = 4,104 designs. The
 * published talk on the Image Calculator (SIGMOD 2024) gives that total and the pruning domain of 2B-1 anti-diagonals;
 * the other domains are our reading of 4,104.
 *
 * All functions are pure and thread safe.
 */
#pragma once

#include "errint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IC_DESIGN_COUNT 4104     /* designs of the base space */
#define IC_DESIGN_STRING_SIZE 40 /* bytes that any printed design fits in, terminator included */
#define IC_BLOCK_MAX 32

/* What a plane of chroma is, against luma's sampled grid. */
enum ic_chroma {
	IC_CHROMA_FULL = 1, /* the same grid as luma */
	IC_CHROMA_HALF = 2, /* half of it both ways, rounded up */
};

/* What becomes of the samples between the kept ones. */
enum ic_filter {
	IC_FILTER_DROP = 0, /* nothing: sample i is the source's at floor(i * ratio) */
	IC_FILTER_BOX = 1,  /* the mean of the samples a kept one stands for */
};

/* The order in which groups of frequencies are pruned; kK keeps the K groups that would be pruned last. (u, v) is the
 * horizontal and vertical frequency, 0..B-1. */
enum ic_order {
	/* oh: anti-diagonals u+v from the highest: kK keeps u+v = 0..K-1 */
	IC_ORDER_HIGH = 0,
	/* ol: anti-diagonals from the lowest: kK keeps u+v = 2B-2..2B-1-K */
	IC_ORDER_LOW = 1,
	/* ox: columns u from both ends, B-1, 0, B-2, 1, ...; each in two steps, first v >= B/2, then v < B/2; the last
	 * column goes in one: 2B-1 steps */
	IC_ORDER_COLUMNS = 2,
	/* oy: the same with u and v exchanged */
	IC_ORDER_ROWS = 3,
};

struct ic_design {
	uint8_t sx, sy; /* 1, 2, 4: samples of the source that one kept sample stands for, across and down */
	uint8_t block;  /* 1, 2, 4, 8, 16, 32: side of a block, in samples */
	uint8_t keep;   /* 1..2*block-1: groups of frequencies kept */
	uint8_t bits;   /* 1..8: bits a coefficient */
	uint8_t chroma; /* enum ic_chroma */
	uint8_t filter; /* enum ic_filter */
	uint8_t order;  /* enum ic_order */
};

/* The design served where nobody chose one: s1x1-b8-k15-q8. */
IC_API struct ic_design ic_design_default(void);

IC_API bool ic_design_is_valid(const struct ic_design *design);

/* Valid, and one of the 4,104. */
IC_API bool ic_design_is_base(const struct ic_design *design);

IC_API bool ic_design_equal(const struct ic_design *a, const struct ic_design *b);

/* Read the written form. Defaults may be spelled out, the order of the parts is fixed, nothing may follow. -EINVAL, and
 * what was expected in `why` (may be NULL), for anything else. */
IC_API errint_t ic_design_parse(const char *text, struct ic_design *ret_design, struct ic_why *why);

/* Write a valid design in its shortest form; returns its length without the terminator. */
IC_API size_t ic_design_print(const struct ic_design *design, char out[IC_DESIGN_STRING_SIZE]);

/* The base space in a fixed order: sampling outermost (sx, then sy), then block, keep, bits, each rising.
 * ic_design_at: -EINVAL when index >= IC_DESIGN_COUNT. ic_design_index: the inverse, or -EINVAL outside the base. */
IC_API errint_t ic_design_at(unsigned index, struct ic_design *ret_design);
IC_API int ic_design_index(const struct ic_design *design);

/* Frequencies kept in each component, which is the number of its planes: K of the groups, 1..block*block. */
IC_API unsigned ic_design_nfreqs(const struct ic_design *design);

/* Order by density: negative, zero or positive as `a` keeps fewer, the same or more bits of coefficients for a large
 * source with three components than `b`. Exact (whole numbers), a total preorder. */
IC_API int ic_design_compare_density(const struct ic_design *a, const struct ic_design *b);

/* Whether an object of `dense` holds all that an object of `sparse` needs, so that ic_derive makes it without the source:
 * the same sampling, block, chroma and filter, every frequency of `sparse`, and q8 (or the same q). */
IC_API bool ic_design_covers(const struct ic_design *dense, const struct ic_design *sparse);

/* The same at q8: it covers this one, and all others that differ in their bits alone. */
IC_API struct ic_design ic_design_at_q8(const struct ic_design *design);
