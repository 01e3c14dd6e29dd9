/* SPDX-License-Identifier: MIT */
/*
 * search_cli.h: what the subcommands of `icfs search` share. Each takes its own command line, argv[0] being its name, and
 * returns an exit status.
 */
#pragma once

#include "search/catalog.h"
#include "search/choice.h"
#include "search/run.h"

int search_find(int argc, char **argv);   /* search_find.c: the search itself */
int search_status(int argc, char **argv); /* search_tell.c */
int search_history(int argc, char **argv);
int search_show(int argc, char **argv);
int search_frontier(int argc, char **argv);
int search_export(int argc, char **argv); /* search_measurements.c */
int search_merge(int argc, char **argv);
int search_pin(int argc, char **argv); /* search_choices.c */
int search_rollback(int argc, char **argv);

/* Open the catalog at `path`, or for NULL in its default place. Where it is only read (`is_needed`), one that is not there is
 * an error, and not made. Tells the user what failed. */
int open_search_catalog(const char *path, bool is_needed, struct catalog **ret_catalog);

/* Whether a catalog that somebody named, by whose choices `auto` is to go, can be opened; EXIT_OK for NULL. Tells the
 * user what failed. */
int check_named_catalog(const char *path);

/* "81.20 %", or "-" for what is not known; at most 16 bytes. */
#define PERCENT_SIZE 16
const char *percent(double share, char out[PERCENT_SIZE]);

/* Seconds since the epoch as "2026-11-26 21:48", UTC; "-" for 0. */
#define DATE_SIZE 24
const char *date(int64_t when_s, char out[DATE_SIZE]);

/* A bar for evaluations, drawn on stderr where it is a terminal. */
struct search_bar;
struct search_progress;
struct search_bar *search_bar_new(void); /* NULL without a terminal or memory: the others take that */
void search_bar_free(struct search_bar *bar);
void search_bar_evaluations(struct search_bar *bar, const struct search_progress *progress);
void search_bar_doing(struct search_bar *bar, const char *doing, uint64_t done, uint64_t total);
