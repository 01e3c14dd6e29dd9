/* SPDX-License-Identifier: MIT */
/*
 * govern.h: which policy each directory of the mount has, now. Reads .icpolicy files, keeps the last good version of each,
 * and resolves what policy.h describes along the chain of directories. Thread safe.
 */
#pragma once

#include "fs/choices.h"
#include "fs/log.h"
#include "fs/node.h"
#include "fs/source.h"

#include <stdio.h>

struct govern;

/* `options` is copied; `tree` (may be NULL) becomes govern's. -ENOMEM. */
errint_t govern_new(struct source *source, struct dirs *dirs, struct log *log, const struct policy_rule *options,
                    struct policy_file *tree, const char *tree_name, struct govern **ret_govern);
void govern_free(struct govern *govern); /* NULL is fine */

/* Have `changed` called for each policy that is read anew, under a lock, with the time at which its file changed; one that
 * is gone: now. To be set before govern is in use by more than one thread. */
typedef void govern_hook(void *context, int64_t when_ns);
void govern_on_change(struct govern *govern, govern_hook *changed, void *context);

/* Take these choices (may be NULL; the caller's) for what `auto` stands for. As govern_on_change. */
void govern_set_choices(struct govern *govern, struct choices *choices);

/* They are other ones now: what governs any directory may have changed. */
void govern_choices_changed(struct govern *govern);

/* Read the .icpolicy of `directory` if it is another than was read last. True when what governs may have changed. A file
 * that is bad or cannot be read changes nothing but what govern_write_problems says. */
bool govern_refresh(struct govern *govern, const struct node *directory, const char *place);

/* Have the next govern_refresh read the file again, whatever it looks like. */
void govern_distrust(struct dir *dir);

/* Raised whenever any directory's policy may have changed. */
unsigned govern_generation(struct govern *govern);

/* What `directory` is served as, and whether nobody chose the design (may be NULL). -ENOMEM. */
errint_t govern_policy(struct govern *govern, struct node *directory, struct ic_variant *ret_variant,
                       bool *ret_is_default);

/* The same with the rules in words; to be cleared. */
errint_t govern_explain(struct govern *govern, struct node *directory, struct policy *ret_policy);

/* One line for each .icpolicy at or above `directory` that is not in force as it stands; of the root also what
 * govern_each_unused tells. */
void govern_write_problems(struct govern *govern, const struct node *directory, FILE *out);

/* Tell of every section of the tree's policy file that governs nothing, since it is for no directory of the source: one may
 * be for a directory that is to come, but more often its name is wrong. `problem` says so in a line, FILE:LINE first. */
typedef void govern_unused(void *context, const char *problem);
void govern_each_unused(const struct govern *govern, govern_unused *each, void *context);

/* Tell of every .icpolicy of the tree, as far as directories can be read: the place of its directory, and the file,
 * which is the visitor's, or why there is none. Other returns than 0 end it, and are what govern_each returns.
 * -ENOMEM. */
typedef errint_t govern_visit(void *context, const char *place, struct policy_file *file, errint_t err,
                              const struct ic_why *why);
errint_t govern_each(struct source *source, govern_visit *visit, void *context);

/* Check every .icpolicy of the tree, as far as directories can be read. -EINVAL with FILE:LINE: reason for the first bad
 * one. */
errint_t govern_check_tree(struct source *source, struct ic_why *why);
