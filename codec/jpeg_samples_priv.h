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

/* Room for one component on its own grid, in whole blocks. -ENOMEM. */
errint_t jpeg_samples_new(const struct jpeg_plane *plane, struct samples *ret_samples, struct ic_why *why);

/* Fill one row of blocks: dequantized, inverse DCT, nothing else. */
void jpeg_samples_put(struct samples *samples, const struct jpeg_row *row);

/* Whether the components are Y, Cb, Cr (or Y) as they are. */
bool jpeg_samples_is_ycc(const struct ic_jpeg_info *info);

/* For a source that is not: bring the first three planes to full size and to Y, Cb, Cr. -ENOMEM. */
errint_t jpeg_samples_convert(const struct ic_jpeg_info *info, struct samples planes[4], struct ic_why *why);

/* The largest sampling factor of all components, across and down. */
unsigned jpeg_max_h(const struct ic_jpeg_info *info);
unsigned jpeg_max_v(const struct ic_jpeg_info *info);
