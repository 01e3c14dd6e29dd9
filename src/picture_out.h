/* SPDX-License-Identifier: MIT */
/*
 * picture_out.h: pixels to picture files.
 */
#pragma once

#include "codec/errint.h"

#include <stdint.h>
#include <stdio.h>

struct picture {
	uint32_t width, height;
	uint8_t *rgb; /* rows of 3 * width bytes, without gaps */
};

/* -EIO, with the reason. Errors that only a flush would find may be left to the caller. */
typedef errint_t picture_write(const struct picture *picture, FILE *out, struct ic_why *why);

/* By the extension of a file's name, in any case: "ppm" or "png". NULL for others. */
picture_write *picture_writer(const char *extension);
