/* SPDX-License-Identifier: MIT */
/* catalog_priv.h: what the files of the catalog share. */
#pragma once

#include "search/catalog.h"

#include <pthread.h>
#include <sqlite3.h>

/* One connection and its statements. Used by one thread at a time. */
struct catalog_link {
	sqlite3 *db;
	sqlite3_stmt *get_size;
	sqlite3_stmt *begin, *commit, *rollback;
	sqlite3_stmt *put_source, *drop_source, *put_variant, *put_size;
};

struct catalog_fact {
	struct catalog_source source;
	struct ic_variant variant;
	struct catalog_size size;
};

struct catalog {
	pthread_mutex_t read_lock; /* over `reader` */
	struct catalog_link reader;
	struct catalog_link writer; /* the writer thread's */
	pthread_t thread;
	bool has_thread;

	pthread_mutex_t queue_lock; /* over what follows */
	pthread_cond_t queued, written;
	struct catalog_fact *queue; /* a ring of QUEUE_SIZE, and behind it the batch being written */
	size_t first, count;
	uint64_t put, done; /* facts ever queued, and ever dealt with */
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

/* catalog_writer.c */
errint_t catalog_start_writer(struct catalog *catalog);
void catalog_stop_writer(struct catalog *catalog); /* after all that is queued is written */

/* The written form of a variant in the database. */
struct catalog_variant_text {
	char design[IC_DESIGN_STRING_SIZE];
	char face[24];
};
struct catalog_variant_text catalog_variant_text(const struct ic_variant *variant);
