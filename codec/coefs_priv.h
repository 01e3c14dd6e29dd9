/* SPDX-License-Identifier: MIT */
/* coefs_priv.h: coefficients that were kept, given as the JPEG's reader gave them. */
#pragma once

#include "codec/coefs.h"
#include "codec/jpeg_reader_priv.h"

const struct ic_jpeg_info *coefs_info(const struct ic_coefs *coefs);
struct jpeg_plane coefs_plane(const struct ic_coefs *coefs, unsigned component);
unsigned coefs_flags(const struct ic_coefs *coefs);

/* The rows of jpeg_reader_each_row, in the same order. Any number of times. -ENOMEM. */
errint_t coefs_each_row(const struct ic_coefs *coefs, jpeg_row_fn *visit, void *context, struct ic_why *why);
