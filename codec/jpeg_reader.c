/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_reader_priv.h"

#include "codec/codes_kernel_priv.h"
#include "codec/exif_priv.h"
#include "codec/jpeg_segments_priv.h"
#include "codec/format.h"
#include "codec/jpeg_scan_priv.h"
#include "codec/limits_priv.h"

#include <errno.h>
#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

struct jpeg_reader {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_source_mgr source;
	struct jpeg_progress_mgr progress;
	struct ic_limits limits;
	jmp_buf on_error;
	errint_t err;            /* why on_error was taken, where it was not an error of libjpeg's own */
	bool complete;           /* the bytes are the whole file */
	unsigned flags;          /* IC_FLAG_TRUNCATED, IC_FLAG_DAMAGED, as far as the data were decoded */
	struct jpeg_scan *scan;  /* decodes the data; NULL where libjpeg does */
	jvirt_barray_ptr *coefs; /* libjpeg's, of all rows */
	uint16_t steps[4][64];
	int16_t largest[4][64]; /* magnitudes that a picture can have */
};

/* --- What libjpeg calls ----------------------------------------------------------------------------------------- */

static _Noreturn void give_up(struct jpeg_reader *reader, errint_t err)
{
	reader->err = err;
	longjmp(reader->on_error, 1);
}

static void on_error_exit(j_common_ptr jpeg)
{
	struct jpeg_reader *reader = jpeg->client_data;
	longjmp(reader->on_error, 1);
}

/* What is wrong behind the end is no damage. */
static void note_damage(struct jpeg_reader *reader)
{
	if (!(reader->flags & IC_FLAG_TRUNCATED))
		reader->flags |= IC_FLAG_DAMAGED;
}

/* Damaged data: what was decoded is used, as other decoders do. A marker where data should be leaves the rest out, as the end
 * of the file would. Other remarks are on what costs no part of the picture. */
static void on_message(j_common_ptr jpeg, int level)
{
	struct jpeg_reader *reader = jpeg->client_data;

	if (level >= 0)
		return;
	jpeg->err->num_warnings++;
	switch (jpeg->err->msg_code) {
	case JWRN_HIT_MARKER:
		reader->flags |= IC_FLAG_TRUNCATED;
		break;
	case JWRN_ARITH_BAD_CODE:
	case JWRN_BOGUS_PROGRESSION: /* a scan before it is missing */
	case JWRN_HUFF_BAD_CODE:
	case JWRN_MUST_RESYNC:
		note_damage(reader);
		break;
	default:
		break;
	}
}

static void on_output(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void on_source_start(j_decompress_ptr jpeg)
{
	(void)jpeg;
}

/* A marker's parameters are being read, not entropy-coded data; those hold no markers but restarts and damage. */
static bool is_in_segment(const struct jpeg_decompress_struct *jpeg)
{
	int marker = jpeg->unread_marker;
	return marker >= 0xc0 && !(marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7);
}

static boolean on_source_empty(j_decompress_ptr jpeg)
{
	static const JOCTET end[2] = {0xff, JPEG_EOI};
	struct jpeg_reader *reader = jpeg->client_data;

	reader->flags |= IC_FLAG_TRUNCATED;
	/* Of a segment between scans that is not all there nothing can be used; the scans before it can. */
	if (!reader->complete || is_in_segment(jpeg))
		return FALSE;
	reader->source.next_input_byte = end;
	reader->source.bytes_in_buffer = sizeof end;
	return TRUE;
}

static void on_source_skip(j_decompress_ptr jpeg, long n)
{
	struct jpeg_reader *reader = jpeg->client_data;
	struct jpeg_source_mgr *source = &reader->source;

	if (n <= 0)
		return;
	if ((size_t)n <= source->bytes_in_buffer) {
		source->next_input_byte += n;
		source->bytes_in_buffer -= (size_t)n;
		return;
	}
	/* Past the end: the next read finds nothing. */
	source->bytes_in_buffer = 0;
	reader->flags |= IC_FLAG_TRUNCATED;
}

static void on_progress(j_common_ptr jpeg)
{
	struct jpeg_reader *reader = jpeg->client_data;
	int scans = ((j_decompress_ptr)jpeg)->input_scan_number;
	if (reader->limits.scans && scans > 0 && (uint32_t)scans > reader->limits.scans)
		give_up(reader, -EFBIG);
}

/* --- Errors ----------------------------------------------------------------------------------------------------- */

static errint_t classify(const struct jpeg_reader *reader)
{
	if (reader->err)
		return reader->err;
	switch (reader->errors.msg_code) {
	case JERR_OUT_OF_MEMORY:
		return -ENOMEM;
	case JERR_NO_BACKING_STORE: /* more than max_memory_to_use */
	case JERR_IMAGE_TOO_BIG:
	case JERR_WIDTH_OVERFLOW:
		return -EFBIG;
	case JERR_ARITH_NOTIMPL:
	case JERR_BAD_PRECISION:
	case JERR_COMPONENT_COUNT:
	case JERR_CONVERSION_NOTIMPL:
	case JERR_NOTIMPL:
	case JERR_NOT_COMPILED:
	case JERR_SOF_UNSUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EBADMSG;
	}
}

static errint_t describe(struct jpeg_reader *reader, struct ic_why *why)
{
	if (reader->err == -EFBIG)
		return ic_fail(why, -EFBIG, "the JPEG has more than %u scans", reader->limits.scans);
	char text[JMSG_LENGTH_MAX];
	reader->errors.format_message((j_common_ptr)&reader->jpeg, text);
	return ic_fail(why, classify(reader), "%s", text);
}

/* --- The header ------------------------------------------------------------------------------------------------- */

static errint_t check_color(J_COLOR_SPACE space, int ncomponents, enum ic_jpeg_color *ret, struct ic_why *why)
{
	if (space == JCS_GRAYSCALE && ncomponents == 1)
		*ret = IC_JPEG_GRAY;
	else if (space == JCS_YCbCr && ncomponents == 3)
		*ret = IC_JPEG_YCBCR;
	else if (space == JCS_RGB && ncomponents == 3)
		*ret = IC_JPEG_RGB;
	else if (space == JCS_CMYK && ncomponents == 4)
		*ret = IC_JPEG_CMYK;
	else if (space == JCS_YCCK && ncomponents == 4)
		*ret = IC_JPEG_YCCK;
	else
		return ic_fail(why, -EOPNOTSUPP, "a JPEG with %d components of an unknown colour space", ncomponents);
	return 0;
}

/* Not by markers that libjpeg saves: it goes through all of them for each. */
static uint8_t find_orientation(const uint8_t *bytes, size_t nbytes)
{
	struct jpeg_segments segments = {bytes + 2, bytes + nbytes};
	struct jpeg_segment segment;
	uint8_t orientation = 0;

	while (!orientation && jpeg_segments_next(&segments, &segment))
		if (segment.marker == JPEG_APP0 + 1)
			orientation = exif_orientation(segment.payload, segment.payload_nbytes);
	return orientation ? orientation : 1;
}

static errint_t read_info(const struct jpeg_reader *reader, const uint8_t *bytes, size_t nbytes,
                          struct ic_jpeg_info *ret_info, struct ic_why *why)
{
	const struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	if (jpeg->data_precision != 8)
		return ic_fail(why, -EOPNOTSUPP, "a JPEG with %d bits a sample", jpeg->data_precision);
	errint_t err = limits_check_pixels(&reader->limits, jpeg->image_width, jpeg->image_height, why);
	if (err)
		return err;

	struct ic_jpeg_info info = {
	        .width = jpeg->image_width,
	        .height = jpeg->image_height,
	        .ncomponents = (unsigned)jpeg->num_components,
	        .process = jpeg->progressive_mode ? IC_JPEG_PROGRESSIVE : IC_JPEG_BASELINE,
	        .arithmetic = jpeg->arith_code,
	        .restart_interval = (uint16_t)jpeg->restart_interval,
	        .orientation = find_orientation(bytes, nbytes),
	};
	err = check_color(jpeg->jpeg_color_space, jpeg->num_components, &info.color, why);
	if (err)
		return err;
	info.nobject_components = info.color == IC_JPEG_GRAY ? 1 : 3;
	for (unsigned i = 0; i < info.ncomponents; i++) {
		info.h[i] = (uint8_t)jpeg->comp_info[i].h_samp_factor;
		info.v[i] = (uint8_t)jpeg->comp_info[i].v_samp_factor;
	}
	*ret_info = info;
	return 0;
}

static void set_up(struct jpeg_reader *reader, const uint8_t *bytes, size_t nbytes)
{
	struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	jpeg_std_error(&reader->errors);
	reader->errors.error_exit = on_error_exit;
	reader->errors.emit_message = on_message;
	reader->errors.output_message = on_output;
	jpeg->err = &reader->errors;
	jpeg->client_data = reader;

	reader->source = (struct jpeg_source_mgr){
	        .next_input_byte = bytes,
	        .bytes_in_buffer = nbytes,
	        .init_source = on_source_start,
	        .fill_input_buffer = on_source_empty,
	        .skip_input_data = on_source_skip,
	        .resync_to_restart = jpeg_resync_to_restart,
	        .term_source = on_source_start,
	};
	reader->progress.progress_monitor = on_progress;
}

static errint_t read_header(struct jpeg_reader *reader, struct ic_why *why)
{
	struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	if (setjmp(reader->on_error))
		return describe(reader, why);
	jpeg_create_decompress(jpeg);
	jpeg->src = &reader->source;
	jpeg->progress = &reader->progress;
	/* libjpeg's own bound, for the arrays that grow with the image; long has room for it where size_t has. */
	if (reader->limits.memory)
		jpeg->mem->max_memory_to_use =
		        reader->limits.memory > LONG_MAX ? LONG_MAX : (long)reader->limits.memory;
	int status = jpeg_read_header(jpeg, TRUE);
	if (status == JPEG_SUSPENDED)
		return ic_fail(why, reader->complete ? -EBADMSG : -ENODATA,
		               "the JPEG header does not end within these bytes");
	return 0;
}

/* Fewer bytes than tell may still be the start of a JPEG. */
static errint_t check_start(const uint8_t *bytes, size_t nbytes, bool complete, struct ic_why *why)
{
	static const uint8_t start[] = {0xff, 0xd8, 0xff};

	if (ic_is_jpeg(bytes, nbytes))
		return 0;
	if (!complete && nbytes < sizeof start && (nbytes == 0 || memcmp(bytes, start, nbytes) == 0))
		return ic_fail(why, -ENODATA, "%zu bytes do not tell whether this is a JPEG", nbytes);
	return ic_fail(why, -EBADMSG, "no JPEG: it does not begin with a start-of-image marker");
}

errint_t jpeg_reader_new(const uint8_t *bytes, size_t nbytes, bool complete, const struct ic_limits *limits,
                         struct jpeg_reader **ret_reader, struct ic_jpeg_info *ret_info, struct ic_why *why)
{
	errint_t err = check_start(bytes, nbytes, complete, why);
	if (err)
		return err;

	struct jpeg_reader *reader = calloc(1, sizeof *reader);
	if (!reader)
		return ic_fail(why, -ENOMEM, "out of memory");
	reader->limits = limits_or_default(limits);
	reader->complete = complete;
	set_up(reader, bytes, nbytes);

	err = read_header(reader, why);
	if (!err)
		err = read_info(reader, bytes, nbytes, ret_info, why);
	if (err) {
		jpeg_reader_free(reader);
		return err;
	}
	*ret_reader = reader;
	return 0;
}

void jpeg_reader_free(struct jpeg_reader *reader)
{
	if (!reader)
		return;
	jpeg_scan_free(reader->scan);
	jpeg_destroy_decompress(&reader->jpeg);
	free(reader);
}

/* --- The data --------------------------------------------------------------------------------------------------- */

/* Twice what a picture of 8 bits has: the transform of samples from -128 to 127 is nowhere beyond 1024 in magnitude. */
#define COEF_MAX 2048

/* A component that no scan brought has no table: its coefficients are all 0, whatever the step. A magnitude m stands
 * for no less than (m - 1/2) steps. */
static void take_steps(struct jpeg_reader *reader, int component, const JQUANT_TBL *table)
{
	for (unsigned i = 0; i < 64; i++) {
		uint16_t step = table ? table->quantval[i] : 1;
		reader->steps[component][i] = step ? step : 1;
		reader->largest[component][i] = (int16_t)((2 * COEF_MAX / reader->steps[component][i] + 1) / 2);
	}
}

static errint_t decode_all(struct jpeg_reader *reader, struct ic_why *why)
{
	struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	if (setjmp(reader->on_error))
		return describe(reader, why);
	reader->coefs = jpeg_read_coefficients(jpeg);
	while (!reader->coefs) { /* the data end in a segment, which is left out */
		jpeg->unread_marker = 0;
		reader->source.bytes_in_buffer = 0;
		reader->coefs = jpeg_read_coefficients(jpeg);
	}
	for (int i = 0; i < jpeg->num_components; i++)
		take_steps(reader, i, jpeg->comp_info[i].quant_table);
	return 0;
}

/* Have libjpeg decode the data, from their start: it has not moved. Rows that the scan gave were the same. */
static errint_t leave_to_libjpeg(struct jpeg_reader *reader, struct ic_why *why)
{
	jpeg_scan_free(reader->scan);
	reader->scan = NULL;
	return decode_all(reader, why);
}

static errint_t begin_data(struct jpeg_reader *reader, struct ic_why *why)
{
	const struct jpeg_decompress_struct *jpeg = &reader->jpeg;

	reader->scan = jpeg_scan_new(jpeg);
	if (!reader->scan)
		return decode_all(reader, why);
	for (int i = 0; i < jpeg->num_components; i++)
		take_steps(reader, i, jpeg->quant_tbl_ptrs[jpeg->comp_info[i].quant_tbl_no]);
	return 0;
}

/* Where libjpeg is in a hurry it does not remark on codes that stand for nothing; the scan does. */
static errint_t next_row(struct jpeg_reader *reader, struct ic_why *why)
{
	if (!reader->scan || jpeg_scan_next(reader->scan))
		return 0;
	if (jpeg_scan_met_damage(reader->scan))
		note_damage(reader);
	return leave_to_libjpeg(reader, why);
}

/* Row `block_row` of a component's blocks out of libjpeg's arrays. */
static errint_t read_row(struct jpeg_reader *reader, struct jpeg_row *row, struct ic_why *why)
{
	j_common_ptr jpeg = (j_common_ptr)&reader->jpeg;

	if (setjmp(reader->on_error))
		return describe(reader, why);
	JBLOCKARRAY rows = jpeg->mem->access_virt_barray(jpeg, reader->coefs[row->component], row->row, 1, FALSE);
	row->blocks = (const int16_t(*)[64])rows[0];
	return 0;
}

/* Whether no picture has these coefficients. Decoders differ on what they show. */
static bool is_beyond(const struct jpeg_reader *reader, const struct jpeg_row *row)
{
	const int16_t *largest = reader->largest[row->component];
	int16_t min[64], max[64];
	bool is_beyond = false;

	codes_kernel_best()->block_ranges(row->blocks[0], reader->jpeg.comp_info[row->component].width_in_blocks, min,
	                                  max);
	for (unsigned k = 0; k < 64; k++)
		is_beyond |= max[k] > largest[k] || min[k] < -largest[k];
	return is_beyond;
}

/* The rows of blocks that lie in one row of MCUs. */
static errint_t visit_mcu_row(struct jpeg_reader *reader, uint32_t mcu_row, jpeg_row_fn *visit, void *context,
                              struct ic_why *why)
{
	const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
	bool alone = jpeg->num_components == 1; /* then an MCU is one block */

	for (unsigned c = 0; c < (unsigned)jpeg->num_components; c++) {
		uint32_t nrows = alone ? 1 : (uint32_t)jpeg->comp_info[c].v_samp_factor;
		for (uint32_t i = 0; i < nrows; i++) {
			struct jpeg_row row = {c, mcu_row * nrows + i, NULL, reader->steps[c]};
			if (row.row >= jpeg->comp_info[c].height_in_blocks)
				break;
			if (reader->scan)
				row.blocks = jpeg_scan_blocks(reader->scan, c, i);
			errint_t err = reader->scan ? 0 : read_row(reader, &row, why);
			if (err)
				return err;
			if (is_beyond(reader, &row))
				note_damage(reader);
			visit(context, &row);
		}
	}
	return 0;
}

errint_t jpeg_reader_each_row(struct jpeg_reader *reader, jpeg_row_fn *visit, void *context, struct ic_why *why)
{
	const struct jpeg_decompress_struct *jpeg = &reader->jpeg;
	uint32_t nrows = jpeg_mcus(jpeg->image_height, jpeg->max_v_samp_factor, jpeg->num_components);
	errint_t err = begin_data(reader, why);
	for (uint32_t row = 0; row < nrows && !err; row++) {
		err = next_row(reader, why);
		if (!err)
			err = visit_mcu_row(reader, row, visit, context, why);
	}
	if (!err && reader->scan && !jpeg_scan_ends_well(reader->scan))
		err = leave_to_libjpeg(reader, why);
	return err;
}

unsigned jpeg_reader_flags(const struct jpeg_reader *reader)
{
	return reader->flags;
}

struct jpeg_plane jpeg_reader_plane(const struct jpeg_reader *reader, unsigned component)
{
	const jpeg_component_info *info = &reader->jpeg.comp_info[component];
	return (struct jpeg_plane){
	        .width = info->downsampled_width,
	        .height = info->downsampled_height,
	        .block_cols = info->width_in_blocks,
	        .block_rows = info->height_in_blocks,
	};
}
