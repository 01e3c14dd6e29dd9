/* SPDX-License-Identifier: MIT */
#include "search/catalog_priv.h"

#include <errno.h>

/* Says whose database it is, in the file's header: "icfs". */
#define APPLICATION_ID 0x69636673

/*
 * One entry brings the schema from version i to i + 1. Never change an entry that was released; add one.
 *
 * A source is what a file was when it was looked at; a file that changed replaces its row, and with it all that hangs on
 * it. A variant is what an object is made by beside its source.
 */
static const char *const migrations[] = {
        "CREATE TABLE source ("
        "  id INTEGER PRIMARY KEY,"
        "  device INTEGER NOT NULL, inode INTEGER NOT NULL,"
        "  nbytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
        "  UNIQUE (device, inode));"
        "CREATE TABLE variant ("
        "  id INTEGER PRIMARY KEY,"
        "  design TEXT NOT NULL, face TEXT NOT NULL, codec INTEGER NOT NULL,"
        "  UNIQUE (design, face, codec));"
        "CREATE TABLE object_size ("
        "  source INTEGER NOT NULL REFERENCES source ON DELETE CASCADE,"
        "  variant INTEGER NOT NULL REFERENCES variant,"
        "  nbytes INTEGER NOT NULL, as_is INTEGER NOT NULL,"
        "  PRIMARY KEY (source, variant)) WITHOUT ROWID;",

        /* What its first bytes told, all of it empty where nobody has looked; of no JPEG, is_jpeg alone. `color` is enum
         * ic_jpeg_color; `factors` has h and v of each component, four bits each, the first ones highest. */
        "ALTER TABLE source ADD COLUMN is_jpeg INTEGER;"
        "ALTER TABLE source ADD COLUMN width INTEGER;"
        "ALTER TABLE source ADD COLUMN height INTEGER;"
        "ALTER TABLE source ADD COLUMN components INTEGER;"
        "ALTER TABLE source ADD COLUMN color INTEGER;"
        "ALTER TABLE source ADD COLUMN progressive INTEGER;"
        "ALTER TABLE source ADD COLUMN arithmetic INTEGER;"
        "ALTER TABLE source ADD COLUMN restart_interval INTEGER;"
        "ALTER TABLE source ADD COLUMN factors INTEGER;"
        "ALTER TABLE source ADD COLUMN orientation INTEGER;",

        /*
         * What searches measured and chose (docs/search.md). Measurements stand by themselves: no row of them is ever
         * removed, and none depends on a run. Texts are keys, so that rows of two catalogs can be merged as they are;
         * numbers that are not known are NULL; times end in _s (seconds), points in time are seconds since the epoch.
         */
        "CREATE TABLE measurement ("
        "  id INTEGER PRIMARY KEY,"
        "  evaluator TEXT NOT NULL, dataset TEXT NOT NULL, hardware TEXT NOT NULL, codec INTEGER NOT NULL,"
        "  design TEXT NOT NULL, split INTEGER NOT NULL, seed INTEGER NOT NULL, fraction REAL NOT NULL,"
        "  lineage TEXT NOT NULL,"
        "  failure TEXT, accuracy REAL, log_loss REAL, nimages INTEGER,"
        "  infer_s REAL, train_s REAL, decode_s REAL, wall_s REAL, measured_s INTEGER NOT NULL,"
        "  UNIQUE (evaluator, dataset, design, split, seed, fraction, lineage, codec, hardware));"
        "CREATE TABLE cost ("
        "  id INTEGER PRIMARY KEY,"
        "  dataset TEXT NOT NULL, hardware TEXT NOT NULL, codec INTEGER NOT NULL, design TEXT NOT NULL,"
        "  nbytes REAL NOT NULL, read_s REAL NOT NULL, decode_s REAL NOT NULL, measured_s INTEGER NOT NULL,"
        "  UNIQUE (dataset, hardware, codec, design));"
        "CREATE TABLE run ("
        "  id INTEGER PRIMARY KEY,"
        "  directory TEXT NOT NULL, dataset TEXT NOT NULL, evaluator TEXT NOT NULL, hardware TEXT NOT NULL,"
        "  codec INTEGER NOT NULL, settings TEXT NOT NULL, started_s INTEGER NOT NULL, ended_s INTEGER);"
        "CREATE TABLE parameter ("
        "  run INTEGER NOT NULL REFERENCES run, name TEXT NOT NULL, value REAL NOT NULL,"
        "  PRIMARY KEY (run, name)) WITHOUT ROWID;"
        "CREATE TABLE planned ("
        "  run INTEGER NOT NULL REFERENCES run, position INTEGER NOT NULL, round INTEGER NOT NULL,"
        "  design TEXT NOT NULL, parent INTEGER, measurement INTEGER REFERENCES measurement,"
        "  PRIMARY KEY (run, position)) WITHOUT ROWID;"
        "CREATE TABLE frontier ("
        "  run INTEGER NOT NULL REFERENCES run, design TEXT NOT NULL, nbytes REAL NOT NULL,"
        "  infer_s REAL NOT NULL, train_s REAL NOT NULL, predicted REAL NOT NULL, uncertainty REAL NOT NULL,"
        "  verified REAL, PRIMARY KEY (run, design)) WITHOUT ROWID;"
        "CREATE TABLE choice ("
        "  id INTEGER PRIMARY KEY, directory TEXT NOT NULL, design TEXT NOT NULL, run INTEGER REFERENCES run,"
        "  is_pin INTEGER NOT NULL, reason TEXT NOT NULL, predicted REAL, uncertainty REAL, verified REAL,"
        "  nbytes REAL, infer_s REAL, train_s REAL, chosen_s INTEGER NOT NULL, withdrawn_s INTEGER);"
        "CREATE INDEX choice_of_directory ON choice (directory, id);",
};

#define VERSION ((int)(sizeof migrations / sizeof migrations[0]))

struct marks {
	int version, application, ntables;
};

/* In one statement, so that all are of the same moment: another process may be making the catalog. */
static int get_marks(sqlite3 *db, struct marks *ret_marks)
{
	sqlite3_stmt *statement;
	int code = sqlite3_prepare_v2(db,
	                              "SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)"
	                              " FROM pragma_user_version, pragma_application_id",
	                              -1, &statement, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(statement);
	if (code == SQLITE_ROW)
		*ret_marks = (struct marks){
		        sqlite3_column_int(statement, 0),
		        sqlite3_column_int(statement, 1),
		        sqlite3_column_int(statement, 2),
		};
	sqlite3_finalize(statement);
	return code == SQLITE_ROW ? SQLITE_OK : code;
}

/* The version of the schema, 0..VERSION; 0 for a database in which nothing is yet. */
static errint_t get_version(sqlite3 *db, const char *path, int *ret_version, struct ic_why *why)
{
	struct marks marks = {0};
	int code = get_marks(db, &marks);
	if (code != SQLITE_OK)
		return catalog_fail(db, code, path, why);

	bool is_new = !marks.version && !marks.application && !marks.ntables;
	if (marks.version < 0 || (!is_new && marks.application != APPLICATION_ID))
		return ic_fail(why, -EBADMSG, "%.100s: a database, but no catalog of icfs", path);
	if (marks.version > VERSION)
		return ic_fail(why, -EOPNOTSUPP, "%.100s: catalog version %d is from a newer icfs; this one knows %d",
		               path, marks.version, VERSION);
	*ret_version = marks.version;
	return 0;
}

errint_t catalog_check(sqlite3 *db, const char *path, struct ic_why *why)
{
	int version;
	return get_version(db, path, &version, why);
}

errint_t catalog_check_newest(sqlite3 *db, const char *path, struct ic_why *why)
{
	int version = VERSION;
	errint_t err = get_version(db, path, &version, why);

	if (err || version == VERSION)
		return err;
	return ic_fail(why, -EOPNOTSUPP,
	               "%.100s: catalog version %d is from an older icfs; it becomes %d where it can be written", path,
	               version, VERSION);
}

/* Inside a transaction that nobody else can have at the same time. */
static errint_t migrate(sqlite3 *db, const char *path, struct ic_why *why)
{
	int version, code = SQLITE_OK;
	errint_t err = get_version(db, path, &version, why);
	if (err)
		return err;
	for (; version < VERSION && code == SQLITE_OK; version++)
		code = sqlite3_exec(db, migrations[version], NULL, NULL, NULL);
	char marks[96];
	sqlite3_snprintf(sizeof marks, marks, "PRAGMA user_version = %d; PRAGMA application_id = %d", VERSION,
	                 APPLICATION_ID);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db, marks, NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : catalog_fail(db, code, path, why);
}

errint_t catalog_migrate(sqlite3 *db, const char *path, struct ic_why *why)
{
	/* Nothing to do is the common case, and then a writer of another process is not waited for. */
	int version;
	errint_t err = get_version(db, path, &version, why);
	if (err || version == VERSION)
		return err;

	int code = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code != SQLITE_OK)
		return catalog_fail(db, code, path, why);
	err = migrate(db, path, why);
	if (!err && (code = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL)) != SQLITE_OK)
		err = catalog_fail(db, code, path, why);
	if (err)
		sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return err;
}
