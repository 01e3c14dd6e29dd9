/* SPDX-License-Identifier: MIT */
#include "fs/dir.h"
#include "fs/hash.h"
#include "fs/node.h"
#include "search/clock.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 4096u /* a power of two: thousands of directories, not millions */

/* How old a change must be for a time stamp to tell the next one apart: a step of the timer where inotify tells of the
 * change anyway, seconds on file systems of other machines. */
#define FRESH_WATCHED_NS (50 * INT64_C(1000000))
#define FRESH_UNWATCHED_NS (2000 * INT64_C(1000000))

struct dirs {
	pthread_mutex_t lock;
	struct dir *buckets[BUCKETS];
	struct dir *newest, *oldest; /* those with a table */
	size_t table_nbytes, table_nbytes_max;
	void (*forget)(void *context, struct dir *dir);
	void *forget_context;
};

errint_t dirs_new(size_t table_bytes, struct dirs **ret_dirs)
{
	struct dirs *dirs = calloc(1, sizeof(*dirs));

	if (!dirs)
		return -ENOMEM;
	pthread_mutex_init(&dirs->lock, NULL);
	dirs->table_nbytes_max = table_bytes;
	*ret_dirs = dirs;
	return 0;
}

static void dir_free(struct dir *dir)
{
	policy_file_free(dir->policy);
	free(dir->policy_problem);
	pthread_mutex_destroy(&dir->scan_lock);
	free(dir);
}

void dirs_free(struct dirs *dirs)
{
	if (!dirs)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		for (struct dir *dir = dirs->buckets[i], *next; dir; dir = next) {
			next = dir->next;
			table_unref(dir->table);
			dir_free(dir);
		}
	}
	pthread_mutex_destroy(&dirs->lock);
	free(dirs);
}

void dirs_on_free(struct dirs *dirs, void (*forget)(void *context, struct dir *dir), void *context)
{
	dirs->forget = forget;
	dirs->forget_context = context;
}

static struct dir **bucket_of(struct dirs *dirs, uint32_t dev, uint64_t ino)
{
	return &dirs->buckets[hash_u64(hash_u64(HASH_SEED, dev), ino) & (BUCKETS - 1)];
}

static struct dir *dir_new(uint32_t dev, uint64_t ino)
{
	struct dir *dir = calloc(1, sizeof(*dir));

	if (!dir)
		return NULL;
	dir->dev = dev;
	dir->ino = ino;
	dir->wd = -1;
	atomic_init(&dir->version, 0);
	atomic_init(&dir->is_watched, false);
	atomic_init(&dir->watch_tried, false);
	atomic_init(&dir->policy_loaded, false);
	atomic_flag_clear(&dir->is_failure_told);
	pthread_mutex_init(&dir->scan_lock, NULL);
	return dir;
}

errint_t dirs_get(struct dirs *dirs, uint32_t dev, uint64_t ino, struct dir **ret_dir)
{
	errint_t err = 0;

	pthread_mutex_lock(&dirs->lock);
	struct dir **bucket = bucket_of(dirs, dev, ino);
	struct dir *dir = *bucket;
	while (dir && (dir->ino != ino || dir->dev != dev))
		dir = dir->next;
	if (!dir) {
		dir = dir_new(dev, ino);
		if (dir) {
			dir->next = *bucket;
			*bucket = dir;
		}
	}
	if (dir) {
		dir->refs++;
		*ret_dir = dir;
	} else {
		err = -ENOMEM;
	}
	pthread_mutex_unlock(&dirs->lock);
	return err;
}

static void unlink_table(struct dirs *dirs, struct dir *dir)
{
	*(dir->newer ? &dir->newer->older : &dirs->newest) = dir->older;
	*(dir->older ? &dir->older->newer : &dirs->oldest) = dir->newer;
	dir->newer = dir->older = NULL;
}

static void link_table(struct dirs *dirs, struct dir *dir)
{
	dir->older = dirs->newest;
	*(dirs->newest ? &dirs->newest->newer : &dirs->oldest) = dir;
	dirs->newest = dir;
}

static void drop_table(struct dirs *dirs, struct dir *dir)
{
	if (!dir->table)
		return;
	unlink_table(dirs, dir);
	dirs->table_nbytes -= table_nbytes(dir->table);
	table_unref(dir->table);
	dir->table = NULL;
}

void dirs_put(struct dirs *dirs, struct dir *dir)
{
	if (!dir)
		return;
	pthread_mutex_lock(&dirs->lock);
	bool is_last = --dir->refs == 0;
	if (is_last) {
		struct dir **at = bucket_of(dirs, dir->dev, dir->ino);
		while (*at != dir)
			at = &(*at)->next;
		*at = dir->next;
		drop_table(dirs, dir);
	}
	pthread_mutex_unlock(&dirs->lock);
	if (!is_last)
		return;
	if (dirs->forget)
		dirs->forget(dirs->forget_context, dir);
	dir_free(dir);
}

bool dirs_ref(struct dirs *dirs, struct dir *dir)
{
	pthread_mutex_lock(&dirs->lock);
	bool is_used = dir->refs > 0;
	if (is_used)
		dir->refs++;
	pthread_mutex_unlock(&dirs->lock);
	return is_used;
}

size_t dirs_table_nbytes(struct dirs *dirs)
{
	pthread_mutex_lock(&dirs->lock);
	size_t nbytes = dirs->table_nbytes;
	pthread_mutex_unlock(&dirs->lock);
	return nbytes;
}

void dirs_each(struct dirs *dirs, void (*each)(struct dir *dir))
{
	pthread_mutex_lock(&dirs->lock);
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct dir *dir = dirs->buckets[i]; dir; dir = dir->next)
			each(dir);
	pthread_mutex_unlock(&dirs->lock);
}

/* Whether what the last table told still holds. */
static bool is_current(const struct dir *dir, const struct stat *st)
{
	return !dir->table_is_fresh && dir->table_version == atomic_load(&dir->version) &&
	       dir->mtime_ns == clock_timespec_ns(&st->st_mtim) && dir->ctime_ns == clock_timespec_ns(&st->st_ctim);
}

static struct table *current_table(struct dirs *dirs, struct dir *dir, const struct stat *st)
{
	struct table *table = NULL;

	pthread_mutex_lock(&dirs->lock);
	if (dir->table && is_current(dir, st)) {
		table = table_ref(dir->table);
		unlink_table(dirs, dir);
		link_table(dirs, dir);
	}
	pthread_mutex_unlock(&dirs->lock);
	return table;
}

bool dir_has_table(struct dirs *dirs, struct dir *dir, const struct stat *st)
{
	struct table *table = current_table(dirs, dir, st);

	table_unref(table);
	return table;
}

bool dir_is_settled(const struct dir *dir, const struct stat *st)
{
	int64_t limit = atomic_load(&dir->is_watched) ? FRESH_WATCHED_NS : FRESH_UNWATCHED_NS;
	int64_t age = clock_ns_between(clock_timespec_ns(&st->st_ctim), clock_ns(CLOCK_REALTIME));
	return age <= -limit || age >= limit;
}

static void keep_table(struct dirs *dirs, struct dir *dir, struct table *table, const struct stat *st, unsigned version)
{
	pthread_mutex_lock(&dirs->lock);
	drop_table(dirs, dir);
	dir->table = table_ref(table);
	dir->table_version = version;
	dir->has_endings = table_endings(table, &dir->endings);
	dir->table_is_fresh = !dir_is_settled(dir, st);
	dir->mtime_ns = clock_timespec_ns(&st->st_mtim);
	dir->ctime_ns = clock_timespec_ns(&st->st_ctim);
	dirs->table_nbytes += table_nbytes(table);
	link_table(dirs, dir);
	while (dirs->table_nbytes > dirs->table_nbytes_max && dirs->oldest != dir)
		drop_table(dirs, dirs->oldest);
	pthread_mutex_unlock(&dirs->lock);
}

errint_t dir_table(struct dirs *dirs, struct dir *dir, int fd, const struct stat *st, struct table **ret_table)
{
	struct table *table = current_table(dirs, dir, st);
	errint_t err = 0;

	if (!table) {
		pthread_mutex_lock(&dir->scan_lock);
		table = current_table(dirs, dir, st);
		if (!table) {
			unsigned version = atomic_load(&dir->version);
			struct table *old = dir_last_table(dirs, dir);
			err = table_read(fd, old, &table);
			table_unref(old);
			if (!err)
				keep_table(dirs, dir, table, st, version);
		}
		pthread_mutex_unlock(&dir->scan_lock);
	}
	if (!err)
		*ret_table = table;
	return err;
}

/* Those of a table that is gone. */
static bool get_endings(struct dirs *dirs, const struct dir *dir, const struct stat *st, uint64_t *ret_endings)
{
	pthread_mutex_lock(&dirs->lock);
	bool has_endings = !dir->table && dir->has_endings && is_current(dir, st);
	*ret_endings = dir->endings;
	pthread_mutex_unlock(&dirs->lock);
	return has_endings;
}

errint_t dir_table_near(struct dirs *dirs, struct dir *dir, int fd, const struct stat *st, const char *name,
                        struct table **ret_table)
{
	uint64_t endings;

	return get_endings(dirs, dir, st, &endings) ? table_read_near(fd, name, endings, ret_table)
	                                            : dir_table(dirs, dir, fd, st, ret_table);
}

struct table *dir_last_table(struct dirs *dirs, struct dir *dir)
{
	pthread_mutex_lock(&dirs->lock);
	struct table *table = dir->table ? table_ref(dir->table) : NULL;
	pthread_mutex_unlock(&dirs->lock);
	return table;
}

uint64_t dir_last_endings(struct dirs *dirs, const struct dir *dir)
{
	pthread_mutex_lock(&dirs->lock);
	uint64_t endings = dir->has_endings ? dir->endings : 0;
	pthread_mutex_unlock(&dirs->lock);
	return endings;
}

void dir_touch(struct dir *dir)
{
	atomic_fetch_add(&dir->version, 1);
}

void dir_link_node(struct dir *dir, struct node_directory *node)
{
	node->next = dir->nodes;
	dir->nodes = node;
}

void dir_unlink_node(struct dir *dir, struct node_directory *node)
{
	struct node_directory **at = &dir->nodes;

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
}

struct node_directory *dir_first_node(const struct dir *dir)
{
	return dir->nodes;
}
