/* SPDX-License-Identifier: MIT */
#include "fs/store_format_priv.h"
#include "codec/encode.h"

#include <endian.h>
#include <string.h>
#include <xxhash.h>

/* Raised when the bytes below mean something else; segments of another version are left alone until they are given up. */
#define SEGMENT_VERSION 1u

static const uint8_t record_magic[8] = {0x89, 'I', 'C', 'R', '\r', '\n', 0x1a, '\n'};
static const uint8_t segment_magic[8] = {0x89, 'I', 'C', 'S', '\r', '\n', 0x1a, '\n'};
static const uint8_t trailer_magic[8] = {0x89, 'I', 'C', 'E', '\r', '\n', 0x1a, '\n'};

/* Places of a record's fields. */
enum {
	AT_KEY = 8,
	AT_INODE = 24,
	AT_SOURCE_NBYTES = 32,
	AT_MTIME = 40,
	AT_NBYTES = 48,
	AT_DESIGN = 56,
	AT_CODEC = 64,
	AT_NCOMPONENTS = 68,
};

static void put32(uint8_t *p, uint32_t n)
{
	n = htole32(n);
	memcpy(p, &n, sizeof(n));
}

static void put64(uint8_t *p, uint64_t n)
{
	n = htole64(n);
	memcpy(p, &n, sizeof(n));
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t n;

	memcpy(&n, p, sizeof(n));
	return le32toh(n);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t n;

	memcpy(&n, p, sizeof(n));
	return le64toh(n);
}

static uint64_t align(uint64_t n)
{
	return (n + SEGMENT_ALIGN - 1) / SEGMENT_ALIGN * SEGMENT_ALIGN;
}

static uint64_t chunks_of(uint64_t nbytes)
{
	return nbytes / RECORD_CHUNK + (nbytes % RECORD_CHUNK != 0);
}

uint64_t segment_sum(const void *bytes, size_t nbytes)
{
	return XXH3_64bits(bytes, nbytes);
}

static void put_design(uint8_t out[8], const struct ic_design *d)
{
	const uint8_t bytes[8] = {d->sx, d->sy, d->block, d->keep, d->bits, d->chroma, d->filter, d->order};

	memcpy(out, bytes, sizeof(bytes));
}

static struct ic_design get_design(const uint8_t p[8])
{
	return (struct ic_design){p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7]};
}

struct store_key store_key(const struct store_source *source, const struct ic_design *design)
{
	struct ic_design family = *design;
	uint8_t bytes[36 + 256] = {0};
	size_t len = strnlen(source->name, 255);

	family.keep = family.bits = 0;
	put_design(bytes, &family);
	put32(bytes + 8, IC_CODEC_VERSION);
	put64(bytes + 12, source->inode);
	put64(bytes + 20, source->nbytes);
	put64(bytes + 28, (uint64_t)source->mtime_ns);
	memcpy(bytes + 36, source->name, len);
	XXH128_hash_t hash = XXH3_128bits(bytes, 36 + len);
	return (struct store_key){hash.low64, hash.high64};
}

size_t record_head_nbytes(uint64_t object_nbytes)
{
	return RECORD_FIXED_SIZE + 8 * (size_t)chunks_of(object_nbytes) + 8;
}

uint64_t record_nbytes(uint64_t object_nbytes)
{
	return align(record_head_nbytes(object_nbytes) + object_nbytes);
}

/* The sums of chunks stand behind the fixed fields, the head's own behind them. */
static uint64_t head_sum(const uint8_t *head, size_t nbytes, uint64_t id, uint64_t offset)
{
	return XXH3_64bits_withSeed(head, nbytes - 8, id + offset);
}

static size_t chunk_nbytes(uint64_t nbytes, uint64_t chunk)
{
	uint64_t left = nbytes - chunk * RECORD_CHUNK;

	return left < RECORD_CHUNK ? (size_t)left : RECORD_CHUNK;
}

void record_write_head(uint8_t *out, const struct record *record, const uint8_t *object, uint64_t id, uint64_t offset)
{
	size_t nbytes = record_head_nbytes(record->nbytes);

	memset(out, 0, RECORD_FIXED_SIZE);
	memcpy(out, record_magic, sizeof(record_magic));
	put64(out + AT_KEY, record->key.low);
	put64(out + AT_KEY + 8, record->key.high);
	put64(out + AT_INODE, record->inode);
	put64(out + AT_SOURCE_NBYTES, record->source_nbytes);
	put64(out + AT_MTIME, (uint64_t)record->mtime_ns);
	put64(out + AT_NBYTES, record->nbytes);
	put_design(out + AT_DESIGN, &record->design);
	put32(out + AT_CODEC, record->codec_version);
	out[AT_NCOMPONENTS] = record->ncomponents;
	for (uint64_t i = 0; i < chunks_of(record->nbytes); i++)
		put64(out + RECORD_FIXED_SIZE + 8 * i,
		      XXH3_64bits(object + i * RECORD_CHUNK, chunk_nbytes(record->nbytes, i)));
	put64(out + nbytes - 8, head_sum(out, nbytes, id, offset));
}

size_t record_peek(const uint8_t *bytes)
{
	uint64_t nbytes = get64(bytes + AT_NBYTES);

	if (memcmp(bytes, record_magic, sizeof(record_magic)) || nbytes == 0 || nbytes > UINT32_MAX)
		return 0;
	return record_head_nbytes(nbytes);
}

bool record_read_head(const uint8_t *bytes, size_t nbytes, uint64_t id, uint64_t offset, struct record *ret_record)
{
	if (record_peek(bytes) != nbytes || get64(bytes + nbytes - 8) != head_sum(bytes, nbytes, id, offset))
		return false;
	*ret_record = (struct record){
	        .key = {get64(bytes + AT_KEY), get64(bytes + AT_KEY + 8)},
	        .inode = get64(bytes + AT_INODE),
	        .source_nbytes = get64(bytes + AT_SOURCE_NBYTES),
	        .mtime_ns = (int64_t)get64(bytes + AT_MTIME),
	        .nbytes = get64(bytes + AT_NBYTES),
	        .design = get_design(bytes + AT_DESIGN),
	        .codec_version = get32(bytes + AT_CODEC),
	        .ncomponents = bytes[AT_NCOMPONENTS],
	};
	return true;
}

bool record_verify(const uint8_t *head, const uint8_t *object, uint64_t nbytes)
{
	for (uint64_t i = 0; i < chunks_of(nbytes); i++)
		if (get64(head + RECORD_FIXED_SIZE + 8 * i) !=
		    XXH3_64bits(object + i * RECORD_CHUNK, chunk_nbytes(nbytes, i)))
			return false;
	return true;
}

struct store_entry record_entry(const struct record *record, uint64_t offset)
{
	return (struct store_entry){
	        .tag = {(uint32_t)record->key.low, (uint32_t)(record->key.low >> 32)},
	        .offset = (uint32_t)(offset / SEGMENT_ALIGN),
	        .nbytes = (uint32_t)record->nbytes,
	        .keep = record->design.keep,
	        .ncomponents = record->ncomponents & 0x7f,
	};
}

uint64_t record_head_of_object(const struct store_entry *entry, const struct ic_design *design)
{
	struct ic_design dense = ic_design_at_q8(design);
	struct ic_layout layout;

	dense.keep = entry->keep;
	/* What stands before the planes depends on the design and the components alone, and all frequencies take the same
	 * space: the size of the picture need not be known. */
	if (ic_layout_init(&layout, &dense, 1, 1, entry->ncomponents) || entry->nbytes < layout.data_offset ||
	    (entry->nbytes - layout.data_offset) % layout.nfreqs)
		return 0;
	uint64_t nbytes = (entry->nbytes - layout.data_offset) / layout.nfreqs;
	nbytes = layout.data_offset + nbytes * ic_design_nfreqs(design);
	nbytes = chunks_of(nbytes) * RECORD_CHUNK;
	return nbytes < entry->nbytes ? nbytes : entry->nbytes;
}

void segment_write_header(uint8_t out[SEGMENT_HEADER_SIZE], const struct segment_header *header)
{
	memset(out, 0, SEGMENT_HEADER_SIZE);
	memcpy(out, segment_magic, sizeof(segment_magic));
	put32(out + 8, SEGMENT_VERSION);
	put32(out + 12, header->codec_version);
	put64(out + 16, header->id);
	put64(out + 24, header->created_ns);
	put64(out + 56, segment_sum(out, 56));
}

bool segment_read_header(const uint8_t bytes[SEGMENT_HEADER_SIZE], struct segment_header *ret_header)
{
	if (memcmp(bytes, segment_magic, sizeof(segment_magic)) || get32(bytes + 8) != SEGMENT_VERSION ||
	    get64(bytes + 56) != segment_sum(bytes, 56))
		return false;
	*ret_header = (struct segment_header){
	        .codec_version = get32(bytes + 12),
	        .id = get64(bytes + 16),
	        .created_ns = get64(bytes + 24),
	};
	return true;
}

void segment_write_trailer(uint8_t out[SEGMENT_TRAILER_SIZE], const struct segment_trailer *trailer)
{
	memset(out, 0, SEGMENT_TRAILER_SIZE);
	memcpy(out, trailer_magic, sizeof(trailer_magic));
	put64(out + 8, trailer->id);
	put64(out + 16, trailer->data_end);
	put64(out + 24, trailer->nentries);
	put64(out + 32, trailer->entries_sum);
	put64(out + 56, segment_sum(out, 56));
}

bool segment_read_trailer(const uint8_t bytes[SEGMENT_TRAILER_SIZE], uint64_t id, uint64_t file_nbytes,
                          struct segment_trailer *ret_trailer)
{
	struct segment_trailer t = {get64(bytes + 8), get64(bytes + 16), get64(bytes + 24), get64(bytes + 32)};

	if (memcmp(bytes, trailer_magic, sizeof(trailer_magic)) || get64(bytes + 56) != segment_sum(bytes, 56))
		return false;
	if (t.id != id || t.data_end < SEGMENT_HEADER_SIZE || t.data_end % SEGMENT_ALIGN ||
	    t.nentries > file_nbytes / SEGMENT_ENTRY_SIZE ||
	    t.data_end + t.nentries * SEGMENT_ENTRY_SIZE + SEGMENT_TRAILER_SIZE != file_nbytes)
		return false;
	*ret_trailer = t;
	return true;
}

void segment_write_entry(uint8_t out[SEGMENT_ENTRY_SIZE], const struct store_entry *entry)
{
	put32(out, entry->tag[0]);
	put32(out + 4, entry->tag[1]);
	put32(out + 8, entry->offset);
	put32(out + 12, entry->nbytes);
	put32(out + 16, entry->keep | (uint32_t)entry->ncomponents << 8);
}

struct store_entry segment_read_entry(const uint8_t bytes[SEGMENT_ENTRY_SIZE])
{
	return (struct store_entry){
	        .tag = {get32(bytes), get32(bytes + 4)},
	        .offset = get32(bytes + 8),
	        .nbytes = get32(bytes + 12),
	        .keep = bytes[16],
	        .ncomponents = bytes[17] & 0x7f,
	};
}
