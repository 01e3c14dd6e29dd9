/* SPDX-License-Identifier: MIT */
#include "src/labels.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* Data sets are uniform, so a part of one tells. */
#define FOLDERS_MAX 32
#define NAMES_MAX 20000 /* of one folder */
#define STEMS_MAX 64
#define FILES_MAX 4 /* of one folder that are read */
#define PART 65536u /* bytes, at a file's beginning and at its end */

struct look {
	int directory_fd;
	char folders[FOLDERS_MAX][NAME_MAX + 4]; /* "." first, then those in it, then those beside it */
	unsigned nfolders;
	char stems[STEMS_MAX][NAME_MAX + 1]; /* of images */
	unsigned nstems;
	struct labels *labels;
};

/* Called for each name; true ends the scan. */
typedef bool visitor(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count);

static bool scan(struct look *look, const char *folder, visitor *each)
{
	int fd = openat(look->directory_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned count = 0;
	bool is_found = false;

	if (fd >= 0 && !stream)
		close(fd);
	for (unsigned n = 0; stream && !is_found && n < NAMES_MAX && (entry = readdir(stream)); n++)
		if (entry->d_name[0] != '.')
			is_found = each(look, fd, folder, entry, &count);
	if (stream)
		closedir(stream);
	return is_found;
}

/* Length of the stem of a name with one of these extensions, in any case; 0 for others. */
static size_t stem_of(const char *name, const char *const extensions[])
{
	const char *dot = strrchr(name, '.');

	for (; dot && *extensions; extensions++)
		if (!strcasecmp(dot + 1, *extensions))
			return (size_t)(dot - name);
	return 0;
}

static bool add_folder(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	struct stat st;
	bool is_folder = entry->d_type == DT_DIR;

	if (entry->d_type == DT_UNKNOWN)
		is_folder = !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
	if (is_folder)
		snprintf(look->folders[look->nfolders++], sizeof(look->folders[0]), "%s%s",
		         *folder == '.' && folder[1] ? "../" : "", entry->d_name);
	return look->nfolders == (folder[1] ? FOLDERS_MAX : FOLDERS_MAX / 2);
}

static bool add_image(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	static const char *const images[] = {"jpg", "jpeg", "jpe", "jfif", "ic", NULL};
	size_t n = stem_of(entry->d_name, images);

	if (n)
		snprintf(look->stems[look->nstems++], sizeof(look->stems[0]), "%.*s", (int)n, entry->d_name);
	return look->nstems == STEMS_MAX;
}

static bool is_of_image(const struct look *look, const char *name, size_t stem_len)
{
	for (unsigned i = 0; i < look->nstems; i++)
		if (!strncmp(look->stems[i], name, stem_len) && !look->stems[i][stem_len])
			return true;
	return false;
}

/* The two ends of a file as one text. The caller frees it. */
static char *read_ends(int fd, const char *name)
{
	int file = openat(fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *text = calloc(2, PART + 1);
	struct stat st;

	if (file >= 0 && text && !fstat(file, &st) && S_ISREG(st.st_mode)) {
		ssize_t n = pread(file, text, PART, 0);
		if (n == PART && st.st_size > PART)
			n = pread(file, text + PART, PART, st.st_size - PART < PART ? PART : st.st_size - PART);
		/* no text has NULs, and what follows one is not looked at */
	}
	if (file >= 0)
		close(file);
	return text;
}

static bool has_boxes(int fd, const char *name)
{
	char *text = read_ends(fd, name);
	bool has = text && strstr(text, "<bndbox");

	free(text);
	return has;
}

/* "folder/STEM.jpg" */
static bool mentions(const char *text, const char *stem)
{
	size_t n = strlen(stem);

	for (const char *at = text; (at = strstr(at, stem)); at++)
		if (at > text && strchr("\"/", at[-1]) && at[n] == '.')
			return true;
	return false;
}

static bool mentions_image(const struct look *look, const char *text)
{
	for (unsigned i = 0; i < look->nstems; i++)
		if (mentions(text, look->stems[i]))
			return true;
	return false;
}

/* What lies beside a mount has nothing to do with it. */
static bool has_siblings(int directory_fd)
{
	struct stat own, above;

	return !fstat(directory_fd, &own) && !fstatat(directory_fd, "..", &above, 0) && own.st_dev == above.st_dev;
}

static bool is_coco(const struct look *look, int fd, const char *folder, const char *name)
{
	char *text = read_ends(fd, name);
	bool is_near = strncmp(folder, "..", 2);
	bool is = text && (strstr(text, "\"bbox\"") || strstr(text, "\"segmentation\"")) &&
	          (is_near || mentions_image(look, text));

	free(text);
	return is;
}

static bool look_at(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	static const char *const voc[] = {"xml", NULL}, *const coco[] = {"json", NULL}, *const masks[] = {"png", NULL};
	const char *name = entry->d_name, *kind = NULL;
	size_t n;

	if ((n = stem_of(name, masks)) && is_of_image(look, name, n))
		kind = "masks";
	else if ((n = stem_of(name, voc)) && *count < FILES_MAX && is_of_image(look, name, n) && ++*count)
		kind = has_boxes(fd, name) ? "VOC boxes" : NULL;
	else if (stem_of(name, coco) && *count < FILES_MAX && ++*count)
		kind = is_coco(look, fd, folder, name) ? "COCO boxes or outlines" : NULL;
	if (!kind)
		return false;
	look->labels->kind = kind;
	snprintf(look->labels->path, sizeof(look->labels->path), "%s%s%s", folder[1] ? folder : "",
	         folder[1] ? "/" : "", name);
	return true;
}

bool labels_find(int directory_fd, struct labels *ret_labels)
{
	struct look *look = calloc(1, sizeof(*look));
	bool is_found = false;
	unsigned nown;

	if (!look)
		return false;
	look->directory_fd = directory_fd;
	look->labels = ret_labels;
	strcpy(look->folders[look->nfolders++], ".");
	scan(look, ".", add_folder);
	nown = look->nfolders;
	if (has_siblings(directory_fd))
		scan(look, "..", add_folder);
	for (unsigned i = 0; i < nown && look->nstems < STEMS_MAX; i++)
		scan(look, look->folders[i], add_image);
	for (unsigned i = 0; look->nstems && i < look->nfolders && !is_found; i++)
		is_found = scan(look, look->folders[i], look_at);
	free(look);
	return is_found;
}
