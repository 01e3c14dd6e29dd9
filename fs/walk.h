/* SPDX-License-Identifier: MIT */
/*
 * walk.h: a tree as a mount of it shows it, gone through by several threads, without a mount: the same names, the same
 * files, under the same policies, for what is made of whole trees.
 */
#pragma once

#include "codec/face.h"
#include "codec/jpeg.h"
#include "fs/log.h"
#include "fs/policy.h"
#include "fs/source.h"
#include "fs/store.h"

#include <sys/stat.h>

struct walk_settings {
	/* The directory; required. */
	const char *source;
	/* Where nothing nearer says so, as the options of a mount; default: nothing said. */
	struct policy_rule policy;
	/* What this says binds everywhere, as the path of a view does; default: nothing said. */
	struct policy_rule view;
	/* A policy file for the whole tree; default NULL. */
	const char *policy_file;
	/* The catalog by whose choices `auto` goes, as the option of a mount: NULL for its default place, "" for none. Default
	 * NULL. */
	const char *catalog;
	/* Where objects are looked for, and kept; the caller's, and outlives the walk. Default NULL. */
	struct store *store;
	/* On each source; limits.memory also bounds all decoding under way at once and, apart from that, all sources being
	 * read. Defaults of ic_limits_default. */
	struct ic_limits limits;
	/* Entries looked at at once, from 1 on; default one a CPU. */
	unsigned threads;
	/* Tell of one part of the files alone, of nparts, told apart by their paths: of all machines that walk the same
	 * tree each file is one's. part < nparts; default 0 of 1. Directories and links are told to everyone. */
	unsigned part, nparts;
	/* Take what links to the outside lead to; default false. */
	enum source_follow follow;
};

struct walk_settings walk_settings_default(void);

enum walk_kind {
	WALK_DIRECTORY,
	WALK_LINK,   /* to a directory inside the tree */
	WALK_FILE,   /* shown byte for byte */
	WALK_OBJECT, /* a source, under a design */
};

/* One entry, while a hook is called. */
struct walk_entry {
	enum walk_kind kind;
	const char *path;          /* as it is shown, below the root; "" for the root itself */
	const char *target;        /* of a link */
	struct stat st;            /* of what is in the tree; of what a link leads to */
	struct ic_variant variant; /* of an object; of a directory, what its sources are shown under */
	uint64_t nbytes;           /* of a file or an object; of an object that has an error, not to be used */
	bool lacks_size;           /* of an object: known once it is made (the face `jpeg`) */
	errint_t err;              /* of an object: 0, or why there is none */
	const char *why;           /* that in words; of a file that is an image, why it is shown as it is, or NULL */
	struct found *found;       /* walk.c's */
};

/* Any of these may be NULL; without `entry` no file is looked at. Several threads call them at once, except for one
 * directory: enter comes before anything about what is in it, leave after all of that, its directories included. */
struct walk_hooks {
	void *context;
	/* False leaves out all that is in it; then leave is not called. */
	bool (*enter)(void *context, const struct walk_entry *directory);
	void (*leave)(void *context, const struct walk_entry *directory);
	/* Files, objects and links; `thread` is 0..threads-1. */
	void (*entry)(void *context, unsigned thread, struct walk_entry *entry);
	/* Something that a mount would show an error for; `path` as far as it is known. */
	void (*failed)(void *context, const char *path, errint_t err);
};

struct walk;

/* Open the tree and check its policy files. The log may be NULL. -EINVAL (a policy file), -ENOENT, -EACCES, -ENOSYS
 * (kernel without openat2), -ENOMEM, -errno. */
errint_t walk_new(const struct walk_settings *settings, struct log *log, struct walk **ret_walk, struct ic_why *why);
void walk_free(struct walk *walk); /* NULL is fine */

/* Go through the tree once; may be called again. 0 also where it was stopped. -ENOMEM, -errno of starting threads. */
errint_t walk_run(struct walk *walk, const struct walk_hooks *hooks);

/* From a hook: have this walk_run return the error, as soon as the hooks under way have. */
void walk_fail(struct walk *walk, errint_t err);

/* Have walk_run return as soon as the hooks under way have. From anywhere, signal handlers included; it stays so. */
void walk_stop(struct walk *walk);
bool walk_is_stopped(struct walk *walk);

/* Never open anything on this device: that of a mount in front of the tree. Before walk_run. */
void walk_hide_device(struct walk *walk, dev_t dev);

/* As govern_each_unused, of the settings' policy file. */
void walk_each_unused(const struct walk *walk, void (*each)(void *context, const char *problem), void *context);

/* How many symbolic links walk_run met, in its part, that lead outside of the tree and are not followed, or nowhere. */
uint64_t walk_nlinks_left_out(const struct walk *walk);

/* The canonical path of the tree. */
const char *walk_path(const struct walk *walk);

/*
 * From the hook `entry`, on its entry.
 *
 * walk_make: the bytes of an object, malloc'ed and the caller's. Where a mount shows the source as it is after all
 * (face `jpeg`), the entry becomes a WALK_FILE, *ret_bytes is NULL, and `why` says why. Errors of ic_make; -ESTALE
 * where the source is another by now, -errno of reading.
 *
 * walk_open_file: the source, open for reading. walk_check_file: once it was read, whether it still is what it was:
 * else -ESTALE.
 */
errint_t walk_make(struct walk *walk, struct walk_entry *entry, uint8_t **ret_bytes, size_t *ret_nbytes,
                   struct ic_why *why);
errint_t walk_open_file(struct walk *walk, const struct walk_entry *entry, int *ret_fd);
errint_t walk_check_file(struct walk *walk, const struct walk_entry *entry, int fd);

/* What the store knows the source of a file or an object by; its name is the entry's. */
struct store_source walk_store_source(const struct walk_entry *entry);

/*
 * walk_stored_nbytes: the bytes that the store takes for an object; 0 where nothing is to be kept (an error, the face
 * `orig`, a source that is no JPEG). walk_is_stored: whether it has it. walk_store: have it keep it. Errors of
 * ic_encode_jpeg; -ENOSPC where the store takes nothing more, -ESTALE, -errno of reading.
 */
uint64_t walk_stored_nbytes(const struct walk_entry *entry);
bool walk_is_stored(struct walk *walk, const struct walk_entry *entry);
errint_t walk_store(struct walk *walk, const struct walk_entry *entry, struct ic_why *why);
