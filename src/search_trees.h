/* SPDX-License-Identifier: MIT */
/*
 * search_trees.h: a dataset's trees under designs, for the programs that a search runs: the views of a mount of its own,
 * or, where nothing can be mounted, exported trees, which are removed when they were used. Both are made by this program,
 * `icfs mount` and `icfs export`. The first tree that is taken mounts, so that a search whose programs run on other machines
 * mounts nothing here. The mount ends with the search, however it ends; exported trees of one that was killed are removed
 * by the next that works in the same place.
 */
#pragma once

#include "search/evaluator.h"

struct search_trees;

/* For a canonical directory. `work` is made where it is not there; NULL: beside the catalog, its path with "-work" (`catalog`
 * as for icfs search). -ENOMEM, -errno of making directories and processes. */
errint_t search_trees_new(const char *directory, const char *catalog, const char *work, struct search_trees **ret_trees,
                          struct ic_why *why);
void search_trees_free(struct search_trees *trees); /* NULL is fine */

const struct evaluator_trees *search_trees_table(struct search_trees *trees);
const char *search_trees_work(const struct search_trees *trees);
