/* SPDX-License-Identifier: MIT */
/*
 * catalog.h: what icfs remembers between runs, in one SQLite database. The only user of SQLite.
 *
 * Any number of processes may share one catalog (write-ahead log; a busy database is waited for); within a process, any
 * number of threads. Reads go to the database at once. Writes are queued and made by one thread, many in a transaction, so
 * that whoever serves a file does not wait for the disk, unless thousands of facts are queued. What was put is found by
 * catalog_get of the same process only once it is written, and a fact that is lost by a crash is found out again.
 *
 * A catalog that cannot be written, be it for its mode, its folder's or a read-only file system, is opened to be read: what
 * is put into it is dropped, and all else that would write fails. What another process writes, by a path that can be
 * written, is seen.
 *
 * Schema versions are migrated upwards when a catalog is opened; a newer one is refused and left alone. A catalog does not
 * survive fork: open it in the process that uses it.
 */
#pragma once

#include "codec/face.h"
#include "codec/jpeg.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;

/* A source file at one point of its life. A file that changed is another one: what was known of it is replaced. */
struct catalog_source {
	uint64_t device, inode;
	uint64_t nbytes;
	int64_t mtime_ns; /* since the epoch */
};

/* What the first bytes of a source told, whoever looked and under whatever limits. */
struct catalog_facts {
	bool is_jpeg;             /* ic_is_jpeg */
	struct ic_jpeg_info info; /* of one that ic_jpeg_probe accepted; others have no facts */
};

/* What a source is served as under a variant. */
struct catalog_size {
	uint64_t nbytes; /* exact */
	bool as_is;      /* nothing can be made of the source, so it is served byte for byte */
};

/* What is known of one source. */
struct catalog_known {
	bool has_facts, has_size;
	struct catalog_facts facts;
	struct catalog_size size;
};

/* The default place: $ICFS_CATALOG, else $XDG_DATA_HOME/icfs/catalog.db, else ~/.local/share/icfs/catalog.db. malloc'ed.
 * -ENOENT where there is no home either. */
errint_t catalog_default_path(char **ret_path, struct ic_why *why);

/* Open `path`, made (mode 0600, its folder 0700) where it is missing. -EBADMSG: no catalog, or a damaged one; -EOPNOTSUPP:
 * from a newer icfs, or from an older one where it cannot be written; -EACCES, -EROFS, -ENOSPC, -EBUSY, -EIO and their
 * like: as the system or SQLite met them; -ENOMEM. `why` names the path. A file that is refused stays as it is. */
errint_t catalog_open(const char *path, struct catalog **ret_catalog, struct ic_why *why);

/* 0, or why it can only be read, which does not change while it is open: -EACCES, -EPERM, -EROFS. */
errint_t catalog_check_writable(const struct catalog *catalog, struct ic_why *why);

/* Write what is queued, then close; NULL is fine. What cannot be written is given up after a few seconds. */
void catalog_close(struct catalog *catalog);

/* Wait until all that was put before is written. 0, or the error of the last write that failed since the last call; such
 * facts are gone. */
errint_t catalog_flush(struct catalog *catalog);

/* What is known of `n` sources, in one transaction: their facts, and, where `variant` is not NULL, the sizes of their
 * objects under it and this IC_CODEC_VERSION. Fills ret_known[0..n). Errors as catalog_open, and then nothing is known;
 * a database that another process has for itself is waited for, for seconds at most. */
errint_t catalog_get(struct catalog *catalog, const struct catalog_source *sources, size_t n,
                     const struct ic_variant *variant, struct catalog_known *ret_known);

/* Remember something, or forget all that is known of a source. Where the queue is full these wait for the disk, for as long
 * as it goes on writing; for a database that is held or cannot be written, once and for seconds: what comes then is
 * dropped until it can be written again. */
void catalog_put_facts(struct catalog *catalog, const struct catalog_source *source, const struct catalog_facts *facts);
void catalog_put_size(struct catalog *catalog, const struct catalog_source *source, const struct ic_variant *variant,
                      struct catalog_size size);
void catalog_forget(struct catalog *catalog, const struct catalog_source *source);
