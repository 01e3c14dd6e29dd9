/* SPDX-License-Identifier: MIT */
/*
 * jpegmake_priv.h: between jpegmake.c and jpegraw.c.
 */
#pragma once

#include "jpegmake.h"

/* Write all of the picture as raw YCbCr samples at the sampling factors that are set; raw_data_in must be. */
void jpegmake_write_raw(struct jpeg_compress_struct *cinfo, const struct picture *picture);
