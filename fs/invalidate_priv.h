/* SPDX-License-Identifier: MIT */
/* invalidate_priv.h: what follows from a change. */
#pragma once

#include "fs/fs_priv.h"

struct watch_hooks invalidate_hooks(struct fs *fs);
void invalidate_drop(void *context, void *item); /* for watch_free */
/* Have the kernel forget all that depends on the source's or the served name `name`; from a request handler. */
void invalidate_post(struct fs *fs, struct node *directory, const char *name);
/* All below that the directory's policy decides. */
void invalidate_post_policy(struct fs *fs, struct node *directory);
