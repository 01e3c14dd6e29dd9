/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_segments_priv.h"

#include "codec/bytes_priv.h"

#define M_TEM 0x01
#define M_RST0 0xd0
#define M_SOI 0xd8
#define M_EOI 0xd9
#define M_SOS 0xda

/* Go to the next marker that has a length; its second byte, 0 where there is none. */
static uint8_t next_marker(struct jpeg_segments *s)
{
	while (s->end - s->at >= 2) {
		uint8_t marker = s->at[1];
		bool is_marker =
		        s->at[0] == 0xff && marker != 0 && marker != 0xff; /* 0xff may be repeated to fill up */
		bool is_alone = marker == M_TEM || (marker >= M_RST0 && marker <= M_SOI);
		if (is_marker && !is_alone)
			return marker;
		s->at += is_marker ? 2 : 1;
	}
	return 0;
}

bool jpeg_segments_next(struct jpeg_segments *s, struct jpeg_segment *ret_segment)
{
	uint8_t marker = next_marker(s);
	/* libjpeg goes on behind a length that does not count itself. */
	while (marker && s->end - s->at >= 4 && get_be16(s->at + 2) < 2 && marker != M_EOI && marker != M_SOS) {
		s->at += 4;
		marker = next_marker(s);
	}
	if (!marker || marker == M_EOI || marker == M_SOS || s->end - s->at < 4)
		return false;
	size_t length = get_be16(s->at + 2), left = (size_t)(s->end - s->at) - 2;
	if (length > left)
		return false;
	*ret_segment = (struct jpeg_segment){
	        .bytes = s->at,
	        .nbytes = 2 + length,
	        .marker = marker,
	        .payload = s->at + 4,
	        .payload_nbytes = length - 2,
	};
	s->at += 2 + length;
	return true;
}
