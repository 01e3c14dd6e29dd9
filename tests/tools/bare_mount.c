/* SPDX-License-Identifier: MIT */
/*
 * bare_mount TREE POINT: serve TREE, which does not change, on POINT by FUSE, with nothing that costs the kernel more than it
 * must: names, attributes and pages stay with it for good, and it is told to ask of no open, flush or release. What it takes to
 * read files again here is the least that any file system of FUSE's takes. It goes on in the background until unmounted.
 */
#define FUSE_USE_VERSION 35

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <fuse_lowlevel.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOREVER_S 1e9

struct node {
	char *path;       /* of TREE; nodes are in the order of nftw: what holds others stands before them */
	const char *name; /* the end of it */
	struct stat st;
	size_t parent;
};

/* From 1 on, as FUSE counts: 1 is TREE. */
static struct node *nodes;
static size_t nnodes;

static size_t find_parent(const char *path, size_t nbytes)
{
	for (size_t i = nnodes; i > 0; i--)
		if (!strncmp(nodes[i].path, path, nbytes) && !nodes[i].path[nbytes])
			return i;
	return FUSE_ROOT_ID;
}

static int add(const char *path, const struct stat *st, int flag, struct FTW *walk)
{
	(void)flag;
	struct node *grown = realloc(nodes, (nnodes + 2) * sizeof *nodes);
	char *copy = strdup(path);

	if (grown)
		nodes = grown;
	if (!grown || !copy) {
		free(copy);
		return -1;
	}
	struct node node = {.path = copy, .name = copy + walk->base, .st = *st, .parent = FUSE_ROOT_ID};
	if (nnodes)
		node.parent = find_parent(copy, (size_t)walk->base - 1);
	node.st.st_ino = nnodes + 1;
	nodes[++nnodes] = node;
	return 0;
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	for (size_t i = parent + 1; i <= nnodes; i++) {
		if (nodes[i].parent != parent || strcmp(nodes[i].name, name))
			continue;
		struct fuse_entry_param entry = {
		        .ino = i, .attr = nodes[i].st, .attr_timeout = FOREVER_S, .entry_timeout = FOREVER_S};
		fuse_reply_entry(req, &entry);
		return;
	}
	fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	fuse_reply_attr(req, &nodes[ino].st, FOREVER_S);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	char *page = malloc(size);
	size_t used = 0;

	for (size_t i = (size_t)offset > ino ? (size_t)offset + 1 : ino + 1; page && i <= nnodes; i++) {
		if (nodes[i].parent != ino)
			continue;
		size_t n = fuse_add_direntry(req, page + used, size - used, nodes[i].name, &nodes[i].st, (off_t)i);
		if (n > size - used)
			break;
		used += n;
	}
	if (page)
		fuse_reply_buf(req, page, used);
	else
		fuse_reply_err(req, ENOMEM);
	free(page);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino, (void)fi;
	fuse_reply_err(req, ENOSYS);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	(void)fi;
	int fd = open(nodes[ino].path, O_RDONLY | O_CLOEXEC);
	char *bytes = fd >= 0 ? malloc(size) : NULL;
	ssize_t n = bytes ? pread(fd, bytes, size, offset) : -1;

	if (n >= 0)
		fuse_reply_buf(req, bytes, (size_t)n);
	else
		fuse_reply_err(req, EIO);
	free(bytes);
	if (fd >= 0)
		close(fd);
}

static const struct fuse_lowlevel_ops ops = {
        .lookup = op_lookup, .getattr = op_getattr, .readdir = op_readdir, .open = op_open, .read = op_read};

static int serve(const char *point)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	bool failed = fuse_opt_add_arg(&args, "bare_mount") || fuse_opt_add_arg(&args, "-oro,default_permissions");
	struct fuse_session *session = failed ? NULL : fuse_session_new(&args, &ops, sizeof ops, NULL);
	int err = -1;

	if (session && !fuse_session_mount(session, point)) {
		err = fuse_daemonize(0) ? -1 : fuse_session_loop(session);
		fuse_session_unmount(session);
	}
	if (session)
		fuse_session_destroy(session);
	fuse_opt_free_args(&args);
	return err;
}

int main(int argc, char **argv)
{
	char *tree = argc == 3 ? realpath(argv[1], NULL) : NULL;

	if (!tree || nftw(tree, add, 16, FTW_PHYS)) {
		fputs("bare_mount: it takes a tree, and where to mount it\n", stderr);
		free(tree);
		return 2;
	}
	int err = serve(argv[2]);
	for (size_t i = 1; i <= nnodes; i++)
		free(nodes[i].path);
	free(nodes);
	free(tree);
	return err ? 1 : 0;
}
