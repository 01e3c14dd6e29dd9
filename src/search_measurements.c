/* SPDX-License-Identifier: MIT */
/* icfs search export, icfs search merge: measurements on their way from one catalog to others. */
#include "src/files.h"
#include "src/icfs.h"
#include "src/json.h"
#include "src/options.h"
#include "src/search_cli.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum form {
	FORM_CSV,
	FORM_JSON,
};

struct measurements_settings {
	const char *catalog, *output;
	enum form form;
	bool wants_times;
};

static errint_t apply_catalog(void *settings, const char *value, struct ic_why *why)
{
	((struct measurements_settings *)settings)->catalog = value;
	return 0;
}

static errint_t apply_form(void *settings, const char *value, struct ic_why *why)
{
	struct measurements_settings *s = settings;

	if (strcmp(value, "csv") && strcmp(value, "json"))
		return ic_fail(why, -EINVAL, "unknown form '%.32s'; known: csv, json", value);
	s->form = *value == 'j' ? FORM_JSON : FORM_CSV;
	return 0;
}

static errint_t apply_what(void *settings, const char *value, struct ic_why *why)
{
	struct measurements_settings *s = settings;

	if (strcmp(value, "evaluations") && strcmp(value, "times"))
		return ic_fail(why, -EINVAL, "unknown measurements '%.32s'; known: evaluations, times", value);
	s->wants_times = *value == 't';
	return 0;
}

static errint_t apply_output(void *settings, const char *value, struct ic_why *why)
{
	((struct measurements_settings *)settings)->output = value;
	return 0;
}

static const struct option_entry export_options[] = {
        {'c', "catalog", "FILE", "the catalog (default as for icfs mount)", apply_catalog},
        {'f', "form", "FORM", "csv (default) or json: an array, an object each", apply_form},
        {'w', "what", "WHAT", "evaluations (default), or times of read and decode", apply_what},
        {'o', "output", "FILE", "where to (default: standard output)", apply_output},
        {.name = NULL},
};

static const struct command_line export_line = {
        .command = "search export",
        .operands = "",
        .about = "Write every evaluation that the catalog has, or with --what=times what reading and decoding took, "
                 "oldest first, with all that it depends on. Seconds are an image but for wall_s, which is the whole "
                 "evaluation, and measured, which is since 1970; what is not known is empty, in JSON null.",
        .options = export_options,
};

static const struct option_entry merge_options[] = {
        {'c', "catalog", "FILE", "the catalog to merge into (default as for icfs mount)", apply_catalog},
        {.name = NULL},
};

static const struct command_line merge_line = {
        .command = "search merge",
        .operands = "OTHER",
        .about = "Take all measurements of the catalog OTHER, evaluations and times, that this one does not have. What "
                 "both "
                 "have stays as it is here; searches and choices are not taken.",
        .options = merge_options,
        .min_operands = 1,
        .max_operands = 1,
};

/* --- Writing ------------------------------------------------------------------------------------------------------ */

struct writing {
	FILE *out;
	enum form form;
	bool has_any, has_field; /* of the array; of the row */
};

static void put_csv_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	putc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			putc('"', out);
		putc(*text, out);
	}
	putc('"', out);
}

static void begin_field(struct writing *writing, const char *name)
{
	if (writing->has_field)
		fputs(writing->form == FORM_JSON ? ", " : ",", writing->out);
	writing->has_field = true;
	if (writing->form == FORM_JSON)
		fprintf(writing->out, "\"%s\": ", name);
}

static void put_text_field(struct writing *writing, const char *name, const char *text)
{
	begin_field(writing, name);
	if (writing->form == FORM_JSON)
		put_json_string(writing->out, text);
	else
		put_csv_text(writing->out, text);
}

static void put_whole_field(struct writing *writing, const char *name, uint64_t number)
{
	begin_field(writing, name);
	fprintf(writing->out, "%" PRIu64, number);
}

/* With as many digits as give the same number back. */
static void put_real_field(struct writing *writing, const char *name, double number)
{
	begin_field(writing, name);
	if (isfinite(number))
		fprintf(writing->out, "%.17g", number);
	else if (writing->form == FORM_JSON)
		fputs("null", writing->out);
}

static void begin_row(struct writing *writing)
{
	if (writing->form == FORM_JSON)
		fputs(writing->has_any ? ",\n{" : "{", writing->out);
	writing->has_any = true;
	writing->has_field = false;
}

static void end_row(struct writing *writing)
{
	fputs(writing->form == FORM_JSON ? "}" : "\n", writing->out);
}

/* What both kinds of measurement depend on. */
static void put_place(struct writing *writing, const char *dataset, const char *hardware, unsigned codec,
                      const struct ic_design *design)
{
	char text[IC_DESIGN_STRING_SIZE];

	ic_design_print(design, text);
	put_text_field(writing, "dataset", dataset);
	put_text_field(writing, "hardware", hardware);
	put_whole_field(writing, "codec", codec);
	put_text_field(writing, "design", text);
}

static const char times_head[] = "dataset,hardware,codec,design,bytes,read_s,decode_s,measured\n";

static errint_t write_time(void *context, const struct cost_key *key, const struct cost_measured *cost,
                           int64_t measured_s)
{
	struct writing *writing = context;

	begin_row(writing);
	put_place(writing, key->dataset, key->hardware, key->codec, &key->design);
	put_real_field(writing, "bytes", cost->nbytes);
	put_real_field(writing, "read_s", cost->read_s);
	put_real_field(writing, "decode_s", cost->decode_s);
	put_whole_field(writing, "measured", (uint64_t)measured_s);
	end_row(writing);
	return 0;
}

static const char evaluations_head[] =
        "evaluator,dataset,hardware,codec,design,split,seed,fraction,lineage,failure,accuracy,"
        "log_loss,images,infer_s,train_s,decode_s,wall_s,measured\n";

static errint_t write_evaluation(void *context, const struct measurement_key *key,
                                 const struct measurement *measurement)
{
	struct writing *writing = context;
	const struct evaluator_result *result = &measurement->result;

	begin_row(writing);
	put_text_field(writing, "evaluator", key->evaluator);
	put_place(writing, key->dataset, key->hardware, key->codec, &key->design);
	put_text_field(writing, "split", key->split == EVALUATOR_SELECT ? "select" : "truth");
	put_whole_field(writing, "seed", key->seed);
	put_real_field(writing, "fraction", key->fraction);
	put_text_field(writing, "lineage", key->lineage);
	put_text_field(writing, "failure", measurement->is_failure ? measurement->failure : "");
	put_real_field(writing, "accuracy", measurement->is_failure ? (double)NAN : result->accuracy);
	put_real_field(writing, "log_loss", measurement->is_failure ? (double)NAN : result->log_loss);
	put_real_field(writing, "images", result->nimages ? (double)result->nimages : (double)NAN);
	put_real_field(writing, "infer_s", result->infer_s);
	put_real_field(writing, "train_s", result->train_s);
	put_real_field(writing, "decode_s", result->decode_s);
	put_real_field(writing, "wall_s", result->wall_s);
	put_whole_field(writing, "measured", (uint64_t)measurement->measured_s);
	end_row(writing);
	return 0;
}

static int write_all(struct catalog *catalog, struct output *output, const struct measurements_settings *settings)
{
	struct writing writing = {.out = output_stream(output), .form = settings->form};
	bool is_json = settings->form == FORM_JSON;
	struct ic_why why = {""};

	fputs(is_json ? "[\n" : settings->wants_times ? times_head : evaluations_head, writing.out);
	errint_t err = settings->wants_times ? cost_each(catalog, write_time, &writing, &why)
	                                     : measurement_each(catalog, write_evaluation, &writing, &why);
	if (err) {
		output_abandon(output);
		return fail("%s", why.text);
	}
	if (is_json)
		fputs(writing.has_any ? "\n]\n" : "]\n", writing.out);
	return output_commit(output);
}

int search_export(int argc, char **argv)
{
	struct measurements_settings settings = {.output = "-"};
	struct catalog *catalog;
	struct output *output;
	int first, status = parse_command_line(&export_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	status = open_search_catalog(settings.catalog, true, &catalog);
	if (status != EXIT_OK)
		return status;
	status = output_open(settings.output, &output);
	if (status == EXIT_OK)
		status = write_all(catalog, output, &settings);
	catalog_close(catalog);
	return status;
}

int search_merge(int argc, char **argv)
{
	struct measurements_settings settings = {.output = "-"};
	struct catalog *catalog, *other;
	struct ic_why why = {""};
	uint64_t nnew;
	int first, status = parse_command_line(&merge_line, argc, argv, &settings, &first);

	if (status != GO_ON)
		return status;
	status = open_search_catalog(argv[first], true, &other);
	if (status != EXIT_OK)
		return status;
	status = open_search_catalog(settings.catalog, false, &catalog);
	if (status == EXIT_OK) {
		if (measurement_merge(catalog, other, &nnew, &why))
			status = fail("%s", why.text);
		else
			printf("%" PRIu64 " new measurements\n", nnew);
		catalog_close(catalog);
	}
	catalog_close(other);
	return status;
}
