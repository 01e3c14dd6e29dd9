/* SPDX-License-Identifier: MIT */
/* node_priv.h: what the files of nodes share. */
#pragma once

#include "fs/hash.h"
#include "fs/node.h"

#include <pthread.h>
#include <string.h>

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
static inline size_t nodes_bucket(const struct nodes *nodes, const struct node *parent, const char *name)
{
	return hash_bytes(hash_u64(HASH_SEED, (uintptr_t)parent), name, strlen(name)) & (nodes->nbuckets - 1);
}

/* node_make.c: one node, in no list. node_make: -ENOMEM. node_destroy: and everything that it owns. */
errint_t node_make(struct dirs *dirs, const struct node_spec *spec, struct node **ret_node);
void node_destroy(struct dirs *dirs, struct node *node);
