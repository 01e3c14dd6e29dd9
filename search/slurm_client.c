/* SPDX-License-Identifier: MIT */
#include "search/slurm_client_priv.h"

#include "search/child.h"
#include "search/command_priv.h"
#include "search/shell.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define CALL_S 120 /* that Slurm's controller may take: its own clients give up sooner */
#define OUTPUT_NBYTES_MAX                                                                                              \
	((size_t)256 << 20) /* a line a task: some 100 bytes, and clusters limit jobs to 10^5 or 10^6 */
#define SHELL_NOT_FOUND 127

struct output {
	FILE *to;
	size_t nbytes;
};

static void take_output(void *context, const char *bytes, size_t nbytes)
{
	struct output *output = context;

	if (output->nbytes + nbytes > OUTPUT_NBYTES_MAX)
		return;
	output->nbytes += nbytes;
	fwrite(bytes, 1, nbytes, output->to);
}

/* The first line of what a failing program says that is not empty, without "sbatch: error: " before it. */
static void put_complaint(const char *text, char out[static 120])
{
	text += strspn(text, "\n ");
	for (const char *mark; (mark = strstr(text, "error: ")) && mark < text + strcspn(text, "\n");)
		text = mark + strlen("error: ");
	snprintf(out, 120, "%.*s", (int)strcspn(text, "\n"), text);
}

/* Run a program of Slurm's; its output is malloc'ed. -EINVAL: it says no, in `why`. */
static errint_t call(const char *program, const char *line, char **ret_text, struct ic_why *why)
{
	char *text = NULL, complaint[120];
	size_t size;
	struct output output = {.to = open_memstream(&text, &size)};
	struct child_settings child = {.line = line, .timeout_s = CALL_S, .output = take_output, .context = &output};
	struct child_report report;

	if (!output.to)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = child_run(&child, &report, why);
	if (fclose(output.to) && !err)
		err = ic_fail(why, -ENOMEM, "out of memory");
	if (!err && WIFEXITED(report.status) && WEXITSTATUS(report.status) == SHELL_NOT_FOUND)
		err = ic_fail(why, -ENOENT, "there is no Slurm here: %s was not found", program);
	else if (!err && (report.is_timed_out || !WIFEXITED(report.status)))
		err = ic_fail(why, -EIO, "%s: no answer from Slurm's controller", program);
	else if (!err && report.status) {
		put_complaint(text, complaint);
		err = ic_fail(why, -EINVAL, "%s: %s", program, complaint[0] ? complaint : "failed without a word");
	}
	if (err)
		free(text);
	else
		*ret_text = text;
	return err;
}

/* --- sbatch ------------------------------------------------------------------------------------------------------- */

static char *submission(const struct slurm_array *array)
{
	char *line = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return NULL;
	fprintf(out, "sbatch --parsable --array=0-%zu", array->ntasks - 1);
	if (array->nat_once)
		fprintf(out, "%%%u", array->nat_once);
	if (array->after)
		fprintf(out, " --dependency=afterok:%s --kill-on-invalid-dep=yes", array->after);
	for (size_t i = 0; i < array->noptions; i++) {
		fputs(" --", out);
		shell_put_word(out, array->options[i]);
	}
	fputs(" --job-name=", out);
	shell_put_word(out, array->name);
	fputs(" --open-mode=append --output=", out);
	shell_put_word(out, array->output);
	putc(' ', out);
	shell_put_word(out, array->script);
	if (fclose(out)) {
		free(line);
		return NULL;
	}
	return line;
}

/* "123" or "123;cluster", among warnings. */
static bool find_id(const char *text, unsigned long *ret_id)
{
	for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
		char *end;
		if (!isdigit((unsigned char)*text))
			continue;
		*ret_id = strtoul(text, &end, 10);
		if (*end == '\n' || *end == ';' || !*end)
			return true;
	}
	return false;
}

errint_t slurm_client_submit(const struct slurm_array *array, unsigned long *ret_id, struct ic_why *why)
{
	char *line = submission(array), *text;

	if (!line)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = call("sbatch", line, &text, why);
	free(line);
	if (err)
		return err;
	if (!find_id(text, ret_id))
		err = ic_fail(why, -EIO, "sbatch printed no number of a job");
	free(text);
	return err;
}

/* --- squeue ------------------------------------------------------------------------------------------------------- */

/* "NAME|12|3|PENDING|Resources"; other lines, of jobs that are no arrays, are passed over. */
static bool parse_told(char *line, struct slurm_told *ret_told)
{
	char *field[5], *end;

	for (int i = 0; i < 5; i++)
		if (!(field[i] = strsep(&line, "|")))
			return false;
	if (!isdigit((unsigned char)*field[1]) || !isdigit((unsigned char)*field[2]))
		return false;
	*ret_told = (struct slurm_told){.name = field[0],
	                                .id = strtoul(field[1], NULL, 10),
	                                .index = strtoul(field[2], &end, 10),
	                                .state = field[3],
	                                .reason = field[4]};
	return !*end;
}

errint_t slurm_client_list(void (*told)(void *context, const struct slurm_told *told), void *context,
                           struct ic_why *why)
{
	char *text, *rest;
	errint_t err =
	        call("squeue", "squeue --me --noheader --array --states=all --format='%j|%F|%K|%T|%r'", &text, why);

	if (err)
		return err;
	rest = text;
	for (char *line; (line = strsep(&rest, "\n"));) {
		struct slurm_told one;
		if (parse_told(line, &one))
			told(context, &one);
	}
	free(text);
	return 0;
}
