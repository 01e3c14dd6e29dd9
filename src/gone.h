/* SPDX-License-Identifier: MIT */
/* gone.h: records of a store whose sources are gone, for `icfs warm`. */
#pragma once

#include "fs/walk.h"

#include <stdatomic.h>
#include <stddef.h>

/* Go through the datasets, and have the store give up what it has of none of their sources. Where something in them cannot
 * be looked at, nothing is given up. `settings` says how many threads, and whether links are followed; *is_stopped may be set
 * meanwhile. Says what it did; returns an exit status of icfs.h. */
int gone_drop(struct store *store, const struct walk_settings *settings, char *const *datasets, size_t ndatasets,
              const atomic_bool *is_stopped);
