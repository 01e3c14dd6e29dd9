/* SPDX-License-Identifier: MIT */
#include "fs/fs_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "user.icfs."

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
		return node->kind == NODE_OBJECT && node->face == IC_FACE_JPEG;
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
	struct ic_variant variant = {policy.design, policy.face, policy.face == IC_FACE_JPEG && policy.keeps_metadata};
	struct ic_variant served = is_object ? node_variant(node) : variant;
	bool has_own_design = is_object && object_stem_length(node->name) && policy.design_is_default;
	if (has_own_design)
		variant.design = served.design;
	if (is_object && object_stem_length(node->name))
		variant.keeps_metadata = false;
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

errint_t xattr_get(struct fs *fs, struct node *node, const char *name, char **ret_value)
{
	enum attribute attribute = 0;

	while (attribute < ATTRIBUTES && strcmp(name, names[attribute]))
		attribute++;
	if (attribute == ATTRIBUTES || !has_attribute(node, attribute))
		return -ENODATA;
	if (attribute == ATTRIBUTE_SOURCE)
		return copy(node->name, ret_value);
	if (attribute == ATTRIBUTE_ERROR)
		return copy(atomic_load(&node->file.failure)->text, ret_value);
	return get_policy(fs, node, attribute, ret_value);
}

size_t xattr_list(const struct node *node, char *out, size_t size)
{
	size_t n = 0;

	for (enum attribute a = 0; a < ATTRIBUTES; a++) {
		size_t len = strlen(names[a]) + 1;
		if (!has_attribute(node, a))
			continue;
		if (n + len <= size)
			memcpy(out + n, names[a], len);
		n += len;
	}
	return n;
}
