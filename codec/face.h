/* SPDX-License-Identifier: MIT */
/*
 * face.h: how an object is presented to programs.
 */
#pragma once

#include "codec/design.h"

enum ic_face {
	IC_FACE_IC = 0, /* `ic`: the object itself, under the source's stem and .ic */
	IC_FACE_JPEG,   /* `jpeg`: a baseline JPEG; this and what follows under the source's own name */
	IC_FACE_BMP,    /* `bmp`: pixels, nothing to decode */
	IC_FACE_ORIG,   /* `orig`: the source, byte for byte; the design plays no part */
};

/* -EINVAL, and the known faces in `why`, for any other text. */
errint_t ic_face_parse(const char *text, enum ic_face *ret_face, struct ic_why *why);

/* The written form, a string constant. */
const char *ic_face_name(enum ic_face face);

/* What is made of a source: all that decides on the bytes, beside the source and IC_CODEC_VERSION. */
struct ic_variant {
	struct ic_design design;
	enum ic_face face;
	bool keeps_metadata; /* carry the source's own (ic_jpeg_markers); false but under IC_FACE_JPEG */
};

bool ic_variant_equal(const struct ic_variant *a, const struct ic_variant *b);
