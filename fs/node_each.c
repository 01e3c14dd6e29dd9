/* SPDX-License-Identifier: MIT */
/* Nodes gone through: each is held while it is visited, and no lock is. */
#include "fs/node_priv.h"

#include <errno.h>
#include <stdlib.h>

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
	for (struct node *node = nodes->buckets[nodes_bucket(nodes, parent, name)]; node && !err; node = node->next)
		if (node->parent == parent && !strcmp(node->name, name))
			err = hold(&held, node);
	pthread_mutex_unlock(&nodes->lock);
	visit_all(nodes, &held, each, context);
	free(held.nodes);
	return err;
}
