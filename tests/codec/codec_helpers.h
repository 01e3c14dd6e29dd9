/* SPDX-License-Identifier: MIT */
/*
 * codec_helpers.h: what the suites of codec/ share. Where a helper cannot do its work, the Check test that called it fails;
 * guard.h, dice.h and decode_all.h need no Check.
 */
#pragma once

#include "codec/encode.h"

#include "dice.h"
#include "tests/tools/jpegmake.h"

#include <check.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Run the cases that `add` adds, without Check's time limit (the build's runner has one); for main to return. */
int suite_run(const char *name, void (*add)(TCase *cases));

/* --- Designs ---------------------------------------------------------------------------------------------------- */

struct ic_design design_of(const char *text);

struct design_name {
	char text[IC_DESIGN_STRING_SIZE];
};
struct design_name design_name(const struct ic_design *design);

/* --- JPEGs and objects; the memory is the caller's, to be freed -------------------------------------------------- */

/* A photograph-like picture. `spec` as in jpegmake.h. */
struct bytes jpeg_new(uint32_t width, uint32_t height, uint32_t seed, const struct jpeg_spec *spec);

struct bytes encode(struct bytes jpeg, const struct ic_design *design);
/* The JPEG with `count` segments of `nbytes` bytes 'x' of a marker behind its begin. */
struct bytes with_segments(struct bytes jpeg, uint8_t marker, size_t count, size_t nbytes);
struct bytes derive(const struct ic_view *dense, const struct ic_design *design);

/* Borrows the object's bytes. */
struct ic_view view_of(struct bytes object);

/* Fails the test, and says where they differ, unless both are the same. */
void assert_same_bytes(struct bytes a, struct bytes b, const char *what, const struct ic_design *design);

/* Peak signal-to-noise ratio in dB of two buffers; 99 for equal ones. */
double psnr(const uint8_t *a, const uint8_t *b, size_t nbytes);

/* The forward transform of one block of samples, as the `lane`-th of a row whose others are noise: coefs[v * block + u], of
 * u < nu and v < nv. */
struct dct_kernel;
void forward_alone(const struct dct_kernel *kernel, unsigned block, unsigned nu, unsigned nv, unsigned lane,
                   const uint8_t *samples, size_t stride, int16_t *coefs);

/* --- Real photographs -------------------------------------------------------------------------------------------- */

/* The `index`-th JPEG, by name, of a folder of the data set that ICFS_TEST_DATA names; where it names none, a generated
 * one of width x height pixels in the given kind. */
struct bytes photograph(const char *folder, unsigned index, uint32_t width, uint32_t height,
                        const struct jpeg_spec *spec);

/* Its pixels at (x, y), width x height of them, as a JPEG of another kind. The photograph must be that large. */
struct bytes crop(struct bytes jpeg, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
                  const struct jpeg_spec *spec);
