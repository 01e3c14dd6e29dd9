/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"

#include "codec/encode.h"

#include <errno.h>
#include <stdio.h>

void catalog_bind_source(sqlite3_stmt *statement, const struct catalog_source *source)
{
	sqlite3_bind_int64(statement, 1, (sqlite3_int64)source->device);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)source->inode);
	sqlite3_bind_int64(statement, 3, (sqlite3_int64)source->nbytes);
	sqlite3_bind_int64(statement, 4, source->mtime_ns);
}

void catalog_bind_variant(sqlite3_stmt *statement, int first, const struct ic_variant *variant)
{
	char design[IC_DESIGN_STRING_SIZE], face[24];

	ic_design_print(&variant->design, design);
	snprintf(face, sizeof face, "%s%s", ic_face_name(variant->face), variant->keeps_metadata ? "+metadata" : "");
	sqlite3_bind_text(statement, first, design, -1, SQLITE_TRANSIENT);
	sqlite3_bind_text(statement, first + 1, face, -1, SQLITE_TRANSIENT);
	sqlite3_bind_int(statement, first + 2, IC_CODEC_VERSION);
}

/* Have get_known tell sizes under `variant`; none where it is NULL, or was never put. */
static int choose_variant(const struct catalog_link *link, const struct ic_variant *variant)
{
	sqlite3_bind_null(link->get_known, 5);
	if (!variant)
		return SQLITE_OK;
	catalog_bind_variant(link->get_variant, 1, variant);
	int code = sqlite3_step(link->get_variant);
	if (code == SQLITE_ROW)
		sqlite3_bind_int64(link->get_known, 5, sqlite3_column_int64(link->get_variant, 0));
	sqlite3_reset(link->get_variant);
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

static errint_t read_size(sqlite3_stmt *get, struct catalog_known *known)
{
	if (sqlite3_column_type(get, 0) == SQLITE_NULL)
		return 0;
	sqlite3_int64 nbytes = sqlite3_column_int64(get, 0);
	if (nbytes <= 0)
		return -EBADMSG; /* not what was ever put */
	known->has_size = true;
	known->size = (struct catalog_size){(uint64_t)nbytes, sqlite3_column_int(get, 1) != 0};
	return 0;
}

static errint_t get_one(const struct catalog_link *link, const struct catalog_source *source,
                        struct catalog_known *ret_known)
{
	sqlite3_stmt *get = link->get_known;
	errint_t err = 0;

	*ret_known = (struct catalog_known){.has_facts = false};
	catalog_bind_source(get, source);
	int code = sqlite3_step(get);
	if (code == SQLITE_ROW) {
		err = read_size(get, ret_known);
		if (!err)
			err = catalog_read_facts(get, 2, &ret_known->has_facts, &ret_known->facts);
	} else if (code != SQLITE_DONE) {
		err = catalog_error(link->db, code);
	}
	sqlite3_reset(get);
	return err;
}

/* In one transaction, for one of its own would cost each statement more than the statement itself. */
static errint_t get_all(const struct catalog_link *link, const struct catalog_source *sources, size_t n,
                        const struct ic_variant *variant, struct catalog_known *ret_known)
{
	int code = catalog_run(link->begin);
	if (code == SQLITE_OK)
		code = choose_variant(link, variant);
	errint_t err = code == SQLITE_OK ? 0 : catalog_error(link->db, code);
	for (size_t i = 0; i < n && !err; i++)
		err = get_one(link, &sources[i], &ret_known[i]);
	if (!sqlite3_get_autocommit(link->db))
		catalog_run(err ? link->rollback : link->commit);
	return err;
}

static errint_t get_once(struct catalog *catalog, const struct catalog_source *sources, size_t n,
                         const struct ic_variant *variant, struct catalog_known *ret_known)
{
	errint_t err = catalog_begin_reading(catalog, NULL);
	if (!err)
		err = get_all(&catalog->reader, sources, n, variant, ret_known);
	return catalog_end_reading(catalog, err, NULL);
}

errint_t catalog_get(struct catalog *catalog, const struct catalog_source *sources, size_t n,
                     const struct ic_variant *variant, struct catalog_known *ret_known)
{
	errint_t err = get_once(catalog, sources, n, variant, ret_known);

	/* Written while it was read, which is no reason for a caller to give it up. */
	if (err == -EBUSY && catalog->unwritable)
		err = get_once(catalog, sources, n, variant, ret_known);
	return err;
}
