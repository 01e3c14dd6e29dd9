/* SPDX-License-Identifier: MIT */
#include "fs/policy.h"
#include "fs/policy_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static char *words_of_line(const char *name, unsigned line)
{
	char *words;

	return asprintf(&words, "%s, line %u", name, line) < 0 ? NULL : words;
}

static char *words_of_option(const struct policy_rule *rule, enum policy_key key)
{
	char design[IC_DESIGN_STRING_SIZE] = "auto";
	char *words;
	int n;

	if (key == POLICY_KEY_DESIGN && !rule->design_is_auto)
		ic_design_print(&rule->design, design);
	if (key == POLICY_KEY_DESIGN)
		n = asprintf(&words, "-o design=%s", design);
	else
		n = asprintf(&words, "-o face=%s", ic_face_name(rule->face));
	return n < 0 ? NULL : words;
}

static char *words_of(const char *text)
{
	char *words;

	return asprintf(&words, "%s", text) < 0 ? NULL : words;
}

/* The rule that wins for one key, NULL for the default. Returns the words for it, malloc'ed, NULL without memory. */
static char *find_rule(const struct policy_context *context, enum policy_key key, const struct policy_rule **ret_rule)
{
	bool is_design = key == POLICY_KEY_DESIGN;
	const struct policy_rule *near = is_design ? context->near_design : context->near_face;
	const char *near_path = is_design ? context->near_design_path : context->near_face_path;
	const struct policy_rule *tree = NULL;

	if (context->tree)
		tree = policy_file_lookup(context->tree, context->directory ? context->directory : "", key);

	if (policy_rule_says(context->view, key)) {
		*ret_rule = context->view;
		return words_of("the view path");
	}
	if (policy_rule_says(near, key)) {
		*ret_rule = near;
		return words_of_line(near_path ? near_path : POLICY_FILE_NAME,
		                     is_design ? near->design_line : near->face_line);
	}
	if (tree) {
		*ret_rule = tree;
		return words_of_line(context->tree_name ? context->tree_name : "-o policy=",
		                     is_design ? tree->design_line : tree->face_line);
	}
	if (policy_rule_says(context->options, key)) {
		*ret_rule = context->options;
		return words_of_option(context->options, key);
	}
	*ret_rule = NULL;
	return words_of("the default");
}

static errint_t resolve_design(const struct policy_context *context, struct policy *policy)
{
	const struct policy_rule *rule;
	char *rule_words = find_rule(context, POLICY_KEY_DESIGN, &rule);
	char *auto_words;

	if (!rule_words)
		return -ENOMEM;
	policy->design_rule = rule_words;
	policy->design = rule && !rule->design_is_auto ? rule->design : ic_design_default();
	policy->design_is_auto = rule && rule->design_is_auto;
	if (!policy->design_is_auto)
		return 0;
	if (asprintf(&auto_words, "auto (%s); no search has chosen yet, so the default", rule_words) < 0)
		return -ENOMEM;
	free(rule_words);
	policy->design_rule = auto_words;
	return 0;
}

static errint_t resolve_face(const struct policy_context *context, struct policy *policy)
{
	const struct policy_rule *rule;

	policy->face_rule = find_rule(context, POLICY_KEY_FACE, &rule);
	if (!policy->face_rule)
		return -ENOMEM;
	policy->face = rule ? rule->face : IC_FACE_IC;
	return 0;
}

errint_t policy_resolve(const struct policy_context *context, struct policy *ret_policy)
{
	struct policy policy = {.face = IC_FACE_IC};
	errint_t err = resolve_design(context, &policy);

	if (!err)
		err = resolve_face(context, &policy);
	if (err)
		policy_clear(&policy);
	else
		*ret_policy = policy;
	return err;
}

void policy_clear(struct policy *policy)
{
	free(policy->design_rule);
	free(policy->face_rule);
	policy->design_rule = NULL;
	policy->face_rule = NULL;
}
