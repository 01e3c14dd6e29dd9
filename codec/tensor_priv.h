/* SPDX-License-Identifier: MIT */
/* tensor_priv.h: what the decoders of tensor.h share. Their callers have checked everything. */
#pragma once

#include "codec/resize.h"
#include "codec/tensor.h"
#include "codec/tensor_kernel_priv.h"

/* One image to be decoded. */
struct tensor_job {
	const struct tensor_kernel *kernel;
	const struct ic_view *view;
	const struct ic_tensor_spec *spec;
	struct ic_tensor_shape shape;
	struct ic_region region;
	struct resize_size scaled; /* IC_FIT_RESIZE */
	bool flip;
	void *out, *chroma;
};

/* -ENOMEM, before anything is written. */
errint_t tensor_pixels(const struct tensor_job *job);
errint_t tensor_resize(const struct tensor_job *job);
errint_t tensor_freqs(const struct tensor_job *job);

/* Bytes that decoding pixels takes at the most, beside those. */
uint64_t tensor_memory(const struct ic_layout *layout);

/* As ic_decode_component, which is what the kernels are tested against, by the kernels. -ENOMEM. */
errint_t tensor_component(const struct ic_view *view, unsigned component, uint8_t *out, size_t stride);

/* Pixels as BMPs have them: the last row first, B before G and R, or one byte of gray; `stride` bytes from row to row.
 * -ENOMEM. */
errint_t tensor_bmp_rows(const struct ic_view *view, uint8_t *out, size_t stride);

/* As ic_tensor_rgbx and ic_tensor_decode, with a kernel of the caller's choice. */
errint_t tensor_rgbx_with(const struct tensor_kernel *kernel, const struct ic_view *view, uint8_t *out, size_t stride);
errint_t tensor_decode_with(const struct tensor_kernel *kernel, const struct ic_view *view,
                            const struct ic_tensor_spec *spec, const struct ic_window *window, void *out, void *chroma,
                            struct ic_why *why);

/* Write `n` values of padding. */
void tensor_pad(const struct tensor_job *job, void *out, size_t n);

static inline float tensor_mean(const struct ic_tensor_spec *spec, unsigned channel)
{
	return spec->mean ? spec->mean[channel] : 0;
}

static inline float tensor_scale(const struct ic_tensor_spec *spec, unsigned channel)
{
	return spec->scale ? spec->scale[channel] : 1;
}
