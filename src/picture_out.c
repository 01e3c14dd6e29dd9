/* SPDX-License-Identifier: MIT */
#include "src/picture_out.h"

#include <errno.h>
#include <png.h>
#include <string.h>
#include <strings.h>

static errint_t write_ppm(const struct picture *picture, FILE *out, struct ic_why *why)
{
	size_t row_nbytes = (size_t)picture->width * 3;

	fprintf(out, "P6\n%u %u\n255\n", picture->width, picture->height);
	if (fwrite(picture->rgb, row_nbytes, picture->height, out) != picture->height)
		return ic_fail(why, -EIO, "%s", strerror(errno));
	return 0;
}

/* libpng's simplified interface catches its errors by itself. */
static errint_t write_png(const struct picture *picture, FILE *out, struct ic_why *why)
{
	png_image image = {.version = PNG_IMAGE_VERSION,
	                   .width = picture->width,
	                   .height = picture->height,
	                   .format = PNG_FORMAT_RGB};

	if (!png_image_write_to_stdio(&image, out, 0, picture->rgb, 0, NULL))
		return ic_fail(why, -EIO, "%s", image.message);
	return 0;
}

picture_write *picture_writer(const char *extension)
{
	if (!strcasecmp(extension, "ppm"))
		return write_ppm;
	if (!strcasecmp(extension, "png"))
		return write_png;
	return NULL;
}
