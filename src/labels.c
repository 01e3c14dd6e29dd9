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

/* Data sets are uniform, so a part of one tells: "images/train2017" beside "annotations", and what that has in it. */
#define FOLDERS_MAX 128
#define FOLDERS_BELOW 64 /* of them in the directory; those beside it share the rest */
#define LEVELS_BELOW 3
#define LEVELS_ABOVE 2
#define NAMES_MAX 20000      /* of one folder */
#define ALL_NAMES_MAX 400000 /* of all together, however often a folder is read */
#define STEMS_MAX 64
#define FILES_MAX 4 /* of one folder that are read */
#define PATH_LEN 512u
#define PART 65536u /* bytes, at a file's beginning and at its end */

struct folder {
	char path[PATH_LEN];
	unsigned levels; /* of folders that are looked for in it */
};

struct look {
	int directory_fd;
	struct folder folders[FOLDERS_MAX]; /* "." first, then those below it, then those above and beside it */
	unsigned nfolders, room, levels;
	ino_t skipped; /* was looked at from below */
	unsigned nnames;
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
	for (unsigned n = 0; stream && !is_found && n < NAMES_MAX && look->nnames < ALL_NAMES_MAX; n++) {
		if (!(entry = readdir(stream)))
			break;
		look->nnames++;
		if (entry->d_name[0] != '.')
			is_found = each(look, fd, folder, entry, &count);
	}
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

static void put_folder(struct look *look, const char *folder, const char *name, unsigned levels)
{
	struct folder *added = &look->folders[look->nfolders];
	int n = snprintf(added->path, sizeof(added->path), "%s%s%s", folder, *folder ? "/" : "", name);

	added->levels = levels;
	look->nfolders += n > 0 && (size_t)n < sizeof(added->path);
}

static bool add_folder(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	struct stat st;
	bool is_folder = entry->d_type == DT_DIR;

	if (entry->d_type == DT_UNKNOWN)
		is_folder = !fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
	if (is_folder && entry->d_ino != look->skipped)
		put_folder(look, folder[1] ? folder : "", entry->d_name, look->levels - 1);
	return look->nfolders == look->room;
}

/* `top` and what lies in it, what is nearest first, as far as there is room. */
static void find_folders(struct look *look, const char *top, unsigned levels, unsigned room)
{
	unsigned at = look->nfolders;

	look->room = room;
	if (look->nfolders < room)
		put_folder(look, "", top, levels);
	for (; at < look->nfolders && look->nfolders < room; at++) {
		look->levels = look->folders[at].levels;
		if (look->levels)
			scan(look, look->folders[at].path, add_folder);
	}
}

/* The directory above `path` and what lies beside it; false where there is none. What lies beside a mount has nothing to do
 * with it. */
static bool find_folders_above(struct look *look, const char *path, const char *above, unsigned room)
{
	struct stat own, upper;

	if (fstatat(look->directory_fd, path, &own, 0) || fstatat(look->directory_fd, above, &upper, 0) ||
	    own.st_dev != upper.st_dev || own.st_ino == upper.st_ino)
		return false;
	look->skipped = own.st_ino;
	find_folders(look, above, LEVELS_ABOVE, room);
	return true;
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

static bool is_coco(const struct look *look, int fd, const char *folder, const char *name)
{
	char *text = read_ends(fd, name);
	bool is_near = strncmp(folder, "..", 2);
	bool is = text && (strstr(text, "\"bbox\"") || strstr(text, "\"segmentation\"")) &&
	          (is_near || mentions_image(look, text));

	free(text);
	return is;
}

/* A PNG called as an image may be anything, the farther away the rather: "1.png" of another data set. */
static bool may_have_masks(const char *folder)
{
	static const char *const words[] = {"annotation", "label", "mask", "segment", "truth"};
	const char *slash = strncmp(folder, "..", 2) ? NULL : strchr(folder, '/');

	if (!slash || (strcmp(slash, "/..") && !strchr(slash + 1, '/')))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcasestr(folder, words[i]))
			return true;
	return false;
}

static bool look_at(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	static const char *const voc[] = {"xml", NULL}, *const coco[] = {"json", NULL}, *const masks[] = {"png", NULL};
	const char *name = entry->d_name, *kind = NULL;
	size_t n;

	if ((n = stem_of(name, masks)) && is_of_image(look, name, n) && may_have_masks(folder))
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
	find_folders(look, ".", LEVELS_BELOW, FOLDERS_BELOW);
	nown = look->nfolders;
	if (find_folders_above(look, ".", "..", (FOLDERS_BELOW + FOLDERS_MAX) / 2))
		find_folders_above(look, "..", "../..", FOLDERS_MAX);
	for (unsigned i = 0; i < nown && look->nstems < STEMS_MAX; i++)
		scan(look, look->folders[i].path, add_image);
	for (unsigned i = 0; look->nstems && i < look->nfolders && !is_found; i++)
		is_found = scan(look, look->folders[i].path, look_at);
	free(look);
	return is_found;
}
