/* SPDX-License-Identifier: MIT */
#include "fs/read_at.h"

#include <errno.h>
#include <unistd.h>

errint_t read_at(int fd, void *out, size_t nbytes, uint64_t offset, size_t *ret_nbytes)
{
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = pread(fd, (char *)out + done, nbytes - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	*ret_nbytes = done;
	return 0;
}
