/* SPDX-License-Identifier: MIT */
/*
 * ending.h: the endings by which names of one directory stand for each other, of JPEGs and .ic files, in any case: 52 of them,
 * so that a word tells which of them a directory has. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The ending of a name, as a bit, or 0 for one that has none. */
uint64_t ending_of(const char *name);

/* Whether what is left of a name without its ending has one too: cat.jpg.ic. */
bool ending_is_double(const char *name);

/* The names that it takes to find `name`, served under any face, in a directory in which no name has two endings and none
 * has others than `endings`: `name` itself, and those of its stem. */
typedef void ending_visitor(void *context, const char *name);
void ending_each_near(const char *name, uint64_t endings, ending_visitor *each, void *context);
