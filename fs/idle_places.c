/* SPDX-License-Identifier: MIT */
#include "fs/govern.h"
#include "fs/idle_priv.h"
#include "search/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a directory itself says. */
struct saying {
	char *place;
	struct policy_rule rule;
	bool is_of_file; /* of its .icpolicy, not of a section of the tree's */
};

struct sayings {
	struct saying *at;
	size_t n, size;
};

static errint_t add(struct sayings *sayings, const char *place, const struct policy_rule *rule, bool is_of_file)
{
	if (sayings->n == sayings->size) {
		size_t size = sayings->size ? 2 * sayings->size : 16;
		struct saying *more = realloc(sayings->at, size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		sayings->at = more;
		sayings->size = size;
	}
	char *copy = strdup(place);
	if (!copy)
		return -ENOMEM;
	sayings->at[sayings->n++] = (struct saying){copy, *rule, is_of_file};
	return 0;
}

/* One that is bad says nothing; the mount tells of it. */
static errint_t add_file(void *context, const char *place, struct policy_file *file, errint_t err,
                         const struct ic_why *why)
{
	errint_t added = file ? add(context, place, policy_file_root(file), true) : 0;

	policy_file_free(file);
	return added;
}

static errint_t add_sections(struct sayings *sayings, const struct policy_file *tree)
{
	const struct policy_rule *rule;
	const char *path;
	errint_t err = 0;

	for (size_t i = 0; !err && tree && (path = policy_file_section(tree, i, &rule)); i++)
		err = add(sayings, path, rule, false);
	return err;
}

static int compare(const void *a, const void *b)
{
	const struct saying *left = a, *right = b;

	return strcmp(left->place, right->place);
}

static bool says_budget(const struct policy_rule *rule)
{
	for (enum aim_key key = 0; key < AIM_NKEYS; key++)
		if (aim_says(&rule->aim, key))
			return true;
	return false;
}

/* The files at and above a place, nearest first: `sayings` are sorted, so a longer path comes after what holds it. */
static void find_nearest(const struct sayings *sayings, const char *place, struct policy_nearest *nearest)
{
	memset(nearest, 0, sizeof(*nearest));
	for (size_t i = sayings->n; i-- > 0;)
		if (sayings->at[i].is_of_file && path_holds(sayings->at[i].place, place))
			policy_nearest_take(nearest, &sayings->at[i].rule, sayings->at[i].place);
}

/* The sayings [first, end) are of one directory. */
static errint_t resolve(const struct sayings *sayings, size_t first, size_t end, struct policy_context *context,
                        struct policy_nearest *nearest, struct idle_place *place, bool *ret_is_wanted)
{
	bool says_design = !*sayings->at[first].place;
	struct policy policy;

	*place = (struct idle_place){.place = NULL};
	for (size_t i = first; i < end; i++) {
		says_design = says_design || sayings->at[i].rule.has_design;
		place->wants_own = place->wants_own || says_budget(&sayings->at[i].rule);
	}
	*ret_is_wanted = false;
	if (!says_design && !place->wants_own)
		return 0;
	find_nearest(sayings, sayings->at[first].place, nearest);
	context->directory = sayings->at[first].place;
	errint_t err = policy_resolve(context, &policy);
	if (err)
		return err;
	*ret_is_wanted = policy.design_is_auto;
	place->aim = policy.aim;
	aim_complete(&place->aim);
	/* The probe sees whole pictures, where programs that crop do not. */
	place->aim.keeps_proportions = policy_shows_pictures(policy.face);
	policy_clear(&policy);
	if (*ret_is_wanted && !(place->place = strdup(sayings->at[first].place)))
		return -ENOMEM;
	return 0;
}

static errint_t resolve_all(struct sayings *sayings, struct policy_context *context, struct idle_place *places,
                            size_t *ret_n)
{
	struct policy_nearest *nearest = malloc(sizeof(*nearest));
	errint_t err = nearest ? 0 : -ENOMEM;
	size_t n = 0;

	context->nearest = nearest;
	for (size_t i = 0, end; !err && i < sayings->n; i = end) {
		bool is_wanted;
		for (end = i + 1; end < sayings->n && !strcmp(sayings->at[i].place, sayings->at[end].place); end++)
			;
		err = resolve(sayings, i, end, context, nearest, &places[n], &is_wanted);
		n += !err && is_wanted;
	}
	free(nearest);
	*ret_n = n;
	return err;
}

errint_t idle_places_find(struct source *source, const struct policy_rule *options, const struct policy_file *tree,
                          struct idle_place **ret_places, size_t *ret_n)
{
	struct policy_context context = {.tree = tree, .options = options};
	struct policy_rule nothing = {.has_design = false};
	struct idle_place *places = NULL;
	struct sayings sayings = {0};
	size_t n = 0;

	errint_t err = add(&sayings, "", &nothing, false);
	if (!err)
		err = govern_each(source, add_file, &sayings);
	if (!err)
		err = add_sections(&sayings, tree);
	if (!err && !(places = calloc(sayings.n, sizeof(*places))))
		err = -ENOMEM;
	if (!err) {
		qsort(sayings.at, sayings.n, sizeof(*sayings.at), compare);
		err = resolve_all(&sayings, &context, places, &n);
	}
	while (sayings.n)
		free(sayings.at[--sayings.n].place);
	free(sayings.at);
	if (err) {
		idle_places_free(places, n);
		return err;
	}
	*ret_places = places;
	*ret_n = n;
	return 0;
}

void idle_places_free(struct idle_place *places, size_t n)
{
	while (n)
		free(places[--n].place);
	free(places);
}
