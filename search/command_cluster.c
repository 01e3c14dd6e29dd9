/* SPDX-License-Identifier: MIT */
#include "search/command_cluster_priv.h"

#include "search/remote.h"
#include "search/slurm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NARRAY_MAX 1000 /* Slurm's own default takes indexes below 1001 */

struct command_cluster {
	const struct evaluator_settings *settings;
	const char *identity;
	char *folder, *program;
	const char **options; /* of sbatch */
	size_t noptions;
	unsigned nat_once;
	bool is_slurm;
	struct slurm *slurm;
};

bool command_cluster_takes(const char *name)
{
	return !strcmp(name, "executor") || !strcmp(name, "slurm") || !strcmp(name, "at-once");
}

static errint_t set_option(struct command_cluster *cluster, const struct evaluator_option *option, struct ic_why *why)
{
	if (!strcmp(option->name, "executor")) {
		cluster->is_slurm = !strcmp(option->value, "slurm");
		if (!cluster->is_slurm && strcmp(option->value, "local") != 0)
			return ic_fail(why, -EINVAL, "unknown executor '%.32s'; known: local, slurm", option->value);
	} else if (!strcmp(option->name, "slurm")) {
		cluster->options[cluster->noptions++] = option->value;
		return slurm_option_check(option->value, why);
	} else if (!strcmp(option->name, "at-once")) {
		char *end;
		unsigned long n = strtoul(option->value, &end, 10);
		if (option->value[0] < '1' || option->value[0] > '9' || *end || n > 100000)
			return ic_fail(why, -EINVAL, "at-once=%.32s is no whole number from 1 to 100000",
			               option->value);
		cluster->nat_once = (unsigned)n;
	}
	return 0;
}

static errint_t set_options(struct command_cluster *cluster, struct ic_why *why)
{
	const struct evaluator_settings *settings = cluster->settings;
	errint_t err = 0;

	cluster->options = calloc(settings->noptions + 1, sizeof(*cluster->options));
	if (!cluster->options)
		return ic_fail(why, -ENOMEM, "out of memory");
	for (size_t i = 0; !err && i < settings->noptions; i++)
		err = set_option(cluster, &settings->options[i], why);
	if (!err && cluster->noptions && !cluster->is_slurm)
		err = ic_fail(why, -EINVAL, "options for sbatch, but not --executor slurm");
	return err;
}

static errint_t open_slurm(struct command_cluster *cluster, uint64_t ntries, struct ic_why *why)
{
	struct slurm_settings slurm = {.options = cluster->options,
	                               .noptions = cluster->noptions,
	                               .nat_once = cluster->nat_once,
	                               .ntries = ntries,
	                               .cancelled = cluster->settings->cancelled,
	                               .progress = cluster->settings->progress,
	                               .progress_context = cluster->settings->progress_context};

	if (asprintf(&cluster->folder, "%s/slurm", cluster->settings->work) < 0) {
		cluster->folder = NULL;
		return ic_fail(why, -ENOMEM, "out of memory");
	}
	if (strpbrk(cluster->folder, "%\n\\"))
		return ic_fail(why, -EINVAL, "%.120s: Slurm takes no path with %%, \\ or a newline", cluster->folder);
	cluster->program = realpath("/proc/self/exe", NULL);
	if (!cluster->program)
		return ic_fail(why, -errno, "/proc is needed");
	if (mkdir(cluster->folder, 0777) && errno != EEXIST)
		return ic_fail(why, -errno, "%.120s: %s", cluster->folder, strerror(errno));
	slurm.folder = cluster->folder;
	slurm.program = cluster->program;
	return slurm_open(&slurm, &cluster->slurm, why);
}

errint_t command_cluster_open(const struct evaluator_settings *settings, const char *identity, uint64_t ntries,
                              struct command_cluster **ret_cluster, struct ic_why *why)
{
	struct command_cluster *cluster = malloc(sizeof(*cluster));

	if (!cluster)
		return ic_fail(why, -ENOMEM, "out of memory");
	*cluster = (struct command_cluster){.settings = settings, .identity = identity};
	errint_t err = set_options(cluster, why);
	if (!err && cluster->is_slurm)
		err = open_slurm(cluster, ntries, why);
	if (err || !cluster->is_slurm) {
		command_cluster_close(cluster);
		cluster = NULL;
	}
	if (!err)
		*ret_cluster = cluster;
	return err;
}

void command_cluster_close(struct command_cluster *cluster)
{
	if (!cluster)
		return;
	slurm_close(cluster->slurm);
	free(cluster->options);
	free(cluster->folder);
	free(cluster->program);
	free(cluster);
}

/* --- Beginning all at once ---------------------------------------------------------------------------------------- */

/* A job that is still to be submitted. */
struct waiting {
	char key[REMOTE_KEY_SIZE];
	const char *after; /* the key of the one whose weights it takes; NULL: they are there, or it takes none */
	bool is_open;
};

static bool has_file(const struct command_cluster *cluster, const char *key, const char *kind)
{
	char *path = slurm_path(cluster->slurm, key, kind);
	bool is_there = path && !access(path, F_OK);

	free(path);
	return is_there;
}

static errint_t write_job(const struct command_cluster *cluster, const char *key, const struct evaluator_job *job,
                          struct ic_why *why)
{
	char *path = slurm_path(cluster->slurm, key, "job");
	errint_t err =
	        path ? remote_write_job(path, cluster->settings, job, why) : ic_fail(why, -ENOMEM, "out of memory");

	free(path);
	return err;
}

/* Where weights are not there, and nobody before makes them, the job waits for evaluate. */
static bool find_after(const struct waiting *waiting, const struct evaluator_job *jobs, size_t i,
                       const char **ret_after)
{
	*ret_after = NULL;
	if (!jobs[i].init || !access(jobs[i].init, F_OK))
		return true;
	for (size_t j = 0; j < i; j++) {
		if (!jobs[j].save || strcmp(jobs[j].save, jobs[i].init) != 0)
			continue;
		*ret_after = waiting[j].key;
		return true;
	}
	return false;
}

static bool is_same(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

/* An array of those from the first on that wait for the same. */
static errint_t submit_like(struct command_cluster *cluster, struct waiting *waiting, const struct evaluator_job *jobs,
                            size_t first, size_t n, struct ic_why *why)
{
	const char *keys[NARRAY_MAX], *after = waiting[first].after;
	errint_t err = 0;
	size_t nkeys = 0;

	for (size_t i = first; !err && i < n && nkeys < NARRAY_MAX; i++) {
		if (!waiting[i].is_open || !is_same(waiting[i].after, after))
			continue;
		waiting[i].is_open = false;
		keys[nkeys++] = waiting[i].key;
		err = write_job(cluster, waiting[i].key, &jobs[i], why);
	}
	/* What ended in the meantime cannot be waited for: evaluate submits those then. */
	if (err || (after && !slurm_has(cluster->slurm, after)))
		return err;
	err = slurm_submit(cluster->slurm, keys, nkeys, after, why);
	return err == -EIO && after ? 0 : err;
}

errint_t command_cluster_begin(struct command_cluster *cluster, const struct evaluator_job *jobs, size_t n,
                               struct ic_why *why)
{
	struct waiting *waiting = calloc(n, sizeof(*waiting));
	errint_t err = waiting ? 0 : ic_fail(why, -ENOMEM, "out of memory");

	for (size_t i = 0; !err && i < n; i++) {
		err = remote_key(cluster->settings->fingerprint, cluster->identity, &jobs[i], waiting[i].key, why);
		waiting[i].is_open = !err && !slurm_has(cluster->slurm, waiting[i].key) &&
		                     !has_file(cluster, waiting[i].key, "answer") &&
		                     find_after(waiting, jobs, i, &waiting[i].after);
	}
	for (size_t i = 0; !err && i < n; i++)
		if (waiting[i].is_open)
			err = submit_like(cluster, waiting, jobs, i, n, why);
	free(waiting);
	return err;
}

/* --- One evaluation ----------------------------------------------------------------------------------------------- */

/* -EAGAIN: it was known from elsewhere, without the weights that are wanted. */
static errint_t take_answer(const struct command_cluster *cluster, const char *key, const struct evaluator_job *job,
                            struct evaluator_result *ret_result, struct ic_why *why)
{
	char *path = slurm_path(cluster->slurm, key, "answer");

	if (!path)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = remote_read_answer(path, ret_result, why);
	if (!err && job->save && access(job->save, F_OK))
		err = ic_fail(why, -EAGAIN, "it left no weights in %.100s", job->save);
	/* What is no result is asked again, if it is asked for again: that there is none is for the catalog to remember. */
	if (err)
		unlink(path);
	free(path);
	return err;
}

static errint_t wait_for(struct command_cluster *cluster, const char *key, const struct evaluator_job *job,
                         struct ic_why *why)
{
	char design[IC_DESIGN_STRING_SIZE];
	struct ic_design reference = ic_design_default();
	struct ic_why reason = {""};
	errint_t err = slurm_has(cluster->slurm, key) ? 0 : write_job(cluster, key, job, why);

	if (err)
		return err;
	err = slurm_wait(cluster->slurm, key, &reason);
	if (err == -EBADMSG && ic_design_equal(&job->design, &reference))
		err = -EIO;
	ic_design_print(&job->design, design);
	if (err == -ECANCELED)
		return ic_fail(why, err, "%s", reason.text);
	return err ? ic_fail(why, err, "%s: %.150s", design, reason.text) : 0;
}

errint_t command_cluster_evaluate(struct command_cluster *cluster, const struct evaluator_job *job,
                                  struct evaluator_result *ret_result, struct ic_why *why)
{
	char key[REMOTE_KEY_SIZE];
	errint_t err = remote_key(cluster->settings->fingerprint, cluster->identity, job, key, why);

	if (err)
		return err;
	err = has_file(cluster, key, "answer") ? take_answer(cluster, key, job, ret_result, why) : -EAGAIN;
	if (err != -EAGAIN)
		return err;
	err = wait_for(cluster, key, job, why);
	if (!err)
		err = take_answer(cluster, key, job, ret_result, why);
	return err == -EAGAIN ? -EIO : err;
}
