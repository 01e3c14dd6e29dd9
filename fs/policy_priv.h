/* SPDX-License-Identifier: MIT */
/*
 * policy_priv.h: what the files of the policy module share.
 */
#pragma once

#include "fs/policy.h"

#include <stddef.h>

enum policy_key {
	POLICY_KEY_DESIGN,
	POLICY_KEY_FACE,
};

struct policy_section {
	char *path; /* below the root, without slashes at either end; "" for [policy] */
	unsigned line;
	struct policy_rule rule;
};

struct policy_file {
	struct policy_rule root;
	struct policy_section *sections; /* sorted by path once the file is parsed */
	size_t nsections, capacity;
};

/* Whether a rule, which may be NULL, says a key. */
bool policy_rule_says(const struct policy_rule *rule, enum policy_key key);

/* The rule of the longest section path at or above `directory` that says the key, or NULL. */
const struct policy_rule *policy_file_lookup(const struct policy_file *file, const char *directory,
                                             enum policy_key key);
