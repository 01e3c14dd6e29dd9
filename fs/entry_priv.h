/* SPDX-License-Identifier: MIT */
/*
 * entry_priv.h: names of the mount, looked up one at a time or listed, as libfuse wants them. Private to what answers requests.
 */
#pragma once

#include "fs/visit_priv.h"

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>

void entry_lookup(fuse_req_t req, struct fs *fs, struct node *directory, const char *name);

/* A directory that is open: its names as they were then. In `fi` is noted what the kernel may keep of them. */
struct listing;
errint_t listing_open(struct fs *fs, struct node *directory, struct fuse_file_info *fi, struct listing **ret_listing);
void listing_free(struct listing *listing);
void listings_free(struct fs *fs); /* those that nobody released before the mount ended */

/* Answer READDIR, or with `plus` READDIRPLUS. */
void listing_reply(fuse_req_t req, struct listing *listing, size_t size, off_t offset, bool plus);

/* Look up entry `found`; one lookup more of its node. */
errint_t entry_make(struct fs *fs, const struct found *found, struct fuse_entry_param *ret_entry);
