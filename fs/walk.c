/* SPDX-License-Identifier: MIT */
/*
 * The mount's own parts do the looking: a visit for each directory, names and verdicts as there. What is under way is a
 * stack, the newest directory first, so that the number of open ones follows from the tree's depth and not from its
 * width.
 */
#include "fs/walk_priv.h"
#include "fs/hash.h"
#include "fs/visit_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAMES_NBYTES (32u << 20)

/* A directory that is not done. The walk's lock, but for what is fixed once it is open. */
struct place {
	struct place *next; /* below in the stack */
	struct place *parent;
	struct node *node;
	struct stat st;
	bool is_open;
	bool is_entered;
	struct visit visit;
	size_t at, count;    /* the next entry; 0 of 0 until it is open */
	unsigned unfinished; /* entries and directories in it that were begun, and its own opening */
};

struct walk {
	struct fs *fs;
	unsigned threads, part, nparts;
	struct policy_rule view;
	const char *catalog;
	atomic_bool is_stopped;
	atomic_uint_fast64_t nlinks_left_out;

	pthread_mutex_t lock; /* what follows */
	pthread_cond_t changed;
	const struct walk_hooks *hooks;
	struct place *stack;
	errint_t err;
};

struct worker {
	struct walk *walk;
	unsigned index;
	pthread_t thread;
};

/* --- Directories under way; the lock is held but where told ------------------------------------------------------- */

/* Put a directory on the stack, whose node was looked up for it. */
static errint_t push(struct walk *walk, struct place *parent, struct node *node, const struct stat *st)
{
	struct place *place = calloc(1, sizeof(*place));

	if (!place)
		return -ENOMEM;
	place->node = node;
	place->parent = parent;
	place->st = *st;
	place->next = walk->stack;
	walk->stack = place;
	if (parent)
		parent->unfinished++;
	pthread_cond_broadcast(&walk->changed);
	return 0;
}

static void tell_failure(struct walk *walk, const struct node *directory, const char *name, errint_t err)
{
	char path[PATH_MAX], own[PATH_MAX];

	if (!walk->hooks->failed)
		return;
	if (node_path(directory, path) || (*name && source_join(path, name, own)))
		strcpy(own, name);
	else if (!*name)
		strcpy(own, path);
	walk->hooks->failed(walk->hooks->context, own, err);
}

/* Nothing of it is held; describes the directory for a hook. */
static bool describe(const struct place *place, char path[PATH_MAX], struct walk_entry *ret_entry)
{
	*ret_entry = (struct walk_entry){
	        .kind = WALK_DIRECTORY, .path = path, .st = place->st, .variant = place->visit.variant};
	return !node_path(place->node, path);
}

/* Without the lock. */
static void open_place(struct walk *walk, struct place *place)
{
	const struct walk_hooks *hooks = walk->hooks;
	struct walk_entry entry;
	char path[PATH_MAX];

	errint_t err = visit_begin(&place->visit, walk->fs, place->node);
	if (!err) {
		place->is_open = true;
		err = visit_names(&place->visit, NULL);
	}
	if (!err && !describe(place, path, &entry))
		err = -ENAMETOOLONG;
	if (err) {
		tell_failure(walk, place->node, "", err);
		return;
	}
	place->is_entered = !hooks->enter || hooks->enter(hooks->context, &entry);
}

/* Without the lock. */
static void close_place(struct walk *walk, struct place *place)
{
	const struct walk_hooks *hooks = walk->hooks;
	struct walk_entry entry;
	char path[PATH_MAX];

	if (place->is_entered && hooks->leave && !walk_is_stopped(walk) && describe(place, path, &entry))
		hooks->leave(hooks->context, &entry);
	if (place->is_open)
		visit_end(&place->visit);
	if (place->node != nodes_root(walk->fs->nodes))
		nodes_forget(walk->fs->nodes, place->node, 1);
	free(place);
}

static void take_out(struct walk *walk, const struct place *place)
{
	struct place **at = &walk->stack;

	while (*at != place)
		at = &(*at)->next;
	*at = place->next;
}

/* One thing in `place` is done; close it, and what it was the last of. */
static void finish(struct walk *walk, struct place *place)
{
	while (place && --place->unfinished == 0 && place->at == place->count) {
		struct place *parent = place->parent;
		take_out(walk, place);
		pthread_mutex_unlock(&walk->lock);
		close_place(walk, place);
		pthread_mutex_lock(&walk->lock);
		place = parent;
	}
	pthread_cond_broadcast(&walk->changed);
}

/* --- Entries, without the lock ------------------------------------------------------------------------------------ */

static bool is_of_part(const struct walk *walk, const char *path)
{
	return walk->nparts < 2 || hash_bytes(HASH_SEED, path, strlen(path)) % walk->nparts == walk->part;
}

static errint_t go_down(struct walk *walk, struct place *place, const struct found *found)
{
	struct node *node;

	errint_t err = nodes_lookup(walk->fs->nodes, &found->spec, &node);
	if (err)
		return err;
	pthread_mutex_lock(&walk->lock);
	err = push(walk, place, node, &found->st);
	pthread_mutex_unlock(&walk->lock);
	if (err)
		nodes_forget(walk->fs->nodes, node, 1);
	return err;
}

static void tell(struct walk *walk, unsigned thread, const char *path, struct found *found)
{
	const struct node_spec *spec = &found->spec;
	struct walk_entry entry = {
	        .kind = spec->kind == NODE_OBJECT ? WALK_OBJECT
	                : spec->kind == NODE_LINK ? WALK_LINK
	                                          : WALK_FILE,
	        .path = path,
	        .target = spec->text,
	        .st = found->st,
	        .variant = spec->variant,
	        .nbytes = spec->nbytes,
	        .lacks_size = found->lacks_size,
	        .err = spec->err,
	        .why = spec->why,
	        .found = found,
	};

	walk->hooks->entry(walk->hooks->context, thread, &entry);
}

/* Whether an entry is a directory, or a link to one, without a look at what it is else. */
static bool leads_down(const struct visit *visit, size_t i)
{
	unsigned char type = table_type(visit->table, i);
	char place[PATH_MAX];
	struct stat st;

	return type == DT_DIR ||
	       (type == DT_LNK &&
	        !source_resolve(visit->fs->source, visit->place, table_name(visit->table, i), place, &st) &&
	        S_ISDIR(st.st_mode));
}

static errint_t find_and_tell(struct walk *walk, unsigned thread, struct place *place, size_t i)
{
	struct visit *visit = &place->visit;
	struct look look = look_begin(visit);
	struct names names = look_served(&look);
	char directory[PATH_MAX], path[PATH_MAX], name[NAME_MAX + 1];
	struct found found;

	errint_t err = node_path(place->node, directory);
	if (!err)
		err = source_join(directory, table_name(visit->table, i), path);
	if (err)
		return err;
	bool is_told = walk->hooks->entry && is_of_part(walk, path);
	if (!is_told && !leads_down(visit, i))
		return 0;
	enum name_form form = names_form(&names, i);
	err = look_examine(&look, i, form, &found);
	look_end(&look);
	if (err == -ENOENT && table_type(visit->table, i) == DT_LNK)
		atomic_fetch_add_explicit(&walk->nlinks_left_out, 1, memory_order_relaxed);
	if (err)
		return err == -ENOENT ? 0 : err;
	names_write(&names, i, form, name);
	if (found.spec.kind == NODE_DIRECTORY)
		err = go_down(walk, place, &found);
	else
		err = source_join(directory, name, path);
	if (!err && (is_told || (found.spec.kind == NODE_LINK && walk->hooks->entry)) &&
	    found.spec.kind != NODE_DIRECTORY)
		tell(walk, thread, path, &found);
	found_clear(&found);
	return err;
}

/* --- Threads ------------------------------------------------------------------------------------------------------ */

void walk_fail(struct walk *walk, errint_t err)
{
	pthread_mutex_lock(&walk->lock);
	if (!walk->err)
		walk->err = err;
	pthread_cond_broadcast(&walk->changed);
	pthread_mutex_unlock(&walk->lock);
}

static void look_and_tell(struct worker *worker, struct place *place, size_t i)
{
	errint_t err = find_and_tell(worker->walk, worker->index, place, i);

	if (err == -ENOMEM)
		walk_fail(worker->walk, err);
	else if (err)
		tell_failure(worker->walk, place->node, table_name(place->visit.table, i), err);
}

/* The newest directory that something can be begun in. One that is not open yet has `count` 0; who begins it opens it. */
static struct place *find_work(const struct walk *walk)
{
	struct place *place = walk->stack;

	while (place && place->at == place->count && (place->unfinished || place->is_open))
		place = place->next;
	return place;
}

/* The lock is held. */
static void do_one(struct worker *worker, struct place *place)
{
	struct walk *walk = worker->walk;

	place->unfinished++;
	if (place->at < place->count) {
		size_t i = place->at++;
		pthread_mutex_unlock(&walk->lock);
		look_and_tell(worker, place, i);
		pthread_mutex_lock(&walk->lock);
	} else {
		pthread_mutex_unlock(&walk->lock);
		open_place(walk, place);
		pthread_mutex_lock(&walk->lock);
		place->count = place->is_entered ? table_count(place->visit.table) : 0;
	}
	finish(walk, place);
}

static void *work(void *context)
{
	struct worker *worker = context;
	struct walk *walk = worker->walk;
	struct place *place;

	pthread_mutex_lock(&walk->lock);
	while (walk->stack && !walk->err && !walk_is_stopped(walk)) {
		place = find_work(walk);
		if (place)
			do_one(worker, place);
		else
			pthread_cond_wait(&walk->changed, &walk->lock);
	}
	pthread_cond_broadcast(&walk->changed);
	pthread_mutex_unlock(&walk->lock);
	return NULL;
}

/* With fewer threads than were asked for it takes longer, and that is all. */
static errint_t run_threads(struct walk *walk)
{
	struct worker *workers = calloc(walk->threads, sizeof(*workers));
	unsigned n = 0;
	int err = 0;

	if (!workers)
		return -ENOMEM;
	for (; n < walk->threads && !err; n++) {
		workers[n] = (struct worker){.walk = walk, .index = n};
		err = pthread_create(&workers[n].thread, NULL, work, &workers[n]);
	}
	n -= err != 0;
	for (unsigned i = 0; i < n; i++)
		pthread_join(workers[i].thread, NULL);
	free(workers);
	return n ? walk->err : -err;
}

/* The root of the tree, or of a view of it. */
static errint_t find_root(struct walk *walk, struct node **ret_node, struct stat *ret_st)
{
	struct node *root = nodes_root(walk->fs->nodes);
	const struct policy_rule *view = &walk->view;
	struct node_spec spec = {
	        .parent = root,
	        .name = "",
	        .kind = NODE_DIRECTORY,
	        .view = view,
	        .place = "",
	        .identity = {.ino = root->ino, .dev = root->dev},
	};

	if (fstat(source_fd(walk->fs->source), ret_st))
		return -errno;
	if (view->has_design || view->has_face || view->has_metadata)
		return nodes_lookup(walk->fs->nodes, &spec, ret_node);
	*ret_node = root;
	return 0;
}

errint_t walk_run(struct walk *walk, const struct walk_hooks *hooks)
{
	struct node *root;
	struct stat st;

	walk->hooks = hooks;
	walk->err = 0;
	atomic_store(&walk->nlinks_left_out, 0);
	if (choices_load(walk->fs->choices, walk->catalog))
		govern_choices_changed(walk->fs->govern);
	errint_t err = find_root(walk, &root, &st);
	if (!err)
		err = push(walk, NULL, root, &st);
	if (!err)
		err = run_threads(walk);
	while (walk->stack) { /* stopped: the newest first, since a directory must outlive what is in it */
		struct place *place = walk->stack;
		walk->stack = place->next;
		place->is_entered = false;
		close_place(walk, place);
	}
	return err;
}

void walk_stop(struct walk *walk)
{
	atomic_store(&walk->is_stopped, true);
}

bool walk_is_stopped(struct walk *walk)
{
	return atomic_load(&walk->is_stopped);
}

/* --- Life ------------------------------------------------------------------------------------------------------- */

struct walk_settings walk_settings_default(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return (struct walk_settings){
	        .limits = ic_limits_default(), .threads = cpus > 1 ? (unsigned)cpus : 1, .nparts = 1};
}

uint64_t walk_nlinks_left_out(const struct walk *walk)
{
	return atomic_load(&walk->nlinks_left_out);
}

void walk_each_unused(const struct walk *walk, void (*each)(void *context, const char *problem), void *context)
{
	govern_each_unused(walk->fs->govern, each, context);
}

errint_t walk_new(const struct walk_settings *settings, struct log *log, struct walk **ret_walk, struct ic_why *why)
{
	struct mount_settings mount = {
	        .source = settings->source,
	        .catalog = "",
	        .policy = settings->policy,
	        .policy_file = settings->policy_file,
	        .limits = settings->limits,
	        .names_nbytes = NAMES_NBYTES,
	        .no_watch = true,
	        .follow = settings->follow,
	};
	struct walk *walk = calloc(1, sizeof(*walk));

	if (!walk)
		return ic_fail(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&walk->lock, NULL);
	pthread_cond_init(&walk->changed, NULL);
	atomic_init(&walk->is_stopped, false);
	walk->threads = settings->threads;
	walk->part = settings->part;
	walk->nparts = settings->nparts;
	walk->view = settings->view;
	errint_t err = fs_new(&mount, log, &walk->fs, why);
	if (err) {
		walk_free(walk);
		return err;
	}
	walk->fs->store = settings->store;
	walk->catalog = settings->catalog;
	*ret_walk = walk;
	return 0;
}

void walk_free(struct walk *walk)
{
	if (!walk)
		return;
	if (walk->fs)
		walk->fs->store = NULL; /* the caller's */
	fs_free(walk->fs);
	pthread_cond_destroy(&walk->changed);
	pthread_mutex_destroy(&walk->lock);
	free(walk);
}

void walk_hide_device(struct walk *walk, dev_t dev)
{
	source_hide_device(walk->fs->source, dev);
}

const char *walk_path(const struct walk *walk)
{
	return source_path(walk->fs->source);
}

struct fs *walk_fs(const struct walk *walk)
{
	return walk->fs;
}
