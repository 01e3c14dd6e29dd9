/* SPDX-License-Identifier: MIT */
/*
 * names.h: under which name each entry of a directory is served, and back.
 *
 * Under the face `ic` an image cat.jpg is served as cat.ic. Where that name is taken, by another image of the same stem,
 * by a real entry, or by the full name of another one (cat.jpg.ic, of cat.jpg), it is served under its own full name plus
 * .ic; where that is taken too, or passes 255 bytes, under its own name, byte for byte.
 *
 * Under the faces `jpeg` and `bmp` an image cat.ic is served as cat.jpg, since programs select by extension, and cat.jpg.ic
 * as cat.jpg too, the name that it was made from. Where that name is taken by a real entry, or passes 255 bytes, it is
 * served under its own name, byte for byte; of several such images cat.jpg.ic has it, then the first by its bytes.
 *
 * Everything else keeps its name. So each name is served once, whatever a directory holds, and no entry is lost.
 *
 * Names have NAME_MAX bytes at most, as those of a table have.
 *
 * Pure functions of a table; whether an entry is an image is asked of the caller, only where it matters.
 */
#pragma once

#include "codec/face.h"
#include "fs/table.h"

#include <limits.h>

enum name_form {
	NAME_OWN,  /* its own */
	NAME_STEM, /* cat.ic; of an .ic file, cat.jpg */
	NAME_FULL, /* cat.jpg.ic */
};

typedef bool names_is_image(void *context, size_t i);

struct names {
	const struct table *table;
	enum ic_face face;
	names_is_image *is_image; /* asked only of candidates */
	void *context;
};

enum name_form names_form(const struct names *names, size_t i);

/* The name that an entry is served under in a form that names_form gave. */
void names_write(const struct names *names, size_t i, enum name_form form, char ret_name[NAME_MAX + 1]);

/* Whether an entry that is an image is served under another name than its own, if it can be; else NAME_OWN is its name. */
bool names_is_foreign(const struct names *names, size_t i);

/* The entry that is served under `name`, or -1. */
ssize_t names_find(const struct names *names, const char *name, enum name_form *ret_form);

/* Every name that may be served differently, or no longer, or newly, when the source's entry `name` comes, goes or
 * changes; `name` itself too. Names may be told twice. */
typedef void names_visitor(void *context, const char *name);
void names_affected(const struct table *table, const char *name, names_visitor *each, void *context);

/* The same of a directory whose names are not at hand, but whose endings are (table_endings). */
void names_affected_near(const char *name, uint64_t endings, names_visitor *each, void *context);

/* The names alone that an entry called `name` can be served under. */
void names_possible(const char *name, names_visitor *each, void *context);
