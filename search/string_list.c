/* SPDX-License-Identifier: MIT */
#include "search/string_list_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

errint_t string_list_add(struct string_list *list, char *string)
{
	if (string && list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 64;
		char **grown = realloc(list->strings, room * sizeof(*grown));
		if (grown) {
			list->strings = grown;
			list->room = room;
		}
	}
	if (!string || list->n == list->room) {
		free(string);
		return -ENOMEM;
	}
	list->strings[list->n++] = string;
	return 0;
}

int string_list_compare(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

void string_list_sort(struct string_list *list)
{
	if (list->n)
		qsort(list->strings, list->n, sizeof(*list->strings), string_list_compare);
}

void string_list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->strings[i]);
	free(list->strings);
	*list = (struct string_list){0};
}
