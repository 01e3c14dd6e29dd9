/* SPDX-License-Identifier: MIT */
#include "fs/source.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define LINKS_MAX 40 /* as the kernel's */

/* Time stamps of file systems advance with the timer, at 100 Hz on the slowest kernels. */
#define MTIME_STEP_NS (20 * INT64_C(1000000))

/* More file systems than this are seldom mounted in one tree. */
#define NASKED 64

struct asked {
	dev_t dev;
	bool is_icfs;
	int64_t until_ns; /* of CLOCK_MONOTONIC; 0: never asked */
};

struct source {
	int fd;
	enum source_follow follow;
	bool has_hidden;
	dev_t hidden;
	bool has_links; /* the root had, when it was opened; some file systems count none */
	char *path;
	size_t path_len;

	pthread_mutex_t lock;
	struct asked asked[NASKED]; /* about devices of other mounts */
	unsigned next;              /* to be given up */
};

uint32_t source_device(dev_t dev)
{
	return (uint32_t)major(dev) << 20 | (uint32_t)minor(dev);
}

struct source_identity source_identify(const struct stat *st)
{
	return (struct source_identity){
	        .ino = st->st_ino,
	        .size = (uint64_t)st->st_size,
	        .mtime_ns = clock_timespec_ns(&st->st_mtim),
	        .dev = source_device(st->st_dev),
	};
}

bool source_identity_equal(const struct source_identity *a, const struct source_identity *b)
{
	return a->ino == b->ino && a->size == b->size && a->mtime_ns == b->mtime_ns && a->dev == b->dev;
}

static int open_how(int fd, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC), .resolve = resolve};
	long r = syscall(SYS_openat2, fd, path, &how, sizeof(how));

	return r < 0 ? -errno : (int)r;
}

errint_t source_new(const char *directory, enum source_follow follow, struct source **ret_source, struct ic_why *why)
{
	struct source *source = calloc(1, sizeof(*source));
	struct stat st;
	errint_t err;

	if (!source)
		return ic_fail(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&source->lock, NULL);
	source->follow = follow;
	source->fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (source->fd < 0) {
		err = ic_fail(why, -errno, "%s: %s", directory, strerror(errno));
		goto fail;
	}
	int probe = open_how(source->fd, ".", O_PATH, RESOLVE_BENEATH);
	if (probe < 0) {
		err = ic_fail(why, probe,
		              "%s: this kernel cannot hold opens beneath a directory (openat2, Linux 5.6): %s",
		              directory, strerror(-probe));
		goto fail;
	}
	close(probe);
	source->has_links = !fstat(source->fd, &st) && st.st_nlink > 0;
	source->path = realpath(directory, NULL);
	if (!source->path) {
		err = ic_fail(why, -errno, "%s: %s", directory, strerror(errno));
		goto fail;
	}
	source->path_len = strcmp(source->path, "/") ? strlen(source->path) : 0;
	*ret_source = source;
	return 0;
fail:
	source_free(source);
	return err;
}

void source_free(struct source *source)
{
	if (!source)
		return;
	if (source->fd >= 0)
		close(source->fd);
	pthread_mutex_destroy(&source->lock);
	free(source->path);
	free(source);
}

int source_fd(const struct source *source)
{
	return source->fd;
}

bool source_is_removed(const struct source *source)
{
	struct stat st;

	return source->has_links && !fstat(source->fd, &st) && st.st_nlink == 0;
}

const char *source_path(const struct source *source)
{
	return source->path;
}

void source_hide_device(struct source *source, dev_t dev)
{
	source->has_hidden = true;
	source->hidden = dev;
}

errint_t source_join(const char *place, const char *name, char ret_path[PATH_MAX])
{
	const char *slash = place[0] && strcmp(place, "/") ? "/" : "";
	int n = snprintf(ret_path, PATH_MAX, "%s%s%s", place, slash, name);

	return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* Whether a line of /proc/self/mountinfo is of a mount of ours with that device number: "36 35 0:42 / /mnt ... -
 * fuse.icfs ...", where what is before " - " has no spaces that are not escaped. */
static bool is_mount_of(const char *line, dev_t dev)
{
	const char *type = strstr(line, " - ");
	unsigned of_major, of_minor;

	return type && !strncmp(type + 3, "fuse.icfs ", 10) &&
	       sscanf(line, "%*u %*u %u:%u", &of_major, &of_minor) == 2 && makedev(of_major, of_minor) == dev;
}

static bool is_icfs(dev_t dev)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	char *line = NULL;
	size_t size = 0;
	bool is = false;

	while (mounts && !is && getline(&line, &size, mounts) > 0)
		is = is_mount_of(line, dev);
	free(line);
	if (mounts)
		fclose(mounts);
	return is;
}

bool source_is_in_mount(const char *path, bool *ret_is_root)
{
	struct statx stx;

	if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &stx))
		return false;
	*ret_is_root = stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
	return is_icfs(makedev(stx.stx_dev_major, stx.stx_dev_minor));
}

/* What is known of a device, or NULL; the lock is held. */
static const struct asked *find_asked(const struct source *source, dev_t dev)
{
	int64_t now = clock_ns(CLOCK_MONOTONIC);

	for (unsigned i = 0; i < NASKED; i++)
		if (source->asked[i].dev == dev && source->asked[i].until_ns > now)
			return &source->asked[i];
	return NULL;
}

/* Two mounts that show one another would wait for one another for ever, in the kernel, so none shows another. Mounts come
 * and go, and numbers come again: what was found out holds for a second. */
static bool is_other_mount(struct source *source, dev_t dev)
{
	if (major(dev)) /* of a disk; a mount of ours has none */
		return false;
	pthread_mutex_lock(&source->lock);
	const struct asked *known = find_asked(source, dev);
	bool is = known && known->is_icfs;
	pthread_mutex_unlock(&source->lock);
	if (known)
		return is;
	is = is_icfs(dev);
	pthread_mutex_lock(&source->lock);
	source->asked[source->next] = (struct asked){dev, is, clock_ns(CLOCK_MONOTONIC) + NS_PER_S};
	source->next = (source->next + 1) % NASKED;
	pthread_mutex_unlock(&source->lock);
	return is;
}

/* Whether `fd`, open with O_PATH, is in a mount of ours, this one or another. Asks the kernel for what it has: a real stat
 * would ask whoever mounted it. */
static bool is_hidden(struct source *source, int fd)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE, &stx))
		return false;
	dev_t dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return (source->has_hidden && dev == source->hidden) || is_other_mount(source, dev);
}

/* The slow way, where another file system is mounted in between. Reaching the root of a mount with O_PATH sends no
 * request, and nothing below one of ours is ever asked for, since every step to it comes through here. */
static int open_across(struct source *source, const char *path, int flags, uint64_t resolve)
{
	int fd = open_how(source->fd, path, O_PATH | (flags & O_NOFOLLOW), resolve);

	if (fd < 0)
		return fd;
	bool hidden = is_hidden(source, fd);
	close(fd);
	return hidden ? -ENOENT : open_how(source->fd, path, flags, resolve);
}

errint_t source_open(struct source *source, const char *place, int flags, int *ret_fd)
{
	uint64_t resolve = RESOLVE_NO_SYMLINKS | (place[0] == '/' ? 0 : RESOLVE_BENEATH);
	const char *path = place[0] ? place : ".";
	int fd = open_how(source->fd, path, flags, resolve | RESOLVE_NO_XDEV);

	if (fd == -EXDEV)
		fd = open_across(source, path, flags, resolve);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* One resolution under way: `at` is an absolute path without links, `rest` what is left to walk. */
struct path_walk {
	struct source *source;
	struct stat st;
	unsigned links;
	char at[PATH_MAX];
	char rest[PATH_MAX];
};

/* `path` below the root, "" for the root itself, NULL outside. */
static const char *strip_root(const struct source *source, const char *path)
{
	if (strncmp(path, source->path, source->path_len))
		return NULL;
	path += source->path_len;
	return *path == '/' ? path + 1 : *path ? NULL : path;
}

static bool is_above_root(const struct source *source, const char *path)
{
	size_t n = strlen(path);

	return !strncmp(path, source->path, n) && (n == 0 || source->path[n] == '/');
}

static void walk_up(struct path_walk *w)
{
	char *slash = strrchr(w->at, '/');

	*(slash ? slash : w->at) = 0;
}

static errint_t walk_down(struct path_walk *w, const char *name)
{
	size_t n = strlen(w->at);
	int added = snprintf(w->at + n, sizeof(w->at) - n, "/%s", name);

	return n + (size_t)added < sizeof(w->at) ? 0 : -ENAMETOOLONG;
}

/* Take the link that `fd` is in place of the component just walked. */
static errint_t walk_link(struct path_walk *w, int fd)
{
	char target[PATH_MAX];
	char rest[PATH_MAX];

	if (++w->links > LINKS_MAX)
		return -ELOOP;
	ssize_t n = readlinkat(fd, "", target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = 0;
	if (snprintf(rest, sizeof(rest), "%s/%s", target, w->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(w->rest, rest, sizeof(rest));
	if (target[0] == '/')
		w->at[0] = 0;
	else
		walk_up(w);
	return 0;
}

/* Look at the component just walked; what lies between "/" and the root is known to be directories. */
static errint_t walk_look(struct path_walk *w)
{
	const char *inside = strip_root(w->source, w->at);
	errint_t err;
	int fd;

	if (!inside && is_above_root(w->source, w->at))
		return 0;
	if (!inside && !w->source->follow)
		return -EXDEV;
	err = source_open(w->source, inside ? inside : w->at, O_PATH | O_NOFOLLOW, &fd);
	if (err)
		return err;
	if (fstat(fd, &w->st))
		err = -errno;
	else if (S_ISLNK(w->st.st_mode))
		err = walk_link(w, fd);
	else if (!S_ISDIR(w->st.st_mode) && w->rest[strspn(w->rest, "/")])
		err = -ENOTDIR;
	close(fd);
	return err;
}

/* Cut the first component off `rest`; false when none is left. */
static bool walk_next(struct path_walk *w, char name[NAME_MAX + 1], errint_t *ret_err)
{
	size_t start = strspn(w->rest, "/");
	size_t n = strcspn(w->rest + start, "/");

	if (n == 0)
		return false;
	if (n > NAME_MAX) {
		*ret_err = -ENAMETOOLONG;
		return false;
	}
	memcpy(name, w->rest + start, n);
	name[n] = 0;
	memmove(w->rest, w->rest + start + n, strlen(w->rest + start + n) + 1);
	return true;
}

static errint_t walk_all(struct path_walk *w)
{
	char name[NAME_MAX + 1];
	errint_t err = 0;

	while (!err && walk_next(w, name, &err)) {
		if (!strcmp(name, "."))
			continue;
		if (!strcmp(name, "..")) {
			walk_up(w);
			continue;
		}
		err = walk_down(w, name);
		if (!err)
			err = walk_look(w);
	}
	return err;
}

/* The walk may have ended on ".." or above the root, where nothing was looked at. */
static errint_t walk_end(struct path_walk *w, char ret_place[PATH_MAX], struct stat *ret_st)
{
	const char *inside = strip_root(w->source, w->at);
	const char *place = inside ? inside : w->at[0] ? w->at : "/";
	errint_t err;
	int fd;

	if (!inside && !w->source->follow)
		return -EXDEV;
	err = source_open(w->source, place, O_PATH | O_NOFOLLOW, &fd);
	if (err)
		return err;
	if (fstat(fd, &w->st))
		err = -errno;
	close(fd);
	if (err)
		return err;
	memmove(ret_place, place, strlen(place) + 1);
	*ret_st = w->st;
	return 0;
}

errint_t source_resolve(struct source *source, const char *place, const char *name, char ret_place[PATH_MAX],
                        struct stat *ret_st)
{
	struct path_walk w = {.source = source};
	const char *slash = place[0] && place[0] != '/' ? "/" : "";
	const char *root = place[0] == '/' ? "" : source->path;
	errint_t err;

	if (!strcmp(root, "/"))
		root = "";
	if (snprintf(w.at, sizeof(w.at), "%s%s%s", root, slash, strcmp(place, "/") ? place : "") >= (int)sizeof(w.at) ||
	    snprintf(w.rest, sizeof(w.rest), "%s", name) >= (int)sizeof(w.rest))
		return -ENAMETOOLONG;
	err = walk_all(&w);
	return err ? err : walk_end(&w, ret_place, ret_st);
}

/* Sleep until a write from now on gets another mtime. A clock that runs behind costs one step, no more. */
static void settle(const struct stat *st)
{
	int64_t age = clock_ns_between(clock_timespec_ns(&st->st_mtim), clock_ns(CLOCK_REALTIME));
	if (age >= MTIME_STEP_NS || age < -NS_PER_S)
		return;
	struct timespec rest = {.tv_nsec = age < 0 ? MTIME_STEP_NS : MTIME_STEP_NS - age};
	nanosleep(&rest, NULL);
}

errint_t source_open_file(struct source *source, const char *place, const char *name, int *ret_fd, struct stat *ret_st)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY;
	char path[PATH_MAX];
	struct stat st;
	int fd = -1;

	errint_t err = source_join(place, name, path);
	if (!err)
		err = source_open(source, path, flags, &fd);
	if (err == -ELOOP) {
		err = source_resolve(source, place, name, path, &st);
		if (!err)
			err = source_open(source, path, flags, &fd);
	}
	if (err)
		return err;
	if (fstat(fd, &st))
		err = -errno;
	else if (!S_ISREG(st.st_mode))
		err = -EINVAL;
	if (!err) {
		settle(&st);
		err = fstat(fd, &st) ? -errno : 0;
	}
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	*ret_st = st;
	return 0;
}
