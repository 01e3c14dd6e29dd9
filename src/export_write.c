/* SPDX-License-Identifier: MIT */
#include "src/export_write.h"
#include "src/export_record.h"

#include "fs/read_at.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COPY_CHUNK ((size_t)1 << 20)
#define TEMPORARY EXPORT_RECORD_NAME "."

/* --- What is there ------------------------------------------------------------------------------------------------- */

/* Some file systems keep whole seconds alone. */
static bool is_same_time(const struct timespec *target, const struct timespec *source)
{
	return target->tv_sec == source->tv_sec && (target->tv_nsec == source->tv_nsec || target->tv_nsec == 0);
}

/* After a loss of power, a file may have its name and time and lack its end. */
static bool is_complete_jpeg(const struct export_target *target, const char *path, uint64_t nbytes)
{
	int fd = openat(target->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	uint8_t end[2] = {0};
	size_t n;

	if (fd < 0)
		return false;
	errint_t err = nbytes < sizeof(end) ? -EINVAL : read_at(fd, end, sizeof(end), nbytes - sizeof(end), &n);
	close(fd);
	return !err && end[0] == 0xff && end[1] == 0xd9;
}

static bool is_same_link(const struct export_target *target, const struct walk_entry *entry)
{
	char text[PATH_MAX];
	ssize_t n = readlinkat(target->fd, entry->path, text, sizeof(text));

	return n >= 0 && (size_t)n == strlen(entry->target) && !memcmp(text, entry->target, (size_t)n);
}

bool export_is_there(const struct export_target *target, const struct walk_entry *entry)
{
	struct stat st;

	if (entry->kind == WALK_LINK)
		return is_same_link(target, entry);
	if (entry->err || fstatat(target->fd, entry->path, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode) ||
	    !is_same_time(&st.st_mtim, &entry->st.st_mtim))
		return false;
	if (!entry->lacks_size)
		return (uint64_t)st.st_size == entry->nbytes;
	/* one as large as its source may be that, from when it could not be transcoded */
	return st.st_size != entry->st.st_size && is_complete_jpeg(target, entry->path, (uint64_t)st.st_size);
}

/* --- Files --------------------------------------------------------------------------------------------------------- */

void export_name_temporary(const struct export_target *target, unsigned thread, char out[EXPORT_TEMPORARY_SIZE])
{
	snprintf(out, EXPORT_TEMPORARY_SIZE, TEMPORARY "%u-%u.%u.%d", target->part + 1, target->nparts, thread,
	         (int)getpid());
}

void export_clean(const struct export_target *target)
{
	int own = openat(target->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = own < 0 ? NULL : fdopendir(own);
	const struct dirent *d;
	char prefix[EXPORT_TEMPORARY_SIZE];
	int n = snprintf(prefix, sizeof(prefix), TEMPORARY "%u-%u.", target->part + 1, target->nparts);

	while (stream && (d = readdir(stream)))
		if (!strncmp(d->d_name, prefix, (size_t)n))
			unlinkat(target->fd, d->d_name, 0);
	if (stream)
		closedir(stream);
	else if (own >= 0)
		close(own);
}

static errint_t write_bytes(int fd, const uint8_t *bytes, size_t nbytes)
{
	while (nbytes) {
		ssize_t n = write(fd, bytes, nbytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		nbytes -= (size_t)n;
	}
	return 0;
}

/* Where the kernel cannot copy by itself, between these file systems or at all. */
static errint_t copy_by_hand(int from, int to, uint64_t offset, uint64_t nbytes)
{
	uint8_t *chunk = malloc(COPY_CHUNK);
	errint_t err = chunk ? 0 : -ENOMEM;

	while (!err && offset < nbytes) {
		size_t n = nbytes - offset < COPY_CHUNK ? (size_t)(nbytes - offset) : COPY_CHUNK;
		err = read_at(from, chunk, n, offset, &n);
		if (!err && !n)
			err = -ESTALE;
		if (!err)
			err = write_bytes(to, chunk, n);
		offset += n;
	}
	free(chunk);
	return err;
}

/* Shares the blocks where the file system can. */
static errint_t copy(int from, int to, uint64_t nbytes)
{
	uint64_t done = 0;

	while (done < nbytes) {
		off_t at = (off_t)done;
		ssize_t n = copy_file_range(from, &at, to, NULL, (size_t)(nbytes - done), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && export_is_over(-errno) ? -errno : copy_by_hand(from, to, done, nbytes);
		done += (uint64_t)n;
	}
	return 0;
}

static errint_t copy_source(struct walk *walk, const struct walk_entry *entry, int to)
{
	int from;

	errint_t err = walk_open_file(walk, entry, &from);
	if (err)
		return err;
	err = copy(from, to, entry->nbytes);
	if (!err)
		err = walk_check_file(walk, entry, from);
	close(from);
	return err;
}

/* Time stamps last: what is written changes them. */
static errint_t dress(int fd, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};

	return fchmod(fd, st->st_mode & 0777) || futimens(fd, times) ? -errno : 0;
}

/* A file without a name in the directory that it is for, or, where the file system has no such files, one called `name` in
 * the root. The former takes no directory's lock while it is made, lies where the file system puts what is in its directory,
 * and leaves nothing behind when the process is killed. */
static errint_t open_new(const struct export_target *target, const char *name, const char *path, int *ret_fd,
                         bool *ret_is_named)
{
	char directory[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');

	if (slash)
		snprintf(directory, sizeof(directory), "%.*s", (int)(slash - path), path);
	int fd = openat(target->fd, directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	bool lacks_them = fd < 0 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
	if (lacks_them)
		fd = openat(target->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	*ret_is_named = lacks_them;
	return 0;
}

/* Give the complete file `fd`, which has no name, its own, or where that is taken, which a link cannot change, `name`. */
static errint_t link_new(const struct export_target *target, const char *name, const char *path, int fd,
                         bool *ret_is_named)
{
	char own[40];

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fd);
	if (!linkat(AT_FDCWD, own, target->fd, path, AT_SYMLINK_FOLLOW))
		return 0;
	if (errno != EEXIST || linkat(AT_FDCWD, own, target->fd, name, AT_SYMLINK_FOLLOW))
		return -errno;
	*ret_is_named = true;
	return 0;
}

/* Write a file of bytes, or with NULL of the source as it is; `name` is one that it may have meanwhile. */
static errint_t put_file(const struct export_target *target, const char *name, struct walk *walk,
                         const struct walk_entry *entry, const uint8_t *bytes, size_t nbytes)
{
	bool is_named;
	int fd;

	errint_t err = open_new(target, name, entry->path, &fd, &is_named);
	if (err)
		return err;
	err = bytes ? write_bytes(fd, bytes, nbytes) : copy_source(walk, entry, fd);
	if (!err)
		err = dress(fd, &entry->st);
	if (!err && !is_named)
		err = link_new(target, name, entry->path, fd, &is_named);
	if (close(fd) && !err)
		err = -errno;
	if (!err && is_named && renameat(target->fd, name, target->fd, entry->path))
		err = -errno;
	if (err && is_named)
		unlinkat(target->fd, name, 0);
	return err;
}

static errint_t put_link(const struct export_target *target, const char *name, const struct walk_entry *entry)
{
	errint_t err = symlinkat(entry->target, target->fd, name) ? -errno : 0;

	if (!err && renameat(target->fd, name, target->fd, entry->path))
		err = -errno;
	if (err)
		unlinkat(target->fd, name, 0);
	return err;
}

errint_t export_write(const struct export_target *target, unsigned thread, struct walk *walk, struct walk_entry *entry,
                      uint64_t *ret_nbytes, struct ic_why *why)
{
	char name[EXPORT_TEMPORARY_SIZE];
	uint8_t *bytes = NULL;
	size_t nbytes = 0;
	errint_t err = 0;

	export_name_temporary(target, thread, name);
	if (entry->kind == WALK_OBJECT)
		err = walk_make(walk, entry, &bytes, &nbytes, why);
	if (err)
		return err;
	if (entry->kind == WALK_LINK)
		err = put_link(target, name, entry);
	else
		err = put_file(target, name, walk, entry, bytes, nbytes);
	free(bytes);
	if (err)
		return ic_fail(why, err, "%s", err == -ESTALE ? "it changed meanwhile" : strerror(-err));
	*ret_nbytes = entry->kind == WALK_OBJECT ? nbytes : entry->kind == WALK_FILE ? entry->nbytes : 0;
	return 0;
}

/* --- Directories --------------------------------------------------------------------------------------------------- */

errint_t export_enter(const struct export_target *target, const struct walk_entry *directory)
{
	struct stat st;

	if (!*directory->path)
		return 0;
	if (!mkdirat(target->fd, directory->path, (directory->st.st_mode & 0777) | 0700))
		return 0;
	if (errno != EEXIST || fstatat(target->fd, directory->path, &st, AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	if ((st.st_mode & 0700) != 0700 && fchmodat(target->fd, directory->path, (st.st_mode & 0777) | 0700, 0))
		return -errno;
	return 0;
}

errint_t export_leave(const struct export_target *target, const struct walk_entry *directory)
{
	const struct timespec times[2] = {directory->st.st_atim, directory->st.st_mtim};

	if (!*directory->path)
		return 0;
	if (fchmodat(target->fd, directory->path, (directory->st.st_mode & 0777) | 0700, 0) ||
	    utimensat(target->fd, directory->path, times, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return 0;
}

bool export_is_over(errint_t err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EROFS;
}
