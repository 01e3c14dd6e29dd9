/* SPDX-License-Identifier: MIT */
/*
 * inspect.h: what is in a file, in words or as one line of JSON, on standard output.
 */
#pragma once

#include "codec/design.h"
#include "codec/format.h"
#include "codec/jpeg.h"

/* An object whose header is valid; `is_complete` says that all of it is. Planes are told only then. */
void inspect_object_words(const char *name, const struct ic_view *view, bool is_complete, bool planes);
void inspect_object_json(const char *name, const struct ic_view *view, bool is_complete, bool planes);

/* A JPEG of `nbytes`, and the bytes of its object under a design. */
void inspect_jpeg_words(const char *name, const struct ic_jpeg_info *info, size_t nbytes,
                        const struct ic_layout *layout);
void inspect_jpeg_json(const char *name, const struct ic_jpeg_info *info, size_t nbytes,
                       const struct ic_layout *layout);
