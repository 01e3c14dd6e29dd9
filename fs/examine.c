/* SPDX-License-Identifier: MIT */
/* What an entry of a directory is served as. */
#include "fs/visit_priv.h"
#include "codec/make.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* What entry `i` is, links followed to their end; `ret_place` is where the link led. */
static errint_t stat_entry(struct visit *visit, size_t i, struct stat *ret_st, bool *ret_is_link,
                           char ret_place[PATH_MAX])
{
	const struct visit_entry *ahead = visit_ahead(visit, i);
	const char *name = table_name(visit->table, i);
	unsigned char type = table_type(visit->table, i);
	errint_t err;
	int fd;

	*ret_is_link = false;
	if (ahead && ahead->is_there) {
		*ret_st = ahead->st;
		return 0;
	}
	if (type == DT_REG) {
		if (fstatat(visit->fd, name, ret_st, AT_SYMLINK_NOFOLLOW))
			return -errno;
		return S_ISREG(ret_st->st_mode) ? 0 : -ENOENT; /* another by now; the next look at the names tells */
	}
	if (type == DT_LNK) {
		*ret_is_link = true;
		return source_resolve(visit->fs->source, visit->place, name, ret_place, ret_st);
	}
	if (type != DT_DIR)
		return -ENOENT;
	err = source_join(visit->place, name, ret_place);
	if (!err)
		err = source_open(visit->fs->source, ret_place, O_PATH | O_NOFOLLOW, &fd);
	if (err)
		return err;
	if (fstat(fd, ret_st))
		err = -errno;
	else if (!S_ISDIR(ret_st->st_mode))
		err = -ENOENT;
	close(fd);
	return err;
}

static bool is_image(void *context, size_t i)
{
	struct recalled recalled = {.is_asked = false};
	struct look *look = context;
	struct verdict *verdict;
	char place[PATH_MAX];
	struct stat st;
	bool is_link;

	if (stat_entry(look->visit, i, &st, &is_link, place) || !S_ISREG(st.st_mode) ||
	    look_at(look, i, &st, &recalled, &verdict))
		return false;
	bool result = verdict->is_image;
	verdict_unref(verdict);
	return result;
}

struct names look_served(struct look *look)
{
	const struct visit *visit = look->visit;

	return (struct names){
	        .table = visit->table, .face = visit->variant.face, .is_image = is_image, .context = look};
}

static void set_stat(struct found *found, const struct stat *st)
{
	struct node_spec *spec = &found->spec;

	found->st = *st;
	spec->identity = source_identify(st);
	spec->uid = st->st_uid;
	spec->gid = st->st_gid;
	spec->mode = (uint16_t)(st->st_mode & ~0222u);
}

/* Its own size: with 0 the kernel would never ask, and a reader would see an empty file. */
void found_set_failed(struct found *found, errint_t err, const char *why)
{
	found->lacks_size = false;
	found->spec.kind = NODE_OBJECT;
	found->spec.err = err;
	found->spec.why = why;
	found->spec.nbytes = found->spec.identity.size;
}

/* Whether the .ic file that the verdict is on can be served so. */
static errint_t check_object(const struct visit *visit, const struct verdict *verdict, const struct ic_variant *variant,
                             struct ic_why *why)
{
	struct ic_view header = {.flags = verdict->flags};

	errint_t err =
	        ic_layout_init(&header.layout, &verdict->design, verdict->width, verdict->height, verdict->ncomponents);
	return err ? err : ic_make_check_object(&header, variant, &visit->fs->settings.limits, why);
}

/* Whether what is remembered of a JPEG holds here: it was made somewhere, within limits that may have been wider. */
static bool is_within_limits(const struct visit *visit, const struct catalog_known *known,
                             const struct ic_variant *variant)
{
	return known->size.as_is || !known->has_facts || !known->facts.is_jpeg ||
	       !ic_make_check_jpeg(&known->facts.info, variant, &visit->fs->settings.limits, NULL);
}

/* The size that the face `jpeg` gives is what somebody remembers. */
static void examine_jpeg(struct visit *visit, size_t i, struct found *found)
{
	struct node_spec *spec = &found->spec;
	struct object_key key = {.identity = spec->identity, .variant = spec->variant};
	struct fs *fs = visit->fs;

	if (nodes_get_size(fs->nodes, spec, &spec->nbytes) || cache_get_size(fs->cache, &key, &spec->nbytes))
		return;
	const struct catalog_known *known = look_recall(visit, i, &spec->identity, &spec->variant, &found->recalled);
	found->lacks_size = !known->has_size || !is_within_limits(visit, known, &spec->variant);
	if (found->lacks_size)
		return;
	stats_add(&fs->stats, STATS_SIZES_REMEMBERED, 1);
	spec->nbytes = known->size.nbytes;
	if (known->size.as_is)
		found_set_as_is(found);
}

/* An image that is served under another name, or as something else. */
static errint_t examine_object(struct visit *visit, size_t i, struct found *found)
{
	struct verdict *verdict = found->verdict;
	struct node_spec *spec = &found->spec;
	bool is_damaged = atomic_load(&verdict->is_damaged);
	struct ic_layout layout;

	spec->kind = NODE_OBJECT;
	spec->variant = verdict->is_object
	                        ? policy_variant_of_object(visit->variant, visit->design_is_default, &verdict->design)
	                        : visit->variant;
	if (spec->variant.face == IC_FACE_JPEG && !verdict->is_object && (verdict->err || is_damaged)) {
		found_set_as_is(found); /* the program meets what it met before */
		spec->why = verdict->err ? verdict->why : "damaged";
		return 0;
	}
	errint_t err = verdict->err;
	if (!err && verdict->is_object)
		err = is_damaged ? -EBADMSG : check_object(visit, verdict, &spec->variant, &found->why);
	if (err) {
		found_set_failed(found, err, verdict->err ? verdict->why : is_damaged ? "damaged" : found->why.text);
		if (!verdict->err && !is_damaged)
			look_report(visit, spec->name, verdict, spec->why);
		return 0;
	}
	if (spec->variant.face == IC_FACE_JPEG) {
		examine_jpeg(visit, i, found);
		return 0;
	}
	err = ic_layout_init(&layout, &spec->variant.design, verdict->width, verdict->height, verdict->ncomponents);
	if (!err)
		spec->nbytes = ic_make_nbytes(&layout, spec->variant.face);
	return err;
}

/* What was opened to look at it, if it was, for who reads it. */
static void take_open(struct look *look, struct found *found)
{
	if (look->fd < 0 || !source_identity_equal(&look->identity, &found->spec.identity))
		return;
	found->fd = look->fd;
	look->fd = -1;
}

static errint_t examine_file(struct look *look, size_t i, enum name_form form, struct stat *st, struct found *found)
{
	struct visit *visit = look->visit;
	struct names names = look_served(look);
	struct node_spec *spec = &found->spec;

	if (visit->variant.face != IC_FACE_ORIG && table_is_candidate(visit->table, i)) {
		errint_t err = look_at(look, i, st, &found->recalled, &found->verdict);
		if (err)
			return err;
	}
	set_stat(found, st);
	take_open(look, found);
	if (st->st_nlink > 1 && found->timeout > visit->fs->stale_timeout)
		found->timeout = visit->fs->stale_timeout; /* a change by another name is not told of here */
	bool is_image = found->verdict && found->verdict->is_image;
	if (form != NAME_OWN && !is_image)
		return -ENOENT;
	if (is_image && (form != NAME_OWN || !names_is_foreign(&names, i)))
		return examine_object(visit, i, found);
	spec->kind = NODE_FILE;
	spec->nbytes = spec->identity.size;
	if (is_image)
		look_report(visit, spec->name, found->verdict,
		            found->verdict->is_object
		                    ? "served as it is: its name as a picture is taken or passes 255 bytes"
		                    : "served as it is: its .ic names are taken or pass 255 bytes");
	return 0;
}

/* Whether a directory outside is one of those it would be listed in. */
static bool is_own_ancestor(const struct visit *visit, const struct stat *st)
{
	for (const struct node *at = visit->node; at; at = at->parent)
		if (at->kind == NODE_DIRECTORY && at->ino == st->st_ino && at->dev == source_device(st->st_dev))
			return true;
	return false;
}

static errint_t examine_directory(struct visit *visit, const struct stat *st, bool is_link, struct found *found)
{
	struct node_spec *spec = &found->spec;
	char place[PATH_MAX], own_path[PATH_MAX];

	set_stat(found, st);
	if (is_link && found->text[0] != '/') {
		errint_t err = node_path(visit->node, own_path);
		if (err)
			return err;
		strcpy(place, found->text);
		spec->kind = NODE_LINK;
		spec->mode = S_IFLNK | 0777;
		spec->text = found->text;
		return path_between(own_path, place, found->text);
	}
	if (found->text[0] == '/' && (visit->fs->settings.follow != SOURCE_FOLLOW_ALL || is_own_ancestor(visit, st)))
		return -ENOENT;
	spec->kind = NODE_DIRECTORY;
	spec->place = is_link ? found->text : NULL;
	return 0;
}

static errint_t examine(struct look *look, size_t i, enum name_form form, struct found *found)
{
	struct visit *visit = look->visit;
	struct stat st;
	bool is_link;

	errint_t err = stat_entry(visit, i, &st, &is_link, found->text);
	if (err)
		return err;
	if (is_link && found->timeout > visit->fs->stale_timeout)
		found->timeout = visit->fs->stale_timeout; /* nobody tells of a change where it leads */
	if (S_ISREG(st.st_mode))
		return examine_file(look, i, form, &st, found);
	return S_ISDIR(st.st_mode) ? examine_directory(visit, &st, is_link, found) : -ENOENT;
}

errint_t look_examine(struct look *look, size_t i, enum name_form form, struct found *ret_found)
{
	struct visit *visit = look->visit;
	struct found *found = ret_found;

	memset(&found->spec, 0, sizeof(found->spec));
	found->verdict = NULL;
	found->recalled.is_asked = false;
	found->fd = -1;
	found->lacks_size = false;
	found->text[0] = 0;
	found->timeout = visit->timeout;
	found->spec.parent = visit->node;
	found->spec.name = table_name(visit->table, i);
	errint_t err = examine(look, i, form, found);
	if (err)
		found_clear(found);
	/* A link that leads outside, nowhere, or to what may not be seen, is not there. */
	if (err == -EXDEV || err == -ELOOP || err == -ENOTDIR ||
	    (table_type(visit->table, i) == DT_LNK && (err == -EACCES || err == -ENAMETOOLONG)))
		err = -ENOENT;
	return err;
}

void found_set_as_is(struct found *found)
{
	found->lacks_size = false;
	found->spec.kind = NODE_FILE;
	found->spec.variant = (struct ic_variant){0};
	found->spec.nbytes = found->spec.identity.size;
}

void found_clear(struct found *found)
{
	verdict_unref(found->verdict);
	found->verdict = NULL;
	if (found->fd >= 0)
		close(found->fd);
	found->fd = -1;
}
