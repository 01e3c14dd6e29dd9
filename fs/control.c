/* SPDX-License-Identifier: MIT */
#include "fs/control_priv.h"
#include "fs/visit_priv.h"
#include "search/shell.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const control_files[] = {"policy", "search", "stats"};
#define VIEWS_NAME "view"
#define NFILES (sizeof(control_files) / sizeof(*control_files))

/* The views are in the control directory of the mount's root alone. */
static bool has_views(const struct node *control)
{
	return control->parent->parent == NULL;
}

static void write_bound(struct fs *fs, const struct node *directory, FILE *out)
{
	if (atomic_load(&directory->directory->dir->is_watched))
		fputs("changes: noticed by inotify and passed on at once, in milliseconds; by a link or a second hard "
		      "link,\n"
		      "         ",
		      out);
	else
		fputs("changes: this directory cannot be watched, so they are noticed by looking again: ", out);
	fprintf(out, "within %g s (-o staleness=)\n", fs->settings.staleness);
}

/* "  WHAT COMMAND ROOT[/MIDDLE][/PATH][/FILE]" */
static void write_hint(FILE *out, const char *what, const char *root, const char *middle, const char *path,
                       const char *file)
{
	char word[2 * PATH_MAX];

	snprintf(word, sizeof(word), "%s%s%s%s%s%s%s", root, *middle ? "/" : "", middle, *path ? "/" : "", path,
	         *file ? "/" : "", file);
	fprintf(out, "  %s ", what);
	shell_put_word(out, word);
	putc('\n', out);
}

static void write_hints(struct fs *fs, const char *path, FILE *out)
{
	const char *at = fs->mountpoint;

	fprintf(out, "\nWhat to do next:\n");
	write_hint(out, "another policy here      icfs policy --set s2x2-b8-k6-q8", source_path(fs->source), "", path,
	           "");
	write_hint(out, "any design, side by side ls", at, CONTROL_NAME "/" VIEWS_NAME "/s2x2-b8-k6-q8,ic", path, "");
	write_hint(out, "for any program          ls", at, CONTROL_NAME "/" VIEWS_NAME "/s2x2-b8-k6-q8,jpeg", path, "");
	write_hint(out, "what one file is         getfattr --only-values -n user.icfs", at, "", path, "FILE");
	write_hint(out, "counts                   cat", at, CONTROL_NAME "/stats", "", "");
}

static bool has_objects(const struct table *table)
{
	for (size_t i = 0; i < table_count(table); i++)
		if (table_is_object(table, i))
			return true;
	return false;
}

static void write_of_objects(const struct policy *policy, FILE *out)
{
	if (policy->face == IC_FACE_ORIG)
		return;
	fputs(policy->design_is_default
	              ? ".ic files here: under their own design, since no rule says one\n"
	              : ".ic files here: those whose design holds this one; the others are I/O errors\n",
	      out);
	if (policy->face != IC_FACE_IC)
		fputs("  named as pictures: cat.ic as cat.jpg\n", out);
}

static void write_budget(const struct policy *policy, FILE *out)
{
	char text[AIM_TEXT_SIZE];

	if (policy_budget(policy, text))
		fprintf(out, "budget: %s\n  rule: %s\n", text, policy->aim_rule);
}

static errint_t write_policy(struct fs *fs, struct node *directory, FILE *out)
{
	char words[POLICY_DESIGN_WORDS_SIZE], design[IC_DESIGN_STRING_SIZE], path[PATH_MAX];
	struct visit visit;
	struct policy policy;

	errint_t err = visit_begin(&visit, fs, directory);
	if (err)
		return err;
	bool of_objects = !visit_names(&visit, NULL) && has_objects(visit.table);
	visit_end(&visit);
	err = node_path(directory, path);
	if (!err)
		err = govern_explain(fs->govern, directory, &policy);
	if (err)
		return err;
	ic_design_print(&policy.design, design);
	policy_describe_design(&policy.design, words);
	fprintf(out, "directory: /%s\n", path);
	fprintf(out, "design: %s\n  %s\n  rule: %s\n", design, words, policy.design_rule);
	fprintf(out, "face: %s\n  %s\n  rule: %s\n", ic_face_name(policy.face), policy_describe_face(policy.face),
	        policy.face_rule);
	fprintf(out, "metadata: %s\n  rule: %s\n", policy_metadata_name(policy.keeps_metadata), policy.metadata_rule);
	write_budget(&policy, out);
	if (of_objects)
		write_of_objects(&policy, out);
	if (source_is_removed(fs->source))
		fprintf(out, "problem: %s: " SOURCE_REMOVED "\n", source_path(fs->source));
	govern_write_problems(fs->govern, directory, out);
	write_bound(fs, directory, out);
	write_hints(fs, path, out);
	policy_clear(&policy);
	return 0;
}

static void write_stats(struct fs *fs, FILE *out)
{
	struct stats_gauges gauges = {
	        .cache = cache_counts(fs->cache),
	        .cache_nbytes_max = fs->settings.cache_nbytes,
	        .nodes = nodes_count(fs->nodes),
	        .names_nbytes = dirs_table_nbytes(fs->dirs),
	        .nwaiting = gate_nwaiting(fs->source_gate) + gate_nwaiting(fs->encode_gate),
	};

	stats_write(&fs->stats, &gauges, out);
	if (fs->store) {
		struct store_counts counts = store_counts(fs->store);
		stats_write_store(&counts, fs->settings.store.nbytes_max, out);
	}
	if (fs->idle)
		idle_write_stats(fs->idle, out);
}

static void write_search(const struct fs *fs, FILE *out)
{
	if (fs->idle)
		idle_write(fs->idle, out);
	else
		fputs("search: none; with -o search=idle a mount searches directories that are auto and have no "
		      "choice\n",
		      out);
}

static errint_t write_text(struct fs *fs, struct node *directory, const char *name, char **ret_text)
{
	char *text = NULL;
	size_t nbytes;
	errint_t err = 0;
	FILE *out = open_memstream(&text, &nbytes);

	if (!out)
		return -ENOMEM;
	if (!strcmp(name, "policy"))
		err = write_policy(fs, directory, out);
	else if (!strcmp(name, "search"))
		write_search(fs, out);
	else
		write_stats(fs, out);
	if (fclose(out) && !err)
		err = -ENOMEM;
	if (err)
		free(text);
	else
		*ret_text = text;
	return err;
}

static void set_owner(struct fs *fs, struct node_spec *spec, uint16_t mode)
{
	const struct node *root = nodes_root(fs->nodes);

	spec->uid = atomic_load(&root->uid);
	spec->gid = atomic_load(&root->gid);
	spec->mode = mode;
}

static errint_t file_spec(struct fs *fs, struct node *parent, const char *name, struct node_spec *spec, char **ret_text)
{
	for (size_t i = 0; i < NFILES; i++) {
		if (strcmp(name, control_files[i]))
			continue;
		errint_t err = write_text(fs, parent->parent, name, ret_text);
		if (err)
			return err;
		spec->kind = NODE_TEXT;
		spec->text = *ret_text;
		set_owner(fs, spec, S_IFREG | 0444);
		return 0;
	}
	return -ENOENT;
}

static errint_t view_spec(struct fs *fs, const char *name, struct node_spec *spec, struct policy_rule *ret_view)
{
	const struct node *root = nodes_root(fs->nodes);

	if (policy_parse_view(name, ret_view, NULL))
		return -ENOENT;
	spec->kind = NODE_DIRECTORY;
	spec->view = ret_view;
	spec->place = "";
	spec->identity = (struct source_identity){.ino = root->ino, .dev = root->dev};
	set_owner(fs, spec, atomic_load(&root->mode));
	return 0;
}

errint_t control_spec(struct fs *fs, struct node *parent, const char *name, struct node_spec *ret_spec, char **ret_text,
                      struct policy_rule *ret_view)
{
	struct node_spec *spec = ret_spec;

	*spec = (struct node_spec){.parent = parent, .name = name};
	*ret_text = NULL;
	if (parent->kind == NODE_DIRECTORY) {
		spec->kind = NODE_CONTROL;
		set_owner(fs, spec, S_IFDIR | 0555);
		return 0;
	}
	if (parent->kind == NODE_VIEWS)
		return view_spec(fs, name, spec, ret_view);
	if (!strcmp(name, VIEWS_NAME) && has_views(parent)) {
		spec->kind = NODE_VIEWS;
		set_owner(fs, spec, S_IFDIR | 0555);
		return 0;
	}
	return file_spec(fs, parent, name, spec, ret_text);
}

struct control_names {
	struct fs *fs;
	char **names; /* ends with NULL */
	size_t count;
	errint_t err;
};

static void add_name(struct control_names *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->names[i], name))
			return;
	char **grown = realloc(list->names, (list->count + 2) * sizeof(*grown));
	if (grown)
		list->names = grown;
	if (!grown || !(grown[list->count] = strdup(name))) {
		list->err = -ENOMEM;
		return;
	}
	grown[++list->count] = NULL;
}

/* What a directory in use is served as. */
static void add_view(void *context, struct node *node)
{
	struct control_names *list = context;
	char name[IC_DESIGN_STRING_SIZE + 16];
	struct ic_variant variant;
	size_t n = 0;

	if (list->err || node->kind != NODE_DIRECTORY || govern_policy(list->fs->govern, node, &variant, NULL))
		return;
	if (variant.face != IC_FACE_ORIG)
		n = ic_design_print(&variant.design, name);
	snprintf(name + n, sizeof(name) - n, "%s%s", n ? "," : "", ic_face_name(variant.face));
	add_name(list, name);
}

errint_t control_list(struct fs *fs, const struct node *directory, char ***ret_names)
{
	struct control_names list = {.fs = fs, .names = calloc(1, sizeof(char *))};

	if (!list.names)
		return -ENOMEM;
	if (directory->kind == NODE_VIEWS) {
		nodes_each(fs->nodes, add_view, &list);
	} else {
		for (size_t i = 0; i < NFILES; i++)
			add_name(&list, control_files[i]);
		if (has_views(directory))
			add_name(&list, VIEWS_NAME);
	}
	if (list.err)
		control_list_free(list.names);
	else
		*ret_names = list.names;
	return list.err;
}

void control_list_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}
