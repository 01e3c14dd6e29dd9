/* SPDX-License-Identifier: MIT */
#include "fs/utf8.h"

/* The ranges of the second byte, which shut out overlong forms, surrogates and values past U+10FFFF, are those of the
 * Unicode Standard, table 3-7. A terminator is no continuation byte, so nothing past it is read. */
size_t utf8_length(const char *text)
{
	const unsigned char *bytes = (const unsigned char *)text;
	unsigned char lead = bytes[0], low = 0x80, high = 0xbf;
	size_t n;

	if (lead < 0x80)
		return lead != 0;
	if (lead < 0xc2 || lead > 0xf4)
		return 0;
	n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	if (lead == 0xe0)
		low = 0xa0;
	else if (lead == 0xed)
		high = 0x9f;
	else if (lead == 0xf0)
		low = 0x90;
	else if (lead == 0xf4)
		high = 0x8f;
	if (bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
	}
	return n;
}

bool utf8_is_control(const char *text, size_t length)
{
	const unsigned char *bytes = (const unsigned char *)text;

	if (length == 1)
		return bytes[0] < 0x20 || bytes[0] == 0x7f;
	return length == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
}
