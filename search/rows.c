/* SPDX-License-Identifier: MIT */
#include "search/rows_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Room for one more, which counts once `n` is raised; NULL without memory, or past ROWS_MAX. */
static void *rows_next(struct rows *rows)
{
	if (rows->n == ROWS_MAX)
		return NULL;
	if (rows->n == rows->size) {
		size_t size = rows->size ? 2 * rows->size : 8;
		char *more = realloc(rows->data, size * rows->row_nbytes);
		if (!more)
			return NULL;
		rows->data = more;
		rows->size = size;
	}
	return rows->data + rows->n * rows->row_nbytes;
}

errint_t rows_read(struct rows *rows, struct catalog_link *link, sqlite3_stmt *statement,
                   errint_t (*read)(sqlite3_stmt *statement, void *row), struct ic_why *why)
{
	int next;

	while ((next = catalog_next(link, statement, why)) > 0) {
		void *row = rows_next(rows);
		errint_t err = row ? read(statement, row) : -ENOMEM;
		if (err) {
			sqlite3_reset(statement);
			return catalog_fail_row(link, err, why);
		}
		rows->n++;
	}
	return next;
}
