/* SPDX-License-Identifier: MIT */
/* What follows from a node's immutable fields: its number, its place, its path. No lock is needed. */
#include "fs/node.h"
#include "fs/hash.h"

#include <errno.h>
#include <string.h>

struct source_identity node_identity(const struct node *node)
{
	return (struct source_identity){
	        .ino = node->ino,
	        .size = node->file.source_size,
	        .mtime_ns = node->file.mtime_ns,
	        .dev = node->dev,
	};
}

/* Designs are valid, so the sides are powers of two: sx and sy up to 4, blocks up to 32. */
static unsigned log_2(unsigned side)
{
	unsigned n = 0;

	while (side > 1u << n)
		n++;
	return n;
}

uint32_t node_pack_variant(const struct ic_variant *variant)
{
	const struct ic_design *d = &variant->design;

	return log_2(d->sx) | log_2(d->sy) << 2 | log_2(d->block) << 4 | (d->keep & 63u) << 7 | (d->bits - 1u) << 13 |
	       (d->chroma - 1u) << 16 | (d->filter & 1u) << 17 | (d->order & 3u) << 18 | (variant->face & 3u) << 20 |
	       (unsigned)variant->keeps_metadata << 22;
}

struct ic_variant node_variant(const struct node *node)
{
	unsigned v = node->variant;

	return (struct ic_variant){
	        .design = {.sx = (uint8_t)(1u << (v & 3)),
	                   .sy = (uint8_t)(1u << (v >> 2 & 3)),
	                   .block = (uint8_t)(1u << (v >> 4 & 7)),
	                   .keep = v >> 7 & 63,
	                   .bits = (v >> 13 & 7) + 1,
	                   .chroma = (v >> 16 & 1) + 1,
	                   .filter = v >> 17 & 1,
	                   .order = v >> 18 & 3},
	        .face = (enum ic_face)(v >> 20 & 3),
	        .keeps_metadata = v >> 22 & 1,
	};
}

static uint64_t hash_design(uint64_t hash, const struct ic_design *d)
{
	const uint8_t fields[] = {d->sx, d->sy, d->block, d->keep, d->bits, d->chroma, d->filter, d->order};

	return hash_bytes(hash, fields, sizeof(fields));
}

static uint64_t hash_view(uint64_t hash, const struct node *directory)
{
	const struct policy_rule *view = directory->kind == NODE_DIRECTORY ? directory->directory->view : NULL;

	return view ? hash_u64(hash_design(hash, &view->design), view->face) : hash;
}

uint64_t node_number(const struct node *node)
{
	uint64_t hash = hash_u64(hash_u64(hash_u64(HASH_SEED, node->kind), node->ino), node->dev);

	switch ((enum node_kind)node->kind) {
	case NODE_DIRECTORY:
		return hash_view(hash, node);
	case NODE_OBJECT:
	case NODE_FILE:
		hash = hash_u64(hash_u64(hash, node->variant), node->file.source_size);
		return hash_u64(hash_view(hash, node->parent), (uint64_t)node->file.mtime_ns);
	case NODE_LINK:
		return hash_view(hash, node->parent);
	case NODE_CONTROL:
	case NODE_VIEWS:
		return hash_u64(hash, node_number(node->parent));
	case NODE_TEXT:
		return hash_u64(hash, node->text.serial);
	}
	return hash;
}

/* Write the names from `stop`, exclusive, down to `node` behind `head`. */
static errint_t write_path(const struct node *stop, const struct node *node, const char *head, char out[PATH_MAX])
{
	size_t head_len = strlen(head);
	char *p = out + PATH_MAX;

	*--p = 0;
	for (bool first = true; node != stop; node = node->parent, first = false) {
		size_t n = strlen(node->name);
		if ((size_t)(p - out) < head_len + n + 2)
			return -ENAMETOOLONG;
		if (!first)
			*--p = '/';
		p -= n;
		memcpy(p, node->name, n);
	}
	if (*p && head_len && head[head_len - 1] != '/')
		*--p = '/';
	memmove(out + head_len, p, strlen(p) + 1);
	memcpy(out, head, head_len);
	return 0;
}

errint_t node_place(const struct node *directory, char ret_place[PATH_MAX])
{
	const struct node *base = directory;

	while (!base->directory->place)
		base = base->parent;
	return write_path(base, directory, base->directory->place, ret_place);
}

errint_t node_path(const struct node *directory, char ret_path[PATH_MAX])
{
	const struct node *top = directory;

	while (!top->directory->is_top)
		top = top->parent;
	return write_path(top, directory, "", ret_path);
}

errint_t path_between(const char *from, const char *to, char out[PATH_MAX])
{
	size_t common = 0, n = 0;

	for (size_t i = 0;; i++) {
		bool from_ends = !from[i] || from[i] == '/', to_ends = !to[i] || to[i] == '/';
		if (from_ends && to_ends)
			common = i;
		if (from[i] != to[i] || !from[i])
			break;
	}
	for (const char *p = from + common; *p;) {
		p += strspn(p, "/");
		if (!*p)
			break;
		if (n + 4 >= PATH_MAX)
			return -ENAMETOOLONG;
		memcpy(out + n, "../", 3);
		n += 3;
		p += strcspn(p, "/");
	}
	to += common + strspn(to + common, "/");
	if (n + strlen(to) + 2 > PATH_MAX)
		return -ENAMETOOLONG;
	strcpy(out + n, to);
	n += strlen(to);
	if (n && out[n - 1] == '/')
		n--;
	if (!n)
		out[n++] = '.';
	out[n] = 0;
	return 0;
}
