/* SPDX-License-Identifier: MIT */
/* facts_priv.h: what the catalog remembers of sources, and of the sizes of their objects. */
#pragma once

#include "fs/fs_priv.h"

struct catalog_source facts_source(const struct source_identity *identity);
void facts_get(struct fs *fs, const struct catalog_source *sources, size_t n, const struct ic_variant *variant,
               struct catalog_known *ret_known); /* as catalog_get; nothing is known where that fails */
void facts_put(struct fs *fs, const struct source_identity *identity, const struct catalog_facts *facts);
void facts_forget(struct fs *fs, const struct source_identity *identity); /* waits until it is done */
void sizes_put(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
               struct catalog_size size);
/* What was remembered turned out wrong: put this instead, and wait until it is written. */
void sizes_correct(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
                   struct catalog_size size);
