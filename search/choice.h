/* SPDX-License-Identifier: MIT */
/*
 * choice.h: which design `auto` stands for in a directory and below, and why.
 *
 * Choices are kept, not replaced: in force is a directory's newest pin, else its newest choice, of those that were not
 * withdrawn; to roll back is to withdraw the one in force. A choice holds for the directory that it names by its canonical
 * path, and for all below that have none of their own.
 *
 * All functions are thread safe, and return the errors of catalog_open.
 */
#pragma once

#include "search/catalog.h"

#include <limits.h>

struct choice {
	int64_t id;
	char directory[PATH_MAX]; /* canonical */
	struct ic_design design;
	int64_t run;      /* that chose it; 0 for none */
	bool is_pin;      /* somebody's word, which no search overrules */
	char reason[800]; /* one sentence */
	double predicted, uncertainty,
	        verified;                /* accuracy: of the model before, one standard deviation of it, measured */
	double nbytes, infer_s, train_s; /* an image. What is not known is NAN */
	int64_t chosen_s, withdrawn_s;   /* since the epoch; withdrawn_s 0 while it is not */
};

/* Put a choice; id, chosen_s and withdrawn_s are set here. */
errint_t choice_put(struct catalog *catalog, const struct choice *choice, int64_t *ret_id, struct ic_why *why);

/* Withdraw the one that is in force for exactly this directory. -ENOENT: there is none. */
errint_t choice_withdraw(struct catalog *catalog, const char *directory, struct ic_why *why);

/* Choices, malloc'ed: of one directory or, where it is NULL, of all; those not withdrawn, or with `all` every one; by
 * directory, and of one those in force first. */
errint_t choice_list(struct catalog *catalog, const char *directory, bool all, struct choice **ret_choices,
                     size_t *ret_n, struct ic_why *why);

/* The choice that holds for `directory`, of the list that choice_list gave for NULL; NULL for none. */
const struct choice *choice_find(const struct choice *choices, size_t n, const char *directory);

/* A number that is another one once anything in the catalog was changed by another process or by this one's writer: a
 * cheap question, to be asked again and again. */
errint_t catalog_change_count(struct catalog *catalog, uint64_t *ret_count);
