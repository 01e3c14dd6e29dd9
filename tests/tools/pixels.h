/* SPDX-License-Identifier: MIT */
/*
 * pixels.h: files read whole and decoded, into buffers that are used again, for tools that time it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Grown as needed; begin with zeros. */
struct buffer {
	uint8_t *bytes;
	size_t capacity;
};

bool buffer_reserve(struct buffer *buffer, size_t nbytes); /* false, with errno, where there is no memory */
void buffer_free(struct buffer *buffer);

/* The whole file; -1 with errno, EILSEQ where it is not `expected` bytes long. */
ssize_t read_whole(const char *path, size_t expected, struct buffer *file);

/* The pixels of a JPEG by libjpeg-turbo with its defaults, row by row in the same memory; of an .ic by ic_decode_rgb.
 * False where it is neither, or damaged. */
bool decode_pixels(const uint8_t *bytes, size_t nbytes, struct buffer *pixels);

/* The coefficients of a JPEG, by jpeg_read_coefficients: its entropy codes are undone, and nothing else. */
bool decode_coefficients(const uint8_t *bytes, size_t nbytes);
