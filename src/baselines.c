/* SPDX-License-Identifier: MIT */
#include "src/baselines.h"
#include "src/csv.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NONE ((size_t)-1)

enum column {
	COLUMN_ACCURACY,
	COLUMN_NBYTES,
	COLUMN_LOAD,
	COLUMN_INFER,
	COLUMN_TRAIN,
	NNUMBERS,
	COLUMN_NAME = NNUMBERS,
	COLUMN_SEED,
	NCOLUMNS,
};

static const struct {
	const char *name;
	bool is_required;
	double min, max; /* of a number; what no measurement comes near is a mistake */
} columns[NCOLUMNS] = {
        [COLUMN_ACCURACY] = {"accuracy", true, -1e9, 1e9},
        [COLUMN_NBYTES] = {"nbytes", true, 1, 1e15},
        [COLUMN_LOAD] = {"load_s", false, 0, 1e9},
        [COLUMN_INFER] = {"infer_s", false, 0, 1e9},
        [COLUMN_TRAIN] = {"train_s", false, 0, 1e9},
        [COLUMN_NAME] = {"name", true, 0, 0},
        [COLUMN_SEED] = {"seed", false, 0, 0},
};

struct row {
	const char *name, *seed;
	unsigned line;
	size_t baseline;
	double number[NNUMBERS];
};

/* --- Rows --------------------------------------------------------------------------------------------------------- */

static errint_t read_heading(struct csv *csv, size_t place[NCOLUMNS], size_t *ret_nfields, struct ic_why *why)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	char *fields[CSV_FIELDS_MAX];

	if (!strncmp(csv->at, byte_order_mark, strlen(byte_order_mark)))
		csv->at += strlen(byte_order_mark);
	errint_t err = csv_read(csv, fields, ret_nfields, why);
	if (err)
		return err;
	for (int column = 0; column < NCOLUMNS; column++) {
		place[column] = NONE;
		for (size_t i = 0; i < *ret_nfields; i++) {
			if (strcmp(fields[i], columns[column].name) != 0)
				continue;
			if (place[column] != NONE)
				return ic_fail(why, -EBADMSG, "line 1: two columns are called '%s'", fields[i]);
			place[column] = i;
		}
		if (place[column] == NONE && columns[column].is_required)
			return ic_fail(why, -EBADMSG, "line 1: no column is called '%s'", columns[column].name);
	}
	return 0;
}

/* A decimal number that is all of the text; NAN where it is empty and may be. */
static errint_t read_number(const char *text, int column, unsigned line, double *ret_number, struct ic_why *why)
{
	char *end;

	if (!*text && !columns[column].is_required) {
		*ret_number = (double)NAN;
		return 0;
	}
	/* strtod takes "inf", hexadecimal and white space too. */
	bool is_decimal = *text && !text[strspn(text, "0123456789+-.eE")];
	double number = is_decimal ? strtod(text, &end) : 0;
	if (!is_decimal || *end)
		return ic_fail(why, -EBADMSG, "line %u: %s '%.40s' is no number", line, columns[column].name, text);
	if (!(number >= columns[column].min && number <= columns[column].max))
		return ic_fail(why, -EBADMSG, "line %u: %s %.40s is none that can be", line, columns[column].name,
		               text);
	*ret_number = number;
	return 0;
}

static errint_t read_row(char *const *fields, const size_t place[NCOLUMNS], struct row *row, struct ic_why *why)
{
	row->name = fields[place[COLUMN_NAME]];
	row->seed = place[COLUMN_SEED] == NONE ? "" : fields[place[COLUMN_SEED]];
	if (!*row->name || strlen(row->name) > BASELINE_NAME_MAX)
		return ic_fail(why, -EBADMSG, "line %u: a name has 1 to %d bytes", row->line, BASELINE_NAME_MAX);
	for (int i = 0; i < NNUMBERS; i++) {
		const char *text = place[i] == NONE ? "" : fields[place[i]];
		errint_t err = read_number(text, i, row->line, &row->number[i], why);
		if (err)
			return err;
	}
	return 0;
}

static errint_t read_rows(char *text, struct row rows[BASELINE_ROWS_MAX], size_t *ret_n, struct ic_why *why)
{
	struct csv csv = {text, 1};
	size_t place[NCOLUMNS], nheadings, nfields, n = 0;
	char *fields[CSV_FIELDS_MAX];
	errint_t err = read_heading(&csv, place, &nheadings, why);

	while (!err && *csv.at) {
		unsigned line = csv.line;
		err = csv_read(&csv, fields, &nfields, why);
		if (err || (nfields == 1 && !*fields[0])) /* an empty line */
			continue;
		if (nfields != nheadings)
			return ic_fail(why, -EBADMSG, "line %u: %zu fields for %zu columns", line, nfields, nheadings);
		if (n == BASELINE_ROWS_MAX)
			return ic_fail(why, -EFBIG, "more than %d rows", BASELINE_ROWS_MAX);
		rows[n].line = line;
		err = read_row(fields, place, &rows[n++], why);
	}
	if (!err && !n)
		return ic_fail(why, -ENODATA, "there is no row");
	*ret_n = n;
	return err;
}

/* --- Baselines ---------------------------------------------------------------------------------------------------- */

/* Which baseline each row is of; their number is left in `*ret_n`. */
static errint_t group(struct row *rows, size_t nrows, size_t *ret_n, struct ic_why *why)
{
	size_t n = 0;

	for (size_t i = 0; i < nrows; i++) {
		rows[i].baseline = NONE;
		for (size_t j = 0; j < i; j++) {
			if (strcmp(rows[j].name, rows[i].name) != 0)
				continue;
			if (!strcmp(rows[j].seed, rows[i].seed))
				return ic_fail(why, -EBADMSG,
				               "line %u: '%.60s' with seed '%.20s' stands in line %u already",
				               rows[i].line, rows[i].name, rows[i].seed, rows[j].line);
			rows[i].baseline = rows[j].baseline;
		}
		if (rows[i].baseline == NONE)
			rows[i].baseline = n++;
	}
	*ret_n = n;
	return 0;
}

static void average(struct baseline *baseline, size_t which, const struct row *rows, size_t nrows)
{
	double sum[NNUMBERS] = {0}, squares = 0;

	for (size_t i = 0; i < nrows; i++) {
		if (rows[i].baseline != which)
			continue;
		baseline->name = rows[i].name;
		baseline->nrows++;
		for (int k = 0; k < NNUMBERS; k++)
			sum[k] += rows[i].number[k];
	}
	double n = baseline->nrows;
	baseline->accuracy = sum[COLUMN_ACCURACY] / n;
	baseline->nbytes = sum[COLUMN_NBYTES] / n;
	baseline->load_s = sum[COLUMN_LOAD] / n;
	baseline->infer_s = sum[COLUMN_INFER] / n;
	baseline->train_s = sum[COLUMN_TRAIN] / n;
	for (size_t i = 0; i < nrows; i++)
		if (rows[i].baseline == which)
			squares += pow(rows[i].number[COLUMN_ACCURACY] - baseline->accuracy, 2);
	baseline->sd = baseline->nrows > 1 ? sqrt(squares / (n - 1)) : (double)NAN;
}

static errint_t parse(struct baselines *baselines, struct ic_why *why)
{
	struct row *rows = calloc(BASELINE_ROWS_MAX, sizeof(*rows));
	size_t nrows = 0;
	errint_t err = rows ? read_rows(baselines->text, rows, &nrows, why) : ic_fail(why, -ENOMEM, "out of memory");

	if (!err)
		err = group(rows, nrows, &baselines->n, why);
	if (!err) {
		baselines->at = calloc(baselines->n, sizeof(*baselines->at));
		err = baselines->at ? 0 : ic_fail(why, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; !err && i < baselines->n; i++)
		average(&baselines->at[i], i, rows, nrows);
	free(rows);
	return err;
}

static errint_t read_text(const char *path, char *text, struct ic_why *why)
{
	FILE *file = fopen(path, "re");

	if (!file)
		return ic_fail(why, -errno, "%s", strerror(errno));
	errno = 0;
	size_t n = fread(text, 1, BASELINES_NBYTES_MAX + 1, file);
	errint_t err = 0;
	if (ferror(file))
		err = ic_fail(why, errno ? -errno : -EIO, "%s", strerror(errno ? errno : EIO));
	else if (n > BASELINES_NBYTES_MAX)
		err = ic_fail(why, -EFBIG, "longer than %zu bytes", BASELINES_NBYTES_MAX);
	else if (memchr(text, 0, n))
		err = ic_fail(why, -EBADMSG, "holds bytes of 0, so it is no CSV file");
	else
		text[n] = 0;
	fclose(file);
	return err;
}

errint_t baselines_read(const char *path, struct baselines **ret_baselines, struct ic_why *why)
{
	struct baselines *baselines = calloc(1, sizeof(*baselines));
	errint_t err = 0;

	if (baselines)
		baselines->text = malloc(BASELINES_NBYTES_MAX + 1);
	if (!baselines || !baselines->text)
		err = ic_fail(why, -ENOMEM, "out of memory");
	if (!err)
		err = read_text(path, baselines->text, why);
	if (!err)
		err = parse(baselines, why);
	if (err)
		baselines_free(baselines);
	else
		*ret_baselines = baselines;
	return err;
}

void baselines_free(struct baselines *baselines)
{
	if (!baselines)
		return;
	free(baselines->at);
	free(baselines->text);
	free(baselines);
}
