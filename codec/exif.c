/* SPDX-License-Identifier: MIT */
#include "codec/exif_priv.h"

#include "codec/bytes_priv.h"

#include <stdbool.h>
#include <string.h>

#define TAG_ORIENTATION 0x0112
#define TYPE_SHORT 3
#define IFD_ENTRY_SIZE 12

static uint16_t get16(const uint8_t *p, bool big)
{
	return big ? get_be16(p) : get_le16(p);
}

static uint32_t get32(const uint8_t *p, bool big)
{
	return big ? get_be32(p) : get_le32(p);
}

uint8_t exif_orientation(const uint8_t *payload, size_t nbytes)
{
	if (nbytes < 14 || memcmp(payload, "Exif\0\0", 6) != 0)
		return 0;
	const uint8_t *tiff = payload + 6;
	size_t left = nbytes - 6;
	bool big = tiff[0] == 'M' && tiff[1] == 'M';
	if (!big && (tiff[0] != 'I' || tiff[1] != 'I'))
		return 0;
	if (get16(tiff + 2, big) != 42)
		return 0;

	uint32_t ifd = get32(tiff + 4, big);
	if (ifd > left || left - ifd < 2)
		return 0;
	unsigned n = get16(tiff + ifd, big);
	size_t room = (left - ifd - 2) / IFD_ENTRY_SIZE;
	for (unsigned i = 0; i < n && i < room; i++) {
		const uint8_t *entry = tiff + ifd + 2 + i * IFD_ENTRY_SIZE;
		if (get16(entry, big) != TAG_ORIENTATION)
			continue;
		uint16_t value = get16(entry + 8, big);
		bool sane =
		        get16(entry + 2, big) == TYPE_SHORT && get32(entry + 4, big) == 1 && value >= 1 && value <= 8;
		return sane ? (uint8_t)value : 0;
	}
	return 0;
}
