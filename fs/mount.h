/* SPDX-License-Identifier: MIT */
/*
 * mount.h: mount a tree and serve it until it is unmounted. The one header of fs/ that a program needs for that.
 */
#pragma once

#include "codec/jpeg.h"
#include "fs/idle.h"
#include "fs/log.h"
#include "fs/policy.h"
#include "fs/source.h"
#include "fs/store.h"

struct mount_settings {
	/* The directory to be served; required. */
	const char *source;
	/* An existing directory, which may be the source itself; required. */
	const char *mountpoint;

	/* Design, face and metadata where nothing nearer says so; default: nothing said. */
	struct policy_rule policy;
	/* File of the catalog, needed then; NULL: its default place, or none where that cannot be used; "": none. Default
	 * NULL. */
	const char *catalog;
	/* A policy file for the whole tree; default NULL. */
	const char *policy_file;
	/* Where objects are kept on disk, not inside the source; no directory named: nowhere. Default that, and otherwise
	 * those of store_settings_default. */
	struct store_settings store;
	/* On each source. limits.memory also bounds all decoding under way at once and, apart from that, all sources being
	 * read. Defaults of ic_limits_default. */
	struct ic_limits limits;
	/* Fill the store in the background, under the policies in force, and again when one of them changes; default false. */
	bool warm;
	/* Have the mount search designs for directories that are `auto` and have none, which takes a catalog;
	 * default: it does not. */
	struct idle_settings search;
	/* Bytes of objects kept in memory; default 64 MiB; 0 keeps only the newest. */
	uint64_t cache_nbytes;
	/* Bytes of names of directories kept in memory; default 32 MiB. */
	size_t names_nbytes;
	/* Requests served at once, 1..1024; default 4 a CPU, at least 16, at most 64. */
	unsigned threads;
	/* Seconds, 0..86400, within which changes are noticed that nothing tells of; default 1. */
	double staleness;
	/* Do not rely on inotify: other machines write to the source, and its file system is not one that is known for that
	 * (NFS and the like are); default false. */
	bool no_watch;
	/* Serve what links to the outside lead to; default false. */
	enum source_follow follow;
	/* libfuse's trace of requests on stderr; default false. */
	bool debug;
	/* For libfuse, as after -o; default NULL. "ro" and "default_permissions" are always on. */
	const char *fuse_options;

	/* Called once, when the kernel has answered and requests will be served. Default NULL. */
	void (*ready)(void *context);
	void *ready_context;
};

struct mount_settings mount_settings_default(void);

/* Mount and serve; returns after the unmount. SIGTERM, SIGINT and SIGHUP unmount, lazily; they are handled from within, as
 * SIGUSR1 and SIGPIPE are from then on, so a process that calls this runs one mount at a time. No thread may have been
 * started that does not block them. The log may be NULL. 0 after a clean unmount. Else `why` names what was wrong: of a
 * mount that was not made -EINVAL (settings, a policy file), those of catalog_open and store_open, -ENOENT, -EACCES, -ENOSYS
 * (kernel without openat2 or FUSE), -ENOMEM, -errno; of one that could not go on, -errno of reading requests. */
errint_t mount_run(const struct mount_settings *settings, struct log *log, struct ic_why *why);
