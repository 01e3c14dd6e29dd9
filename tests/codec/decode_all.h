/* SPDX-License-Identifier: MIT */
/* decode_all.h: everything that can be decoded from an object, into memory that shows when it is overrun. */
#pragma once

#include "codec/decode.h"

/* Decode coefficients and samples of every component and RGB, into buffers that end at a page that may not be touched and
 * have gaps between their rows. Returns NULL, or what went wrong. */
const char *decode_all(const struct ic_view *view);
