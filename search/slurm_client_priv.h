/* SPDX-License-Identifier: MIT */
/* slurm_client_priv.h: what is asked of Slurm, by its own programs: sbatch, squeue, scancel. */
#pragma once

#include "codec/errint.h"

#include <stdbool.h>
#include <stddef.h>

/* An array of tasks, 0 to ntasks - 1. */
struct slurm_array {
	const char *name;  /* the job's */
	const char *after; /* the task that has to end well before, "12_3"; NULL: none */
	size_t ntasks;
	unsigned nat_once;          /* tasks of it that may run at once; 0: all */
	const char *output;         /* file name of the tasks' output, as of sbatch --output */
	const char *script;         /* for each task */
	const char *const *options; /* of sbatch, without the dashes */
	size_t noptions;
};

/* -ENOENT: there is no Slurm; -EINVAL: Slurm refuses it, and why; -EIO: it could not be asked; -ENOMEM, -errno. */
errint_t slurm_client_submit(const struct slurm_array *array, unsigned long *ret_id, struct ic_why *why);

/* A task that Slurm knows of: as it waits, as it runs, and for a while after it ended. */
struct slurm_told {
	const char *name; /* of its array */
	unsigned long id, index;
	const char *state, *reason; /* as squeue says, "PENDING" and "Resources" */
};

/* Each task of the caller's. -ENOENT, -EIO, -ENOMEM, -errno. */
errint_t slurm_client_list(void (*told)(void *context, const struct slurm_told *told), void *context,
                           struct ic_why *why);
