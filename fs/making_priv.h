/* SPDX-License-Identifier: MIT */
/* making_priv.h: objects, made of sources. */
#pragma once

#include "fs/fs_priv.h"

struct found;

struct object_key making_key(const struct node *node);
errint_t making_get(struct fs *fs, struct node *node, const struct object **ret_object);

/* Find out the size of what was found, by making it, which leaves it in memory for the read that follows. What cannot be
 * made becomes the source as it is. -ESTALE as above. */
errint_t making_measure(struct fs *fs, struct found *found);

/* Make what was found, an object, for the caller alone to free; it is not kept in memory. What becomes the source as it
 * is gives 0 and NULL, and `why`. */
errint_t making_once(struct fs *fs, struct found *found, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
