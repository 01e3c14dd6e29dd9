/* SPDX-License-Identifier: MIT */
/*
 * Samples handed to libjpeg as they are to be stored, for sampling factors that its own downsampling refuses.
 */
#include "jpegmake_priv.h"

#include <stdlib.h>

#define COMPONENTS 3
#define ROWS_MAX (4 * DCTSIZE) /* of one component in a row of MCUs */

/* JFIF's conversion; 16 fractional bits. */
static uint8_t to_ycc(const uint8_t *rgb, int component)
{
	static const int32_t factors[COMPONENTS][3] = {
	        {19595, 38470, 7471},
	        {-11059, -21709, 32768},
	        {32768, -27439, -5329},
	};
	const int32_t *factor = factors[component];
	const int32_t offset = component ? (128 << 16) + 32767 : 32768;

	return (uint8_t)((factor[0] * rgb[0] + factor[1] * rgb[1] + factor[2] * rgb[2] + offset) >> 16);
}

static uint32_t at_most(uint32_t value, uint32_t limit)
{
	return value < limit ? value : limit;
}

static void fill_row(const struct jpeg_compress_struct *cinfo, const struct picture *picture, int component, uint32_t y,
                     uint8_t *out)
{
	const jpeg_component_info *info = &cinfo->comp_info[component];
	const uint32_t max_h = (uint32_t)cinfo->max_h_samp_factor, max_v = (uint32_t)cinfo->max_v_samp_factor;
	const uint32_t from_y = at_most(y * max_v / (uint32_t)info->v_samp_factor, picture->height - 1);

	for (uint32_t x = 0; x < info->width_in_blocks * DCTSIZE; x++) {
		const uint32_t from_x = at_most(x * max_h / (uint32_t)info->h_samp_factor, picture->width - 1);

		out[x] = to_ycc(picture->rgb + 3 * ((size_t)from_y * picture->width + from_x), component);
	}
}

void jpegmake_write_raw(struct jpeg_compress_struct *cinfo, const struct picture *picture)
{
	const size_t stride = (size_t)picture->width + 8 * DCTSIZE; /* room for a row of blocks of any component */
	uint8_t *samples = malloc(COMPONENTS * ROWS_MAX * stride);
	JSAMPROW rows[COMPONENTS][ROWS_MAX];
	JSAMPARRAY planes[COMPONENTS] = {rows[0], rows[1], rows[2]};

	if (!samples) {
		perror("jpegmake");
		exit(EXIT_FAILURE);
	}
	for (uint32_t mcu_row = 0; cinfo->next_scanline < cinfo->image_height; mcu_row++) {
		for (int c = 0; c < COMPONENTS; c++) {
			const uint32_t nrows = (uint32_t)cinfo->comp_info[c].v_samp_factor * DCTSIZE;

			for (uint32_t i = 0; i < nrows; i++) {
				rows[c][i] = samples + ((uint32_t)c * ROWS_MAX + i) * stride;
				fill_row(cinfo, picture, c, mcu_row * nrows + i, rows[c][i]);
			}
		}
		jpeg_write_raw_data(cinfo, planes, (JDIMENSION)(cinfo->max_v_samp_factor * DCTSIZE));
	}
	free(samples);
}
