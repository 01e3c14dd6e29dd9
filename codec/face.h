/* SPDX-License-Identifier: MIT */
/*
 * face.h: how an object is presented to programs.
 */
#pragma once

#include "codec/errint.h"

enum ic_face {
	IC_FACE_IC = 0, /* `ic`: the object itself, under the source's stem and .ic */
};

/* -EINVAL, and the known faces in `why`, for any other text. */
errint_t ic_face_parse(const char *text, enum ic_face *ret_face, struct ic_why *why);

/* The written form, a string constant. */
const char *ic_face_name(enum ic_face face);
