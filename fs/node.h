/* SPDX-License-Identifier: MIT */
/*
 * node.h: the inodes that the kernel knows.
 *
 * A node is a snapshot: of a source under one design and face, of a file, of a link, of a text. A change makes a new
 * node; the old one stays for who still holds it. Only ownership and permission bits follow the source in place.
 *
 * A node lives while the kernel has looked it up, while it has children, and while somebody holds it. Fields are
 * immutable unless said otherwise. All functions are thread safe. A million files are looked up in one mount, so a node
 * is kept small: see NODE_BYTES_MAX in the unit test.
 */
#pragma once

#include "codec/face.h"
#include "fs/dir.h"
#include "fs/policy.h"
#include "fs/source.h"

#include <stdatomic.h>

enum node_kind {
	NODE_DIRECTORY, /* of the source; the root of a view too */
	NODE_OBJECT,    /* a source, served under a design */
	NODE_FILE,      /* served byte for byte */
	NODE_LINK,      /* to a directory inside the tree */
	NODE_CONTROL,   /* .icfs */
	NODE_VIEWS,     /* .icfs/view */
	NODE_TEXT,      /* .icfs/policy, .icfs/stats */
};

/* Why a source cannot be served. Immutable, and once a node has one it keeps it. */
struct node_failure {
	errint_t err;
	char text[];
};

struct node_file {
	uint64_t source_size;
	int64_t mtime_ns;
	uint64_t nbytes;                        /* of what is served */
	_Atomic(struct node_failure *) failure; /* NULL or, set once, ours */
};

/* The names of a directory that the kernel keeps from listings: kept.c. */
struct node_names {
	bool is_kept;
	unsigned version, generation; /* of the directory and of the policies, when it took them */
	int64_t mtime_ns, ctime_ns;
	unsigned nadding;    /* open listings from which it takes them */
	struct table *table; /* theirs, as long as there are any, once one has asked */
	size_t nprimed;      /* how many it took with attributes */
};

struct node_directory {
	struct dir *dir;
	struct node *node;
	struct node_directory *next;    /* of the same dir; nodes' lock */
	char *place;                    /* where this is no child of its parent's place; NULL else */
	bool is_top;                    /* the root, or the root of a view: policy paths start here */
	const struct policy_rule *view; /* in force here and below; NULL outside views */
	struct policy_rule own_view;    /* what `view` points to at the root of a view */
	/* Resolved policy: govern's lock. */
	unsigned generation;
	struct policy policy;
	struct node_names names; /* fs's listings lock */
};

struct node_text {
	char *bytes;
	size_t nbytes;
	int64_t mtime_ns;
	uint64_t serial;
};

/* Ordered by size, so that the name begins where the rest ends: ImageNet's names then fit 112 bytes of heap. */
struct node {
	struct node *parent; /* NULL for the root */
	struct node *next;   /* in its bucket; nodes' lock */
	uint64_t ino;        /* of the source */
	union {
		struct node_file file;
		struct node_directory *directory;
		struct node_text text; /* NODE_TEXT; NODE_LINK's target */
	};
	uint32_t nlookup; /* nodes' lock; at its maximum it stays there, and the node with it */
	uint32_t refs;    /* children and holders; nodes' lock */
	uint32_t dev;
	_Atomic uint32_t uid, gid;
	uint32_t variant : 24; /* of objects: node_variant */
	uint32_t kind : 8;     /* enum node_kind */
	_Atomic uint16_t mode; /* with its type, without write bits */
	atomic_bool reported;  /* for who logs something about it once */
	char name[];           /* the source's; "" for the root */
};

/* What a node is to be. */
struct node_spec {
	struct node *parent;
	const char *name;
	enum node_kind kind;
	uint32_t uid, gid;
	uint16_t mode;
	struct source_identity identity;
	struct ic_variant variant; /* of objects */
	uint64_t nbytes;
	errint_t err; /* of an object: why it cannot be served, or 0 */
	const char *why;
	const char *place;              /* of directories: see node_directory */
	const struct policy_rule *view; /* of the root of a view */
	const char *text;               /* of links and texts */
};

struct nodes;

/* With the root in place, which is never forgotten. `dirs` must outlive it. -ENOMEM. */
errint_t nodes_new(struct dirs *dirs, const struct stat *root, struct nodes **ret_nodes);
void nodes_free(struct nodes *nodes); /* every node too; NULL is fine */

struct node *nodes_root(struct nodes *nodes);
size_t nodes_count(struct nodes *nodes);

/* The node that `spec` describes, made where there is none yet, looked up once more. Each NODE_TEXT is a new one.
 * -ENOMEM. */
errint_t nodes_lookup(struct nodes *nodes, const struct node_spec *spec, struct node **ret_node);
void nodes_forget(struct nodes *nodes, struct node *node, uint64_t nlookup);

/* The size of an object that is `spec` in all but its size, and can be read for all that is known; false where there is
 * none. */
bool nodes_get_size(struct nodes *nodes, const struct node_spec *spec, uint64_t *ret_nbytes);

/* How many children and holders a node has. */
size_t nodes_refs(struct nodes *nodes, const struct node *node);

void nodes_hold(struct nodes *nodes, struct node *node);
void nodes_release(struct nodes *nodes, struct node *node);

/* Remember why a node cannot be served; the first reason stays. True when this was the first. */
bool node_fail(struct node *node, errint_t err, const char *why);

/* The identity that a file or an object was looked up with. */
struct source_identity node_identity(const struct node *node);

/* What an object was looked up as; node->variant is that, packed. */
struct ic_variant node_variant(const struct node *node);
uint32_t node_pack_variant(const struct ic_variant *variant);

/* What st_ino tells: the same at each mount, different for each design, face and view. */
uint64_t node_number(const struct node *node);

/* Where a directory lies, for source_open. -ENAMETOOLONG. */
errint_t node_place(const struct node *directory, char ret_place[PATH_MAX]);

/* The path of a directory below the mounted root, or below the root of its view. -ENAMETOOLONG. */
errint_t node_path(const struct node *directory, char ret_path[PATH_MAX]);

/* Call `each` for nodes, held, without any lock, so it may do as it likes. Nodes made meanwhile may be missed, and so
 * may nodes that are forgotten meanwhile; where many are made, nodes_each visits nodes again. These cannot fail. */
typedef void node_visitor(void *context, struct node *node);
void nodes_each(struct nodes *nodes, node_visitor *each, void *context);
void nodes_each_of_dir(struct nodes *nodes, const struct dir *dir, node_visitor *each, void *context);
void nodes_each_named(struct nodes *nodes, const struct node *parent, const char *name, node_visitor *each,
                      void *context);

/* The path from the directory `from` to `to`, both below the root. -ENAMETOOLONG. */
errint_t path_between(const char *from, const char *to, char out[PATH_MAX]);
