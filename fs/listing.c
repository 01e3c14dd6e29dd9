/* SPDX-License-Identifier: MIT */
#include "fs/entry_priv.h"
#include "fs/kept_priv.h"
#include "fs/control_priv.h"
#include "fs/invalidate_priv.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ENTRY 2 /* offsets 0 and 1 are "." and ".." */

struct listing {
	struct listing *next, **link; /* of fs->listings, and what points here */
	struct fs *fs;
	struct node *directory;
	struct table *table;  /* of a directory of the source; NULL until it is asked for */
	bool is_kept;         /* the kernel keeps what it reads */
	bool is_begun;        /* its names were read from */
	bool is_at_end;       /* and to their end: the last reply had none */
	size_t nprimed;       /* entries that went out with attributes, from its beginning on */
	char **control_names; /* of a control directory, ends with NULL */
};

static void link_listing(struct fs *fs, struct listing *listing)
{
	pthread_mutex_lock(&fs->listings_lock);
	listing->next = fs->listings;
	listing->link = &fs->listings;
	if (listing->next)
		listing->next->link = &listing->next;
	fs->listings = listing;
	pthread_mutex_unlock(&fs->listings_lock);
}

static void unlink_listing(struct fs *fs, struct listing *listing)
{
	pthread_mutex_lock(&fs->listings_lock);
	*listing->link = listing->next;
	if (listing->next)
		listing->next->link = listing->link;
	pthread_mutex_unlock(&fs->listings_lock);
}

/* The names as they are when it is opened or rewound, or when a listing with which it shares them was. */
static errint_t take_names(struct listing *listing, struct visit *visit)
{
	if (listing->table)
		return 0;
	return listing->is_kept ? kept_table(visit, &listing->table) : visit_read_table(visit, &listing->table);
}

/* rewinddir(3) shows the directory as it is now; but where the kernel keeps the beginning of what it has not read to its end
 * yet, other names would be put behind that. */
static void rewind_names(struct listing *listing, const struct visit *visit)
{
	if (listing->is_kept && (!listing->is_at_end || !kept_renew(visit)))
		return;
	table_unref(listing->table);
	listing->table = NULL;
}

static errint_t open_directory(struct listing *listing, struct fuse_file_info *fi)
{
	struct visit visit;

	errint_t err = visit_begin(&visit, listing->fs, listing->directory);
	if (err)
		return err;
	struct kept_open open = kept_begin(&visit);
	listing->is_kept = open.adds;
	/* The kernel may give up what it keeps, and go on from an offset: that means the names as they are now. */
	if (!open.has_all || dir_has_table(listing->fs->dirs, visit.dir, &visit.st))
		err = take_names(listing, &visit);
	if (err && open.adds)
		kept_end(listing->fs, listing->directory);
	visit_end(&visit);
	fi->cache_readdir = open.adds;
	fi->keep_cache = open.has_all;
	return err;
}

errint_t listing_open(struct fs *fs, struct node *directory, struct fuse_file_info *fi, struct listing **ret_listing)
{
	struct listing *listing = calloc(1, sizeof(*listing));

	if (!listing)
		return -ENOMEM;
	listing->fs = fs;
	listing->directory = directory;
	errint_t err = directory->kind == NODE_DIRECTORY ? open_directory(listing, fi)
	                                                 : control_list(fs, directory, &listing->control_names);
	if (err) {
		free(listing);
		return err;
	}
	link_listing(fs, listing);
	*ret_listing = listing;
	return 0;
}

void listings_free(struct fs *fs)
{
	while (fs->listings)
		listing_free(fs->listings);
}

void listing_free(struct listing *listing)
{
	unlink_listing(listing->fs, listing);
	if (listing->is_kept)
		kept_end(listing->fs, listing->directory);
	table_unref(listing->table);
	control_list_free(listing->control_names);
	free(listing);
}

/* One reply under way. */
struct page {
	fuse_req_t req;
	struct listing *listing;
	char *bytes;
	size_t size, used;
	size_t end; /* of the entries that were looked at */
	bool plus, is_full;
	bool is_steady;      /* every change of what is in it is told of */
	struct node **nodes; /* looked up for this reply */
	size_t nnodes;
};

#define ENTRY_SIZE_MIN 160 /* bytes that any entry takes with its attributes, at least */

/* Add a name; with entry->ino 0 the kernel takes note of the name alone. False, and is_full, where it does not fit. */
static bool add(struct page *page, const char *name, const struct fuse_entry_param *entry, off_t next)
{
	char *at = page->bytes + page->used;
	size_t room = page->size - page->used;
	size_t n = page->plus ? fuse_add_direntry_plus(page->req, at, room, name, entry, next)
	                      : fuse_add_direntry(page->req, at, room, name, &entry->attr, next);

	page->is_full = n > room;
	if (!page->is_full)
		page->used += n;
	return !page->is_full;
}

static void add_dots(struct page *page, off_t offset)
{
	struct fuse_entry_param entry = {.attr.st_mode = S_IFDIR};
	const struct node *directory = page->listing->directory;
	const struct node *parent = directory->parent ? directory->parent : directory;

	entry.attr.st_ino = node_number(directory);
	if (offset == 0 && !add(page, ".", &entry, 1))
		return;
	entry.attr.st_ino = node_number(parent);
	if (offset <= 1)
		add(page, "..", &entry, 2);
}

static void add_control(struct page *page, size_t first)
{
	char **names = page->listing->control_names;

	for (size_t i = 0; names[i] && !page->is_full; i++) {
		bool is_file = page->listing->directory->kind == NODE_CONTROL && strcmp(names[i], "view");
		struct fuse_entry_param entry = {.attr.st_mode = is_file ? S_IFREG : S_IFDIR, .attr.st_ino = i + 1};
		if (i >= first)
			add(page, names[i], &entry, (off_t)(i + 1 + FIRST_ENTRY));
	}
}

/* Without attributes no node is needed, only its number. */
static void set_number(const struct found *found, struct fuse_entry_param *ret_entry)
{
	*ret_entry =
	        (struct fuse_entry_param){.attr.st_mode = found->spec.mode, .attr.st_ino = found->spec.identity.ino};
	if (!ret_entry->attr.st_ino)
		ret_entry->attr.st_ino = 1;
}

static void warn_of_entry(const struct visit *visit, size_t i, const char *what)
{
	char path[PATH_MAX];

	if (node_path(visit->node, path))
		path[0] = 0;
	log_write(visit->fs->log, LOG_LEVEL_WARNING, "%s%s%s: %s", path, path[0] ? "/" : "",
	          table_name(visit->table, i), what);
}

/* Said of the first one: a source may have as many links as files. */
static void tell_left_out(const struct visit *visit, size_t i)
{
	if (table_type(visit->table, i) == DT_LNK && !atomic_flag_test_and_set(&visit->fs->is_link_told))
		warn_of_entry(
		        visit, i,
		        "a link that leads nowhere, to what is not served, or out of the source without -o follow "
		        "or follow_files, is not shown; others are not told of");
}

/* What cannot be looked at is there: who asks for it meets the error. */
static void add_failed(struct page *page, const struct visit *visit, size_t i, errint_t err)
{
	unsigned char type = table_type(visit->table, i);
	struct fuse_entry_param entry = {.attr.st_mode = type == DT_LNK ? 0 : DTTOIF(type), .attr.st_ino = 1};
	struct ic_why what;

	if (!atomic_flag_test_and_set(&visit->dir->is_failure_told)) {
		ic_fail(&what, err, "%s; others in the directory are not told of", strerror(-err));
		warn_of_entry(visit, i, what.text);
	}
	add(page, table_name(visit->table, i), &entry, (off_t)(i + 1 + FIRST_ENTRY));
}

static void add_entry(struct page *page, struct look *look, const struct names *names, size_t i)
{
	struct fs *fs = look->visit->fs;
	enum name_form form = names_form(names, i);
	struct fuse_entry_param entry = {0};
	char name[NAME_MAX + 1];
	struct found found;

	errint_t err = look_examine(look, i, form, &found);
	if (err) {
		page->is_steady = false;
		if (err == -ENOENT) /* gone meanwhile, or not to be seen */
			tell_left_out(look->visit, i);
		else
			add_failed(page, look->visit, i, err);
		return;
	}
	page->is_steady = page->is_steady && found.timeout >= ENTRY_TIMEOUT_WATCHED;
	names_write(names, i, form, name);
	if (!page->plus || found.lacks_size) { /* a listing makes nothing: who asks for that file does */
		set_number(&found, &entry);
		add(page, name, &entry, (off_t)(i + 1 + FIRST_ENTRY));
	} else if (!entry_make(fs, &found, &entry)) {
		struct node *node = fs_node(fs, entry.ino);
		if (add(page, name, &entry, (off_t)(i + 1 + FIRST_ENTRY)))
			page->nodes[page->nnodes++] = node;
		else
			nodes_forget(fs->nodes, node, 1);
	}
	found_clear(&found);
}

static void add_entries(struct page *page, struct visit *visit, size_t first)
{
	struct look look = look_begin(visit);
	struct names names = look_served(&look);

	visit_look_ahead(visit, first, page->size / ENTRY_SIZE_MIN);
	page->end = first;
	while (page->end < table_count(visit->table) && !page->is_full)
		add_entry(page, &look, &names, page->end++);
	look_end(&look);
}

/* The kernel has taken these entries while something changed; it has to forget them again. */
static void forget_page(struct visit *visit, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		invalidate_post(visit->fs, visit->node, table_name(visit->table, i));
}

/* A reply that did not reach the kernel took no reference. */
static void send(struct page *page)
{
	struct fs *fs = page->listing->fs;

	if (!fuse_reply_buf(page->req, page->bytes, page->used))
		return;
	for (size_t i = 0; i < page->nnodes; i++)
		nodes_forget(fs->nodes, page->nodes[i], 1);
}

/* Before the reply: then the kernel may keep it. */
static void note_kept(struct page *page, size_t first)
{
	struct listing *listing = page->listing;

	listing->nprimed = page->nnodes + (first ? listing->nprimed : 0);
	if (listing->is_kept)
		kept_add(listing->fs, listing->directory, listing->nprimed, page->is_steady);
}

static errint_t fill_directory(struct page *page, size_t first, bool is_first)
{
	struct listing *listing = page->listing;
	struct visit visit;

	errint_t err = visit_begin(&visit, listing->fs, listing->directory);
	if (err)
		return err;
	if (is_first && listing->is_begun)
		rewind_names(listing, &visit);
	err = take_names(listing, &visit);
	if (!err) {
		listing->is_begun = true;
		visit_names(&visit, listing->table);
		add_entries(page, &visit, first);
		note_kept(page, first);
		listing->is_at_end = page->used == 0;
		send(page);
		if (page->plus && visit_is_outdated(&visit))
			forget_page(&visit, first, page->end);
	}
	visit_end(&visit);
	return err;
}

static errint_t fill(struct page *page, off_t offset)
{
	size_t first = offset > FIRST_ENTRY ? (size_t)offset - FIRST_ENTRY : 0;

	add_dots(page, offset);
	if (!page->listing->control_names)
		return fill_directory(page, first, offset == 0);
	add_control(page, first);
	send(page);
	return 0;
}

void listing_reply(fuse_req_t req, struct listing *listing, size_t size, off_t offset, bool plus)
{
	struct page page = {.req = req, .listing = listing, .size = size, .plus = plus, .is_steady = true};
	errint_t err = -ENOMEM;

	page.bytes = malloc(size);
	page.nodes = calloc(size / ENTRY_SIZE_MIN + 1, sizeof(*page.nodes));
	if (page.bytes && page.nodes)
		err = fill(&page, offset);
	if (err)
		fuse_reply_err(req, fs_errno(err));
	free(page.bytes);
	free(page.nodes);
}
