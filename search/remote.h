/* SPDX-License-Identifier: MIT */
/*
 * remote.h: an evaluation of the evaluator `command` as two files, so that another machine can make it: a job that says
 * all of it, and its answer. Both are whole or not there. Both machines see the dataset, the work directory and the two
 * files under the same paths. No other file is shared: a node opens no catalog.
 */
#pragma once

#include "search/evaluator.h"

#define REMOTE_KEY_SIZE 33

/* Jobs with the same key have the same answer. */
errint_t remote_key(const char *fingerprint, const char *identity, const struct evaluator_job *job,
                    char ret_key[static REMOTE_KEY_SIZE], struct ic_why *why);

/* Of the settings: dataset, work, threads, and options but those of the executor. -ENOMEM, -errno. */
errint_t remote_write_job(const char *path, const struct evaluator_settings *settings, const struct evaluator_job *job,
                          struct ic_why *why);

/* A job as it was read; remote_job_free frees it. `settings` has neither trees nor cancelled. */
struct remote_job {
	struct evaluator_settings settings;
	struct evaluator_job job;
	char *bytes; /* that all texts point to */
	struct evaluator_option *options;
};

/* -EINVAL: it is no job; -ENOMEM, -errno. */
errint_t remote_read_job(const char *path, struct remote_job **ret_job, struct ic_why *why);
void remote_job_free(struct remote_job *job); /* NULL is fine */

/* What evaluate returned, with its result or its reason. */
errint_t remote_write_answer(const char *path, errint_t outcome, const struct evaluator_result *result,
                             const char *reason, struct ic_why *why);

/* What evaluate returned there, with the reason; -EIO: the file is damaged; -ENOENT: there is none. */
errint_t remote_read_answer(const char *path, struct evaluator_result *ret_result, struct ic_why *why);
