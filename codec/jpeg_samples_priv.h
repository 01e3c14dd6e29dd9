/* SPDX-License-Identifier: MIT */
/* jpeg_samples_priv.h: the components of a decoded JPEG as samples, converted to JFIF YCbCr where they are not. */
#pragma once

#include "codec/grid_priv.h"
#include "codec/jpeg_reader_priv.h"

/* A plane that owns its samples. */
struct samples {
	struct plane8 plane;
	uint8_t *memory;
};
void samples_free(struct samples *samples); /* zeroed is fine */

/* One component on its own grid: dequantized, inverse DCT, nothing else. -ENOMEM. */
errint_t jpeg_samples_component(struct jpeg_reader *reader, unsigned component, struct samples *ret_samples,
                                struct ic_why *why);

/* Whether the components are Y, Cb, Cr (or Y) as they are. */
bool jpeg_samples_is_ycc(const struct ic_jpeg_info *info);

/* For a source that is not: three full-size planes of Y, Cb, Cr. The first is freed by the caller, with the others. */
errint_t jpeg_samples_converted(struct jpeg_reader *reader, const struct ic_jpeg_info *info,
                                struct samples ret_samples[3], struct ic_why *why);

/* The largest sampling factor of all components, across and down. */
unsigned jpeg_max_h(const struct ic_jpeg_info *info);
unsigned jpeg_max_v(const struct ic_jpeg_info *info);
