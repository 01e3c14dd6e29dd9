/* SPDX-License-Identifier: MIT */
#include "jpegmake.h"

#include "jpegmake_priv.h"

#include <stdlib.h>
#include <string.h>

#define SPECTRAL_SCANS (1 + 3 * 63)

static void set_sampling(struct jpeg_compress_struct *cinfo, const struct jpeg_spec *spec)
{
	if (!spec->h[0])
		return;
	for (int i = 0; i < cinfo->num_components; i++) {
		cinfo->comp_info[i].h_samp_factor = spec->h[i];
		cinfo->comp_info[i].v_samp_factor = spec->v[i];
	}
}

/* DC of all components, then every AC frequency of every component alone: as many scans as can be without successive
 * approximation. */
static void set_spectral_scans(struct jpeg_compress_struct *cinfo, jpeg_scan_info scans[SPECTRAL_SCANS])
{
	jpeg_scan_info *scan = scans;

	*scan++ = (jpeg_scan_info){.comps_in_scan = 3, .component_index = {0, 1, 2}};
	for (int k = 1; k < 64; k++) {
		for (int c = 0; c < 3; c++)
			*scan++ = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {c}, .Ss = k, .Se = k};
	}
	cinfo->scan_info = scans;
	cinfo->num_scans = SPECTRAL_SCANS;
}

static void set_wide_tables(struct jpeg_compress_struct *cinfo)
{
	unsigned table[DCTSIZE2];

	for (unsigned i = 0; i < DCTSIZE2; i++)
		table[i] = 16 + 9 * i;
	jpeg_add_quant_table(cinfo, 0, table, 100, FALSE);
	jpeg_add_quant_table(cinfo, 1, table, 100, FALSE);
}

static void set_coarse_tables(struct jpeg_compress_struct *cinfo, int coarse_at)
{
	unsigned table[DCTSIZE2];

	for (int i = 0; i < DCTSIZE2; i++)
		table[i] = i == coarse_at ? 60 : 1;
	jpeg_add_quant_table(cinfo, 0, table, 100, FALSE);
	jpeg_add_quant_table(cinfo, 1, table, 100, FALSE);
}

/* A TIFF of one entry, tag 0x0112; odd values in one byte order, even ones in the other. */
static void write_exif(struct jpeg_compress_struct *cinfo, unsigned orientation)
{
	static const uint8_t little[] = "Exif\0\0II\x2a\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0";
	static const uint8_t big[] = "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0\0\0\0";
	uint8_t exif[sizeof(little)];

	memcpy(exif, orientation % 2 ? little : big, sizeof(exif));
	exif[orientation % 2 ? 24 : 25] = (uint8_t)orientation;
	jpeg_write_marker(cinfo, JPEG_APP0 + 1, exif, sizeof(exif));
}

static void setup(struct jpeg_compress_struct *cinfo, const struct picture *picture, const struct jpeg_spec *spec)
{
	const J_COLOR_SPACE space = spec->space == JCS_UNKNOWN ? JCS_YCbCr : spec->space;
	const bool four = space == JCS_CMYK || space == JCS_YCCK;

	cinfo->image_width = picture->width;
	cinfo->image_height = picture->height;
	cinfo->input_components = four ? 4 : 3;
	cinfo->in_color_space = four ? JCS_CMYK : JCS_RGB;
	jpeg_set_defaults(cinfo);
	jpeg_set_colorspace(cinfo, space);
	jpeg_set_quality(cinfo, spec->quality ? spec->quality : 75, TRUE);
	set_sampling(cinfo, spec);
	cinfo->restart_interval = spec->restart;
	cinfo->arith_code = spec->arithmetic;
	cinfo->dct_method = JDCT_ISLOW;
	if (spec->progressive)
		jpeg_simple_progression(cinfo);
	if (spec->wide_tables)
		set_wide_tables(cinfo);
	if (spec->coarse_at)
		set_coarse_tables(cinfo, spec->coarse_at);
	cinfo->raw_data_in = spec->raw;
	if (spec->no_markers)
		cinfo->write_JFIF_header = cinfo->write_Adobe_marker = FALSE;
}

/* Adobe's way: the ink's absence is stored. */
static void row_to_cmyk(const uint8_t *rgb, uint8_t *cmyk, uint32_t width)
{
	for (uint32_t x = 0; x < width; x++, rgb += 3, cmyk += 4) {
		uint8_t white = rgb[0];

		white = rgb[1] > white ? rgb[1] : white;
		white = rgb[2] > white ? rgb[2] : white;
		for (int c = 0; c < 3; c++)
			cmyk[c] = (uint8_t)(255 - white + rgb[c]);
		cmyk[3] = white;
	}
}

static void write_rows(struct jpeg_compress_struct *cinfo, const struct picture *picture)
{
	uint8_t *cmyk = malloc((size_t)4 * picture->width);

	if (!cmyk) {
		perror("jpegmake");
		exit(EXIT_FAILURE);
	}
	while (cinfo->next_scanline < cinfo->image_height) {
		JSAMPROW row = picture->rgb + (size_t)3 * picture->width * cinfo->next_scanline;

		if (cinfo->input_components == 4) {
			row_to_cmyk(row, cmyk, picture->width);
			row = cmyk;
		}
		jpeg_write_scanlines(cinfo, &row, 1);
	}
	free(cmyk);
}

/* libjpeg remarks on tables that are wide on purpose. */
static void ignore_message(j_common_ptr cinfo, int level)
{
}

struct bytes jpeg_make(const struct picture *picture, const struct jpeg_spec *spec)
{
	struct jpeg_compress_struct cinfo;
	struct jpeg_error_mgr errors;
	jpeg_scan_info scans[SPECTRAL_SCANS];
	unsigned char *data = NULL;
	unsigned long nbytes = 0;

	memset(&cinfo, 0, sizeof(cinfo));
	cinfo.err = jpeg_std_error(&errors);
	errors.emit_message = ignore_message;
	jpeg_create_compress(&cinfo);
	jpeg_mem_dest(&cinfo, &data, &nbytes);
	setup(&cinfo, picture, spec);
	if (spec->spectral_scans)
		set_spectral_scans(&cinfo, scans);
	jpeg_start_compress(&cinfo, FALSE);
	if (spec->orientation)
		write_exif(&cinfo, spec->orientation);
	if (spec->raw)
		jpegmake_write_raw(&cinfo, picture);
	else
		write_rows(&cinfo, picture);
	jpeg_finish_compress(&cinfo);
	jpeg_destroy_compress(&cinfo);
	return (struct bytes){data, nbytes};
}
