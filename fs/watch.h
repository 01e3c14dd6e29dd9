/* SPDX-License-Identifier: MIT */
/*
 * watch.h: a thread that notices changes of directories by inotify, and does what request handlers must not do
 * themselves. Knows nothing of FUSE: what is to be done is told by hooks, which run in its thread, without any lock.
 */
#pragma once

#include "fs/dir.h"
#include "fs/log.h"

struct watch;

struct watch_hooks {
	void *context;
	/* Something happened to `name` in a directory, or with name NULL to the directory itself. mask: IN_ flags. */
	void (*changed)(void *context, struct dir *dir, uint32_t mask, const char *name);
	/* Events were lost: anything may have changed. */
	void (*overflowed)(void *context);
	/* Called about every half second; may be NULL. */
	void (*tick)(void *context);
	/* What watch_post was given. */
	void (*posted)(void *context, void *item);
};

/* The log may be NULL. Where inotify cannot be had, or is not to be used, the watch works and no directory is watched.
 * -ENOMEM, -errno. */
errint_t watch_new(struct dirs *dirs, const struct watch_hooks *hooks, bool use_inotify, struct log *log,
                   struct watch **ret_watch);

/* Ends the thread first; items that were posted and not handled are handed to `drop`. NULL is fine. */
void watch_free(struct watch *watch, void (*drop)(void *context, void *item));

errint_t watch_start(struct watch *watch); /* after a fork, never before */
void watch_stop(struct watch *watch);      /* wait for the thread's end; may be called twice */

/* Watch the directory that is open as `fd`, unless that was tried before. dir->is_watched tells. */
void watch_directory(struct watch *watch, struct dir *dir, int fd);

/* Hand something to the thread. False where there is no memory; then it was not taken. */
bool watch_post(struct watch *watch, void *item);
