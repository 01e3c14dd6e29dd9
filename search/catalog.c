/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS 5000 /* a transaction of another process takes milliseconds */
#define RETRY_MS 10

errint_t catalog_error(sqlite3 *db, int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_ERROR: /* our statements are fixed: the tables are not ours */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return -EBADMSG;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
		return code == SQLITE_READONLY_DIRECTORY ? -EACCES : -EROFS;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN: {
		int err = db ? sqlite3_system_errno(db) : 0;
		return err > 0 ? -err : -EACCES;
	}
	default:
		return -EIO;
	}
}

errint_t catalog_fail(sqlite3 *db, int code, const char *path, struct ic_why *why)
{
	return ic_fail(why, catalog_error(db, code), "%.100s: %s", path, db ? sqlite3_errmsg(db) : "out of memory");
}

errint_t catalog_default_path(char **ret_path, struct ic_why *why)
{
	const char *file = getenv("ICFS_CATALOG"), *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	char *path;
	int n;
	if (file && *file)
		n = asprintf(&path, "%s", file);
	else if (data && *data == '/')
		n = asprintf(&path, "%s/icfs/catalog.db", data);
	else if (home && *home == '/')
		n = asprintf(&path, "%s/.local/share/icfs/catalog.db", home);
	else
		return ic_fail(why, -ENOENT, "no place for a catalog: neither HOME nor XDG_DATA_HOME is set");
	if (n < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	*ret_path = path;
	return 0;
}

/* Make the folders of `path`, as private as XDG asks. Those that are there already stay as they are. */
static void make_folders(const char *path)
{
	char *copy = strdup(path);
	for (char *slash = copy; copy && (slash = strchr(slash + 1, '/'));) {
		*slash = 0;
		mkdir(copy, 0700);
		*slash = '/';
	}
	free(copy);
}

/*
 * SQLite would make the file with the umask's mode; its log and index take the mode of the file. One that is there is not
 * opened: to close it would drop the locks that another catalog of this process holds on it (fcntl(2), "Record locking").
 */
static errint_t make_private(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno != EEXIST)
		return -errno;
	return faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) ? -errno : 0;
}

/* --- Connections ------------------------------------------------------------------------------------------------ */

void catalog_link_close(struct catalog_link *link)
{
	sqlite3_stmt *const statements[] = {
	        link->begin,       link->begin_writing, link->commit,     link->rollback,
	        link->get_variant, link->get_known,     link->put_source, link->drop_source,
	        link->put_facts,   link->put_variant,   link->put_size,   link->forget,
	};
	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
		sqlite3_finalize(statements[i]);
	for (size_t i = 0; i < CATALOG_NSTATEMENTS; i++)
		sqlite3_finalize(link->more[i]);
	sqlite3_close(link->db);
	*link = (struct catalog_link){0};
}

static int prepare(struct catalog_link *link)
{
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} all[] = {
	        {&link->begin, "BEGIN"},
	        {&link->begin_writing, "BEGIN IMMEDIATE"},
	        {&link->commit, "COMMIT"},
	        {&link->rollback, "ROLLBACK"},
	        {&link->get_variant, "SELECT id FROM variant WHERE design = ?1 AND face = ?2 AND codec = ?3"},
	        {&link->get_known, "SELECT object_size.nbytes, as_is, " CATALOG_FACTS_COLUMNS " FROM source"
	                           " LEFT JOIN object_size ON object_size.source = source.id AND variant = ?5"
	                           " WHERE device = ?1 AND inode = ?2 AND source.nbytes = ?3 AND mtime_ns = ?4"},
	        {&link->drop_source, "DELETE FROM source WHERE device = ?1 AND inode = ?2"
	                             " AND (nbytes <> ?3 OR mtime_ns <> ?4)"},
	        {&link->put_source, "INSERT INTO source (device, inode, nbytes, mtime_ns) VALUES (?1, ?2, ?3, ?4)"
	                            " ON CONFLICT DO NOTHING"},
	        {&link->put_facts, "INSERT INTO source (device, inode, nbytes, mtime_ns, " CATALOG_FACTS_COLUMNS ")"
	                           " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
	                           " ON CONFLICT (device, inode) DO UPDATE SET (" CATALOG_FACTS_COLUMNS ") ="
	                           " (?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"},
	        {&link->put_variant, "INSERT INTO variant (design, face, codec) VALUES (?1, ?2, ?3)"
	                             " ON CONFLICT DO NOTHING"},
	        {&link->put_size, "INSERT OR REPLACE INTO object_size"
	                          " SELECT source.id, variant.id, ?6, ?7 FROM source, variant"
	                          " WHERE device = ?1 AND inode = ?2 AND design = ?3 AND face = ?4 AND codec = ?5"},
	        {&link->forget, "DELETE FROM source WHERE device = ?1 AND inode = ?2"},
	};
	int code = SQLITE_OK;
	for (size_t i = 0; i < sizeof all / sizeof all[0] && code == SQLITE_OK; i++)
		code = sqlite3_prepare_v3(link->db, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].statement, NULL);
	return code;
}

/* The first one to do so needs the database for itself, and SQLite does not wait for that. */
static int use_log(sqlite3 *db)
{
	int code = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	for (int waited = 0; (code & 0xff) == SQLITE_BUSY && waited < BUSY_MS; waited += RETRY_MS) {
		sqlite3_sleep(RETRY_MS);
		code = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL);
	}
	return code;
}

static errint_t prepare_to_write(sqlite3 *db, const char *path, struct ic_why *why)
{
	errint_t err = catalog_check(db, path, why); /* before anything is written */
	if (err)
		return err;
	int code = use_log(db);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, "PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON", NULL, NULL, NULL);
	return code == SQLITE_OK ? catalog_migrate(db, path, why) : catalog_fail(db, code, path, why);
}

static errint_t link_set_up(struct catalog_link *link, const char *path, bool is_read_only, struct ic_why *why)
{
	/* No functions that a hostile schema names, no pages that do not add up. */
	int code = sqlite3_exec(link->db, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON", NULL, NULL, NULL);
	if (code == SQLITE_OK) {
		errint_t err = is_read_only ? catalog_check_newest(link->db, path, why)
		                            : prepare_to_write(link->db, path, why);
		if (err)
			return err;
		code = prepare(link);
	}
	return code == SQLITE_OK ? 0 : catalog_fail(link->db, code, path, why);
}

errint_t catalog_link_open(struct catalog_link *link, const char *name, int flags, const char *path, struct ic_why *why)
{
	/* One connection is one thread's at a time: no locks of SQLite's own. */
	int code = sqlite3_open_v2(name, &link->db, flags | SQLITE_OPEN_NOMUTEX, NULL);
	if (code == SQLITE_OK) {
		sqlite3_extended_result_codes(link->db, 1);
		sqlite3_busy_timeout(link->db, BUSY_MS);
	}
	errint_t err = code == SQLITE_OK ? link_set_up(link, path, flags & SQLITE_OPEN_READONLY, why)
	                                 : catalog_fail(link->db, code, path, why);
	if (err)
		catalog_link_close(link);
	return err;
}

static errint_t open_to_write(struct catalog *catalog, const char *path, struct ic_why *why)
{
	make_folders(path);
	errint_t err = make_private(path);
	if (err)
		return ic_fail(why, err, "%.100s: %s", path, strerror(-err));
	err = catalog_link_open(&catalog->reader, path, SQLITE_OPEN_READWRITE, path, why);
	if (!err)
		err = catalog_link_open(&catalog->writer, path, SQLITE_OPEN_READWRITE, path, why);
	if (!err && (err = catalog_start_writer(catalog)))
		ic_fail(why, err, "%.100s: no thread for the catalog", path);
	return err;
}

/* There, but not to be written, be it for the mode of the file, its folder's or the file system. */
static bool can_only_be_read(const char *path, errint_t err)
{
	return (err == -EACCES || err == -EPERM || err == -EROFS) && !faccessat(AT_FDCWD, path, R_OK, AT_EACCESS);
}

errint_t catalog_open(const char *path, struct catalog **ret_catalog, struct ic_why *why)
{
	struct catalog *catalog = calloc(1, sizeof *catalog);
	if (!catalog)
		return ic_fail(why, -ENOMEM, "out of memory");
	pthread_mutex_init(&catalog->read_lock, NULL);
	pthread_mutex_init(&catalog->queue_lock, NULL);
	pthread_cond_init(&catalog->queued, NULL);
	pthread_cond_init(&catalog->written, NULL);
	pthread_condattr_t steady;
	pthread_condattr_init(&steady);
	pthread_condattr_setclock(&steady, CLOCK_MONOTONIC);
	pthread_cond_init(&catalog->room, &steady);
	pthread_condattr_destroy(&steady);
	struct ic_why refusal = {""};
	errint_t err = open_to_write(catalog, path, &refusal);
	if (can_only_be_read(path, err))
		err = catalog_open_read_only(catalog, path, err, why);
	else if (err)
		ic_fail(why, err, "%s", refusal.text);
	if (err) {
		catalog_close(catalog);
		return err;
	}
	*ret_catalog = catalog;
	return 0;
}

void catalog_close(struct catalog *catalog)
{
	if (!catalog)
		return;
	catalog_stop_writer(catalog);
	catalog_link_close(&catalog->writer);
	catalog_link_close(&catalog->reader);
	pthread_cond_destroy(&catalog->room);
	pthread_cond_destroy(&catalog->written);
	pthread_cond_destroy(&catalog->queued);
	pthread_mutex_destroy(&catalog->queue_lock);
	pthread_mutex_destroy(&catalog->read_lock);
	free(catalog->path);
	free(catalog);
}
