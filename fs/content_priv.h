/* SPDX-License-Identifier: MIT */
/* content_priv.h: bytes of sources. */
#pragma once

#include "fs/fs_priv.h"

struct found;

struct content_source {
	struct node *parent;
	const char *name;
	struct source_identity identity; /* as it was looked up */
	int fd;                          /* open since then, and not this one's; -1: open it by its name */
};
struct content_source content_source_of(const struct node *node);
struct content_source content_source_found(const struct found *found); /* holds as long as that does */
bool content_is_object(const struct content_source *source);           /* if it is an image: an .ic file, not a JPEG */

/* -ESTALE where the source is another by now; then the kernel is told to look it up again. */
errint_t content_read_file(struct fs *fs, struct node *node, uint8_t *out, size_t nbytes, uint64_t offset,
                           size_t *ret_nbytes);
/* All bytes of a source, within the bound on what sources take in memory, for which it waits; to be put back. */
errint_t content_get_source(struct fs *fs, const struct content_source *source, uint8_t **ret_bytes,
                            struct ic_why *why);
void content_put_source(struct fs *fs, const struct content_source *source, uint8_t *bytes);
errint_t content_open(struct fs *fs, const struct content_source *source, int *ret_fd);
errint_t content_check(struct fs *fs, const struct content_source *source, int fd); /* after it was read */
errint_t content_stale(struct fs *fs, const struct content_source *source);
void content_warn(struct fs *fs, const struct content_source *source, const char *what, const char *why);
void content_forget(struct fs *fs, const struct content_source *source); /* what was remembered of it is not so */
