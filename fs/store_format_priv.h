/* SPDX-License-Identifier: MIT */
/*
 * store_format_priv.h: what a segment's bytes mean; docs/store.md has the tables. Pure functions.
 *
 * A segment is a header, records, and, once it is finished, a footer: the index of its records, and a trailer at the very
 * end of the file. A record is a head, which holds a checksum for every chunk of the object, and the object. Everything
 * begins at a multiple of SEGMENT_ALIGN but the footer's parts. Checksums of heads are seeded by their place, so bytes that
 * a file system brings back from elsewhere after a crash are no record here.
 */
#pragma once

#include "fs/store.h"

#define SEGMENT_ALIGN 64u
#define SEGMENT_HEADER_SIZE 64u
#define SEGMENT_TRAILER_SIZE 64u
#define SEGMENT_ENTRY_SIZE 20u
#define SEGMENT_NBYTES_MAX ((uint64_t)SEGMENT_ALIGN << 32) /* offsets are 32 bits, in units of SEGMENT_ALIGN */

/* A reader of a head of the object verifies whole chunks, so small ones read less; each costs 8 bytes. */
#define RECORD_CHUNK 16384u
#define RECORD_FIXED_SIZE 80u

/* Sources and families that differ have different keys, but for one in 2^64 pairs of 2^32 records. */
struct store_key {
	uint64_t low, high;
};
struct store_key store_key(const struct store_source *source, const struct ic_design *design);

/* What the index holds of a record: 20 bytes. */
struct store_entry {
	uint32_t tag[2];  /* the key's low half */
	uint32_t offset;  /* of the record in its segment, in units of SEGMENT_ALIGN */
	uint32_t nbytes;  /* of the object; 0: no entry */
	uint16_t segment; /* its slot; not on disk */
	uint8_t keep;
	uint8_t ncomponents : 7;
	uint8_t is_doubted : 1; /* store_sweep.c's; not on disk */
};

static inline uint64_t store_entry_tag(const struct store_entry *entry)
{
	return (uint64_t)entry->tag[1] << 32 | entry->tag[0];
}

/* What a record's head says. */
struct record {
	struct store_key key;
	uint64_t inode, source_nbytes;
	int64_t mtime_ns;
	uint64_t nbytes; /* of the object */
	struct ic_design design;
	uint32_t codec_version;
	uint8_t ncomponents;
};

size_t record_head_nbytes(uint64_t object_nbytes);
uint64_t record_nbytes(uint64_t object_nbytes); /* head, object, and up to the next multiple of SEGMENT_ALIGN */

/* Write the head of a record that goes to `offset` of segment `id`: record_head_nbytes bytes. */
void record_write_head(uint8_t *out, const struct record *record, const uint8_t *object, uint64_t id, uint64_t offset);

/* How long a head is by its first RECORD_FIXED_SIZE bytes, or 0 where they are those of no record. */
size_t record_peek(const uint8_t *bytes);

/* Read a head of record_head_nbytes. False where it does not verify. */
bool record_read_head(const uint8_t *bytes, size_t nbytes, uint64_t id, uint64_t offset, struct record *ret_record);

/* Whether the first `nbytes` bytes of the object, whole chunks or all of it, are what the head's checksums say. */
bool record_verify(const uint8_t *head, const uint8_t *object, uint64_t nbytes);

struct store_entry record_entry(const struct record *record, uint64_t offset);

/* The bytes from an object's start that hold what `keep` groups of it need, for an entry and the family of `design`;
 * rounded up to chunks. 0 where the entry contradicts itself. */
uint64_t record_head_of_object(const struct store_entry *entry, const struct ic_design *design);

struct segment_header {
	uint64_t id;
	uint64_t created_ns;
	uint32_t codec_version; /* of all its records */
};
void segment_write_header(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_header *header);
bool segment_read_header(const uint8_t bytes[SEGMENT_HEADER_SIZE], struct segment_header *ret_header);

struct segment_trailer {
	uint64_t id;
	uint64_t data_end; /* the footer's first byte */
	uint64_t nentries;
	uint64_t entries_sum; /* segment_sum of the entries */
};
void segment_write_trailer(uint8_t out[SEGMENT_TRAILER_SIZE], const struct segment_trailer *trailer);

/* False where it is none, or not that of segment `id` of this size. */
bool segment_read_trailer(const uint8_t bytes[SEGMENT_TRAILER_SIZE], uint64_t id, uint64_t file_nbytes,
                          struct segment_trailer *ret_trailer);

uint64_t segment_sum(const void *bytes, size_t nbytes);
void segment_write_entry(uint8_t out[SEGMENT_ENTRY_SIZE], const struct store_entry *entry);
struct store_entry segment_read_entry(const uint8_t bytes[SEGMENT_ENTRY_SIZE]);
