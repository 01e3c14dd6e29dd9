/* SPDX-License-Identifier: MIT */
#include "store_helpers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scene scene_new(void)
{
	const char *base = getenv("TMPDIR");
	struct scene scene;

	snprintf(scene.directory, sizeof(scene.directory), "%s/icfs-store-XXXXXX", base ? base : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(scene.directory));
	scene.settings = store_settings_default();
	scene.settings.segment_nbytes = 1u << 20;
	scene.settings.free_nbytes_min = 0;
	return scene;
}

void scene_clear(struct scene *scene)
{
	char names[1024][SEGMENT_NAME_SIZE];
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	size_t n = segment_names(scene, names, COUNT(names));

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%.47s", scene->directory, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(scene->directory), 0);
}

struct store *store_new(const struct scene *scene)
{
	struct store_settings settings = scene->settings;
	struct store *store;
	struct ic_why why = {""};

	settings.directory = scene->directory;
	ck_assert_msg(store_open(&settings, NULL, &store, &why) == 0, "%s", why.text);
	return store;
}

struct store_source source_of(uint64_t i)
{
	static const char *const names[] = {"a.jpg", "b.jpg", "a photograph with a longer name.jpeg"};

	return (struct store_source){names[i % COUNT(names)], i / COUNT(names), 1000 + i % 7, (int64_t)i * 3};
}

struct bytes object_of(uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height)
{
	struct ic_layout layout;

	ck_assert_int_eq(ic_layout_init(&layout, design, width, height, i % 5 ? 3 : 1), 0);
	struct bytes object = {calloc(1, layout.nbytes), layout.nbytes};
	ck_assert_ptr_nonnull(object.data);
	ic_header_write(object.data, &layout, (uint8_t)(1 + i % 8), i % 6 ? 0 : IC_FLAG_TRUNCATED);
	for (unsigned p = 0; p < layout.nplanes; p++) {
		/* A denser object of the same source begins with the same planes. */
		struct dice dice = dice_new(i << 16 | p);
		const struct ic_component *component = &layout.component[p % layout.ncomponents];
		uint8_t *entry = object.data + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p;
		uint8_t *plane = object.data + ic_layout_plane_offset(&layout, p);
		entry[0] = (uint8_t)(1 + dice_roll(&dice, 255));
		entry[1] = 8;
		for (uint64_t k = 0; k < component->plane_nbytes; k++)
			plane[k] = (uint8_t)dice_roll(&dice, 256);
	}
	return object;
}

errint_t offer(struct store *store, uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height)
{
	struct store_source source = source_of(i);
	struct bytes object = object_of(i, design, width, height);
	struct ic_view view = view_of(object);

	errint_t err = store_put_wait(store, &source, &view);
	free(object.data);
	return err;
}

void put(struct store *store, uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height)
{
	ck_assert_int_eq(offer(store, i, design, width, height), 0);
}

bool holds(struct store *store, uint64_t i, const struct ic_design *dense, const struct ic_design *design,
           uint32_t width, uint32_t height)
{
	struct store_source source = source_of(i);
	struct ic_view view;
	uint8_t *bytes;
	errint_t err = store_get(store, &source, design, &bytes, &view);

	if (err) {
		ck_assert_int_eq(err, -ENOENT);
		return false;
	}
	struct bytes object = object_of(i, dense, width, height);
	struct ic_view whole = view_of(object);
	struct bytes expected = derive(&whole, design), derived = derive(&view, design);
	assert_same_bytes(derived, expected, "from the store", design);
	free(object.data);
	free(expected.data);
	free(derived.data);
	free(bytes);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

size_t segment_names(const struct scene *scene, char (*names)[SEGMENT_NAME_SIZE], size_t max)
{
	DIR *stream = opendir(scene->directory);
	const struct dirent *d;
	size_t n = 0;

	ck_assert_ptr_nonnull(stream);
	while ((d = readdir(stream)) && n < max)
		if (strstr(d->d_name, ".seg"))
			snprintf(names[n++], SEGMENT_NAME_SIZE, "%.47s", d->d_name);
	closedir(stream);
	qsort(names, n, SEGMENT_NAME_SIZE, by_name);
	return n;
}

uint64_t segments_nbytes(const struct scene *scene)
{
	char names[1024][SEGMENT_NAME_SIZE];
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	size_t n = segment_names(scene, names, COUNT(names));
	uint64_t nbytes = 0;
	struct stat st;

	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%.47s", scene->directory, names[i]);
		if (!stat(path, &st)) /* another process may have removed it meanwhile */
			nbytes += (uint64_t)st.st_size;
	}
	return nbytes;
}

struct bytes file_read(const struct scene *scene, const char *name)
{
	char path[PATH_MAX + SEGMENT_NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", scene->directory, name);
	int fd = open(path, O_RDONLY);
	ck_assert(fd >= 0 && !fstat(fd, &st));
	struct bytes bytes = {malloc((size_t)st.st_size + 1), (size_t)st.st_size};
	ck_assert_ptr_nonnull(bytes.data);
	ck_assert_int_eq(read(fd, bytes.data, bytes.nbytes), (ssize_t)bytes.nbytes);
	close(fd);
	return bytes;
}

void file_write(const struct scene *scene, const char *name, struct bytes bytes)
{
	char path[PATH_MAX + SEGMENT_NAME_SIZE];

	snprintf(path, sizeof(path), "%s/%s", scene->directory, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	ck_assert(fd >= 0);
	ck_assert_int_eq(write(fd, bytes.data, bytes.nbytes), (ssize_t)bytes.nbytes);
	close(fd);
}
