/* SPDX-License-Identifier: MIT */
/*
 * tile_priv.h: what the kernels are told of a batch. All of it is plain data that the host fills (plan.c) and the device
 * reads; nothing in an object's own bytes decides where anything is read or written.
 *
 * The kernels are functions of a thread's number, or of a warp's, in headers that both compilers take: nvcc makes the
 * kernels of them (kernels.cu), the C compiler a loop over all threads (tests/gpu/tile_on_cpu.c), by which every kernel is
 * held to the reference on machines without a GPU.
 */
#pragma once

#include "codec/tensor.h"

#define TILE_THREADS 256u /* of a thread block */
#define TILE_LANES 32u    /* of a warp */
#define TILE_GROUP 4u     /* blocks of a row whose codes are a word */
#define TILE_PIXELS 8u    /* pixels of a row that a thread colours */
#define TILE_LEAD 4u      /* samples before each row of chroma: room for the one left of the first */

/* One component of an image. */
struct tile_component {
	uint32_t width, height; /* samples */
	uint32_t cols;          /* blocks in a row */
	/* Of pixels, where codes are copied: a tile's of a plane are taken with all that lies between them (struct
	 * tile_span). */
	uint32_t is_one_run;
	uint32_t is_words; /* codes are bytes, and every fourth of a row lies at a multiple of 4 */
	uint64_t plane;    /* bytes from the object's first one to the plane of the first frequency */
};

/* What of an image an output of frequencies shows, in that output's blocks. */
struct tile_part {
	uint32_t x, y, width, height;
	uint32_t is_filled; /* nothing is padding */
	uint32_t is_whole;  /* and each channel shows a plane as it lies */
};

/* One image. `object` lies in device memory, at a multiple of 4, with TILE_SLACK bytes behind it that may be read. */
#define TILE_SLACK 16u
struct tile_image {
	const uint8_t *object; /* NULL: the image's place is zeroed */
	uint32_t stride;       /* bytes from the planes of one frequency to those of the next: below 2^32 */
	struct tile_component component[IC_COMPONENTS_MAX];
	uint32_t ncomponents;
	uint32_t x, y, width, height; /* what of it is shown (struct ic_region) */
	uint32_t is_flipped;
	struct tile_part part[2]; /* of frequencies: in the first output, and in the one apart */
};

/* Where a tile of pixels keeps what, in the memory that its threads share: bytes from the first one on. */
struct tile_room {
	uint32_t matrix;
	/* Of each (v, u) of a piece, and each component: how its codes become coefficients, a step or struct tile_dequant; and
	 * where, in `codes`, those of its plane begin, or, by lines, its frequency. */
	uint32_t dequants, origins;
	uint32_t codes[IC_COMPONENTS_MAX];
	/* Of transforms by lines (tile_lines_priv.h), of luma and of both components of chroma: columns, from row to
	 * row, and from Cb to Cr. */
	uint32_t lines[2], line_nbytes[2], line_second;
	uint32_t luma_stride, chroma_stride; /* samples from row to row */
	uint32_t luma, chroma;               /* samples: a byte each, or two bytes, and words of Cb and Cr */
	uint32_t nbytes;
};

/* A number to divide by, for tile_divide. */
struct tile_divisor {
	uint32_t magic, shift;
};

/* One of the two outputs of frequencies. */
struct tile_output {
	uint32_t channels, width, height, per_channel, nvalues;
	uint32_t nvectors;                                   /* of eight values, the last one perhaps of fewer */
	struct tile_divisor by_channel, by_width, by_height; /* by per_channel, width, height */
	uint32_t first_channel;                              /* of mean and scale */
	uint32_t first_component, ncomponents;
	uint32_t shift;      /* 1: components but the first have one block for 2 x 2 */
	uint32_t is_aligned; /* it takes vectors: 16 bytes, or eight values where these are fewer */
};

/* What a batch has in common. */
struct tile_plan {
	uint32_t block, bits, nfreqs;
	uint32_t is_half;            /* chroma, against luma */
	uint32_t values, type, axes; /* enums of tensor.h */
	uint32_t is_apart;           /* chroma is an output of its own */
	uint32_t value_nbytes;
	uint32_t width, height;             /* of the first output */
	struct tile_output output[2];       /* of frequencies */
	uint32_t nvectors;                  /* of both */
	struct tile_divisor by_vectors;     /* by nvectors */
	uint64_t out_stride, chroma_stride; /* bytes from image to image */
	uint32_t is_aligned;                /* of pixels: as in struct tile_output */
	uint64_t channel_nbytes;            /* of pixels: from a pixel's value of one channel to that of the next */
	float rgb_mean[3], rgb_scale[3];    /* of pixels */
	float rgb_tiny_scale[3];            /* scale * 2^24 */
	float rgb_offset[3];
	uint32_t is_fused; /* a pixel's number is as well, once it has its type, byte * scale + offset, rounded once */
	float pad;
	uint32_t has_no_padding;   /* where pixels would be padding nothing is written */
	const float *mean, *scale; /* of each channel of frequencies; device memory */
	uint32_t is_fast;          /* of pixels: tile_fast_priv.h makes their samples */
	const uint32_t *basis;     /* for that (tile_plan_put_basis); device memory, at a multiple of 16 */
	/* Half precision of a share of 255, in both halves: scale * 255, and -mean * scale. */
	uint32_t fast_scale[3], fast_offset[3];

	/* Of pixels; so many rows of tiles an output of an image may touch. */
	uint32_t tile_width, tile_height, tile_height_log2, tiles_across, tiles_down;
	uint32_t strip_tiles, strips_down;           /* tiles of a strip, and strips of an image, one below another */
	uint32_t luma_block_rows, chroma_block_rows; /* that a tile needs at most */
	struct tile_divisor by_tiles_across;
	struct tile_divisor by_across; /* of a tile's threads in a row */
	uint32_t pairs_at_once;        /* so many pairs of rows all its threads take together */
	struct tile_room room;

	uint32_t is_odd[IC_BLOCK_MAX * IC_BLOCK_MAX / 32]; /* bit f % 32 of f / 32: of frequency f, u is odd */
	/* Of transforms by lines: columns of frequencies, and of each how many may be kept, from the first on. */
	uint8_t nu, nv[8];
	/* Of each place in a piece (tile_transform_priv.h): a frequency, or -1. */
	int16_t freq_at[IC_BLOCK_MAX * IC_BLOCK_MAX];
};

/*
 * How the codes q of a plane become coefficients: q * step + (the upper half of `means` if q < 0, else the lower), both of
 * which are the mean place in its cell, rounded (docs/format.md, section 2: q * 2^d * s is whole).
 */
struct tile_dequant {
	uint32_t step, means;
};
