/* SPDX-License-Identifier: MIT */
#include "fs/names.h"
#include "fs/ending.h"

#include <stdio.h>
#include <string.h>

#define SUFFIX ".ic"
#define SUFFIX_LEN (sizeof(SUFFIX) - 1)
#define PICTURE ".jpg"
#define PICTURE_LEN (sizeof(PICTURE) - 1)

/* stem + ".ic"; false where that passes NAME_MAX. */
static bool add_suffix(const char *stem, size_t stem_len, char ret_name[NAME_MAX + 1])
{
	if (stem_len + SUFFIX_LEN > NAME_MAX)
		return false;
	memcpy(ret_name, stem, stem_len);
	memcpy(ret_name + stem_len, SUFFIX, SUFFIX_LEN + 1);
	return true;
}

bool names_is_foreign(const struct names *names, size_t i)
{
	return table_is_candidate(names->table, i) && names->face != IC_FACE_ORIG &&
	       table_is_object(names->table, i) != (names->face == IC_FACE_IC);
}

/* One that is to get another name. */
static bool is_image(const struct names *names, size_t i)
{
	return names_is_foreign(names, i) && names->is_image(names->context, i);
}

/* --- JPEGs under the face ic ------------------------------------------------------------------------------------- */

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

static enum name_form object_form(const struct names *names, size_t i)
{
	const char *name = table_name(names->table, i);
	char full[NAME_MAX + 1];

	if (!is_stem_taken(names, i))
		return NAME_STEM;
	if (!add_suffix(name, strlen(name), full) || table_find(names->table, full) >= 0)
		return NAME_OWN;
	return NAME_FULL;
}

static ssize_t find_form(const struct names *names, size_t i, enum name_form wanted, enum name_form *ret_form)
{
	enum name_form form = names_form(names, i);

	if (form != wanted)
		return -1;
	*ret_form = form;
	return (ssize_t)i;
}

static ssize_t find_object(const struct names *names, const char *name, enum name_form *ret_form)
{
	size_t len = strlen(name), count;
	char base[NAME_MAX + 1];

	if (len <= SUFFIX_LEN || len > NAME_MAX || strcmp(name + len - SUFFIX_LEN, SUFFIX))
		return -1;
	memcpy(base, name, len - SUFFIX_LEN);
	base[len - SUFFIX_LEN] = 0;
	ssize_t i = table_find(names->table, base);
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

/* --- .ic files under the faces jpeg and bmp ----------------------------------------------------------------------- */

/* Of an .ic file with this stem; false where that passes NAME_MAX. */
static bool write_picture(const char *name, size_t stem_len, char ret_name[NAME_MAX + 1])
{
	memcpy(ret_name, name, stem_len);
	ret_name[stem_len] = 0;
	if (stem_length(ret_name))
		return true;
	if (stem_len + PICTURE_LEN > NAME_MAX)
		return false;
	memcpy(ret_name + stem_len, PICTURE, PICTURE_LEN + 1);
	return true;
}

/* Call `each` for the .ic files whose picture is called `picture`, until it returns false: first those whose stem is the
 * whole name (cat.jpg.ic), then those whose stem is its stem (cat.ic). */
typedef bool claimant_visitor(void *context, size_t i);
static void each_claimant(const struct table *table, const char *picture, claimant_visitor *each, void *context)
{
	size_t len = strlen(picture);
	char stem[NAME_MAX + 1];

	if (!stem_length(picture) || len > NAME_MAX)
		return;
	strcpy(stem, picture);
	for (int pass = 0; pass < 2; pass++) {
		size_t count, first = table_group(table, stem, strlen(stem), &count);
		for (size_t rank = first; rank < first + count; rank++) {
			size_t i = table_ranked(table, rank);
			if (table_is_object(table, i) && !each(context, i))
				return;
		}
		/* cat.ic stands for cat.jpg, and only for that; cat.jpg.ic is called cat.jpg itself, not cat.jpg.jpg */
		stem[len - PICTURE_LEN] = 0;
		if (strcmp(picture + len - PICTURE_LEN, PICTURE) || stem_length(stem))
			return;
	}
}

struct claim {
	const struct names *names;
	ssize_t first;
};

static bool take_claim(void *context, size_t i)
{
	struct claim *claim = context;

	if (!is_image(claim->names, i))
		return true;
	claim->first = (ssize_t)i;
	return false;
}

/* The .ic file that is served as `picture`, unless a real entry is; or -1. */
static ssize_t first_claimant(const struct names *names, const char *picture)
{
	struct claim claim = {names, -1};

	each_claimant(names->table, picture, take_claim, &claim);
	return claim.first;
}

static enum name_form picture_form(const struct names *names, size_t i)
{
	const char *name = table_name(names->table, i);
	char picture[NAME_MAX + 1];

	if (!write_picture(name, object_stem_length(name), picture) || table_find(names->table, picture) >= 0)
		return NAME_OWN;
	return first_claimant(names, picture) == (ssize_t)i ? NAME_STEM : NAME_OWN;
}

/* --- Either -------------------------------------------------------------------------------------------------------- */

enum name_form names_form(const struct names *names, size_t i)
{
	if (!is_image(names, i))
		return NAME_OWN;
	return names->face == IC_FACE_IC ? object_form(names, i) : picture_form(names, i);
}

void names_write(const struct names *names, size_t i, enum name_form form, char ret_name[NAME_MAX + 1])
{
	const char *name = table_name(names->table, i);

	if (form == NAME_OWN)
		snprintf(ret_name, NAME_MAX + 1, "%s", name);
	else if (names->face != IC_FACE_IC)
		write_picture(name, object_stem_length(name), ret_name);
	else
		add_suffix(name, form == NAME_STEM ? stem_length(name) : strlen(name), ret_name);
}

ssize_t names_find(const struct names *names, const char *name, enum name_form *ret_form)
{
	ssize_t i = table_find(names->table, name);

	if (i >= 0)
		return find_form(names, (size_t)i, NAME_OWN, ret_form);
	if (names->face == IC_FACE_IC)
		return find_object(names, name, ret_form);
	i = names->face == IC_FACE_ORIG ? -1 : first_claimant(names, name);
	if (i >= 0)
		*ret_form = NAME_STEM;
	return i;
}

/* --- What a change affects ----------------------------------------------------------------------------------------- */

static void tell_full(const char *name, names_visitor *each, void *context)
{
	char full[NAME_MAX + 1];

	each(context, name);
	if (add_suffix(name, strlen(name), full))
		each(context, full);
}

struct claimants {
	const struct table *table;
	names_visitor *each;
	void *context;
};

static bool tell_claimant(void *context, size_t i)
{
	const struct claimants *claimants = context;

	claimants->each(claimants->context, table_name(claimants->table, i));
	return true;
}

/* The name of a picture, and all .ic files that may be served under it. */
static void tell_picture(const struct table *table, const char *picture, names_visitor *each, void *context)
{
	struct claimants claimants = {table, each, context};

	each(context, picture);
	each_claimant(table, picture, tell_claimant, &claimants);
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
	char picture[NAME_MAX + 1];

	tell_full(name, each, context);
	if (stem_len) {
		tell_group(table, name, stem_len, each, context);
		tell_group(table, name, len, each, context);
	}
	tell_picture(table, name, each, context);
	if (object_stem_length(name) && write_picture(name, object_stem_length(name), picture))
		tell_picture(table, picture, each, context);
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
	stem_len = object_stem_length(name);
	if (stem_len && write_picture(name, stem_len, short_name))
		each(context, short_name);
}

struct possible {
	names_visitor *each;
	void *context;
};

static void tell_possible(void *context, const char *name)
{
	const struct possible *possible = context;

	names_possible(name, possible->each, possible->context);
}

void names_affected_near(const char *name, uint64_t endings, names_visitor *each, void *context)
{
	struct possible possible = {each, context};

	ending_each_near(name, endings, tell_possible, &possible);
}
