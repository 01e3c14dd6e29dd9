/* SPDX-License-Identifier: MIT */
#include "jpegread.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define M_SOF0 0xc0
#define M_SOS 0xda
#define M_DQT 0xdb

static void *room(size_t nbytes)
{
	void *memory = malloc(nbytes);

	if (!memory) {
		perror("jpegread");
		exit(EXIT_FAILURE);
	}
	return memory;
}

static void begin(struct jpeg_decompress_struct *source, struct jpeg_error_mgr *errors, struct bytes jpeg)
{
	source->err = jpeg_std_error(errors);
	jpeg_create_decompress(source);
	jpeg_mem_src(source, jpeg.data, jpeg.nbytes);
	jpeg_read_header(source, TRUE);
}

/* A warning of libjpeg is an error here. */
static void end(struct jpeg_decompress_struct *source)
{
	jpeg_finish_decompress(source);
	if (source->err->num_warnings) {
		fprintf(stderr, "jpegread: the JPEG is damaged\n");
		exit(EXIT_FAILURE);
	}
	jpeg_destroy_decompress(source);
}

struct picture jpegread_rgb(struct bytes jpeg)
{
	struct jpeg_decompress_struct source;
	struct jpeg_error_mgr errors;

	begin(&source, &errors, jpeg);
	source.out_color_space = JCS_RGB;
	source.dct_method = JDCT_ISLOW;
	jpeg_start_decompress(&source);
	struct picture picture = {source.output_width, source.output_height,
	                          room((size_t)3 * source.output_width * source.output_height)};
	while (source.output_scanline < source.output_height) {
		JSAMPROW row = picture.rgb + (size_t)3 * picture.width * source.output_scanline;

		jpeg_read_scanlines(&source, &row, 1);
	}
	end(&source);
	return picture;
}

static struct jpegread_component read_component(struct jpeg_decompress_struct *source, jvirt_barray_ptr array, int c)
{
	const jpeg_component_info *info = &source->comp_info[c];
	struct jpegread_component component = {
	        .h = (uint8_t)info->h_samp_factor,
	        .v = (uint8_t)info->v_samp_factor,
	        .block_cols = info->width_in_blocks,
	        .block_rows = info->height_in_blocks,
	};

	if (info->quant_table)
		memcpy(component.steps, info->quant_table->quantval, sizeof(component.steps));
	component.blocks = room((size_t)component.block_rows * component.block_cols * sizeof(*component.blocks));
	for (uint32_t row = 0; row < component.block_rows; row++) {
		JBLOCKARRAY blocks = source->mem->access_virt_barray((j_common_ptr)source, array, row, 1, FALSE);

		memcpy(component.blocks + (size_t)row * component.block_cols, blocks[0],
		       component.block_cols * sizeof(*component.blocks));
	}
	return component;
}

static bool has_narrow_tables(struct bytes jpeg)
{
	size_t nbytes;
	const uint8_t *tables = jpegread_segment(jpeg, M_DQT, "", &nbytes);

	for (size_t at = 0; tables && at < nbytes; at += 65)
		if (tables[at] >> 4)
			return false;
	return tables != NULL;
}

static struct jpegread read_all(struct jpeg_decompress_struct *source)
{
	jvirt_barray_ptr *arrays = jpeg_read_coefficients(source);
	struct jpegread read = {
	        .width = source->image_width,
	        .height = source->image_height,
	        .ncomponents = (unsigned)source->num_components,
	        .nwarnings = source->err->num_warnings,
	};

	for (int c = 0; c < source->num_components; c++)
		read.component[c] = read_component(source, arrays[c], c);
	return read;
}

struct jpegread jpegread_coefficients(struct bytes jpeg)
{
	struct jpeg_decompress_struct source;
	struct jpeg_error_mgr errors;
	size_t nbytes;

	begin(&source, &errors, jpeg);
	struct jpegread read = read_all(&source);
	read.is_baseline = jpegread_segment(jpeg, M_SOF0, "\x08", &nbytes) && has_narrow_tables(jpeg);
	end(&source);
	return read;
}

struct attempt {
	struct jpeg_error_mgr errors;
	jmp_buf on_error;
};

static void give_up(j_common_ptr source)
{
	longjmp(((struct attempt *)source->err)->on_error, 1);
}

static void say_nothing(j_common_ptr source)
{
	(void)source;
}

bool jpegread_damaged(struct bytes jpeg, struct jpegread *ret_read)
{
	struct jpeg_decompress_struct source;
	struct attempt attempt;
	volatile bool is_read = false;

	source.err = jpeg_std_error(&attempt.errors);
	attempt.errors.error_exit = give_up;
	attempt.errors.output_message = say_nothing;
	jpeg_create_decompress(&source);
	if (setjmp(attempt.on_error) == 0) {
		jpeg_mem_src(&source, jpeg.data, jpeg.nbytes);
		jpeg_read_header(&source, TRUE);
		attempt.errors.num_warnings = 0; /* what is wrong with the header alone is of no account */
		if (source.num_components <= 4) {
			*ret_read = read_all(&source);
			is_read = true;
		}
	}
	jpeg_destroy_decompress(&source);
	return is_read;
}

void jpegread_clear(struct jpegread *read)
{
	for (unsigned c = 0; c < read->ncomponents; c++)
		free(read->component[c].blocks);
	*read = (struct jpegread){0};
}

const uint8_t *jpegread_segment(struct bytes jpeg, uint8_t marker, const char *id, size_t *ret_payload_nbytes)
{
	const uint8_t *p = jpeg.data + 2, *last = jpeg.data + jpeg.nbytes;

	while (last - p >= 4 && p[1] != M_SOS) {
		size_t length = (size_t)(p[2] << 8 | p[3]);

		if (p[1] == marker && length - 2 >= strlen(id) && memcmp(p + 4, id, strlen(id)) == 0) {
			*ret_payload_nbytes = length - 2;
			return p + 4;
		}
		p += 2 + length;
	}
	return NULL;
}

struct bytes jpegread_optimized(struct bytes jpeg)
{
	struct jpeg_decompress_struct source;
	struct jpeg_compress_struct target;
	struct jpeg_error_mgr errors;
	unsigned char *data = NULL;
	unsigned long nbytes = 0;

	begin(&source, &errors, jpeg);
	jvirt_barray_ptr *arrays = jpeg_read_coefficients(&source);
	target.err = &errors;
	jpeg_create_compress(&target);
	jpeg_mem_dest(&target, &data, &nbytes);
	jpeg_copy_critical_parameters(&source, &target);
	target.optimize_coding = TRUE;
	jpeg_write_coefficients(&target, arrays);
	jpeg_finish_compress(&target);
	jpeg_destroy_compress(&target);
	end(&source);
	return (struct bytes){data, nbytes};
}

size_t jpegread_scan_nbytes(struct bytes jpeg)
{
	const uint8_t *p = jpeg.data + 2, *last = jpeg.data + jpeg.nbytes - 2; /* SOI, EOI */
	size_t nbytes = 0;
	bool in_scan = false;

	while (p < last && !in_scan) {
		in_scan = p[1] == M_SOS;
		p += 2 + (p[2] << 8 | p[3]);
	}
	for (; p < last; p++)
		nbytes += !(p[0] == 0 && p[-1] == 0xff);
	return nbytes;
}
