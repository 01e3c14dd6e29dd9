/* SPDX-License-Identifier: MIT */
/* The probe as an evaluator: its calls take turns. */
#include "search/probe.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct turns {
	struct probe *probe;
	pthread_mutex_t lock;
};

static errint_t open_turns(const struct evaluator_settings *settings, void **ret_handle, struct ic_why *why)
{
	struct turns *turns = malloc(sizeof *turns);
	if (!turns)
		return ic_fail(why, -ENOMEM, "out of memory");
	errint_t err = probe_open(settings, &turns->probe, why);
	if (err) {
		free(turns);
		return err;
	}
	pthread_mutex_init(&turns->lock, NULL);
	*ret_handle = turns;
	return 0;
}

static void close_turns(void *handle)
{
	struct turns *turns = handle;
	if (!turns)
		return;
	probe_close(turns->probe);
	pthread_mutex_destroy(&turns->lock);
	free(turns);
}

static void describe(void *handle, struct evaluator_description *ret_description)
{
	const struct turns *turns = handle;
	probe_describe(turns->probe, ret_description);
}

/* A hint that there is no memory for is none. */
static void expect(void *handle, const struct ic_design *designs, size_t n)
{
	struct turns *turns = handle;
	pthread_mutex_lock(&turns->lock);
	(void)probe_expect(turns->probe, designs, n);
	pthread_mutex_unlock(&turns->lock);
}

static void put_result(const struct probe_report *report, enum evaluator_split split, struct evaluator_result *result)
{
	const struct probe_judgement *judged = &report->side[split];
	double nimages = (double)(report->ntrain + judged->nimages), ntrain = (double)report->ntrain;
	double features_s = report->features_s / nimages;
	*result = (struct evaluator_result){
	        .accuracy = judged->accuracy,
	        .log_loss = judged->log_loss,
	        .nimages = judged->nimages,
	        .infer_s = features_s + report->judge_s / (double)judged->nimages,
	        .train_s = features_s + report->fit_s / ntrain,
	        .decode_s = report->decode_s / nimages,
	        .wall_s = report->wall_s,
	};
}

static errint_t evaluate(void *handle, const struct evaluator_job *job, struct evaluator_result *ret_result,
                         struct ic_why *why)
{
	struct turns *turns = handle;
	struct probe_report report;
	bool tells_truth = job->split == EVALUATOR_TRUTH;
	pthread_mutex_lock(&turns->lock);
	errint_t err = probe_measure(turns->probe, job, !tells_truth, tells_truth, &report, why);
	pthread_mutex_unlock(&turns->lock);
	if (err)
		return err;
	put_result(&report, job->split, ret_result);
	probe_report_clear(&report);
	return 0;
}

const struct evaluator probe_evaluator = {
        .name = "probe",
        .help = "images=N: use at most N images of the dataset, the same part of each class; default 20000.",
        .open = open_turns,
        .describe = describe,
        .expect = expect,
        .evaluate = evaluate,
        .close = close_turns,
};
