/* SPDX-License-Identifier: MIT */
/*
 * path.h: of canonical paths, without a slash at their end.
 */
#pragma once

#include <stdbool.h>
#include <string.h>

/* Whether `above` is `path` or leads to it. Both are absolute, or below one directory, which is "". */
static inline bool path_holds(const char *above, const char *path)
{
	size_t n = strcmp(above, "/") ? strlen(above) : 0;

	return !strncmp(above, path, n) && (!n || !path[n] || path[n] == '/');
}
