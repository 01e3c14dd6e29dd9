/* SPDX-License-Identifier: MIT */
#include "fs/entry_priv.h"
#include "fs/attr_priv.h"
#include "fs/control_priv.h"
#include "fs/invalidate_priv.h"
#include "fs/making_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static errint_t make(struct fs *fs, const struct node_spec *spec, double timeout, struct fuse_entry_param *ret_entry)
{
	struct node *node;

	errint_t err = nodes_lookup(fs->nodes, spec, &node);
	if (err)
		return err;
	*ret_entry = (struct fuse_entry_param){
	        .ino = fs_nodeid(fs, node),
	        .entry_timeout = timeout,
	        .attr_timeout = timeout,
	};
	/* Its name may be watched where what is in it is not. */
	if (node->kind == NODE_DIRECTORY && !atomic_load(&node->directory->dir->is_watched))
		ret_entry->attr_timeout = fs->stale_timeout;
	err = attr_fill(fs, node, &ret_entry->attr);
	if (err)
		nodes_forget(fs->nodes, node, 1);
	return err;
}

errint_t entry_make(struct fs *fs, const struct found *found, struct fuse_entry_param *ret_entry)
{
	return make(fs, &found->spec, found->timeout, ret_entry);
}

/* A reply that did not reach the kernel took no reference. */
static void reply(fuse_req_t req, struct fs *fs, const struct fuse_entry_param *entry)
{
	if (fuse_reply_entry(req, entry) && entry->ino)
		nodes_forget(fs->nodes, fs_node(fs, entry->ino), 1);
}

static void lookup_control(fuse_req_t req, struct fs *fs, struct node *directory, const char *name)
{
	struct fuse_entry_param entry;
	struct policy_rule view;
	struct node_spec spec;
	char *text;

	errint_t err = control_spec(fs, directory, name, &spec, &text, &view);
	if (!err)
		err = make(fs, &spec, ENTRY_TIMEOUT_WATCHED, &entry);
	if (!err) {
		/* A text is another one each time; the directories on the way to it, and to a view, stay. */
		if (spec.kind == NODE_TEXT)
			entry.entry_timeout = 0;
		if (spec.kind == NODE_DIRECTORY)
			entry.attr_timeout = fs->stale_timeout;
	}
	free(text);
	if (err)
		fuse_reply_err(req, fs_errno(err));
	else
		reply(req, fs, &entry);
}

/* The names are there. */
static errint_t find_by(struct look *look, const char *name, struct fuse_entry_param *ret_entry)
{
	struct names names = look_served(look);
	struct fs *fs = look->visit->fs;
	enum name_form form;
	struct found found;

	ssize_t i = names_find(&names, name, &form);
	if (i < 0)
		return -ENOENT;
	errint_t err = look_examine(look, (size_t)i, form, &found);
	if (err)
		return err;
	if (found.lacks_size)
		err = making_measure(fs, &found);
	if (!err)
		err = entry_make(fs, &found, ret_entry);
	found_clear(&found);
	return err;
}

static errint_t find(struct visit *visit, const char *name, struct fuse_entry_param *ret_entry)
{
	struct look look = look_begin(visit);

	errint_t err = visit_names_near(visit, name);
	if (!err)
		err = find_by(&look, name, ret_entry);
	look_end(&look);
	return err;
}

/* A name that is not there is remembered by the kernel, but only for so long as a missed event may hurt; and not at all
 * where a policy could bring it, since no node tells of it when one changes. */
static struct fuse_entry_param negative(const struct fs *fs, const char *name)
{
	bool may_be_served = stem_length(name) || object_stem_length(name);

	return (struct fuse_entry_param){.entry_timeout = may_be_served ? 0 : fs->stale_timeout};
}

void entry_lookup(fuse_req_t req, struct fs *fs, struct node *directory, const char *name)
{
	struct fuse_entry_param entry;
	struct visit visit;

	if (directory->kind != NODE_DIRECTORY || !strcmp(name, CONTROL_NAME)) {
		lookup_control(req, fs, directory, name);
		return;
	}
	errint_t err = strlen(name) > NAME_MAX ? -ENAMETOOLONG : visit_begin(&visit, fs, directory);
	if (err) {
		fuse_reply_err(req, fs_errno(err));
		return;
	}
	err = find(&visit, name, &entry);
	if (err == -ENOENT) {
		entry = negative(fs, name);
		err = 0;
	}
	if (err)
		fuse_reply_err(req, fs_errno(err));
	else
		reply(req, fs, &entry);
	/* Something changed while this was answered: the event may have come before the answer, and would be lost. */
	if (visit_is_outdated(&visit))
		invalidate_post(fs, directory, name);
	visit_end(&visit);
}
