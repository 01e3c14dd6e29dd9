/* SPDX-License-Identifier: MIT */
/* Sizes in the catalog. It saves work and nothing depends on it: where it fails, the mount does without from then on. */
#include "fs/fs_priv.h"

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

static struct catalog_source source_of(const struct source_identity *identity)
{
	return (struct catalog_source){
	        .device = identity->dev,
	        .inode = identity->ino,
	        .nbytes = identity->size,
	        .mtime_ns = identity->mtime_ns,
	};
}

bool sizes_get(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
               struct catalog_size *ret_size)
{
	struct catalog_source source = source_of(identity);
	struct catalog_size size;

	if (!is_useful(fs))
		return false;
	errint_t err = catalog_get_size(fs->catalog, &source, variant, &size);
	if (err && err != -ENOENT)
		give_up(fs, err);
	if (err || (size.as_is && size.nbytes != identity->size))
		return false;
	stats_add(&fs->stats, STATS_SIZES_REMEMBERED, 1);
	*ret_size = size;
	return true;
}

void sizes_put(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
               struct catalog_size size)
{
	struct catalog_source source = source_of(identity);

	if (is_useful(fs) && size.nbytes)
		catalog_put_size(fs->catalog, &source, variant, size);
}

void sizes_correct(struct fs *fs, const struct source_identity *identity, const struct ic_variant *variant,
                   struct catalog_size size)
{
	if (!is_useful(fs))
		return;
	sizes_put(fs, identity, variant, size);
	errint_t err = catalog_flush(fs->catalog);
	if (err)
		give_up(fs, err);
}
