/* SPDX-License-Identifier: MIT */
/* Making the evaluations of a plan, several at once, and writing down each as it comes. */
#include "search/search_priv.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RETRY_S 0.5
#define NTHREADS_MAX 256

bool search_is_cancelled(const struct search *search)
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

/* Errors that may pass: another process has the catalog, a disk is full. What was measured is not given up for them. */
static bool may_pass(errint_t err)
{
	return err == -EBUSY || err == -ENOSPC || err == -EROFS || err == -EIO || err == -EACCES;
}

/* Wait before trying again; false where it was long enough. */
static bool wait_to_retry(const struct search *search, double *waited_s, const struct ic_why *why)
{
	struct timespec pause = {.tv_nsec = (long)(RETRY_S * 1e9)};

	if (*waited_s >= search->settings->patience_s || search_is_cancelled(search))
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

/* What the catalog knows, or else what the evaluator says; in the catalog when this returns 0. */
static errint_t evaluate(struct search *search, size_t position, const struct ic_design *design,
                         struct measurement *ret_measurement, bool *ret_is_reused, struct ic_why *why)
{
	const struct search_settings *settings = search->settings;
	struct measurement measurement = {.id = 0};
	struct measurement_key key;

	search_key(search, design, &key);
	errint_t err = measurement_get(settings->catalog, &key, &measurement, why);
	*ret_is_reused = !err;
	if (!err)
		err = run_evaluated(settings->catalog, search->run.id, position, measurement.id, why);
	if (*ret_is_reused || err != -ENOENT) {
		*ret_measurement = measurement;
		return err;
	}
	struct evaluator_job job = {.design = *design, .split = key.split, .seed = key.seed, .fraction = key.fraction};
	err = settings->evaluator->evaluate(settings->handle, &job, &measurement.result, why);
	if (!err && !isfinite(measurement.result.accuracy))
		err = ic_fail(why, -EBADMSG, "the evaluator gave an accuracy that is no number");
	if (err == -EBADMSG) {
		measurement.is_failure = true;
		strcpy(measurement.failure, why->text);
	} else if (err) {
		return err;
	}
	err = write_down(search, position, &key, &measurement.result,
	                 measurement.is_failure ? measurement.failure : NULL, why);
	if (!err)
		*ret_measurement = measurement;
	return err;
}

/* The lock is held. */
static void tell(struct search *search)
{
	struct search_progress progress = {.ntotal = search->settings->nevaluations, .nreused = search->nreused};
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

/* The position of an evaluation to make now; false where there is none any more. */
static bool take(struct search *search, size_t *ret_position)
{
	bool found = false;

	pthread_mutex_lock(&search->lock);
	while (search->next < search->nplan && search->plan[search->next].is_done)
		search->next++;
	if (!search->err && search_is_cancelled(search))
		search->err = ic_fail(&search->why, -ECANCELED, "stopped");
	if (!search->err && search->next < search->nplan) {
		*ret_position = search->next++;
		found = true;
	}
	pthread_mutex_unlock(&search->lock);
	return found;
}

static void *work(void *argument)
{
	struct search *search = argument;
	size_t position;

	while (take(search, &position)) {
		struct ic_design design = search->plan[position].design;
		struct measurement measurement;
		struct ic_why why = {""};
		bool is_reused = false;
		errint_t err = evaluate(search, position, &design, &measurement, &is_reused, &why);

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
			tell(search);
		}
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

errint_t evaluate_all(struct search *search, struct ic_why *why)
{
	unsigned nthreads = search->settings->njobs, nstarted = 0;
	pthread_t threads[NTHREADS_MAX];
	sigset_t all, old;

	if (announce(search))
		return ic_fail(why, -ENOMEM, "out of memory");
	if (nthreads > search->description.njobs_max)
		nthreads = search->description.njobs_max;
	if (nthreads > NTHREADS_MAX)
		nthreads = NTHREADS_MAX;
	search->next = 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (nstarted + 1 < nthreads && !pthread_create(&threads[nstarted], NULL, work, search))
		nstarted++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	work(search);
	while (nstarted)
		pthread_join(threads[--nstarted], NULL);
	return search->err ? ic_fail(why, search->err, "%s", search->why.text) : 0;
}
