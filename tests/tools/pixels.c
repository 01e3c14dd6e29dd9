/* SPDX-License-Identifier: MIT */
#include "tests/tools/pixels.h"

#include "codec/decode.h"
#include "codec/jpeg.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <jpeglib.h>

bool buffer_reserve(struct buffer *buffer, size_t nbytes)
{
	uint8_t *grown;

	if (nbytes <= buffer->capacity)
		return true;
	grown = realloc(buffer->bytes, nbytes);
	if (!grown)
		return false;
	*buffer = (struct buffer){grown, nbytes};
	return true;
}

void buffer_free(struct buffer *buffer)
{
	free(buffer->bytes);
	*buffer = (struct buffer){0};
}

ssize_t read_whole(const char *path, size_t expected, struct buffer *file)
{
	size_t nread = 0;
	ssize_t n = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (buffer_reserve(file, expected + 1)) {
		while ((n = read(fd, file->bytes + nread, expected + 1 - nread)) > 0)
			nread += (size_t)n;
	}
	close(fd);
	if (n == 0 && nread == expected)
		return (ssize_t)nread;
	if (n == 0)
		errno = EILSEQ;
	return -1;
}

struct jump_manager {
	struct jpeg_error_mgr base; /* first: libjpeg hands its address back */
	jmp_buf jump;
};

static void jump_out(j_common_ptr cinfo)
{
	longjmp(((struct jump_manager *)cinfo->err)->jump, 1);
}

static void stay_silent(j_common_ptr cinfo)
{
}

static void read_pixels(struct jpeg_decompress_struct *cinfo, struct jump_manager *errors, struct buffer *pixels)
{
	jpeg_start_decompress(cinfo);
	if (!buffer_reserve(pixels, (size_t)cinfo->output_width * (size_t)cinfo->output_components))
		longjmp(errors->jump, 1);
	while (cinfo->output_scanline < cinfo->output_height)
		jpeg_read_scanlines(cinfo, &pixels->bytes, 1);
	jpeg_finish_decompress(cinfo);
}

/* With NULL for `pixels`, the coefficients alone. */
static bool decode_jpeg(const uint8_t *bytes, size_t nbytes, struct buffer *pixels)
{
	struct jpeg_decompress_struct cinfo = {0};
	struct jump_manager errors;

	cinfo.err = jpeg_std_error(&errors.base);
	errors.base.error_exit = jump_out;
	errors.base.output_message = stay_silent;
	if (setjmp(errors.jump)) {
		jpeg_destroy_decompress(&cinfo);
		return false;
	}
	jpeg_create_decompress(&cinfo);
	jpeg_mem_src(&cinfo, bytes, nbytes);
	jpeg_read_header(&cinfo, TRUE);
	if (pixels)
		read_pixels(&cinfo, &errors, pixels);
	else
		jpeg_read_coefficients(&cinfo);
	jpeg_destroy_decompress(&cinfo);
	return true;
}

bool decode_coefficients(const uint8_t *bytes, size_t nbytes)
{
	return decode_jpeg(bytes, nbytes, NULL);
}

static bool decode_ic(const uint8_t *bytes, size_t nbytes, struct buffer *pixels)
{
	struct ic_view view;
	size_t stride;

	if (ic_view_parse(&view, bytes, nbytes, NULL))
		return false;
	stride = (size_t)3 * view.layout.width;
	if (!buffer_reserve(pixels, stride * view.layout.height))
		return false;
	return ic_decode_rgb(&view, pixels->bytes, stride) == 0;
}

bool decode_pixels(const uint8_t *bytes, size_t nbytes, struct buffer *pixels)
{
	return ic_is_magic(bytes, nbytes) ? decode_ic(bytes, nbytes, pixels) : decode_jpeg(bytes, nbytes, pixels);
}
