/* SPDX-License-Identifier: MIT */
#include "search/probe_kept_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <xxhash.h>

struct probe_keeper {
	uint64_t memory_max, file_max;
	int fd;                                      /* -1: no file */
	_Atomic uint64_t memory_nbytes, file_nbytes; /* that were put, and for which there was room or not */
	atomic_bool is_memory_full, is_file_full;
};

/* --- The file ----------------------------------------------------------------------------------------------------- */

/* -1 where there can be none. Not every file system has files without a name. */
static int open_unnamed(const char *directory)
{
	char path[4096];
	int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR) ||
	    snprintf(path, sizeof path, "%s/icfs-search-XXXXXX", directory) >= (int)sizeof path)
		return fd;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

/* Beyond it a signal would end the process. */
static uint64_t file_limit(void)
{
	struct rlimit limit;
	return getrlimit(RLIMIT_FSIZE, &limit) ? 0 : limit.rlim_cur;
}

/* Whether a file that ends there leaves as much free as it takes. */
static bool is_half_free(int fd, uint64_t end)
{
	struct statvfs disk;
	return !fstatvfs(fd, &disk) && end <= (uint64_t)disk.f_bavail * disk.f_frsize;
}

static bool write_all(int fd, const void *bytes, size_t nbytes, uint64_t at)
{
	for (const char *next = bytes; nbytes;) {
		ssize_t n = pwrite(fd, next, nbytes, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		next += n;
		at += (uint64_t)n;
		nbytes -= (size_t)n;
	}
	return true;
}

static bool read_all(int fd, void *bytes, size_t nbytes, uint64_t at)
{
	for (char *next = bytes; nbytes;) {
		ssize_t n = pread(fd, next, nbytes, (off_t)at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		next += n;
		at += (uint64_t)n;
		nbytes -= (size_t)n;
	}
	return true;
}

/* Takes coefs. */
static void put_in_file(struct probe_keeper *k, struct ic_coefs *coefs, struct probe_kept *ret_kept)
{
	size_t nbytes = ic_coefs_nbytes(coefs);
	uint64_t at = k->is_file_full ? k->file_max : atomic_fetch_add(&k->file_nbytes, nbytes);
	if (at + nbytes <= k->file_max && is_half_free(k->fd, at + nbytes) && write_all(k->fd, coefs, nbytes, at))
		*ret_kept = (struct probe_kept){.at = at, .nbytes = nbytes, .checksum = XXH3_64bits(coefs, nbytes)};
	else
		k->is_file_full = true;
	ic_coefs_free(coefs);
}

/* --- Both --------------------------------------------------------------------------------------------------------- */

errint_t probe_keeper_new(uint64_t memory_nbytes, const char *directory, uint64_t file_nbytes,
                          struct probe_keeper **ret_keeper)
{
	struct probe_keeper *k = malloc(sizeof *k);
	if (!k)
		return -ENOMEM;
	*k = (struct probe_keeper){.memory_max = memory_nbytes, .fd = -1};
	if (directory)
		k->fd = open_unnamed(directory);
	if (k->fd >= 0)
		k->file_max = file_limit();
	if (file_nbytes && k->file_max > file_nbytes)
		k->file_max = file_nbytes;
	k->is_file_full = !k->file_max;
	*ret_keeper = k;
	return 0;
}

void probe_keeper_free(struct probe_keeper *k)
{
	if (!k)
		return;
	if (k->fd >= 0)
		close(k->fd);
	free(k);
}

bool probe_keeper_has_room(const struct probe_keeper *k)
{
	return !k->is_memory_full || !k->is_file_full;
}

void probe_keeper_put(struct probe_keeper *k, struct ic_coefs *coefs, struct probe_kept *ret_kept)
{
	*ret_kept = (struct probe_kept){.coefs = NULL};
	if (k->is_memory_full) {
		put_in_file(k, coefs, ret_kept);
		return;
	}
	uint64_t nbytes = ic_coefs_nbytes(coefs);
	if (atomic_fetch_add(&k->memory_nbytes, nbytes) + nbytes > k->memory_max)
		k->is_memory_full = true;
	ret_kept->coefs = coefs;
}

void probe_keeper_settle(struct probe_keeper *k, struct probe_kept *kept)
{
	struct ic_coefs *coefs = kept->coefs;
	if (!k->is_memory_full || !coefs)
		return;
	*kept = (struct probe_kept){.coefs = NULL};
	put_in_file(k, coefs, kept);
}

errint_t probe_keeper_get(const struct probe_keeper *k, const struct probe_kept *kept,
                          const struct ic_coefs **ret_coefs, struct ic_coefs **ret_copy)
{
	*ret_coefs = kept->coefs;
	*ret_copy = NULL;
	if (!kept->nbytes)
		return 0;
	struct ic_coefs *copy = malloc(kept->nbytes);
	if (!copy)
		return -ENOMEM;
	if (!read_all(k->fd, copy, kept->nbytes, kept->at) || XXH3_64bits(copy, kept->nbytes) != kept->checksum) {
		ic_coefs_free(copy);
		return 0;
	}
	*ret_coefs = *ret_copy = copy;
	return 0;
}

void probe_kept_clear(struct probe_kept *kept)
{
	ic_coefs_free(kept->coefs);
}
