/* SPDX-License-Identifier: MIT */
/* Statements of searches, prepared when they are first needed: a mount needs few of them. */
#include "search/catalog_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define RESULT "failure, accuracy, log_loss, nimages, infer_s, train_s, decode_s, wall_s, measured_s"
#define KEY "evaluator, dataset, hardware, codec, design, split, seed, fraction, lineage"
#define IS_KEY                                                                                                         \
	"evaluator = ?1 AND dataset = ?2 AND codec = ?4 AND design = ?5 AND split = ?6 AND seed = ?7"                  \
	" AND fraction = ?8 AND lineage = ?9"

static const char *const texts[CATALOG_NSTATEMENTS] = {
        [CATALOG_GET_MEASUREMENT] = "SELECT id, " RESULT " FROM measurement WHERE " IS_KEY " AND hardware = ?3",
        /* What another machine measured, the first one to do so. */
        [CATALOG_GET_ACCURACY] = "SELECT id, " RESULT " FROM measurement WHERE " IS_KEY
                                 " AND hardware <> ?3 AND failure IS NULL ORDER BY id LIMIT 1",
        /* The first result stays. */
        [CATALOG_PUT_MEASUREMENT] = "INSERT INTO measurement (" KEY ", " RESULT ")"
                                    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,"
                                    " ?17, ?18)"
                                    " ON CONFLICT DO UPDATE SET (" RESULT ") ="
                                    " (?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18) WHERE failure IS NOT NULL",
        [CATALOG_ID_OF_MEASUREMENT] = "SELECT id FROM measurement WHERE " IS_KEY " AND hardware = ?3",
        [CATALOG_EACH_MEASUREMENT] = "SELECT id, " RESULT ", " KEY " FROM measurement ORDER BY id",
        [CATALOG_GET_COST] = "SELECT nbytes, read_s, decode_s FROM cost"
                             " WHERE dataset = ?1 AND hardware = ?2 AND codec = ?3 AND design = ?4",
        [CATALOG_PUT_COST] = "INSERT INTO cost (dataset, hardware, codec, design, nbytes, read_s, decode_s, measured_s)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
        [CATALOG_EACH_COST] = "SELECT nbytes, read_s, decode_s, dataset, hardware, codec, design, measured_s"
                              " FROM cost ORDER BY id",
        [CATALOG_PUT_RUN] = "INSERT INTO run (directory, dataset, evaluator, hardware, codec, settings, started_s)"
                            " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        [CATALOG_FIND_RUN] = "SELECT max(id) FROM run WHERE dataset = ?1 AND evaluator = ?2 AND hardware = ?3"
                             " AND codec = ?4 AND settings = ?5 AND (ended_s IS NOT NULL) = ?6",
        [CATALOG_EACH_RUN] = "SELECT id, directory, dataset, evaluator, hardware, codec, settings, started_s, ended_s,"
                             " (SELECT count(*) FROM planned WHERE run = run.id),"
                             " (SELECT count(*) FROM planned WHERE run = run.id AND measurement IS NOT NULL),"
                             " (SELECT count(*) FROM frontier WHERE run = run.id)"
                             " FROM run WHERE ?1 IS NULL OR id = ?1 ORDER BY id",
        [CATALOG_END_RUN] = "UPDATE run SET ended_s = ?2 WHERE id = ?1",
        [CATALOG_PUT_PARAMETER] = "INSERT INTO parameter (run, name, value) VALUES (?1, ?2, ?3)"
                                  " ON CONFLICT DO NOTHING",
        [CATALOG_GET_PARAMETERS] = "SELECT name, value FROM parameter WHERE run = ?1 ORDER BY name",
        [CATALOG_PUT_PLANNED] =
                "INSERT INTO planned (run, position, round, design, parent) VALUES (?1, ?2, ?3, ?4, ?5)",
        [CATALOG_GET_PLAN] = "SELECT position, round, planned.design, parent, measurement, " RESULT
                             ", hardware != (SELECT hardware FROM run WHERE id = ?1)"
                             " FROM planned LEFT JOIN measurement ON measurement.id = measurement"
                             " WHERE run = ?1 ORDER BY position",
        [CATALOG_PUT_EVALUATED] = "UPDATE planned SET measurement = ?3 WHERE run = ?1 AND position = ?2",
        [CATALOG_PUT_FRONTIER] = "INSERT INTO frontier (run, design, nbytes, infer_s, train_s, predicted, uncertainty,"
                                 " verified) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        [CATALOG_GET_FRONTIER] = "SELECT design, nbytes, infer_s, train_s, predicted, uncertainty, verified"
                                 " FROM frontier WHERE run = ?1",
        [CATALOG_PUT_CHOICE] = "INSERT INTO choice (directory, design, run, is_pin, reason, predicted, uncertainty,"
                               " verified, nbytes, infer_s, train_s, chosen_s)"
                               " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        /* In force is a directory's last pin, else its last choice. */
        [CATALOG_GET_CHOICES] = "SELECT id, directory, design, run, is_pin, reason, predicted, uncertainty, verified,"
                                " nbytes, infer_s, train_s, chosen_s, withdrawn_s FROM choice"
                                " WHERE (?1 IS NULL OR directory = ?1) AND (?2 OR withdrawn_s IS NULL)"
                                " ORDER BY directory, is_pin DESC, id DESC",
        [CATALOG_LAST_CHOICE] = "SELECT id FROM choice WHERE directory = ?1 AND withdrawn_s IS NULL"
                                " ORDER BY is_pin DESC, id DESC LIMIT 1",
        [CATALOG_WITHDRAW] = "UPDATE choice SET withdrawn_s = ?2 WHERE id = ?1",
        [CATALOG_DATA_VERSION] = "PRAGMA data_version",
};

static errint_t fail(struct catalog_link *link, int code, struct ic_why *why)
{
	return catalog_fail(link->db, code, sqlite3_db_filename(link->db, "main"), why);
}

errint_t catalog_fail_row(struct catalog_link *link, errint_t err, struct ic_why *why)
{
	return ic_fail(why, err, "%.100s: %s", sqlite3_db_filename(link->db, "main"),
	               err == -EBADMSG ? "a row in it is damaged" : strerror(-err));
}

errint_t catalog_statement(struct catalog_link *link, enum catalog_statement which, sqlite3_stmt **ret_statement,
                           struct ic_why *why)
{
	sqlite3_stmt **statement = &link->more[which];

	if (!*statement) {
		int code = sqlite3_prepare_v3(link->db, texts[which], -1, SQLITE_PREPARE_PERSISTENT, statement, NULL);
		if (code != SQLITE_OK)
			return fail(link, code, why);
	}
	sqlite3_reset(*statement);
	sqlite3_clear_bindings(*statement);
	*ret_statement = *statement;
	return 0;
}

errint_t catalog_do(struct catalog_link *link, sqlite3_stmt *statement, struct ic_why *why)
{
	int code = catalog_run(statement);

	return code == SQLITE_OK ? 0 : fail(link, code, why);
}

int catalog_next(struct catalog_link *link, sqlite3_stmt *statement, struct ic_why *why)
{
	int code = sqlite3_step(statement);

	if (code == SQLITE_ROW)
		return 1;
	errint_t err = code == SQLITE_DONE ? 0 : fail(link, code, why);
	sqlite3_reset(statement);
	return err;
}

void catalog_bind_real(sqlite3_stmt *statement, int at, double value)
{
	sqlite3_bind_double(statement, at, value); /* which makes NULL of NAN */
}

double catalog_real(sqlite3_stmt *statement, int at)
{
	return sqlite3_column_type(statement, at) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(statement, at);
}

void catalog_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

void catalog_bind_design(sqlite3_stmt *statement, int at, const struct ic_design *design)
{
	char text[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, text);
	catalog_bind_text(statement, at, text);
}

errint_t catalog_design(sqlite3_stmt *statement, int at, struct ic_design *ret_design)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);

	return text && !ic_design_parse(text, ret_design, NULL) ? 0 : -EBADMSG;
}

void catalog_text(sqlite3_stmt *statement, int at, char *out, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(statement, at);

	snprintf(out, size, "%s", text ? text : "");
}
