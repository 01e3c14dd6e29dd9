/* SPDX-License-Identifier: MIT */
/* A library to be preloaded: a file system that has no files without a name (O_TMPFILE), as NFS and FAT are. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Compiled as the program is, it has the name that the program asks for, which depends on the size of its offsets. */
__attribute__((visibility("default"))) int openat(int directory, const char *path, int flags, ...)
{
	va_list args;

	va_start(args, flags);
	mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
	va_end(args);
	if ((flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
	return (int)syscall(SYS_openat, directory, path, flags, mode);
}
