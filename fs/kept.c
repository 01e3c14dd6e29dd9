/* SPDX-License-Identifier: MIT */
/*
 * The names of directories that the kernel keeps, so that a listing of one that did not change asks for nothing.
 *
 * The kernel puts together what several open listings read, by offsets, which are places in a table. So all listings that
 * it takes names from at one time have one table; another, of a directory that changed meanwhile, is not kept.
 */
#include "fs/kept_priv.h"
#include "search/clock.h"

static bool is_unchanged(const struct node_names *names, const struct visit *visit)
{
	return names->version == visit->version && names->generation == visit->generation &&
	       names->mtime_ns == clock_timespec_ns(&visit->st.st_mtim) &&
	       names->ctime_ns == clock_timespec_ns(&visit->st.st_ctim);
}

static void restart(struct node_names *names, const struct visit *visit)
{
	*names = (struct node_names){
	        .is_kept = true,
	        .version = visit->version,
	        .generation = visit->generation,
	        .mtime_ns = clock_timespec_ns(&visit->st.st_mtim),
	        .ctime_ns = clock_timespec_ns(&visit->st.st_ctim),
	};
}

/* Whether the kernel still knows the files whose names it has. It would ask for each it forgot, which takes longer than a
 * listing that tells all of them. */
static bool is_known(const struct visit *visit, const struct node_names *names)
{
	return nodes_refs(visit->fs->nodes, visit->node) >= names->nprimed;
}

/* What changes from here on is told of, and has another time. */
static bool is_told(const struct visit *visit)
{
	return atomic_load(&visit->dir->is_watched) && dir_is_settled(visit->dir, &visit->st);
}

struct kept_open kept_begin(const struct visit *visit)
{
	struct node_names *names = &visit->node->directory->names;
	struct fs *fs = visit->fs;
	struct kept_open open = {.adds = false};
	bool may_add = is_told(visit);

	pthread_mutex_lock(&fs->listings_lock);
	bool is_current = names->is_kept && is_unchanged(names, visit);
	if (may_add && (is_current || !names->nadding)) {
		open.adds = true;
		open.has_all = is_current && is_known(visit, names);
		if (!is_current)
			restart(names, visit);
		names->nadding++;
	}
	pthread_mutex_unlock(&fs->listings_lock);
	return open;
}

bool kept_renew(const struct visit *visit)
{
	struct node_names *names = &visit->node->directory->names;
	struct fs *fs = visit->fs;
	struct table *table = NULL;

	pthread_mutex_lock(&fs->listings_lock);
	bool is_renewed = names->nadding == 1 && !is_unchanged(names, visit);
	if (is_renewed) {
		table = names->table;
		restart(names, visit);
		names->is_kept = is_told(visit);
		names->nadding = 1;
	}
	pthread_mutex_unlock(&fs->listings_lock);
	table_unref(table);
	return is_renewed;
}

errint_t kept_table(struct visit *visit, struct table **ret_table)
{
	struct node_names *names = &visit->node->directory->names;
	struct fs *fs = visit->fs;

	pthread_mutex_lock(&fs->listings_lock);
	struct table *table = names->table ? table_ref(names->table) : NULL;
	pthread_mutex_unlock(&fs->listings_lock);
	if (table) {
		*ret_table = table;
		return 0;
	}
	errint_t err = visit_read_table(visit, &table);
	if (err)
		return err;
	pthread_mutex_lock(&fs->listings_lock);
	if (!names->table)
		names->table = table_ref(table);
	*ret_table = table_ref(names->table);
	pthread_mutex_unlock(&fs->listings_lock);
	table_unref(table);
	return 0;
}

void kept_add(struct fs *fs, const struct node *directory, size_t nprimed, bool is_steady)
{
	struct node_names *names = &directory->directory->names;

	pthread_mutex_lock(&fs->listings_lock);
	if (nprimed > names->nprimed)
		names->nprimed = nprimed;
	names->is_kept = names->is_kept && is_steady;
	pthread_mutex_unlock(&fs->listings_lock);
}

void kept_end(struct fs *fs, const struct node *directory)
{
	struct node_names *names = &directory->directory->names;
	struct table *table = NULL;

	pthread_mutex_lock(&fs->listings_lock);
	if (--names->nadding == 0) {
		table = names->table;
		names->table = NULL;
	}
	pthread_mutex_unlock(&fs->listings_lock);
	table_unref(table);
}
