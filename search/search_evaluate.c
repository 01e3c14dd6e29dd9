/* SPDX-License-Identifier: MIT */
/* Making the evaluations of a plan, several at once, and writing down each as it comes. */
#include "search/search_priv.h"
#include "codec/thread.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_S 0.5
#define NTHREADS_MAX 256

static bool is_cancelled(const struct search *search)
{
	return search->settings->cancelled && atomic_load(search->settings->cancelled);
}

void search_key(const struct search *search, const struct ic_design *design, struct measurement_key *ret_key)
{
	*ret_key = (struct measurement_key){
	        .evaluator = search->run.evaluator,
	        .dataset = search->run.dataset,
	        .hardware = search->run.hardware,
	        .codec = search->run.codec,
	        .split = EVALUATOR_SELECT,
	        .seed = search->settings->seed,
	        .fraction = 1,
	        .design = *design,
	        .lineage = "",
	};
}

bool search_lacks_seconds(const struct measurement *measurement)
{
	return measurement->is_foreign && measurement->is_timed;
}

errint_t search_known(const struct search *search, size_t position, const struct measurement_key *key,
                      struct measurement *ret_measurement, struct ic_why *why)
{
	bool is_of_sample = !search->has_model_seconds && position < search_sample_size(search->settings);
	errint_t err = measurement_get(search->settings->catalog, key, ret_measurement, why);

	return !err && is_of_sample && search_lacks_seconds(ret_measurement) ? -ENOENT : err;
}

/* Errors that may pass: another process has the catalog, a disk is full. What was measured is not given up for them. */
static bool may_pass(errint_t err)
{
	return err == -EBUSY || err == -ENOSPC || err == -EROFS || err == -EIO || err == -EACCES;
}

/* Wait before trying again; false where it was long enough. */
static bool wait_to_retry(const struct search *search, double *waited_s, const struct ic_why *why)
{
	struct timespec pause = {.tv_nsec = (long)(RETRY_S * 1e9)};

	if (*waited_s >= search->settings->patience_s || is_cancelled(search))
		return false;
	if (search->settings->waiting && *waited_s == 0)
		search->settings->waiting(search->settings->context, why->text);
	nanosleep(&pause, NULL);
	*waited_s += RETRY_S;
	return true;
}

static errint_t write_down(struct search *search, size_t position, const struct measurement_key *key,
                           const struct evaluator_result *result, const char *failure, struct ic_why *why)
{
	double waited_s = 0;
	errint_t err;

	do
		err = run_measured(search->settings->catalog, search->run.id, position, key, result, failure, why);
	while (may_pass(err) && wait_to_retry(search, &waited_s, why));
	return err;
}

/* What the evaluator says, or why it says nothing (is_failure). */
static errint_t ask(struct search *search, size_t position, const struct measurement_key *key,
                    struct measurement *measurement, struct ic_why *why)
{
	const struct search_settings *settings = search->settings;
	int origin = weights_origin(search, position);
	char *init = origin >= 0 ? weights_path(search, (size_t)origin) : NULL;
	char *save = weights_pass(search) ? weights_path(search, position) : NULL;
	struct evaluator_job job = {.design = key->design,
	                            .split = key->split,
	                            .seed = key->seed,
	                            .fraction = key->fraction,
	                            .init = init,
	                            .save = save,
	                            .lineage = key->lineage};
	errint_t err = (origin >= 0 && !init) || (weights_pass(search) && !save)
	                       ? ic_fail(why, -ENOMEM, "out of memory")
	                       : weights_restore(search, origin, why);

	if (!err)
		err = settings->evaluator->evaluate(settings->handle, &job, &measurement->result, why);
	free(init);
	free(save);
	if (!err && !isfinite(measurement->result.accuracy))
		err = ic_fail(why, -EBADMSG, "the evaluator gave an accuracy that is no number");
	if (err != -EBADMSG)
		return err;
	measurement->is_failure = true;
	strcpy(measurement->failure, why->text);
	return 0;
}

/* What the catalog knows, or else what the evaluator says; in the catalog when this returns 0. */
static errint_t evaluate_by(struct search *search, size_t position, const struct measurement_key *key,
                            struct measurement *ret_measurement, bool *ret_is_reused, struct ic_why *why)
{
	struct catalog *catalog = search->settings->catalog;
	struct measurement measurement = {.id = 0}, known;
	errint_t err = search_known(search, position, key, &measurement, why);

	/* What failed in another run is asked again: what was wrong may have been mended. */
	if (!err && measurement.is_failure)
		err = -ENOENT;
	if (err == -ENOENT)
		measurement = (struct measurement){.id = 0};
	*ret_is_reused = !err;
	if (!err)
		err = run_evaluated(catalog, search->run.id, position, measurement.id, why);
	if (*ret_is_reused || err != -ENOENT) {
		*ret_measurement = measurement;
		return err;
	}
	err = ask(search, position, key, &measurement, why);
	/* Of the sample what another machine measured is better than nothing, though it tells no time. */
	if (!err && measurement.is_failure && !measurement_get(catalog, key, &known, why) && !known.is_failure) {
		*ret_measurement = known;
		return run_evaluated(catalog, search->run.id, position, known.id, why);
	}
	if (!err)
		err = write_down(search, position, key, &measurement.result,
		                 measurement.is_failure ? measurement.failure : NULL, why);
	if (!err)
		*ret_measurement = measurement;
	return err;
}

static errint_t evaluate(struct search *search, size_t position, struct measurement *ret_measurement,
                         bool *ret_is_reused, struct ic_why *why)
{
	char *lineage = weights_lineage(search, position);
	struct measurement_key key;

	if (!lineage)
		return ic_fail(why, -ENOMEM, "out of memory");
	search_key(search, &search->plan[position].design, &key);
	key.lineage = lineage;
	errint_t err = evaluate_by(search, position, &key, ret_measurement, ret_is_reused, why);
	free(lineage);
	return err;
}

/* The lock is held. */
static void tell(struct search *search)
{
	struct search_progress progress = {.ntotal = search->nplan_max, .nreused = search->nreused};
	const struct planned *reference = &search->plan[0];

	if (!search->settings->progress)
		return;
	for (size_t i = 0; i < search->nplan; i++)
		progress.ndone += search->plan[i].is_done;
	int best = -1;
	if (reference->is_done && !reference->measurement.is_failure)
		best = choose_best(search, NULL, reference->measurement.result.accuracy);
	if (best >= 0) {
		progress.has_best = true;
		progress.best = search->plan[best].design;
		progress.best_accuracy = search->plan[best].measurement.result.accuracy;
	}
	search->settings->progress(search->settings->context, &progress);
}

/* One that nobody makes and that need wait for nobody: its weights are there. The lock is held. */
static bool find_ready(struct search *search, size_t *ret_position)
{
	while (search->next < search->nplan && (search->plan[search->next].is_done || search->is_taken[search->next]))
		search->next++;
	for (size_t i = search->next; i < search->nplan; i++) {
		int parent = weights_pass(search) ? search->plan[i].parent : -1;
		if (search->plan[i].is_done || search->is_taken[i] || (parent >= 0 && !search->plan[parent].is_done))
			continue;
		*ret_position = i;
		return true;
	}
	return false;
}

/* The position of an evaluation to make now; false where there is none any more. */
static bool take(struct search *search, size_t *ret_position)
{
	bool found = false;

	pthread_mutex_lock(&search->lock);
	for (;;) {
		if (!search->err && is_cancelled(search))
			search->err = ic_fail(&search->why, -ECANCELED, "stopped");
		found = !search->err && find_ready(search, ret_position);
		/* What is left waits for a parent that is under way. */
		if (found || search->err || search->next == search->nplan)
			break;
		pthread_cond_wait(&search->ended, &search->lock);
	}
	if (found)
		search->is_taken[*ret_position] = true;
	pthread_mutex_unlock(&search->lock);
	return found;
}

static void *work(void *argument)
{
	struct search *search = argument;
	size_t position;

	while (take(search, &position)) {
		struct measurement measurement;
		struct ic_why why = {""};
		bool is_reused = false;
		errint_t err = evaluate(search, position, &measurement, &is_reused, &why);

		pthread_mutex_lock(&search->lock);
		if (err && !search->err) {
			search->err = err;
			search->why = why;
		}
		if (!err) {
			search->plan[position].measurement = measurement;
			search->plan[position].is_done = true;
			search->nreused += is_reused;
			search->nevaluated += !is_reused;
			weights_drop_unneeded(search);
			tell(search);
		}
		pthread_cond_broadcast(&search->ended);
		pthread_mutex_unlock(&search->lock);
	}
	return NULL;
}

/* The designs that are still to be evaluated, for who can do something for all of them at once. */
static errint_t announce(const struct search *search)
{
	struct ic_design *designs = calloc(search->nplan, sizeof(*designs));
	size_t n = 0;

	if (!designs)
		return -ENOMEM;
	for (size_t i = 0; i < search->nplan; i++)
		if (!search->plan[i].is_done)
			designs[n++] = search->plan[i].design;
	if (search->settings->evaluator->expect && n)
		search->settings->evaluator->expect(search->settings->handle, designs, n);
	free(designs);
	return 0;
}

/* What an evaluation is, as far as its parents are known to have a result. The texts are malloc'ed. */
static bool make_job(const struct search *search, size_t position, struct evaluator_job *ret_job)
{
	int origin = weights_origin(search, position);
	bool pass = weights_pass(search);

	*ret_job = (struct evaluator_job){
	        .design = search->plan[position].design,
	        .split = EVALUATOR_SELECT,
	        .seed = search->settings->seed,
	        .fraction = 1,
	        .init = origin >= 0 ? weights_path(search, (size_t)origin) : NULL,
	        .save = pass ? weights_path(search, position) : NULL,
	        .lineage = weights_lineage(search, position),
	};
	return ret_job->lineage && (origin < 0 || ret_job->init) && (!pass || ret_job->save);
}

static void free_texts(const struct evaluator_job *job)
{
	free((char *)job->init);
	free((char *)job->save);
	free((char *)job->lineage);
}

static void free_jobs(struct evaluator_job *jobs, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free_texts(&jobs[i]);
	free(jobs);
}

static bool is_known(const struct search *search, size_t position, const struct evaluator_job *job)
{
	struct measurement_key key;
	struct measurement measurement;

	search_key(search, &job->design, &key);
	key.lineage = job->lineage;
	return !search_known(search, position, &key, &measurement, NULL) && !measurement.is_failure;
}

/* Those that nobody has made, for who can begin all of them at once. */
static errint_t begin(const struct search *search, struct ic_why *why)
{
	const struct search_settings *settings = search->settings;
	struct evaluator_job *jobs;
	errint_t err = 0;
	size_t n = 0;

	if (!settings->evaluator->begin)
		return 0;
	jobs = calloc(search->nplan, sizeof(*jobs));
	if (!jobs)
		return ic_fail(why, -ENOMEM, "out of memory");
	for (size_t i = 0; !err && i < search->nplan; i++) {
		if (search->plan[i].is_done)
			continue;
		if (!make_job(search, i, &jobs[n++]))
			err = ic_fail(why, -ENOMEM, "out of memory");
		else if (is_known(search, i, &jobs[n - 1]))
			free_texts(&jobs[--n]);
	}
	if (!err && n)
		err = settings->evaluator->begin(settings->handle, jobs, n, why);
	free_jobs(jobs, n);
	return err;
}

errint_t evaluate_all(struct search *search, struct ic_why *why)
{
	unsigned nthreads = search->settings->njobs, nstarted = 0;
	pthread_t threads[NTHREADS_MAX];

	errint_t err = announce(search) ? ic_fail(why, -ENOMEM, "out of memory") : weights_begin(search, why);
	if (!err)
		err = begin(search, why);
	if (err)
		return err;
	if (nthreads > search->description.njobs_max)
		nthreads = search->description.njobs_max;
	if (nthreads > NTHREADS_MAX)
		nthreads = NTHREADS_MAX;
	search->next = 0;
	memset(search->is_taken, 0, search->nplan_max * sizeof(*search->is_taken));
	while (nstarted + 1 < nthreads && !thread_start(&threads[nstarted], work, search))
		nstarted++;
	work(search);
	while (nstarted)
		pthread_join(threads[--nstarted], NULL);
	return search->err ? ic_fail(why, search->err, "%s", search->why.text) : 0;
}
