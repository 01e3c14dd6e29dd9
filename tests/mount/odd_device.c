/* SPDX-License-Identifier: MIT */
/* A library to be preloaded into a mount: once there is a file $ICFS_TEST_BREAK, requests cannot be read any more. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FUSE_DEVICE makedev(10, 229)

__attribute__((visibility("default"))) ssize_t read(int fd, void *out, size_t nbytes)
{
	static ssize_t (*next)(int, void *,
	                       size_t); /* at which a thread can be cancelled, as at no system call made here */
	const char *broken = getenv("ICFS_TEST_BREAK");
	struct stat st;

	if (broken && !fstat(fd, &st) && S_ISCHR(st.st_mode) && st.st_rdev == FUSE_DEVICE && !access(broken, F_OK)) {
		errno = EIO;
		return -1;
	}
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "read");
	return next(fd, out, nbytes);
}
