/* SPDX-License-Identifier: MIT */
#include "fs/node.h"
#include "fs/hash.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUCKETS_MIN 1024u /* a power of two */

struct nodes {
	pthread_mutex_t lock;
	struct node **buckets;
	size_t nbuckets; /* a power of two, at least `count` */
	size_t count;
	uint64_t next_serial;
	struct dirs *dirs;
	struct node *root;
};

/* The identity is left out of the hash, so that all nodes of one name are found in one bucket. */
static size_t bucket_of(const struct nodes *nodes, const struct node *parent, const char *name)
{
	return hash_bytes(hash_u64(HASH_SEED, (uintptr_t)parent), name, strlen(name)) & (nodes->nbuckets - 1);
}

static void grow(struct nodes *nodes)
{
	size_t old_n = nodes->nbuckets;
	struct node **old = nodes->buckets;
	struct node **new = calloc(old_n * 2, sizeof(*new));

	if (!new)
		return; /* longer chains will do */
	nodes->buckets = new;
	nodes->nbuckets = old_n * 2;
	for (size_t i = 0; i < old_n; i++) {
		for (struct node *node = old[i], *next; node; node = next) {
			next = node->next;
			size_t b = bucket_of(nodes, node->parent, node->name);
			node->next = new[b];
			new[b] = node;
		}
	}
	free(old);
}

static void insert(struct nodes *nodes, struct node *node)
{
	if (nodes->count >= nodes->nbuckets)
		grow(nodes);
	size_t b = bucket_of(nodes, node->parent, node->name);
	node->next = nodes->buckets[b];
	nodes->buckets[b] = node;
	nodes->count++;
}

static void take_out(struct nodes *nodes, struct node *node)
{
	struct node **at = &nodes->buckets[bucket_of(nodes, node->parent, node->name)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	nodes->count--;
}

/* In all but the size. */
static bool is_alike(const struct node *node, const struct node_spec *spec)
{
	if (node->parent != spec->parent || node->kind != spec->kind || spec->kind == NODE_TEXT ||
	    strcmp(node->name, spec->name))
		return false;
	if (node->ino != spec->identity.ino || node->dev != spec->identity.dev)
		return false;
	if (node->kind == NODE_LINK)
		return !strcmp(node->text.bytes, spec->text);
	if (node->kind == NODE_DIRECTORY)
		return !strcmp(node->directory->place ? node->directory->place : "", spec->place ? spec->place : "");
	if (node->kind != NODE_OBJECT && node->kind != NODE_FILE)
		return true;
	struct source_identity identity = node_identity(node);
	return source_identity_equal(&identity, &spec->identity) &&
	       (node->kind == NODE_FILE || node->variant == node_pack_variant(&spec->variant));
}

static bool is_same(const struct node *node, const struct node_spec *spec)
{
	bool has_size = node->kind == NODE_OBJECT || node->kind == NODE_FILE;

	return is_alike(node, spec) && (!has_size || node->file.nbytes == spec->nbytes);
}

static struct node *find(struct nodes *nodes, const struct node_spec *spec)
{
	struct node *node = nodes->buckets[bucket_of(nodes, spec->parent, spec->name)];

	while (node && !is_same(node, spec))
		node = node->next;
	return node;
}

/* Everything that a node owns; it is in no list any more. */
static void destroy(struct nodes *nodes, struct node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_DIRECTORY:
		if (node->directory) {
			policy_clear(&node->directory->policy);
			free(node->directory->place);
			dirs_put(nodes->dirs, node->directory->dir);
			free(node->directory);
		}
		break;
	case NODE_OBJECT:
	case NODE_FILE:
		free(atomic_load(&node->file.failure));
		break;
	case NODE_LINK:
	case NODE_TEXT:
		free(node->text.bytes);
		break;
	case NODE_CONTROL:
	case NODE_VIEWS:
		break;
	}
	free(node);
}

static errint_t fill_directory(struct nodes *nodes, struct node *node, const struct node_spec *spec)
{
	struct node_directory *directory = calloc(1, sizeof(*directory));

	if (!directory)
		return -ENOMEM;
	node->directory = directory;
	directory->node = node;
	if (spec->place && !(directory->place = strdup(spec->place)))
		return -ENOMEM;
	if (spec->view) {
		directory->own_view = *spec->view;
		directory->view = &directory->own_view;
	} else if (spec->parent && spec->parent->kind == NODE_DIRECTORY) {
		directory->view = spec->parent->directory->view;
	}
	directory->is_top = !spec->parent || spec->view;
	return dirs_get(nodes->dirs, spec->identity.dev, spec->identity.ino, &directory->dir);
}

static errint_t fill_text(struct node *node, const struct node_spec *spec)
{
	struct timespec now;

	node->text.bytes = strdup(spec->text);
	if (!node->text.bytes)
		return -ENOMEM;
	node->text.nbytes = strlen(spec->text);
	node->text.mtime_ns = spec->identity.mtime_ns;
	if (node->kind == NODE_TEXT) {
		clock_gettime(CLOCK_REALTIME, &now);
		node->text.mtime_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
	}
	return 0;
}

static errint_t fill_file(struct node *node, const struct node_spec *spec)
{
	node->variant = spec->kind == NODE_OBJECT ? node_pack_variant(&spec->variant) : 0;
	node->file.source_size = spec->identity.size;
	node->file.mtime_ns = spec->identity.mtime_ns;
	node->file.nbytes = spec->nbytes;
	atomic_init(&node->file.failure, NULL);
	if (spec->err)
		node_fail(node, spec->err, spec->why);
	return 0;
}

static errint_t make(struct nodes *nodes, const struct node_spec *spec, struct node **ret_node)
{
	size_t name_size = strlen(spec->name) + 1;
	size_t size = offsetof(struct node, name) + name_size;
	struct node *node = calloc(1, size > sizeof(*node) ? size : sizeof(*node));
	errint_t err = 0;

	if (!node)
		return -ENOMEM;
	memcpy(node->name, spec->name, name_size);
	node->parent = spec->parent;
	node->kind = (unsigned)spec->kind & 0xff;
	node->ino = spec->identity.ino;
	node->dev = spec->identity.dev;
	atomic_init(&node->uid, spec->uid);
	atomic_init(&node->gid, spec->gid);
	atomic_init(&node->mode, spec->mode);
	atomic_init(&node->reported, false);
	if (spec->kind == NODE_DIRECTORY)
		err = fill_directory(nodes, node, spec);
	else if (spec->kind == NODE_TEXT || spec->kind == NODE_LINK)
		err = fill_text(node, spec);
	else if (spec->kind == NODE_OBJECT || spec->kind == NODE_FILE)
		err = fill_file(node, spec);
	if (err) {
		destroy(nodes, node);
		return err;
	}
	*ret_node = node;
	return 0;
}

/* Make `node` known; the lock is held. */
static void adopt(struct nodes *nodes, struct node *node)
{
	insert(nodes, node);
	if (node->parent)
		node->parent->refs++;
	if (node->kind == NODE_TEXT)
		node->text.serial = nodes->next_serial++;
	if (node->kind == NODE_DIRECTORY)
		dir_link_node(node->directory->dir, node->directory);
}

errint_t nodes_new(struct dirs *dirs, const struct stat *root, struct nodes **ret_nodes)
{
	struct node_spec spec = {
	        .name = "",
	        .kind = NODE_DIRECTORY,
	        .uid = root->st_uid,
	        .gid = root->st_gid,
	        .mode = (uint16_t)(root->st_mode & ~0222u),
	        .identity = source_identify(root),
	        .place = "",
	};
	struct nodes *nodes = calloc(1, sizeof(*nodes));

	if (!nodes)
		return -ENOMEM;
	nodes->dirs = dirs;
	nodes->nbuckets = BUCKETS_MIN;
	nodes->buckets = calloc(nodes->nbuckets, sizeof(*nodes->buckets));
	pthread_mutex_init(&nodes->lock, NULL);
	if (!nodes->buckets || make(nodes, &spec, &nodes->root)) {
		nodes_free(nodes);
		return -ENOMEM;
	}
	nodes->root->refs = 1;
	adopt(nodes, nodes->root);
	*ret_nodes = nodes;
	return 0;
}

void nodes_free(struct nodes *nodes)
{
	if (!nodes)
		return;
	for (size_t i = 0; nodes->buckets && i < nodes->nbuckets; i++) {
		for (struct node *node = nodes->buckets[i], *next; node; node = next) {
			next = node->next;
			if (node->kind == NODE_DIRECTORY)
				dir_unlink_node(node->directory->dir, node->directory);
			destroy(nodes, node);
		}
	}
	free(nodes->buckets);
	pthread_mutex_destroy(&nodes->lock);
	free(nodes);
}

struct node *nodes_root(struct nodes *nodes)
{
	return nodes->root;
}

size_t nodes_count(struct nodes *nodes)
{
	pthread_mutex_lock(&nodes->lock);
	size_t count = nodes->count;
	pthread_mutex_unlock(&nodes->lock);
	return count;
}

static void refresh(struct node *node, const struct node_spec *spec)
{
	atomic_store_explicit(&node->uid, spec->uid, memory_order_relaxed);
	atomic_store_explicit(&node->gid, spec->gid, memory_order_relaxed);
	atomic_store_explicit(&node->mode, spec->mode, memory_order_relaxed);
	if (node->nlookup < UINT32_MAX)
		node->nlookup++;
}

errint_t nodes_lookup(struct nodes *nodes, const struct node_spec *spec, struct node **ret_node)
{
	struct node *made = NULL;

	pthread_mutex_lock(&nodes->lock);
	struct node *node = find(nodes, spec);
	if (!node) {
		/* Made without the lock, for making a directory takes dirs' one; somebody may be faster meanwhile. */
		pthread_mutex_unlock(&nodes->lock);
		errint_t err = make(nodes, spec, &made);
		if (err)
			return err;
		pthread_mutex_lock(&nodes->lock);
		node = find(nodes, spec);
		if (!node) {
			adopt(nodes, made);
			node = made;
			made = NULL;
		}
	}
	refresh(node, spec);
	pthread_mutex_unlock(&nodes->lock);
	if (made)
		destroy(nodes, made);
	*ret_node = node;
	return 0;
}

bool nodes_get_size(struct nodes *nodes, const struct node_spec *spec, uint64_t *ret_nbytes)
{
	pthread_mutex_lock(&nodes->lock);
	const struct node *node = nodes->buckets[bucket_of(nodes, spec->parent, spec->name)];
	while (node && !(is_alike(node, spec) && !atomic_load(&node->file.failure)))
		node = node->next;
	if (node)
		*ret_nbytes = node->file.nbytes;
	pthread_mutex_unlock(&nodes->lock);
	return node;
}

/* Take `node` out if nothing keeps it, then its parent, and so on; returns a chain of what is to be destroyed, by
 * `parent`. */
static struct node *reap(struct nodes *nodes, struct node *node)
{
	struct node *first = NULL;
	struct node **end = &first;

	while (node && node->refs == 0 && node->nlookup == 0) {
		take_out(nodes, node);
		if (node->kind == NODE_DIRECTORY)
			dir_unlink_node(node->directory->dir, node->directory);
		*end = node;
		end = &node->parent;
		node = node->parent;
		if (node)
			node->refs--;
	}
	*end = NULL;
	return first;
}

static void drop(struct nodes *nodes, struct node *node, uint64_t nlookup, uint32_t refs)
{
	pthread_mutex_lock(&nodes->lock);
	if (node->nlookup < UINT32_MAX)
		node->nlookup -= nlookup < node->nlookup ? (uint32_t)nlookup : node->nlookup;
	node->refs -= refs;
	struct node *dead = reap(nodes, node);
	pthread_mutex_unlock(&nodes->lock);
	while (dead) {
		struct node *next = dead->parent;
		destroy(nodes, dead);
		dead = next;
	}
}

void nodes_forget(struct nodes *nodes, struct node *node, uint64_t nlookup)
{
	drop(nodes, node, nlookup, 0);
}

size_t nodes_refs(struct nodes *nodes, const struct node *node)
{
	pthread_mutex_lock(&nodes->lock);
	size_t refs = node->refs;
	pthread_mutex_unlock(&nodes->lock);
	return refs;
}

void nodes_hold(struct nodes *nodes, struct node *node)
{
	pthread_mutex_lock(&nodes->lock);
	node->refs++;
	pthread_mutex_unlock(&nodes->lock);
}

void nodes_release(struct nodes *nodes, struct node *node)
{
	drop(nodes, node, 0, 1);
}

bool node_fail(struct node *node, errint_t err, const char *why)
{
	size_t size = strlen(why) + 1;
	struct node_failure *failure = malloc(sizeof(*failure) + size);
	struct node_failure *none = NULL;

	if (!failure)
		return false;
	failure->err = err;
	memcpy(failure->text, why, size);
	if (atomic_compare_exchange_strong(&node->file.failure, &none, failure))
		return true;
	free(failure);
	return false;
}

struct held {
	struct node **nodes;
	size_t count, capacity;
};

/* Hold `node` and put it on the list; the lock is held. */
static errint_t hold(struct held *held, struct node *node)
{
	if (held->count == held->capacity) {
		size_t capacity = held->capacity ? held->capacity * 2 : 16;
		struct node **grown = realloc(held->nodes, capacity * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		held->nodes = grown;
		held->capacity = capacity;
	}
	node->refs++;
	held->nodes[held->count++] = node;
	return 0;
}

static void visit_all(struct nodes *nodes, struct held *held, node_visitor *each, void *context)
{
	for (size_t i = 0; i < held->count; i++) {
		each(context, held->nodes[i]);
		nodes_release(nodes, held->nodes[i]);
	}
	held->count = 0;
}

errint_t nodes_each(struct nodes *nodes, node_visitor *each, void *context)
{
	const size_t step = 4096; /* buckets gone through under the lock: some tens of microseconds */
	struct held held = {0};
	size_t at = 0, nbuckets = 0;
	bool more = true;
	errint_t err = 0;

	while (more && !err) {
		pthread_mutex_lock(&nodes->lock);
		if (nbuckets != nodes->nbuckets)
			at = 0; /* grown meanwhile, so nodes have moved */
		nbuckets = nodes->nbuckets;
		for (size_t end = at + step; at < end && at < nbuckets; at++)
			for (struct node *node = nodes->buckets[at]; node && !err; node = node->next)
				err = hold(&held, node);
		more = at < nbuckets;
		pthread_mutex_unlock(&nodes->lock);
		visit_all(nodes, &held, each, context);
	}
	free(held.nodes);
	return err;
}

errint_t nodes_each_of_dir(struct nodes *nodes, const struct dir *dir, node_visitor *each, void *context)
{
	struct held held = {0};
	errint_t err = 0;

	pthread_mutex_lock(&nodes->lock);
	for (struct node_directory *d = dir_first_node(dir); d && !err; d = d->next)
		err = hold(&held, d->node);
	pthread_mutex_unlock(&nodes->lock);
	visit_all(nodes, &held, each, context);
	free(held.nodes);
	return err;
}

errint_t nodes_each_named(struct nodes *nodes, const struct node *parent, const char *name, node_visitor *each,
                          void *context)
{
	struct held held = {0};
	errint_t err = 0;

	pthread_mutex_lock(&nodes->lock);
	for (struct node *node = nodes->buckets[bucket_of(nodes, parent, name)]; node && !err; node = node->next)
		if (node->parent == parent && !strcmp(node->name, name))
			err = hold(&held, node);
	pthread_mutex_unlock(&nodes->lock);
	visit_all(nodes, &held, each, context);
	free(held.nodes);
	return err;
}
