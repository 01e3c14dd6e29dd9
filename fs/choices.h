/* SPDX-License-Identifier: MIT */
/*
 * choices.h: what `auto` stands for in each directory of a tree, by the catalog, as it was when it was last looked at. Thread
 * safe; its lock is taken last.
 */
#pragma once

#include "fs/log.h"
#include "fs/policy.h"
#include "search/catalog.h"

struct choices;

/* Of the tree whose canonical path is `root`; its place is the caller's. Nothing is known until choices_refresh. -ENOMEM. */
errint_t choices_new(const char *root, struct log *log, struct choices **ret_choices);
void choices_free(struct choices *choices); /* NULL is fine */

/* Look at the catalog; a cheap question where it did not change. True where any choice is another one than before, or why
 * there is none. A catalog that cannot be read changes no choice, and the log says so, once. */
bool choices_refresh(struct choices *choices, struct catalog *catalog);

/* It cannot be opened, for this reason; whether that is new. */
bool choices_set_failure(struct choices *choices, const struct ic_why *why);

/* As choices_refresh, of the file at `path`, or for NULL in the default place, which is opened for it; one that is not there
 * has no choices, and is not made. */
bool choices_load(struct choices *choices, const char *path);

/* What holds for `directory`, a path below the root; ret_words is malloc'ed, NULL without memory. False for nothing; then they
 * are NULL, or say why the catalog cannot be read. */
bool choices_find(struct choices *choices, const char *directory, struct ic_design *ret_design, char **ret_words);
