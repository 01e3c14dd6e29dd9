/* SPDX-License-Identifier: MIT */
#include "fs/govern.h"
#include "search/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct govern {
	pthread_mutex_t lock;
	struct source *source;
	struct dirs *dirs;
	struct log *log;
	struct policy_rule options;
	struct policy_file *tree;
	char *tree_name;
	atomic_uint generation;  /* from 1: nodes begin with 0, so never resolved */
	struct choices *choices; /* may be NULL */
	govern_hook *changed;    /* may be NULL */
	void *changed_context;
};

errint_t govern_new(struct source *source, struct dirs *dirs, struct log *log, const struct policy_rule *options,
                    struct policy_file *tree, const char *tree_name, struct govern **ret_govern)
{
	struct govern *govern = calloc(1, sizeof(*govern));

	if (!govern)
		return -ENOMEM;
	govern->tree_name = strdup(tree_name ? tree_name : "");
	if (!govern->tree_name) {
		free(govern);
		return -ENOMEM;
	}
	pthread_mutex_init(&govern->lock, NULL);
	atomic_init(&govern->generation, 1);
	govern->source = source;
	govern->dirs = dirs;
	govern->log = log;
	govern->options = *options;
	govern->tree = tree;
	*ret_govern = govern;
	return 0;
}

void govern_free(struct govern *govern)
{
	if (!govern)
		return;
	policy_file_free(govern->tree);
	free(govern->tree_name);
	pthread_mutex_destroy(&govern->lock);
	free(govern);
}

void govern_on_change(struct govern *govern, govern_hook *changed, void *context)
{
	govern->changed = changed;
	govern->changed_context = context;
}

static void tell_changed(const struct govern *govern, const struct stat *st, bool is_there)
{
	if (govern->changed)
		govern->changed(govern->changed_context,
		                is_there ? clock_timespec_ns(&st->st_ctim) : clock_ns(CLOCK_REALTIME));
}

void govern_set_choices(struct govern *govern, struct choices *choices)
{
	govern->choices = choices;
	atomic_fetch_add(&govern->generation, 1);
}

void govern_choices_changed(struct govern *govern)
{
	static const struct stat none;

	pthread_mutex_lock(&govern->lock);
	atomic_fetch_add(&govern->generation, 1);
	tell_changed(govern, &none, false);
	pthread_mutex_unlock(&govern->lock);
}

unsigned govern_generation(struct govern *govern)
{
	return atomic_load(&govern->generation);
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	       a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* The path of a directory's policy file below the mounted root, for messages. */
static void policy_path(const struct node *directory, char out[PATH_MAX])
{
	char path[PATH_MAX];

	if (node_path(directory, path) || source_join(path, POLICY_FILE_NAME, out))
		strcpy(out, POLICY_FILE_NAME);
}

/* Put what was read in place; the lock is held. True when what governs may have changed. */
static bool install(struct govern *govern, struct dir *dir, const char *name, struct policy_file *file,
                    const struct stat *st, errint_t err, const struct ic_why *why)
{
	free(dir->policy_problem);
	dir->policy_problem = NULL;
	dir->policy_stat = *st;
	atomic_store(&dir->policy_loaded, true);
	if (err) {
		dir->policy_problem = strdup(why->text);
		log_write(govern->log, LOG_LEVEL_WARNING, "%s; %s stays in force", why->text,
		          dir->policy ? "the last good version" : "the inherited policy");
		return false;
	}
	if (!file && !dir->policy)
		return false;
	log_write(govern->log, LOG_LEVEL_INFO, "%s: %s", name, file ? "read" : "gone");
	/* A directory that has a policy is kept, for a bad one that comes later must find the last good one. */
	if (file && !dir->policy)
		dirs_ref(govern->dirs, dir);
	if (!file)
		dirs_put(govern->dirs, dir);
	policy_file_free(dir->policy);
	dir->policy = file;
	atomic_fetch_add(&govern->generation, 1);
	tell_changed(govern, st, file);
	return true;
}

bool govern_refresh(struct govern *govern, const struct node *directory, const char *place)
{
	struct dir *dir = directory->directory->dir;
	struct policy_file *file = NULL;
	struct stat st = {0};
	struct ic_why why = {""};
	char name[PATH_MAX];
	bool changed = false;
	int fd = -1;

	policy_path(directory, name);
	pthread_mutex_lock(&govern->lock);
	errint_t err = source_open_file(govern->source, place, POLICY_FILE_NAME, &fd, &st);
	if (err == -ENOENT || err == -EXDEV || err == -ELOOP)
		err = 0;
	else if (err)
		ic_fail(&why, err, "%s: %s", name, strerror(-err));
	bool is_same = err ? dir->policy_problem && !strcmp(dir->policy_problem, why.text)
	                   : is_same_file(&st, &dir->policy_stat) && (st.st_ino || !dir->policy_problem);
	if (!atomic_load(&dir->policy_loaded) || !is_same) {
		if (fd >= 0)
			err = policy_file_read(fd, name, POLICY_DIRECTORY, &file, &why);
		changed = install(govern, dir, name, file, &st, err, &why) && dir->policy_was_read;
		dir->policy_was_read = true;
	}
	pthread_mutex_unlock(&govern->lock);
	if (fd >= 0)
		close(fd);
	return changed;
}

void govern_distrust(struct dir *dir)
{
	atomic_store(&dir->policy_loaded, false);
}

/* The .icpolicy files that are nearest to `directory` and say each key; the lock is held. */
static void find_nearest(const struct node *directory, struct policy_nearest *nearest)
{
	char path[PATH_MAX];

	for (const struct node *at = directory;; at = at->parent) {
		const struct policy_file *file = at->directory->dir->policy;

		if (file) {
			policy_path(at, path);
			if (policy_nearest_take(nearest, policy_file_root(file), path))
				return;
		}
		if (at->directory->is_top)
			return;
	}
}

/* The lock is held. */
static errint_t resolve(struct govern *govern, struct node *directory)
{
	struct node_directory *d = directory->directory;
	unsigned generation = atomic_load(&govern->generation);
	struct policy_context context = {
	        .view = d->view,
	        .tree = govern->tree,
	        .tree_name = govern->tree_name,
	        .options = &govern->options,
	};
	struct policy_nearest nearest = {0};
	char path[PATH_MAX];
	struct ic_design chosen;
	struct policy policy;
	char *words = NULL;

	if (d->generation == generation)
		return 0;
	errint_t err = node_path(directory, path);
	if (err)
		return err;
	find_nearest(directory, &nearest);
	context.directory = path;
	context.nearest = &nearest;
	if (govern->choices && choices_find(govern->choices, path, &chosen, &words))
		context.chosen = &chosen;
	context.chosen_words = words;
	err = context.chosen && !words ? -ENOMEM : policy_resolve(&context, &policy);
	free(words);
	if (err)
		return err;
	policy_clear(&d->policy);
	d->policy = policy;
	d->generation = generation;
	return 0;
}

errint_t govern_policy(struct govern *govern, struct node *directory, struct ic_variant *ret_variant,
                       bool *ret_is_default)
{
	const struct policy *policy = &directory->directory->policy;

	pthread_mutex_lock(&govern->lock);
	errint_t err = resolve(govern, directory);
	if (!err)
		*ret_variant = policy_variant(policy);
	if (!err && ret_is_default)
		*ret_is_default = policy->design_is_default;
	pthread_mutex_unlock(&govern->lock);
	return err;
}

errint_t govern_explain(struct govern *govern, struct node *directory, struct policy *ret_policy)
{
	struct policy policy = {0};

	pthread_mutex_lock(&govern->lock);
	errint_t err = resolve(govern, directory);
	if (!err) {
		policy = directory->directory->policy;
		policy.design_rule = strdup(policy.design_rule);
		policy.face_rule = strdup(policy.face_rule);
		policy.metadata_rule = strdup(policy.metadata_rule);
		policy.aim_rule = strdup(policy.aim_rule);
		if (!policy.design_rule || !policy.face_rule || !policy.metadata_rule || !policy.aim_rule) {
			policy_clear(&policy);
			err = -ENOMEM;
		}
	}
	pthread_mutex_unlock(&govern->lock);
	if (!err)
		*ret_policy = policy;
	return err;
}

struct telling_unused {
	const struct govern *govern;
	govern_unused *each;
	void *context;
};

static void tell_unused(void *context, const char *path, unsigned line)
{
	const struct telling_unused *telling = context;
	const struct govern *govern = telling->govern;
	char *problem;
	int fd;

	errint_t err = source_open(govern->source, path, O_PATH | O_DIRECTORY, &fd);
	if (!err)
		close(fd);
	if (err != -ENOENT && err != -ENOTDIR)
		return;
	if (asprintf(&problem, "%s:%u: [%s] is no directory of the source, so it governs nothing%s", govern->tree_name,
	             line, path, strcasecmp(path, "policy") ? "" : "; [policy] is for all of it") < 0)
		return;
	telling->each(telling->context, problem);
	free(problem);
}

void govern_each_unused(const struct govern *govern, govern_unused *each, void *context)
{
	struct telling_unused telling = {govern, each, context};

	if (govern->tree)
		policy_file_each(govern->tree, tell_unused, &telling);
}

static void write_unused(void *context, const char *problem)
{
	fprintf(context, "problem: %s\n", problem);
}

void govern_write_problems(struct govern *govern, const struct node *directory, FILE *out)
{
	pthread_mutex_lock(&govern->lock);
	for (const struct node *at = directory;; at = at->parent) {
		const struct dir *dir = at->directory->dir;
		if (dir->policy_problem)
			fprintf(out, "problem: %s; %s stays in force\n", dir->policy_problem,
			        dir->policy ? "the last good version" : "the inherited policy");
		if (at->directory->is_top)
			break;
	}
	pthread_mutex_unlock(&govern->lock);
	if (!directory->parent)
		govern_each_unused(govern, write_unused, out);
}
