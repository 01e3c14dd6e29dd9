/* SPDX-License-Identifier: MIT */
/*
 * policy_priv.h: what the files of the policy module share.
 */
#pragma once

#include "fs/policy.h"

#include <stddef.h>
#include <stdio.h>

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

/* As it is spelt in a file. */
const char *policy_key_name(enum policy_key key);

/* The rule of the longest section path at or above `directory` that says the key, or NULL. */
const struct policy_rule *policy_file_lookup(const struct policy_file *file, const char *directory,
                                             enum policy_key key);

#define POLICY_INI_SECTION "p"

/* A policy file on its way through the scan, which takes the section headers out and writes every setting to `ini`, all in
 * one section, as `INDEX:LINE:key = value`; INDEX is the setting's place in file->sections. */
struct policy_scan {
	const char *name; /* the file's, in messages */
	enum policy_kind kind;
	struct ic_why *why;
	struct policy_file *file; /* gets the sections, in the order of the text */
	FILE *ini;
	unsigned line;
	unsigned nsettings;
};

/* -EINVAL with the line, -ENOMEM. Errors of writing stay with `ini`. */
errint_t policy_scan_text(struct policy_scan *scan, const char *bytes, size_t nbytes);

/* "NAME:LINE: reason" into scan->why; returns -EINVAL. */
__attribute__((format(printf, 3, 4))) errint_t policy_fail_at(const struct policy_scan *scan, unsigned line,
                                                              const char *format, ...);

/* "NAME: reason" into `why`; returns `err`. Of a long name the end is shown. */
__attribute__((format(printf, 4, 5))) errint_t policy_fail(struct ic_why *why, errint_t err, const char *name,
                                                           const char *format, ...);
