/* SPDX-License-Identifier: MIT */
/* search_options.h: what the command line of `icfs search DATASET` says. */
#pragma once

#include "search/search.h"

#define FIND_OPTIONS_MAX 64

struct find_settings {
	const char *catalog;
	const struct evaluator *evaluator;
	struct evaluator_option options[FIND_OPTIONS_MAX]; /* the evaluator's; names are malloc'ed */
	size_t noptions;
	struct search_settings search;
	uint64_t buckets; /* 0: not said */
	uint64_t threads;
	uint64_t memory_nbytes; /* of the evaluator; 0: as it likes */
	bool is_dry, per_directory;
	const char *work; /* NULL: beside the catalog */
	bool is_on_cluster, says_jobs, says_evaluations;
	char at_once[16]; /* --jobs, for a cluster */
};

/* GO_ON, with DATASET, which is argv's; else the exit status, what is wrong having been told. find_settings_clear ends
 * both. */
int find_settings_parse(int argc, char **argv, struct find_settings *ret_settings, const char **ret_directory);
void find_settings_clear(struct find_settings *settings);
