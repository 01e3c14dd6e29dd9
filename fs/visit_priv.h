/* SPDX-License-Identifier: MIT */
/* visit_priv.h: a directory, as one request looks at it: its names (visit.c), what is found out of several at once (ahead.c),
 * looks at sources (look.c), and what entries are served as (examine.c). */
#pragma once

#include "fs/fs_priv.h"

/* What the catalog knows of a source that it was asked for alone. */
struct recalled {
	bool is_asked;
	struct source_identity of;
	struct catalog_known known;
};

/* What was found out of an entry before its turn. */
struct visit_entry {
	bool is_there; /* a plain file, in the state `st` */
	bool is_asked; /* and this is what the catalog knows of it */
	struct stat st;
	struct catalog_known known;
};

struct visit_ahead {
	size_t first, count;
	struct visit_entry entries[];
};

/* A directory opened for one request. */
struct visit {
	struct fs *fs;
	struct node *node; /* held */
	struct dir *dir;
	struct table *table;          /* NULL until visit_names */
	int fd;                       /* O_PATH */
	unsigned version, generation; /* as they were before anything was looked at */
	double timeout;               /* seconds that an answer about the directory holds */
	struct ic_variant variant;
	bool design_is_default; /* nobody chose variant.design */
	struct stat st;
	struct visit_ahead *ahead; /* NULL until visit_look_ahead */
	char place[PATH_MAX];
};

/* What there is under a served name. */
struct found {
	struct node_spec spec;
	double timeout;
	bool lacks_size;         /* only making it tells: making_measure */
	struct verdict *verdict; /* referenced; spec.why points into it */
	struct recalled recalled;
	int fd;              /* of the source, in the state `st`; -1 where it was not opened */
	struct stat st;      /* of the source, where a link leads to */
	struct ic_why why;   /* spec.why may point here */
	char text[PATH_MAX]; /* spec.place, or spec.text of a link */
};

errint_t visit_begin(struct visit *visit, struct fs *fs, struct node *directory);
void visit_end(struct visit *visit);

/* Read the names, or take `table` (may be NULL) for them. */
errint_t visit_names(struct visit *visit, struct table *table);
errint_t visit_names_near(struct visit *visit, const char *name); /* those that finding `name` takes, at least */
errint_t visit_read_table(struct visit *visit, struct table **ret_table); /* for the caller to unref */

/* Looks at a visit's entries, by one thread, one after the other. What was opened last for one stays open: whoever finds out
 * what an entry is often reads it next. */
struct look {
	struct visit *visit;
	int fd; /* -1: none */
	struct source_identity identity;
};
struct look look_begin(struct visit *visit);
void look_end(struct look *look);
struct names look_served(struct look *look); /* for names.h; needs the names */

/* What entry `i` is, which is served in `form`. -ENOENT for what is not there, or not to be. found_clear afterwards. */
errint_t look_examine(struct look *look, size_t i, enum name_form form, struct found *ret_found);
void found_set_as_is(struct found *found); /* serve the source byte for byte */
void found_set_failed(struct found *found, errint_t err,
                      const char *why); /* it cannot be made: reading it is this error */
void found_clear(struct found *found);

/* ahead.c: find out at once what `count` entries from `first` on are, as far as it is cheaper so. Needs the names. */
void visit_look_ahead(struct visit *visit, size_t first, size_t count);
const struct visit_entry *visit_ahead(const struct visit *visit, size_t i); /* NULL where it was not looked at */

/* look.c: the verdict on candidate `i`, whose state is `st`, by a new look at it where there is none that holds and the
 * catalog knows none. May bring `st` up to date. */
errint_t look_at(struct look *look, size_t i, struct stat *st, struct recalled *recalled, struct verdict **ret_verdict);

/* What the catalog knows of entry `i`, its size under `sized` (NULL for none): as it was found ahead, else asked for once,
 * into `recalled`. */
const struct catalog_known *look_recall(struct visit *visit, size_t i, const struct source_identity *identity,
                                        const struct ic_variant *sized, struct recalled *recalled);
const struct ic_variant *look_sized(const struct visit *visit); /* whose sizes only the catalog can tell, or NULL */

/* Log something of an entry, once. */
void look_report(struct visit *visit, const char *name, struct verdict *verdict, const char *what);

/* Whether what was answered from this visit may be out of date by now. */
bool visit_is_outdated(const struct visit *visit);
