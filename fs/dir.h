/* SPDX-License-Identifier: MIT */
/*
 * dir.h: the source directories in use. One dir stands for a directory however often it is served (views), and keeps what
 * is known of it: its names, its .icpolicy, and whether changes of it are noticed.
 */
#pragma once

#include "fs/policy.h"
#include "fs/table.h"

#include <pthread.h>

struct dirs;
struct node_directory;

struct dir {
	uint64_t ino;
	uint32_t dev;
	uint32_t refs;    /* dirs' lock */
	struct dir *next; /* in its bucket; dirs' lock */

	/* Raised at each change that was noticed. Who caches or serves something compares it with what it was before. */
	atomic_uint version;

	pthread_mutex_t scan_lock; /* one reads the names, the others wait */
	struct table *table;       /* dirs' lock, as all of this block: the names as they were at these stamps */
	unsigned table_version;
	bool table_is_fresh; /* read so soon after a change that the stamps cannot tell the next one */
	int64_t mtime_ns, ctime_ns;
	bool has_endings; /* of a table that went, they may tell enough */
	uint64_t endings;
	struct dir *newer, *older; /* by last use of the table */

	atomic_bool is_watched; /* set by watch.c */
	atomic_bool watch_tried;
	int wd;                 /* watch's lock; -1 for none */
	struct dir *watch_next; /* watch's lock */

	/* govern's lock: the directory's own .icpolicy */
	atomic_bool policy_loaded;
	struct policy_file *policy; /* the last good one, or NULL */
	char *policy_problem;       /* why the present one is not in force, or NULL */
	struct stat policy_stat;    /* of the file last read; st_ino 0 for none */
	bool policy_was_read;       /* once, so that something may be served under what it said */

	atomic_flag is_failure_told; /* that entries could not be looked at */

	struct node_directory *nodes; /* nodes' lock */
};

/* `table_bytes` bounds the memory for names of directories; the one in use last may pass it alone. -ENOMEM. */
errint_t dirs_new(size_t table_bytes, struct dirs **ret_dirs);
void dirs_free(struct dirs *dirs); /* and every dir that is left; NULL is fine */

/* Called for a dir before it goes. For watch.c; to be set before any dir is in use. */
void dirs_on_free(struct dirs *dirs, void (*forget)(void *context, struct dir *dir), void *context);

errint_t dirs_get(struct dirs *dirs, uint32_t dev, uint64_t ino, struct dir **ret_dir);
void dirs_put(struct dirs *dirs, struct dir *dir); /* NULL is fine */
bool dirs_ref(struct dirs *dirs, struct dir *dir); /* false where it is on its way out */
size_t dirs_table_nbytes(struct dirs *dirs);

/* Call `each` for every dir, under the lock: it may only set what is atomic. */
void dirs_each(struct dirs *dirs, void (*each)(struct dir *dir));

/* The names of the directory, open as `fd`, in the state `st`; to be unref'ed. -ENOMEM, -errno of reading. */
errint_t dir_table(struct dirs *dirs, struct dir *dir, int fd, const struct stat *st, struct table **ret_table);

/* The same, or, where they had to make room for those of others, as many of them as finding `name` takes: to find names one
 * by one in more directories than there is memory for costs no reading of all. */
errint_t dir_table_near(struct dirs *dirs, struct dir *dir, int fd, const struct stat *st, const char *name,
                        struct table **ret_table);

/* Whether the stamps of `st` tell the next change of the directory apart from what it is now. */
bool dir_is_settled(const struct dir *dir, const struct stat *st);

/* The table at hand, whether it still holds or not, or NULL. */
struct table *dir_last_table(struct dirs *dirs, struct dir *dir);

/* Whether dir_table would read nothing for a directory in the state `st`. */
bool dir_has_table(struct dirs *dirs, struct dir *dir, const struct stat *st);

/* The endings of its names as they were last read, for names_affected_near; 0 where they do not tell enough. */
uint64_t dir_last_endings(struct dirs *dirs, const struct dir *dir);

void dir_touch(struct dir *dir); /* raise the version */

/* For node.c, under its lock. */
void dir_link_node(struct dir *dir, struct node_directory *node);
void dir_unlink_node(struct dir *dir, struct node_directory *node);
struct node_directory *dir_first_node(const struct dir *dir);
