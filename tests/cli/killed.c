/* SPDX-License-Identifier: MIT */
/* A library to be preloaded: a kill at the moment when all of a file is written, and is to be put on the disk. */
#include <signal.h>
#include <unistd.h>

__attribute__((visibility("default"))) int fsync(int fd)
{
	return raise(SIGKILL);
}
