/* SPDX-License-Identifier: MIT */
#include "fs/watch.h"
#include "search/clock.h"

#include <errno.h>
#include <linux/magic.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/vfs.h>
#include <unistd.h>

#define BUCKETS 4096u
#define TICK_MS 400 /* what is asked for then is to be noticed within a second */
#define EVENTS                                                                                                         \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO |                \
	 IN_DELETE_SELF | IN_MOVE_SELF)

struct item {
	struct item *next;
	void *posted;
};

struct watch {
	struct dirs *dirs;
	struct watch_hooks hooks;
	struct log *log;
	int inotify; /* -1 where it cannot be had */
	int wake;
	pthread_t thread;
	bool is_running;
	atomic_bool stopping;
	pthread_mutex_t lock;
	struct dir *buckets[BUCKETS]; /* by wd, chained by watch_next */
	bool limit_logged;
	struct item *first, **end;
};

static void forget(void *context, struct dir *dir);

errint_t watch_new(struct dirs *dirs, const struct watch_hooks *hooks, bool use_inotify, struct log *log,
                   struct watch **ret_watch)
{
	struct watch *watch = calloc(1, sizeof(*watch));

	if (!watch)
		return -ENOMEM;
	watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (watch->wake < 0) {
		free(watch);
		return -errno;
	}
	watch->inotify = use_inotify ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	if (use_inotify && watch->inotify < 0)
		log_write(log, LOG_LEVEL_WARNING, "no inotify (%s): changes are noticed by looking again",
		          strerror(errno));
	watch->dirs = dirs;
	watch->hooks = *hooks;
	watch->log = log;
	watch->end = &watch->first;
	atomic_init(&watch->stopping, false);
	pthread_mutex_init(&watch->lock, NULL);
	dirs_on_free(dirs, forget, watch);
	*ret_watch = watch;
	return 0;
}

static struct item *take_items(struct watch *watch)
{
	pthread_mutex_lock(&watch->lock);
	struct item *first = watch->first;
	watch->first = NULL;
	watch->end = &watch->first;
	pthread_mutex_unlock(&watch->lock);
	return first;
}

static void each_item(struct watch *watch, void (*handle)(void *context, void *item))
{
	for (struct item *item = take_items(watch), *next; item; item = next) {
		next = item->next;
		handle(watch->hooks.context, item->posted);
		free(item);
	}
}

void watch_free(struct watch *watch, void (*drop)(void *context, void *item))
{
	if (!watch)
		return;
	watch_stop(watch);
	each_item(watch, drop);
	dirs_on_free(watch->dirs, NULL, NULL);
	if (watch->inotify >= 0)
		close(watch->inotify);
	close(watch->wake);
	pthread_mutex_destroy(&watch->lock);
	free(watch);
}

/* inotify does not see what other machines do. */
static bool is_network(int fd)
{
	static const unsigned magics[] = {
	        NFS_SUPER_MAGIC,         SMB_SUPER_MAGIC,        CIFS_SUPER_MAGIC,
	        SMB2_SUPER_MAGIC,        FUSE_SUPER_MAGIC,       V9FS_MAGIC,
	        CODA_SUPER_MAGIC,        AFS_SUPER_MAGIC,        CEPH_SUPER_MAGIC,
	        0x0bd00bd0 /* Lustre */, 0x47504653 /* GPFS */,  0x19830326 /* BeeGFS */,
	        0x01161970 /* GFS2 */,   0x7461636f /* OCFS2 */,
	};
	struct statfs st;

	if (fstatfs(fd, &st))
		return true;
	for (size_t i = 0; i < sizeof(magics) / sizeof(*magics); i++)
		if ((unsigned)st.f_type == magics[i])
			return true;
	return false;
}

static struct dir **bucket_of(struct watch *watch, int wd)
{
	return &watch->buckets[(unsigned)wd & (BUCKETS - 1)];
}

static struct dir *find(struct watch *watch, int wd)
{
	struct dir *dir = *bucket_of(watch, wd);

	while (dir && dir->wd != wd)
		dir = dir->watch_next;
	return dir;
}

static void unlink_dir(struct watch *watch, struct dir *dir)
{
	struct dir **at = bucket_of(watch, dir->wd);

	while (*at != dir)
		at = &(*at)->watch_next;
	*at = dir->watch_next;
	dir->wd = -1;
	atomic_store(&dir->is_watched, false);
}

static void link_dir(struct watch *watch, struct dir *dir, int wd)
{
	struct dir *old = find(watch, wd);
	struct dir **bucket = bucket_of(watch, wd);

	if (old)
		unlink_dir(watch, old); /* on its way out; the same directory is in use again already */
	dir->wd = wd;
	dir->watch_next = *bucket;
	*bucket = dir;
	atomic_store(&dir->is_watched, true);
}

void watch_directory(struct watch *watch, struct dir *dir, int fd)
{
	char path[40];

	if (atomic_load(&dir->watch_tried))
		return;
	pthread_mutex_lock(&watch->lock);
	if (watch->inotify >= 0 && !atomic_load(&dir->watch_tried) && !is_network(fd)) {
		/* By the descriptor: a path could lead into our own mount. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int wd = inotify_add_watch(watch->inotify, path, EVENTS | IN_ONLYDIR);
		if (wd >= 0) {
			link_dir(watch, dir, wd);
		} else if (!watch->limit_logged) {
			watch->limit_logged = true;
			log_write(watch->log, LOG_LEVEL_WARNING,
			          "a directory cannot be watched (%s): changes there are noticed by looking again; "
			          "fs.inotify.max_user_watches is the limit",
			          strerror(errno));
		}
	}
	atomic_store(&dir->watch_tried, true);
	pthread_mutex_unlock(&watch->lock);
}

static void forget(void *context, struct dir *dir)
{
	struct watch *watch = context;

	pthread_mutex_lock(&watch->lock);
	if (dir->wd >= 0) {
		inotify_rm_watch(watch->inotify, dir->wd);
		unlink_dir(watch, dir);
	}
	pthread_mutex_unlock(&watch->lock);
}

bool watch_post(struct watch *watch, void *posted)
{
	struct item *item = malloc(sizeof(*item));
	uint64_t one = 1;

	if (!item)
		return false;
	*item = (struct item){.posted = posted};
	pthread_mutex_lock(&watch->lock);
	*watch->end = item;
	watch->end = &item->next;
	pthread_mutex_unlock(&watch->lock);
	if (write(watch->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_write(watch->log, LOG_LEVEL_WARNING, "waking the watch thread: %s", strerror(errno));
	return true;
}

/* The directory of an event, referenced, or NULL. While the lock is held, a dir in the map is not freed. */
static struct dir *dir_of(struct watch *watch, const struct inotify_event *event)
{
	pthread_mutex_lock(&watch->lock);
	struct dir *dir = find(watch, event->wd);
	if (dir && !dirs_ref(watch->dirs, dir))
		dir = NULL;
	if (dir && event->mask & (IN_IGNORED | IN_UNMOUNT)) {
		unlink_dir(watch, dir);
		atomic_store(&dir->watch_tried, false); /* another one may get its number */
	}
	pthread_mutex_unlock(&watch->lock);
	return dir;
}

static void handle_event(struct watch *watch, const struct inotify_event *event)
{
	if (event->mask & IN_Q_OVERFLOW) {
		log_write(watch->log, LOG_LEVEL_WARNING, "events of changes were lost: everything is looked at again");
		watch->hooks.overflowed(watch->hooks.context);
		return;
	}
	struct dir *dir = dir_of(watch, event);
	if (!dir)
		return;
	watch->hooks.changed(watch->hooks.context, dir, event->mask, event->len ? event->name : NULL);
	dirs_put(watch->dirs, dir);
}

static void handle_events(struct watch *watch)
{
	_Alignas(struct inotify_event) char buffer[16384];
	ssize_t n = read(watch->inotify, buffer, sizeof(buffer));

	for (ssize_t at = 0; at < n;) {
		const struct inotify_event *event = (const void *)(buffer + at);
		handle_event(watch, event);
		at += (ssize_t)(sizeof(*event) + event->len);
	}
}

static int64_t now_ms(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000000;
}

static void *run(void *context)
{
	struct watch *watch = context;
	struct pollfd fds[] = {{.fd = watch->wake, .events = POLLIN}, {.fd = watch->inotify, .events = POLLIN}};
	int64_t next = 0;
	uint64_t count;

	while (!atomic_load(&watch->stopping)) {
		if (watch->hooks.tick && now_ms() >= next) {
			watch->hooks.tick(watch->hooks.context);
			next = now_ms() + TICK_MS;
		}
		if (poll(fds, 2, watch->hooks.tick ? TICK_MS : -1) < 0)
			continue;
		if (fds[0].revents && read(watch->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
			break;
		if (fds[1].revents)
			handle_events(watch);
		each_item(watch, watch->hooks.posted);
	}
	return NULL;
}

errint_t watch_start(struct watch *watch)
{
	int err = pthread_create(&watch->thread, NULL, run, watch);

	watch->is_running = err == 0;
	return -err;
}

void watch_stop(struct watch *watch)
{
	uint64_t one = 1;

	if (!watch->is_running)
		return;
	atomic_store(&watch->stopping, true);
	while (write(watch->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(watch->thread, NULL);
	watch->is_running = false;
}
