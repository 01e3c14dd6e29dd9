/* SPDX-License-Identifier: MIT */
#include "fs/attr_priv.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void set_common(const struct node *node, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = node_number(node);
	st->st_nlink = 1; /* of a directory too: it means that nobody counted */
	st->st_blksize = 4096;
	st->st_mode = atomic_load_explicit(&node->mode, memory_order_relaxed);
	st->st_uid = atomic_load_explicit(&node->uid, memory_order_relaxed);
	st->st_gid = atomic_load_explicit(&node->gid, memory_order_relaxed);
}

static void set_size(struct stat *st, uint64_t nbytes)
{
	st->st_size = (off_t)nbytes;
	st->st_blocks = (blkcnt_t)((nbytes + 511) / 512);
}

static void set_time(struct stat *st, int64_t ns)
{
	struct timespec t = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	if (t.tv_nsec < 0) {
		t.tv_nsec += NS_PER_S;
		t.tv_sec--;
	}
	st->st_atim = st->st_mtim = st->st_ctim = t;
}

/* A directory is the one thing that is looked at anew each time. */
static errint_t fill_directory(struct fs *fs, const struct node *node, struct stat *st)
{
	char place[PATH_MAX];
	struct stat now;
	int fd;

	errint_t err = node_place(node, place);
	if (!err)
		err = source_open(fs->source, place, O_PATH | O_DIRECTORY, &fd);
	if (err)
		return err == -ENOTDIR || err == -ELOOP ? -ENOENT : err;
	if (fstat(fd, &now))
		err = -errno;
	close(fd);
	if (!err && (now.st_ino != node->ino || source_device(now.st_dev) != node->dev))
		err = -ESTALE;
	if (err)
		return err;
	st->st_mode = now.st_mode & ~0222u;
	st->st_uid = now.st_uid;
	st->st_gid = now.st_gid;
	st->st_atim = now.st_atim;
	st->st_mtim = now.st_mtim;
	st->st_ctim = now.st_ctim;
	set_size(st, (uint64_t)now.st_size);
	return 0;
}

errint_t attr_fill(struct fs *fs, const struct node *node, struct stat *ret_st)
{
	set_common(node, ret_st);
	switch ((enum node_kind)node->kind) {
	case NODE_DIRECTORY:
		return fill_directory(fs, node, ret_st);
	case NODE_OBJECT:
	case NODE_FILE:
		set_size(ret_st, node->file.nbytes);
		set_time(ret_st, node->file.mtime_ns);
		return 0;
	case NODE_LINK:
	case NODE_TEXT:
		set_size(ret_st, node->text.nbytes);
		set_time(ret_st, node->text.mtime_ns);
		return 0;
	case NODE_CONTROL:
	case NODE_VIEWS:
		return 0;
	}
	return -EINVAL;
}
