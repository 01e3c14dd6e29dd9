/* SPDX-License-Identifier: MIT */
#include "fs/store_index_priv.h"

#include <errno.h>
#include <stdlib.h>

#define CAPACITY_MIN 1024u

/* Probing gets long beyond this; growing by a half and not by two keeps what is empty at most at 42 %. */
#define LOAD_NUMERATOR 7
#define LOAD_DENOMINATOR 8

void index_clear(struct store_index *index)
{
	free(index->entries);
	*index = (struct store_index){0};
}

/* Tags are hashes: their upper half, as a fraction, is a place in a table of any size. */
static size_t place_of(const struct store_index *index, const struct store_entry *entry)
{
	return (size_t)((uint64_t)entry->tag[1] * index->capacity >> 32);
}

static size_t next_place(const struct store_index *index, size_t i)
{
	return i + 1 == index->capacity ? 0 : i + 1;
}

/* The place of the tag's entry, or the free one where it would go. */
static size_t probe(const struct store_index *index, const struct store_entry *wanted)
{
	size_t i = place_of(index, wanted);

	while (index->entries[i].nbytes && store_entry_tag(&index->entries[i]) != store_entry_tag(wanted))
		i = next_place(index, i);
	return i;
}

const struct store_entry *index_find(const struct store_index *index, uint64_t tag)
{
	const struct store_entry wanted = {.tag = {(uint32_t)tag, (uint32_t)(tag >> 32)}};

	if (!index->capacity)
		return NULL;
	const struct store_entry *entry = &index->entries[probe(index, &wanted)];
	return entry->nbytes ? entry : NULL;
}

static errint_t grow(struct store_index *index)
{
	struct store_index grown = {.capacity = index->capacity + index->capacity / 2, .count = index->count};

	if (grown.capacity < CAPACITY_MIN)
		grown.capacity = CAPACITY_MIN;
	if (grown.capacity > UINT32_MAX)
		return -ENOMEM;
	grown.entries = calloc(grown.capacity, sizeof(*grown.entries));
	if (!grown.entries)
		return -ENOMEM;
	for (size_t i = 0; i < index->capacity; i++)
		if (index->entries[i].nbytes)
			grown.entries[probe(&grown, &index->entries[i])] = index->entries[i];
	free(index->entries);
	*index = grown;
	return 0;
}

errint_t index_put(struct store_index *index, const struct store_entry *entry, struct store_entry *ret_old)
{
	if ((index->count + 1) * LOAD_DENOMINATOR > index->capacity * LOAD_NUMERATOR) {
		errint_t err = grow(index);
		if (err)
			return err;
	}
	struct store_entry *at = &index->entries[probe(index, entry)];
	index->count += at->nbytes == 0;
	*ret_old = *at;
	*at = *entry;
	return 0;
}

/* Whether an entry that belongs at `home` would still be found at `hole`, when it is now at `at`. */
static bool may_move(size_t home, size_t hole, size_t at)
{
	return hole <= at ? home <= hole || home > at : home <= hole && home > at;
}

/* Free a place, and move up what was put behind it because it was taken. */
static void vacate(struct store_index *index, size_t hole)
{
	for (size_t i = next_place(index, hole); index->entries[i].nbytes; i = next_place(index, i)) {
		if (!may_move(place_of(index, &index->entries[i]), hole, i))
			continue;
		index->entries[hole] = index->entries[i];
		hole = i;
	}
	index->entries[hole] = (struct store_entry){0};
	index->count--;
}

bool index_remove(struct store_index *index, const struct store_entry *entry)
{
	if (!index->capacity)
		return false;
	size_t i = probe(index, entry);
	const struct store_entry *at = &index->entries[i];
	if (!at->nbytes || at->segment != entry->segment || at->offset != entry->offset)
		return false;
	vacate(index, i);
	return true;
}

void index_remove_segment(struct store_index *index, uint16_t segment)
{
	for (size_t i = 0; i < index->capacity;) {
		/* What moves up into this place has to be looked at too. An entry that wraps around to the end moves to where
		 * the loop still comes by. */
		if (index->entries[i].nbytes && index->entries[i].segment == segment)
			vacate(index, i);
		else
			i++;
	}
}

void index_doubt_all(struct store_index *index)
{
	for (size_t i = 0; i < index->capacity; i++)
		index->entries[i].is_doubted = index->entries[i].nbytes != 0;
}

void index_trust(struct store_index *index, uint64_t tag)
{
	const struct store_entry wanted = {.tag = {(uint32_t)tag, (uint32_t)(tag >> 32)}};

	if (index->capacity)
		index->entries[probe(index, &wanted)].is_doubted = 0;
}

size_t index_remove_doubted(struct store_index *index, index_visitor *removed, void *context)
{
	size_t before = index->count;

	for (size_t i = 0; i < index->capacity;) {
		if (index->entries[i].is_doubted) { /* what moves up is looked at too, as above */
			removed(context, &index->entries[i]);
			vacate(index, i);
		} else {
			i++;
		}
	}
	return before - index->count;
}
