/* SPDX-License-Identifier: MIT */
/* stored_priv.h: objects by way of the store, where there is one. */
#pragma once

#include "fs/content_priv.h"

/*
 * stored_get: from it alone. -ENOENT: it is to be made; other errors as ic_make would give them.
 * stored_make: as ic_make, and into the store; inside the gates.
 * stored_has, stored_keep: for who fills the store, which there must be. Errors of ic_encode_jpeg, -ENOSPC where the store
 * takes nothing more, -ESTALE, -errno of reading. */
errint_t stored_get(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                    uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
errint_t stored_make(struct fs *fs, const struct content_source *source, const uint8_t *jpeg,
                     const struct ic_variant *variant, uint8_t **ret_bytes, size_t *ret_nbytes, struct ic_why *why);
struct store_source stored_source(const struct content_source *source); /* what the store knows it by */
bool stored_has(struct fs *fs, const struct content_source *source, const struct ic_variant *variant);
errint_t stored_keep(struct fs *fs, const struct content_source *source, const struct ic_variant *variant,
                     struct ic_why *why);
