/* SPDX-License-Identifier: MIT */
/*
 * idle.h: a mount that searches by itself (-o search=idle): for each directory that is `auto` and has no choice, the
 * design to serve it in, by the probe, at idle priority.
 *
 * The search is a process of its own, forked before the mount has threads: whatever a dataset holds and whatever a
 * library does about it, the mount goes on; its memory and processor time are bounded by the kernel; it can be ended
 * at any time, since a killed search loses nothing but the evaluation under way. It opens the tree as it was before
 * the mount, by descriptor, and has its own connection to the catalog, by which alone the mount hears of what it
 * chose.
 *
 * Which directories: the root, and each that itself says a design or a budget, by a policy file or a section of the
 * tree's. One that says a budget wants a choice of its own; the others are content with that of a directory above.
 * Where there was a choice once, withdrawn or not, none is made. Where the face shows pictures, proportions are kept.
 */
#pragma once

#include "fs/log.h"
#include "fs/policy.h"
#include "fs/source.h"

#include <stdio.h>
#include <sys/types.h>

struct idle_settings {
	bool is_on;             /* default false */
	unsigned nevaluations;  /* of a search, from 4 on; default 150 */
	uint64_t seconds_max;   /* processor time of all searches of one mount; 0: no limit; default 3600 */
	uint64_t memory_nbytes; /* beyond what the process begins with, from 128 MiB on; default 1 GiB */
	uint64_t disk_nbytes;   /* of a file without a name, at most half of what is free; 0: none; default 4 GiB */
};

struct idle_settings idle_settings_default(void);

/* What is searched; the texts are the caller's, until idle_new returns. */
struct idle_tree {
	const char *source, *mountpoint, *policy_file, *catalog; /* as in mount_settings */
	enum source_follow follow;
	const struct policy_rule *options;
};

struct idle;

/* Start the process, which waits for idle_start. There must be no thread yet. -EINVAL (settings, a policy file),
 * -ENOENT and other errors of opening the tree, -ENOMEM, -errno. */
errint_t idle_new(const struct idle_settings *settings, const struct idle_tree *tree, struct log *log,
                  struct idle **ret_idle, struct ic_why *why);
void idle_free(struct idle *idle); /* ends it at once; NULL is fine */

/* All that follows is thread safe and never waits for the process. */

/* Begin; `hidden` is the device of the mount, never to be looked into. */
void idle_start(struct idle *idle, dev_t hidden);

/* A policy of the tree, or a choice, changed; `when_ns` since the epoch. A govern_hook. */
void idle_policy_changed(void *idle, int64_t when_ns);

/* Take in what the process has told, and put into the log what came of directories. To be called now and then. */
void idle_listen(struct idle *idle);

/* What it does and what came of it, in words; as Prometheus text. */
void idle_write(struct idle *idle, FILE *out);
void idle_write_stats(struct idle *idle, FILE *out);
