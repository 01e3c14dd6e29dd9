/* SPDX-License-Identifier: MIT */
/* Whatever happens to the bytes of a store, it never gives a wrong object, and what it lost can be put again. */
#include "store_helpers.h"
#include "codec/encode.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 20
#define HEIGHT 13
#define NRECORDS 4

static struct ic_design dense, sparse;

/* A store of one small finished segment. */
struct sample {
	struct scene scene;
	char name[SEGMENT_NAME_SIZE];
	struct bytes segment;
};

static struct sample sample_new(void)
{
	struct sample sample = {.scene = scene_new()};

	for (uint64_t i = 0; i < NRECORDS; i++) {
		struct store *store = store_new(&sample.scene);
		put(store, i, &dense, WIDTH, HEIGHT);
		store_close(store);
	}
	ck_assert_uint_eq(segment_names(&sample.scene, &sample.name, 1), 1);
	sample.segment = file_read(&sample.scene, sample.name);
	return sample;
}

static void sample_clear(struct sample *sample)
{
	free(sample->segment.data);
	scene_clear(&sample->scene);
}

/* How many records are left; each that is gives the right bytes, under both designs. */
static unsigned count_good(struct store *store)
{
	unsigned n = 0;

	for (uint64_t i = 0; i < NRECORDS; i++) {
		bool has_sparse = holds(store, i, &dense, &sparse, WIDTH, HEIGHT);
		n += holds(store, i, &dense, &dense, WIDTH, HEIGHT) && has_sparse;
	}
	return n;
}

static void put_again(struct store *store)
{
	for (uint64_t i = 0; i < NRECORDS; i++)
		put(store, i, &dense, WIDTH, HEIGHT);
	store_flush(store);
	ck_assert_uint_eq(count_good(store), NRECORDS);
}

/* What was put again lies in segments of its own, or in the sample's. */
static void remove_others(const struct sample *sample)
{
	char names[16][SEGMENT_NAME_SIZE], path[PATH_MAX + SEGMENT_NAME_SIZE];
	size_t n = segment_names(&sample->scene, names, COUNT(names));

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%.47s", sample->scene.directory, names[i]);
		if (strcmp(names[i], sample->name))
			ck_assert_int_eq(unlink(path), 0);
	}
}

/* With this in place of the sample's segment. */
static unsigned open_damaged(struct sample *sample, struct bytes segment, bool remake)
{
	file_write(&sample->scene, sample->name, segment);
	sample->scene.settings.read_only = !remake; /* else each of thousands waits for the disk */
	struct store *store = store_new(&sample->scene);
	unsigned n = count_good(store);
	if (remake)
		put_again(store);
	store_close(store);
	if (remake) {
		store = store_new(&sample->scene);
		ck_assert_uint_eq(count_good(store), NRECORDS);
		store_close(store);
		remove_others(sample);
	}
	return n;
}

START_TEST(test_every_byte_flipped)
{
	static const uint8_t flips[] = {0x01, 0x80, 0xff};
	struct sample sample = sample_new();
	uint8_t *bytes = sample.segment.data;
	unsigned damaged = 0;

	for (size_t i = 0; i < sample.segment.nbytes; i++) {
		uint8_t flip = flips[i % COUNT(flips)];
		bytes[i] ^= flip;
		damaged += open_damaged(&sample, sample.segment, i % 64 == 63) < NRECORDS;
		bytes[i] ^= flip;
	}
	/* All but the padding, and the footer: the records are found without. */
	ck_assert_uint_gt(damaged, sample.segment.nbytes * 7 / 10);
	sample_clear(&sample);
}
END_TEST

/* The store is open, its index is good; then the bytes change. */
START_TEST(test_every_byte_flipped_while_in_use)
{
	struct sample sample = sample_new();
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	unsigned damaged = 0;

	snprintf(path, sizeof(path), "%s/%s", sample.scene.directory, sample.name);
	int fd = open(path, O_RDWR);
	ck_assert_int_ge(fd, 0);
	sample.scene.settings.read_only = true;
	for (size_t i = 0; i < sample.segment.nbytes; i++) {
		uint8_t flipped = sample.segment.data[i] ^ (uint8_t)(1 + i % 255);
		struct store *store = store_new(&sample.scene);
		ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)i), 1);
		unsigned n = count_good(store);
		struct store_counts counts = store_counts(store);
		ck_assert_uint_eq(n + counts.corrupt, NRECORDS);
		ck_assert_uint_eq(counts.records, n);
		damaged += n < NRECORDS;
		store_close(store);
		ck_assert_int_eq(pwrite(fd, sample.segment.data + i, 1, (off_t)i), 1);
	}
	ck_assert_uint_gt(damaged, sample.segment.nbytes * 7 / 10);
	close(fd);
	sample_clear(&sample);
}
END_TEST

START_TEST(test_truncated_at_every_length)
{
	struct sample sample = sample_new();
	unsigned last = 0;

	for (size_t n = 0; n <= sample.segment.nbytes; n++) {
		struct bytes part = {sample.segment.data, n};
		unsigned good = open_damaged(&sample, part, n % 64 == 63);
		ck_assert_uint_ge(good, last); /* what is whole is found, with or without a footer */
		last = good;
	}
	ck_assert_uint_eq(last, NRECORDS);
	sample_clear(&sample);
}
END_TEST

START_TEST(test_truncated_and_looked_at_while_in_use)
{
	struct sample sample = sample_new();
	char path[PATH_MAX + SEGMENT_NAME_SIZE];

	snprintf(path, sizeof(path), "%s/%s", sample.scene.directory, sample.name);
	for (size_t n = 0; n < sample.segment.nbytes; n += 61) {
		file_write(&sample.scene, sample.name, sample.segment);
		sample.scene.settings.read_only = false;
		struct store *store = store_new(&sample.scene);
		ck_assert_int_eq(truncate(path, (off_t)n), 0);
		store_refresh(store);
		unsigned good = count_good(store);
		ck_assert_uint_eq(good, store_counts(store).records);
		ck_assert_uint_eq(store_counts(store).corrupt, 0);
		put_again(store);
		store_close(store);
		remove_others(&sample);
	}
	sample_clear(&sample);
}
END_TEST

START_TEST(test_truncated_while_in_use)
{
	struct sample sample = sample_new();
	char path[PATH_MAX + SEGMENT_NAME_SIZE];

	snprintf(path, sizeof(path), "%s/%s", sample.scene.directory, sample.name);
	for (size_t n = sample.segment.nbytes; n-- > 0;) {
		file_write(&sample.scene, sample.name, sample.segment);
		sample.scene.settings.read_only = n % 64;
		struct store *store = store_new(&sample.scene);
		ck_assert_int_eq(truncate(path, (off_t)n), 0);
		unsigned good = count_good(store);
		ck_assert_uint_eq(good + store_counts(store).corrupt, NRECORDS);
		if (n % 64 == 0)
			put_again(store);
		store_close(store);
	}
	sample_clear(&sample);
}
END_TEST

/* What a file system may bring back after a power loss: other bytes of the same store, and zeros. */
START_TEST(test_records_in_wrong_places)
{
	struct sample sample = sample_new();
	struct bytes bytes = file_read(&sample.scene, sample.name);

	for (size_t from = 0; from < bytes.nbytes; from += SEGMENT_ALIGN) {
		for (size_t to = 0; to < bytes.nbytes; to += 7 * SEGMENT_ALIGN) {
			size_t n = bytes.nbytes - (from > to ? from : to);
			n = n < 512 ? n : 512;
			memcpy(bytes.data, sample.segment.data, bytes.nbytes);
			memmove(bytes.data + to, sample.segment.data + from, n);
			open_damaged(&sample, bytes, false);
		}
		memset(bytes.data + from, 0, bytes.nbytes - from);
		open_damaged(&sample, bytes, false);
	}
	free(bytes.data);
	sample_clear(&sample);
}
END_TEST

START_TEST(test_a_missing_segment)
{
	struct sample sample = sample_new();
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	struct store *store = store_new(&sample.scene);

	snprintf(path, sizeof(path), "%s/%s", sample.scene.directory, sample.name);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_uint_eq(count_good(store), NRECORDS); /* it is still open */
	store_refresh(store);
	ck_assert_uint_eq(count_good(store), 0);
	ck_assert_uint_eq(store_counts(store).corrupt, 0);
	put_again(store);
	store_close(store);
	sample_clear(&sample);
}
END_TEST

/* --- Footers and records that verify, and say what cannot be ------------------------------------------------------- */

static void rewrite_footer(struct sample *sample, struct store_entry (*change)(struct store_entry entry, unsigned how),
                           unsigned how)
{
	struct bytes bytes = {malloc(sample->segment.nbytes), sample->segment.nbytes};
	struct segment_header header;
	struct segment_trailer trailer;

	memcpy(bytes.data, sample->segment.data, bytes.nbytes);
	uint8_t *end = bytes.data + bytes.nbytes - SEGMENT_TRAILER_SIZE;
	ck_assert(segment_read_header(bytes.data, &header));
	ck_assert(segment_read_trailer(end, header.id, bytes.nbytes, &trailer));
	ck_assert_uint_eq(trailer.nentries, NRECORDS);
	uint8_t *entries = bytes.data + trailer.data_end;
	for (unsigned i = 0; i < NRECORDS; i++) {
		struct store_entry entry = change(segment_read_entry(entries + i * SEGMENT_ENTRY_SIZE), how);
		segment_write_entry(entries + i * SEGMENT_ENTRY_SIZE, &entry);
	}
	trailer.entries_sum = segment_sum(entries, NRECORDS * SEGMENT_ENTRY_SIZE);
	segment_write_trailer(end, &trailer);
	open_damaged(sample, bytes, how % 16 == 0);
	free(bytes.data);
}

static struct store_entry change_entry(struct store_entry entry, unsigned how)
{
	static const uint32_t odd[] = {0, 1, 2, 15, 0x7fffffff, 0xffffffff, 0xfffffffe, 63};
	uint32_t value = odd[how / 5 % COUNT(odd)];

	switch (how % 5) {
	case 0:
		entry.offset = value;
		break;
	case 1:
		entry.nbytes = value;
		break;
	case 2:
		entry.keep = (uint8_t)value;
		break;
	case 3:
		entry.ncomponents = (uint8_t)value;
		break;
	default:
		entry.tag[0] ^= value;
		entry.nbytes += value;
	}
	return entry;
}

START_TEST(test_footers_that_lie)
{
	struct sample sample = sample_new();

	for (unsigned how = 0; how < 40; how++)
		rewrite_footer(&sample, change_entry, how);
	sample_clear(&sample);
}
END_TEST

/* A footer that verifies, and says less of a record than there is to be read of it for `design`. */
static bool is_short(const struct store_entry *lie, const struct store_entry *truth, const struct ic_design *design)
{
	uint64_t nbytes = record_head_of_object(lie, design);

	return nbytes && nbytes < record_head_of_object(truth, design) &&
	       record_head_nbytes(lie->nbytes) == record_head_nbytes(truth->nbytes);
}

static bool find_lie(const struct store_entry *truth, const struct ic_design *design, uint8_t keep, uint8_t ncomponents,
                     struct store_entry *ret_lie)
{
	struct store_entry lie = *truth;

	lie.keep = keep;
	lie.ncomponents = ncomponents;
	for (lie.nbytes = truth->nbytes; lie.nbytes > truth->nbytes - RECORD_CHUNK; lie.nbytes--) {
		if (is_short(&lie, truth, design)) {
			*ret_lie = lie;
			return true;
		}
	}
	return false;
}

START_TEST(test_footers_that_make_records_short)
{
	const struct ic_design whole = design_of("s1x1-b8-k5-q8"), part = design_of("s1x1-b8-k3-q8");
	struct scene scene = scene_new();
	char name[SEGMENT_NAME_SIZE];
	struct segment_trailer trailer;
	struct segment_header header;
	struct store_entry lie;

	struct store *store = store_new(&scene);
	put(store, 1, &whole, 404, 340);
	store_close(store);
	ck_assert_uint_eq(segment_names(&scene, &name, 1), 1);
	struct bytes bytes = file_read(&scene, name);
	uint8_t *end = bytes.data + bytes.nbytes - SEGMENT_TRAILER_SIZE;
	ck_assert(segment_read_header(bytes.data, &header));
	ck_assert(segment_read_trailer(end, header.id, bytes.nbytes, &trailer));
	const struct store_entry truth = segment_read_entry(bytes.data + trailer.data_end);
	unsigned nlies = 0;
	for (uint8_t i = 0; i < 6; i++) {
		if (!find_lie(&truth, &part, (uint8_t)(4 + i / 2), i % 2 ? 1 : 3, &lie))
			continue;
		nlies++;
		segment_write_entry(bytes.data + trailer.data_end, &lie);
		trailer.entries_sum = segment_sum(bytes.data + trailer.data_end, SEGMENT_ENTRY_SIZE);
		segment_write_trailer(end, &trailer);
		file_write(&scene, name, bytes);
		store = store_new(&scene);
		ck_assert(!holds(store, 1, &whole, &part, 404, 340));
		ck_assert_uint_eq(store_counts(store).corrupt, 1);
		store_close(store);
	}
	ck_assert_uint_ge(nlies, 2);
	free(bytes.data);
	scene_clear(&scene);
}
END_TEST

/* A record whose checksums are right, of an object that is none. */
static void put_odd_record(struct sample *sample, void (*spoil)(uint8_t *object, struct record *record))
{
	struct store_source source = source_of(1);
	struct bytes object = object_of(1, &dense, WIDTH, HEIGHT);
	struct record record = {
	        .key = store_key(&source, &dense),
	        .inode = source.inode,
	        .source_nbytes = source.nbytes,
	        .mtime_ns = source.mtime_ns,
	        .nbytes = object.nbytes,
	        .design = dense,
	        .codec_version = IC_CODEC_VERSION,
	        .ncomponents = 3,
	};
	struct segment_header header = {.id = 77, .codec_version = IC_CODEC_VERSION};
	struct bytes bytes = {calloc(1, SEGMENT_HEADER_SIZE + record_nbytes(object.nbytes)),
	                      SEGMENT_HEADER_SIZE + record_nbytes(object.nbytes)};
	size_t head = record_head_nbytes(object.nbytes);

	if (spoil)
		spoil(object.data, &record);
	segment_write_header(bytes.data, &header);
	record_write_head(bytes.data + SEGMENT_HEADER_SIZE, &record, object.data, 77, SEGMENT_HEADER_SIZE);
	memcpy(bytes.data + SEGMENT_HEADER_SIZE + head, object.data, object.nbytes);
	ck_assert_uint_eq(open_damaged(sample, bytes, false), spoil ? 0 : 1);
	free(bytes.data);
	free(object.data);
}

static void spoil_magic(uint8_t *object, struct record *record)
{
	object[0] ^= 1;
}

static void spoil_step(uint8_t *object, struct record *record)
{
	object[IC_HEADER_SIZE] = 0;
}

static void spoil_nbits(uint8_t *object, struct record *record)
{
	object[IC_HEADER_SIZE + 1] = 9;
}

static void spoil_design(uint8_t *object, struct record *record)
{
	record->design.filter = IC_FILTER_BOX;
}

static void spoil_bits(uint8_t *object, struct record *record)
{
	struct ic_design d = dense;
	struct ic_layout layout;

	d.bits = 4;
	ck_assert_int_eq(ic_layout_init(&layout, &d, WIDTH, HEIGHT, 3), 0);
	ic_header_write(object, &layout, 1, 0);
	record->design.bits = 4;
}

static void spoil_size(uint8_t *object, struct record *record)
{
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, &dense, 5 * WIDTH, HEIGHT, 3), 0);
	ic_header_write(object, &layout, 1, 0);
}

static void spoil_codec(uint8_t *object, struct record *record)
{
	record->codec_version++;
}

static void spoil_inode(uint8_t *object, struct record *record)
{
	record->inode++;
}

START_TEST(test_records_that_lie)
{
	void (*const spoils[])(uint8_t *, struct record *) = {NULL,        spoil_magic,  spoil_step,
	                                                      spoil_nbits, spoil_design, spoil_bits,
	                                                      spoil_size,  spoil_codec,  spoil_inode};
	struct sample sample = sample_new();

	for (size_t i = 0; i < COUNT(spoils); i++)
		put_odd_record(&sample, spoils[i]);
	sample_clear(&sample);
}
END_TEST

START_TEST(test_segments_of_another_codec_go_first)
{
	struct sample sample = sample_new();
	struct segment_header header;
	char names[4][SEGMENT_NAME_SIZE];

	ck_assert(segment_read_header(sample.segment.data, &header));
	header.codec_version++;
	segment_write_header(sample.segment.data, &header);
	file_write(&sample.scene, sample.name, sample.segment);
	struct store *store = store_new(&sample.scene);
	ck_assert_uint_eq(count_good(store), 0);
	put_again(store); /* in a segment of its own */
	store_flush(store);
	ck_assert_uint_eq(segment_names(&sample.scene, names, COUNT(names)), 2);
	ck_assert_uint_eq(store_evict(store, segments_nbytes(&sample.scene) - 1), 1);
	ck_assert_uint_eq(segment_names(&sample.scene, names, COUNT(names)), 1);
	ck_assert_str_ne(names[0], sample.name);
	ck_assert_uint_eq(count_good(store), NRECORDS);
	store_close(store);
	sample_clear(&sample);
}
END_TEST

/* --- Verifying ----------------------------------------------------------------------------------------------------- */

static bool end_at_once(void *context, const struct store_check *so_far)
{
	++*(unsigned *)context;
	return false;
}

START_TEST(test_verify)
{
	struct sample sample = sample_new();
	struct store *store = store_new(&sample.scene);
	struct store_check check;
	unsigned calls = 0;

	ck_assert_int_eq(store_verify(store, NULL, NULL, &check), 0);
	ck_assert(check.records == NRECORDS && check.total == NRECORDS && check.corrupt == 0);
	ck_assert_int_eq(store_verify(store, end_at_once, &calls, &check), 0);
	ck_assert(check.records == 1 && calls == 1);
	store_close(store);

	/* One byte in the middle of an object that the footer lists: gone for good. */
	sample.segment.data[sample.segment.nbytes / 2] ^= 1;
	file_write(&sample.scene, sample.name, sample.segment);
	for (int again = 0; again < 2; again++) {
		store = store_new(&sample.scene);
		ck_assert_int_eq(store_verify(store, NULL, NULL, &check), 0);
		ck_assert_uint_eq(check.records, NRECORDS - 1);
		ck_assert_uint_eq(check.corrupt, again ? 0 : 1);
		ck_assert_uint_eq(count_good(store), NRECORDS - 1);
		store_close(store);
	}
	sample_clear(&sample);
}
END_TEST

static void add(TCase *cases)
{
	dense = design_of("s1x1-b8-k4-q8");
	sparse = design_of("s1x1-b8-k2-q8");
	tcase_add_test(cases, test_every_byte_flipped);
	tcase_add_test(cases, test_every_byte_flipped_while_in_use);
	tcase_add_test(cases, test_truncated_at_every_length);
	tcase_add_test(cases, test_truncated_and_looked_at_while_in_use);
	tcase_add_test(cases, test_truncated_while_in_use);
	tcase_add_test(cases, test_records_in_wrong_places);
	tcase_add_test(cases, test_a_missing_segment);
	tcase_add_test(cases, test_footers_that_lie);
	tcase_add_test(cases, test_records_that_lie);
	tcase_add_test(cases, test_footers_that_make_records_short);
	tcase_add_test(cases, test_segments_of_another_codec_go_first);
	tcase_add_test(cases, test_verify);
}

int main(void)
{
	return suite_run("store damage", add);
}
