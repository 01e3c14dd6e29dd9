/* SPDX-License-Identifier: MIT */
/* Reading what run.c wrote. */
#include "search/run.h"

#include "search/rows_priv.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

struct reading {
	enum catalog_statement which;
	int64_t run; /* 0: no parameter is bound */
	errint_t (*read)(sqlite3_stmt *statement, void *row);
	struct rows rows;
};

static errint_t read_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct reading *reading = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, reading->which, &statement, why);

	if (err)
		return err;
	if (reading->run)
		sqlite3_bind_int64(statement, 1, reading->run);
	return rows_read(&reading->rows, link, statement, reading->read, why);
}

/* Into reading->rows, which are the caller's then. */
static errint_t read_all(struct catalog *catalog, struct reading *reading, struct ic_why *why)
{
	errint_t err = catalog_read(catalog, read_work, reading, why);

	if (err)
		free(reading->rows.data);
	return err;
}

static errint_t read_run(sqlite3_stmt *statement, void *row)
{
	struct run *run = row;

	*run = (struct run){
	        .id = sqlite3_column_int64(statement, 0),
	        .codec = (unsigned)sqlite3_column_int64(statement, 5),
	        .started_s = sqlite3_column_int64(statement, 7),
	        .ended_s = sqlite3_column_int64(statement, 8),
	        .nplanned = (uint64_t)sqlite3_column_int64(statement, 9),
	        .ndone = (uint64_t)sqlite3_column_int64(statement, 10),
	        .nfrontier = (uint64_t)sqlite3_column_int64(statement, 11),
	};
	catalog_text(statement, 1, run->directory, sizeof(run->directory));
	catalog_text(statement, 2, run->dataset, sizeof(run->dataset));
	catalog_text(statement, 3, run->evaluator, sizeof(run->evaluator));
	catalog_text(statement, 4, run->hardware, sizeof(run->hardware));
	catalog_text(statement, 6, run->settings, sizeof(run->settings));
	return 0;
}

errint_t run_list(struct catalog *catalog, int64_t id, struct run **ret_runs, size_t *ret_n, struct ic_why *why)
{
	struct reading reading = {CATALOG_EACH_RUN, id, read_run, {.row_nbytes = sizeof(struct run)}};
	errint_t err = read_all(catalog, &reading, why);

	if (err)
		return err;
	if (id && !reading.rows.n) {
		free(reading.rows.data);
		return ic_fail(why, -ENOENT, "the catalog has no run %lld", (long long)id);
	}
	*ret_runs = (struct run *)reading.rows.data;
	*ret_n = reading.rows.n;
	return 0;
}

static errint_t read_parameter(sqlite3_stmt *statement, void *row)
{
	struct run_parameter *parameter = row;

	catalog_text(statement, 0, parameter->name, sizeof(parameter->name));
	parameter->value = catalog_real(statement, 1);
	return isfinite(parameter->value) ? 0 : -EBADMSG;
}

errint_t run_parameters(struct catalog *catalog, int64_t run, struct run_parameter **ret_parameters, size_t *ret_n,
                        struct ic_why *why)
{
	struct reading reading = {
	        CATALOG_GET_PARAMETERS, run, read_parameter, {.row_nbytes = sizeof(struct run_parameter)}};
	errint_t err = read_all(catalog, &reading, why);

	if (err)
		return err;
	*ret_parameters = (struct run_parameter *)reading.rows.data;
	*ret_n = reading.rows.n;
	return 0;
}

static errint_t read_planned(sqlite3_stmt *statement, void *row)
{
	struct planned *planned = row;
	errint_t err = catalog_design(statement, 2, &planned->design);

	planned->round = (unsigned)sqlite3_column_int64(statement, 1);
	planned->parent = sqlite3_column_type(statement, 3) == SQLITE_NULL ? -1 : sqlite3_column_int(statement, 3);
	planned->is_done = sqlite3_column_type(statement, 4) != SQLITE_NULL;
	planned->measurement = (struct measurement){.id = 0};
	if (!err && planned->is_done)
		err = measurement_read_row(statement, 4, &planned->measurement);
	if (!err && planned->is_done && sqlite3_column_int(statement, 14))
		measurement_set_foreign(&planned->measurement);
	return err;
}

/* Positions are 0, 1, 2, ...; parents lie before their children. */
static errint_t check_plan(const struct planned *plan, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (plan[i].parent < -1 || plan[i].parent >= (int)i)
			return -EBADMSG;
	return 0;
}

errint_t run_plan(struct catalog *catalog, int64_t run, struct planned **ret_plan, size_t *ret_n, struct ic_why *why)
{
	struct reading reading = {CATALOG_GET_PLAN, run, read_planned, {.row_nbytes = sizeof(struct planned)}};
	errint_t err = read_all(catalog, &reading, why);

	if (err)
		return err;
	struct planned *plan = (struct planned *)reading.rows.data;
	if (check_plan(plan, reading.rows.n)) {
		free(plan);
		return ic_fail(why, -EBADMSG, "the catalog has a plan of run %lld that was never made", (long long)run);
	}
	*ret_plan = plan;
	*ret_n = reading.rows.n;
	return 0;
}

static errint_t read_point(sqlite3_stmt *statement, void *row)
{
	struct frontier_point *point = row;

	*point = (struct frontier_point){
	        .nbytes = catalog_real(statement, 1),
	        .infer_s = catalog_real(statement, 2),
	        .train_s = catalog_real(statement, 3),
	        .predicted = catalog_real(statement, 4),
	        .uncertainty = catalog_real(statement, 5),
	        .verified = catalog_real(statement, 6),
	};
	return catalog_design(statement, 0, &point->design);
}

static int compare_points(const void *a, const void *b)
{
	const struct frontier_point *left = a, *right = b;

	if (left->nbytes != right->nbytes)
		return left->nbytes < right->nbytes ? -1 : 1;
	return ic_design_index(&left->design) - ic_design_index(&right->design);
}

void frontier_sort(struct frontier_point *points, size_t n)
{
	if (n)
		qsort(points, n, sizeof(*points), compare_points);
}

errint_t run_frontier(struct catalog *catalog, int64_t run, struct frontier_point **ret_points, size_t *ret_n,
                      struct ic_why *why)
{
	struct reading reading = {CATALOG_GET_FRONTIER, run, read_point, {.row_nbytes = sizeof(struct frontier_point)}};
	errint_t err = read_all(catalog, &reading, why);

	if (err)
		return err;
	*ret_points = (struct frontier_point *)reading.rows.data;
	*ret_n = reading.rows.n;
	frontier_sort(*ret_points, *ret_n);
	return 0;
}
