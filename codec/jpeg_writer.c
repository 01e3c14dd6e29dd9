/* SPDX-License-Identifier: MIT */
#include "codec/jpeg_writer_priv.h"

#include "codec/exif_priv.h"
#include "codec/jpeg_extract_priv.h"
#include "codec/jpeg_segments_priv.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

#define BLOCK 8

#define NTABLES 2 /* of each kind: for luma and for chroma */

struct huffman {
	JHUFF_TBL dc[NTABLES], ac[NTABLES];
};

struct jpeg_writer {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr destination;
	jmp_buf on_error;
	uint8_t *bytes; /* what is written, and room */
	size_t capacity, nbytes;
};

/* --- What libjpeg calls ----------------------------------------------------------------------------------------- */

static void on_error_exit(j_common_ptr jpeg)
{
	struct jpeg_writer *writer = jpeg->client_data;
	longjmp(writer->on_error, 1);
}

static void on_message(j_common_ptr jpeg, int level)
{
	(void)jpeg;
	(void)level;
}

static void on_output(j_common_ptr jpeg)
{
	(void)jpeg;
}

static void on_start(j_compress_ptr jpeg)
{
	struct jpeg_writer *writer = jpeg->client_data;
	writer->destination.next_output_byte = writer->bytes;
	writer->destination.free_in_buffer = writer->capacity;
}

/* The buffer is full, all of it, whatever free_in_buffer says. */
static boolean on_full(j_compress_ptr jpeg)
{
	struct jpeg_writer *writer = jpeg->client_data;
	uint8_t *bytes = realloc(writer->bytes, 2 * writer->capacity);
	if (!bytes)
		ERREXIT1(jpeg, JERR_OUT_OF_MEMORY, 0);
	writer->bytes = bytes;
	writer->destination.next_output_byte = bytes + writer->capacity;
	writer->destination.free_in_buffer = writer->capacity;
	writer->capacity *= 2;
	return TRUE;
}

static void on_end(j_compress_ptr jpeg)
{
	struct jpeg_writer *writer = jpeg->client_data;
	writer->nbytes = writer->capacity - writer->destination.free_in_buffer;
}

/* --- The picture ------------------------------------------------------------------------------------------------ */

static void set_up(struct jpeg_writer *writer)
{
	jpeg_std_error(&writer->errors);
	writer->errors.error_exit = on_error_exit;
	writer->errors.emit_message = on_message;
	writer->errors.output_message = on_output;
	writer->jpeg.err = &writer->errors;
	writer->jpeg.client_data = writer;
	writer->destination = (struct jpeg_destination_mgr){
	        .init_destination = on_start,
	        .empty_output_buffer = on_full,
	        .term_destination = on_end,
	};
}

/* The number of the table that component `c` uses: that of the first component with the same steps, to write it once. */
static int table_of(const struct jpeg_picture *picture, unsigned c)
{
	unsigned first = 0;
	while (memcmp(picture->steps[first], picture->steps[c], sizeof picture->steps[c]) != 0)
		first++;
	return (int)first;
}

static void set_table(struct jpeg_compress_struct *jpeg, const struct jpeg_picture *picture, unsigned c)
{
	int number = table_of(picture, c);
	unsigned table[64];
	for (unsigned i = 0; i < 64; i++)
		table[i] = picture->steps[c][i];
	jpeg->comp_info[c].quant_tbl_no = number;
	if (number == (int)c)
		jpeg_add_quant_table(jpeg, number, table, 100, TRUE);
}

uint32_t jpeg_picture_luma_factor(const struct jpeg_picture *picture)
{
	const struct ic_layout *l = picture->layout;
	return l->design.chroma == IC_CHROMA_HALF && l->ncomponents > 1 ? 2 : 1;
}

static void set_parameters(struct jpeg_compress_struct *jpeg, const struct jpeg_picture *picture,
                           const struct huffman *huffman)
{
	const struct ic_layout *l = picture->layout;
	int luma = (int)jpeg_picture_luma_factor(picture);

	jpeg->image_width = l->width;
	jpeg->image_height = l->height;
	jpeg->input_components = (int)l->ncomponents;
	jpeg->in_color_space = l->ncomponents == 1 ? JCS_GRAYSCALE : JCS_YCbCr;
	jpeg_set_defaults(jpeg);
	jpeg->optimize_coding = !huffman;
	for (unsigned i = 0; i < NTABLES && huffman; i++) {
		*jpeg->dc_huff_tbl_ptrs[i] = huffman->dc[i];
		*jpeg->ac_huff_tbl_ptrs[i] = huffman->ac[i];
	}
	for (unsigned c = 0; c < l->ncomponents; c++) {
		set_table(jpeg, picture, c);
		jpeg->comp_info[c].h_samp_factor = jpeg->comp_info[c].v_samp_factor = c == 0 ? luma : 1;
	}
}

static jvirt_barray_ptr request(struct jpeg_compress_struct *jpeg, const struct ic_component *component, int factor)
{
	uint32_t cols = (component->width + BLOCK - 1) / BLOCK, rows = (component->height + BLOCK - 1) / BLOCK;
	uint32_t f = (uint32_t)factor;
	return jpeg->mem->request_virt_barray((j_common_ptr)jpeg, JPOOL_IMAGE, TRUE, (cols + f - 1) / f * f,
	                                      (rows + f - 1) / f * f, (JDIMENSION)factor);
}

static void fill(struct jpeg_compress_struct *jpeg, const struct jpeg_picture *picture, unsigned c,
                 jvirt_barray_ptr array)
{
	const struct ic_component *component = &picture->layout->component[c];
	uint32_t cols = (component->width + BLOCK - 1) / BLOCK, rows = (component->height + BLOCK - 1) / BLOCK;
	for (uint32_t row = 0; row < rows; row++) {
		JBLOCKARRAY blocks = jpeg->mem->access_virt_barray((j_common_ptr)jpeg, array, row, 1, TRUE);
		picture->fill(picture->context, c, row, (int16_t(*)[64])blocks[0], cols);
	}
}

/* EXIF with nothing but the orientation: a big-endian TIFF header and one IFD with one entry (EXIF 2.32, 4.5 and 4.6). */
static void write_orientation(struct jpeg_compress_struct *jpeg, uint8_t orientation)
{
	const uint8_t payload[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42,          0, 0, 0, 8, 0, 1,
	                           1,   0x12, 0,   3,   0, 0, 0,   1,   0, orientation, 0, 0, 0, 0, 0, 0};
	jpeg_write_marker(jpeg, JPEG_APP0 + 1, payload, sizeof payload);
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
		if (segment.marker == JPEG_APP0 + 1 && exif_orientation(segment.payload, segment.payload_nbytes))
			return true;
	return false;
}

static void write_markers(struct jpeg_compress_struct *jpeg, const struct jpeg_picture *picture)
{
	struct jpeg_segments segments = segments_of(picture);
	struct jpeg_segment segment;
	if (picture->orientation != 1 && !carries_orientation(picture))
		write_orientation(jpeg, picture->orientation);
	while (jpeg_segments_next(&segments, &segment))
		jpeg_write_marker(jpeg, segment.marker, segment.payload, (unsigned)segment.payload_nbytes);
}

static errint_t classify(int code)
{
	switch (code) {
	case JERR_OUT_OF_MEMORY:
		return -ENOMEM;
	case JERR_IMAGE_TOO_BIG:
	case JERR_WIDTH_OVERFLOW:
		return -EFBIG;
	default:
		return -EBADMSG;
	}
}

static errint_t write_all(struct jpeg_writer *writer, const struct jpeg_picture *picture, const struct huffman *huffman,
                          struct ic_why *why)
{
	struct jpeg_compress_struct *jpeg = &writer->jpeg;
	jvirt_barray_ptr arrays[IC_COMPONENTS_MAX];

	if (setjmp(writer->on_error)) {
		char text[JMSG_LENGTH_MAX];
		writer->errors.format_message((j_common_ptr)jpeg, text);
		return ic_fail(why, classify(writer->errors.msg_code), "writing a JPEG: %s", text);
	}
	jpeg_create_compress(jpeg);
	jpeg->mem->max_memory_to_use = 0; /* whatever JPEGMEM says in the environment */
	jpeg->dest = &writer->destination;
	set_parameters(jpeg, picture, huffman);
	for (unsigned c = 0; c < picture->layout->ncomponents; c++)
		arrays[c] = request(jpeg, &picture->layout->component[c], jpeg->comp_info[c].h_samp_factor);
	jpeg_write_coefficients(jpeg, arrays); /* writes nothing yet but the first markers */
	write_markers(jpeg, picture);
	for (unsigned c = 0; c < picture->layout->ncomponents; c++)
		fill(jpeg, picture, c, arrays[c]);
	jpeg_finish_compress(jpeg);
	return 0;
}

/* What was written is kept for as long as readers want it: give the rest of the room back. */
static uint8_t *steal_bytes(struct jpeg_writer *writer)
{
	uint8_t *whole = writer->bytes, *bytes = realloc(whole, writer->nbytes);
	writer->bytes = NULL;
	return bytes ? bytes : whole;
}

static void writer_free(struct jpeg_writer *writer)
{
	if (!writer)
		return;
	jpeg_destroy_compress(&writer->jpeg);
	free(writer->bytes);
	free(writer);
}

/* Write into a new writer; with the tables given, or, for NULL, such as are best for the picture. */
static errint_t write_new(const struct jpeg_picture *picture, const struct huffman *huffman,
                          struct jpeg_writer **ret_writer, struct ic_why *why)
{
	struct jpeg_writer *writer = calloc(1, sizeof *writer);
	if (!writer)
		return ic_fail(why, -ENOMEM, "out of memory");
	writer->capacity = 4096 + (size_t)picture->layout->width * picture->layout->height / 8;
	writer->bytes = malloc(writer->capacity);
	set_up(writer);
	errint_t err =
	        writer->bytes ? write_all(writer, picture, huffman, why) : ic_fail(why, -ENOMEM, "out of memory");
	if (err) {
		writer_free(writer);
		return err;
	}
	*ret_writer = writer;
	return 0;
}

static unsigned nsymbols(const JHUFF_TBL *table)
{
	unsigned n = 0;
	for (unsigned length = 1; length <= 16; length++)
		n += table->bits[length];
	return n;
}

/* Tables that have every symbol, from an extract. */
static errint_t make_huffman(const struct jpeg_picture *extract, struct huffman *ret_huffman, struct ic_why *why)
{
	struct jpeg_writer *writer;
	struct huffman huffman;
	errint_t err = write_new(extract, NULL, &writer, why);
	if (err)
		return err;
	for (unsigned i = 0; i < NTABLES; i++) {
		huffman.dc[i] = *writer->jpeg.dc_huff_tbl_ptrs[i];
		huffman.ac[i] = *writer->jpeg.ac_huff_tbl_ptrs[i];
		huffman.dc[i].sent_table = huffman.ac[i].sent_table = FALSE;
		/* libjpeg writes a symbol without a code as nothing at all. Gray uses the first tables alone; the
		 * others are then libjpeg's own, which are whole too. */
		if (nsymbols(&huffman.dc[i]) < extract->bits + 2 || nsymbols(&huffman.ac[i]) < 16 * extract->bits + 2)
			err = ic_fail(why, -EBADMSG, "writing a JPEG: a symbol has no code");
	}
	writer_free(writer);
	if (!err)
		*ret_huffman = huffman;
	return err;
}

errint_t jpeg_write(const struct jpeg_picture *picture, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	struct jpeg_writer *writer;
	struct jpeg_extract extract;
	struct huffman huffman;
	bool is_large = jpeg_extract_init(&extract, picture);
	errint_t err = is_large ? make_huffman(&extract.picture, &huffman, why) : 0;
	if (!err)
		err = write_new(picture, is_large ? &huffman : NULL, &writer, why);
	if (err)
		return err;
	*ret_nbytes = writer->nbytes;
	*ret_bytes = steal_bytes(writer);
	writer_free(writer);
	return 0;
}
