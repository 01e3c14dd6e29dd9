/* SPDX-License-Identifier: MIT */
/*
 * slurm.h: tasks that Slurm runs, each known by a key, which leave an answer, a file KEY.answer, in a folder that all
 * nodes see. What was submitted stands in that folder too, before it is submitted: who opens the folder after a process
 * that died goes on with the tasks that Slurm still has, and submits none of them again.
 *
 * One handle a folder at a time. Its functions are thread safe.
 */
#pragma once

#include "codec/errint.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slurm;

/* All texts are the caller's, and outlive the handle. */
struct slurm_settings {
	const char *folder;  /* which is there */
	const char *program; /* run on nodes as PROGRAM evaluate KEY.job KEY.answer; exit status 0: all is well */
	const char *const *options; /* of sbatch, "partition=long"; checked by slurm_option_check */
	size_t noptions;
	unsigned nat_once; /* tasks of an array that may run at once; 0: all that Slurm will */
	uint64_t ntries;   /* how often a task is submitted that ends without an answer */
	const atomic_bool *cancelled;
	/* Told while slurm_open waits, as that of evaluator.h is: of how many seconds how many are over. May be NULL. */
	void (*progress)(void *context, const char *doing, uint64_t done, uint64_t total);
	void *progress_context;
};

/* -EINVAL: not of the form NAME or NAME=VALUE, or one that the handle sets by itself. */
errint_t slurm_option_check(const char *option, struct ic_why *why);

/* Where a process before submitted tasks, waits for Slurm's controller, 10 minutes. -EIO: there is no Slurm here, or
 * it does not answer; -ECANCELED, -ENOMEM, -errno. */
errint_t slurm_open(const struct slurm_settings *settings, struct slurm **ret_slurm, struct ic_why *why);
void slurm_close(struct slurm *slurm); /* tasks go on; NULL is fine */

/* "FOLDER/KEY.KIND", malloc'ed; NULL without memory. */
char *slurm_path(const struct slurm *slurm, const char *key, const char *kind);

/* Whether a task is submitted and has not ended, as far as is known. */
bool slurm_has(struct slurm *slurm, const char *key);

/* Submit tasks whose KEY.job is written, as one array. `after` is the key of one that has to end well before (it is
 * submitted), or NULL. -ENOENT: no Slurm here; -EIO: Slurm refuses them, and why. */
errint_t slurm_submit(struct slurm *slurm, const char *const keys[], size_t n, const char *after, struct ic_why *why);

/* Until the answer of a task is there; a task that ended without one, or was never submitted, is submitted, within the
 * limit. -EBADMSG: it took too long, or too much memory; -EIO: it is lost for other reasons, or Slurm does not answer;
 * -ECANCELED. */
errint_t slurm_wait(struct slurm *slurm, const char *key, struct ic_why *why);
