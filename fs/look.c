/* SPDX-License-Identifier: MIT */
/* What a candidate is: told by the table, by the catalog, or by its first bytes. */
#include "fs/visit_priv.h"
#include "fs/facts_priv.h"

#include <errno.h>
#include <unistd.h>

void look_report(struct visit *visit, const char *name, struct verdict *verdict, const char *what)
{
	char path[PATH_MAX];

	if (atomic_flag_test_and_set(&verdict->reported))
		return;
	if (node_path(visit->node, path))
		path[0] = 0;
	log_write(visit->fs->log, LOG_LEVEL_WARNING, "%s%s%s: %s", path, path[0] ? "/" : "", name, what);
}

const struct ic_variant *look_sized(const struct visit *visit)
{
	return visit->variant.face == IC_FACE_JPEG ? &visit->variant : NULL;
}

const struct catalog_known *look_recall(struct visit *visit, size_t i, const struct source_identity *identity,
                                        const struct ic_variant *sized, struct recalled *recalled)
{
	const struct visit_entry *ahead = visit_ahead(visit, i);
	struct catalog_source source = facts_source(identity);

	if (ahead && ahead->is_asked) {
		struct source_identity of = source_identify(&ahead->st);
		if (source_identity_equal(&of, identity))
			return &ahead->known;
	}
	if (!recalled->is_asked || !source_identity_equal(&recalled->of, identity)) {
		facts_get(visit->fs, &source, 1, sized, &recalled->known);
		recalled->of = *identity;
		recalled->is_asked = true;
	}
	return &recalled->known;
}

static errint_t recall_verdict(struct visit *visit, const struct stat *st, const struct catalog_known *known,
                               struct verdict **ret_verdict)
{
	const struct ic_jpeg_info *info = known->facts.is_jpeg ? &known->facts.info : NULL;

	if (!known->has_facts)
		return -ENODATA;
	errint_t err = verdict_recall(st, info, &visit->fs->settings.limits, ret_verdict);
	if (!err)
		stats_add(&visit->fs->stats, STATS_HEADERS_REMEMBERED, 1);
	return err;
}

struct look look_begin(struct visit *visit)
{
	return (struct look){.visit = visit, .fd = -1};
}

void look_end(struct look *look)
{
	if (look->fd >= 0)
		close(look->fd);
	look->fd = -1;
}

/* Look at entry `i` itself, and bring `st` up to date with what was looked at. */
static errint_t read_verdict(struct look *look, size_t i, struct stat *st, struct verdict **ret_verdict)
{
	struct visit *visit = look->visit;
	struct catalog_facts facts = {.is_jpeg = false};
	bool is_object = table_is_object(visit->table, i);
	struct verdict *verdict;
	struct fs *fs = visit->fs;

	look_end(look);
	errint_t err = source_open_file(fs->source, visit->place, table_name(visit->table, i), &look->fd, st);
	if (err == -EACCES || err == -EPERM)
		return verdict_unreadable(st, ret_verdict);
	if (err)
		return err;
	look->identity = source_identify(st);
	err = verdict_look(look->fd, st, is_object, &fs->settings.limits, &verdict, &facts.info);
	if (err)
		return err;
	stats_add(&fs->stats, STATS_HEADERS_READ, 1);
	facts.is_jpeg = verdict->is_image;
	if (!verdict->err && !is_object)
		facts_put(fs, &verdict->identity, &facts);
	*ret_verdict = verdict;
	return 0;
}

errint_t look_at(struct look *look, size_t i, struct stat *st, struct recalled *recalled, struct verdict **ret_verdict)
{
	struct visit *visit = look->visit;
	struct verdict *verdict = table_verdict(visit->table, i);
	struct source_identity identity = source_identify(st);

	if (verdict && verdict->is_kept && source_identity_equal(&verdict->identity, &identity)) {
		*ret_verdict = verdict;
		return 0;
	}
	verdict_unref(verdict);
	errint_t err = -ENODATA;
	if (!table_is_object(visit->table, i)) /* the catalog tells of JPEGs */
		err = recall_verdict(visit, st, look_recall(visit, i, &identity, look_sized(visit), recalled),
		                     &verdict);
	if (err == -ENODATA)
		err = read_verdict(look, i, st, &verdict);
	if (err)
		return err;
	table_set_verdict(visit->table, i, verdict);
	if (verdict->err)
		look_report(visit, table_name(visit->table, i), verdict, verdict->why);
	*ret_verdict = verdict;
	return 0;
}
