/* SPDX-License-Identifier: MIT */
/*
 * export_write.h: entries of a walked tree as files of another directory. A file has its name once it is complete, with the
 * permissions and times of its source; until then it has none, or, where the file system has no files without a name, a
 * temporary one in the root, so that one that was left behind by a process that was killed is found without looking for it.
 *
 * Thread safe for different threads' numbers.
 */
#pragma once

#include "fs/walk.h"

struct export_target {
	int fd;                /* the root; the caller's */
	unsigned part, nparts; /* as in struct walk_settings; in the names of temporary files */
};

/* Whether the entry is there already, as this would write it: a file of its size and its source's mtime. Where the size is
 * not known, a JPEG that is complete; the mtime says of which source. */
bool export_is_there(const struct export_target *target, const struct walk_entry *entry);

/* Write an object, a file or a link; *ret_nbytes is the size of what was written. Errors of walk_make and walk_open_file,
 * and those of `target`, see below; `why` has a sentence for all. */
errint_t export_write(const struct export_target *target, unsigned thread, struct walk *walk, struct walk_entry *entry,
                      uint64_t *ret_nbytes, struct ic_why *why);

/* Make a directory, or find it there; its owner may write to it, so that an export can go on. -ENOTDIR where something else
 * has its name, -errno. */
errint_t export_enter(const struct export_target *target, const struct walk_entry *directory);

/* Give it its source's times and permissions, but for the owner's. -errno. */
errint_t export_leave(const struct export_target *target, const struct walk_entry *directory);

/* The name of the temporary file of a thread, no other's of all who write to the target. */
#define EXPORT_TEMPORARY_SIZE 80
void export_name_temporary(const struct export_target *target, unsigned thread, char out[EXPORT_TEMPORARY_SIZE]);

/* Remove temporary files of this part that were left behind. */
void export_clean(const struct export_target *target);

/* Errors that say of the target that nothing more can be written to it: it is full, or broken. */
bool export_is_over(errint_t err);
