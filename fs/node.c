/* SPDX-License-Identifier: MIT */
#include "fs/node_priv.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS_MIN 1024u /* a power of two */

static void grow(struct nodes *nodes)
{
	size_t old_n = nodes->nbuckets;
	struct node **old = nodes->buckets;
	struct node **new = calloc(old_n * 2, sizeof(*new));

	if (!new)
		return; /* longer chains will do */
	nodes->buckets = new;
	nodes->nbuckets = old_n * 2;
	/* In their order, for who goes through them: node_each.c. */
	for (size_t i = 0; i < old_n; i++) {
		struct node **ends[] = {&new[i], &new[i + old_n]};
		for (struct node *node = old[i]; node; node = node->next) {
			struct node ***end = &ends[nodes_bucket(nodes, node->parent, node->name) != i];
			**end = node;
			*end = &node->next;
		}
		*ends[0] = *ends[1] = NULL;
	}
	free(old);
}

static void insert(struct nodes *nodes, struct node *node)
{
	if (nodes->count >= nodes->nbuckets)
		grow(nodes);
	size_t b = nodes_bucket(nodes, node->parent, node->name);
	node->next = nodes->buckets[b];
	nodes->buckets[b] = node;
	nodes->count++;
}

static void take_out(struct nodes *nodes, struct node *node)
{
	struct node **at = &nodes->buckets[nodes_bucket(nodes, node->parent, node->name)];

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
	struct node *node = nodes->buckets[nodes_bucket(nodes, spec->parent, spec->name)];

	while (node && !is_same(node, spec))
		node = node->next;
	return node;
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
	if (!nodes->buckets || node_make(nodes->dirs, &spec, &nodes->root)) {
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
			node_destroy(nodes->dirs, node);
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
		errint_t err = node_make(nodes->dirs, spec, &made);
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
		node_destroy(nodes->dirs, made);
	*ret_node = node;
	return 0;
}

bool nodes_get_size(struct nodes *nodes, const struct node_spec *spec, uint64_t *ret_nbytes)
{
	pthread_mutex_lock(&nodes->lock);
	const struct node *node = nodes->buckets[nodes_bucket(nodes, spec->parent, spec->name)];
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
		node_destroy(nodes->dirs, dead);
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
