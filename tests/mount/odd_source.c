/* SPDX-License-Identifier: MIT */
/*
 * A library to be preloaded into a mount: a source on a file system like no usual one. Files called broken* cannot be read,
 * and one called long-name has a name of 1,003 bytes.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define EXPORTED __attribute__((visibility("default")))
#define LONG_NAME 1003
#define MARKER "long-name"

EXPORTED ssize_t pread(int fd, void *out, size_t nbytes, off_t offset)
{
	char link[40], path[4096];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = 0;
	const char *slash = strrchr(path, '/');
	if (slash && !strncmp(slash + 1, "broken", 6)) {
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, out, nbytes, offset);
}

static const char *own_name(const char *name)
{
	return strlen(name) > 255 ? MARKER : name;
}

/* The mount calls nothing but openat2(2) by this, and what is above and below others. */
EXPORTED long syscall(long number, ...)
{
	static long (*next)(long, ...);
	char path[4096];
	va_list args;
	long a[6];

	va_start(args, number);
	for (unsigned i = 0; i < 6; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "syscall");
	if (number == SYS_openat2) {
		const char *name = strrchr((const char *)a[1], '/');
		name = name ? name + 1 : (const char *)a[1];
		snprintf(path, sizeof(path), "%.*s%s", (int)(name - (const char *)a[1]), (const char *)a[1],
		         own_name(name));
		a[1] = (long)path;
	}
	return next(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

EXPORTED int fstatat(int directory, const char *name, struct stat *out, int flags)
{
	static int (*next)(int, const char *, struct stat *, int);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fstatat64");
	return next(directory, own_name(name), out, flags);
}

/* In place of the marker; `struct dirent` ends in an array that may be longer than it says. */
static struct dirent *long_entry(void)
{
	static char bytes[sizeof(struct dirent) + LONG_NAME] __attribute__((aligned(_Alignof(struct dirent))));
	struct dirent *entry = (struct dirent *)bytes;
	char *name = bytes + offsetof(struct dirent, d_name);

	memset(name, 'n', LONG_NAME - 3);
	memcpy(name + LONG_NAME - 3, ".ic", 4);
	entry->d_type = DT_REG;
	return entry;
}

/* A directory is read to its end by one thread before the next is begun. */
EXPORTED struct dirent *readdir(DIR *stream)
{
	static __thread char buffer[2048] __attribute__((aligned(_Alignof(struct dirent))));
	static __thread long left, at;

	if (at >= left) {
		left = syscall(SYS_getdents64, dirfd(stream), buffer, sizeof(buffer));
		at = 0;
	}
	if (left <= 0)
		return NULL;
	struct dirent *entry = (struct dirent *)(buffer + at);
	at += entry->d_reclen;
	return strcmp(entry->d_name, MARKER) ? entry : long_entry();
}
