/* SPDX-License-Identifier: MIT */
/*
 * resize.h: what IC_FIT_RESIZE makes of which samples (tensor.h), for the decoders of this library. The triangle filter is
 * Pillow's: operations are those of precompute_coeffs() in its Resample.c, in its order, for each is rounded; so they may
 * not be fused. nvcc takes this file, too.
 */
#pragma once

#include <stdint.h>

#if defined(__CUDACC__)
#define RESIZE_INLINE static __host__ __device__ __forceinline__
#else
#define RESIZE_INLINE static inline
#endif

/* Weights are whole numbers of 1 / RESIZE_ONE. */
#define RESIZE_BITS 22
#define RESIZE_ONE (1 << RESIZE_BITS)

/* --- Sizes --------------------------------------------------------------------------------------------------------- */

/* So many pixels a box becomes, of which the output is a part. */
struct resize_size {
	uint32_t width, height;
	uint32_t left, top; /* of the output in it */
};

/* (has - wants) / 2, halves to even, as Python's round. */
RESIZE_INLINE uint32_t resize_middle(uint32_t has, uint32_t wants)
{
	uint32_t room = has - wants, half = room / 2;
	return half + (room % 2 && half % 2);
}

/* Of a box, with width, height and short_side of struct ic_tensor_spec; of sides of at most IC_SIDE_MAX, so that no product
 * is too large. */
RESIZE_INLINE struct resize_size resize_size_of(uint32_t box_width, uint32_t box_height, uint32_t width,
                                                uint32_t height, uint32_t short_side)
{
	struct resize_size size = {width, height, 0, 0};
	if (!short_side)
		return size;
	size.width = size.height = short_side;
	if (box_width <= box_height)
		size.height = (uint32_t)((uint64_t)short_side * box_height / box_width);
	else
		size.width = (uint32_t)((uint64_t)short_side * box_width / box_height);
	size.left = resize_middle(size.width, width);
	size.top = resize_middle(size.height, height);
	return size;
}

/* --- The filter ---------------------------------------------------------------------------------------------------- */

/* The triangle of a place among the samples. */
struct resize_triangle {
	double middle, scale; /* 1 / half its width */
	uint32_t first, n;    /* samples that it reaches */
};

/* Half the width, where nin samples become nall. */
RESIZE_INLINE double resize_reach(uint32_t nin, uint32_t nall)
{
	double ratio = (double)nin / nall;
	return ratio < 1 ? 1 : ratio;
}

/* A triangle reaches twice that many samples, and a part of one more. */
RESIZE_INLINE uint32_t resize_ntaps_max(uint32_t nin, uint32_t nall)
{
	return 2 * (uint32_t)resize_reach(nin, nall) + 3;
}

RESIZE_INLINE struct resize_triangle resize_triangle_at(uint32_t nin, uint32_t nall, uint32_t place)
{
	double reach = resize_reach(nin, nall), middle = (place + 0.5) * ((double)nin / nall);
	double from = middle - reach + 0.5, to = middle + reach + 0.5;
	uint32_t first = from > 0 ? (uint32_t)from : 0, end = to < nin ? (uint32_t)to : nin;
	struct resize_triangle triangle = {middle, 1.0 / reach, first, end - first};
	return triangle;
}

/* Above sample first + i. */
RESIZE_INLINE double resize_height_at(const struct resize_triangle *t, uint32_t i)
{
	double away = ((double)(i + t->first) - t->middle + 0.5) * t->scale;
	away = away < 0 ? -away : away;
	return away < 1 ? 1 - away : 0;
}

/* Of a sample at which the triangle has this height, of all heights, added from the first one on. */
RESIZE_INLINE uint32_t resize_weight(double height, double sum)
{
	return (uint32_t)(0.5 + height / sum * RESIZE_ONE);
}
