/* SPDX-License-Identifier: MIT */
#include "fs/store_priv.h"

#include <errno.h>
#include <stdlib.h>

struct verifying {
	struct store *store;
	struct store_check check;
	store_check_progress *each;
	void *context;
	struct scratch scratch;
	bool is_ended;
};

/* -EBADMSG, -ENOMEM. */
static errint_t verify_record(struct verifying *v, const struct segment *segment, const struct store_entry *entry)
{
	size_t head = record_head_nbytes(entry->nbytes);
	uint64_t offset = (uint64_t)entry->offset * SEGMENT_ALIGN;
	struct ic_view view;
	struct record record;

	if (!scratch_reserve(&v->scratch, head + entry->nbytes))
		return -ENOMEM;
	uint8_t *bytes = v->scratch.bytes;
	if (!segment_read(segment, bytes, head + entry->nbytes, offset) ||
	    !record_read_head(bytes, head, segment->header.id, offset, &record) ||
	    record.key.low != store_entry_tag(entry) || !record_verify(bytes, bytes + head, entry->nbytes) ||
	    ic_view_parse(&view, bytes + head, entry->nbytes, NULL))
		return -EBADMSG;
	return 0;
}

static errint_t verify_entries(struct verifying *v, struct segment *segment, const struct store_entry *entries,
                               size_t count)
{
	struct store_check *check = &v->check;

	for (size_t i = 0; i < count && !v->is_ended; i++) {
		errint_t err = verify_record(v, segment, &entries[i]);
		if (err == -ENOMEM)
			return err;
		if (err) {
			segment_forget(v->store, &entries[i]);
			atomic_fetch_add(&v->store->corrupt, 1);
			check->corrupt++;
		} else {
			check->records++;
			check->nbytes += entries[i].nbytes;
		}
		v->is_ended = v->each && !v->each(v->context, check);
	}
	return 0;
}

static errint_t verify_segment(struct verifying *v, struct segment *segment)
{
	uint64_t corrupt = v->check.corrupt;
	size_t count;
	struct store_entry *entries = segment_entries(v->store, segment, &count);

	if (!entries)
		return -ENOMEM;
	errint_t err = verify_entries(v, segment, entries, count);
	free(entries);
	if (v->check.corrupt > corrupt)
		segment_finish_again(v->store, segment);
	return err;
}

errint_t store_verify(struct store *store, store_check_progress *each, void *context, struct store_check *ret_check)
{
	struct verifying v = {.store = store, .each = each, .context = context};
	errint_t err = 0;

	store_flush(store);
	pthread_mutex_lock(&store->files);
	refresh_files(store);
	v.check.total = store_counts(store).records;
	for (size_t i = 0; i < store->nslots && !err && !v.is_ended; i++)
		if (store->segments[i])
			err = verify_segment(&v, store->segments[i]);
	refresh_counts(store);
	pthread_mutex_unlock(&store->files);
	scratch_clear(&v.scratch);
	if (!err)
		*ret_check = v.check;
	return err;
}
