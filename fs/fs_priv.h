/* SPDX-License-Identifier: MIT */
/*
 * fs_priv.h: one mount: its parts, which the files that answer requests share. No type of libfuse here.
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
	atomic_bool is_change_lost;    /* one could not be handed to the watch thread */
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
