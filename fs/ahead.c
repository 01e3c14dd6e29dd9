/* SPDX-License-Identifier: MIT */
/* What a listing asks for all entries of a page at once, because it costs less than to ask for each. */
#include "fs/facts_priv.h"
#include "fs/visit_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

/* Only of plain files: what a link leads to is found out step by step. */
static bool look(struct visit *visit, size_t i, struct stat *ret_st)
{
	return table_type(visit->table, i) == DT_REG &&
	       !fstatat(visit->fd, table_name(visit->table, i), ret_st, AT_SYMLINK_NOFOLLOW) &&
	       S_ISREG(ret_st->st_mode);
}

/* Under `jpeg` the catalog knows sizes, which verdicts do not tell. An .ic file may have a design of its own, and is asked
 * for when that is known. */
static bool is_wanted(struct visit *visit, size_t i)
{
	if (visit->variant.face == IC_FACE_ORIG || !table_is_candidate(visit->table, i) ||
	    table_is_object(visit->table, i))
		return false;
	return visit->variant.face == IC_FACE_JPEG || !table_has_verdict(visit->table, i);
}

static void ask(struct visit *visit)
{
	struct visit_ahead *ahead = visit->ahead;
	struct catalog_source *sources = malloc(ahead->count * sizeof(*sources));
	struct catalog_known *known = malloc(ahead->count * sizeof(*known));
	size_t n = 0;

	for (size_t k = 0; sources && known && k < ahead->count; k++) {
		if (!ahead->entries[k].is_asked)
			continue;
		struct source_identity identity = source_identify(&ahead->entries[k].st);
		sources[n++] = facts_source(&identity);
	}
	if (n)
		facts_get(visit->fs, sources, n, look_sized(visit), known);
	n = 0;
	for (size_t k = 0; sources && known && k < ahead->count; k++)
		if (ahead->entries[k].is_asked)
			ahead->entries[k].known = known[n++];
	free(sources);
	free(known);
}

void visit_look_ahead(struct visit *visit, size_t first, size_t count)
{
	size_t total = table_count(visit->table);
	size_t left = first < total ? total - first : 0; /* a program may have sought to anywhere */
	size_t n = count < left ? count : left;
	struct visit_ahead *ahead = calloc(1, sizeof(*ahead) + n * sizeof(ahead->entries[0]));

	if (!n || !ahead) {
		free(ahead);
		return; /* each is asked for alone */
	}
	ahead->first = first;
	ahead->count = n;
	for (size_t k = 0; k < n; k++) {
		ahead->entries[k].is_there = look(visit, first + k, &ahead->entries[k].st);
		ahead->entries[k].is_asked = ahead->entries[k].is_there && is_wanted(visit, first + k);
	}
	free(visit->ahead);
	visit->ahead = ahead;
	ask(visit);
}

const struct visit_entry *visit_ahead(const struct visit *visit, size_t i)
{
	const struct visit_ahead *ahead = visit->ahead;

	return ahead && i >= ahead->first && i - ahead->first < ahead->count ? &ahead->entries[i - ahead->first] : NULL;
}
