/* SPDX-License-Identifier: MIT */
/* limits_priv.h: whether a source stays within limits, which may be NULL for the defaults. */
#pragma once

#include "codec/jpeg.h"

struct ic_limits limits_or_default(const struct ic_limits *limits);

/* -EFBIG. */
errint_t limits_check_pixels(const struct ic_limits *limits, uint32_t width, uint32_t height, struct ic_why *why);

/* -EFBIG. What needs the memory, and the verb, is formatted into the message: "the picture needs". */
errint_t limits_check_memory(const struct ic_limits *limits, uint64_t nbytes, struct ic_why *why, const char *format,
                             ...) __attribute__((format(printf, 4, 5)));
