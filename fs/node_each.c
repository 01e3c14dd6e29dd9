/* SPDX-License-Identifier: MIT */
/*
 * Nodes gone through one at a time: each is held while it is visited, and no lock is. A node that is held stays in its
 * lists, so what comes after it there is found from it; new ones come before. Nothing is allocated, so no visit is lost.
 */
#include "fs/node_priv.h"

#define BUCKETS_AT_ONCE 4096 /* gone through under the lock: some tens of microseconds */

/* Which nodes are visited, and how far that is. */
struct visit {
	struct node *(*next)(struct nodes *nodes, struct visit *visit, const struct node *last);
	const struct dir *dir;
	const struct node *parent;
	const char *name;
	size_t bucket, nbuckets; /* the next bucket, of so many */
};

/* Of the functions `next`: the node after `last`, the first one after NULL, or NULL. The lock is held, and so is `last`. */
static struct node *next_of_all(struct nodes *nodes, struct visit *visit, const struct node *last)
{
	struct node *node = last ? last->next : NULL;

	for (size_t n = 1;; n++) {
		if (visit->nbuckets != nodes->nbuckets) {
			node = NULL; /* grown meanwhile, so nodes have moved */
			visit->bucket = 0;
			visit->nbuckets = nodes->nbuckets;
		}
		if (node || visit->bucket == visit->nbuckets)
			return node;
		if (n % BUCKETS_AT_ONCE == 0) {
			pthread_mutex_unlock(&nodes->lock);
			pthread_mutex_lock(&nodes->lock);
		} else {
			node = nodes->buckets[visit->bucket++];
		}
	}
}

static struct node *next_of_dir(struct nodes *nodes, struct visit *visit, const struct node *last)
{
	(void)nodes;
	const struct node_directory *d = last ? last->directory->next : dir_first_node(visit->dir);

	return d ? d->node : NULL;
}

/* However the map grows, what comes after a node of the same name still does. */
static struct node *next_named(struct nodes *nodes, struct visit *visit, const struct node *last)
{
	struct node *node = last ? last->next : nodes->buckets[nodes_bucket(nodes, visit->parent, visit->name)];

	while (node && (node->parent != visit->parent || strcmp(node->name, visit->name)))
		node = node->next;
	return node;
}

static void visit_all(struct nodes *nodes, struct visit *visit, node_visitor *each, void *context)
{
	struct node *last = NULL, *node;

	do {
		pthread_mutex_lock(&nodes->lock);
		node = visit->next(nodes, visit, last);
		if (node)
			node->refs++;
		pthread_mutex_unlock(&nodes->lock);
		if (last)
			nodes_release(nodes, last);
		if (node)
			each(context, node);
		last = node;
	} while (node);
}

void nodes_each(struct nodes *nodes, node_visitor *each, void *context)
{
	struct visit visit = {.next = next_of_all};

	visit_all(nodes, &visit, each, context);
}

void nodes_each_of_dir(struct nodes *nodes, const struct dir *dir, node_visitor *each, void *context)
{
	struct visit visit = {.next = next_of_dir, .dir = dir};

	visit_all(nodes, &visit, each, context);
}

void nodes_each_named(struct nodes *nodes, const struct node *parent, const char *name, node_visitor *each,
                      void *context)
{
	struct visit visit = {.next = next_named, .parent = parent, .name = name};

	visit_all(nodes, &visit, each, context);
}
