/* SPDX-License-Identifier: MIT */
#include "src/files.h"
#include "src/icfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_CHUNK ((size_t)1 << 16)

struct output {
	char *path; /* the final name, links followed; NULL for a stream */
	char *temporary; /* a name until then, which it gets in the end or, on some file systems, at once; NULL for a stream */
	bool is_named; /* it has it */
	const char *name;
	FILE *stream;
};

static bool is_dash(const char *path)
{
	return !strcmp(path, "-");
}

const char *input_name(const char *path)
{
	return is_dash(path) ? "standard input" : path;
}

const char *output_name(const char *path)
{
	return is_dash(path) ? "standard output" : path;
}

bool is_same_file(const char *input, const char *output)
{
	struct stat in, out;

	return !stat(input, &in) && !stat(output, &out) && S_ISREG(in.st_mode) && in.st_dev == out.st_dev &&
	       in.st_ino == out.st_ino;
}

/* Read until the end or until `size` bytes are there. */
static errint_t read_up_to(int fd, uint8_t *bytes, size_t size, size_t *ret_nbytes)
{
	size_t total = 0;

	while (total < size) {
		ssize_t n = read(fd, bytes + total, size - total);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		total += (size_t)n;
	}
	*ret_nbytes = total;
	return 0;
}

/* `hint` is the size to begin with; what is read may be longer or shorter. */
static errint_t read_all(int fd, uint64_t hint, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	size_t size = (size_t)hint + 1, nbytes = 0;
	uint8_t *bytes = NULL;
	errint_t err;

	for (;;) {
		uint8_t *grown = realloc(bytes, size);
		size_t n = 0;

		err = grown ? 0 : -ENOMEM;
		if (err)
			break;
		bytes = grown;
		err = read_up_to(fd, bytes + nbytes, size - nbytes, &n);
		nbytes += n;
		if (!err && nbytes > INPUT_NBYTES_MAX)
			err = -EFBIG;
		if (err || nbytes < size)
			break;
		size += size < PIPE_CHUNK ? PIPE_CHUNK : size;
	}
	if (err) {
		free(bytes);
		return err;
	}
	*ret_bytes = bytes;
	*ret_nbytes = nbytes;
	return 0;
}

static errint_t read_descriptor(int fd, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > INPUT_NBYTES_MAX)
		return -EFBIG;
	return read_all(fd, S_ISREG(st.st_mode) ? (uint64_t)st.st_size : PIPE_CHUNK, ret_bytes, ret_nbytes);
}

int read_input(const char *path, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	int fd = is_dash(path) ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	errint_t err = fd < 0 ? -errno : read_descriptor(fd, ret_bytes, ret_nbytes);

	if (fd > STDIN_FILENO)
		close(fd);
	if (err == -EFBIG)
		return fail("%s: longer than %ju GiB", input_name(path), (uintmax_t)(INPUT_NBYTES_MAX >> 30));
	if (err)
		return fail("%s: cannot be read: %s", input_name(path), strerror(-err));
	return EXIT_OK;
}

static void remove_temporary(const struct output *output)
{
	if (output->is_named)
		unlink(output->temporary);
}

static void free_output(struct output *output)
{
	free(output->path);
	free(output->temporary);
	free(output);
}

/* Without a name, so that a signal leaves nothing; with one where there are no such files (NFS, FAT), or no /proc, by which
 * they get one. */
static int open_new(struct output *output, const char *directory)
{
	int fd = access("/proc/self/fd", F_OK) ? -1
	                                       : openat(AT_FDCWD, directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

	output->is_named = fd < 0;
	return fd < 0 ? mkostemp(output->temporary, O_CLOEXEC) : fd;
}

/* Make a new file beside the final one, with the permissions that stand there now or that the umask gives. */
static errint_t open_temporary(struct output *output, const struct stat *existing)
{
	const char *slash = strrchr(output->path, '/');
	int ndirectory = slash ? (int)(slash - output->path) + 1 : 0;
	char *directory = ndirectory ? strndup(output->path, (size_t)ndirectory) : strdup(".");
	mode_t mask = umask(0);
	errint_t err;

	umask(mask);
	/* A short name of its own: the final one may have all the 255 bytes that a name can have. */
	if (!directory || asprintf(&output->temporary, "%.*s.icfs.XXXXXX", ndirectory, output->path) < 0) {
		output->temporary = NULL;
		free(directory);
		return -ENOMEM;
	}
	int fd = open_new(output, directory);
	free(directory);
	if (fd < 0)
		return -errno;
	err = fchmod(fd, existing ? existing->st_mode & 0777 : 0666 & ~mask) ? -errno : 0;
	output->stream = err ? NULL : fdopen(fd, "w");
	if (!err && !output->stream)
		err = -ENOMEM;
	if (err) {
		close(fd);
		remove_temporary(output);
	}
	return err;
}

/* A device or a pipe is written to as it is; there is nothing to put in its place. */
static errint_t open_target(struct output *output, const char *path)
{
	struct stat st;
	bool exists = !stat(path, &st);

	if (exists && S_ISDIR(st.st_mode))
		return -EISDIR;
	if (exists && !S_ISREG(st.st_mode)) {
		output->stream = fopen(path, "we");
		return output->stream ? 0 : -errno;
	}
	if (exists && access(path, W_OK))
		return -errno;
	output->path = exists ? realpath(path, NULL) : strdup(path);
	if (!output->path)
		return -errno;
	return open_temporary(output, exists ? &st : NULL);
}

int output_open(const char *path, struct output **ret_output)
{
	struct output *output = calloc(1, sizeof(*output));
	errint_t err = output ? 0 : -ENOMEM;

	if (!err && is_dash(path))
		output->stream = stdout;
	else if (!err)
		err = open_target(output, path);
	if (err) {
		if (output)
			free_output(output);
		return fail("%s: cannot be written: %s", path, strerror(-err));
	}
	output->name = output_name(path);
	*ret_output = output;
	return EXIT_OK;
}

FILE *output_stream(struct output *output)
{
	return output->stream;
}

/* A link takes no other's place, so that what has no name gets one for a moment. */
static errint_t name_file(struct output *output)
{
	char *random = output->temporary + strlen(output->temporary) - 6, own[40];

	snprintf(own, sizeof(own), "/proc/self/fd/%d", fileno(output->stream));
	for (unsigned i = 0; i < 1000000; i++) {
		snprintf(random, 7, "%06u", ((unsigned)getpid() + i) % 1000000);
		output->is_named = !linkat(AT_FDCWD, own, AT_FDCWD, output->temporary, AT_SYMLINK_FOLLOW);
		if (output->is_named || errno != EEXIST)
			break;
	}
	return output->is_named ? 0 : -errno;
}

static errint_t close_stream(struct output *output)
{
	bool failed = fflush(output->stream) || ferror(output->stream);
	errint_t err = failed ? (errno ? -errno : -EIO) : 0;

	if (!err && output->temporary && fsync(fileno(output->stream)))
		err = -errno;
	if (!err && output->temporary && !output->is_named)
		err = name_file(output);
	if (output->stream != stdout && fclose(output->stream) && !err)
		err = -errno;
	return err;
}

int output_commit(struct output *output)
{
	errint_t err = close_stream(output);
	int status = EXIT_OK;

	if (!err && output->temporary && rename(output->temporary, output->path))
		err = -errno;
	if (err)
		remove_temporary(output);
	if (err)
		status = fail("%s: cannot be written: %s", output->name, strerror(-err));
	free_output(output);
	return status;
}

void output_abandon(struct output *output)
{
	if (!output)
		return;
	if (output->stream != stdout)
		fclose(output->stream);
	remove_temporary(output);
	free_output(output);
}

int write_output(const char *path, const uint8_t *bytes, size_t nbytes)
{
	struct output *output;

	if (output_open(path, &output))
		return EXIT_FAILED;
	errno = 0;
	fwrite(bytes, 1, nbytes, output_stream(output));
	return output_commit(output);
}
