/* SPDX-License-Identifier: MIT */
/* What the catalog remembers. It saves work and nothing depends on it: where it fails, the mount does without from then
 * on. */
#include "fs/facts_priv.h"

#include <errno.h>
#include <string.h>

static bool is_useful(struct fs *fs)
{
	return fs->catalog && !atomic_load(&fs->catalog_is_useless);
}

static void give_up(struct fs *fs, errint_t err)
{
	if (!atomic_exchange(&fs->catalog_is_useless, true))
		log_write(fs->log, LOG_LEVEL_WARNING, "the catalog is not used any more: %s", strerror(-err));
}

static void flush(struct fs *fs)
{
	errint_t err = catalog_flush(fs->catalog);

	if (err)
		give_up(fs, err);
}

struct catalog_source facts_source(const struct source_identity *identity)
{
	return (struct catalog_source){
	        .device = identity->dev,
	        .inode = identity->ino,
	        .nbytes = identity->size,
	        .mtime_ns = identity->mtime_ns,
	};
}

void facts_get(struct fs *fs, const struct catalog_source *sources, size_t n, const struct ic_variant *variant,
               struct catalog_known *ret_known)
{
	errint_t err = is_useful(fs) ? catalog_get(fs->catalog, sources, n, variant, ret_known) : -ENOENT;

	if (err && err != -ENOENT)
		give_up(fs, err);
	for (size_t i = 0; i < n; i++) {
		struct catalog_known *known = &ret_known[i];
		if (err)
			*known = (struct catalog_known){.has_facts = false};
		if (known->size.as_is && known->size.nbytes != sources[i].nbytes)
			known->has_size = false;
	}
}

void facts_put(struct fs *fs, const struct source_identity *identity, const struct catalog_facts *facts)
{
	struct catalog_source source = facts_source(identity);

	if (is_useful(fs))
		catalog_put_facts(fs->catalog, &source, facts);
}

void facts_forget(struct fs *fs, const struct source_identity *identity)
{
	struct catalog_source source = facts_source(identity);

	if (!is_useful(fs))
		return;
	catalog_forget(fs->catalog, &source);
	flush(fs);
}

void sizes_put(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
               struct catalog_size size)
{
	struct catalog_source source = facts_source(identity);

	if (is_useful(fs) && size.nbytes)
		catalog_put_size(fs->catalog, &source, variant, size);
}

void sizes_correct(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
                   struct catalog_size size)
{
	if (!is_useful(fs))
		return;
	sizes_put(fs, identity, variant, size);
	flush(fs);
}
