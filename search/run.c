/* SPDX-License-Identifier: MIT */
#include "search/run.h"

#include "search/rows_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

bool run_says(const struct run *run, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = run->settings; *at; at += strcspn(at, " ")) {
		at += strspn(at, " ");
		if (strcspn(at, " ") == length && !strncmp(at, word, length))
			return true;
	}
	return false;
}

static void bind_run(sqlite3_stmt *statement, int first, const struct run *run)
{
	catalog_bind_text(statement, first, run->dataset);
	catalog_bind_text(statement, first + 1, run->evaluator);
	catalog_bind_text(statement, first + 2, run->hardware);
	sqlite3_bind_int64(statement, first + 3, run->codec);
	catalog_bind_text(statement, first + 4, run->settings);
}

/* What is looked for: a run of the same search, one that has ended or one that has not. */
struct lookup {
	const struct run *like;
	bool has_ended;
	int64_t id;
};

static errint_t find_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct lookup *lookup = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_FIND_RUN, &statement, why);

	if (err)
		return err;
	bind_run(statement, 1, lookup->like);
	sqlite3_bind_int(statement, 6, lookup->has_ended);
	int next = catalog_next(link, statement, why);
	if (next > 0)
		lookup->id = sqlite3_column_int64(statement, 0); /* 0 for NULL: there is none */
	sqlite3_reset(statement);
	return next < 0 ? next : lookup->id ? 0 : -ENOENT;
}

errint_t run_find(struct catalog *catalog, const struct run *like, bool has_ended, int64_t *ret_id, struct ic_why *why)
{
	struct lookup lookup = {.like = like, .has_ended = has_ended};
	errint_t err = catalog_read(catalog, find_work, &lookup, why);

	if (!err)
		*ret_id = lookup.id;
	return err;
}

/* --- Writing ------------------------------------------------------------------------------------------------------ */

struct extending {
	const struct run *run; /* NULL: it is there */
	int64_t id;
	const struct run_parameter *parameters;
	size_t nparameters;
	const struct planned *plan;
	size_t first, nplan;
};

static errint_t put_run(struct catalog_link *link, struct extending *extending, struct ic_why *why)
{
	struct lookup lookup = {.like = extending->run};
	sqlite3_stmt *statement;
	errint_t err = find_work(link, &lookup, why);

	if (!err)
		return ic_fail(why, -EEXIST, "run %" PRId64 " is the same search", lookup.id);
	if (err == -ENOENT)
		err = catalog_statement(link, CATALOG_PUT_RUN, &statement, why);
	if (err)
		return err;
	catalog_bind_text(statement, 1, extending->run->directory);
	bind_run(statement, 2, extending->run);
	sqlite3_bind_int64(statement, 7, time(NULL));
	err = catalog_do(link, statement, why);
	extending->id = sqlite3_last_insert_rowid(link->db);
	return err;
}

static errint_t put_parameter(struct catalog_link *link, int64_t run, const struct run_parameter *parameter,
                              struct ic_why *why)
{
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_PARAMETER, &statement, why);

	if (err)
		return err;
	sqlite3_bind_int64(statement, 1, run);
	catalog_bind_text(statement, 2, parameter->name);
	catalog_bind_real(statement, 3, parameter->value);
	return catalog_do(link, statement, why);
}

static errint_t put_planned(struct catalog_link *link, int64_t run, size_t position, const struct planned *planned,
                            struct ic_why *why)
{
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_PLANNED, &statement, why);

	if (err)
		return err;
	sqlite3_bind_int64(statement, 1, run);
	sqlite3_bind_int64(statement, 2, (sqlite3_int64)position);
	sqlite3_bind_int64(statement, 3, planned->round);
	catalog_bind_design(statement, 4, &planned->design);
	if (planned->parent >= 0)
		sqlite3_bind_int(statement, 5, planned->parent);
	return catalog_do(link, statement, why);
}

static errint_t extend_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct extending *extending = context;
	errint_t err = extending->run ? put_run(link, extending, why) : 0;

	for (size_t i = 0; !err && i < extending->nparameters; i++)
		err = put_parameter(link, extending->id, &extending->parameters[i], why);
	for (size_t i = 0; !err && i < extending->nplan; i++)
		err = put_planned(link, extending->id, extending->first + i, &extending->plan[i], why);
	return err;
}

errint_t run_begin(struct catalog *catalog, const struct run *run, const struct run_parameter *parameters,
                   size_t nparameters, const struct planned *plan, size_t nplan, int64_t *ret_id, struct ic_why *why)
{
	struct extending extending = {run, 0, parameters, nparameters, plan, 0, nplan};
	errint_t err = catalog_write(catalog, extend_work, &extending, why);

	if (!err)
		*ret_id = extending.id;
	return err;
}

errint_t run_extend(struct catalog *catalog, int64_t run, const struct run_parameter *parameters, size_t nparameters,
                    const struct planned *plan, size_t first, size_t nplan, struct ic_why *why)
{
	struct extending extending = {NULL, run, parameters, nparameters, plan, first, nplan};

	return catalog_write(catalog, extend_work, &extending, why);
}

static errint_t evaluated_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	const int64_t *numbers = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_EVALUATED, &statement, why);

	if (err)
		return err;
	for (int i = 0; i < 3; i++)
		sqlite3_bind_int64(statement, i + 1, numbers[i]);
	return catalog_do(link, statement, why);
}

errint_t run_evaluated(struct catalog *catalog, int64_t run, size_t position, int64_t measurement, struct ic_why *why)
{
	int64_t numbers[3] = {run, (int64_t)position, measurement};

	return catalog_write(catalog, evaluated_work, numbers, why);
}

struct measuring {
	int64_t run;
	size_t position;
	struct measurement_putting putting;
};

static errint_t measured_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct measuring *measuring = context;
	errint_t err = measurement_put_row(link, &measuring->putting, why);
	int64_t numbers[3] = {measuring->run, (int64_t)measuring->position, measuring->putting.id};

	return err ? err : evaluated_work(link, numbers, why);
}

errint_t run_measured(struct catalog *catalog, int64_t run, size_t position, const struct measurement_key *key,
                      const struct evaluator_result *result, const char *failure, struct ic_why *why)
{
	struct measuring measuring = {run, position, {key, failure ? NULL : result, failure, time(NULL), 0, false}};

	return catalog_write(catalog, measured_work, &measuring, why);
}

struct ending {
	int64_t run;
	const struct frontier_point *points;
	size_t npoints;
	const struct choice *choices;
	size_t nchoices;
};

static errint_t put_point(struct catalog_link *link, int64_t run, const struct frontier_point *point,
                          struct ic_why *why)
{
	const double reals[] = {point->nbytes,    point->infer_s,     point->train_s,
	                        point->predicted, point->uncertainty, point->verified};
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_FRONTIER, &statement, why);

	if (err)
		return err;
	sqlite3_bind_int64(statement, 1, run);
	catalog_bind_design(statement, 2, &point->design);
	for (int i = 0; i < 6; i++)
		catalog_bind_real(statement, 3 + i, reals[i]);
	return catalog_do(link, statement, why);
}

static errint_t end_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	const struct ending *ending = context;
	sqlite3_stmt *statement;
	errint_t err = 0;

	for (size_t i = 0; !err && i < ending->npoints; i++)
		err = put_point(link, ending->run, &ending->points[i], why);
	for (size_t i = 0; !err && i < ending->nchoices; i++)
		err = choice_put_row(link, &ending->choices[i], why);
	if (!err)
		err = catalog_statement(link, CATALOG_END_RUN, &statement, why);
	if (err)
		return err;
	sqlite3_bind_int64(statement, 1, ending->run);
	sqlite3_bind_int64(statement, 2, time(NULL));
	return catalog_do(link, statement, why);
}

errint_t run_end(struct catalog *catalog, int64_t run, const struct frontier_point *points, size_t npoints,
                 const struct choice *choices, size_t nchoices, struct ic_why *why)
{
	struct ending ending = {run, points, npoints, choices, nchoices};

	return catalog_write(catalog, end_work, &ending, why);
}
