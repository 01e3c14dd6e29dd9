/* SPDX-License-Identifier: MIT */
/*
 * policy.h: what a directory is served as, and which rule says so.
 *
 * Rules come from .icpolicy files, from one file for a whole tree (-o policy=FILE), from mount options and from view
 * paths. This module parses and resolves them; it knows nothing of the mount. No mutable globals but iniparser's own,
 * which are used under a lock; every function is thread safe.
 *
 * A .icpolicy file:
 *
 *     [policy]
 *     design = s2x2-b8-k6-q8     ; or auto
 *     face   = ic                ; or jpeg, bmp, orig
 *     metadata = drop            ; or keep: under the face jpeg, the source's EXIF, profile, comments
 *     max-bytes = 12%            ; and max-loss, max-time, objective: what a search is to find (search/aim.h)
 *
 * A tree's policy file has a [policy] section, for the root, and sections named by directories relative to the root,
 * [train/cats]; a section governs its directory and what lies below, the longest path wins, key by key. A slash at
 * either end of a path is ignored, so that [/policy] is a directory of that name. A name with a ']' in it cannot be
 * written.
 */
#pragma once

#include "codec/design.h"
#include "codec/face.h"
#include "search/aim.h"

#include <limits.h>

#define POLICY_FILE_NAME ".icpolicy"
#define POLICY_FILE_SIZE_MAX 65536 /* bytes; a longer file is refused with -EFBIG */

enum policy_key {
	POLICY_KEY_DESIGN,
	POLICY_KEY_FACE,
	POLICY_KEY_METADATA,
	POLICY_KEY_AIM, /* and the others of enum aim_key, in their order */
	POLICY_NKEYS = POLICY_KEY_AIM + AIM_NKEYS,
};

/* What one section, or one set of options, says. A key that is not said is left to the next rule. */
struct policy_rule {
	bool has_design;
	bool design_is_auto; /* `design` is unused then */
	bool has_face;
	bool has_metadata;
	bool keeps_metadata;
	enum ic_face face;
	struct ic_design design;
	struct aim aim;               /* what it says of the budget of searches */
	unsigned lines[POLICY_NKEYS]; /* 1-based in the file; 0 for keys that are not said, or not by a file */
};

/* Whether a rule, which may be NULL, says a key. */
bool policy_rule_says(const struct policy_rule *rule, enum policy_key key);

/* A parsed file. Immutable. */
struct policy_file;

enum policy_kind {
	POLICY_DIRECTORY, /* .icpolicy: the one section [policy] */
	POLICY_TREE,      /* policy=FILE: [policy] and sections by path */
};

/* Parse a policy file's text. `name` is how messages call it. -EINVAL for bad syntax, unknown sections or keys, designs
 * outside the space, the same section or key twice; `why` then reads "NAME:LINE: reason". -EFBIG, -ENOMEM. */
errint_t policy_file_parse(const char *text, size_t nbytes, const char *name, enum policy_kind kind,
                           struct policy_file **ret_file, struct ic_why *why);

/* The same for an open file, read from its start; the descriptor stays the caller's. Also -errno of reading. */
errint_t policy_file_read(int fd, const char *name, enum policy_kind kind, struct policy_file **ret_file,
                          struct ic_why *why);

/* The same for a tree's policy file by its path. Also -errno of opening. */
errint_t policy_file_open(const char *path, struct policy_file **ret_file, struct ic_why *why);

void policy_file_free(struct policy_file *file); /* NULL is fine */

/* The i-th section's path, "" for [policy], and what it says; NULL after the last. */
const char *policy_file_section(const struct policy_file *file, size_t i, const struct policy_rule **ret_rule);

/* The [policy] section; all keys unset where there is none. Lives as long as the file. */
const struct policy_rule *policy_file_root(const struct policy_file *file);

/* Read one setting as it stands in a policy file, a mount option or a view path, into `rule`. `value` is a design or
 * "auto", a face, "keep" or "drop". -EINVAL with the reason. */
errint_t policy_set_design(struct policy_rule *rule, const char *value, struct ic_why *why);
errint_t policy_set_face(struct policy_rule *rule, const char *value, struct ic_why *why);
errint_t policy_set_metadata(struct policy_rule *rule, const char *value, struct ic_why *why);
errint_t policy_set_aim(struct policy_rule *rule, enum aim_key key, const char *value, struct ic_why *why);
const char *policy_metadata_name(bool keeps_metadata);

/* Call `each` for every section of a file for a whole tree but [policy]: its path below the root, and its line. */
typedef void policy_visitor(void *context, const char *path, unsigned line);
void policy_file_each(const struct policy_file *file, policy_visitor *each, void *context);

/* A view path's component: "<design>,<face>", "<design>" (face `ic`), or "orig". No auto. It leaves metadata to the other
 * rules. -EINVAL. */
errint_t policy_parse_view(const char *component, struct policy_rule *ret_rule, struct ic_why *why);

/* Of each key, the .icpolicy nearest to a directory that says it. Zeroed: no file says anything. */
struct policy_nearest {
	struct {
		bool is_found;
		struct policy_rule rule;
		char path[PATH_MAX]; /* as messages call it: "train/.icpolicy" */
	} at[POLICY_NKEYS];
};

/* Take what a file says under keys that no nearer one said. True once each key has one. */
bool policy_nearest_take(struct policy_nearest *nearest, const struct policy_rule *rule, const char *path);

/* Take the .icpolicy files at and above the directory `directory`, an absolute path without links. A file that is
 * not there is none; one that is bad or cannot be read is an error, as policy_file_read. */
errint_t policy_nearest_find(const char *directory, struct policy_nearest *ret_nearest, struct ic_why *why);

/* All that may govern one directory, most binding first. Anything may be NULL. */
struct policy_context {
	const struct policy_rule *view; /* under .icfs/view */
	const struct policy_nearest *nearest;
	const struct policy_file *tree;    /* -o policy=FILE */
	const char *tree_name;             /* FILE as given */
	const char *directory;             /* path below the mounted root, "" for the root itself */
	const struct policy_rule *options; /* -o design=, face=, metadata= */
	/* What `auto` stands for here, as a search or somebody chose, and why in words. NULL: nobody did; where
	 * words are there, they say why that is not known. */
	const struct ic_design *chosen;
	const char *chosen_words;
};

/* The outcome. The texts name the rule that won, in words: "train/.icpolicy, line 2", "-o design=...", "the view
 * path", "the default"; for auto: "auto (train/.icpolicy, line 2); " and the words of the choice, or "no search has
 * chosen yet, so the default"; for the budget: "max-loss: .icpolicy, line 3; objective: .icpolicy, line 4", or "the
 * default". */
struct policy {
	struct ic_design design;
	enum ic_face face;
	bool design_is_auto;
	bool design_is_default; /* nobody chose one, so an .ic file of the tree has its own */
	bool keeps_metadata;
	bool has_aim;   /* somebody said something of it: */
	struct aim aim; /* what a search is to find here; aim_complete adds what nobody said */
	char *design_rule, *face_rule, *metadata_rule, *aim_rule; /* malloc'ed */
};

/* The budget of searches, completed, in words; false where it is of no interest: no search is to choose, and nobody wrote
 * one. */
bool policy_budget(const struct policy *policy, char text[AIM_TEXT_SIZE]);

/* -ENOMEM. */
errint_t policy_resolve(const struct policy_context *context, struct policy *ret_policy);
void policy_clear(struct policy *policy); /* frees the texts; a zeroed policy is fine */

/* What a JPEG is served as under the policy. */
struct ic_variant policy_variant(const struct policy *policy);

/* What an .ic file of design `own` is served as where a JPEG would be as `variant`: it has no metadata to keep, and, where
 * nobody chose a design, its own. */
struct ic_variant policy_variant_of_object(struct ic_variant variant, bool design_is_default,
                                           const struct ic_design *own);

/* Write a .icpolicy file in `directory_fd` atomically (temporary file, fsync, rename), keeping what an existing one says
 * under keys that `rule` leaves unset, and its permissions; comments of an existing file are lost, and a symbolic link is
 * replaced by a file. -EINVAL where the existing file cannot be parsed: it is left as it is. -errno. */
errint_t policy_file_write(int directory_fd, const struct policy_rule *rule, struct ic_why *why);

/* Say a valid design in a sentence: "Every 2nd column and row is kept; in blocks of 8 x 8, the lowest 6 of 15
 * anti-diagonals of frequencies; 8 bits a coefficient; colour at half of luma's resolution." */
#define POLICY_DESIGN_WORDS_SIZE 256 /* bytes that any of these sentences fits in */
void policy_describe_design(const struct ic_design *design, char out[POLICY_DESIGN_WORDS_SIZE]);

/* The same for a face; a string constant. */
const char *policy_describe_face(enum ic_face face);

/* Whether programs see ordinary image files, of the size that the design has them: jpeg, bmp. */
bool policy_shows_pictures(enum ic_face face);
