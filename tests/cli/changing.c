/* SPDX-License-Identifier: MIT */
/* A library to be preloaded: somebody who changes each source (.jpg, .txt) while it is read as a whole. Looks at headers are
 * left alone. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HEADER_NBYTES 4096u
#define EXPORTED __attribute__((visibility("default")))

static void change(int fd)
{
	char link[40], path[4096];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof(path));
	if (n > 4 && (!memcmp(path + n - 4, ".jpg", 4) || !memcmp(path + n - 4, ".txt", 4)))
		futimens(fd, NULL);
}

/* Compiled as the program is, it has the name that the program asks for, which depends on the size of offsets. */
EXPORTED ssize_t pread(int fd, void *out, size_t nbytes, off_t offset)
{
	ssize_t n = syscall(SYS_pread64, fd, out, nbytes, offset);

	if (nbytes > HEADER_NBYTES)
		change(fd);
	return n;
}

EXPORTED ssize_t copy_file_range(int from, off_t *at, int to, off_t *to_at, size_t nbytes, unsigned flags)
{
	ssize_t n = syscall(SYS_copy_file_range, from, at, to, to_at, nbytes, flags);

	change(from);
	return n;
}
