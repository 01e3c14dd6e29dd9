/* SPDX-License-Identifier: MIT */
#include "search/measurement.h"

#include "search/rows_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#define KEY_COLUMN 10 /* in CATALOG_EACH_MEASUREMENT: the first of a key, behind the id and the result */

static void bind_key(sqlite3_stmt *statement, const struct measurement_key *key)
{
	catalog_bind_text(statement, 1, key->evaluator);
	catalog_bind_text(statement, 2, key->dataset);
	catalog_bind_text(statement, 3, key->hardware);
	sqlite3_bind_int64(statement, 4, key->codec);
	catalog_bind_design(statement, 5, &key->design);
	sqlite3_bind_int(statement, 6, (int)key->split);
	sqlite3_bind_int64(statement, 7, (sqlite3_int64)key->seed);
	sqlite3_bind_double(statement, 8, key->fraction);
	catalog_bind_text(statement, 9, key->lineage ? key->lineage : "");
}

errint_t measurement_read_row(sqlite3_stmt *statement, int first, struct measurement *ret_measurement)
{
	struct measurement m = {
	        .id = sqlite3_column_int64(statement, first),
	        .is_failure = sqlite3_column_type(statement, first + 1) != SQLITE_NULL,
	        .result = {.accuracy = catalog_real(statement, first + 2),
	                   .log_loss = catalog_real(statement, first + 3),
	                   .nimages = (uint64_t)sqlite3_column_int64(statement, first + 4),
	                   .infer_s = catalog_real(statement, first + 5),
	                   .train_s = catalog_real(statement, first + 6),
	                   .decode_s = catalog_real(statement, first + 7),
	                   .wall_s = catalog_real(statement, first + 8)},
	        .measured_s = sqlite3_column_int64(statement, first + 9),
	};
	m.is_timed = m.result.infer_s > 0 || m.result.train_s > 0;
	catalog_text(statement, first + 1, m.failure, sizeof(m.failure));
	if (!m.is_failure && !isfinite(m.result.accuracy))
		return -EBADMSG; /* never put */
	*ret_measurement = m;
	return 0;
}

void measurement_set_foreign(struct measurement *measurement)
{
	struct evaluator_result *result = &measurement->result;

	result->infer_s = result->train_s = result->decode_s = result->wall_s = (double)NAN;
	measurement->is_foreign = true;
}

/* --- One --------------------------------------------------------------------------------------------------------- */

struct getting {
	const struct measurement_key *key;
	struct measurement measurement;
};

static errint_t get_by(struct catalog_link *link, enum catalog_statement which, struct getting *getting,
                       struct ic_why *why)
{
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, which, &statement, why);

	if (err)
		return err;
	bind_key(statement, getting->key);
	int next = catalog_next(link, statement, why);
	if (next <= 0)
		return next < 0 ? next : -ENOENT;
	err = measurement_read_row(statement, 0, &getting->measurement);
	sqlite3_reset(statement);
	return err ? catalog_fail_row(link, err, why) : 0;
}

static errint_t get_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct getting *getting = context;
	errint_t err = get_by(link, CATALOG_GET_MEASUREMENT, getting, why);

	if (err != -ENOENT && (err || !getting->measurement.is_failure))
		return err;
	errint_t foreign = get_by(link, CATALOG_GET_ACCURACY, getting, why);
	if (foreign == -ENOENT)
		return err; /* and what failed here is still in place */
	measurement_set_foreign(&getting->measurement);
	return foreign;
}

errint_t measurement_get(struct catalog *catalog, const struct measurement_key *key,
                         struct measurement *ret_measurement, struct ic_why *why)
{
	struct getting getting = {.key = key};
	errint_t err = catalog_read(catalog, get_work, &getting, why);

	if (!err)
		*ret_measurement = getting.measurement;
	return err;
}

static void bind_result(sqlite3_stmt *statement, const struct evaluator_result *result)
{
	catalog_bind_real(statement, 11, result->accuracy);
	catalog_bind_real(statement, 12, result->log_loss);
	sqlite3_bind_int64(statement, 13, (sqlite3_int64)result->nimages);
	catalog_bind_real(statement, 14, result->infer_s);
	catalog_bind_real(statement, 15, result->train_s);
	catalog_bind_real(statement, 16, result->decode_s);
	catalog_bind_real(statement, 17, result->wall_s);
}

errint_t measurement_put_row(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct measurement_putting *putting = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_MEASUREMENT, &statement, why);

	if (err)
		return err;
	bind_key(statement, putting->key);
	catalog_bind_text(statement, 10, putting->failure);
	if (putting->result)
		bind_result(statement, putting->result);
	sqlite3_bind_int64(statement, 18, putting->measured_s);
	err = catalog_do(link, statement, why);
	putting->is_new = !err && sqlite3_changes(link->db) > 0;
	if (!err)
		err = catalog_statement(link, CATALOG_ID_OF_MEASUREMENT, &statement, why);
	if (err)
		return err;
	bind_key(statement, putting->key);
	int next = catalog_next(link, statement, why);
	if (next > 0)
		putting->id = sqlite3_column_int64(statement, 0);
	sqlite3_reset(statement);
	return next > 0 ? 0 : next < 0 ? next : ic_fail(why, -EBADMSG, "the catalog lost what was just put");
}

errint_t measurement_put(struct catalog *catalog, const struct measurement_key *key,
                         const struct evaluator_result *result, const char *failure, int64_t *ret_id,
                         struct ic_why *why)
{
	struct measurement_putting putting = {key, failure ? NULL : result, failure, time(NULL), 0, false};

	if (!failure && !isfinite(result->accuracy))
		return ic_fail(why, -EINVAL, "an accuracy that is no number");
	errint_t err = catalog_write(catalog, measurement_put_row, &putting, why);
	if (!err)
		*ret_id = putting.id;
	return err;
}

/* --- All --------------------------------------------------------------------------------------------------------- */

struct visiting {
	measurement_visit *visit;
	cost_visit *visit_cost;
	void *context;
};

static const char *text_at(sqlite3_stmt *statement, int at)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);

	return text ? text : "";
}

static errint_t visit_row(sqlite3_stmt *statement, const struct visiting *visiting)
{
	struct measurement measurement;
	struct measurement_key key = {
	        .evaluator = text_at(statement, KEY_COLUMN),
	        .dataset = text_at(statement, KEY_COLUMN + 1),
	        .hardware = text_at(statement, KEY_COLUMN + 2),
	        .codec = (unsigned)sqlite3_column_int64(statement, KEY_COLUMN + 3),
	        .split = (enum evaluator_split)sqlite3_column_int(statement, KEY_COLUMN + 5),
	        .seed = (uint64_t)sqlite3_column_int64(statement, KEY_COLUMN + 6),
	        .fraction = sqlite3_column_double(statement, KEY_COLUMN + 7),
	        .lineage = text_at(statement, KEY_COLUMN + 8),
	};
	errint_t err = measurement_read_row(statement, 0, &measurement);

	if (!err)
		err = catalog_design(statement, KEY_COLUMN + 4, &key.design);
	return err ? err : visiting->visit(visiting->context, &key, &measurement);
}

static errint_t visit_cost_row(sqlite3_stmt *statement, const struct visiting *visiting)
{
	struct cost_measured cost = {catalog_real(statement, 0), catalog_real(statement, 1),
	                             catalog_real(statement, 2)};
	struct cost_key key = {
	        .dataset = text_at(statement, 3),
	        .hardware = text_at(statement, 4),
	        .codec = (unsigned)sqlite3_column_int64(statement, 5),
	};
	errint_t err = catalog_design(statement, 6, &key.design);

	return err ? err : visiting->visit_cost(visiting->context, &key, &cost, sqlite3_column_int64(statement, 7));
}

static errint_t each_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	const struct visiting *visiting = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, visiting->visit ? CATALOG_EACH_MEASUREMENT : CATALOG_EACH_COST,
	                                 &statement, why);
	int next = 0;

	while (!err && (next = catalog_next(link, statement, why)) > 0) {
		err = visiting->visit ? visit_row(statement, visiting) : visit_cost_row(statement, visiting);
		if (err) {
			sqlite3_reset(statement);
			return err == -EBADMSG
			               ? catalog_fail_row(link, err, why)
			               : ic_fail(why, err, "a measurement of the catalog could not be passed on");
		}
	}
	return err ? err : next;
}

errint_t measurement_each(struct catalog *catalog, measurement_visit *visit, void *context, struct ic_why *why)
{
	struct visiting visiting = {.visit = visit, .context = context};

	return catalog_read(catalog, each_work, &visiting, why);
}

errint_t cost_each(struct catalog *catalog, cost_visit *visit, void *context, struct ic_why *why)
{
	struct visiting visiting = {.visit_cost = visit, .context = context};

	return catalog_read(catalog, each_work, &visiting, why);
}

/* --- Costs ------------------------------------------------------------------------------------------------------- */

struct costing {
	const struct cost_key *key;
	struct cost_measured cost;
	int64_t measured_s;
	bool is_new;
};

static void bind_cost_key(sqlite3_stmt *statement, const struct cost_key *key)
{
	catalog_bind_text(statement, 1, key->dataset);
	catalog_bind_text(statement, 2, key->hardware);
	sqlite3_bind_int64(statement, 3, key->codec);
	catalog_bind_design(statement, 4, &key->design);
}

static errint_t get_cost_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct costing *costing = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_GET_COST, &statement, why);

	if (err)
		return err;
	bind_cost_key(statement, costing->key);
	int next = catalog_next(link, statement, why);
	if (next <= 0)
		return next < 0 ? next : -ENOENT;
	costing->cost = (struct cost_measured){catalog_real(statement, 0), catalog_real(statement, 1),
	                                       catalog_real(statement, 2)};
	sqlite3_reset(statement);
	return 0;
}

static errint_t put_cost_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct costing *costing = context;
	sqlite3_stmt *statement;
	errint_t err = catalog_statement(link, CATALOG_PUT_COST, &statement, why);

	if (err)
		return err;
	bind_cost_key(statement, costing->key);
	catalog_bind_real(statement, 5, costing->cost.nbytes);
	catalog_bind_real(statement, 6, costing->cost.read_s);
	catalog_bind_real(statement, 7, costing->cost.decode_s);
	sqlite3_bind_int64(statement, 8, costing->measured_s);
	err = catalog_do(link, statement, why);
	costing->is_new = !err && sqlite3_changes(link->db) > 0;
	return err;
}

errint_t cost_get(struct catalog *catalog, const struct cost_key *key, struct cost_measured *ret_cost,
                  struct ic_why *why)
{
	struct costing costing = {.key = key};
	errint_t err = catalog_read(catalog, get_cost_work, &costing, why);

	if (!err)
		*ret_cost = costing.cost;
	return err;
}

errint_t cost_put(struct catalog *catalog, const struct cost_key *key, const struct cost_measured *cost,
                  struct ic_why *why)
{
	struct costing costing = {.key = key, .cost = *cost, .measured_s = time(NULL)};

	return catalog_write(catalog, put_cost_work, &costing, why);
}

/* --- Merging ----------------------------------------------------------------------------------------------------- */

struct merging {
	struct catalog_link *link;
	struct catalog *other;
	struct ic_why *why;
	uint64_t nnew;
};

static errint_t merge_one(void *context, const struct measurement_key *key, const struct measurement *measurement)
{
	struct merging *merging = context;
	struct measurement_putting putting = {
	        .key = key,
	        .result = measurement->is_failure ? NULL : &measurement->result,
	        .failure = measurement->is_failure ? measurement->failure : NULL,
	        .measured_s = measurement->measured_s,
	};
	errint_t err = measurement_put_row(merging->link, &putting, merging->why);

	merging->nnew += putting.is_new;
	return err;
}

static errint_t merge_cost(void *context, const struct cost_key *key, const struct cost_measured *cost,
                           int64_t measured_s)
{
	struct merging *merging = context;
	struct costing costing = {.key = key, .cost = *cost, .measured_s = measured_s};
	errint_t err = put_cost_work(merging->link, &costing, merging->why);

	merging->nnew += costing.is_new;
	return err;
}

static errint_t merge_work(struct catalog_link *link, void *context, struct ic_why *why)
{
	struct merging *merging = context;

	merging->link = link;
	merging->why = why;
	errint_t err = measurement_each(merging->other, merge_one, merging, why);
	return err ? err : cost_each(merging->other, merge_cost, merging, why);
}

errint_t measurement_merge(struct catalog *catalog, struct catalog *other, uint64_t *ret_nnew, struct ic_why *why)
{
	struct merging merging = {.other = other};
	errint_t err = catalog_write(catalog, merge_work, &merging, why);

	if (!err)
		*ret_nnew = merging.nnew;
	return err;
}
