/* SPDX-License-Identifier: MIT */
/* rows_priv.h: rows of the catalog that more than one file reads or writes. */
#pragma once

#include "search/catalog_priv.h"
#include "search/choice.h"
#include "search/measurement.h"

#define ROWS_MAX 1000000 /* of one answer; more is no catalog that anybody made */

/* measurement.c: from the column of its id on, ten columns. -EBADMSG. */
errint_t measurement_read_row(sqlite3_stmt *statement, int first, struct measurement *ret_measurement);

/* It was measured on other hardware: forget its seconds. */
void measurement_set_foreign(struct measurement *measurement);

/* Something to put; and, once it is, its row. measurement_put_row takes one, inside a transaction of the writer. */
struct measurement_putting {
	const struct measurement_key *key;
	const struct evaluator_result *result; /* NULL with a failure */
	const char *failure;
	int64_t measured_s, id;
	bool is_new;
};
errint_t measurement_put_row(struct catalog_link *link, void *putting, struct ic_why *why);

/* choice.c: inside a transaction of the writer. */
errint_t choice_put_row(struct catalog_link *link, const struct choice *choice, struct ic_why *why);

/* Rows of one size, malloc'ed and grown. */
struct rows {
	char *data;
	size_t n, size, row_nbytes;
};

/* Fill `rows` from a statement that is bound; `read` makes one of a row, or returns -EBADMSG. */
errint_t rows_read(struct rows *rows, struct catalog_link *link, sqlite3_stmt *statement,
                   errint_t (*read)(sqlite3_stmt *statement, void *row), struct ic_why *why);
