/* SPDX-License-Identifier: MIT */
/*
 * fs_priv.h: one mount: its parts, and what the files that answer requests share. No type of libfuse here.
 *
 * Locks, in the order they may be taken: listings, govern, watch, nodes, dirs, a table's, the cache's, choices. None is
 * held while a file is read or the kernel is called, but for govern's, which reads policy files.
 */
#pragma once

#include "fs/cache.h"
#include "fs/gate.h"
#include "fs/govern.h"
#include "fs/mount.h"
#include "fs/names.h"
#include "fs/node.h"
#include "fs/stats.h"
#include "fs/store.h"
#include "fs/watch.h"
#include "search/catalog.h"

#define ENTRY_TIMEOUT_WATCHED 86400.0 /* seconds; inotify ends it where something changes */

/* How the kernel is told to forget. Called from the watch thread only. */
struct fs_notify {
	void *context;
	void (*entry)(void *context, uint64_t directory, const char *name);
	void (*attributes)(void *context, uint64_t node);
};

struct fs {
	struct mount_settings settings; /* its texts are the caller's */
	char *mountpoint;               /* canonical; NULL where there is none (walk.c) */
	double stale_timeout;           /* seconds the kernel may rely on what nothing tells of changing */
	struct log *log;
	struct source *source;
	struct dirs *dirs;
	struct nodes *nodes;
	struct govern *govern;
	struct cache *cache;
	struct catalog *catalog;        /* may be NULL */
	atomic_flag is_link_told;       /* that links are left out */
	atomic_bool catalog_is_useless; /* it failed, and is asked no more */
	struct choices *choices;        /* what `auto` stands for */
	struct store *store;            /* may be NULL */
	struct gate *source_gate;       /* bytes of sources in memory */
	struct gate *encode_gate;       /* memory of encodes under way; entered from within the other */
	struct watch *watch;
	struct idle *idle; /* the mount's own search; the session's; may be NULL */
	struct fs_notify notify;
	struct stats stats;
	bool is_removal_told;          /* of the source; the watch thread's */
	pthread_mutex_t listings_lock; /* and of the names that the kernel keeps */
	struct listing *listings;      /* directories that are open now; entry_priv.h */
};

errint_t fs_new(const struct mount_settings *settings, struct log *log, struct fs **ret_fs, struct ic_why *why);
void fs_free(struct fs *fs); /* NULL is fine */

/* The kernel's numbers of nodes. */
uint64_t fs_nodeid(const struct fs *fs, const struct node *node);
struct node *fs_node(const struct fs *fs, uint64_t nodeid);

/* What a program is told of an error of ours. */
int fs_errno(errint_t err);

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

/* visit.c: a directory opened for one request; examine.c: what its entries are served as. */
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

/* attr.c */
errint_t attr_fill(struct fs *fs, const struct node *node, struct stat *ret_st);

/* content.c: bytes of sources. */
struct content_source {
	struct node *parent;
	const char *name;
	struct source_identity identity; /* as it was looked up */
	int fd;                          /* open since then, and not this one's; -1: open it by its name */
};
struct content_source content_source_of(const struct node *node);
struct content_source content_source_found(const struct found *found); /* holds as long as that does */
bool content_is_object(const struct content_source *source);           /* if it is an image: an .ic file, not a JPEG */

/* -ESTALE where the source is another by now; then the kernel is told to look it up again. */
errint_t content_read_file(struct fs *fs, struct node *node, uint8_t *out, size_t nbytes, uint64_t offset,
                           size_t *ret_nbytes);
/* All bytes of a source, within the bound on what sources take in memory, for which it waits; to be put back. */
errint_t content_get_source(struct fs *fs, const struct content_source *source, uint8_t **ret_bytes,
                            struct ic_why *why);
void content_put_source(struct fs *fs, const struct content_source *source, uint8_t *bytes);
errint_t content_open(struct fs *fs, const struct content_source *source, int *ret_fd);
errint_t content_check(struct fs *fs, const struct content_source *source, int fd); /* after it was read */
errint_t content_stale(struct fs *fs, const struct content_source *source);
void content_warn(struct fs *fs, const struct content_source *source, const char *what, const char *why);
void content_forget(struct fs *fs, const struct content_source *source); /* what was remembered of it is not so */

/* making.c: objects, made of sources. */
struct object_key making_key(const struct node *node);
errint_t making_get(struct fs *fs, struct node *node, const struct object **ret_object);

/* Find out the size of what was found, by making it, which leaves it in memory for the read that follows. What cannot be
 * made becomes the source as it is. -ESTALE as above. */
errint_t making_measure(struct fs *fs, struct found *found);

/* Make what was found, an object, for the caller alone to free; it is not kept in memory. What becomes the source as it
 * is gives 0 and NULL, and `why`. */
errint_t making_once(struct fs *fs, struct found *found, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);

/* stored.c: objects by way of the store, where there is one.
 *
 * stored_get: from it alone. -ENOENT: it is to be made; other errors as ic_make would give them.
 * stored_make: as ic_make, and into the store; inside the gates.
 * stored_has, stored_keep: for who fills the store, which there must be. Errors of ic_encode_jpeg, -ENOSPC where the store
 * takes nothing more, -ESTALE, -errno of reading. */
errint_t stored_get(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                    uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
errint_t stored_make(struct fs *fs, const struct content_source *source, const uint8_t *jpeg,
                     const struct ic_variant *variant, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
struct store_source stored_source(const struct content_source *source); /* what the store knows it by */
bool stored_has(struct fs *fs, const struct content_source *source, const struct ic_variant *variant);
errint_t stored_keep(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                     struct ic_why *why);

/* facts.c: what the catalog remembers of sources, and of the sizes of their objects. */
struct catalog_source facts_source(const struct source_identity *identity);
void facts_get(struct fs *fs, const struct catalog_source *sources, size_t n, const struct ic_variant *variant,
               struct catalog_known *ret_known); /* as catalog_get; nothing is known where that fails */
void facts_put(struct fs *fs, const struct source_identity *identity, const struct catalog_facts *facts);
void facts_forget(struct fs *fs, const struct source_identity *identity); /* waits until it is done */
void sizes_put(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
               struct catalog_size size);
/* What was remembered turned out wrong: put this instead, and wait until it is written. */
void sizes_correct(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
                   struct catalog_size size);

/* invalidate.c: what follows from a change. */
struct watch_hooks invalidate_hooks(struct fs *fs);
void invalidate_drop(void *context, void *item); /* for watch_free */
/* Have the kernel forget all that depends on the source's or the served name `name`; from a request handler. */
void invalidate_post(struct fs *fs, struct node *directory, const char *name);
/* All below that the directory's policy decides. */
void invalidate_post_policy(struct fs *fs, struct node *directory);

/* control.c: .icfs. The names in a control directory, by index, NULL after the last; texts are made when looked up. */
errint_t control_spec(struct fs *fs, struct node *parent, const char *name, struct node_spec *ret_spec, char **ret_text,
                      struct policy_rule *ret_view);
errint_t control_list(struct fs *fs, const struct node *directory, char ***ret_names);
void control_list_free(char **names);

/* xattr.c: the value as text, malloc'ed. -ENODATA; -EOPNOTSUPP for names that are not the user's. */
errint_t xattr_get(struct fs *fs, struct node *node, const char *name, char **ret_value);
