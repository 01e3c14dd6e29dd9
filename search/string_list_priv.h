/* SPDX-License-Identifier: MIT */
/* string_list_priv.h: strings, each malloc'ed, in an array that grows. */
#pragma once

#include "codec/errint.h"

#include <stddef.h>

struct string_list {
	char **strings; /* NULL where there are none yet */
	size_t n, room;
};

/* Takes `string`, also where it fails. -ENOMEM, of NULL too: what made it had no memory. */
errint_t string_list_add(struct string_list *list, char *string);

/* By their bytes; and the comparison, for bsearch(3). */
void string_list_sort(struct string_list *list);
int string_list_compare(const void *left, const void *right);

void string_list_clear(struct string_list *list);
