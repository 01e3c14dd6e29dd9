/* SPDX-License-Identifier: MIT */
#include "codec/compress.h"

#include <errno.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

#include <jerror.h>

#define FIRST_NBYTES 4096

/* Lives on the heap, so that nothing of it is lost where libjpeg gives up. */
struct compressor {
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_destination_mgr destination;
	jmp_buf on_error;
	bool is_out_of_room;
	uint8_t *bytes;
	size_t size;
};

/* --- What libjpeg calls ----------------------------------------------------------------------------------------- */

static void on_error_exit(j_common_ptr jpeg)
{
	struct compressor *compressor = jpeg->client_data;

	longjmp(compressor->on_error, 1);
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

static void on_begin(j_compress_ptr jpeg)
{
	(void)jpeg;
}

static void on_end(j_compress_ptr jpeg)
{
	(void)jpeg;
}

/* libjpeg's own destination in memory would lose what it has where a later step fails. */
static boolean on_full(j_compress_ptr jpeg)
{
	struct compressor *compressor = jpeg->client_data;
	size_t used = compressor->size, size = used ? 2 * used : FIRST_NBYTES;
	uint8_t *more = size > used ? realloc(compressor->bytes, size) : NULL;

	if (!more) {
		compressor->is_out_of_room = true;
		longjmp(compressor->on_error, 1);
	}
	compressor->bytes = more;
	compressor->size = size;
	compressor->destination.next_output_byte = more + used;
	compressor->destination.free_in_buffer = size - used;
	return TRUE;
}

/* --- One JPEG ----------------------------------------------------------------------------------------------------- */

static void set_up(struct compressor *compressor, const struct ic_pixels *pixels, int quality)
{
	struct jpeg_compress_struct *jpeg = &compressor->jpeg;

	jpeg_create_compress(jpeg);
	on_full(jpeg); /* the first of its room */
	jpeg->dest = &compressor->destination;
	jpeg->image_width = pixels->width;
	jpeg->image_height = pixels->height;
	jpeg->input_components = (int)pixels->ncomponents;
	jpeg->in_color_space = pixels->ncomponents == 1 ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(jpeg); /* 4:2:0 */
	jpeg_set_quality(jpeg, quality, TRUE);
	jpeg->optimize_coding = TRUE;
	jpeg->dct_method = JDCT_ISLOW;
}

static errint_t describe(struct compressor *compressor, struct ic_why *why)
{
	char text[JMSG_LENGTH_MAX];

	if (compressor->is_out_of_room || compressor->errors.msg_code == JERR_OUT_OF_MEMORY)
		return ic_fail(why, -ENOMEM, "out of memory");
	compressor->errors.format_message((j_common_ptr)&compressor->jpeg, text);
	return ic_fail(why, -EFBIG, "%s", text); /* the one thing that is left: a side */
}

static errint_t compress(struct compressor *compressor, const struct ic_pixels *pixels, int quality, struct ic_why *why)
{
	struct jpeg_compress_struct *jpeg = &compressor->jpeg;
	size_t stride = (size_t)pixels->ncomponents * pixels->width;

	if (setjmp(compressor->on_error))
		return describe(compressor, why);
	set_up(compressor, pixels, quality);
	jpeg_start_compress(jpeg, TRUE);
	while (jpeg->next_scanline < jpeg->image_height) {
		JSAMPROW row = (JSAMPROW)pixels->samples + stride * jpeg->next_scanline;
		jpeg_write_scanlines(jpeg, &row, 1);
	}
	jpeg_finish_compress(jpeg);
	return 0;
}

static errint_t check(const struct ic_pixels *pixels, int quality, struct ic_why *why)
{
	if (!pixels->width || !pixels->height)
		return ic_fail(why, -EINVAL, "a picture of no pixels");
	if (pixels->ncomponents != 1 && pixels->ncomponents != 3)
		return ic_fail(why, -EINVAL, "%u components are neither gray nor RGB", pixels->ncomponents);
	if (quality < 1 || quality > IC_QUALITY_MAX)
		return ic_fail(why, -EINVAL, "quality %d is not in 1..%d", quality, IC_QUALITY_MAX);
	return 0;
}

errint_t ic_compress_jpeg(const struct ic_pixels *pixels, int quality, uint8_t **ret_jpeg, size_t *ret_nbytes,
                          struct ic_why *why)
{
	errint_t err = check(pixels, quality, why);
	if (err)
		return err;
	struct compressor *compressor = calloc(1, sizeof(*compressor));
	if (!compressor)
		return ic_fail(why, -ENOMEM, "out of memory");
	compressor->jpeg.err = jpeg_std_error(&compressor->errors);
	compressor->errors.error_exit = on_error_exit;
	compressor->errors.emit_message = on_message;
	compressor->errors.output_message = on_output;
	compressor->jpeg.client_data = compressor;
	compressor->destination.init_destination = on_begin;
	compressor->destination.empty_output_buffer = on_full;
	compressor->destination.term_destination = on_end;

	err = compress(compressor, pixels, quality, why);
	if (err) {
		free(compressor->bytes);
	} else {
		*ret_jpeg = compressor->bytes;
		*ret_nbytes = compressor->size - compressor->destination.free_in_buffer;
	}
	jpeg_destroy_compress(&compressor->jpeg);
	free(compressor);
	return err;
}

/* --- The largest that fits ---------------------------------------------------------------------------------------- */

errint_t ic_compress_jpeg_within(const struct ic_pixels *pixels, size_t nbytes_max, int *ret_quality,
                                 uint8_t **ret_jpeg, size_t *ret_nbytes, struct ic_why *why)
{
	int fits = 0, too_large = IC_QUALITY_MAX + 1;
	uint8_t *best = NULL, *jpeg = NULL;
	size_t best_nbytes = 0, nbytes = 0;

	while (too_large - fits > 1) {
		int quality = fits + (too_large - fits) / 2;
		errint_t err = ic_compress_jpeg(pixels, quality, &jpeg, &nbytes, why);
		if (err) {
			free(best);
			return err;
		}
		if (nbytes > nbytes_max) {
			too_large = quality;
			free(jpeg);
		} else {
			fits = quality;
			free(best);
			best = jpeg;
			best_nbytes = nbytes;
		}
	}
	if (!fits)
		return ic_fail(why, -ERANGE, "no JPEG of these pixels has %zu bytes or less", nbytes_max);
	*ret_quality = fits;
	*ret_jpeg = best;
	*ret_nbytes = best_nbytes;
	return 0;
}
