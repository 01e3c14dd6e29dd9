/* SPDX-License-Identifier: MIT */
#include "fs/fs_priv.h"
#include "codec/encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct object_key content_key(const struct node *node)
{
	return (struct object_key){
	        .identity = node_identity(node),
	        .design = node->file.design,
	        .face = (enum ic_face)node->face,
	};
}

static void log_failure(struct fs *fs, const struct node *node, const char *what)
{
	char path[PATH_MAX];

	if (node_path(node->parent, path))
		path[0] = 0;
	log_write(fs->log, LOG_LEVEL_WARNING, "%s%s%s: %s", path, path[0] ? "/" : "", node->name, what);
}

/* The file is another than was looked up: say so to the reader, and have the kernel look it up again. */
static errint_t stale(struct fs *fs, const struct node *node)
{
	stats_add(&fs->stats, STATS_STALE, 1);
	invalidate_post(fs, node->parent, node->name);
	return -ESTALE;
}

/* Open a node's source. -ESTALE where it changed. */
static errint_t open_source(struct fs *fs, const struct node *node, int *ret_fd)
{
	struct source_identity wanted = node_identity(node), is;
	char place[PATH_MAX];
	struct stat st;
	int fd;

	errint_t err = node_place(node->parent, place);
	if (!err)
		err = source_open_file(fs->source, place, node->name, &fd, &st);
	if (err == -ENOENT || err == -EINVAL || err == -EXDEV || err == -ELOOP || err == -ENOTDIR)
		return stale(fs, node);
	if (err)
		return err;
	is = source_identify(&st);
	if (!source_identity_equal(&is, &wanted)) {
		close(fd);
		return stale(fs, node);
	}
	*ret_fd = fd;
	return 0;
}

/* Whether the open source is still what was looked up, after it was read. */
static errint_t check_source(struct fs *fs, const struct node *node, int fd)
{
	struct source_identity wanted = node_identity(node), is;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	is = source_identify(&st);
	return source_identity_equal(&is, &wanted) ? 0 : stale(fs, node);
}

/* Up to `nbytes`; fewer where the file ends. */
static errint_t read_at(int fd, uint8_t *out, size_t nbytes, uint64_t offset, size_t *ret_nbytes)
{
	size_t done = 0;

	while (done < nbytes) {
		ssize_t n = pread(fd, out + done, nbytes - done, (off_t)(offset + done));
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

errint_t content_read_file(struct fs *fs, struct node *node, uint8_t *out, size_t nbytes, uint64_t offset,
                           size_t *ret_nbytes)
{
	size_t n = 0;
	int fd;

	errint_t err = open_source(fs, node, &fd);
	if (err)
		return err;
	err = read_at(fd, out, nbytes, offset, &n);
	if (!err)
		err = check_source(fs, node, fd);
	close(fd);
	if (!err)
		*ret_nbytes = n;
	return err;
}

struct making {
	struct fs *fs;
	struct node *node;
	struct ic_why why;
};

/* The whole source, as it was looked up. */
static errint_t read_source(struct making *making, int fd, uint8_t *bytes, size_t nbytes)
{
	size_t n = 0;

	errint_t err = read_at(fd, bytes, nbytes, 0, &n);
	if (!err)
		err = check_source(making->fs, making->node, fd);
	if (!err && n != nbytes)
		err = stale(making->fs, making->node);
	if (!err)
		stats_add(&making->fs->stats, STATS_SOURCE_BYTES_READ, nbytes);
	return err;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static errint_t encode(struct making *making, const uint8_t *bytes, size_t nbytes, uint8_t **ret_bytes,
                       size_t *ret_nbytes)
{
	struct fs *fs = making->fs;
	const struct node_file *file = &making->node->file;
	const struct ic_limits *limits = &fs->settings.limits;
	struct ic_jpeg_info info;
	uint8_t *object;
	size_t object_nbytes;

	errint_t err = ic_jpeg_probe(bytes, nbytes, true, limits, &info, &making->why);
	if (err)
		return err;
	uint64_t memory = ic_encode_memory(&info, &file->design);
	gate_enter(fs->encode_gate, memory);
	uint64_t start = now_ns();
	err = ic_encode_jpeg(bytes, nbytes, &file->design, limits, &object, &object_nbytes, &making->why);
	stats_add(&fs->stats, STATS_ENCODE_NANOSECONDS, now_ns() - start);
	gate_leave(fs->encode_gate, memory);
	if (err)
		return err;
	if (object_nbytes != file->nbytes) {
		/* Never a wrong size: the kernel would cut the object, or fill it up with zeros. */
		free(object);
		return ic_fail(&making->why, -EBADMSG,
		               "its object has %zu bytes, not the %llu that its header promised", object_nbytes,
		               (unsigned long long)file->nbytes);
	}
	stats_add(&fs->stats, STATS_OBJECT_BYTES_MADE, object_nbytes);
	*ret_bytes = object;
	*ret_nbytes = object_nbytes;
	return 0;
}

static errint_t make_object(struct making *making, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	size_t nbytes = making->node->file.source_size;
	int fd;

	errint_t err = open_source(making->fs, making->node, &fd);
	if (err)
		return err;
	gate_enter(making->fs->source_gate, nbytes);
	uint8_t *bytes = malloc(nbytes ? nbytes : 1);
	err = bytes ? read_source(making, fd, bytes, nbytes) : -ENOMEM;
	close(fd);
	if (!err)
		err = encode(making, bytes, nbytes, ret_bytes, ret_nbytes);
	free(bytes);
	gate_leave(making->fs->source_gate, nbytes);
	return err;
}

/* Errors that lie in the source's bytes, which do not change as long as the node lives. */
static bool is_final(errint_t err)
{
	return err == -EBADMSG || err == -EOPNOTSUPP || err == -EFBIG || err == -ENODATA || err == -EINVAL;
}

/* cache_maker. Failures are noted here, before those who wait for the object learn of them. */
static errint_t make(void *context, uint8_t **ret_bytes, size_t *ret_nbytes)
{
	struct making *making = context;
	errint_t err = make_object(making, ret_bytes, ret_nbytes);

	if (!err || err == -ESTALE)
		return err;
	const char *why = making->why.text[0] ? making->why.text : strerror(-err);
	stats_add(&making->fs->stats, STATS_FAILURES, 1);
	if (is_final(err))
		node_fail(making->node, err, why);
	if (!atomic_exchange(&making->node->reported, true))
		log_failure(making->fs, making->node, why);
	return err;
}

errint_t content_get(struct fs *fs, struct node *node, const struct object **ret_object)
{
	struct making making = {.fs = fs, .node = node};
	const struct node_failure *failure = atomic_load(&node->file.failure);
	struct object_key key = content_key(node);

	return failure ? failure->err : cache_get(fs->cache, &key, make, &making, ret_object);
}
