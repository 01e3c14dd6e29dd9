/* SPDX-License-Identifier: MIT */
/* catalog_priv.h: what the files of the catalog share. */
#pragma once

#include "search/catalog.h"

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>

/* Statements that only searches and those who serve their choices need: catalog_statements.c has their texts. */
enum catalog_statement {
	CATALOG_GET_MEASUREMENT,
	CATALOG_GET_ACCURACY,
	CATALOG_PUT_MEASUREMENT,
	CATALOG_ID_OF_MEASUREMENT,
	CATALOG_EACH_MEASUREMENT,
	CATALOG_GET_COST,
	CATALOG_PUT_COST,
	CATALOG_EACH_COST,
	CATALOG_PUT_RUN,
	CATALOG_FIND_RUN,
	CATALOG_EACH_RUN,
	CATALOG_END_RUN,
	CATALOG_PUT_PARAMETER,
	CATALOG_GET_PARAMETERS,
	CATALOG_PUT_PLANNED,
	CATALOG_GET_PLAN,
	CATALOG_PUT_EVALUATED,
	CATALOG_PUT_FRONTIER,
	CATALOG_GET_FRONTIER,
	CATALOG_PUT_CHOICE,
	CATALOG_GET_CHOICES,
	CATALOG_LAST_CHOICE,
	CATALOG_WITHDRAW,
	CATALOG_DATA_VERSION,
	CATALOG_NSTATEMENTS,
};

/* One connection and its statements. Used by one thread at a time. */
struct catalog_link {
	sqlite3 *db;
	sqlite3_stmt *more[CATALOG_NSTATEMENTS]; /* prepared when they are first needed */
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

/* What a caller wants done in one transaction, and waits for. */
typedef errint_t catalog_work(struct catalog_link *link, void *context, struct ic_why *why);

struct catalog_call {
	catalog_work *work;
	void *context;
	struct ic_why *why;
	errint_t err;
	bool is_done;
	struct catalog_call *next;
};

struct catalog {
	pthread_mutex_t read_lock; /* over `reader` */
	struct catalog_link reader;
	struct catalog_link writer; /* the writer thread's */

	/* Of one that can only be read, which has no writer (catalog_read_only.c). */
	errint_t unwritable; /* why; 0 where it can be written */
	char *path;          /* canonical */
	bool is_unlocked;    /* nobody wrote it when `reader` was opened, and it was as `opened` says, */
	bool is_new;         /* written so shortly before that its times could be those of another write, too */
	struct stat opened;
	uint32_t nopened; /* how often it was */

	pthread_t thread;
	bool has_thread;

	pthread_mutex_t queue_lock; /* over what follows */
	pthread_cond_t queued, written, room;
	struct catalog_change *queue; /* a ring of QUEUE_SIZE, and behind it the batch being written */
	size_t first, count;
	uint64_t put, done;         /* changes ever queued, and ever dealt with */
	struct catalog_call *calls; /* first come, first served; before the queue */
	errint_t err;               /* of the last write that failed, until told */
	bool is_stalled; /* nothing is written for STALL_S, or the last batch could not be: nobody waits for room */
	bool closing;
};

/* What an error of SQLite means here. */
errint_t catalog_error(sqlite3 *db, int code);

/* The same, with SQLite's own words and the path in `why`. */
errint_t catalog_fail(sqlite3 *db, int code, const char *path, struct ic_why *why);

/* One to `name`, which is the path or a URI, with SQLite's flags; the path is for `why`. Closing what is closed is fine. */
errint_t catalog_link_open(struct catalog_link *link, const char *name, int flags, const char *path,
                           struct ic_why *why);
void catalog_link_close(struct catalog_link *link);

/* catalog_read_only.c. Open a catalog that `unwritable` says cannot be written. */
errint_t catalog_open_read_only(struct catalog *catalog, const char *path, errint_t unwritable, struct ic_why *why);

/* Before and after `reader` is used. The second is for after a failure of the first, too; returns `err`, or -EBUSY where
 * what was read was written meanwhile. */
errint_t catalog_begin_reading(struct catalog *catalog, struct ic_why *why);
errint_t catalog_end_reading(struct catalog *catalog, errint_t err, struct ic_why *why);

/* catalog_schema.c. All say so where the database is no catalog, or one of a newer icfs; only the last one writes. */
errint_t catalog_check(sqlite3 *db, const char *path, struct ic_why *why);
errint_t catalog_check_newest(sqlite3 *db, const char *path, struct ic_why *why); /* nor of an older one */
errint_t catalog_migrate(sqlite3 *db, const char *path, struct ic_why *why);      /* bring it to the newest version */

/* catalog_writer.c. The first runs a statement that returns no row; SQLITE_OK where it is done. */
int catalog_run(sqlite3_stmt *statement);
errint_t catalog_start_writer(struct catalog *catalog);
void catalog_stop_writer(struct catalog *catalog); /* after all that is queued is written */

/* Do `work` in a transaction: in the writer's thread, and on the disk once it returned 0; or reading, at once. What it
 * returns, or what the transaction met; then nothing was written. `why` may be NULL. */
errint_t catalog_write(struct catalog *catalog, catalog_work *work, void *context, struct ic_why *why);
errint_t catalog_read(struct catalog *catalog, catalog_work *work, void *context, struct ic_why *why);

/* A statement, reset and without bindings; -errno as catalog_fail. catalog_do runs one that returns no row; catalog_next
 * steps to the next row of one that does: 1, 0 after the last one (and it is reset), or the error. */
errint_t catalog_statement(struct catalog_link *link, enum catalog_statement which, sqlite3_stmt **ret_statement,
                           struct ic_why *why);
errint_t catalog_do(struct catalog_link *link, sqlite3_stmt *statement, struct ic_why *why);
int catalog_next(struct catalog_link *link, sqlite3_stmt *statement, struct ic_why *why);

/* A row could not be taken: `err`, and in `why` of which file; -EBADMSG is a row that no icfs ever put. */
errint_t catalog_fail_row(struct catalog_link *link, errint_t err, struct ic_why *why);

/* Values that SQLite has no type for: NAN is NULL, a design its written form. */
void catalog_bind_real(sqlite3_stmt *statement, int at, double value);
double catalog_real(sqlite3_stmt *statement, int at);
void catalog_bind_design(sqlite3_stmt *statement, int at, const struct ic_design *design);
void catalog_bind_text(sqlite3_stmt *statement, int at, const char *text);              /* NULL is NULL; copied */
errint_t catalog_design(sqlite3_stmt *statement, int at, struct ic_design *ret_design); /* -EBADMSG */
void catalog_text(sqlite3_stmt *statement, int at, char *out, size_t size);             /* cut to fit, "" for NULL */

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
