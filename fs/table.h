/* SPDX-License-Identifier: MIT */
/*
 * table.h: the names of one source directory, read once and sorted. The names never change; verdicts on the candidates
 * are added as they are asked for. Counted and thread safe.
 */
#pragma once

#include "fs/verdict.h"

#include <stddef.h>
#include <sys/types.h>

#define CONTROL_NAME ".icfs" /* ours in every directory; hides a real one */

struct table;

/* Read the directory `fd` (O_PATH will do). Verdicts of `old` (may be NULL) on the same names are taken over; their
 * identities tell whether they still hold. -ENOMEM, -errno of reading. */
errint_t table_read(int fd, struct table *old, struct table **ret_table);

/* The entries alone by which `name` is found under any face, of a directory whose table had these endings (table_endings).
 * Errors as table_read. */
errint_t table_read_near(int fd, const char *name, uint64_t endings, struct table **ret_table);

/* The endings of all its names, as table_read_near wants them; false where some name has two, and all have to be read. */
bool table_endings(const struct table *table, uint64_t *ret_endings);

struct table *table_ref(struct table *table);
void table_unref(struct table *table); /* NULL is fine */

size_t table_count(const struct table *table);
size_t table_nbytes(const struct table *table); /* an estimate of the memory it takes, verdicts included */

/* Entries 0..count-1, by rising bytes of their names. */
const char *table_name(const struct table *table, size_t i);
unsigned char table_type(const struct table *table, size_t i); /* DT_ */

/* The index of a name, or -1. */
ssize_t table_find(const struct table *table, const char *name);

/* Whether its name and type allow that an entry is an image. */
bool table_is_candidate(const struct table *table, size_t i);

/* The same of an .ic file, rather than of a JPEG. */
bool table_is_object(const struct table *table, size_t i);

/* Length of a name's stem when its extension is one of a JPEG (.jpg .jpeg .jpe .jfif, in any case), else 0. */
size_t stem_length(const char *name);

/* The same for .ic, in any case. */
size_t object_stem_length(const char *name);

/* The candidates with one stem: the first one's rank and how many there are. table_ranked gives their entries. */
size_t table_group(const struct table *table, const char *stem, size_t stem_len, size_t *ret_count);
size_t table_ranked(const struct table *table, size_t rank);

/* The verdict on an entry, for the caller to unref, or NULL. */
struct verdict *table_verdict(struct table *table, size_t i);
bool table_has_verdict(struct table *table, size_t i);
void table_set_verdict(struct table *table, size_t i, struct verdict *verdict); /* refs it; NULL is fine */
