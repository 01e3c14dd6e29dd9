/* SPDX-License-Identifier: MIT */
/* attr_priv.h: attributes of nodes, and extended ones. */
#pragma once

#include "fs/fs_priv.h"

errint_t attr_fill(struct fs *fs, const struct node *node, struct stat *ret_st);

/* The value of an extended attribute as text, malloc'ed. -ENODATA; -EOPNOTSUPP for names that are not the user's. */
errint_t xattr_get(struct fs *fs, struct node *node, const char *name, char **ret_value);
