/* SPDX-License-Identifier: MIT */
#include "search/choice.h"

#include "search/rows_priv.h"
#include "search/path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

errint_t choice_put_row(struct catalog_link *link, const struct choice *choice, struct ic_why *why)
{
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_CHOICE, &statement, why);

	if (err)
		return err;
	catalog_bind_text(statement, 1, choice->directory);
	catalog_bind_design(statement, 2, &choice->design);
	if (choice->run)
		sqlite3_bind_int64(statement, 3, choice->run);
	sqlite3_bind_int(statement, 4, choice->is_pin);
	catalog_bind_text(statement, 5, choice->reason);
	const double reals[] = {choice->predicted, choice->uncertainty, choice->verified,
	                        choice->nbytes,    choice->infer_s,     choice->train_s};
	for (int i = 0; i < 6; i++)
		catalog_bind_real(statement, 6 + i, reals[i]);
	sqlite3_bind_int64(statement, 12, time(NULL));
	return catalog_do(link, statement, why);
}

struct putting {
	const struct choice *choice;
	int64_t id;
};

static errint_t put_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct putting *putting = context;
	errint_t err = choice_put_row(link, putting->choice, why);

	putting->id = sqlite3_last_insert_rowid(link->db);
	return err;
}

errint_t choice_put(struct catalog *catalog, const struct choice *choice, int64_t *ret_id, struct ic_why *why)
{
	struct putting putting = {.choice = choice};
	errint_t err = catalog_write(catalog, put_work, &putting, why);

	if (!err)
		*ret_id = putting.id;
	return err;
}

static errint_t withdraw_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	sqlite3_stmt *last, *withdraw;
	errint_t err = catalog_statement(link, CATALOG_LAST_CHOICE, &last, why);

	if (!err)
		err = catalog_statement(link, CATALOG_WITHDRAW, &withdraw, why);
	if (err)
		return err;
	catalog_bind_text(last, 1, context);
	int next = catalog_next(link, last, why);
	if (next <= 0)
		return next < 0 ? next : ic_fail(why, -ENOENT, "nothing is chosen for %.150s", (const char *)context);
	sqlite3_bind_int64(withdraw, 1, sqlite3_column_int64(last, 0));
	sqlite3_bind_int64(withdraw, 2, time(NULL));
	sqlite3_reset(last);
	return catalog_do(link, withdraw, why);
}

errint_t choice_withdraw(struct catalog *catalog, const char *directory, struct ic_why *why)
{
	return catalog_write(catalog, withdraw_work, (void *)directory, why);
}

/* --- Reading ------------------------------------------------------------------------------------------------------ */

struct listing {
	const char *directory;
	bool all;
	struct rows rows;
};

static errint_t read_choice(sqlite3_stmt *statement, void *row)
{
	struct choice *choice = row;

	*choice = (struct choice){
	        .id = sqlite3_column_int64(statement, 0),
	        .run = sqlite3_column_int64(statement, 3),
	        .is_pin = sqlite3_column_int(statement, 4) != 0,
	        .predicted = catalog_real(statement, 6),
	        .uncertainty = catalog_real(statement, 7),
	        .verified = catalog_real(statement, 8),
	        .nbytes = catalog_real(statement, 9),
	        .infer_s = catalog_real(statement, 10),
	        .train_s = catalog_real(statement, 11),
	        .chosen_s = sqlite3_column_int64(statement, 12),
	        .withdrawn_s = sqlite3_column_int64(statement, 13),
	};
	catalog_text(statement, 1, choice->directory, sizeof(choice->directory));
	catalog_text(statement, 5, choice->reason, sizeof(choice->reason));
	return catalog_design(statement, 2, &choice->design);
}

static errint_t list_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct listing *listing = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_GET_CHOICES, &statement, why);

	if (err)
		return err;
	catalog_bind_text(statement, 1, listing->directory);
	sqlite3_bind_int(statement, 2, listing->all);
	return rows_read(&listing->rows, link, statement, read_choice, why);
}

errint_t choice_list(struct catalog *catalog, const char *directory, bool all, struct choice **ret_choices,
                     size_t *ret_n, struct ic_why *why)
{
	struct listing listing = {directory, all, {.row_nbytes = sizeof(struct choice)}};
	errint_t err = catalog_read(catalog, list_work, &listing, why);

	if (err) {
		free(listing.rows.data);
		return err;
	}
	*ret_choices = (struct choice *)listing.rows.data;
	*ret_n = listing.rows.n;
	return 0;
}

const struct choice *choice_find(const struct choice *choices, size_t n, const char *directory)
{
	const struct choice *found = NULL;
	size_t longest = 0;

	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(choices[i].directory);
		if (choices[i].withdrawn_s || length <= longest || !path_holds(choices[i].directory, directory))
			continue; /* of one directory the first is in force */
		longest = length;
		found = &choices[i];
	}
	return found;
}

struct counting {
	const struct catalog *catalog;
	uint64_t count;
};

static errint_t version_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct counting *counting = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_DATA_VERSION, &statement, why);

	if (err)
		return err;
	int next = catalog_next(link, statement, why);
	if (next > 0) /* each connection counts for itself, in 32 bits */
		counting->count = (uint64_t)counting->catalog->nopened << 32 | sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return next > 0 ? 0 : next;
}

errint_t catalog_change_count(struct catalog *catalog, uint64_t *ret_count)
{
	struct counting counting = {.catalog = catalog};
	errint_t err = catalog_read(catalog, version_work, &counting, NULL);

	if (!err)
		*ret_count = counting.count;
	return err;
}
