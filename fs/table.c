/* SPDX-License-Identifier: MIT */
#include "fs/table.h"
#include "fs/ending.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct entry {
	struct verdict *verdict;
	uint32_t name; /* offset in `names` */
	unsigned char type;
	uint8_t stem_len; /* of candidates, else 0 */
	bool is_object;   /* a candidate by .ic */
};

struct table {
	atomic_uint refs;
	pthread_mutex_t lock; /* verdicts */
	struct entry *entries;
	uint32_t *ranked; /* candidates, by stem */
	char *names;
	size_t count, capacity;
	size_t ncandidates;
	size_t names_size, names_capacity;
	uint64_t endings;
	bool has_double_endings;
};

static size_t stem_before(const char *name, const char *const *extensions)
{
	const char *dot = strrchr(name, '.');

	if (!dot || dot == name)
		return 0;
	for (; *extensions; extensions++)
		if (!strcasecmp(dot + 1, *extensions))
			return (size_t)(dot - name);
	return 0;
}

size_t stem_length(const char *name)
{
	static const char *const extensions[] = {"jpg", "jpeg", "jpe", "jfif", NULL};

	return stem_before(name, extensions);
}

size_t object_stem_length(const char *name)
{
	static const char *const extensions[] = {"ic", NULL};

	return stem_before(name, extensions);
}

static errint_t reserve(void **array, size_t *capacity, size_t needed, size_t element)
{
	if (needed <= *capacity)
		return 0;
	size_t grown = *capacity ? *capacity * 2 : 64;
	if (grown < needed)
		grown = needed;
	void *p = realloc(*array, grown * element);
	if (!p)
		return -ENOMEM;
	*array = p;
	*capacity = grown;
	return 0;
}

/* The type of an entry alone; of what is mounted there nobody is asked, our own mount least of all. */
static int look_up(int fd, const char *name, struct statx *ret_stx)
{
	return statx(fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_TYPE, ret_stx);
}

/* On a file system that does not tell it with the name. */
static unsigned char look_up_type(int fd, const char *name)
{
	struct statx stx;

	return look_up(fd, name, &stx) ? DT_UNKNOWN : IFTODT(stx.stx_mode);
}

static errint_t add(struct table *table, const char *name, unsigned char type)
{
	size_t size = strlen(name) + 1;
	void *names = table->names, *entries = table->entries;

	if (table->names_size + size > UINT32_MAX)
		return -EOVERFLOW;
	errint_t err = reserve(&names, &table->names_capacity, table->names_size + size, 1);
	table->names = names;
	if (!err)
		err = reserve(&entries, &table->capacity, table->count + 1, sizeof(*table->entries));
	table->entries = entries;
	if (err)
		return err;
	struct entry *entry = &table->entries[table->count++];
	*entry = (struct entry){
	        .name = (uint32_t)table->names_size,
	        .type = type,
	};
	memcpy(table->names + table->names_size, name, size);
	table->names_size += size;
	if (entry->type == DT_REG || entry->type == DT_LNK) {
		size_t object_len = object_stem_length(name);
		entry->is_object = object_len > 0;
		entry->stem_len = (uint8_t)(object_len ? object_len : stem_length(name));
	}
	table->ncandidates += entry->stem_len > 0;
	table->endings |= ending_of(name);
	table->has_double_endings = table->has_double_endings || ending_is_double(name);
	return 0;
}

/* Some file systems have names longer than the kernel lets FUSE have. */
static bool is_served(const char *name)
{
	return strcmp(name, ".") && strcmp(name, "..") && strcmp(name, CONTROL_NAME) && strlen(name) <= NAME_MAX;
}

static errint_t add_all(struct table *table, int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	errint_t err = 0;

	if (!stream) {
		err = -errno;
		if (own >= 0)
			close(own);
		return err;
	}
	while (!err) {
		errno = 0;
		const struct dirent *d = readdir(stream);
		if (!d) {
			err = -errno;
			break;
		}
		if (is_served(d->d_name))
			err = add(table, d->d_name, d->d_type == DT_UNKNOWN ? look_up_type(fd, d->d_name) : d->d_type);
	}
	closedir(stream);
	return err;
}

static int by_name(const void *a, const void *b, void *names)
{
	const struct entry *x = a, *y = b;

	return strcmp((const char *)names + x->name, (const char *)names + y->name);
}

static int compare_stems(const char *a, size_t na, const char *b, size_t nb)
{
	int order = memcmp(a, b, na < nb ? na : nb);

	return order ? order : (na > nb) - (na < nb);
}

static int by_stem(const void *a, const void *b, void *context)
{
	const struct table *table = context;
	const struct entry *x = &table->entries[*(const uint32_t *)a];
	const struct entry *y = &table->entries[*(const uint32_t *)b];
	int order = compare_stems(table->names + x->name, x->stem_len, table->names + y->name, y->stem_len);

	return order ? order : (x > y) - (x < y);
}

static errint_t sort(struct table *table)
{
	size_t n = 0;

	if (table->count)
		qsort_r(table->entries, table->count, sizeof(*table->entries), by_name, table->names);
	table->ranked = malloc((table->ncandidates ? table->ncandidates : 1) * sizeof(*table->ranked));
	if (!table->ranked)
		return -ENOMEM;
	for (size_t i = 0; i < table->count; i++)
		if (table->entries[i].stem_len)
			table->ranked[n++] = (uint32_t)i;
	qsort_r(table->ranked, n, sizeof(*table->ranked), by_stem, table);
	return 0;
}

/* Both are sorted, so one pass finds the names they share. */
static void take_over(struct table *table, struct table *old)
{
	size_t i = 0, j = 0;

	pthread_mutex_lock(&old->lock);
	while (i < table->count && j < old->count) {
		int order = strcmp(table_name(table, i), table_name(old, j));
		if (order == 0 && table->entries[i].stem_len)
			table->entries[i].verdict = verdict_ref(old->entries[j].verdict);
		i += order <= 0;
		j += order >= 0;
	}
	pthread_mutex_unlock(&old->lock);
}

static struct table *table_new(void)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	atomic_init(&table->refs, 1);
	pthread_mutex_init(&table->lock, NULL);
	return table;
}

errint_t table_read(int fd, struct table *old, struct table **ret_table)
{
	struct table *table = table_new();

	if (!table)
		return -ENOMEM;
	errint_t err = add_all(table, fd);
	if (!err)
		err = sort(table);
	if (err) {
		table_unref(table);
		return err;
	}
	if (old)
		take_over(table, old);
	*ret_table = table;
	return 0;
}

struct near {
	struct table *table;
	int fd;
	errint_t err;
};

static void add_near(void *context, const char *name)
{
	struct near *near = context;
	struct statx stx;

	if (near->err || !is_served(name))
		return;
	if (!look_up(near->fd, name, &stx))
		near->err = add(near->table, name, IFTODT(stx.stx_mode));
	else if (errno != ENOENT)
		near->err = -errno;
}

errint_t table_read_near(int fd, const char *name, uint64_t endings, struct table **ret_table)
{
	struct near near = {.table = table_new(), .fd = fd};

	if (!near.table)
		return -ENOMEM;
	ending_each_near(name, endings, add_near, &near);
	errint_t err = near.err ? near.err : sort(near.table);
	if (err) {
		table_unref(near.table);
		return err;
	}
	*ret_table = near.table;
	return 0;
}

bool table_endings(const struct table *table, uint64_t *ret_endings)
{
	*ret_endings = table->endings;
	return !table->has_double_endings;
}

struct table *table_ref(struct table *table)
{
	atomic_fetch_add_explicit(&table->refs, 1, memory_order_relaxed);
	return table;
}

void table_unref(struct table *table)
{
	if (!table || atomic_fetch_sub(&table->refs, 1) != 1)
		return;
	for (size_t i = 0; i < table->count; i++)
		verdict_unref(table->entries[i].verdict);
	free(table->entries);
	free(table->ranked);
	free(table->names);
	pthread_mutex_destroy(&table->lock);
	free(table);
}

size_t table_count(const struct table *table)
{
	return table->count;
}

size_t table_nbytes(const struct table *table)
{
	return sizeof(*table) + table->capacity * sizeof(*table->entries) + table->names_capacity +
	       table->ncandidates * (sizeof(*table->ranked) + sizeof(struct verdict) + 16);
}

const char *table_name(const struct table *table, size_t i)
{
	return table->names + table->entries[i].name;
}

unsigned char table_type(const struct table *table, size_t i)
{
	return table->entries[i].type;
}

ssize_t table_find(const struct table *table, const char *name)
{
	size_t low = 0, high = table->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(table_name(table, middle), name);
		if (order == 0)
			return (ssize_t)middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

bool table_is_candidate(const struct table *table, size_t i)
{
	return table->entries[i].stem_len > 0;
}

bool table_is_object(const struct table *table, size_t i)
{
	return table->entries[i].is_object;
}

static int compare_ranked(const struct table *table, size_t rank, const char *stem, size_t stem_len)
{
	const struct entry *entry = &table->entries[table->ranked[rank]];

	return compare_stems(table->names + entry->name, entry->stem_len, stem, stem_len);
}

size_t table_group(const struct table *table, const char *stem, size_t stem_len, size_t *ret_count)
{
	size_t low = 0, high = table->ncandidates;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_ranked(table, middle, stem, stem_len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < table->ncandidates && compare_ranked(table, end, stem, stem_len) == 0)
		end++;
	*ret_count = end - low;
	return low;
}

size_t table_ranked(const struct table *table, size_t rank)
{
	return table->ranked[rank];
}

struct verdict *table_verdict(struct table *table, size_t i)
{
	pthread_mutex_lock(&table->lock);
	struct verdict *verdict = verdict_ref(table->entries[i].verdict);
	pthread_mutex_unlock(&table->lock);
	return verdict;
}

bool table_has_verdict(struct table *table, size_t i)
{
	pthread_mutex_lock(&table->lock);
	bool has_verdict = table->entries[i].verdict;
	pthread_mutex_unlock(&table->lock);
	return has_verdict;
}

void table_set_verdict(struct table *table, size_t i, struct verdict *verdict)
{
	pthread_mutex_lock(&table->lock);
	struct verdict *old = table->entries[i].verdict;
	table->entries[i].verdict = verdict_ref(verdict);
	pthread_mutex_unlock(&table->lock);
	verdict_unref(old);
}
