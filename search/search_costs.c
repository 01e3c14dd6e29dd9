/* SPDX-License-Identifier: MIT */
/* The costs that a run freezes, as numbers of the catalog; and what the model takes, as its sample told. */
#include "search/search_priv.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Known results that a run has beside its evaluations, of which there are no more than of those. */
#define KNOWN "known"

static void add_line(struct parameters *parameters, const char *name, const struct cost_line *line)
{
	for (int i = 0; i < COST_NFEATURES; i++) {
		struct run_parameter *parameter = &parameters->at[parameters->n++];
		snprintf(parameter->name, sizeof(parameter->name), "%s.%d", name, i);
		parameter->value = line->at[i];
	}
}

static void add_number(struct parameters *parameters, const char *name, double number)
{
	struct run_parameter *parameter = &parameters->at[parameters->n];

	if (!isfinite(number))
		return;
	snprintf(parameter->name, sizeof(parameter->name), "%s", name);
	parameter->value = number;
	parameters->n++;
}

void add_making_costs(struct parameters *parameters, const struct cost_model *costs)
{
	add_line(parameters, "read", &costs->read);
	add_line(parameters, "decode", &costs->decode);
	add_number(parameters, "held-out", costs->held_out_error);
}

void add_model_costs(struct parameters *parameters, const struct cost_model *costs)
{
	add_line(parameters, "infer", &costs->infer);
	add_line(parameters, "train", &costs->train);
}

void add_model_errors(struct parameters *parameters, const struct cost_model *costs)
{
	add_number(parameters, "held-out.infer", costs->infer_error);
	add_number(parameters, "held-out.train", costs->train_error);
}

void add_known(struct parameters *parameters, size_t nknown)
{
	add_number(parameters, KNOWN, (double)nknown);
}

static bool find_line(const struct run_parameter *parameters, size_t n, const char *name, struct cost_line *line)
{
	char text[RUN_PARAMETER_NAME_SIZE];
	bool found = false;

	for (int i = 0; i < COST_NFEATURES; i++) {
		snprintf(text, sizeof(text), "%s.%d", name, i);
		for (size_t j = 0; j < n; j++) {
			if (strcmp(parameters[j].name, text))
				continue;
			line->at[i] = parameters[j].value;
			found = true;
		}
	}
	return found;
}

static void find_number(const struct run_parameter *parameters, size_t n, const char *name, double *number)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(parameters[i].name, name))
			*number = parameters[i].value;
}

bool known_of_parameters(const struct run_parameter *parameters, size_t n, size_t most, size_t *ret_nknown)
{
	double nknown = -1;

	find_number(parameters, n, KNOWN, &nknown);
	bool is_known = nknown >= 0 && nknown <= (double)most;
	*ret_nknown = is_known ? (size_t)nknown : 0;
	return is_known;
}

bool costs_of_parameters(const struct run_parameter *parameters, size_t n, struct cost_model *ret_costs)
{
	struct cost_model costs = {
	        .held_out_error = (double)NAN, .infer_error = (double)NAN, .train_error = (double)NAN};

	find_line(parameters, n, "read", &costs.read);
	find_line(parameters, n, "decode", &costs.decode);
	bool has_model_seconds = find_line(parameters, n, "infer", &costs.infer);
	find_line(parameters, n, "train", &costs.train);
	find_number(parameters, n, "held-out", &costs.held_out_error);
	find_number(parameters, n, "held-out.infer", &costs.infer_error);
	find_number(parameters, n, "held-out.train", &costs.train_error);
	*ret_costs = costs;
	return has_model_seconds;
}

bool is_of_model(const struct run_parameter *parameter)
{
	return !strncmp(parameter->name, "infer.", 6) || !strncmp(parameter->name, "train.", 6) ||
	       !strcmp(parameter->name, "held-out.infer") || !strcmp(parameter->name, "held-out.train");
}

/* What evaluations told of the model's time; 0 where nothing. */
struct model_times {
	struct cost_features *features;
	double *infer_s, *train_s;
	size_t n;
};

static void model_times_clear(struct model_times *times)
{
	free(times->features);
	free(times->infer_s);
	free(times->train_s);
}

static errint_t model_times_of(const struct search *search, size_t first, size_t end, struct model_times *ret_times)
{
	size_t n = end - first;
	struct model_times times = {calloc(n + 1, sizeof(*times.features)), calloc(n + 1, sizeof(double)),
	                            calloc(n + 1, sizeof(double)), n};

	if (!times.features || !times.infer_s || !times.train_s) {
		model_times_clear(&times);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		const struct planned *planned = &search->plan[first + i];
		times.features[i] = search->features[ic_design_index(&planned->design)];
		if (!planned->is_done || planned->measurement.is_failure)
			continue;
		times.infer_s[i] = planned->measurement.result.infer_s;
		times.train_s[i] = planned->measurement.result.train_s;
	}
	*ret_times = times;
	return 0;
}

errint_t fit_model_costs(const struct search *search, size_t n, struct cost_model *costs)
{
	struct model_times times;
	errint_t err = model_times_of(search, 0, n, &times);

	if (err)
		return err;
	costs->infer = cost_fit(times.features, times.infer_s, times.n, COST_OF_MODELS);
	costs->train = cost_fit(times.features, times.train_s, times.n, COST_OF_MODELS);
	costs->infer_error = costs->train_error = (double)NAN;
	model_times_clear(&times);
	return 0;
}

errint_t check_model_costs(const struct search *search, size_t first, struct cost_model *costs)
{
	struct model_times times;
	errint_t err = model_times_of(search, first < search->nplan ? first : search->nplan, search->nplan, &times);

	if (err)
		return err;
	costs->infer_error = cost_error(&costs->infer, times.features, times.infer_s, times.n);
	costs->train_error = cost_error(&costs->train, times.features, times.train_s, times.n);
	model_times_clear(&times);
	return 0;
}
