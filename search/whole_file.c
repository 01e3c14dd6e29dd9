/* SPDX-License-Identifier: MIT */
#include "search/whole_file_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Closes fd. */
static errint_t write_and_sync(int fd, const char *bytes, size_t nbytes)
{
	FILE *out = fdopen(fd, "w");
	errint_t err = 0;

	if (!out) {
		err = -errno;
		close(fd);
		return err;
	}
	if (fwrite(bytes, 1, nbytes, out) != nbytes || fflush(out) || fsync(fd))
		err = -errno;
	if (fclose(out) && !err)
		err = -errno;
	return err;
}

errint_t whole_file_write(const char *path, const char *bytes, size_t nbytes, struct ic_why *why)
{
	char *part;

	if (asprintf(&part, "%s.XXXXXX", path) < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	int fd = mkostemp(part, O_CLOEXEC);
	errint_t err = fd < 0 ? -errno : write_and_sync(fd, bytes, nbytes);
	if (!err && rename(part, path))
		err = -errno;
	if (err && fd >= 0)
		unlink(part);
	free(part);
	return err ? ic_fail(why, err, "%.120s: %s", path, strerror(-err)) : 0;
}

errint_t whole_file_read(const char *path, size_t nbytes_max, char **ret_bytes, size_t *ret_nbytes, struct ic_why *why)
{
	FILE *in = fopen(path, "re");
	char *bytes = in ? malloc(nbytes_max + 1) : NULL;
	errint_t err = 0;
	size_t n = 0;

	if (!in)
		return ic_fail(why, -errno, "%.120s: %s", path, strerror(errno));
	if (!bytes)
		err = ic_fail(why, -ENOMEM, "out of memory");
	if (!err)
		n = fread(bytes, 1, nbytes_max, in);
	if (!err && ferror(in))
		err = ic_fail(why, -EIO, "%.120s: %s", path, strerror(errno));
	if (!err && getc(in) != EOF)
		err = ic_fail(why, -EFBIG, "%.120s: more than %zu bytes", path, nbytes_max);
	fclose(in);
	if (err) {
		free(bytes);
		return err;
	}
	bytes[n] = 0;
	*ret_bytes = bytes;
	*ret_nbytes = n;
	return 0;
}
