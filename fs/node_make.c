/* SPDX-License-Identifier: MIT */
#include "fs/node_priv.h"
#include "search/clock.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

void node_destroy(struct dirs *dirs, struct node *node)
{
	switch ((enum node_kind)node->kind) {
	case NODE_DIRECTORY:
		if (node->directory) {
			policy_clear(&node->directory->policy);
			free(node->directory->place);
			dirs_put(dirs, node->directory->dir);
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

static errint_t fill_directory(struct dirs *dirs, struct node *node, const struct node_spec *spec)
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
	return dirs_get(dirs, spec->identity.dev, spec->identity.ino, &directory->dir);
}

static errint_t fill_text(struct node *node, const struct node_spec *spec)
{
	node->text.bytes = strdup(spec->text);
	if (!node->text.bytes)
		return -ENOMEM;
	node->text.nbytes = strlen(spec->text);
	node->text.mtime_ns = node->kind == NODE_TEXT ? clock_ns(CLOCK_REALTIME) : spec->identity.mtime_ns;
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

errint_t node_make(struct dirs *dirs, const struct node_spec *spec, struct node **ret_node)
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
		err = fill_directory(dirs, node, spec);
	else if (spec->kind == NODE_TEXT || spec->kind == NODE_LINK)
		err = fill_text(node, spec);
	else if (spec->kind == NODE_OBJECT || spec->kind == NODE_FILE)
		err = fill_file(node, spec);
	if (err) {
		node_destroy(dirs, node);
		return err;
	}
	*ret_node = node;
	return 0;
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
