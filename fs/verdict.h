/* SPDX-License-Identifier: MIT */
/*
 * verdict.h: what a look at the first bytes of a candidate told. Immutable and counted, so that tables share them.
 */
#pragma once

#include "codec/design.h"
#include "codec/jpeg.h"
#include "fs/source.h"

#include <stdatomic.h>

struct verdict {
	atomic_uint refs;
	atomic_flag reported;   /* for who logs something about this file once */
	atomic_bool is_damaged; /* found out by making: its bytes give no object that is whole */
	struct source_identity identity;
	bool is_image;           /* its first bytes are those of what its name promises */
	bool is_object;          /* an .ic file, not a JPEG; this and what follows of images alone */
	uint16_t flags;          /* of an .ic file: IC_FLAG_TRUNCATED, IC_FLAG_DAMAGED */
	struct ic_design design; /* of an .ic file */
	bool is_kept;        /* false where the next look may tell otherwise with the same identity (no permission) */
	uint8_t ncomponents; /* of its objects */
	uint16_t width, height; /* pixels of the JPEG, of an .ic file too */
	errint_t err;           /* of an image: 0, or why there are no objects of it */
	char why[];             /* "" where err is 0 */
};

/* Look at the open file `fd`, whose state is `st`, for a JPEG, or with `is_object` for an .ic file. limits->memory bounds
 * how much of it is read. -ENOMEM, -errno of reading. `ret_info` is filled in for a JPEG of which there are objects. */
errint_t verdict_look(int fd, const struct stat *st, bool is_object, const struct ic_limits *limits,
                      struct verdict **ret_verdict, struct ic_jpeg_info *ret_info);

/* The verdict on a file that was looked at for a JPEG before, whose header was `info`, or that was none (NULL). -ENOMEM;
 * -ENODATA where only a look tells: its limits are passed. */
errint_t verdict_recall(const struct stat *st, const struct ic_jpeg_info *info, const struct ic_limits *limits,
                        struct verdict **ret_verdict);

/* For a file that could not be opened: no image, not kept. */
errint_t verdict_unreadable(const struct stat *st, struct verdict **ret_verdict);

struct verdict *verdict_ref(struct verdict *verdict); /* NULL is fine */
void verdict_unref(struct verdict *verdict);          /* NULL is fine */
