/* SPDX-License-Identifier: MIT */
/*
 * jpeg.h: what a JPEG's header says, and the limits that hold for reading one.
 */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bounds on what an untrusted JPEG may cost. 0 is no bound. */
struct ic_limits {
	uint64_t pixels; /* width * height; default 100,000,000 */
	uint64_t memory; /* bytes that decoding one source may take beside the source itself; default 1 GiB */
	uint32_t scans;  /* scans of a progressive file; default 100 */
};
struct ic_limits ic_limits_default(void);

enum ic_jpeg_process {
	IC_JPEG_BASELINE, /* and extended sequential, 8 bit */
	IC_JPEG_PROGRESSIVE,
};

/* How a source's components are coloured, by the markers and libjpeg's rules. Catalogs hold these numbers. */
enum ic_jpeg_color {
	IC_JPEG_GRAY,
	IC_JPEG_YCBCR,
	IC_JPEG_RGB,
	IC_JPEG_CMYK,
	IC_JPEG_YCCK,
};

struct ic_jpeg_info {
	uint32_t width, height;      /* pixels, as stored */
	unsigned ncomponents;        /* in the JPEG, 1, 3 or 4 */
	unsigned nobject_components; /* in an object made from it: 1 for grayscale, else 3 */
	enum ic_jpeg_color color;
	enum ic_jpeg_process process;
	bool arithmetic;
	uint16_t restart_interval; /* MCUs, 0 for none */
	uint8_t h[4], v[4];        /* sampling factors of each component */
	uint8_t orientation;       /* EXIF, 1..8; 1 where it has none or a bad one */
};

/* Whether the first bytes are those of a JPEG (SOI and the start of a marker; 3 needed). */
bool ic_is_jpeg(const uint8_t *bytes, size_t nbytes);

/* Read a JPEG's header from its first `nbytes` bytes; `complete` says that the file has no more. Decodes nothing.
 * -ENODATA: the header does not end within these bytes (never when complete); call again with more.
 * -EBADMSG: no JPEG. -EOPNOTSUPP: 12-bit, lossless, or a number of components that is no image. -EFBIG: over
 * limits->pixels. limits may be NULL for the defaults. Thread safe. */
errint_t ic_jpeg_probe(const uint8_t *bytes, size_t nbytes, bool complete, const struct ic_limits *limits,
                       struct ic_jpeg_info *ret_info, struct ic_why *why);

/*
 * The metadata of a JPEG that a picture made from it may carry: whole APPn and COM segments from before the first scan,
 * in their order, one behind the other. `info` is what ic_jpeg_probe said of it. Malloc'ed and the caller's; NULL and 0
 * where there is none, or no JPEG. Never larger than the source.
 *
 * Left out is what would be untrue of another file: JFIF and JFXX (density, thumbnail) and Adobe (colour transform), which
 * writers set themselves; the index of a multi-picture file, whose offsets lead elsewhere; and the ICC profile of a CMYK or
 * YCCK source, whose object has no ink. -ENOMEM. Thread safe.
 */
errint_t ic_jpeg_markers(const uint8_t *bytes, size_t nbytes, const struct ic_jpeg_info *info, uint8_t **ret_markers,
                         size_t *ret_nbytes, struct ic_why *why);
