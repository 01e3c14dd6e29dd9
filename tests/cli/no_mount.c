/* SPDX-License-Identifier: MIT */
/* A library to be preloaded: a machine on which nothing can be mounted. */
struct fuse_session;

__attribute__((visibility("default"))) int fuse_session_mount(struct fuse_session *session, const char *mountpoint);

int fuse_session_mount(struct fuse_session *session, const char *mountpoint)
{
	return -1;
}
