/* SPDX-License-Identifier: MIT */
#include "fs/store_priv.h"
#include "fs/read_at.h"

#include <errno.h>
#include <stdlib.h>

/* Heads of objects up to 8 MB are read in one go. */
#define HEAD_READ 4096u

bool scratch_reserve(struct scratch *scratch, size_t size)
{
	if (size <= scratch->size)
		return true;
	uint8_t *grown = realloc(scratch->bytes, size);
	if (!grown)
		return false;
	scratch->bytes = grown;
	scratch->size = size;
	return true;
}

void scratch_clear(struct scratch *scratch)
{
	free(scratch->bytes);
	*scratch = (struct scratch){0};
}

bool scan_head(const struct segment *segment, uint64_t offset, uint64_t nbytes, struct scratch *scratch,
               struct record *ret_record)
{
	struct record record;
	size_t n;

	if (offset > nbytes || nbytes - offset < RECORD_FIXED_SIZE || !scratch_reserve(scratch, HEAD_READ) ||
	    read_at(segment->fd, scratch->bytes, HEAD_READ, offset, &n) || n < RECORD_FIXED_SIZE)
		return false;
	size_t head = record_peek(scratch->bytes);
	if (!head || head > nbytes - offset)
		return false;
	if (head > n && (!scratch_reserve(scratch, head) || !segment_read(segment, scratch->bytes, head, offset)))
		return false;
	if (!record_read_head(scratch->bytes, head, segment->header.id, offset, &record) ||
	    record_nbytes(record.nbytes) > nbytes - offset)
		return false;
	*ret_record = record;
	return true;
}

errint_t scan_records(struct store *store, struct segment *segment)
{
	struct scratch scratch = {0};
	struct record record;
	errint_t err = 0;

	while (!err && segment->scanned < SEGMENT_NBYTES_MAX &&
	       scan_head(segment, segment->scanned, segment->nbytes, &scratch, &record)) {
		struct store_entry entry = record_entry(&record, segment->scanned);
		err = segment_index(store, segment, &entry);
		if (!err)
			segment->scanned += record_nbytes(record.nbytes);
	}
	scratch_clear(&scratch);
	return err;
}

/* A footer may be anybody's bytes: what it lists has to lie in the segment. */
static bool is_plausible(const struct store_entry *entry, const struct segment *segment, uint64_t data_end)
{
	uint64_t offset = (uint64_t)entry->offset * SEGMENT_ALIGN;

	return entry->nbytes && offset >= segment->scanned && offset <= data_end &&
	       record_nbytes(entry->nbytes) <= data_end - offset;
}

static errint_t index_entries(struct store *store, struct segment *segment, const uint8_t *bytes, uint64_t n,
                              uint64_t data_end)
{
	errint_t err = 0;

	for (uint64_t i = 0; i < n && !err; i++) {
		struct store_entry entry = segment_read_entry(bytes + i * SEGMENT_ENTRY_SIZE);
		if (is_plausible(&entry, segment, data_end))
			err = segment_index(store, segment, &entry);
	}
	return err;
}

errint_t scan_footer(struct store *store, struct segment *segment)
{
	uint8_t bytes[SEGMENT_TRAILER_SIZE];
	struct segment_trailer trailer;

	if (segment->nbytes < SEGMENT_HEADER_SIZE + SEGMENT_TRAILER_SIZE ||
	    !segment_read(segment, bytes, sizeof(bytes), segment->nbytes - sizeof(bytes)) ||
	    !segment_read_trailer(bytes, segment->header.id, segment->nbytes, &trailer))
		return -ENOENT;
	size_t size = (size_t)trailer.nentries * SEGMENT_ENTRY_SIZE;
	uint8_t *entries = malloc(size ? size : 1);
	if (!entries)
		return -ENOMEM;
	errint_t err = -ENOENT;
	if (segment_read(segment, entries, size, trailer.data_end) && segment_sum(entries, size) == trailer.entries_sum)
		err = index_entries(store, segment, entries, trailer.nentries, trailer.data_end);
	free(entries);
	if (!err)
		segment->scanned = trailer.data_end;
	return err;
}
