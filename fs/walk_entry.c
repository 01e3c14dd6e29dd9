/* SPDX-License-Identifier: MIT */
/* What a hook may ask of its entry. */
#include "fs/walk_priv.h"
#include "fs/content_priv.h"
#include "fs/making_priv.h"
#include "fs/stored_priv.h"
#include "fs/visit_priv.h"

errint_t walk_make(struct walk *walk, struct walk_entry *entry, uint8_t **ret_bytes, size_t *ret_nbytes,
                   struct ic_why *why)
{
	errint_t err = making_once(walk_fs(walk), entry->found, ret_bytes, ret_nbytes, why);

	if (!err && entry->found->spec.kind == NODE_FILE) {
		entry->kind = WALK_FILE;
		entry->nbytes = entry->found->spec.nbytes;
		entry->lacks_size = false;
	}
	return err;
}

errint_t walk_open_file(struct walk *walk, const struct walk_entry *entry, int *ret_fd)
{
	struct content_source source = content_source_found(entry->found);

	return content_open(walk_fs(walk), &source, ret_fd);
}

errint_t walk_check_file(struct walk *walk, const struct walk_entry *entry, int fd)
{
	struct content_source source = content_source_found(entry->found);

	return content_check(walk_fs(walk), &source, fd);
}

uint64_t walk_stored_nbytes(const struct walk_entry *entry)
{
	const struct verdict *verdict = entry->found->verdict;
	struct ic_design dense = ic_design_at_q8(&entry->variant.design);
	struct ic_layout layout;

	/* Of an .ic file everything is derived already. */
	if (entry->kind != WALK_OBJECT || entry->err || !verdict || verdict->is_object ||
	    ic_layout_init(&layout, &dense, verdict->width, verdict->height, verdict->ncomponents))
		return 0;
	return store_record_nbytes(layout.nbytes);
}

struct store_source walk_store_source(const struct walk_entry *entry)
{
	struct content_source source = content_source_found(entry->found);

	return stored_source(&source);
}

bool walk_is_stored(struct walk *walk, const struct walk_entry *entry)
{
	struct content_source source = content_source_found(entry->found);

	return stored_has(walk_fs(walk), &source, &entry->variant);
}

errint_t walk_store(struct walk *walk, const struct walk_entry *entry, struct ic_why *why)
{
	struct content_source source = content_source_found(entry->found);

	return stored_keep(walk_fs(walk), &source, &entry->variant, why);
}
