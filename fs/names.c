/* SPDX-License-Identifier: MIT */
#include "fs/names.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX ".ic"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)

/* stem + ".ic"; false where that passes NAME_MAX. */
static bool add_suffix(const char *stem, size_t stem_len, char ret_name[NAME_MAX + 1])
{
	if (stem_len + SUFFIX_LEN > NAME_MAX)
		return false;
	memcpy(ret_name, stem, stem_len);
	memcpy(ret_name + stem_len, SUFFIX, SUFFIX_LEN + 1);
	return true;
}

static bool is_image(const struct names *names, size_t i)
{
	return table_is_candidate(names->table, i) && names->is_image(names->context, i);
}

static bool has_rival(const struct names *names, size_t i, const char *stem, size_t stem_len)
{
	size_t count;
	size_t first = table_group(names->table, stem, stem_len, &count);

	for (size_t rank = first; rank < first + count; rank++) {
		size_t other = table_ranked(names->table, rank);
		if (other != i && is_image(names, other))
			return true;
	}
	return false;
}

/* Whether image `i` cannot have its stem's name. One that is called cat.jpg.jpg has to ask what cat.jpg is served as,
 * which is shorter, so this ends. */
static bool is_stem_taken(const struct names *names, size_t i)
{
	for (;;) {
		const char *name = table_name(names->table, i);
		size_t stem_len = stem_length(name);
		char wanted[NAME_MAX + 1];

		if (!add_suffix(name, stem_len, wanted) || table_find(names->table, wanted) >= 0 ||
		    has_rival(names, i, name, stem_len))
			return true;
		wanted[stem_len] = 0;
		ssize_t shorter = table_find(names->table, wanted);
		if (shorter < 0 || !is_image(names, (size_t)shorter))
			return false;
		i = (size_t)shorter;
	}
}

enum name_form names_form(const struct names *names, size_t i)
{
	const char *name = table_name(names->table, i);
	char full[NAME_MAX + 1];

	if (names->face != IC_FACE_IC || !is_image(names, i))
		return NAME_OWN;
	if (!is_stem_taken(names, i))
		return NAME_STEM;
	if (!add_suffix(name, strlen(name), full) || table_find(names->table, full) >= 0)
		return NAME_OWN;
	return NAME_FULL;
}

void names_write(const struct names *names, size_t i, enum name_form form, char ret_name[NAME_MAX + 1])
{
	const char *name = table_name(names->table, i);

	if (form == NAME_OWN)
		snprintf(ret_name, NAME_MAX + 1, "%s", name);
	else
		add_suffix(name, form == NAME_STEM ? stem_length(name) : strlen(name), ret_name);
}

static ssize_t find_form(const struct names *names, size_t i, enum name_form wanted, enum name_form *ret_form)
{
	enum name_form form = names_form(names, i);

	if (form != wanted)
		return -1;
	*ret_form = form;
	return (ssize_t)i;
}

ssize_t names_find(const struct names *names, const char *name, enum name_form *ret_form)
{
	size_t len = strlen(name), count;
	char base[NAME_MAX + 1];
	ssize_t i = table_find(names->table, name);

	if (i >= 0)
		return find_form(names, (size_t)i, NAME_OWN, ret_form);
	if (names->face != IC_FACE_IC || len <= SUFFIX_LEN || len > NAME_MAX || strcmp(name + len - SUFFIX_LEN, SUFFIX))
		return -1;
	memcpy(base, name, len - SUFFIX_LEN);
	base[len - SUFFIX_LEN] = 0;
	i = table_find(names->table, base);
	if (i >= 0 && find_form(names, (size_t)i, NAME_FULL, ret_form) >= 0)
		return i;
	size_t first = table_group(names->table, base, len - SUFFIX_LEN, &count);
	for (size_t rank = first; rank < first + count; rank++) {
		i = find_form(names, table_ranked(names->table, rank), NAME_STEM, ret_form);
		if (i >= 0)
			return i;
	}
	return -1;
}

static void tell_full(const char *name, names_visitor *each, void *context)
{
	char full[NAME_MAX + 1];

	each(context, name);
	if (add_suffix(name, strlen(name), full))
		each(context, full);
}

/* All that follows from a change of the group of one stem: the names of the group, and those of the groups whose stem is
 * the full name of one of it. Names grow by four bytes at least a level, so this goes 63 deep at most. */
static void tell_group(const struct table *table, const char *stem, size_t stem_len, names_visitor *each, void *context)
{
	char name[NAME_MAX + 1];
	size_t count;
	size_t first = table_group(table, stem, stem_len, &count);

	if (add_suffix(stem, stem_len, name))
		each(context, name);
	for (size_t rank = first; rank < first + count; rank++) {
		const char *member = table_name(table, table_ranked(table, rank));
		tell_full(member, each, context);
		tell_group(table, member, strlen(member), each, context);
	}
}

void names_affected(const struct table *table, const char *name, names_visitor *each, void *context)
{
	size_t len = strlen(name);
	size_t stem_len = stem_length(name);

	tell_full(name, each, context);
	if (stem_len) {
		tell_group(table, name, stem_len, each, context);
		tell_group(table, name, len, each, context);
	}
	if (len > SUFFIX_LEN && !strcmp(name + len - SUFFIX_LEN, SUFFIX)) {
		char base[NAME_MAX + 1];
		memcpy(base, name, len - SUFFIX_LEN);
		base[len - SUFFIX_LEN] = 0;
		each(context, base);
		tell_group(table, base, len - SUFFIX_LEN, each, context);
	}
}

void names_possible(const char *name, names_visitor *each, void *context)
{
	size_t stem_len = stem_length(name);
	char short_name[NAME_MAX + 1];

	tell_full(name, each, context);
	if (stem_len && add_suffix(name, stem_len, short_name))
		each(context, short_name);
}
