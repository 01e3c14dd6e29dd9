/* SPDX-License-Identifier: MIT */
#include "fs/content_priv.h"
#include "fs/facts_priv.h"
#include "fs/invalidate_priv.h"
#include "fs/read_at.h"
#include "fs/visit_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct content_source content_source_of(const struct node *node)
{
	return (struct content_source){
	        .parent = node->parent, .name = node->name, .identity = node_identity(node), .fd = -1};
}

struct content_source content_source_found(const struct found *found)
{
	const struct node_spec *spec = &found->spec;

	return (struct content_source){
	        .parent = spec->parent, .name = spec->name, .identity = spec->identity, .fd = found->fd};
}

bool content_is_object(const struct content_source *source)
{
	return object_stem_length(source->name) > 0;
}

errint_t content_stale(struct fs *fs, const struct content_source *source)
{
	stats_add(&fs->stats, STATS_STALE, 1);
	invalidate_post(fs, source->parent, source->name);
	return -ESTALE;
}

errint_t content_open(struct fs *fs, const struct content_source *source, int *ret_fd)
{
	struct source_identity is;
	char place[PATH_MAX];
	struct stat st;
	int fd;

	errint_t err = node_place(source->parent, place);
	if (!err)
		err = source_open_file(fs->source, place, source->name, &fd, &st);
	if (err == -ENOENT || err == -EINVAL || err == -EXDEV || err == -ELOOP || err == -ENOTDIR)
		return content_stale(fs, source);
	if (err)
		return err;
	is = source_identify(&st);
	if (!source_identity_equal(&is, &source->identity)) {
		close(fd);
		return content_stale(fs, source);
	}
	*ret_fd = fd;
	return 0;
}

/* Whether the open source is still what was looked up. */
errint_t content_check(struct fs *fs, const struct content_source *source, int fd)
{
	struct source_identity is;
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	is = source_identify(&st);
	return source_identity_equal(&is, &source->identity) ? 0 : content_stale(fs, source);
}

void content_warn(struct fs *fs, const struct content_source *source, const char *what, const char *why)
{
	char path[PATH_MAX];

	if (node_path(source->parent, path))
		path[0] = 0;
	log_write(fs->log, LOG_LEVEL_WARNING, "%s%s%s: %s%s", path, path[0] ? "/" : "", source->name, what, why);
}

void content_forget(struct fs *fs, const struct content_source *source)
{
	struct table *table = dir_last_table(fs->dirs, source->parent->directory->dir);
	ssize_t i = table ? table_find(table, source->name) : -1;

	facts_forget(fs, &source->identity);
	if (i >= 0)
		table_set_verdict(table, (size_t)i, NULL);
	table_unref(table);
}

/* Under other faces than `orig`, a JPEG is served as a file where its name is taken, where nothing can be made of it, and
 * where the catalog said that it is none. Whoever reads it now has what was promised, its bytes; the next look is at
 * itself. */
static void check_is_no_jpeg(struct fs *fs, const struct content_source *source)
{
	struct catalog_source asked = facts_source(&source->identity);
	struct catalog_known known;
	struct ic_variant variant;

	if (govern_policy(fs->govern, source->parent, &variant, NULL) || variant.face == IC_FACE_ORIG)
		return;
	facts_get(fs, &asked, 1, NULL, &known);
	if (!known.has_facts || known.facts.is_jpeg)
		return;
	content_warn(fs, source, "", "the catalog remembered that it is no JPEG, which was not so");
	content_forget(fs, source);
	invalidate_post(fs, source->parent, source->name);
}

errint_t content_read_file(struct fs *fs, struct node *node, uint8_t *out, size_t nbytes, uint64_t offset,
                           size_t *ret_nbytes)
{
	struct content_source source = content_source_of(node);
	size_t n = 0;
	int fd;

	errint_t err = content_open(fs, &source, &fd);
	if (err)
		return err;
	err = read_at(fd, out, nbytes, offset, &n);
	if (!err)
		err = content_check(fs, &source, fd);
	close(fd);
	if (err)
		return err;
	if (offset == 0 && stem_length(node->name) && ic_is_jpeg(out, n))
		check_is_no_jpeg(fs, &source);
	*ret_nbytes = n;
	return 0;
}

static errint_t read_source(struct fs *fs, const struct content_source *source, uint8_t *bytes)
{
	size_t nbytes = source->identity.size, n = 0;
	int fd = source->fd;

	errint_t err = fd < 0 ? content_open(fs, source, &fd) : 0;
	if (err)
		return err;
	err = read_at(fd, bytes, nbytes, 0, &n);
	if (!err)
		err = content_check(fs, source, fd);
	if (!err && n != nbytes)
		err = content_stale(fs, source);
	if (source->fd < 0)
		close(fd);
	if (!err)
		stats_add(&fs->stats, STATS_SOURCE_BYTES_READ, nbytes);
	return err;
}

errint_t content_get_source(struct fs *fs, const struct content_source *source, uint8_t **ret_bytes, struct ic_why *why)
{
	size_t nbytes = source->identity.size;

	gate_enter(fs->source_gate, nbytes);
	uint8_t *bytes = malloc(nbytes ? nbytes : 1);
	errint_t err = bytes ? read_source(fs, source, bytes) : -ENOMEM;
	if (err) {
		free(bytes);
		gate_leave(fs->source_gate, nbytes);
		return ic_fail(why, err, "%s", err == -ESTALE ? "it changed meanwhile" : strerror(-err));
	}
	*ret_bytes = bytes;
	return 0;
}

void content_put_source(struct fs *fs, const struct content_source *source, uint8_t *bytes)
{
	free(bytes);
	gate_leave(fs->source_gate, source->identity.size);
}
