/* SPDX-License-Identifier: MIT */
#include "src/search_trees.h"

#include "search/catalog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

struct search_trees {
	struct evaluator_trees table;
	char *directory, *work, *point, *log, *options;
	pthread_mutex_t first; /* over the first take, which mounts */
	bool is_tried;
	int life; /* of the mount: it ends when this is closed, also by our death; -1: nothing is mounted */
	pid_t mount;
	char *lock_path;
	int lock; /* that we live, for searches that clear away what others left */
};

/* This program, with its output in `log`. `input` (or -1: nothing) is what it reads. */
static errint_t start(const struct search_trees *trees, const char *const argv[], int input, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int err = posix_spawn_file_actions_init(&actions);

	if (err)
		return -err;
	posix_spawnattr_init(&attributes);
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attributes, &none);
	/* A group of its own: Ctrl-C is ours to understand. */
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	if (input >= 0)
		posix_spawn_file_actions_adddup2(&actions, input, 0);
	else
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, 1, trees->log, O_WRONLY | O_CREAT | O_APPEND, 0666);
	posix_spawn_file_actions_adddup2(&actions, 1, 2);
	err = posix_spawn(ret_pid, argv[0], &actions, &attributes, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return -err;
}

static int await(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* --- The mount ---------------------------------------------------------------------------------------------------- */

/*
 * The shell mounts, and once its input ends, which our death brings about, unmounts. It says "ready" by a file, since its
 * output is the log.
 */
static const char mount_script[] = "trap '' INT TERM HUP\n"
                                   "\"$1\" mount -o \"$4\" -- \"$2\" \"$3\" || exit 1\n"
                                   ": > \"$3.ready\"\n"
                                   "cat\n"
                                   "if [ \"$(id -u)\" = 0 ]; then umount -l \"$3\"; else fusermount3 -u -z \"$3\"; fi\n"
                                   "rm -f \"$3.ready\"\n"
                                   "rmdir \"$3\"\n";

static bool wait_until_ready(struct search_trees *trees)
{
	struct timespec pause = {.tv_nsec = 5000000};
	char ready[4200];

	snprintf(ready, sizeof(ready), "%s.ready", trees->point);
	while (access(ready, F_OK)) {
		int status;
		pid_t pid = waitpid(trees->mount, &status, WNOHANG);
		if (pid)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static void find_self(char self[static 4096])
{
	ssize_t n = readlink("/proc/self/exe", self, 4095);

	self[n > 0 ? n : 0] = 0;
}

/* Where that cannot be, trees are exported, and the log says why. */
static errint_t try_mount(struct search_trees *trees, struct ic_why *why)
{
	char self[4096];
	const char *const argv[] = {"/bin/sh",           "-c",           mount_script,
	                            "icfs-search-mount", self,           trees->directory,
	                            trees->point,        trees->options, NULL};
	int life[2];

	find_self(self);
	if (mkdir(trees->point, 0777))
		return ic_fail(why, -errno, "%.120s: %s", trees->point, strerror(errno));
	if (pipe2(life, O_CLOEXEC)) {
		rmdir(trees->point);
		return ic_fail(why, -errno, "a pipe: %s", strerror(errno));
	}
	errint_t err = start(trees, argv, life[0], &trees->mount);
	close(life[0]);
	if (!err && wait_until_ready(trees)) {
		trees->life = life[1];
		return 0;
	}
	close(life[1]);
	rmdir(trees->point);
	return err ? ic_fail(why, err, "%s", strerror(-err)) : 0;
}

static errint_t mount_once(struct search_trees *trees, struct ic_why *why)
{
	errint_t err = 0;

	pthread_mutex_lock(&trees->first);
	if (!trees->is_tried)
		err = try_mount(trees, why);
	trees->is_tried = !err;
	pthread_mutex_unlock(&trees->first);
	return err;
}

/* --- Trees -------------------------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	return remove(path);
}

static errint_t export_one(struct search_trees *trees, char *design, char *face, char *path, struct ic_why *why)
{
	char self[4096];
	pid_t pid;

	find_self(self);
	const char *const argv[] = {self, "export", "--follow-files", "--design", design, "--face",
	                            face, "--",     trees->directory, path,       NULL};
	errint_t err = start(trees, argv, -1, &pid);
	if (err)
		return ic_fail(why, err, "icfs export: %s", strerror(-err));
	int status = await(pid);
	return status ? ic_fail(why, -EIO, "the tree under %s could not be exported; log: %.120s", design, trees->log)
	              : 0;
}

static errint_t take(void *context, const struct ic_design *design, enum ic_face face, char **ret_path,
                     struct ic_why *why)
{
	struct search_trees *trees = context;
	char text[IC_DESIGN_STRING_SIZE], name[IC_DESIGN_STRING_SIZE];
	char *path;
	int n;
	errint_t err = mount_once(trees, why);

	if (err)
		return err;
	ic_design_print(design, text);
	snprintf(name, sizeof(name), "%s", ic_face_name(face));
	if (trees->life >= 0)
		n = asprintf(&path, "%s/.icfs/view/%s,%s", trees->point, text, name);
	else
		n = asprintf(&path, "%s-%s,%s", trees->point, text, name);
	if (n < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	err = trees->life >= 0 ? 0 : export_one(trees, text, name, path, why);
	if (err) {
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
		free(path);
	} else {
		*ret_path = path;
	}
	return err;
}

static void give_back(void *context, const char *path)
{
	struct search_trees *trees = context;

	if (trees->life < 0)
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* --- What killed searches left ------------------------------------------------------------------------------------- */

/* Each search holds a lock, .tree-ID, as long as it lives; where it mounts is called tree-ID, and its exported trees
 * tree-ID-DESIGN,FACE. IDs are random: numbers of processes come again, in containers all the time. */
#define LOCK_PREFIX ".tree-"

static errint_t hold_lock(struct search_trees *trees, struct ic_why *why)
{
	for (;;) {
		struct stat st;
		free(trees->lock_path);
		if (asprintf(&trees->lock_path, "%s/" LOCK_PREFIX "XXXXXX", trees->work) < 0) {
			trees->lock_path = NULL;
			return ic_fail(why, -ENOMEM, "out of memory");
		}
		trees->lock = mkostemp(trees->lock_path, O_CLOEXEC);
		if (trees->lock < 0 || flock(trees->lock, LOCK_EX) || fstat(trees->lock, &st))
			return ic_fail(why, -errno, "%.120s: %s", trees->lock_path, strerror(errno));
		if (st.st_nlink > 0)
			return 0;
		close(trees->lock);
		trees->lock = -1; /* somebody took it for one that was left */
	}
}

/* What the search whose lock is called .tree-ID left. Where something is mounted still, that stays. */
static void remove_trees_of(const char *work, const char *id)
{
	char path[4200], prefix[64];
	DIR *directory = opendir(work);

	if (!directory)
		return;
	snprintf(path, sizeof(path), "%s/tree-%.40s", work, id);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/tree-%.40s.ready", work, id);
	unlink(path);
	snprintf(prefix, sizeof(prefix), "tree-%.40s-", id);
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", work, entry->d_name);
		nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	closedir(directory);
}

/* Nobody holds the lock of one that was killed. */
static void remove_left_trees(const char *work)
{
	char path[4200];
	DIR *directory = opendir(work);

	if (!directory)
		return;
	for (struct dirent *entry; (entry = readdir(directory));) {
		if (strncmp(entry->d_name, LOCK_PREFIX, strlen(LOCK_PREFIX)) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", work, entry->d_name);
		int lock = open(path, O_RDWR | O_CLOEXEC);
		if (lock < 0)
			continue;
		if (!flock(lock, LOCK_EX | LOCK_NB)) {
			remove_trees_of(work, entry->d_name + strlen(LOCK_PREFIX));
			unlink(path);
		}
		close(lock);
	}
	closedir(directory);
}

/* --- All of it ---------------------------------------------------------------------------------------------------- */

static errint_t place(const char *catalog, const char *work, char **ret_work, struct ic_why *why)
{
	char *beside = NULL, *path = NULL;
	errint_t err = work || catalog ? 0 : catalog_default_path(&beside, why);

	if (err)
		return err;
	int n = work ? asprintf(&path, "%s", work) : asprintf(&path, "%s-work", catalog ? catalog : beside);
	free(beside);
	if (n < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	if (mkdir(path, 0777) && errno != EEXIST)
		err = ic_fail(why, -errno, "%.120s: %s", path, strerror(errno));
	*ret_work = err ? NULL : realpath(path, NULL);
	if (!err && !*ret_work)
		err = ic_fail(why, -errno, "%.120s: %s", path, strerror(errno));
	free(path);
	return err;
}

/* Files that are links to the outside belong to a dataset (dataset.h), so they are followed. */
static char *mount_options(const char *log)
{
	static const char begin[] = "catalog=none,follow_files,log=";
	char *options = malloc(sizeof(begin) + 2 * strlen(log)), *at;

	if (!options)
		return NULL;
	at = stpcpy(options, begin);
	for (; *log; *at++ = *log++)
		if (*log == ',' || *log == '\\')
			*at++ = '\\';
	*at = 0;
	return options;
}

static errint_t set_up(struct search_trees *trees, const char *directory, const char *catalog, const char *work,
                       struct ic_why *why)
{
	errint_t err = place(catalog, work, &trees->work, why);

	if (err)
		return err;
	if (access("/proc/self/exe", F_OK))
		return ic_fail(why, -ENOENT, "/proc is needed");
	remove_left_trees(trees->work);
	err = hold_lock(trees, why);
	if (err)
		return err;
	const char *id = strrchr(trees->lock_path, '/') + strlen("/" LOCK_PREFIX);
	trees->directory = strdup(directory);
	if (!trees->directory || asprintf(&trees->point, "%s/tree-%s", trees->work, id) < 0 ||
	    asprintf(&trees->log, "%s/trees.log", trees->work) < 0 || !(trees->options = mount_options(trees->log)))
		return ic_fail(why, -ENOMEM, "out of memory");
	return 0;
}

errint_t search_trees_new(const char *directory, const char *catalog, const char *work, struct search_trees **ret_trees,
                          struct ic_why *why)
{
	struct search_trees *trees = malloc(sizeof(*trees));

	if (!trees)
		return ic_fail(why, -ENOMEM, "out of memory");
	*trees = (struct search_trees){.table = {trees, take, give_back}, .life = -1, .lock = -1};
	pthread_mutex_init(&trees->first, NULL);
	errint_t err = set_up(trees, directory, catalog, work, why);
	if (err)
		search_trees_free(trees);
	else
		*ret_trees = trees;
	return err;
}

void search_trees_free(struct search_trees *trees)
{
	if (!trees)
		return;
	if (trees->life >= 0) {
		close(trees->life);
		await(trees->mount);
	}
	if (trees->lock >= 0) {
		unlink(trees->lock_path);
		close(trees->lock);
	}
	pthread_mutex_destroy(&trees->first);
	free(trees->lock_path);
	free(trees->directory);
	free(trees->work);
	free(trees->point);
	free(trees->log);
	free(trees->options);
	free(trees);
}

const struct evaluator_trees *search_trees_table(struct search_trees *trees)
{
	return &trees->table;
}

const char *search_trees_work(const struct search_trees *trees)
{
	return trees->work;
}
