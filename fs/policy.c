/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"
#include "fs/policy_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool policy_rule_says(const struct policy_rule *rule, enum policy_key key)
{
	if (!rule)
		return false;
	switch (key) {
	case POLICY_KEY_DESIGN:
		return rule->has_design;
	case POLICY_KEY_FACE:
		return rule->has_face;
	case POLICY_KEY_METADATA:
		return rule->has_metadata;
	default:
		return aim_says(&rule->aim, (enum aim_key)(key - POLICY_KEY_AIM));
	}
}

const char *policy_key_name(enum policy_key key)
{
	static const char *const names[] = {"design", "face", "metadata"};

	return key < POLICY_KEY_AIM ? names[key] : aim_key_name((enum aim_key)(key - POLICY_KEY_AIM));
}

errint_t policy_set_design(struct policy_rule *rule, const char *value, struct ic_why *why)
{
	bool is_auto = !strcmp(value, "auto");
	struct ic_design design = ic_design_default();

	if (!is_auto) {
		errint_t err = ic_design_parse(value, &design, why);

		if (err)
			return err;
	}
	rule->has_design = true;
	rule->design_is_auto = is_auto;
	rule->design = design;
	return 0;
}

errint_t policy_set_face(struct policy_rule *rule, const char *value, struct ic_why *why)
{
	errint_t err = ic_face_parse(value, &rule->face, why);

	if (!err)
		rule->has_face = true;
	return err;
}

errint_t policy_set_metadata(struct policy_rule *rule, const char *value, struct ic_why *why)
{
	bool keeps = !strcmp(value, policy_metadata_name(true));

	if (!keeps && strcmp(value, policy_metadata_name(false)))
		return ic_fail(why, -EINVAL, "expected keep or drop, not '%.32s'", value);
	rule->has_metadata = true;
	rule->keeps_metadata = keeps;
	return 0;
}

errint_t policy_set_aim(struct policy_rule *rule, enum aim_key key, const char *value, struct ic_why *why)
{
	return aim_set(&rule->aim, aim_key_name(key), value, why);
}

const char *policy_metadata_name(bool keeps_metadata)
{
	return keeps_metadata ? "keep" : "drop";
}

errint_t policy_parse_view(const char *component, struct policy_rule *ret_rule, struct ic_why *why)
{
	const char *comma = strchr(component, ',');
	size_t ndesign = comma ? (size_t)(comma - component) : strlen(component);
	struct policy_rule rule = {.has_design = true, .has_face = true, .face = IC_FACE_IC};
	char design[IC_DESIGN_STRING_SIZE];
	errint_t err;

	if (!strcmp(component, ic_face_name(IC_FACE_ORIG))) {
		rule.design = ic_design_default(); /* not used, but a view is told from another by its fields */
		rule.face = IC_FACE_ORIG;
		*ret_rule = rule;
		return 0;
	}
	if (ndesign >= sizeof(design))
		return ic_fail(why, -EINVAL, "too long for a design: '%.64s'", component);
	memcpy(design, component, ndesign);
	design[ndesign] = '\0';
	err = ic_design_parse(design, &rule.design, why);
	if (!err && comma)
		err = ic_face_parse(comma + 1, &rule.face, why);
	if (!err)
		*ret_rule = rule;
	return err;
}

const struct policy_rule *policy_file_root(const struct policy_file *file)
{
	return &file->root;
}

const char *policy_file_section(const struct policy_file *file, size_t i, const struct policy_rule **ret_rule)
{
	if (i >= file->nsections)
		return NULL;
	*ret_rule = &file->sections[i].rule;
	return file->sections[i].path;
}

void policy_file_free(struct policy_file *file)
{
	if (!file)
		return;
	for (size_t i = 0; i < file->nsections; i++)
		free(file->sections[i].path);
	free(file->sections);
	free(file);
}

struct path_key {
	const char *path;
	size_t nbytes;
};

static int compare_path(const void *key, const void *member)
{
	const struct path_key *want = key;
	const struct policy_section *section = member;
	int order = strncmp(want->path, section->path, want->nbytes);

	if (order)
		return order;
	return section->path[want->nbytes] ? -1 : 0;
}

static const struct policy_section *find_section(const struct policy_file *file, const char *path, size_t nbytes)
{
	struct path_key key = {path, nbytes};

	if (!file->nsections)
		return NULL;
	return bsearch(&key, file->sections, file->nsections, sizeof(file->sections[0]), compare_path);
}

const struct policy_rule *policy_file_lookup(const struct policy_file *file, const char *directory, enum policy_key key)
{
	size_t nbytes = strlen(directory);

	for (;;) {
		const struct policy_section *section = find_section(file, directory, nbytes);
		const char *slash;

		if (section && policy_rule_says(&section->rule, key))
			return &section->rule;
		if (!nbytes)
			return NULL;
		slash = memrchr(directory, '/', nbytes);
		nbytes = slash ? (size_t)(slash - directory) : 0;
	}
}

void policy_file_each(const struct policy_file *file, policy_visitor *each, void *context)
{
	for (size_t i = 0; i < file->nsections; i++)
		if (*file->sections[i].path)
			each(context, file->sections[i].path, file->sections[i].line);
}
