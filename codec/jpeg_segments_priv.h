/* SPDX-License-Identifier: MIT */
/* jpeg_segments_priv.h: the marker segments of a JPEG's header, one after the other. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A segment with a length (ITU-T T.81, B.1.1.4). */
struct jpeg_segment {
	const uint8_t *bytes;   /* from its marker on */
	size_t nbytes;          /* marker and length included */
	uint8_t marker;         /* second byte of the marker */
	const uint8_t *payload; /* behind the length */
	size_t payload_nbytes;
};

struct jpeg_segments {
	const uint8_t *at, *end;
};

/* The next one, where it is whole. What lies between segments is passed over, as decoders do. False at the first scan, at
 * the end of the image or of the bytes, and where a length passes that. */
bool jpeg_segments_next(struct jpeg_segments *segments, struct jpeg_segment *ret_segment);

/* jpeg_markers.c: the bytes that ic_jpeg_markers gives of a JPEG. */
struct ic_jpeg_info;
size_t jpeg_markers_nbytes(const uint8_t *bytes, size_t nbytes, const struct ic_jpeg_info *info);
