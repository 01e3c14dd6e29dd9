/* SPDX-License-Identifier: MIT */
/*
 * make.h: from a source to the bytes that it is served as, in one step. A mount and `icfs encode` make the same.
 *
 * Results are malloc'ed and the caller's. Thread safe.
 */
#pragma once

#include "codec/face.h"
#include "codec/format.h"
#include "codec/jpeg.h"

/* Encode the JPEG in `jpeg[0..nbytes)`, and present the object under the variant's face; `orig` gives a copy. A source
 * that ends early is flagged under `ic`, and refused with -EBADMSG under `jpeg` and `bmp`, whose readers could not tell.
 * -EBADMSG, -EOPNOTSUPP, -EFBIG, -ENOMEM, -EINVAL. limits may be NULL for the defaults. */
errint_t ic_make(const uint8_t *jpeg, size_t nbytes, const struct ic_variant *variant, const struct ic_limits *limits,
                 uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);

/* The same from an object, whose design must cover the variant's, else -EINVAL; its head will do, as for ic_derive. It has
 * no metadata to keep but its orientation. Not for `orig`: -EINVAL. */
errint_t ic_make_from_object(const struct ic_view *object, const struct ic_variant *variant, uint8_t **ret_bytes,
                             size_t *ret_nbytes, struct ic_why *why);

/* The same, with the metadata of the JPEG that the object was made of, where the variant keeps it: what ic_make gives of that
 * JPEG. The errors of ic_jpeg_probe, too. */
errint_t ic_make_from_object_of(const struct ic_view *object, const uint8_t *jpeg, size_t nbytes,
                                const struct ic_variant *variant, const struct ic_limits *limits, uint8_t **ret_bytes,
                                size_t *ret_nbytes, struct ic_why *why);

/* The exact size of what ic_make gives under `ic` or `bmp`. Other faces: 0, it does not follow from a layout. */
uint64_t ic_make_nbytes(const struct ic_layout *layout, enum ic_face face);

/* Bytes of memory, an upper estimate, that ic_make needs beside its input, for a source with this header. */
uint64_t ic_make_memory(const struct ic_jpeg_info *info, const struct ic_variant *variant);
