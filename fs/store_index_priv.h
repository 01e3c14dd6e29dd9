/* SPDX-License-Identifier: MIT */
/*
 * store_index_priv.h: where each record lies. Open addressing with linear probing, 20 bytes a slot, 16 to 32 bytes a record.
 * Not thread safe.
 */
#pragma once

#include "fs/store_format_priv.h"

struct store_index {
	struct store_entry *entries;
	size_t capacity, count;
};

void index_clear(struct store_index *index); /* zeroed is fine */

/* The entry of a tag, or NULL; it stays where it is until the next change. */
const struct store_entry *index_find(const struct store_index *index, uint64_t tag);

/* Put an entry in place, or in that of one with the same tag, which is copied to *ret_old; ret_old->nbytes is 0 where there
 * was none. -ENOMEM. */
errint_t index_put(struct store_index *index, const struct store_entry *entry, struct store_entry *ret_old);

/* Take out the entry of this tag, if it is still the one that is given. */
bool index_remove(struct store_index *index, const struct store_entry *entry);

void index_doubt_all(struct store_index *index);
void index_trust(struct store_index *index, uint64_t tag); /* the entry of this tag, if there is one, is not doubted */

/* Take out all entries that are doubted; `removed` is told of each. How many. */
typedef void index_visitor(void *context, const struct store_entry *entry);
size_t index_remove_doubted(struct store_index *index, index_visitor *removed, void *context);

/* Take out all entries of a segment. */
void index_remove_segment(struct store_index *index, uint16_t segment);
