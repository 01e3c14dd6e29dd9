/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_writer_priv.h"

#include "codec/bytes_priv.h"
#include "codec/exif_priv.h"
#include "codec/huffman_priv.h"
#include "codec/jpeg_coded_priv.h"
#include "codec/jpeg_segments_priv.h"
#include "codec/jpeg_symbols_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* libjpeg and most other decoders look codes of 8 bits up at once, and go through longer ones bit by bit. A baseline JPEG
 * has at most 162 symbols in a table: all have room. */
#define CODE_LENGTH_MAX 8

#define SIDE_MAX 65500 /* libjpeg's JPEG_MAX_DIMENSION */

#define M_SOF0 0xc0
#define M_DHT 0xc4
#define M_SOI 0xd8
#define M_EOI 0xd9
#define M_SOS 0xda
#define M_DQT 0xdb
#define M_APP0 0xe0
#define M_APP1 0xe1

const uint8_t jpeg_zigzag[64] = {
        0,  1,  5,  6,  14, 15, 27, 28, 2,  4,  7,  13, 16, 26, 29, 42, 3,  8,  12, 17, 25, 30,
        41, 43, 9,  11, 18, 24, 31, 40, 44, 53, 10, 19, 23, 32, 39, 45, 52, 54, 20, 22, 33, 38,
        46, 51, 55, 60, 21, 34, 37, 47, 50, 56, 59, 61, 35, 36, 48, 49, 57, 58, 62, 63,
};

/* --- Segments (T.81, annex B) ------------------------------------------------------------------------------------- */

static uint8_t *put(uint8_t *out, const void *bytes, size_t nbytes)
{
	memcpy(out, bytes, nbytes);
	return out + nbytes;
}

static uint8_t *put_marker(uint8_t *out, uint8_t marker)
{
	return put(out, (uint8_t[]){0xff, marker}, 2);
}

/* The head of a segment whose payload follows. */
static uint8_t *put_head(uint8_t *out, uint8_t marker, size_t payload_nbytes)
{
	out = put_marker(out, marker);
	put_be16(out, (uint16_t)(2 + payload_nbytes));
	return out + 2;
}

static uint8_t *put_segment(uint8_t *out, uint8_t marker, const uint8_t *payload, size_t payload_nbytes)
{
	return put(put_head(out, marker, payload_nbytes), payload, payload_nbytes);
}

/* JFIF 1.01: pixels of no size, only square; no thumbnail. */
static uint8_t *put_jfif(uint8_t *out)
{
	const uint8_t payload[] = {'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0};
	return put_segment(out, M_APP0, payload, sizeof payload);
}

/* EXIF with nothing but the orientation: a big-endian TIFF header and one IFD with one entry (EXIF 2.32, 4.5 and 4.6). */
static uint8_t *put_orientation(uint8_t *out, uint8_t orientation)
{
	const uint8_t payload[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42,          0, 0, 0, 8, 0, 1,
	                           1,   0x12, 0,   3,   0, 0, 0,   1,   0, orientation, 0, 0, 0, 0, 0, 0};
	return put_segment(out, M_APP1, payload, sizeof payload);
}

static struct jpeg_segments segments_of(const struct jpeg_picture *picture)
{
	const uint8_t *markers = picture->markers;
	return (struct jpeg_segments){markers, markers ? markers + picture->markers_nbytes : NULL};
}

static bool carries_orientation(const struct jpeg_picture *picture)
{
	struct jpeg_segments segments = segments_of(picture);
	struct jpeg_segment segment;
	while (jpeg_segments_next(&segments, &segment))
		if (segment.marker == M_APP1 && exif_orientation(segment.payload, segment.payload_nbytes))
			return true;
	return false;
}

static uint8_t *put_markers(uint8_t *out, const struct jpeg_picture *picture)
{
	struct jpeg_segments segments = segments_of(picture);
	struct jpeg_segment segment;
	if (picture->orientation != 1 && !carries_orientation(picture))
		out = put_orientation(out, picture->orientation);
	while (jpeg_segments_next(&segments, &segment))
		out = put(out, segment.bytes, segment.nbytes);
	return out;
}

/* The number of the table that component `c` uses: that of the first component with the same steps, to write it once. */
static unsigned steps_table(const struct jpeg_picture *picture, unsigned c)
{
	unsigned first = 0;
	while (memcmp(picture->steps[first], picture->steps[c], sizeof picture->steps[c]) != 0)
		first++;
	return first;
}

static uint8_t *put_steps(uint8_t *out, const struct jpeg_picture *picture)
{
	uint8_t payload[IC_COMPONENTS_MAX * 65], *end = payload;
	for (unsigned c = 0; c < picture->layout->ncomponents; c++) {
		if (steps_table(picture, c) != c)
			continue;
		*end++ = (uint8_t)c;
		end = put(end, picture->steps[c], 64);
	}
	return put_segment(out, M_DQT, payload, (size_t)(end - payload));
}

static uint8_t *put_frame(uint8_t *out, const struct jpeg_picture *picture)
{
	const struct ic_layout *l = picture->layout;
	out = put_head(out, M_SOF0, 6 + 3 * l->ncomponents);
	*out++ = 8; /* bits a sample */
	put_be16(out, (uint16_t)l->height);
	put_be16(out + 2, (uint16_t)l->width);
	out += 4;
	*out++ = (uint8_t)l->ncomponents;
	for (unsigned c = 0; c < l->ncomponents; c++) {
		uint32_t factor = c == 0 ? jpeg_picture_luma_factor(picture) : 1;
		*out++ = (uint8_t)(c + 1);
		*out++ = (uint8_t)(factor << 4 | factor);
		*out++ = (uint8_t)steps_table(picture, c);
	}
	return out;
}

static unsigned ntables(const struct jpeg_picture *picture)
{
	return picture->layout->ncomponents == 1 ? JPEG_TABLE_CHROMA : JPEG_NTABLES;
}

static uint8_t *put_huffman(uint8_t *out, const struct huffman *tables, unsigned n)
{
	uint8_t payload[JPEG_NTABLES * (17 + HUFFMAN_NSYMBOLS)], *end = payload;
	for (unsigned i = 0; i < n; i++) {
		*end++ = (uint8_t)(i % 2 << 4 | i / 2); /* class and number */
		end = put(end, tables[i].nof_length + 1, HUFFMAN_LENGTH_MAX);
		end = put(end, tables[i].symbols, tables[i].nsymbols);
	}
	return put_segment(out, M_DHT, payload, (size_t)(end - payload));
}

static uint8_t *put_scan_head(uint8_t *out, unsigned ncomponents)
{
	out = put_head(out, M_SOS, 4 + 2 * ncomponents);
	*out++ = (uint8_t)ncomponents;
	for (unsigned c = 0; c < ncomponents; c++) {
		*out++ = (uint8_t)(c + 1);
		*out++ = c == 0 ? 0x00 : 0x11; /* tables for DC and for AC */
	}
	return put(out, (uint8_t[]){0, 63, 0}, 3); /* all coefficients, all their bits */
}

/* --- The whole ---------------------------------------------------------------------------------------------------- */

/* Of all but the markers that are carried and the scan. */
#define HEADERS_NBYTES_MAX 2048

static uint8_t *put_headers(uint8_t *out, const struct jpeg_picture *picture, const struct huffman *tables)
{
	out = put_jfif(put_marker(out, M_SOI));
	out = put_markers(out, picture);
	out = put_frame(put_steps(out, picture), picture);
	out = put_huffman(out, tables, ntables(picture));
	return put_scan_head(out, picture->layout->ncomponents);
}

static errint_t write_scan(const struct jpeg_picture *picture, const struct huffman *tables,
                           const struct jpeg_coded *scan, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	size_t room = HEADERS_NBYTES_MAX + picture->markers_nbytes + scan->nbytes_stuffed;
	uint8_t *bytes = malloc(room);
	if (!bytes)
		return -ENOMEM;
	uint8_t *end = put_headers(bytes, picture, tables);
	end = put_marker(jpeg_coded_stuff(scan, end), M_EOI);
	*ret_nbytes = (size_t)(end - bytes);
	/* It is kept for as long as readers want it: give the rest of the room back. */
	uint8_t *shrunk = realloc(bytes, *ret_nbytes);
	*ret_bytes = shrunk ? shrunk : bytes;
	return 0;
}

static errint_t write_symbols(const struct jpeg_picture *picture, const struct jpeg_symbols *symbols,
                              const size_t counts[JPEG_NTABLES * 256], uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct huffman tables[JPEG_NTABLES] = {{.nsymbols = 0}};
	struct jpeg_coded scan;
	for (unsigned i = 0; i < ntables(picture); i++)
		huffman_make(counts + 256 * i, CODE_LENGTH_MAX, &tables[i]);
	errint_t err = jpeg_coded_init(&scan, jpeg_kernel_best(), symbols, counts, tables);
	if (!err)
		err = write_scan(picture, tables, &scan, ret_bytes, ret_nbytes);
	jpeg_coded_clear(&scan);
	return err;
}

errint_t jpeg_write(const struct jpeg_picture *picture, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_layout *l = picture->layout;
	struct jpeg_symbols symbols;
	size_t counts[JPEG_NTABLES * 256];
	if (l->width > SIDE_MAX || l->height > SIDE_MAX)
		return ic_fail(why, -EFBIG, "no JPEG of %u x %u pixels is written: %d is the longest side", l->width,
		               l->height, SIDE_MAX);
	errint_t err = jpeg_symbols_init(&symbols, counts, picture);
	if (!err)
		err = write_symbols(picture, &symbols, counts, ret_bytes, ret_nbytes);
	jpeg_symbols_clear(&symbols);
	return err ? ic_fail(why, err, "out of memory for a JPEG") : 0;
}
