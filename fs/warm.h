/* SPDX-License-Identifier: MIT */
/* warm.h: fill a store with the objects of a tree, so that nobody who reads waits for a JPEG. */
#pragma once

#include "fs/walk.h"

struct warm_counts {
	uint64_t files, nbytes;             /* to be stored, or that were; nbytes of their records on disk */
	uint64_t there_files, there_nbytes; /* that the store had already */
	uint64_t failed;                    /* sources of which there is no object */
};

/* Called by several threads at once; either may be NULL. */
struct warm_hooks {
	void *context;
	/* An object of so many bytes is in the store; it may have been before. */
	void (*done)(void *context, uint64_t nbytes, bool was_there);
	void (*failed)(void *context, const char *path, errint_t err, const char *why);
};

/* What there is to do: looks at every source's header and stores nothing. The walk must have a store. Errors of walk_run. */
errint_t warm_plan(struct walk *walk, struct warm_counts *ret_counts);

/* Store what is missing. -ENOSPC: the store takes nothing more; what it has stays. Other errors of walk_run. The counts are
 * given in any case. */
errint_t warm_fill(struct walk *walk, const struct warm_hooks *hooks, struct warm_counts *ret_counts);

/* The same as a thread of a mount, at a priority that leaves processor and disk to everyone else. */
struct warm;

/* It is gone through once, and once more whenever a policy changed: then what is there already is only looked at.
 *
 * The tree is opened now, and gone through from warm_start on; lines for the log (may be NULL). As walk_new. */
errint_t warm_new(const struct walk_settings *settings, struct log *log, struct warm **ret_warm, struct ic_why *why);
struct walk *warm_walk(struct warm *warm);
/* A policy of the tree changed; `when_ns` since the epoch. From any thread; a govern_hook. */
void warm_policy_changed(void *warm, int64_t when_ns);
errint_t warm_start(struct warm *warm); /* -errno of starting a thread */
void warm_free(struct warm *warm);      /* ends it; waits for what is under way; NULL is fine */
