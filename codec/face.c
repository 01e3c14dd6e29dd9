/* SPDX-License-Identifier: MIT */
#include "codec/face.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

static const char *const face_names[] = {
        [IC_FACE_IC] = "ic",
        [IC_FACE_JPEG] = "jpeg",
        [IC_FACE_BMP] = "bmp",
        [IC_FACE_ORIG] = "orig",
};

#define NFACES (sizeof(face_names) / sizeof(face_names[0]))

static errint_t fail_unknown(const char *text, struct ic_why *why)
{
	char known[64] = "";

	for (size_t i = 0; i < NFACES; i++) {
		strcat(known, i ? ", " : "");
		strcat(known, face_names[i]);
	}
	return ic_fail(why, -EINVAL, "unknown face '%.32s'; known: %s", text, known);
}

errint_t ic_face_parse(const char *text, enum ic_face *ret_face, struct ic_why *why)
{
	for (size_t i = 0; i < NFACES; i++) {
		if (!strcmp(text, face_names[i])) {
			*ret_face = (enum ic_face)i;
			return 0;
		}
	}
	return fail_unknown(text, why);
}

const char *ic_face_name(enum ic_face face)
{
	return face_names[face];
}

bool ic_variant_equal(const struct ic_variant *a, const struct ic_variant *b)
{
	return a->face == b->face && a->keeps_metadata == b->keeps_metadata && ic_design_equal(&a->design, &b->design);
}
