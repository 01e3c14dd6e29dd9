/* SPDX-License-Identifier: MIT */
/*
 * What follows from a change: the kernel forgets names that may now stand for something else, and attributes of
 * directories; the cache gives up what is out of date. All of it runs in the watch thread, never in a request, because
 * the kernel holds a directory's lock while a request on it is under way, and telling it to forget takes that lock.
 */
#include "fs/invalidate_priv.h"
#include "fs/making_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

/* Handed over by a request. */
struct posted {
	struct node *directory; /* held */
	char name[];            /* of an entry; "" for all that the directory's policy decides */
};

/* What visitors are told of a change. Each reads only what it needs, and only that is set. */
struct change {
	struct fs *fs;
	const struct dir *dir;
	const char *name;
	struct node *directory;
};

static void forget_name(void *context, const char *name)
{
	const struct change *change = context;
	struct fs *fs = change->fs;

	stats_add(&fs->stats, STATS_INVALIDATIONS, 1);
	fs->notify.entry(fs->notify.context, fs_nodeid(fs, change->directory), name);
}

static void drop_object(void *context, struct node *node)
{
	const struct change *change = context;

	if (node->kind != NODE_OBJECT)
		return;
	struct object_key key = making_key(node);
	cache_drop(change->fs->cache, &key);
}

/* The source's entry `name` of `directory` came, went or changed. */
static void entry_changed(struct fs *fs, struct node *directory, const char *name)
{
	struct change change = {.fs = fs, .directory = directory};
	struct dir *dir = directory->directory->dir;
	struct table *table = dir_last_table(fs->dirs, dir);

	nodes_each_named(fs->nodes, directory, name, drop_object, &change);
	if (table)
		names_affected(table, name, forget_name, &change);
	else
		names_affected_near(name, dir_last_endings(fs->dirs, dir), forget_name, &change);
	table_unref(table);
}

static void forget_attributes(void *context, struct node *node)
{
	const struct change *change = context;
	struct fs *fs = change->fs;

	if (node->kind == NODE_DIRECTORY)
		fs->notify.attributes(fs->notify.context, fs_nodeid(fs, node));
}

/* One directory node, of a directory in which something happened to change->name. */
static void directory_changed(void *context, struct node *node)
{
	const struct change *change = context;

	entry_changed(change->fs, node, change->name);
	forget_attributes(context, node);
}

static void child_attributes_changed(void *context, struct node *node)
{
	const struct change *change = context;

	nodes_each_named(change->fs->nodes, node, change->name, forget_attributes, context);
}

static bool is_below(const struct node *node, const struct dir *dir)
{
	for (; node; node = node->parent)
		if (node->kind == NODE_DIRECTORY && node->directory->dir == dir)
			return true;
	return false;
}

/* Whether an object would be made the same again. Of an .ic file that goes by its own design that is not known here: the
 * node may have been made under another. */
static bool is_made_the_same(struct fs *fs, const struct node *node)
{
	struct ic_variant variant, was = node_variant(node);
	bool is_default;

	if (govern_policy(fs->govern, node->parent, &variant, &is_default))
		return false;
	if (object_stem_length(node->name)) {
		if (is_default)
			return false;
		variant = policy_variant_of_object(variant, false, &was.design);
	}
	return ic_variant_equal(&variant, &was);
}

/* A node somewhere below a directory whose policy changed. */
static void policy_changed_above(void *context, struct node *node)
{
	const struct change *change = context;

	if ((node->kind != NODE_OBJECT && node->kind != NODE_FILE) || !is_below(node, change->dir))
		return;
	if (node->kind == NODE_OBJECT && is_made_the_same(change->fs, node))
		return;
	if (node->kind == NODE_FILE && !stem_length(node->name) && !object_stem_length(node->name))
		return; /* no policy changes what it is served as */
	entry_changed(change->fs, node->parent, node->name);
}

static void refresh_policy(struct fs *fs, struct node *directory)
{
	struct change change = {.fs = fs, .dir = directory->directory->dir};
	char place[PATH_MAX];

	if (!node_place(directory, place) && govern_refresh(fs->govern, directory, place))
		nodes_each(fs->nodes, policy_changed_above, &change);
}

/* A policy file counts when who writes it is done; one that was just created is still empty. */
static bool is_policy_event(uint32_t mask, const char *name)
{
	return !strcmp(name, POLICY_FILE_NAME) &&
	       mask & (IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_ATTRIB);
}

static void policy_event(void *context, struct node *directory)
{
	const struct change *change = context;

	refresh_policy(change->fs, directory);
}

static void changed(void *context, struct dir *dir, uint32_t mask, const char *name)
{
	struct fs *fs = context;
	struct change change = {.fs = fs, .dir = dir, .name = name};

	dir_touch(dir);
	if (mask & IN_IGNORED)
		govern_distrust(dir);
	if (!name) {
		nodes_each_of_dir(fs->nodes, dir, forget_attributes, &change);
		return;
	}
	if (!strcmp(name, CONTROL_NAME) || strlen(name) > NAME_MAX)
		return;
	if (mask & IN_ISDIR && !(mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO))) {
		nodes_each_of_dir(fs->nodes, dir, child_attributes_changed, &change);
		return;
	}
	nodes_each_of_dir(fs->nodes, dir, directory_changed, &change);
	if (is_policy_event(mask, name)) {
		govern_distrust(dir); /* for who comes next, if nobody uses the directory now */
		nodes_each_of_dir(fs->nodes, dir, policy_event, &change);
	}
}

static void refresh_all(void *context, struct node *node)
{
	const struct change *change = context;

	if (node->kind == NODE_DIRECTORY)
		refresh_policy(change->fs, node);
}

static void distrust(struct dir *dir)
{
	dir_touch(dir);
	govern_distrust(dir);
}

static void forget_all(void *context, struct node *node)
{
	struct change *change = context;

	if (!node->parent || node->parent->kind != NODE_DIRECTORY)
		return;
	change->directory = node->parent;
	names_possible(node->name, forget_name, change);
}

static void overflowed(void *context)
{
	struct change change = {.fs = context};

	dirs_each(change.fs->dirs, distrust);
	nodes_each(change.fs->nodes, refresh_all, &change);
	nodes_each(change.fs->nodes, drop_object, &change); /* before the kernel forgets them */
	nodes_each(change.fs->nodes, forget_all, &change);
	nodes_each(change.fs->nodes, forget_attributes, &change);
}

static void posted(void *context, void *item)
{
	struct fs *fs = context;
	struct posted *posted = item;
	struct change change = {.fs = fs, .dir = posted->directory->directory->dir};

	if (*posted->name)
		entry_changed(fs, posted->directory, posted->name);
	else
		nodes_each(fs->nodes, policy_changed_above, &change);
	invalidate_drop(fs, item);
}

/* inotify tells of it when nobody holds the directory any more, and the mount does. */
static void look_for_source(struct fs *fs)
{
	if (!fs->is_removal_told && source_is_removed(fs->source)) {
		log_write(fs->log, LOG_LEVEL_WARNING, "%s: " SOURCE_REMOVED, source_path(fs->source));
		fs->is_removal_told = true;
	}
}

static void make_up_for_lost_changes(struct fs *fs)
{
	if (!atomic_exchange(&fs->is_change_lost, false))
		return;
	log_write(fs->log, LOG_LEVEL_WARNING, "out of memory for a change: everything is looked at again");
	overflowed(fs);
}

/* What nobody tells of: the source may be gone, and what the catalog says may have changed. */
static void tick(void *context)
{
	struct fs *fs = context;
	struct change change = {.fs = fs, .dir = nodes_root(fs->nodes)->directory->dir};

	look_for_source(fs);
	make_up_for_lost_changes(fs);
	if (fs->idle)
		idle_listen(fs->idle);
	if (!fs->catalog || atomic_load(&fs->catalog_is_useless) || !choices_refresh(fs->choices, fs->catalog))
		return;
	log_write(fs->log, LOG_LEVEL_INFO, "the catalog's choices changed");
	govern_choices_changed(fs->govern);
	nodes_each(fs->nodes, policy_changed_above, &change);
}

void invalidate_drop(void *context, void *item)
{
	struct fs *fs = context;
	struct posted *posted = item;

	nodes_release(fs->nodes, posted->directory);
	free(posted);
}

void invalidate_post(struct fs *fs, struct node *directory, const char *name)
{
	size_t size = strlen(name) + 1;
	struct posted *posted = malloc(sizeof(*posted) + size);

	if (!posted) {
		atomic_store(&fs->is_change_lost, true);
		return;
	}
	posted->directory = directory;
	memcpy(posted->name, name, size);
	nodes_hold(fs->nodes, directory);
	if (!watch_post(fs->watch, posted)) {
		atomic_store(&fs->is_change_lost, true);
		invalidate_drop(fs, posted);
	}
}

void invalidate_post_policy(struct fs *fs, struct node *directory)
{
	invalidate_post(fs, directory, "");
}

struct watch_hooks invalidate_hooks(struct fs *fs)
{
	return (struct watch_hooks){
	        .context = fs, .changed = changed, .overflowed = overflowed, .tick = tick, .posted = posted};
}
