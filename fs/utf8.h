/* SPDX-License-Identifier: MIT */
/*
 * utf8.h: names of files are bytes; which of them are text.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 character that a terminated string begins with, 1..4; 0 where it begins with none, also at its end. */
size_t utf8_length(const char *text);

/* Whether the character at `text`, `length` bytes as utf8_length says, is a control character (C0, DEL, C1). */
bool utf8_is_control(const char *text, size_t length);
