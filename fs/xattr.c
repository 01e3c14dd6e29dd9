/* SPDX-License-Identifier: MIT */
#include "fs/attr_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALL "user.icfs"
#define PREFIX ALL "."

enum attribute {
	ATTRIBUTE_DESIGN,
	ATTRIBUTE_FACE,
	ATTRIBUTE_METADATA,
	ATTRIBUTE_RULE,
	ATTRIBUTE_SOURCE,
	ATTRIBUTE_ERROR,
	ATTRIBUTES
};

static const char *const names[ATTRIBUTES] = {
        [ATTRIBUTE_DESIGN] = PREFIX "design", [ATTRIBUTE_FACE] = PREFIX "face",
        [ATTRIBUTE_RULE] = PREFIX "rule",     [ATTRIBUTE_METADATA] = PREFIX "metadata",
        [ATTRIBUTE_SOURCE] = PREFIX "source", [ATTRIBUTE_ERROR] = PREFIX "error",
};

static bool has_attribute(const struct node *node, enum attribute attribute)
{
	switch (attribute) {
	case ATTRIBUTE_DESIGN:
	case ATTRIBUTE_FACE:
	case ATTRIBUTE_RULE:
		return node->kind == NODE_OBJECT || node->kind == NODE_DIRECTORY;
	case ATTRIBUTE_METADATA:
		return node->kind == NODE_OBJECT && node_variant(node).face == IC_FACE_JPEG;
	case ATTRIBUTE_SOURCE:
		return node->kind == NODE_OBJECT || node->kind == NODE_FILE;
	case ATTRIBUTE_ERROR:
		return node->kind == NODE_OBJECT && atomic_load(&node->file.failure);
	case ATTRIBUTES:
		break;
	}
	return false;
}

static errint_t copy(const char *text, char **ret_value)
{
	char *value = strdup(text);

	if (!value)
		return -ENOMEM;
	*ret_value = value;
	return 0;
}

/* What a node is served as. The rule is today's; an object that was looked up under another policy says so. */
static errint_t get_policy(struct fs *fs, struct node *node, enum attribute attribute, char **ret_value)
{
	struct node *directory = node->kind == NODE_DIRECTORY ? node : node->parent;
	bool is_object = node->kind == NODE_OBJECT;
	char design[IC_DESIGN_STRING_SIZE];
	struct policy policy;

	errint_t err = govern_explain(fs->govern, directory, &policy);
	if (err)
		return err;
	struct ic_variant variant = policy_variant(&policy);
	struct ic_variant served = is_object ? node_variant(node) : variant;
	bool is_of_object = is_object && object_stem_length(node->name);
	bool has_own_design = is_of_object && policy.design_is_default;
	if (is_of_object)
		variant = policy_variant_of_object(variant, has_own_design, &served.design);
	if (attribute == ATTRIBUTE_FACE) {
		err = copy(ic_face_name(served.face), ret_value);
	} else if (attribute == ATTRIBUTE_METADATA) {
		err = copy(policy_metadata_name(served.keeps_metadata), ret_value);
	} else if (attribute == ATTRIBUTE_DESIGN) {
		ic_design_print(&served.design, design);
		err = copy(design, ret_value);
	} else {
		bool is_past = !ic_variant_equal(&served, &variant);
		const char *rule = has_own_design ? "its own design, since no rule says one" : policy.design_rule;
		err = copy(is_past ? "a policy that is no longer in force" : rule, ret_value);
	}
	policy_clear(&policy);
	return err;
}

static errint_t get(struct fs *fs, struct node *node, enum attribute attribute, char **ret_value)
{
	if (!has_attribute(node, attribute))
		return -ENODATA;
	if (attribute == ATTRIBUTE_SOURCE)
		return copy(node->name, ret_value);
	if (attribute == ATTRIBUTE_ERROR)
		return copy(atomic_load(&node->file.failure)->text, ret_value);
	return get_policy(fs, node, attribute, ret_value);
}

/* All that there are, a line each. */
static errint_t get_all(struct fs *fs, struct node *node, char **ret_value)
{
	size_t nbytes = 0;
	char *text = NULL;
	errint_t err = 0;
	FILE *out = open_memstream(&text, &nbytes);

	if (!out)
		return -ENOMEM;
	for (enum attribute a = 0; a < ATTRIBUTES && !err; a++) {
		char *value;
		err = get(fs, node, a, &value);
		if (err == -ENODATA) {
			err = 0;
		} else if (!err) {
			fprintf(out, "%s: %s\n", names[a] + strlen(PREFIX), value);
			free(value);
		}
	}
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (!err && !nbytes)
		err = -ENODATA;
	if (err)
		free(text);
	else
		*ret_value = text;
	return err;
}

/* `ls -l` asks for the context and the access list of each file, until it is told that here are none of that kind. */
static bool is_ours(const char *name)
{
	return !strncmp(name, "user.", strlen("user."));
}

errint_t xattr_get(struct fs *fs, struct node *node, const char *name, char **ret_value)
{
	enum attribute attribute = 0;

	if (!is_ours(name))
		return -EOPNOTSUPP;
	if (!strcmp(name, ALL))
		return get_all(fs, node, ret_value);
	while (attribute < ATTRIBUTES && strcmp(name, names[attribute]))
		attribute++;
	return attribute < ATTRIBUTES ? get(fs, node, attribute, ret_value) : -ENODATA;
}
