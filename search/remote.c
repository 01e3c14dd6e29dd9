/* SPDX-License-Identifier: MIT */
/* A job is texts NAME=VALUE, each with its terminator, since values have any other byte; an answer is lines of them. */
#include "search/remote.h"

#include "search/command_cluster_priv.h"
#include "search/whole_file_priv.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define HEADER "icfs job 1"
#define JOB_NBYTES_MAX ((size_t)4 << 20)
#define ANSWER_NBYTES_MAX 4096

errint_t remote_key(const char *fingerprint, const char *identity, const struct evaluator_job *job,
                    char ret_key[static REMOTE_KEY_SIZE], struct ic_why *why)
{
	char design[IC_DESIGN_STRING_SIZE], *text;

	ic_design_print(&job->design, design);
	int n = asprintf(&text, "%s\n%s\n%s\n%" PRIu64 "\n%s", fingerprint ? fingerprint : "", identity, design,
	                 job->seed, job->lineage ? job->lineage : "");
	if (n < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	XXH128_hash_t hash = XXH3_128bits(text, (size_t)n);
	snprintf(ret_key, REMOTE_KEY_SIZE, "%016" PRIx64 "%016" PRIx64, hash.high64, hash.low64);
	free(text);
	return 0;
}

/* --- Jobs --------------------------------------------------------------------------------------------------------- */

static void put(FILE *out, const char *name, const char *value)
{
	if (value)
		fprintf(out, "%s=%s%c", name, value, 0);
}

errint_t remote_write_job(const char *path, const struct evaluator_settings *settings, const struct evaluator_job *job,
                          struct ic_why *why)
{
	char design[IC_DESIGN_STRING_SIZE], *bytes = NULL;
	size_t nbytes;
	FILE *out = open_memstream(&bytes, &nbytes);

	if (!out)
		return ic_fail(why, -ENOMEM, "out of memory");
	ic_design_print(&job->design, design);
	fprintf(out, HEADER "%c", 0);
	put(out, "dataset", settings->dataset);
	put(out, "work", settings->work);
	fprintf(out, "threads=%u%c", settings->threads, 0);
	for (size_t i = 0; i < settings->noptions; i++)
		if (!command_cluster_takes(settings->options[i].name))
			fprintf(out, "set=%s=%s%c", settings->options[i].name, settings->options[i].value, 0);
	put(out, "design", design);
	fprintf(out, "seed=%" PRIu64 "%c", job->seed, 0);
	put(out, "init", job->init);
	put(out, "save", job->save);
	errint_t err = fclose(out) ? ic_fail(why, -ENOMEM, "out of memory") : 0;
	if (!err)
		err = whole_file_write(path, bytes, nbytes, why);
	free(bytes);
	return err;
}

static errint_t take_option(struct remote_job *job, char *text)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return -EINVAL;
	*equals = 0;
	job->options[job->settings.noptions++] = (struct evaluator_option){text, equals + 1};
	return 0;
}

static errint_t take_number(const char *text, uint64_t max, uint64_t *ret_n)
{
	char *end;

	errno = 0;
	unsigned long long n = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n > max)
		return -EINVAL;
	*ret_n = n;
	return 0;
}

static errint_t take_text(struct remote_job *job, char *text)
{
	char *value = strchr(text, '=');
	uint64_t threads = 1;
	errint_t err = 0;

	if (!value)
		return -EINVAL;
	*value++ = 0;
	if (!strcmp(text, "dataset"))
		job->settings.dataset = value;
	else if (!strcmp(text, "work"))
		job->settings.work = value;
	else if (!strcmp(text, "threads"))
		err = take_number(value, 1024, &threads);
	else if (!strcmp(text, "set"))
		err = take_option(job, value);
	else if (!strcmp(text, "design"))
		err = ic_design_parse(value, &job->job.design, NULL);
	else if (!strcmp(text, "seed"))
		err = take_number(value, UINT64_MAX, &job->job.seed);
	else if (!strcmp(text, "init"))
		job->job.init = value;
	else if (!strcmp(text, "save"))
		job->job.save = value;
	else
		err = -EINVAL;
	if (!err && !strcmp(text, "threads"))
		job->settings.threads = (unsigned)threads;
	return err;
}

static errint_t parse_job(struct remote_job *job, size_t nbytes)
{
	size_t ntexts = 0;
	errint_t err = 0;

	for (size_t i = 0; i < nbytes; i++)
		ntexts += !job->bytes[i];
	job->options = calloc(ntexts + 1, sizeof(*job->options));
	if (!job->options)
		return -ENOMEM;
	job->settings.options = job->options;
	job->job.fraction = 1;
	char *text = job->bytes, *end = job->bytes + nbytes;
	if (!nbytes || end[-1] || strcmp(text, HEADER) != 0)
		return -EINVAL;
	for (text += strlen(text) + 1; !err && text < end;) {
		char *next = text + strlen(text) + 1; /* which take_text makes several of */
		err = take_text(job, text);
		text = next;
	}
	bool is_whole = job->settings.dataset && job->settings.work && job->settings.threads;
	return !err && !is_whole ? -EINVAL : err;
}

errint_t remote_read_job(const char *path, struct remote_job **ret_job, struct ic_why *why)
{
	struct remote_job *job = calloc(1, sizeof(*job));
	size_t nbytes;

	if (!job)
		return ic_fail(why, -ENOMEM, "out of memory");
	job->job.design = ic_design_default();
	errint_t err = whole_file_read(path, JOB_NBYTES_MAX, &job->bytes, &nbytes, why);
	if (!err && (err = parse_job(job, nbytes)))
		err = ic_fail(why, err, "%.120s: %s", path, err == -ENOMEM ? "out of memory" : "this is no job");
	if (err)
		remote_job_free(job);
	else
		*ret_job = job;
	return err;
}

void remote_job_free(struct remote_job *job)
{
	if (!job)
		return;
	free(job->options);
	free(job->bytes);
	free(job);
}

/* --- Answers ------------------------------------------------------------------------------------------------------ */

/* By `%a`: the same number on both sides. */
#define ANSWER_FORMAT "icfs answer 1 %d %la %la %" PRIu64 " %la %la %la %la\n"

errint_t remote_write_answer(const char *path, errint_t outcome, const struct evaluator_result *result,
                             const char *reason, struct ic_why *why)
{
	char bytes[ANSWER_NBYTES_MAX];
	int n = snprintf(bytes, sizeof(bytes), ANSWER_FORMAT "%.400s\n", outcome, result->accuracy, result->log_loss,
	                 result->nimages, result->infer_s, result->train_s, result->decode_s, result->wall_s, reason);

	return whole_file_write(path, bytes, (size_t)n, why);
}

errint_t remote_read_answer(const char *path, struct evaluator_result *ret_result, struct ic_why *why)
{
	struct evaluator_result r;
	char *bytes;
	size_t nbytes;
	int outcome;
	errint_t err = whole_file_read(path, ANSWER_NBYTES_MAX, &bytes, &nbytes, why);

	if (err)
		return err;
	char *reason = strchr(bytes, '\n');
	int n = sscanf(bytes, "icfs answer 1 %d %la %la %" SCNu64 " %la %la %la %la", &outcome, &r.accuracy,
	               &r.log_loss, &r.nimages, &r.infer_s, &r.train_s, &r.decode_s, &r.wall_s);
	if (n != 8 || !reason || !nbytes || bytes[nbytes - 1] != '\n' || outcome > 0)
		err = ic_fail(why, -EIO, "%.120s: this is no answer", path);
	else if (outcome)
		err = ic_fail(why, outcome, "%.*s", (int)strcspn(reason + 1, "\n"), reason + 1);
	else if (!isfinite(r.accuracy))
		err = ic_fail(why, -EIO, "%.120s: this is no answer", path);
	else
		*ret_result = r;
	free(bytes);
	return err;
}
