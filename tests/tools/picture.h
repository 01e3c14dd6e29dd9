/* SPDX-License-Identifier: MIT */
/*
 * picture.h: photograph-like pixels out of a seed, for tests and for the demo.
 *
 * The spectrum falls as that of photographs does (each octave of detail is weaker than the one before), with
 * gradients, hard edges, colour and a little sensor noise on top. Classes differ in palette, pattern and shapes, pictures
 * of a class in everything else. The same arguments give the same pixels on all machines of one architecture.
 */
#pragma once

#include <stdint.h>

struct picture {
	uint32_t width, height;
	uint8_t *rgb; /* height rows of 3 * width bytes, R first; malloc'ed */
};

/* Exits with a message when memory runs out: the callers are tools. */
struct picture picture_new(uint32_t width, uint32_t height, uint32_t class_seed, uint32_t picture_seed);
void picture_clear(struct picture *picture);

/* A number that looks random for each pair of arguments. */
uint32_t picture_hash(uint32_t seed, uint32_t n);
