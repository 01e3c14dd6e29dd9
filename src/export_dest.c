/* SPDX-License-Identifier: MIT */
#include "src/export_dest.h"
#include "src/icfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* --- Apart from the source ----------------------------------------------------------------------------------------- */

static bool is_same_directory(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Whether the directory `fd` is `outer` or below it. */
static bool is_inside(int fd, int outer)
{
	int at = openat(fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool is = false, is_root = false;

	while (at >= 0 && !is && !is_root) {
		int above = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		is = is_same_directory(at, outer);
		is_root = above >= 0 && is_same_directory(above, at);
		close(at);
		at = above;
	}
	if (at >= 0)
		close(at);
	return is;
}

/* DEST, or where that is missing the directory that it will be in. */
static int open_nearest(const char *dest, bool *ret_is_there)
{
	int fd = open(dest, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char *parent = strdup(dest);

	*ret_is_there = fd >= 0;
	if (fd < 0 && errno == ENOENT && parent) {
		for (size_t n = strlen(parent); n > 1 && parent[n - 1] == '/';)
			parent[--n] = 0;
		char *slash = strrchr(parent, '/');
		if (slash)
			slash[slash == parent] = 0;
		fd = open(slash ? parent : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	}
	free(parent);
	return fd;
}

static int check_apart(const char *source, const char *dest)
{
	bool is_there;
	int source_fd = open(source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (source_fd < 0)
		return fail("%s: %s", source, strerror(errno));
	int dest_fd = open_nearest(dest, &is_there), status = EXIT_OK;

	if (dest_fd < 0)
		status = fail("%s: %s", dest, strerror(errno));
	else if (is_inside(dest_fd, source_fd))
		status = fail("%s: is inside %s, and a source is never written to", dest, source);
	else if (is_there && is_inside(source_fd, dest_fd))
		status = fail("%s: %s is inside it", dest, source);
	if (dest_fd >= 0)
		close(dest_fd);
	close(source_fd);
	return status;
}

/* --- New, or an export --------------------------------------------------------------------------------------------- */

/* Ours begin with the record's name; lost+found is in the root of a new file system. */
static bool is_empty(int fd)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	const struct dirent *d;
	bool is = true;

	if (!stream) {
		if (own >= 0)
			close(own);
		return false;
	}
	while (is && (d = readdir(stream)))
		is = !strcmp(d->d_name, ".") || !strcmp(d->d_name, "..") || !strcmp(d->d_name, "lost+found") ||
		     !strncmp(d->d_name, EXPORT_RECORD_NAME, strlen(EXPORT_RECORD_NAME));
	closedir(stream);
	return is;
}

static int read_record(const char *dest, int fd, struct export_record **ret_before)
{
	struct ic_why why = {""};

	if (is_empty(fd))
		return EXIT_OK; /* whatever was there before */
	errint_t err = export_record_read(fd, ret_before, &why);
	if (err == -ENOENT)
		return fail("%s: is not empty, and no export; choose another DEST", dest);
	return err ? fail("%s/%s; choose another DEST", dest, why.text) : EXIT_OK;
}

/* Parts of one tree may be written at once. Where a file system knows no locks, the user has to see to it. */
static int lock(const char *dest, int fd, unsigned nparts)
{
	if (flock(fd, (nparts > 1 ? LOCK_SH : LOCK_EX) | LOCK_NB) && errno == EWOULDBLOCK)
		return fail("%s: another export is writing to it", dest);
	return EXIT_OK;
}

int export_dest_open(const struct export_settings *settings, int *ret_fd, struct export_record **ret_before)
{
	const char *dest = settings->dest;
	int status = check_apart(settings->walk.source, dest);

	if (status != EXIT_OK)
		return status;
	if (!settings->is_dry && mkdir(dest, 0777) && errno != EEXIST)
		return fail("%s: %s", dest, strerror(errno));
	int fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return settings->is_dry && errno == ENOENT ? EXIT_OK : fail("%s: %s", dest, strerror(errno));
	if (!settings->is_dry)
		status = lock(dest, fd, settings->walk.nparts);
	if (status == EXIT_OK)
		status = read_record(dest, fd, ret_before);
	if (status == EXIT_OK)
		*ret_fd = fd;
	else
		close(fd);
	return status;
}
