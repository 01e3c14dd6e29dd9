/* SPDX-License-Identifier: MIT */
#include "search/subject.h"

#include "search/cost_measure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct subject {
	struct subject_settings settings;
	struct dataset *dataset;
	void *handle;  /* the evaluator's */
	char path[64]; /* by which it opens the directory, where that is not to be opened by its name */
	char hardware[128];
};

static void tell_measured(void *context, unsigned done, unsigned total)
{
	const struct subject *subject = context;

	if (subject->settings.doing)
		subject->settings.doing(subject->settings.context, "timing designs", done, total);
}

static errint_t measure_costs(void *context, struct cost_model *ret_model, struct ic_why *why)
{
	struct subject *subject = context;

	return cost_measure(subject->dataset, subject->settings.catalog, subject->hardware, subject->settings.cancelled,
	                    tell_measured, subject, ret_model, why);
}

static errint_t open_evaluator(struct subject *subject, uint64_t seed, struct ic_why *why)
{
	const struct subject_settings *s = &subject->settings;
	struct ic_why reason = {""};
	struct evaluator_settings evaluator = {
	        .dataset = s->root ? subject->path : subject->dataset->directory,
	        .fingerprint = subject->dataset->fingerprint,
	        .options = s->options,
	        .noptions = s->noptions,
	        .split_seed = seed,
	        .threads = s->threads ? s->threads : 1,
	        .memory_nbytes = s->memory_nbytes,
	        .cancelled = s->cancelled,
	        .trees = s->trees,
	        .work = s->work,
	        .scratch = s->scratch,
	        .scratch_nbytes = s->scratch_nbytes,
	        .progress = s->doing,
	        .progress_context = s->context,
	};

	snprintf(subject->path, sizeof(subject->path), "/proc/self/fd/%d", subject->dataset->root);
	errint_t err = s->evaluator->open(&evaluator, &subject->handle, &reason);
	if (err == -EINVAL || err == -ECANCELED)
		return ic_fail(why, err, "%s", reason.text);
	return err ? ic_fail(why, err, "%.90s: %s", subject->dataset->directory, ic_why_text(&reason, err)) : 0;
}

const char *subject_scratch_default(void)
{
	const char *named = getenv("TMPDIR");

	return named && *named ? named : "/var/tmp";
}

errint_t subject_open(const struct subject_settings *settings, uint64_t seed, struct subject **ret_subject,
                      struct ic_why *why)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	errint_t err;

	if (!subject)
		return ic_fail(why, -ENOMEM, "out of memory");
	subject->settings = *settings;
	hardware_name(subject->hardware);
	if (settings->root)
		err = dataset_open_at(*settings->root, settings->directory, settings->cancelled, &subject->dataset, why);
	else
		err = dataset_open(settings->directory, settings->cancelled, &subject->dataset, why);
	if (!err)
		err = open_evaluator(subject, seed, why);
	if (err)
		subject_close(subject);
	else
		*ret_subject = subject;
	return err;
}

void subject_close(struct subject *subject)
{
	if (!subject)
		return;
	subject->settings.evaluator->close(subject->handle);
	dataset_free(subject->dataset);
	free(subject);
}

void subject_apply(struct subject *subject, struct search_settings *settings)
{
	settings->catalog = subject->settings.catalog;
	settings->evaluator = subject->settings.evaluator;
	settings->handle = subject->handle;
	settings->directory = subject->dataset->directory;
	settings->dataset = subject->dataset->fingerprint;
	settings->hardware = subject->hardware;
	settings->shapes = subject->dataset->shapes;
	settings->nshapes = subject->dataset->nshapes;
	settings->measure = measure_costs;
	settings->measure_context = subject;
	settings->cancelled = subject->settings.cancelled;
}

struct evaluator_description subject_description(const struct subject *subject)
{
	struct evaluator_description description;

	subject->settings.evaluator->describe(subject->handle, &description);
	return description;
}
