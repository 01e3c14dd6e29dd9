/* SPDX-License-Identifier: MIT */
#include "search/probe_dataset_priv.h"

#include "search/string_list_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define FILE_NBYTES_MAX ((off_t)256 << 20)
#define CLASSES_MAX 100000u
#define DEPTH_MAX 32u /* of directories in a class */

/* --- Names -------------------------------------------------------------------------------------------------------- */

static char *join(const char *directory, const char *name)
{
	size_t length = strlen(directory), nbytes = length + strlen(name) + 2;
	char *path = malloc(nbytes);
	if (!path)
		return NULL;
	if (length) {
		memcpy(path, directory, length);
		path[length++] = '/';
	}
	memcpy(path + length, name, strlen(name) + 1);
	return path;
}

static bool is_source_name(const char *name)
{
	static const char *const endings[] = {".jpg", ".jpeg", ".jpe", ".jfif", ".ic"};
	const char *dot = strrchr(name, '.');
	for (size_t i = 0; dot && i < COUNT(endings); i++)
		if (strcasecmp(dot, endings[i]) == 0)
			return true;
	return false;
}

/* --- Directories -------------------------------------------------------------------------------------------------- */

/* What a directory has: directories and sources. Either list may be NULL. Hidden names are none, nor are links to directories:
 * the dataset's fingerprint knows nothing of what they lead to (dataset.c). */
static errint_t list(int root, const char *path, struct string_list *directories, struct string_list *sources)
{
	int fd = openat(root, *path ? path : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		errint_t err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	errint_t err = 0;
	struct dirent *entry;
	while (!err && (errno = 0, entry = readdir(dir))) {
		struct stat st, own;
		if (entry->d_name[0] == '.' || fstatat(fd, entry->d_name, &st, 0) ||
		    fstatat(fd, entry->d_name, &own, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISDIR(own.st_mode) && directories)
			err = string_list_add(directories, join(path, entry->d_name));
		else if (S_ISREG(st.st_mode) && sources && is_source_name(entry->d_name))
			err = string_list_add(sources, join(path, entry->d_name));
	}
	if (!err)
		err = -errno;
	closedir(dir);
	return err;
}

static unsigned depth_of(const char *path)
{
	unsigned depth = 0;
	for (; *path; path++)
		depth += *path == '/';
	return depth;
}

/* All sources below a directory. */
static errint_t list_below(int root, const char *top, struct string_list *sources)
{
	struct string_list waiting = {0};
	errint_t err = string_list_add(&waiting, strdup(top));
	for (size_t i = 0; i < waiting.n && !err; i++)
		if (depth_of(waiting.strings[i]) < DEPTH_MAX)
			err = list(root, waiting.strings[i], &waiting, sources);
	string_list_clear(&waiting);
	return err;
}

/* --- Images ------------------------------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

/* FNV-1a of the path, mixed with the seed. */
static uint64_t key_of(const char *path, uint64_t seed)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * 0x100000001b3u;
	return mix(hash + mix(seed + 0x9e3779b97f4a7c15u));
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static unsigned label_of(const struct probe_dataset *d, const char *name)
{
	char **found = bsearch(&name, d->classes, d->nclasses, sizeof *d->classes, string_list_compare);
	return (unsigned)(found - d->classes);
}

/* Takes the sources of one class of one side, its share of them that come first by key. */
static errint_t take_images(struct probe_dataset *d, struct string_list *sources, uint64_t seed, unsigned label,
                            uint8_t side)
{
	struct probe_image *grown = realloc(d->images, (d->nimages + sources->n + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	d->images = grown;
	for (size_t i = 0; i < sources->n; i++)
		grown[d->nimages++] = (struct probe_image){
		        .path = sources->strings[i],
		        .label = label,
		        .side = side,
		        .key = key_of(sources->strings[i], seed),
		};
	free(sources->strings);
	*sources = (struct string_list){0};
	return 0;
}

static errint_t take_class(struct probe_dataset *d, const char *directory, uint64_t seed, uint8_t side)
{
	struct string_list sources = {0};
	errint_t err = list_below(d->root, directory, &sources);
	string_list_sort(&sources);
	if (!err)
		err = take_images(d, &sources, seed, label_of(d, base_name(directory)), side);
	string_list_clear(&sources);
	return err;
}

static int compare_by_class_and_key(const void *left, const void *right)
{
	const struct probe_image *a = left, *b = right;
	if (a->side != b->side)
		return a->side < b->side ? -1 : 1;
	if (a->label != b->label)
		return a->label < b->label ? -1 : 1;
	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return strcmp(a->path, b->path);
}

/* Where there are more than `most`, keep the same part of each class and side. */
static void thin(struct probe_dataset *d, size_t most)
{
	if (d->nimages <= most)
		return;
	qsort(d->images, d->nimages, sizeof *d->images, compare_by_class_and_key);
	size_t kept = 0;
	for (size_t i = 0; i < d->nimages; i++) {
		bool keep = (i + 1) * most / d->nimages != i * most / d->nimages;
		if (keep)
			d->images[kept++] = d->images[i];
		else
			probe_image_clear(&d->images[i]);
	}
	d->nimages = kept;
}

/* --- The dataset -------------------------------------------------------------------------------------------------- */

static bool has_directory(int root, const char *name)
{
	struct stat st;
	return fstatat(root, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

static const char *first_directory(int root, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (has_directory(root, names[i]))
			return names[i];
	return NULL;
}

/* train/ may also be a class, beside others: as a side it has the classes in it. */
static bool has_train(int root)
{
	struct string_list directories = {0};
	bool has = has_directory(root, "train") && list(root, "train", &directories, NULL) == 0 && directories.n;
	string_list_clear(&directories);
	return has;
}

/* The directory of each side; NULL for those that are drawn. */
static void find_sides(struct probe_dataset *d, const char *ret_side[PROBE_NSIDES])
{
	static const char *const test = "test";
	static const char *const selects[] = {"val", "valid", "validation"};
	const char *val = first_directory(d->root, selects, COUNT(selects));
	bool has_test = has_directory(d->root, test);
	bool is_sided = has_train(d->root);
	ret_side[PROBE_TRAIN] = is_sided ? "train" : "";
	ret_side[PROBE_SELECT] = ret_side[PROBE_TRUTH] = NULL;
	d->origin = PROBE_ALL_DRAWN;
	if (!is_sided || (!val && !has_test))
		return;
	d->origin = val && has_test ? PROBE_SIDES_GIVEN : PROBE_SELECT_DRAWN;
	ret_side[PROBE_SELECT] = has_test ? val : NULL;
	ret_side[PROBE_TRUTH] = has_test ? test : val;
}

/* The classes are those of all sides together. */
static errint_t take_names(struct probe_dataset *d, const struct string_list *directories, struct ic_why *why)
{
	struct string_list all = {0};
	errint_t err = 0;
	for (unsigned s = 0; s < PROBE_NSIDES; s++)
		for (size_t i = 0; i < directories[s].n && !err; i++)
			err = string_list_add(&all, strdup(base_name(directories[s].strings[i])));
	string_list_sort(&all);
	size_t n = 0;
	for (size_t i = 0; i < all.n; i++) {
		if (n && strcmp(all.strings[n - 1], all.strings[i]) == 0)
			free(all.strings[i]);
		else
			all.strings[n++] = all.strings[i];
	}
	d->classes = all.strings;
	d->nclasses = (unsigned)(n < CLASSES_MAX ? n : CLASSES_MAX);
	for (size_t i = d->nclasses; i < n; i++)
		free(all.strings[i]);
	if (!err && n > CLASSES_MAX)
		err = ic_fail(why, -ENODATA, "there are %zu classes; at most %u can be told apart", n, CLASSES_MAX);
	return err;
}

static errint_t list_images(struct probe_dataset *d, uint64_t seed, struct ic_why *why)
{
	const char *side[PROBE_NSIDES];
	struct string_list directories[PROBE_NSIDES] = {{0}};
	errint_t err = 0;
	find_sides(d, side);
	for (unsigned s = 0; s < PROBE_NSIDES && !err; s++)
		if (side[s])
			err = list(d->root, side[s], &directories[s], NULL);
	if (!err)
		err = take_names(d, directories, why);
	for (unsigned s = 0; s < PROBE_NSIDES; s++) {
		string_list_sort(&directories[s]);
		for (size_t i = 0; i < directories[s].n && !err; i++)
			err = take_class(d, directories[s].strings[i], seed, (uint8_t)s);
		string_list_clear(&directories[s]);
	}
	return err;
}

errint_t probe_dataset_list(struct probe_dataset *d, const char *path, uint64_t seed, size_t nimages_max,
                            struct ic_why *why)
{
	*d = (struct probe_dataset){.root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
	if (d->root < 0)
		return ic_fail(why, -errno, "cannot open %s: %s", path, strerror(errno));
	struct ic_why own = {""};
	errint_t err = list_images(d, seed, &own);
	if (err)
		return ic_fail(why, err, "%s", ic_why_text(&own, err));
	if (d->nclasses < 2)
		return ic_fail(why, -ENODATA, "there %s: classes are the subdirectories, or those of train/ and test/",
		               d->nclasses ? "is one class" : "are no classes");
	thin(d, nimages_max);
	return 0;
}

void probe_image_clear(struct probe_image *image)
{
	probe_kept_clear(&image->kept);
	free(image->path);
}

void probe_dataset_clear(struct probe_dataset *d)
{
	for (size_t i = 0; i < d->nimages; i++)
		probe_image_clear(&d->images[i]);
	for (unsigned i = 0; i < d->nclasses; i++)
		free(d->classes[i]);
	free(d->images);
	free(d->classes);
	if (d->root >= 0)
		close(d->root);
	*d = (struct probe_dataset){.root = -1};
}

/* --- Files -------------------------------------------------------------------------------------------------------- */

static errint_t read_all(int fd, uint8_t *bytes, size_t nbytes)
{
	for (size_t at = 0; at < nbytes;) {
		ssize_t n = read(fd, bytes + at, nbytes - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ESTALE;
		at += (size_t)n;
	}
	return 0;
}

errint_t probe_read(const struct probe_dataset *d, const struct probe_image *image, uint8_t **ret_bytes,
                    size_t *ret_nbytes)
{
	struct stat st;
	uint8_t *bytes = NULL;
	int fd = openat(d->root, image->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	errint_t err = fstat(fd, &st)                 ? -errno
	               : !S_ISREG(st.st_mode)         ? -EBADMSG
	               : st.st_size > FILE_NBYTES_MAX ? -EFBIG
	                                              : 0;
	if (!err) {
		bytes = malloc((size_t)st.st_size + 1);
		err = bytes ? read_all(fd, bytes, (size_t)st.st_size) : -ENOMEM;
	}
	close(fd);
	if (err) {
		free(bytes);
		return err;
	}
	*ret_bytes = bytes;
	*ret_nbytes = (size_t)st.st_size;
	return 0;
}
