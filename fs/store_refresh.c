/* SPDX-License-Identifier: MIT */
/* What other processes wrote or removed. */
#include "fs/store_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SUFFIX ".seg"

struct name {
	char text[SEGMENT_NAME_SIZE];
	bool is_known;
};

struct name_list {
	struct name *names;
	size_t count, capacity;
};

static bool is_segment_name(const char *name)
{
	size_t n = strlen(name);

	return n < SEGMENT_NAME_SIZE && n > strlen(SUFFIX) && !strcmp(name + n - strlen(SUFFIX), SUFFIX);
}

static errint_t add_name(struct name_list *list, const char *name)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 64;
		struct name *grown = realloc(list->names, capacity * sizeof(*list->names));
		if (!grown)
			return -ENOMEM;
		list->names = grown;
		list->capacity = capacity;
	}
	struct name *added = &list->names[list->count++];
	strcpy(added->text, name);
	added->is_known = false;
	return 0;
}

static errint_t list_names(int directory, struct name_list *list)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *d;
	errint_t err = 0;

	if (!stream) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (errno = 0, d = readdir(stream)))
		if (is_segment_name(d->d_name))
			err = add_name(list, d->d_name);
	if (!err)
		err = -errno;
	closedir(stream);
	return err;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return strcmp(x->text, y->text);
}

static struct name *find_name(const struct name_list *list, const char *text)
{
	struct name wanted;

	strcpy(wanted.text, text);
	return list->count ? bsearch(&wanted, list->names, list->count, sizeof(wanted), compare_names) : NULL;
}

/* Bring those that are known up to date; those whose names are not there any more go. */
static errint_t update_known(struct store *store, struct name_list *list)
{
	errint_t err = 0;

	for (size_t slot = 0; slot < store->nslots && !err; slot++) {
		struct segment *segment = store->segments[slot];
		if (!segment)
			continue;
		struct name *name = find_name(list, segment->name);
		if (name) {
			name->is_known = true;
			err = segment_update(store, segment);
		} else {
			segment_drop(store, segment);
		}
	}
	return err;
}

/* A name begins with the time: segments come in the order of their age, so later records win. */
static errint_t load_new(struct store *store, const struct name_list *list)
{
	errint_t err = 0;

	for (size_t i = 0; i < list->count && !err; i++)
		if (!list->names[i].is_known)
			err = segment_load(store, list->names[i].text);
	return err;
}

void refresh_counts(struct store *store)
{
	uint64_t nbytes = 0, nsegments = 0;

	for (size_t slot = 0; slot < store->nslots; slot++) {
		nbytes += store->segments[slot] ? store->segments[slot]->nbytes : 0;
		nsegments += store->segments[slot] != NULL;
	}
	atomic_store(&store->nbytes, nbytes);
	atomic_store(&store->nsegments, nsegments);
}

errint_t refresh_files(struct store *store)
{
	struct name_list list = {0};

	errint_t err = list_names(store->directory, &list);
	if (!err) {
		if (list.count)
			qsort(list.names, list.count, sizeof(*list.names), compare_names);
		err = update_known(store, &list);
	}
	if (!err)
		err = load_new(store, &list);
	free(list.names);
	refresh_counts(store);
	atomic_store(&store->refreshed_ms, store_now_ms());
	return err;
}
