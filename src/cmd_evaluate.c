/* SPDX-License-Identifier: MIT */
/* icfs evaluate JOB ANSWER: what a search has a machine of a cluster do. It opens no catalog. */
#include "src/icfs.h"
#include "src/interrupt.h"
#include "src/options.h"
#include "src/search_trees.h"

#include "search/command.h"
#include "search/remote.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SETTLE_S 1

static const struct option_entry no_options[] = {{.name = NULL}};

static const struct command_line evaluate_line = {
        .command = "evaluate",
        .operands = "JOB ANSWER",
        .about =
                "Make the evaluation that the file JOB says, and write what came of it to ANSWER, whole or not at all. "
                "icfs search --executor slurm has the machines of a cluster do that; see docs/cluster.md.",
        .options = no_options,
        .note = "Where ANSWER is there, nothing is done. The dataset is mounted, or exported, in a directory of its "
                "own "
                "in TMPDIR, or /tmp. Exit status 1 where there is no result.",
        .min_operands = 2,
        .max_operands = 2,
};

static void cancel(void *context)
{
	atomic_store((atomic_bool *)context, true);
}

/* In a place for trees of its own. */
static errint_t evaluate_in(const char *place, struct remote_job *job, const char *answer, const atomic_bool *cancelled,
                            struct ic_why *why)
{
	struct evaluator_settings *settings = &job->settings;
	struct search_trees *trees = NULL;
	struct evaluator_result result = {.accuracy = (double)NAN};
	void *handle = NULL;

	errint_t err = search_trees_new(settings->dataset, NULL, place, &trees, why);
	if (err)
		return err;
	settings->trees = search_trees_table(trees);
	settings->cancelled = cancelled;
	err = command_evaluator.open(settings, &handle, why);
	if (!err)
		err = command_evaluator.evaluate(handle, &job->job, &result, why);
	command_evaluator.close(handle);
	search_trees_free(trees);
	/* A scheduler that stops a job tells the program, too, whose end may come to be known before the signal to us. */
	if (err)
		nanosleep(&(struct timespec){.tv_sec = SETTLE_S}, NULL);
	/* What was stopped is to be made again. */
	if (err == -ECANCELED || (err && atomic_load(cancelled)))
		return ic_fail(why, -ECANCELED, "stopped");
	errint_t written = remote_write_answer(answer, err, &result, err ? why->text : "", err ? NULL : why);
	return err ? err : written;
}

static errint_t evaluate(struct remote_job *job, const char *answer, const atomic_bool *cancelled, struct ic_why *why)
{
	const char *scratch = getenv("TMPDIR");
	char *place, *log;

	if (asprintf(&place, "%s/icfs-evaluate-XXXXXX", scratch && *scratch ? scratch : "/tmp") < 0)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = mkdtemp(place) ? evaluate_in(place, job, answer, cancelled, why)
	                              : ic_fail(why, -errno, "%.120s: %s", place, strerror(errno));
	if (asprintf(&log, "%s/trees.log", place) >= 0) {
		unlink(log);
		free(log);
	}
	rmdir(place);
	free(place);
	return err;
}

static int run(const char *path, const char *answer)
{
	atomic_bool cancelled = false;
	struct interrupt *interrupt;
	struct remote_job *job;
	struct ic_why why = {""};

	if (!access(answer, F_OK))
		return EXIT_OK;
	if (interrupt_new(cancel, &cancelled, &interrupt))
		return fail("out of memory");
	errint_t err = remote_read_job(path, &job, &why);
	if (!err) {
		err = evaluate(job, answer, &cancelled, &why);
		remote_job_free(job);
	}
	int number = interrupt_free(interrupt), status = err ? fail("%s", why.text) : EXIT_OK;
	if (number && status != EXIT_OK)
		interrupt_pass_on(number);
	return status;
}

static int cmd_evaluate_run(int argc, char **argv)
{
	int first, status = parse_command_line(&evaluate_line, argc, argv, NULL, &first);

	return status == GO_ON ? run(argv[first], argv[first + 1]) : status;
}

const struct command cmd_evaluate = {
        .name = "evaluate",
        .summary = "make one evaluation of a search, on a machine of a cluster",
        .run = cmd_evaluate_run,
};
