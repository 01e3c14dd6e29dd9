/* SPDX-License-Identifier: MIT */
/*
 * mkimages.h: what the parts of the mkimages tool share. Errors end the program with a message.
 */
#pragma once

#include "jpegmake.h"

/* Write a file below `directory`, in place of one that is there. */
void write_file(const char *directory, const char *name, const void *data, size_t nbytes);

/* An image of 1 x 1 pixels that is no JPEG. */
extern const uint8_t tiny_png[];
extern const size_t tiny_png_nbytes;

/* Every odd JPEG, and every file that only claims to be one. */
void write_odd_images(const char *directory);
