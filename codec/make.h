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

/* Encode the JPEG in `source[0..nbytes)`, and present the object under the variant's face; `orig` gives a copy. A source
 * that ends early or is damaged is flagged under `ic`, and refused with -EBADMSG under `jpeg` and `bmp`, whose readers
 * could not tell.
 * A source may also be an .ic file, by its first bytes: then it is what ic_make_check_object says, -ENODATA where it is
 * cut off, and ic_make_from_object. -EBADMSG, -EOPNOTSUPP, -EFBIG, -ENOMEM, -EINVAL. limits may be NULL for the defaults.
 */
errint_t ic_make(const uint8_t *source, size_t nbytes, const struct ic_variant *variant, const struct ic_limits *limits,
                 uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);

/* Whether an .ic file with this header (ic_view_parse_header) can be the source of a variant: -EINVAL where its
 * design does not cover the variant's; -EBADMSG under `jpeg` and `bmp` where its own source ended early or was
 * damaged; -EFBIG where the pixels that it holds, or the memory for them, pass a limit. limits may be NULL for the
 * defaults. */
errint_t ic_make_check_object(const struct ic_view *header, const struct ic_variant *variant,
                              const struct ic_limits *limits, struct ic_why *why);

/* What is to be made of an object whose design covers the variant's, else -EINVAL; its head will do, as for ic_derive.
 * Within no limits. It has no metadata to keep but its orientation. Not for `orig`: -EINVAL. */
errint_t ic_make_from_object(const struct ic_view *object, const struct ic_variant *variant, uint8_t **ret_bytes,
                             size_t *ret_nbytes, struct ic_why *why);

/* Whether presenting what is made of such an object stays within limits->memory, which ic_make sees to where the source is a
 * JPEG: -EFBIG. limits may be NULL for the defaults. */
errint_t ic_make_check_presenting(const struct ic_layout *object, const struct ic_variant *variant,
                                  const struct ic_limits *limits, struct ic_why *why);

/* The same, with the metadata of the JPEG that the object was made of, where the variant keeps it: what ic_make gives of that
 * JPEG, which may be NULL to keep none. The errors of ic_jpeg_probe and ic_make_check_presenting, too. */
errint_t ic_make_from_object_of(const struct ic_view *object, const uint8_t *jpeg, size_t nbytes,
                                const struct ic_variant *variant, const struct ic_limits *limits, uint8_t **ret_bytes,
                                size_t *ret_nbytes, struct ic_why *why);

/* Whether ic_make, of a JPEG with this header (ic_jpeg_probe), stays within limits->memory, metadata apart: -EFBIG. limits may
 * be NULL for the defaults. */
errint_t ic_make_check_jpeg(const struct ic_jpeg_info *info, const struct ic_variant *variant,
                            const struct ic_limits *limits, struct ic_why *why);

/* The exact size of what ic_make gives under `ic` or `bmp`. Other faces: 0, it does not follow from a layout. */
uint64_t ic_make_nbytes(const struct ic_layout *layout, enum ic_face face);

/* Bytes of memory, an upper estimate, that ic_make needs beside its input, which it looks at the head of. Errors of
 * ic_make, of those that the head tells. */
errint_t ic_make_memory(const uint8_t *source, size_t nbytes, const struct ic_variant *variant,
                        const struct ic_limits *limits, uint64_t *ret_nbytes, struct ic_why *why);

/* The same of ic_make_from_object. */
uint64_t ic_make_memory_from_object(const struct ic_layout *object, const struct ic_variant *variant);
