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
	char design[IC_DESIGN_STRING_SIZE] = "auto", value[AIM_TEXT_SIZE];
	char *words;
	int n;

	if (key == POLICY_KEY_DESIGN && !rule->design_is_auto)
		ic_design_print(&rule->design, design);
	if (key == POLICY_KEY_DESIGN)
		n = asprintf(&words, "-o design=%s", design);
	else if (key == POLICY_KEY_FACE)
		n = asprintf(&words, "-o face=%s", ic_face_name(rule->face));
	else if (key == POLICY_KEY_METADATA)
		n = asprintf(&words, "-o metadata=%s", policy_metadata_name(rule->keeps_metadata));
	else {
		aim_print_value(&rule->aim, (enum aim_key)(key - POLICY_KEY_AIM), value);
		n = asprintf(&words, "-o %s=%s", policy_key_name(key), value);
	}
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
	const struct policy_nearest *nearest = context->nearest;
	const struct policy_rule *tree = NULL;

	if (context->tree)
		tree = policy_file_lookup(context->tree, context->directory ? context->directory : "", key);

	if (policy_rule_says(context->view, key)) {
		*ret_rule = context->view;
		return words_of("the view path");
	}
	if (nearest && nearest->at[key].is_found) {
		*ret_rule = &nearest->at[key].rule;
		return words_of_line(nearest->at[key].path, (*ret_rule)->lines[key]);
	}
	if (tree) {
		*ret_rule = tree;
		return words_of_line(context->tree_name ? context->tree_name : "-o policy=", tree->lines[key]);
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
	policy->design_is_default = !rule || (rule->design_is_auto && !context->chosen);
	if (!policy->design_is_auto)
		return 0;
	if (context->chosen)
		policy->design = *context->chosen;
	if (asprintf(&auto_words, "auto (%s); %s", rule_words,
	             context->chosen_words ? context->chosen_words : "no search has chosen yet, so the default") < 0)
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

static errint_t resolve_metadata(const struct policy_context *context, struct policy *policy)
{
	const struct policy_rule *rule;

	policy->metadata_rule = find_rule(context, POLICY_KEY_METADATA, &rule);
	if (!policy->metadata_rule)
		return -ENOMEM;
	policy->keeps_metadata = rule && rule->keeps_metadata;
	return 0;
}

/* Puts "KEY: RULE" at the end of the words. */
static errint_t add_words(char **words, const char *key, const char *rule)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s: %s", *words ? *words : "", *words ? "; " : "", key, rule) < 0)
		return -ENOMEM;
	free(*words);
	*words = joined;
	return 0;
}

static errint_t resolve_aim(const struct policy_context *context, struct policy *policy)
{
	for (enum policy_key key = POLICY_KEY_AIM; key < POLICY_NKEYS; key++) {
		const struct policy_rule *rule;
		char *words = find_rule(context, key, &rule);
		errint_t err = words ? 0 : -ENOMEM;

		if (!err && rule) {
			policy->has_aim = true;
			aim_take(&policy->aim, &rule->aim, (enum aim_key)(key - POLICY_KEY_AIM));
			err = add_words(&policy->aim_rule, policy_key_name(key), words);
		}
		free(words);
		if (err)
			return err;
	}
	if (!policy->aim_rule)
		policy->aim_rule = words_of("the default");
	return policy->aim_rule ? 0 : -ENOMEM;
}

errint_t policy_resolve(const struct policy_context *context, struct policy *ret_policy)
{
	struct policy policy = {.face = IC_FACE_IC};
	errint_t err = resolve_design(context, &policy);

	if (!err)
		err = resolve_face(context, &policy);
	if (!err)
		err = resolve_metadata(context, &policy);
	if (!err)
		err = resolve_aim(context, &policy);
	if (err)
		policy_clear(&policy);
	else
		*ret_policy = policy;
	return err;
}

bool policy_budget(const struct policy *policy, char text[AIM_TEXT_SIZE])
{
	struct aim aim = policy->aim;

	if (!policy->design_is_auto && !policy->has_aim)
		return false;
	aim_complete(&aim);
	aim_print(&aim, text);
	return true;
}

struct ic_variant policy_variant(const struct policy *policy)
{
	return (struct ic_variant){
	        .design = policy->design,
	        .face = policy->face,
	        .keeps_metadata = policy->face == IC_FACE_JPEG && policy->keeps_metadata,
	};
}

struct ic_variant policy_variant_of_object(struct ic_variant variant, bool design_is_default,
                                           const struct ic_design *own)
{
	variant.keeps_metadata = false;
	if (design_is_default)
		variant.design = *own;
	return variant;
}

void policy_clear(struct policy *policy)
{
	free(policy->design_rule);
	free(policy->face_rule);
	free(policy->metadata_rule);
	free(policy->aim_rule);
	policy->design_rule = NULL;
	policy->face_rule = NULL;
	policy->metadata_rule = NULL;
	policy->aim_rule = NULL;
}
