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
#define ALL_NAMES_MAX 200000 /* of all together, each time that they are gone through */
#define STEMS_MAX 64
#define STEMS_OF_FOLDER 8 /* before other folders had their turn */
#define FILES_MAX 4       /* of one folder that are read */
#define LISTED_MAX 24     /* images of a list that are looked for */
#define PATH_LEN 512u
#define PART 65536u /* bytes, at a file's beginning and at its end */

struct folder {
	char path[PATH_LEN];
	unsigned levels; /* of folders that are looked for in it */
};

struct look {
	int directory_fd;
	dev_t device;
	struct folder folders[FOLDERS_MAX]; /* "." first, then those below it, then those above and beside it */
	unsigned nfolders, nown;
	unsigned room, share, levels; /* of the folders that are looked for: in all, of one folder; how far down */
	ino_t skipped;                /* was looked at from below */
	unsigned nnames;
	char stems[STEMS_MAX][NAME_MAX + 1]; /* of images */
	unsigned nstems, nstems_of_folder;
	struct labels *labels;
};

/* Called for each name; true ends the scan. */
typedef bool visitor(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count);

static bool is_above(const char *folder)
{
	return !strncmp(folder, "..", 2) && (!folder[2] || folder[2] == '/');
}

/* What lies beside a directory on another device has nothing to do with it: a mount's source, /proc, what an automounter would
 * fetch. */
static bool is_elsewhere(const struct look *look, const char *folder)
{
	struct stat st;

	return is_above(folder) && (fstatat(look->directory_fd, folder, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) ||
	                            st.st_dev != look->device);
}

static bool scan(struct look *look, const char *folder, visitor *each)
{
	int fd = is_elsewhere(look, folder) ? -1
	                                    : openat(look->directory_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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

/* The path of what lies in a folder: "NAME" in ".", else "FOLDER/NAME". False where it is too long. */
static bool join(const char *folder, const char *name, char *out, size_t size)
{
	bool is_root = !strcmp(folder, ".");
	int n = snprintf(out, size, "%s%s%s", is_root ? "" : folder, is_root ? "" : "/", name);

	return n > 0 && (size_t)n < size;
}

/* --- Folders ------------------------------------------------------------------------------------------------------ */

static bool add_folder(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	struct folder *added = &look->folders[look->nfolders];
	struct stat st;

	if ((entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
	    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) || !S_ISDIR(st.st_mode))
		return false;
	if (is_above(folder) && (st.st_dev != look->device || st.st_ino == look->skipped))
		return false;
	if (!join(folder, entry->d_name, added->path, sizeof(added->path)))
		return false;
	added->levels = look->levels - 1;
	look->nfolders++;
	return ++*count == look->share;
}

/* `top` and what lies in it, what is nearest first; of one folder no more than half of what there is room for. */
static void find_folders(struct look *look, const char *top, unsigned levels, unsigned room)
{
	unsigned at = look->nfolders;

	look->nnames = 0;
	look->room = room;
	snprintf(look->folders[look->nfolders].path, PATH_LEN, "%s", top);
	look->folders[look->nfolders++].levels = levels;
	for (; at < look->nfolders && look->nfolders < room; at++) {
		look->levels = look->folders[at].levels;
		look->share = (room - look->nfolders + 1) / 2;
		if (look->levels)
			scan(look, look->folders[at].path, add_folder);
	}
}

/* The directory above `path` and what lies beside it; false where there is none. */
static bool find_folders_above(struct look *look, const char *path, const char *above, unsigned room)
{
	struct stat own, upper;

	if (fstatat(look->directory_fd, path, &own, 0) || fstatat(look->directory_fd, above, &upper, 0) ||
	    upper.st_dev != look->device || own.st_ino == upper.st_ino)
		return false;
	look->skipped = own.st_ino;
	find_folders(look, above, LEVELS_ABOVE, room);
	return true;
}

/* --- Images ------------------------------------------------------------------------------------------------------- */

/* Length of the stem of a name with one of these extensions, in any case; 0 for others. */
static size_t stem_of(const char *name, const char *const extensions[])
{
	const char *dot = strrchr(name, '.');

	for (; dot && *extensions; extensions++)
		if (!strcasecmp(dot + 1, *extensions))
			return (size_t)(dot - name);
	return 0;
}

static size_t stem_of_image(const char *name)
{
	static const char *const images[] = {"jpg", "jpeg", "jpe", "jfif", "ic", NULL};

	return stem_of(name, images);
}

static bool is_image(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	return stem_of_image(entry->d_name);
}

static bool is_of_image(const struct look *look, const char *name, size_t stem_len)
{
	for (unsigned i = 0; i < look->nstems; i++)
		if (!strncmp(look->stems[i], name, stem_len) && !look->stems[i][stem_len])
			return true;
	return false;
}

static bool add_image(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	size_t n = stem_of_image(entry->d_name);

	if (n && !is_of_image(look, entry->d_name, n)) {
		snprintf(look->stems[look->nstems++], sizeof(look->stems[0]), "%.*s", (int)n, entry->d_name);
		++*count;
	}
	return look->nstems == STEMS_MAX || *count == look->nstems_of_folder;
}

/* Of some folders a few each, then of the first ones more. */
static void find_images(struct look *look)
{
	static const unsigned of_folder[] = {STEMS_OF_FOLDER, STEMS_MAX};

	for (unsigned pass = 0; pass < 2; pass++) {
		look->nnames = 0;
		look->nstems_of_folder = of_folder[pass];
		for (unsigned i = 0; i < look->nown && look->nstems < STEMS_MAX; i++)
			scan(look, look->folders[i].path, add_image);
	}
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

/* Whether a list, of which there is the beginning, names an image of the directory: "file_name": "some/folder/STEM.jpg". */
static bool lists_image(const struct look *look, const char *text)
{
	static const char key[] = "\"file_name\"";
	const char *at = text;

	for (unsigned i = 0; i < LISTED_MAX && (at = strstr(at, key)); i++) {
		char name[NAME_MAX + 1], path[PATH_LEN + NAME_MAX + 2];
		at += strlen(key) + strspn(at + strlen(key), " :\t\r\n");
		size_t n = *at == '"' ? strcspn(++at, "\"") : 0;
		const char *slash = memrchr(at, '/', n), *begin = slash ? slash + 1 : at;
		n -= (size_t)(begin - at);
		snprintf(name, sizeof(name), "%.*s", n > NAME_MAX ? 0 : (int)n, begin);
		for (unsigned k = 0; stem_of_image(name) && k < look->nown; k++)
			if (join(look->folders[k].path, name, path, sizeof(path)) &&
			    !faccessat(look->directory_fd, path, F_OK, AT_SYMLINK_NOFOLLOW))
				return true;
	}
	return false;
}

/* Of lists elsewhere, those of other images do not count. */
static bool is_coco(const struct look *look, int fd, const char *folder, const char *name)
{
	char *text = read_ends(fd, name);
	bool has =
	        text && strstr(text, "\"image_id\"") && (strstr(text, "\"bbox\"") || strstr(text, "\"segmentation\""));

	has = has && (!is_above(folder) || lists_image(look, text));
	free(text);
	return has;
}

/* Whether a folder says by its path that masks lie in it. */
static bool is_for_masks(const char *folder)
{
	static const char *const words[] = {"annotation", "label", "mask", "segment", "truth", "stuff", "trimap"};
	const char *at;

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if ((at = strcasestr(folder, words[i])) && !(at - folder >= 2 && !strncasecmp(at - 2, "un", 2)))
			return true;
	for (at = folder; at; at = strchr(at, '/') ? strchr(at, '/') + 1 : NULL)
		if (!strncasecmp(at, "gt", 2) && !strchr("abcdefghijklmnopqrstuvwxyz", at[2] | 0x20))
			return true;
	return false;
}

/* A PNG called as an image may be anything, the farther away the rather: "1.png" of another class, or of another data set. It
 * is a mask where its folder says so, or lies near and has no images, or has this one, too. */
static bool may_be_mask(struct look *look, int fd, const char *folder, const char *name, size_t stem_len)
{
	const char *slash = strrchr(folder, '/');
	char image[NAME_MAX + 5];

	if (is_for_masks(folder))
		return true;
	if (is_above(folder) && (!slash || slash[1] == '.' || slash != folder + 2))
		return false;
	snprintf(image, sizeof(image), "%.*s.jpg", (int)stem_len, name);
	return !faccessat(fd, image, F_OK, 0) || !scan(look, folder, is_image);
}

static bool look_at(struct look *look, int fd, const char *folder, const struct dirent *entry, unsigned *count)
{
	static const char *const voc[] = {"xml", NULL}, *const coco[] = {"json", NULL}, *const masks[] = {"png", NULL};
	const char *name = entry->d_name, *kind = NULL;
	size_t n;

	if ((n = stem_of(name, masks)) && *count < FILES_MAX && is_of_image(look, name, n) && ++*count)
		kind = may_be_mask(look, fd, folder, name, n) ? "masks" : NULL;
	else if ((n = stem_of(name, voc)) && *count < FILES_MAX && is_of_image(look, name, n) && ++*count)
		kind = has_boxes(fd, name) ? "VOC boxes" : NULL;
	else if (stem_of(name, coco) && *count < FILES_MAX && ++*count)
		kind = is_coco(look, fd, folder, name) ? "COCO boxes or outlines" : NULL;
	if (!kind || !join(folder, name, look->labels->path, sizeof(look->labels->path)))
		return false;
	look->labels->kind = kind;
	return true;
}

static bool look_in(struct look *look, unsigned from)
{
	bool is_found = false;

	look->nnames = 0;
	for (unsigned i = from; i < look->nfolders && !is_found; i++)
		is_found = scan(look, look->folders[i].path, look_at);
	return is_found;
}

static bool find(struct look *look)
{
	struct stat st;

	if (fstat(look->directory_fd, &st))
		return false;
	look->device = st.st_dev;
	find_folders(look, ".", LEVELS_BELOW, FOLDERS_BELOW);
	look->nown = look->nfolders;
	find_images(look);
	if (!look->nstems)
		return false;
	if (look_in(look, 0))
		return true;
	if (find_folders_above(look, ".", "..", (FOLDERS_BELOW + FOLDERS_MAX) / 2))
		find_folders_above(look, "..", "../..", FOLDERS_MAX);
	return look_in(look, look->nown);
}

bool labels_find(int directory_fd, struct labels *ret_labels)
{
	struct look *look = calloc(1, sizeof(*look));

	if (!look)
		return false;
	look->directory_fd = directory_fd;
	look->labels = ret_labels;
	bool is_found = find(look);
	free(look);
	return is_found;
}
