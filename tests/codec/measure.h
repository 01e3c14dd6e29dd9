/* SPDX-License-Identifier: MIT */
/*
 * measure.h: what the programs share that measure designs on photographs. Without Check; what cannot be done ends the
 * program with a message.
 */
#pragma once

#include "codec/encode.h"

#include "tests/tools/jpegmake.h"

/* Call `visit` for each JPEG of a directory, by name, hidden files left out. Returns how many there are. */
unsigned measure_each_jpeg(const char *directory, void (*visit)(void *context, const char *path, struct bytes jpeg),
                           void *context);

/* An object that owns its bytes. */
struct measured {
	uint8_t *bytes;
	struct ic_view view;
};
struct measured measure_encode(const char *path, struct bytes jpeg, const struct ic_design *design);
void measured_clear(struct measured *object);

/* Its pixels, malloc'ed: rows of 3 * width bytes. */
uint8_t *measure_rgb(const struct ic_view *view);

/* The pixels of the source on the design's grid, without loss: sXxY-b1-k1-q8, where the codes are the samples. */
uint8_t *measure_reference(const char *path, struct bytes jpeg, const struct ic_design *design);

/* 10 log10(255^2 / MSE) over all bytes, in dB; equal ones count as 99. */
double measure_psnr(const uint8_t *a, const uint8_t *b, size_t nbytes);

/* Processor time of this thread, in seconds. */
double measure_seconds(void);
