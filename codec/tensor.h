/* SPDX-License-Identifier: MIT */
/*
 * tensor.h: what a program that computes on images wants of an object: pixels or frequencies, in the type, the order of
 * axes and the size that its batch has, written into its own memory.
 *
 * A spec says what is wanted of every image, a window what of this one. ic_tensor_shape says how much room that takes,
 * before anything is decoded; ic_tensor_decode fills it. Nothing beyond that room is written, and nothing at all unless
 * all of it is: every check comes first, so that a call that fails leaves the caller's memory as it was.
 *
 * Pixels are those of ic_decode_rgb and coefficients those of ic_decode_coefficients, on every machine. What is made of
 * them, (value - mean) * scale, is IEEE single precision, each operation rounded, none fused; so results, too, are the
 * same on every machine. Orientation is not applied.
 *
 * All functions are thread safe; no state is shared between calls. For many images at once see batch.h.
 */
#pragma once

#include "format.h"

/* --- What is wanted of every image --------------------------------------------------------------------------------- */

enum ic_values {
	IC_RGB = 0, /* pixels on luma's grid, R, G, B, 0..255; grayscale gives R = G = B */

	/* Coefficients, in units of a JPEG coefficient (orthonormal DCT of samples less 128). A channel is a frequency of
	 * a component, in the order of the object's planes: the first frequency's Y, Cb, Cr, the second's, and so on.
	 * Rows and columns are blocks of luma. */
	IC_FREQUENCIES = 1,
};

enum ic_type {
	IC_UINT8 = 0,   /* pixels alone, and they have no mean and scale */
	IC_INT8 = 1,    /* frequencies alone: rounded to the nearest, halves to even, clamped to -128..127 */
	IC_INT16 = 2,   /* frequencies alone, and they have no mean and scale: the coefficients themselves */
	IC_FLOAT16 = 3, /* IEEE binary16, rounded to nearest even */
	IC_FLOAT32 = 4,
	IC_BFLOAT16 = 5, /* the upper half of IEEE binary32, rounded to nearest even */
};

enum ic_axes {
	IC_NCHW = 0, /* channels apart: each a plane of height rows of width values */
	IC_NHWC = 1, /* the channels of a pixel side by side; IC_RGB alone */
};

/* What becomes of chroma that is halved (designs of c2), in frequencies. */
enum ic_chroma_place {
	/* On luma's grid: each of its blocks stands for 2 x 2 of luma, and is repeated there. What Gueguen et al. (Faster
	 * Neural Networks Straight from JPEG, NeurIPS 2018) compare as upsampling by repetition; it keeps each coefficient
	 * as it is, where an interpolation would mix neighbouring blocks. */
	IC_CHROMA_REPEATED = 0,
	/* In an output of its own, of half as many rows and columns, rounded up: no value is written twice, and a network
	 * may join it where its own maps have become that small. */
	IC_CHROMA_APART = 1,
};

/* How an image that is not `width` x `height` becomes so; 0 is not at all, it is -ERANGE. The first two may both be set. */
#define IC_FIT_CROP 0x1u /* where it is larger: a part, the window's x and y on */
#define IC_FIT_PAD 0x2u  /* where it is smaller: `pad` to its right and below it */

/*
 * Pixels alone: the window's box is resized, by the triangle filter, as wide as a pixel of the larger of the two grids.
 * That is Pillow's antialiased BILINEAR, and gives its bytes: Image.crop(box).resize((width, height), BILINEAR), which is
 * torchvision's resized_crop. Nothing outside the box is looked at. Across first, then down, each in whole numbers and
 * rounded to 8 bits; other types are made of these.
 */
#define IC_FIT_RESIZE 0x4u

/* What a batch wants of each of its images. Zeroed: 8-bit RGB, NCHW, of the image's own size. */
struct ic_tensor_spec {
	uint8_t values; /* enum ic_values */
	uint8_t type;   /* enum ic_type */
	uint8_t axes;   /* enum ic_axes */
	uint8_t chroma; /* enum ic_chroma_place; frequencies alone */
	uint8_t components; /* frequencies alone: 1 is luma alone; 3 gives grayscale a chroma of 0; 0 is as the object has */
	uint8_t fit;        /* IC_FIT_ bits; they need width and height */

	/* 1: of the image only the whole blocks of the coarsest grid count (16 x 16 luma samples for c2 at block 8), what
	 * sticks out is cut off first. Then flips of frequencies are exact wherever the window lies. 0: all of it counts. */
	uint8_t whole_blocks;

	uint32_t width, height; /* of the output: pixels, or blocks of luma. 0 and 0: the image's own */

	/* IC_FIT_RESIZE alone. 0: the box becomes width x height. Else its shorter side becomes so long, at least width and
	 * height, the other one in proportion, rounded down, and the output is the middle of that; it begins at half of what
	 * is left over, halves to even. These are torchvision's Resize(short_side) and CenterCrop((height, width)). */
	uint32_t short_side;

	/* value = (value - mean[c]) * scale[c] for channel c of ic_tensor_shape, those of the output apart behind the
	 * others. Either may be NULL: a mean of 0, a scale of 1. All must be finite. The caller's; read while decoding.
	 * PyTorch's ToTensor and Normalize(m, s) are mean 255 * m, scale 1 / (255 * s). */
	const float *mean, *scale;

	float pad; /* what IC_FIT_PAD writes, after mean and scale: as it is, or rounded and clamped to a whole type */

	/* Images of more than so many pixels on luma's grid are -EFBIG: a few bytes of .ic may stand for a large image.
	 * 0 is IC_PIXELS_MAX. */
	uint64_t pixels_max;
};
#define IC_PIXELS_MAX 100000000u

/* The room that one image takes. Values lie one behind the other, no gaps between rows or channels. */
struct ic_tensor_shape {
	uint32_t channels, height, width;                      /* IC_RGB: 3 */
	uint32_t chroma_channels, chroma_height, chroma_width; /* the output apart; all 0 where there is none */
	uint32_t value_nbytes;                                 /* of one value: 1, 2 or 4 */
	size_t nbytes, chroma_nbytes;
};

/* Whether any image can be decoded by this spec. -EINVAL where it contradicts itself; the sentence begins with the field, that
 * of width and height with "size". Of mean and scale only whether they are there is looked at. */
IC_API errint_t ic_tensor_check(const struct ic_tensor_spec *spec, struct ic_why *why);

/*
 * Of what shape an image of this layout becomes, whatever its window. Images of one design, and a spec that has width,
 * height and components, are all of one shape.
 *
 * -EINVAL: as ic_tensor_check, or a mean or scale that is not finite. -EFBIG: more pixels than pixels_max, or more bytes than
 * a size_t counts. -ERANGE: another size than width x height, and `fit` does not help; or whole_blocks, and there is not one.
 */
IC_API errint_t ic_tensor_shape(const struct ic_layout *layout, const struct ic_tensor_spec *spec,
                                struct ic_tensor_shape *ret_shape, struct ic_why *why);

/* --- What is wanted of one image ----------------------------------------------------------------------------------- */

#define IC_CENTER UINT32_MAX

/*
 * Where IC_FIT_CROP begins, and whether the result is mirrored left to right. Along an axis on which the image is not
 * larger than the output, x or y must be 0 or IC_CENTER. Under IC_FIT_RESIZE: where the box lies in the image, in its
 * pixels, as any box that is not empty and within it.
 *
 * Pixels: any place, any width, and a flip is exactly the mirrored pixels.
 *
 * Frequencies: x and y count blocks of luma, and are even where chroma is halved (IC_CENTER rounds down to that). A flip
 * reverses the blocks of a row and changes the sign of every odd horizontal frequency, which is exactly the transform of
 * the mirrored samples; what a decoder makes of them differs by 1 where its inverse transform rounds a tie. So that it is
 * one of the picture too, the window must be made of whole blocks of the coarsest grid: an even number of columns where
 * chroma is halved, and not those that stick out of the picture, which whole_blocks cuts off. Else -ERANGE.
 */
struct ic_window {
	uint32_t x, y;
	uint8_t flip; /* 0 or 1 */

	/* Of the box that IC_FIT_RESIZE resizes; 0: up to the image's edge, of all of it where the place is IC_CENTER. Else
	 * 0. */
	uint32_t width, height;
};

/* What of the image is shown: `width` x `height` from (x, y) on, in the spec's unit. It lies at the upper left of the
 * output, mirrored in its own place if asked for; what is right of it and below is padding. Under IC_FIT_RESIZE it is the
 * box. */
struct ic_region {
	uint32_t x, y, width, height;
};

/* window may be NULL: x = y = 0, no flip. Failures as ic_tensor_shape, and -ERANGE for a window that the image does not
 * hold, -EINVAL for one that is not on the grid of chroma. */
IC_API errint_t ic_tensor_region(const struct ic_layout *layout, const struct ic_tensor_spec *spec,
                                 const struct ic_window *window, struct ic_region *ret_region, struct ic_why *why);

/*
 * Decode into `out`, and into `chroma` what is apart (else it is not looked at, and may be NULL). Each has the room that
 * ic_tensor_shape says, and is aligned as its type needs. The view is one that ic_view_parse or ic_view_parse_prefix
 * accepted; it, the spec and the window are only read.
 *
 * Failures as ic_tensor_region, and -ENOMEM; none has written anything.
 *
 * Beside the output it takes memory for some rows of blocks of the image. IC_FIT_RESIZE takes, with w x h the box and W x H
 * the output, at most 224 * (w + W + 600) + 24 * h + 32 * H + 3 * (W + 192) * (2 * h / H + 40) bytes more.
 */
IC_API errint_t ic_tensor_decode(const struct ic_view *view, const struct ic_tensor_spec *spec,
                                 const struct ic_window *window, void *out, void *chroma, struct ic_why *why);

/*
 * All pixels of an image as they are, four bytes each: R, G, B, 255, which is how Pillow, graphics and windowing systems
 * hold them. Rows of 4 * width bytes, `stride` bytes from row to row; what lies between is left alone. The view is one that
 * ic_view_parse or ic_view_parse_prefix accepted. How large an image it stands for, is for the caller to look at. -ENOMEM.
 */
IC_API errint_t ic_tensor_rgbx(const struct ic_view *view, uint8_t *out, size_t stride);

/* The instruction set that tensors are decoded with on this machine: "avx512", "avx2", "ssse3", "neon" or "c". All give the
 * same. */
IC_API const char *ic_tensor_instructions(void);
