/* SPDX-License-Identifier: MIT */
#include "search/dataset.h"

#include "codec/format.h"
#include "codec/jpeg.h"
#include "search/string_list_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define SAMPLE_NBYTES 4096          /* of each end of a file */
#define HEAD_NBYTES 65536           /* holds nearly every header */
#define HEAD_NBYTES_MAX (16u << 20) /* a header that is longer is not looked for */
#define FILES_MAX 100000000u

struct looking {
	struct dataset *dataset;
	const atomic_bool *cancelled;
	int fd;                            /* of the directory */
	struct string_list files, folders; /* paths below it */
	size_t images_size;
	uint8_t *head;
	size_t head_size;
	XXH3_state_t *hash;
};

/* --- Listing ------------------------------------------------------------------------------------------------------ */

/* What `name` in `folder` is to us: a list to put its path on, or NULL for nothing. */
static struct string_list *list_for(struct looking *looking, int fd, const char *name)
{
	struct stat st;

	if (*name == '.' || fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return NULL;
	if (S_ISDIR(st.st_mode))
		return &looking->folders;
	if (S_ISLNK(st.st_mode) && fstatat(fd, name, &st, 0))
		return NULL;
	return S_ISREG(st.st_mode) ? &looking->files : NULL;
}

static errint_t list_folder(struct looking *looking, const char *folder)
{
	int fd = openat(looking->fd, *folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	errint_t err = 0;

	if (!stream) {
		if (fd >= 0)
			close(fd);
		looking->dataset->nunreadable++;
		return 0;
	}
	for (struct dirent *entry; !err && (errno = 0, entry = readdir(stream));) {
		struct string_list *list = list_for(looking, fd, entry->d_name);
		char *path;
		if (!list)
			continue;
		if (looking->files.n >= FILES_MAX)
			err = -EFBIG;
		else if (asprintf(&path, "%s%s%s", folder, *folder ? "/" : "", entry->d_name) < 0)
			err = -ENOMEM;
		else
			err = string_list_add(list, path);
	}
	looking->dataset->nunreadable += !err && errno;
	closedir(stream);
	return err;
}

static bool is_cancelled(const struct looking *looking)
{
	return looking->cancelled && atomic_load(looking->cancelled);
}

static errint_t list_all(struct looking *looking)
{
	errint_t err = list_folder(looking, "");

	while (!err && looking->folders.n) {
		char *folder = looking->folders.strings[--looking->folders.n];
		err = is_cancelled(looking) ? -ECANCELED : list_folder(looking, folder);
		free(folder);
	}
	return err;
}

/* --- Looking at files ---------------------------------------------------------------------------------------------- */

/* Up to `nbytes` at `offset`; how many came. */
static size_t read_some(int fd, uint8_t *out, size_t nbytes, uint64_t offset)
{
	size_t n = 0;

	while (n < nbytes) {
		ssize_t got = pread(fd, out + n, nbytes - n, (off_t)(offset + n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return n;
}

static errint_t grow_head(struct looking *looking, size_t size)
{
	if (size <= looking->head_size)
		return 0;
	uint8_t *more = realloc(looking->head, size);
	if (!more)
		return -ENOMEM;
	looking->head = more;
	looking->head_size = size;
	return 0;
}

/* Whether a file is an image, and of what shape; from its first bytes, as many as that takes. */
static errint_t look_inside(struct looking *looking, int fd, uint64_t nbytes, size_t n, struct dataset_image *image,
                            bool *ret_is_image)
{
	struct ic_jpeg_info info;
	struct ic_view view;

	*ret_is_image = false;
	if (ic_is_magic(looking->head, n)) {
		if (n < IC_HEADER_SIZE || ic_view_parse_header(&view, looking->head, n, NULL))
			return 0;
		image->width = view.layout.source_width;
		image->height = view.layout.source_height;
		image->ncomponents = view.layout.ncomponents;
		image->is_object = *ret_is_image = true;
		return 0;
	}
	if (!ic_is_jpeg(looking->head, n))
		return 0;
	for (;;) {
		errint_t err = ic_jpeg_probe(looking->head, n, n >= nbytes, NULL, &info, NULL);
		if (err == -ENODATA && n < nbytes && n < HEAD_NBYTES_MAX) {
			size_t more = 4 * n < nbytes ? 4 * n : (size_t)nbytes, had = n;
			err = grow_head(looking, more);
			if (err)
				return err;
			n += read_some(fd, looking->head + n, more - n, n);
			if (n > had)
				continue;
		}
		if (err)
			return err == -ENOMEM ? err : 0;
		image->width = info.width;
		image->height = info.height;
		image->ncomponents = info.nobject_components;
		*ret_is_image = true;
		return 0;
	}
}

static errint_t add_image(struct looking *looking, const struct dataset_image *image)
{
	struct dataset *dataset = looking->dataset;

	if (dataset->nimages == looking->images_size) {
		size_t size = looking->images_size ? 2 * looking->images_size : 64;
		struct dataset_image *more = realloc(dataset->images, size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		dataset->images = more;
		looking->images_size = size;
	}
	dataset->images[dataset->nimages++] = *image;
	dataset->nbytes += image->nbytes;
	return 0;
}

/* Take the name, size and both ends of a file into the fingerprint, and the file among the images if it is one; the path is
 * the image's then. */
static errint_t look_at(struct looking *looking, char **path)
{
	struct dataset_image image = {.path = *path};
	uint8_t tail[SAMPLE_NBYTES], size[8];
	int fd = openat(looking->fd, image.path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st = {.st_size = 0};
	size_t n = 0, ntail = 0;
	bool is_image = false;
	errint_t err = 0;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		looking->dataset->nunreadable++;
	} else {
		image.nbytes = (uint64_t)st.st_size;
		n = read_some(fd, looking->head, image.nbytes < HEAD_NBYTES ? image.nbytes : HEAD_NBYTES, 0);
		if (image.nbytes > SAMPLE_NBYTES)
			ntail = read_some(fd, tail, SAMPLE_NBYTES, image.nbytes - SAMPLE_NBYTES);
		looking->dataset->nunreadable += n == 0 && image.nbytes > 0;
	}
	for (unsigned i = 0; i < 8; i++)
		size[i] = (uint8_t)(image.nbytes >> (8 * i));
	XXH3_128bits_update(looking->hash, image.path, strlen(image.path) + 1);
	XXH3_128bits_update(looking->hash, size, sizeof(size));
	XXH3_128bits_update(looking->hash, looking->head, n < SAMPLE_NBYTES ? n : SAMPLE_NBYTES);
	XXH3_128bits_update(looking->hash, tail, ntail);
	if (n)
		err = look_inside(looking, fd, image.nbytes, n, &image, &is_image);
	if (fd >= 0)
		close(fd);
	if (err || !is_image)
		return err;
	err = add_image(looking, &image);
	if (!err)
		*path = NULL;
	return err;
}

static errint_t look_at_all(struct looking *looking)
{
	struct dataset *dataset = looking->dataset;
	XXH128_canonical_t digest;
	errint_t err = grow_head(looking, HEAD_NBYTES);

	looking->hash = XXH3_createState();
	if (!looking->hash)
		return -ENOMEM;
	XXH3_128bits_reset(looking->hash);
	string_list_sort(&looking->files);
	for (size_t i = 0; !err && i < looking->files.n; i++)
		err = is_cancelled(looking) ? -ECANCELED : look_at(looking, &looking->files.strings[i]);
	XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(looking->hash));
	XXH3_freeState(looking->hash);
	for (unsigned i = 0; i < sizeof(digest.digest); i++)
		snprintf(dataset->fingerprint + 2 * i, 3, "%02x", digest.digest[i]);
	dataset->nfiles = looking->files.n;
	return err;
}

static errint_t find_shapes(struct dataset *dataset)
{
	dataset->shapes = calloc(dataset->nimages, sizeof(*dataset->shapes));
	if (!dataset->shapes)
		return -ENOMEM;
	for (size_t i = 0; i < dataset->nimages; i++) {
		const struct dataset_image *image = &dataset->images[i];
		dataset->shapes[i] = (struct space_shape){image->width, image->height, image->ncomponents, 1};
	}
	dataset->nshapes = space_merge(dataset->shapes, dataset->nimages);
	return 0;
}

static errint_t look(struct looking *looking)
{
	struct dataset *dataset = looking->dataset;
	errint_t err = list_all(looking);

	if (!err)
		err = look_at_all(looking);
	if (!err)
		err = dataset->nimages ? find_shapes(dataset) : -ENODATA;
	string_list_clear(&looking->files);
	string_list_clear(&looking->folders);
	free(looking->head);
	return err;
}

/* Takes `directory` and `fd`, which may be NULL and -1 for want of them. */
static errint_t open_dataset(int fd, char *directory, const char *name, const atomic_bool *cancelled,
                             struct dataset **ret_dataset, struct ic_why *why)
{
	errint_t err = fd < 0 || !directory ? -errno : 0;
	struct dataset *dataset = calloc(1, sizeof(*dataset));
	struct looking looking = {.dataset = dataset, .cancelled = cancelled, .fd = fd};

	if (dataset) {
		dataset->directory = directory;
		dataset->root = fd;
		err = err ? err : look(&looking);
	} else {
		err = -ENOMEM;
		free(directory);
		if (fd >= 0)
			close(fd);
	}
	if (err) {
		dataset_free(dataset);
		return ic_fail(why, err, "%.120s: %s", name,
		               err == -ENODATA ? "there is no image in it"
		               : err == -EFBIG ? "there are too many files in it"
		                               : strerror(-err));
	}
	*ret_dataset = dataset;
	return 0;
}

errint_t dataset_open(const char *directory, const atomic_bool *cancelled, struct dataset **ret_dataset,
                      struct ic_why *why)
{
	char *path = realpath(directory, NULL);
	int fd = path ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return open_dataset(fd, path, directory, cancelled, ret_dataset, why);
}

errint_t dataset_open_at(int fd, const char *directory, const atomic_bool *cancelled, struct dataset **ret_dataset,
                         struct ic_why *why)
{
	char *path = strdup(directory);
	int own = path ? openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	return open_dataset(own, path, directory, cancelled, ret_dataset, why);
}

void dataset_free(struct dataset *dataset)
{
	if (!dataset)
		return;
	for (size_t i = 0; i < dataset->nimages; i++)
		free(dataset->images[i].path);
	free(dataset->images);
	free(dataset->shapes);
	free(dataset->directory);
	if (dataset->root >= 0)
		close(dataset->root);
	free(dataset);
}

errint_t dataset_read(const struct dataset *dataset, size_t image, uint8_t **ret_bytes, struct ic_why *why)
{
	const struct dataset_image *of = &dataset->images[image];
	int fd = openat(dataset->root, of->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	uint8_t *bytes = fd < 0 ? NULL : malloc(of->nbytes + 1);
	errint_t err = fd < 0 ? -errno : bytes ? 0 : -ENOMEM;
	if (!err && read_some(fd, bytes, of->nbytes + 1, 0) != of->nbytes)
		err = -ESTALE;
	if (fd >= 0)
		close(fd);
	if (err) {
		free(bytes);
		return ic_fail(why, err, "%.120s: %s", of->path, err == -ESTALE ? "changed meanwhile" : strerror(-err));
	}
	*ret_bytes = bytes;
	return 0;
}
