/* SPDX-License-Identifier: MIT */
/*
 * ops_priv.h: the table of requests. Private to the session.
 */
#pragma once

#include "fs/entry_priv.h"

/* The user data of a session. */
struct ops_context {
	struct fs *fs;
	bool no_open; /* the kernel takes ENOSYS to OPEN for "never ask" */
};

extern const struct fuse_lowlevel_ops ops_table;
