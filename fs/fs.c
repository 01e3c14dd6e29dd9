/* SPDX-License-Identifier: MIT */
#include "fs/fs_priv.h"
#include "fs/invalidate_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NODEID_ROOT 1 /* FUSE_ROOT_ID */

/* The kernel counts timeouts in jiffies, rounded up, of 10 ms on its slowest clock. */
#define TIMEOUT_SLACK 0.02

static void warn_of_unused(void *context, const char *problem)
{
	log_write(context, LOG_LEVEL_WARNING, "%s", problem);
}

static errint_t make_govern(struct fs *fs, struct ic_why *why)
{
	const struct mount_settings *settings = &fs->settings;
	struct policy_file *tree = NULL;
	errint_t err = 0;

	if (settings->policy_file)
		err = policy_file_open(settings->policy_file, &tree, why);
	if (!err)
		err = govern_check_tree(fs->source, why);
	if (err) {
		policy_file_free(tree);
		return err;
	}
	err = govern_new(fs->source, fs->dirs, fs->log, &settings->policy, tree, settings->policy_file, &fs->govern);
	if (err) {
		policy_file_free(tree);
		return ic_fail(why, err, "out of memory");
	}
	govern_each_unused(fs->govern, warn_of_unused, fs->log);
	return 0;
}

/* A catalog that somebody named is needed; else it is a convenience, and ret_reason says why there is none. */
static errint_t open_catalog(struct fs *fs, struct ic_why *ret_reason, struct ic_why *why)
{
	const char *path = fs->settings.catalog;
	char *place = NULL;

	if (path)
		return *path ? catalog_open(path, &fs->catalog, why) : 0;
	errint_t err = catalog_default_path(&place, ret_reason);
	if (!err)
		err = catalog_open(place, &fs->catalog, ret_reason);
	if (err)
		log_write(fs->log, LOG_LEVEL_WARNING, "no catalog, so sizes are not remembered: %s", ret_reason->text);
	free(place);
	return 0;
}

static void warn_of_read_only(const struct fs *fs)
{
	struct ic_why why = {""};

	if (catalog_check_writable(fs->catalog, &why))
		log_write(fs->log, LOG_LEVEL_WARNING, "sizes are not remembered: %s", why.text);
}

/* What searches chose, and the catalog that they are in. */
static errint_t make_choices(struct fs *fs, struct ic_why *why)
{
	struct ic_why reason = {""};
	errint_t err = open_catalog(fs, &reason, why);

	if (err)
		return err;
	err = choices_new(source_path(fs->source), fs->log, &fs->choices);
	if (err)
		return ic_fail(why, err, "out of memory");
	if (fs->catalog) {
		warn_of_read_only(fs);
		choices_refresh(fs->choices, fs->catalog);
	} else if (reason.text[0]) {
		choices_set_failure(fs->choices, &reason);
	}
	govern_set_choices(fs->govern, fs->choices);
	return 0;
}

static errint_t open_store(struct fs *fs, struct ic_why *why)
{
	if (!fs->settings.store.directory)
		return 0;
	errint_t err = store_check_place(fs->settings.store.directory, source_path(fs->source), why);
	return err ? err : store_open(&fs->settings.store, fs->log, &fs->store, why);
}

static errint_t make_parts(struct fs *fs)
{
	struct watch_hooks hooks = invalidate_hooks(fs);
	struct stat st;

	if (fstat(source_fd(fs->source), &st))
		return -errno;
	errint_t err = dirs_new(fs->settings.names_nbytes, &fs->dirs);
	if (!err)
		err = watch_new(fs->dirs, &hooks, !fs->settings.no_watch, fs->log, &fs->watch);
	if (!err)
		err = nodes_new(fs->dirs, &st, &fs->nodes);
	if (!err)
		err = cache_new(fs->settings.cache_nbytes, &fs->cache);
	if (!err)
		err = gate_new(fs->settings.limits.memory, &fs->source_gate);
	if (!err)
		err = gate_new(fs->settings.limits.memory, &fs->encode_gate);
	return err;
}

errint_t fs_new(const struct mount_settings *settings, struct log *log, struct fs **ret_fs, struct ic_why *why)
{
	struct fs *fs = calloc(1, sizeof(*fs));
	errint_t err;

	if (!fs)
		return ic_fail(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&fs->listings_lock, NULL);
	atomic_flag_clear(&fs->is_link_told);
	fs->settings = *settings;
	fs->stale_timeout = settings->staleness > TIMEOUT_SLACK ? settings->staleness - TIMEOUT_SLACK : 0;
	fs->log = log;
	fs->mountpoint = settings->mountpoint ? realpath(settings->mountpoint, NULL) : NULL;
	if (settings->mountpoint && !fs->mountpoint) {
		err = ic_fail(why, -errno, "mount point %s: %s", settings->mountpoint, strerror(errno));
		goto fail;
	}
	/* A second one would hide the first, which would come back when that is unmounted. */
	bool is_root = false;
	if (fs->mountpoint && source_is_in_mount(fs->mountpoint, &is_root)) {
		err = ic_fail(why, -EBUSY, "mount point %s: %s", settings->mountpoint,
		              is_root ? "icfs is mounted there already; fusermount3 -u ends that"
		                      : "it lies in a mount of icfs");
		goto fail;
	}
	err = source_new(settings->source, settings->follow, &fs->source, why);
	if (err)
		goto fail;
	err = make_parts(fs);
	if (err) {
		ic_fail(why, err, "%s", strerror(-err));
		goto fail;
	}
	err = make_govern(fs, why);
	if (!err)
		err = make_choices(fs, why);
	if (!err)
		err = open_store(fs, why);
	if (err)
		goto fail;
	*ret_fs = fs;
	return 0;
fail:
	fs_free(fs);
	return err;
}

void fs_free(struct fs *fs)
{
	if (!fs)
		return;
	watch_free(fs->watch, invalidate_drop);
	nodes_free(fs->nodes);
	dirs_free(fs->dirs);
	cache_free(fs->cache);
	gate_free(fs->source_gate);
	gate_free(fs->encode_gate);
	govern_free(fs->govern);
	choices_free(fs->choices);
	source_free(fs->source);
	store_close(fs->store);
	catalog_close(fs->catalog);
	pthread_mutex_destroy(&fs->listings_lock);
	free(fs->mountpoint);
	free(fs);
}

uint64_t fs_nodeid(const struct fs *fs, const struct node *node)
{
	return node == nodes_root(fs->nodes) ? NODEID_ROOT : (uintptr_t)node;
}

struct node *fs_node(const struct fs *fs, uint64_t nodeid)
{
	return nodeid == NODEID_ROOT ? nodes_root(fs->nodes) : (struct node *)(uintptr_t)nodeid;
}

int fs_errno(errint_t err)
{
	switch (-err) {
	case EACCES:
	case EPERM:
	case ENOENT:
	case ENOMEM:
	case ESTALE:
	case ENODATA:
	case ENOTDIR:
	case ENAMETOOLONG:
	case EMFILE:
	case ENFILE:
	case ERANGE:
	case EROFS:
		return -err;
	}
	return EIO;
}
