/* SPDX-License-Identifier: MIT */
/*
 * encode.h: from a source to an object, and from a dense object to a sparser one.
 *
 * All return malloc'ed memory that the caller frees. Same source, design and IC_CODEC_VERSION: the same bytes, on every
 * machine. Thread safe; no state is shared between calls.
 */
#pragma once

#include "codec/coefs.h"
#include "codec/design.h"
#include "codec/format.h"
#include "codec/jpeg.h"

/* Raised whenever the same source and design would give other bytes; part of every key under which objects or
 * measurements are kept. */
#define IC_CODEC_VERSION 6

/* Encode the JPEG in `jpeg[0..nbytes)`. *ret_nbytes always equals ic_layout.nbytes for the size and components that
 * ic_jpeg_probe reports. A source that ends early is encoded as far as it goes and flagged IC_FLAG_TRUNCATED; one
 * whose data are damaged, as libjpeg fills them in, and flagged IC_FLAG_DAMAGED. -EBADMSG, -EOPNOTSUPP, -EFBIG,
 * -ENOMEM, -EINVAL. limits may be NULL for the defaults. */
errint_t ic_encode_jpeg(const uint8_t *jpeg, size_t nbytes, const struct ic_design *design,
                        const struct ic_limits *limits, uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why);

/* The same of coefficients that were kept of the JPEG: the same bytes. limits->pixels is not looked at again. */
errint_t ic_encode_coefs(const struct ic_coefs *coefs, const struct ic_design *design, const struct ic_limits *limits,
                         uint8_t **ret_object, size_t *ret_nbytes, struct ic_why *why);

/* Bytes of memory, an upper estimate, that either needs beside its input for a source with this header. */
uint64_t ic_encode_memory(const struct ic_jpeg_info *info, const struct ic_design *design);

/* Make the object of a sparser design from a denser one, without the source: bit for bit what ic_encode_jpeg gives.
 * Of `dense` only the header, and what the table and the planes hold of the frequencies of `design`, is read: where both
 * prune in the same order, the head of the object up to the last of these planes will do.
 * -EINVAL unless ic_design_covers(&dense->layout.design, design). */
errint_t ic_derive(const struct ic_view *dense, const struct ic_design *design, uint8_t **ret_object,
                   size_t *ret_nbytes, struct ic_why *why);
