/* SPDX-License-Identifier: MIT */
#include "codec/present.h"

#include "codec/bytes_priv.h"
#include "codec/tensor_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* BITMAPFILEHEADER and BITMAPINFOHEADER. */
#define FILE_HEADER_SIZE 14
#define INFO_HEADER_SIZE 40
#define PALETTE_ENTRIES 256

static uint32_t header_nbytes(const struct ic_layout *l)
{
	return FILE_HEADER_SIZE + INFO_HEADER_SIZE + (l->ncomponents == 1 ? 4 * PALETTE_ENTRIES : 0);
}

/* Rows are filled up to four bytes. */
static uint64_t row_nbytes(const struct ic_layout *l)
{
	return ((uint64_t)l->width * l->ncomponents + 3) / 4 * 4;
}

uint64_t ic_bmp_nbytes(const struct ic_layout *l)
{
	return header_nbytes(l) + row_nbytes(l) * l->height;
}

static void write_header(uint8_t *out, const struct ic_layout *l)
{
	uint8_t *info = out + FILE_HEADER_SIZE, *palette = info + INFO_HEADER_SIZE;
	bool gray = l->ncomponents == 1;

	memset(out, 0, header_nbytes(l));
	memcpy(out, "BM", 2);
	put_le32(out + 2, (uint32_t)ic_bmp_nbytes(l));
	put_le32(out + 10, header_nbytes(l));
	put_le32(info, INFO_HEADER_SIZE);
	put_le32(info + 4, l->width);
	put_le32(info + 8, l->height);
	put_le16(info + 12, 1); /* planes */
	put_le16(info + 14, gray ? 8 : 24);
	put_le32(info + 20, (uint32_t)(row_nbytes(l) * l->height));
	put_le32(info + 32, gray ? PALETTE_ENTRIES : 0);
	for (unsigned i = 0; gray && i < PALETTE_ENTRIES; i++)
		put_le32(palette + 4 * i, i * 0x010101u);
}

static errint_t write_rows(const struct ic_view *view, uint8_t *rows)
{
	const struct ic_layout *l = &view->layout;
	size_t stride = row_nbytes(l), filled = (size_t)l->width * l->ncomponents;
	for (uint32_t y = 0; y < l->height; y++)
		memset(rows + stride * y + filled, 0, stride - filled);
	return tensor_bmp_rows(view, rows, stride);
}

errint_t ic_present_bmp(const struct ic_view *view, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	const struct ic_layout *l = &view->layout;
	uint64_t nbytes = ic_bmp_nbytes(l);
	if (nbytes > UINT32_MAX)
		return ic_fail(why, -EFBIG, "%u x %u pixels are too many for a BMP", l->width, l->height);
	uint8_t *bytes = malloc(nbytes);
	if (!bytes)
		return ic_fail(why, -ENOMEM, "out of memory for a BMP of %llu bytes", (unsigned long long)nbytes);
	write_header(bytes, l);
	uint8_t *rows = bytes + header_nbytes(l);
	errint_t err = write_rows(view, rows);
	if (err) {
		free(bytes);
		return ic_fail(why, err, "out of memory");
	}
	*ret_bytes = bytes;
	*ret_nbytes = nbytes;
	return 0;
}
