/* SPDX-License-Identifier: MIT */
/* Records whose sources are gone. A record's key cannot be taken apart, but each that a source may have can be made: one for
 * every family that the store has anything of. */
#include "fs/store_priv.h"

#include <errno.h>
#include <stdlib.h>

struct store_sweep {
	struct store *store;
	struct ic_design *families; /* of which there are records; keep and bits are 0 */
	size_t nfamilies, capacity;
};

static errint_t add_family(struct store_sweep *sweep, const struct ic_design *design)
{
	struct ic_design family = *design;

	family.keep = family.bits = 0;
	for (size_t i = 0; i < sweep->nfamilies; i++)
		if (ic_design_equal(&sweep->families[i], &family))
			return 0;
	if (sweep->nfamilies == sweep->capacity) {
		size_t capacity = sweep->capacity ? 2 * sweep->capacity : 64;
		struct ic_design *grown = realloc(sweep->families, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		sweep->families = grown;
		sweep->capacity = capacity;
	}
	sweep->families[sweep->nfamilies++] = family;
	return 0;
}

/* What its records' heads say; those that say nothing stay in doubt. */
static errint_t add_families(struct store_sweep *sweep, const struct segment *segment)
{
	struct scratch scratch = {0};
	struct record record;
	errint_t err = 0;
	size_t count;

	struct store_entry *entries = segment_entries(sweep->store, segment, &count);
	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < count && !err; i++) {
		uint64_t offset = (uint64_t)entries[i].offset * SEGMENT_ALIGN;
		if (scan_head(segment, offset, segment->nbytes, &scratch, &record) &&
		    ic_design_is_valid(&record.design))
			err = add_family(sweep, &record.design);
	}
	scratch_clear(&scratch);
	free(entries);
	return err;
}

static errint_t begin(struct store_sweep *sweep)
{
	struct store *store = sweep->store;

	errint_t err = refresh_files(store);
	pthread_mutex_lock(&store->lock);
	index_doubt_all(&store->index);
	pthread_mutex_unlock(&store->lock);
	for (size_t i = 0; i < store->nslots && !err; i++)
		if (store->segments[i])
			err = add_families(sweep, store->segments[i]);
	return err;
}

errint_t store_sweep_new(struct store *store, struct store_sweep **ret_sweep)
{
	struct store_sweep *sweep = store->read_only ? NULL : calloc(1, sizeof(*sweep));

	if (!sweep)
		return store->read_only ? -EROFS : -ENOMEM;
	sweep->store = store;
	store_flush(store);
	pthread_mutex_lock(&store->files);
	errint_t err = begin(sweep);
	pthread_mutex_unlock(&store->files);
	if (err) {
		store_sweep_free(sweep);
		return err;
	}
	*ret_sweep = sweep;
	return 0;
}

void store_sweep_keep(struct store_sweep *sweep, const struct store_source *source)
{
	struct store *store = sweep->store;

	for (size_t i = 0; i < sweep->nfamilies; i++) {
		struct store_key key = store_key(source, &sweep->families[i]);
		pthread_mutex_lock(&store->lock);
		index_trust(&store->index, key.low);
		pthread_mutex_unlock(&store->lock);
	}
}

struct losses {
	struct store *store;
	bool *has_lost; /* by slot */
};

static void note_loss(void *context, const struct store_entry *entry)
{
	const struct losses *losses = context;

	losses->store->segments[entry->segment]->nlive--;
	losses->has_lost[entry->segment] = true;
}

static bool has_nothing(struct store *store, const struct segment *segment)
{
	pthread_mutex_lock(&store->lock);
	bool has_nothing = segment->nlive == 0;
	pthread_mutex_unlock(&store->lock);
	return has_nothing && !segment->is_ours;
}

errint_t store_sweep_end(struct store_sweep *sweep, struct store_swept *ret_swept)
{
	struct store *store = sweep->store;
	struct store_swept swept = {0};

	pthread_mutex_lock(&store->files);
	struct losses losses = {store, calloc(store->nslots + 1, sizeof(bool))};
	if (losses.has_lost) {
		pthread_mutex_lock(&store->lock);
		swept.records = index_remove_doubted(&store->index, note_loss, &losses);
		pthread_mutex_unlock(&store->lock);
	}
	for (size_t i = 0; losses.has_lost && i < store->nslots; i++) {
		struct segment *segment = store->segments[i];
		if (!segment || !losses.has_lost[i])
			continue;
		if (has_nothing(store, segment) && room_give_up(store, segment))
			swept.segments++;
		else
			segment_finish_again(store, segment);
	}
	refresh_counts(store);
	pthread_mutex_unlock(&store->files);
	errint_t err = losses.has_lost ? 0 : -ENOMEM;
	free(losses.has_lost);
	if (!err)
		*ret_swept = swept;
	return err;
}

void store_sweep_free(struct store_sweep *sweep)
{
	if (!sweep)
		return;
	free(sweep->families);
	free(sweep);
}
