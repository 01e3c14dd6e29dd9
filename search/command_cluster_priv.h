/* SPDX-License-Identifier: MIT */
/* command_cluster_priv.h: evaluations of the evaluator `command` by Slurm, on other machines. */
#pragma once

#include "search/evaluator.h"

struct command_cluster;

/* Whether an option of the evaluator's says where evaluations run: executor, slurm, at-once. It is part of no identity. */
bool command_cluster_takes(const char *name);

/* `ret_cluster` is NULL where they run here. -EINVAL: an option; -EIO: there is no Slurm here, or it does not answer. */
errint_t command_cluster_open(const struct evaluator_settings *settings, const char *identity, uint64_t ntries,
                              struct command_cluster **ret_cluster, struct ic_why *why);
void command_cluster_close(struct command_cluster *cluster); /* jobs go on; NULL is fine */

/* As begin and evaluate of the evaluator. */
errint_t command_cluster_begin(struct command_cluster *cluster, const struct evaluator_job *jobs, size_t n,
                               struct ic_why *why);
errint_t command_cluster_evaluate(struct command_cluster *cluster, const struct evaluator_job *job,
                                  struct evaluator_result *ret_result, struct ic_why *why);
