/* SPDX-License-Identifier: MIT */
#include "fs/visit_priv.h"
#include "fs/invalidate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Who finds out first that a policy changed, a request or the watch, has the kernel forget what follows. */
static void refresh_policy(struct visit *visit, struct node *directory, const char *place)
{
	if (govern_refresh(visit->fs->govern, directory, place))
		invalidate_post_policy(visit->fs, directory);
}

/* Where nothing tells of changes, every policy file of the chain is looked at each time. */
static errint_t refresh_policies(struct visit *visit)
{
	struct dir *dir = visit->dir;
	char place[PATH_MAX];

	if (!atomic_load(&dir->policy_loaded))
		refresh_policy(visit, visit->node, visit->place);
	for (struct node *at = visit->node;; at = at->parent) {
		if (!atomic_load(&at->directory->dir->is_watched)) {
			errint_t err = node_place(at, place);
			if (err)
				return err;
			refresh_policy(visit, at, place);
		}
		if (at->directory->is_top)
			return 0;
	}
}

static errint_t open_directory(struct visit *visit)
{
	errint_t err = node_place(visit->node, visit->place);

	if (!err)
		err = source_open(visit->fs->source, visit->place, O_PATH | O_DIRECTORY, &visit->fd);
	if (err)
		return err == -ELOOP || err == -ENOTDIR || err == -ENOENT ? -ESTALE : err;
	if (fstat(visit->fd, &visit->st))
		return -errno;
	if (visit->st.st_ino != visit->node->ino || source_device(visit->st.st_dev) != visit->node->dev)
		return -ESTALE;
	return 0;
}

errint_t visit_begin(struct visit *visit, struct fs *fs, struct node *directory)
{
	visit->fs = fs;
	visit->node = directory;
	visit->dir = directory->directory->dir;
	visit->table = NULL;
	visit->ahead = NULL;
	visit->fd = -1;
	nodes_hold(fs->nodes, directory);
	errint_t err = open_directory(visit);
	if (!err) {
		watch_directory(fs->watch, visit->dir, visit->fd);
		visit->version = atomic_load(&visit->dir->version);
		visit->timeout = atomic_load(&visit->dir->is_watched) ? ENTRY_TIMEOUT_WATCHED : fs->stale_timeout;
		err = refresh_policies(visit);
	}
	if (!err) {
		visit->generation = govern_generation(fs->govern);
		err = govern_policy(fs->govern, directory, &visit->variant, &visit->design_is_default);
	}
	if (err)
		visit_end(visit);
	return err;
}

void visit_end(struct visit *visit)
{
	free(visit->ahead);
	table_unref(visit->table);
	if (visit->fd >= 0)
		close(visit->fd);
	nodes_release(visit->fs->nodes, visit->node);
}

errint_t visit_names(struct visit *visit, struct table *table)
{
	if (table) {
		visit->table = table_ref(table);
		return 0;
	}
	return visit_read_table(visit, &visit->table);
}

errint_t visit_names_near(struct visit *visit, const char *name)
{
	return dir_table_near(visit->fs->dirs, visit->dir, visit->fd, &visit->st, name, &visit->table);
}

errint_t visit_read_table(struct visit *visit, struct table **ret_table)
{
	return dir_table(visit->fs->dirs, visit->dir, visit->fd, &visit->st, ret_table);
}

bool visit_is_outdated(const struct visit *visit)
{
	return visit->version != atomic_load(&visit->dir->version) ||
	       visit->generation != govern_generation(visit->fs->govern);
}
