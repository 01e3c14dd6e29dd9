/* SPDX-License-Identifier: MIT */
/*
 * json.h: the one part of JSON that needs care.
 */
#pragma once

#include <stdio.h>

/* A JSON string with its quotes. Bytes that are not UTF-8 come out as U+FFFD, since JSON has no way to write them. */
void put_json_string(FILE *out, const char *text);
