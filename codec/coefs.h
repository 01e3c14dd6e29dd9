/* SPDX-License-Identifier: MIT */
/*
 * coefs.h: the quantized coefficients of a JPEG, kept in two to four times the bytes that a photograph has as JPEG: objects
 * of many designs come from one decoding of its entropy code, which is most of what an object costs.
 */
#pragma once

#include "codec/jpeg.h"

struct ic_coefs;

/* Decode the entropy code of the JPEG in `jpeg[0..nbytes)`, whose bytes are not needed afterwards. A source that ends early
 * is taken as far as it goes, one that is damaged as libjpeg reads it; objects have the flags. Errors as ic_encode_jpeg, but
 * -EFBIG where keeping, and not encoding, might take more than limits->memory; limits may be NULL for the defaults.
 * ic_encode_coefs (encode.h) makes objects of what comes of it, in any number of threads at once. */
errint_t ic_coefs_new(const uint8_t *jpeg, size_t nbytes, const struct ic_limits *limits, struct ic_coefs **ret_coefs,
                      struct ic_why *why);
void ic_coefs_free(struct ic_coefs *coefs); /* NULL is fine */

/* Bytes of memory that it takes. They lie in one piece and point to nothing: a copy of them, where malloc would have put it,
 * stands for it within this process, so that it may wait in a file. */
size_t ic_coefs_nbytes(const struct ic_coefs *coefs);
