/* SPDX-License-Identifier: MIT */
/*
 * source.h: the tree that is mounted, and the only way to open anything in it.
 *
 * The root is held open from before the mount, everything else is opened relative to it, so the mount point may be the
 * root itself or lie below it. A place is a path without links: "" is the root, "train/cats" lies below it, and, only
 * where links to the outside are followed, "/data/more" lies outside. The kernel holds each open to that: it crosses no
 * link and does not leave the root. Links are resolved here, step by step, because the kernel would resolve an absolute
 * one through our own mount and wait for us for ever.
 *
 * All functions are thread safe. Errors beside -errno of the system: -ENOENT for what is hidden (mounts of icfs, our own and
 * others),
 * -EXDEV for a link that leads outside where that is not followed, -ELOOP for one that leads nowhere.
 */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>
#include <stdint.h>
#include <limits.h>
#include <sys/stat.h>

/* What tells two versions of a source apart. */
struct source_identity {
	uint64_t ino;
	uint64_t size; /* bytes */
	int64_t mtime_ns;
	uint32_t dev; /* source_device() of st_dev */
};

uint32_t source_device(dev_t dev);
struct source_identity source_identify(const struct stat *st);
bool source_identity_equal(const struct source_identity *a, const struct source_identity *b);

/* Which links to the outside are followed; the nought is none. */
enum source_follow {
	SOURCE_FOLLOW_NONE,
	SOURCE_FOLLOW_FILES, /* those to files, as datasets have them (search/dataset.h) */
	SOURCE_FOLLOW_ALL,
};

struct source;

/* -ENOSYS where the kernel has no openat2 (before 5.6). */
errint_t source_new(const char *directory, enum source_follow follow, struct source **ret_source, struct ic_why *why);
void source_free(struct source *source); /* NULL is fine */

int source_fd(const struct source *source);           /* the root, stays ours */
const char *source_path(const struct source *source); /* its canonical path, for messages */

/* Whether the root was removed since. What has its name now is another directory. */
bool source_is_removed(const struct source *source);
#define SOURCE_REMOVED "the source was removed, and nothing of it is served; what has its name now takes another mount"

/* Whether a path leads into a mount of icfs, and to where it is mounted, without asking that for anything. */
bool source_is_in_mount(const char *path, bool *ret_is_root);

/* Hide a device number: that of our own mount. To be called before anyone else uses `source`. */
void source_hide_device(struct source *source, dev_t dev);

/* Open a place. With O_NOFOLLOW and O_PATH the last component may be a link. */
errint_t source_open(struct source *source, const char *place, int flags, int *ret_fd);

/* Open the regular file that `name` in the directory `place` is or links to, for reading. `ret_st` is of the open file.
 * A file written within the last few milliseconds is waited for until its mtime can tell the next write apart, so equal
 * identities mean equal bytes. -EINVAL where it is no regular file. */
errint_t source_open_file(struct source *source, const char *place, const char *name, int *ret_fd, struct stat *ret_st);

/* Where the link `name` in the directory `place` leads in the end, and what is there. */
errint_t source_resolve(struct source *source, const char *place, const char *name, char ret_place[PATH_MAX],
                        struct stat *ret_st);

/* Join a place and a name. -ENAMETOOLONG. */
errint_t source_join(const char *place, const char *name, char ret_path[PATH_MAX]);
