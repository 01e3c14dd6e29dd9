/* SPDX-License-Identifier: MIT */
/*
 * shell.h: words of lines that a POSIX shell, or who copies them into one, will read.
 */
#pragma once

#include <stdio.h>

/* A text as one word: in quotes, unless it has nothing but letters, digits and what paths are made of. */
void shell_put_word(FILE *out, const char *text);
