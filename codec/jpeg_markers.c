/* SPDX-License-Identifier: MIT */
#include "codec/jpeg.h"

#include "codec/jpeg_segments_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define M_APP0 0xe0
#define M_APP2 0xe2
#define M_APP14 0xee
#define M_APP15 0xef
#define M_COM 0xfe

/* Whether the payload begins with `id`, its terminator included where `nbytes` counts it. */
static bool has_id(const struct jpeg_segment *segment, const char *id, size_t nbytes)
{
	return segment->payload_nbytes >= nbytes && memcmp(segment->payload, id, nbytes) == 0;
}

static bool is_kept(const struct jpeg_segment *segment, const struct ic_jpeg_info *info)
{
	bool has_ink = info->color == IC_JPEG_CMYK || info->color == IC_JPEG_YCCK;
	switch (segment->marker) {
	case M_APP0:
		return !has_id(segment, "JFIF", 5) && !has_id(segment, "JFXX", 5);
	case M_APP2:
		if (has_id(segment, "ICC_PROFILE", 12))
			return !has_ink;
		return !has_id(segment, "MPF", 4);
	case M_APP14:
		return !has_id(segment, "Adobe", 5);
	default:
		return (segment->marker > M_APP0 && segment->marker <= M_APP15) || segment->marker == M_COM;
	}
}

/* Bytes of the segments that are kept; they are copied to `out` where it is not NULL. */
static size_t collect(const uint8_t *bytes, size_t nbytes, const struct ic_jpeg_info *info, uint8_t *out)
{
	struct jpeg_segments segments = {bytes + 2, bytes + nbytes};
	struct jpeg_segment segment;
	size_t total = 0;
	while (jpeg_segments_next(&segments, &segment)) {
		if (!is_kept(&segment, info))
			continue;
		if (out)
			memcpy(out + total, segment.bytes, segment.nbytes);
		total += segment.nbytes;
	}
	return total;
}

size_t jpeg_markers_nbytes(const uint8_t *bytes, size_t nbytes, const struct ic_jpeg_info *info)
{
	return ic_is_jpeg(bytes, nbytes) ? collect(bytes, nbytes, info, NULL) : 0;
}

errint_t ic_jpeg_markers(const uint8_t *bytes, size_t nbytes, const struct ic_jpeg_info *info, uint8_t **ret_markers,
                         size_t *ret_nbytes, struct ic_why *why)
{
	uint8_t *markers = NULL;
	size_t total = jpeg_markers_nbytes(bytes, nbytes, info);
	if (total) {
		markers = malloc(total);
		if (!markers)
			return ic_fail(why, -ENOMEM, "out of memory for %zu bytes of metadata", total);
		collect(bytes, nbytes, info, markers);
	}
	*ret_markers = markers;
	*ret_nbytes = total;
	return 0;
}
