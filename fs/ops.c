/* SPDX-License-Identifier: MIT */
#include "fs/ops_priv.h"
#include "fs/attr_priv.h"
#include "fs/content_priv.h"
#include "fs/making_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/statvfs.h>

/* Requests in flight before the kernel holds readers back. Its defaults, 12 and 9, cut buffered reads to single pages as
 * soon as ten readers are at work: 64 readers of 4,000 files sent 15,605 READs with them, 4,000 with these. */
#define MAX_BACKGROUND 256
#define CONGESTION_THRESHOLD 192

static struct fs *fs_of(fuse_req_t req)
{
	return ((struct ops_context *)fuse_req_userdata(req))->fs;
}

static struct fs *begin(fuse_req_t req, enum stats_counter counter)
{
	struct fs *fs = fs_of(req);

	stats_add(&fs->stats, counter, 1);
	return fs;
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct ops_context *context = userdata;
	const struct mount_settings *settings = &context->fs->settings;

	context->no_open = conn->capable & FUSE_CAP_NO_OPEN_SUPPORT;
	conn->want |= conn->capable & FUSE_CAP_READDIRPLUS;
	conn->want &= ~(unsigned)FUSE_CAP_READDIRPLUS_AUTO; /* all entries of a listing are primed, not the first 200 */
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = CONGESTION_THRESHOLD;
	if (settings->ready)
		settings->ready(settings->ready_context);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = begin(req, STATS_LOOKUP);

	entry_lookup(req, fs, fs_node(fs, parent), name);
}

static void forget_one(struct fs *fs, fuse_ino_t ino, uint64_t nlookup)
{
	stats_add(&fs->stats, STATS_FORGET, 1);
	if (ino != FUSE_ROOT_ID)
		nodes_forget(fs->nodes, fs_node(fs, ino), nlookup);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	forget_one(fs_of(req), ino, nlookup);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget_one(fs_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* Attributes of a snapshot hold for ever; the name is what times out. */
static double attribute_timeout(const struct fs *fs, const struct node *node)
{
	if (node->kind == NODE_DIRECTORY && !atomic_load(&node->directory->dir->is_watched))
		return fs->stale_timeout;
	return ENTRY_TIMEOUT_WATCHED;
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = begin(req, STATS_GETATTR);
	const struct node *node = fs_node(fs, ino);
	struct stat st;
	errint_t err = attr_fill(fs, node, &st);

	if (err)
		fuse_reply_err(req, fs_errno(err));
	else
		fuse_reply_attr(req, &st, attribute_timeout(fs, node));
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = begin(req, STATS_READLINK);
	struct node *node = fs_node(fs, ino);

	if (node->kind != NODE_LINK) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	nodes_hold(fs->nodes, node);
	fuse_reply_readlink(req, node->text.bytes);
	nodes_release(fs->nodes, node);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	const struct ops_context *context = fuse_req_userdata(req);

	stats_add(&context->fs->stats, STATS_OTHER, 1);
	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
	} else if (context->no_open) {
		fuse_reply_err(req, ENOSYS);
	} else {
		fi->keep_cache = 1;
		fuse_reply_open(req, fi);
	}
}

/* Returns how many bytes that was. */
static size_t reply_part(fuse_req_t req, const void *bytes, uint64_t nbytes, size_t size, off_t offset)
{
	uint64_t start = (uint64_t)offset < nbytes ? (uint64_t)offset : nbytes;
	size_t n = nbytes - start < size ? (size_t)(nbytes - start) : size;

	fuse_reply_buf(req, n ? (const char *)bytes + start : NULL, n);
	return n;
}

static void read_object(fuse_req_t req, struct fs *fs, struct node *node, size_t size, off_t offset)
{
	const struct object *object;
	errint_t err = making_get(fs, node, &object);

	if (err) {
		fuse_reply_err(req, fs_errno(err));
		return;
	}
	size_t n = reply_part(req, object->bytes, object->nbytes, size, offset);
	stats_add(&fs->stats, STATS_OBJECT_BYTES_SERVED, n);
	cache_put(fs->cache, object);
}

static void read_file(fuse_req_t req, struct fs *fs, struct node *node, size_t size, off_t offset)
{
	uint8_t *bytes = malloc(size ? size : 1);
	size_t nbytes;
	errint_t err = bytes ? content_read_file(fs, node, bytes, size, (uint64_t)offset, &nbytes) : -ENOMEM;

	if (err) {
		fuse_reply_err(req, fs_errno(err));
	} else {
		fuse_reply_buf(req, (const char *)bytes, nbytes);
		stats_add(&fs->stats, STATS_FILE_BYTES_SERVED, nbytes);
	}
	free(bytes);
}

/* A node may be forgotten as soon as the kernel has an answer, which is before the reply returns: what is sent from the
 * node itself is held until then. */
static void read_text(fuse_req_t req, struct fs *fs, struct node *node, size_t size, off_t offset)
{
	nodes_hold(fs->nodes, node);
	reply_part(req, node->text.bytes, node->text.nbytes, size, offset);
	nodes_release(fs->nodes, node);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct fs *fs = begin(req, STATS_READ);
	struct node *node = fs_node(fs, ino);

	if (node->kind == NODE_OBJECT)
		read_object(req, fs, node, size, offset);
	else if (node->kind == NODE_FILE)
		read_file(req, fs, node, size, offset);
	else if (node->kind == NODE_TEXT)
		read_text(req, fs, node, size, offset);
	else
		fuse_reply_err(req, EISDIR);
}

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = begin(req, STATS_READDIR);
	struct listing *listing;
	errint_t err = listing_open(fs, fs_node(fs, ino), fi, &listing);

	if (err) {
		fuse_reply_err(req, fs_errno(err));
		return;
	}
	fi->fh = (uintptr_t)listing;
	if (fuse_reply_open(req, fi))
		listing_free(listing); /* nobody will release it */
}

static struct listing *listing_of(const struct fuse_file_info *fi)
{
	return (struct listing *)(uintptr_t)fi->fh;
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	begin(req, STATS_READDIR);
	listing_reply(req, listing_of(fi), size, offset, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	begin(req, STATS_READDIR);
	listing_reply(req, listing_of(fi), size, offset, true);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	begin(req, STATS_OTHER);
	listing_free(listing_of(fi));
	fuse_reply_err(req, 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = begin(req, STATS_OTHER);
	struct statvfs st;

	if (fstatvfs(source_fd(fs->source), &st)) {
		fuse_reply_err(req, errno);
		return;
	}
	st.f_flag |= ST_RDONLY;
	st.f_bavail = st.f_bfree = 0;
	fuse_reply_statfs(req, &st);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fs *fs = begin(req, STATS_XATTR);
	char *value;
	errint_t err = xattr_get(fs, fs_node(fs, ino), name, &value);

	if (err) {
		fuse_reply_err(req, err == -EOPNOTSUPP ? EOPNOTSUPP : fs_errno(err));
		return;
	}
	size_t n = strlen(value);
	if (size == 0)
		fuse_reply_xattr(req, n);
	else if (n > size)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, value, n);
	free(value);
}

/* The mount is read-only for the kernel, which answers most of these itself; after a remount it would not. */
static void read_only(fuse_req_t req)
{
	begin(req, STATS_OTHER);
	fuse_reply_err(req, EROFS);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	read_only(req);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	read_only(req);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	read_only(req);
}

static void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	read_only(req);
}

static void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	read_only(req);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
                      unsigned flags)
{
	read_only(req);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	read_only(req);
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t offset,
                     struct fuse_file_info *fi)
{
	read_only(req);
}

static void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	read_only(req);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	read_only(req);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	read_only(req);
}

static void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
                         struct fuse_file_info *fi)
{
	read_only(req);
}

/* No flush and no listxattr: their absence is answered with ENOSYS, and the kernel asks no more. The `ls -l` of newer
 * coreutils lists the attributes of each file it shows. */
const struct fuse_lowlevel_ops ops_table = {
        .init = op_init,
        .lookup = op_lookup,
        .forget = op_forget,
        .forget_multi = op_forget_multi,
        .getattr = op_getattr,
        .readlink = op_readlink,
        .open = op_open,
        .read = op_read,
        .opendir = op_opendir,
        .readdir = op_readdir,
        .readdirplus = op_readdirplus,
        .releasedir = op_releasedir,
        .statfs = op_statfs,
        .getxattr = op_getxattr,
        .setattr = op_setattr,
        .mknod = op_mknod,
        .mkdir = op_mkdir,
        .unlink = op_remove,
        .rmdir = op_remove,
        .symlink = op_symlink,
        .rename = op_rename,
        .link = op_link,
        .write = op_write,
        .setxattr = op_setxattr,
        .removexattr = op_removexattr,
        .create = op_create,
        .fallocate = op_fallocate,
};
