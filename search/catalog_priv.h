/* SPDX-License-Identifier: MIT */
/* catalog_priv.h: what the files of the catalog share. */
#pragma once

#include "search/catalog.h"

#include <pthread.h>
#include <sqlite3.h>

/* One connection and its statements. Used by one thread at a time. */
struct catalog_link {
	sqlite3 *db;
	sqlite3_stmt *begin, *begin_writing, *commit, *rollback;
	sqlite3_stmt *get_variant, *get_known;
	sqlite3_stmt *drop_source, *put_source, *put_facts, *put_variant, *put_size, *forget;
};

enum catalog_change_kind {
	CATALOG_FORGET,
	CATALOG_FACTS,
	CATALOG_SIZE,
};

/* Something to be written. */
struct catalog_change {
	enum catalog_change_kind kind;
	struct catalog_source source;
	union {
		struct catalog_facts facts;
		struct {
			struct ic_variant variant;
			struct catalog_size size;
		} of_object;
	};
};

struct catalog {
	pthread_mutex_t read_lock; /* over `reader` */
	struct catalog_link reader;
	struct catalog_link writer; /* the writer thread's */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t queue_lock; /* over what follows */
	pthread_cond_t queued, written;
	struct catalog_change *queue; /* a ring of QUEUE_SIZE, and behind it the batch being written */
	size_t first, count;
	uint64_t put, done; /* changes ever queued, and ever dealt with */
	errint_t err;       /* of the last write that failed, until told */
	bool closing;
};

/* What an error of SQLite means here. */
errint_t catalog_error(sqlite3 *db, int code);

/* The same, with SQLite's own words and the path in `why`. */
errint_t catalog_fail(sqlite3 *db, int code, const char *path, struct ic_why *why);

/* catalog_schema.c. Both say so where the database is no catalog, or one of a newer icfs; the first only reads. */
errint_t catalog_check(sqlite3 *db, const char *path, struct ic_why *why);
errint_t catalog_migrate(sqlite3 *db, const char *path, struct ic_why *why); /* bring it to the newest version */

/* catalog_writer.c. The first runs a statement that returns no row; SQLITE_OK where it is done. */
int catalog_run(sqlite3_stmt *statement);
errint_t catalog_start_writer(struct catalog *catalog);
void catalog_stop_writer(struct catalog *catalog); /* after all that is queued is written */

/* Bind device, inode, size and mtime to the parameters 1 to 4. */
void catalog_bind_source(sqlite3_stmt *statement, const struct catalog_source *source);

/* Bind the written form of a variant, and IC_CODEC_VERSION, to parameters `first` to `first` + 2. */
void catalog_bind_variant(sqlite3_stmt *statement, int first, const struct ic_variant *variant);

/* catalog_facts.c: a JPEG's header in the columns of a source, from `is_jpeg` to `orientation`. */
#define CATALOG_FACTS_COLUMNS                                                                                          \
	"is_jpeg, width, height, components, color, progressive, arithmetic, restart_interval, factors, orientation"
#define CATALOG_FACTS_COUNT 10
void catalog_bind_facts(sqlite3_stmt *statement, int first, const struct catalog_facts *facts);

/* From the columns `first` on; has_facts false where they are empty. -EBADMSG for what was never put. */
errint_t catalog_read_facts(sqlite3_stmt *statement, int first, bool *ret_has_facts, struct catalog_facts *ret_facts);
