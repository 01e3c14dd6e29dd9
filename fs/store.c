/* SPDX-License-Identifier: MIT */
#include "fs/store_priv.h"
#include "codec/encode.h"
#include "fs/descriptors.h"
#include "search/clock.h"
#include "search/path.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SEGMENT_NBYTES (256u << 20)
#define SEGMENT_NBYTES_MIN (64u << 10)
#define SEGMENTS_OF_BOUND 16u

/* A miss asks for a look at what others wrote this often at most. */
#define REFRESH_MS 1000

/* A segment's last use is written down, for other processes and later ones, this often at most: it costs an inode. */
#define TOUCH_SECONDS 600

struct store_settings store_settings_default(void)
{
	return (struct store_settings){
	        .free_nbytes_min = 1u << 30,
	        .segment_nbytes = SEGMENT_NBYTES,
	        .queue_nbytes = 64u << 20,
	        .rest_seconds = 3600,
	        .retry_seconds = 30,
	        .look_seconds = 10,
	};
}

int64_t store_now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC_COARSE) / 1000000;
}

int64_t store_now_s(void)
{
	return clock_ns(CLOCK_REALTIME_COARSE) / NS_PER_S;
}

uint64_t store_record_nbytes(uint64_t object_nbytes)
{
	return record_nbytes(object_nbytes) + SEGMENT_ENTRY_SIZE;
}

/* The canonical path of a directory, or of where it would be. malloc'ed, or NULL. */
static char *canonical_path(const char *directory)
{
	char *path = realpath(directory, NULL);
	char *copy = path ? NULL : strdup(directory);

	if (copy)
		path = realpath(dirname(copy), NULL);
	free(copy);
	return path;
}

errint_t store_check_place(const char *directory, const char *tree, struct ic_why *why)
{
	char *path = canonical_path(directory), *root = realpath(tree, NULL);
	bool is_inside = path && root && path_holds(root, path);

	free(path);
	free(root);
	return is_inside ? ic_fail(why, -EINVAL, "store %s: lies in the source, which is never written to", directory)
	                 : 0;
}

static errint_t open_directory(struct store *store, struct ic_why *why)
{
	const char *path = store->settings.directory;
	int made = store->settings.read_only || !mkdir(path, 0700) || errno == EEXIST ? 0 : errno;

	store->directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store->directory < 0) {
		int err = errno == ENOENT && made ? made : errno;
		return ic_fail(why, -err, "store %s: %s", path, strerror(err));
	}
	store->read_only = store->settings.read_only || faccessat(store->directory, ".", W_OK | X_OK, AT_EACCESS);
	if (store->read_only && !store->settings.read_only)
		log_write(store->log, LOG_LEVEL_WARNING, "store %s: read only: %s", path, strerror(errno));
	return 0;
}

static void bound_segments(struct store_settings *settings)
{
	uint64_t largest = settings->nbytes_max ? settings->nbytes_max / SEGMENTS_OF_BOUND : SEGMENT_NBYTES_MAX / 2;

	if (settings->segment_nbytes > largest)
		settings->segment_nbytes = largest;
	if (settings->segment_nbytes < SEGMENT_NBYTES_MIN)
		settings->segment_nbytes = SEGMENT_NBYTES_MIN;
}

static void init_locks(struct store *store)
{
	pthread_mutex_init(&store->files, NULL);
	pthread_mutex_init(&store->lock, NULL);
	pthread_mutex_init(&store->queue.lock, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&store->queue.more, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_cond_init(&store->queue.room, NULL);
	store->queue.end = &store->queue.first;
}

static errint_t read_files(struct store *store, struct ic_why *why)
{
	pthread_mutex_lock(&store->files);
	errint_t err = refresh_files(store);
	if (!err && !store->read_only) {
		room_make(store, 0); /* bounds may be tighter than they were */
		refresh_counts(store);
	}
	pthread_mutex_unlock(&store->files);
	return err ? ic_fail(why, err, "store %s: %s", store->settings.directory, strerror(-err)) : 0;
}

errint_t store_open(const struct store_settings *settings, struct log *log, struct store **ret_store,
                    struct ic_why *why)
{
	if (!settings->directory || !*settings->directory)
		return ic_fail(why, -EINVAL, "no directory is named for the store");
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return ic_fail(why, -ENOMEM, "out of memory");
	store->settings = *settings;
	store->settings.directory = strdup(settings->directory);
	store->log = log;
	store->opened_s = store_now_s();
	store->directory = -1;
	store->nsegments_max = descriptors_limit() / 2 < SEGMENTS_MAX ? descriptors_limit() / 2 : SEGMENTS_MAX;
	init_locks(store);
	bound_segments(&store->settings);
	errint_t err = store->settings.directory ? open_directory(store, why) : ic_fail(why, -ENOMEM, "out of memory");
	if (!err)
		err = read_files(store, why);
	if (!err) {
		err = writer_start(store);
		if (err)
			ic_fail(why, err, "starting a thread: %s", strerror(-err));
	}
	if (err) {
		store_close(store);
		return err;
	}
	*ret_store = store;
	return 0;
}

bool store_is_read_only(const struct store *store)
{
	return store->read_only;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	writer_stop(store);
	for (size_t i = 0; i < store->nslots; i++)
		if (store->segments[i])
			segment_free(store->segments[i]);
	free(store->segments);
	index_clear(&store->index);
	if (store->directory >= 0)
		close(store->directory);
	pthread_mutex_destroy(&store->files);
	pthread_mutex_destroy(&store->lock);
	pthread_mutex_destroy(&store->queue.lock);
	pthread_cond_destroy(&store->queue.more);
	pthread_cond_destroy(&store->queue.room);
	free((char *)store->settings.directory);
	free(store);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

static bool is_family(const struct ic_design *a, const struct ic_design *b)
{
	return a->sx == b->sx && a->sy == b->sy && a->block == b->block && a->chroma == b->chroma &&
	       a->filter == b->filter && a->order == b->order;
}

/* The entry that covers a design, and a reference to its segment. */
static struct segment *find(struct store *store, const struct store_key *key, const struct ic_design *design,
                            struct store_entry *ret_entry)
{
	struct segment *segment = NULL;

	pthread_mutex_lock(&store->lock);
	const struct store_entry *entry = index_find(&store->index, key->low);
	if (entry && entry->keep >= design->keep) {
		*ret_entry = *entry;
		segment = segment_get(store, entry->segment);
	}
	pthread_mutex_unlock(&store->lock);
	return segment;
}

/* A footer may say anything, and how much is read follows from it. */
static bool is_entry_of(const struct store_entry *entry, const struct record *record)
{
	return entry->nbytes == record->nbytes && entry->keep == record->design.keep &&
	       entry->ncomponents == record->ncomponents;
}

static bool is_record_of(const struct record *record, const struct store_key *key, const struct store_source *source,
                         const struct ic_design *design)
{
	return record->key.low == key->low && record->key.high == key->high && record->inode == source->inode &&
	       record->source_nbytes == source->nbytes && record->mtime_ns == source->mtime_ns &&
	       record->codec_version == IC_CODEC_VERSION && is_family(&record->design, design);
}

/* Of the table, what the planes up to `keep` need: checksums tell of accidents, not of who made them. */
static bool is_table_valid(const struct ic_view *view, const struct ic_design *design)
{
	unsigned n = ic_design_nfreqs(design) * view->layout.ncomponents;

	for (unsigned p = 0; p < n; p++) {
		struct ic_plane_params params = ic_view_plane_params(view, p);
		if (!params.step || params.nbits < 1 || params.nbits > 8 || params.mean_nonneg || params.mean_neg)
			return false;
	}
	return true;
}

/* The head of the object, `nbytes` of it, as a view. */
static bool view_head(const uint8_t *object, uint64_t nbytes, const struct record *record,
                      const struct ic_design *design, struct ic_view *ret_view)
{
	return !ic_view_parse_header(ret_view, object, nbytes, NULL) &&
	       ic_design_equal(&ret_view->layout.design, &record->design) && record->design.bits == 8 &&
	       ret_view->layout.nbytes == record->nbytes && ret_view->layout.ncomponents == record->ncomponents &&
	       ret_view->layout.data_offset <= nbytes && is_table_valid(ret_view, design);
}

/* -EBADMSG where it is not what was written, -ENOENT where it is another's (equal tags). */
static errint_t read_record(const struct segment *segment, const struct store_entry *entry, const struct store_key *key,
                            const struct store_source *source, const struct ic_design *design, uint8_t **ret_bytes,
                            struct ic_view *ret_view)
{
	uint64_t offset = (uint64_t)entry->offset * SEGMENT_ALIGN;
	uint64_t wanted = record_head_of_object(entry, design);
	size_t head = record_head_nbytes(entry->nbytes);
	struct record record;
	struct ic_view view;

	if (!wanted)
		return -EBADMSG;
	uint8_t *bytes = malloc(head + wanted);
	if (!bytes)
		return -ENOMEM;
	errint_t err = segment_read(segment, bytes, head + wanted, offset) ? 0 : -EBADMSG;
	if (!err &&
	    (!record_read_head(bytes, head, segment->header.id, offset, &record) || !is_entry_of(entry, &record)))
		err = -EBADMSG;
	if (!err && !is_record_of(&record, key, source, design))
		err = -ENOENT;
	if (!err &&
	    (!record_verify(bytes, bytes + head, wanted) || !view_head(bytes + head, wanted, &record, design, &view)))
		err = -EBADMSG;
	if (err) {
		free(bytes);
		return err;
	}
	*ret_bytes = bytes;
	*ret_view = view;
	return 0;
}

/* Note that a segment is in use. The file's mtime tells other processes: its atime would tell of every look at its footer
 * too, or of nothing, as the file system is mounted. */
static void note_use(const struct store *store, struct segment *segment)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};
	int64_t now = store_now_s(), touched = atomic_load(&segment->touched_s);

	if (atomic_load_explicit(&segment->used_s, memory_order_relaxed) < now)
		atomic_store(&segment->used_s, now);
	if (!store->read_only && now - touched >= TOUCH_SECONDS &&
	    atomic_compare_exchange_strong(&segment->touched_s, &touched, now))
		futimens(segment->fd, times);
}

static void read_ahead(struct segment *segment, const struct store_entry *entry)
{
	struct ahead_range range;

	if (ahead_take(&segment->ahead, (uint64_t)entry->offset * SEGMENT_ALIGN, entry->nbytes, &range))
		posix_fadvise(segment->fd, (off_t)range.offset, (off_t)range.nbytes, POSIX_FADV_WILLNEED);
}

static void count_miss(struct store *store)
{
	int64_t last = atomic_load(&store->refreshed_ms), now = store_now_ms();

	atomic_fetch_add_explicit(&store->misses, 1, memory_order_relaxed);
	if (now - last >= REFRESH_MS && atomic_compare_exchange_strong(&store->refreshed_ms, &last, now))
		writer_want_refresh(store);
}

static void forget(struct store *store, const struct segment *segment, const struct store_entry *entry)
{
	segment_forget(store, entry);
	atomic_fetch_add(&store->corrupt, 1);
	log_write(store->log, LOG_LEVEL_WARNING, "store %s: %s: the record at %llu is damaged; it is made again",
	          store->settings.directory, segment->name, (unsigned long long)entry->offset * SEGMENT_ALIGN);
}

errint_t store_get(struct store *store, const struct store_source *source, const struct ic_design *design,
                   uint8_t **ret_bytes, struct ic_view *ret_view)
{
	struct store_key key = store_key(source, design);
	struct store_entry entry;
	struct segment *segment = find(store, &key, design, &entry);
	errint_t err = -ENOENT;

	if (segment) {
		read_ahead(segment, &entry);
		err = read_record(segment, &entry, &key, source, design, ret_bytes, ret_view);
		if (!err)
			note_use(store, segment);
		else if (err == -EBADMSG)
			forget(store, segment, &entry);
		segment_put(store, segment);
	}
	if (!err)
		atomic_fetch_add_explicit(&store->hits, 1, memory_order_relaxed);
	else
		count_miss(store);
	return err == -EBADMSG ? -ENOENT : err;
}

static bool has(struct store *store, const struct store_source *source, const struct ic_design *design, bool uses)
{
	struct store_key key = store_key(source, design);

	pthread_mutex_lock(&store->lock);
	const struct store_entry *entry = index_find(&store->index, key.low);
	bool is_there = entry && entry->keep >= design->keep;
	if (is_there && uses)
		atomic_store(&store->segments[entry->segment]->used_s, store_now_s());
	pthread_mutex_unlock(&store->lock);
	return is_there;
}

bool store_has(struct store *store, const struct store_source *source, const struct ic_design *design)
{
	return has(store, source, design, false);
}

bool store_has_kept(struct store *store, const struct store_source *source, const struct ic_design *design)
{
	return has(store, source, design, true);
}

/* --- The rest ----------------------------------------------------------------------------------------------------- */

void store_refresh(struct store *store)
{
	pthread_mutex_lock(&store->files);
	refresh_files(store);
	pthread_mutex_unlock(&store->files);
}

uint64_t store_evict(struct store *store, uint64_t nbytes)
{
	pthread_mutex_lock(&store->files);
	uint64_t count = store->read_only ? 0 : room_shrink(store, nbytes);
	refresh_counts(store);
	pthread_mutex_unlock(&store->files);
	return count;
}

struct store_counts store_counts(struct store *store)
{
	struct store_counts counts = {
	        .hits = atomic_load(&store->hits),
	        .misses = atomic_load(&store->misses),
	        .nbytes = atomic_load(&store->nbytes),
	        .segments = atomic_load(&store->nsegments),
	        .written = atomic_load(&store->written),
	        .written_nbytes = atomic_load(&store->written_nbytes),
	        .dropped = atomic_load(&store->dropped),
	        .corrupt = atomic_load(&store->corrupt),
	        .evicted = atomic_load(&store->evicted),
	};

	pthread_mutex_lock(&store->lock);
	counts.records = store->index.count;
	counts.index_nbytes = store->index.capacity * sizeof(*store->index.entries);
	pthread_mutex_unlock(&store->lock);
	pthread_mutex_lock(&store->queue.lock);
	counts.queued_nbytes = store->queue.nbytes;
	pthread_mutex_unlock(&store->queue.lock);
	return counts;
}
