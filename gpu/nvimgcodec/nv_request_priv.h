/* SPDX-License-Identifier: MIT */
/*
 * nv_request_priv.h: what nvImageCodec asks of one image, checked: which part of it, how turned, as which channels, and
 * where each sample goes. What cannot be done is said in its own bits, so that the framework may ask otherwise or ask
 * another decoder.
 */
#pragma once

#include "nv_turn_priv.h"

#define NV_CHANNELS_MAX 3u

/* An image as it is stored. */
struct nv_stored {
	uint32_t width, height;
	struct nv_turn turn; /* to how it is displayed */
};

/* Rectangles may stick out of the image, on all sides; so coordinates have signs. */
struct nv_rect {
	int64_t x, y, width, height;
};

struct nv_request {
	unsigned nchannels;     /* 1: luma; 3: R, G, B */
	struct nv_turn turn;    /* none where none is to be applied */
	struct nv_rect display; /* the image as turned, from (0, 0) on */
	struct nv_rect region;  /* the part of it that is asked for: what the output holds */

	/* Sample c of output pixel (x, y) is at buffer + channel_offset[c] + x * pixel_step + y * row_step; c counts R, G, B
	 * also where the output has B first. In bytes. */
	uint8_t *buffer;
	size_t channel_offset[NV_CHANNELS_MAX], pixel_step, row_step;
	uint8_t fill[NV_CHANNELS_MAX]; /* of what lies outside the image */

	bool on_device;      /* the buffer is in a GPU's memory */
	cudaStream_t stream; /* with which that memory's use is ordered */
};

/* What of `stored` becomes `image`; NVIMGCODEC_PROCESSING_STATUS_SUCCESS, or all that is in the way. */
nvimgcodecProcessingStatus_t nv_request_init(struct nv_request *ret_request, const struct nv_stored *stored,
                                             const nvimgcodecImageDesc_t *image,
                                             const nvimgcodecCodeStreamDesc_t *code_stream,
                                             const nvimgcodecDecodeParams_t *params);

/* The same by what the parser said, before the stream is read: for canDecode. */
nvimgcodecProcessingStatus_t nv_request_check(struct nv_request *ret_request, const nvimgcodecImageDesc_t *image,
                                              const nvimgcodecCodeStreamDesc_t *code_stream,
                                              const nvimgcodecDecodeParams_t *params);

/* The part of the region that is inside of the image; width or height is 0 where there is none. */
struct nv_rect nv_request_inside(const struct nv_request *request);

/* Where the pixels of a displayed rectangle, which is inside, are stored. */
struct nv_rect nv_request_stored(const struct nv_request *request, const struct nv_rect *displayed);

/* Whether R, G, B lie without gaps, side by side (*ret_planar = false) or as planes. */
bool nv_request_is_tight(const struct nv_request *request, bool *ret_planar);
