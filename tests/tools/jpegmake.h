/* SPDX-License-Identifier: MIT */
/*
 * jpegmake.h: a picture as a JPEG of any kind that libjpeg-turbo can write. Errors end the program: the callers are
 * tools.
 */
#pragma once

#include "picture.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jpeglib.h>

/* What the file is to be. Zeroed: YCbCr 4:2:0, baseline, quality 75, Huffman, JFIF. */
struct jpeg_spec {
	int quality;          /* 1..100; 0 for 75 */
	J_COLOR_SPACE space;  /* of the file; JCS_UNKNOWN for YCbCr */
	uint8_t h[4], v[4];   /* sampling factors; h[0] == 0 for 4:2:0, and for 1x1 where there is no YCC */
	unsigned restart;     /* MCUs in a restart interval */
	unsigned orientation; /* an EXIF tag of this value, 1..8 */
	bool progressive;
	bool spectral_scans; /* progressive, and each frequency of each component in a scan of its own: 190 scans */
	bool arithmetic;
	bool raw;         /* YCbCr sampled here, not by libjpeg, which refuses ratios that are no whole number */
	bool no_markers;  /* neither JFIF nor Adobe */
	bool wide_tables; /* quantization tables with steps over 255, in 16 bits */
	int coarse_at;    /* over 0: quantization tables of steps of 1, but for one of 60 at this place, v * 8 + u */
};

struct bytes {
	uint8_t *data; /* malloc'ed */
	size_t nbytes;
};

struct bytes jpeg_make(const struct picture *picture, const struct jpeg_spec *spec);
