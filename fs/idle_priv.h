/* SPDX-License-Identifier: MIT */
/* idle_priv.h: what the mount and the process that searches for it say to each other, in packets. */
#pragma once

#include "fs/idle.h"
#include "fs/source.h"
#include "search/aim.h"

enum idle_phase {
	IDLE_PREPARING,
	IDLE_SEARCHING,
	IDLE_WAITING, /* for the catalog, or, with no directory, for something to do */
	IDLE_NPHASES,
};

/* From the process. Smaller than a page, so that it comes whole. */
struct idle_report {
	enum idle_phase phase;
	char directory[1024]; /* below the root, what it is about; long ones are cut */
	char words[400];      /* what is being done; what came of the directory */
	bool is_result;       /* of a directory: it is done with */
	bool is_chosen;       /* and has a choice now */
	bool has_best;
	struct ic_design best;
	double best_accuracy;
	uint64_t ndone, ntotal, nreused; /* evaluations of this search */
	uint64_t nevaluated;             /* made by this process, all searches */
	uint64_t cpu_ns;
};

/* To it: begin, or look again. */
struct idle_order {
	dev_t hidden;
};

/* A directory that wants a search. */
struct idle_place {
	char *place;
	bool wants_own; /* a choice of its own, not one of a directory above */
	struct aim aim; /* completed; keeps proportions where the face shows pictures */
};

/* idle_places.c: all of a tree, parents before what is in them; malloc'ed. -ENOMEM. */
errint_t idle_places_find(struct source *source, const struct policy_rule *options, const struct policy_file *tree,
                          struct idle_place **ret_places, size_t *ret_n);
void idle_places_free(struct idle_place *places, size_t n);

/* The process. */
struct idle_work {
	struct idle_settings settings;
	struct source *source;
	struct policy_rule options;
	struct policy_file *tree; /* may be NULL */
	char *catalog;            /* absolute, or NULL for the default place */
	char *mountpoint;         /* canonical */
	char *scratch;            /* absolute, or NULL: nothing is kept on the disk but the catalog */
	int socket;
};

/* idle_process.c: become idle and bounded, wait for the order to begin, and search. */
_Noreturn void idle_process(struct idle_work *work);

/* idle_search.c: search one directory after the other, until a signal ends it or the mount is gone. */
_Noreturn void idle_search(const struct idle_work *work);

/* Wait for an order, or for so long; -1: until there is one. True where one came. The mount's end is ours. */
bool idle_wait(const struct idle_work *work, int timeout_ms, struct idle_order *ret_order);
