/* SPDX-License-Identifier: MIT */
/*
 * probe_kept_priv.h: the coefficients of a dataset's images, so that each is decoded once: in memory where there is room for
 * those of all, else in a file without a name, which costs a copy to read, a tenth of decoding. With those of some in memory
 * there were less room for objects.
 */
#pragma once

#include "codec/coefs.h"

struct probe_keeper;

/* What is kept of an image; zeroed: nothing. */
struct probe_kept {
	struct ic_coefs *coefs; /* in memory, */
	uint64_t at;            /* or in the file, at `at`, where nbytes is not 0 */
	size_t nbytes;
	uint64_t checksum; /* a disk may give back something else */
};

/* As many as `memory_nbytes` of memory; beyond that a file in `directory`, which takes `file_nbytes` (0: any number) and half
 * of what is free there at most. NULL, or where none can be made: there is none. -ENOMEM. */
errint_t probe_keeper_new(uint64_t memory_nbytes, const char *directory, uint64_t file_nbytes,
                          struct probe_keeper **ret_keeper);
void probe_keeper_free(struct probe_keeper *keeper); /* NULL is fine */

/* Whether more can be kept, as far as is known. From any number of threads, as put. */
bool probe_keeper_has_room(const struct probe_keeper *keeper);

/* Takes coefs, and keeps nothing where there is no room. */
void probe_keeper_put(struct probe_keeper *keeper, struct ic_coefs *coefs, struct probe_kept *ret_kept);

/* To be called of each once all were put: where memory was not enough for all, none stays there. By one thread. */
void probe_keeper_settle(struct probe_keeper *keeper, struct probe_kept *kept);

/* NULL where nothing is kept, or cannot be read any more. `ret_copy`, which may be NULL, is the caller's, to be freed once
 * ret_coefs was used. From any number of threads. -ENOMEM. */
errint_t probe_keeper_get(const struct probe_keeper *keeper, const struct probe_kept *kept,
                          const struct ic_coefs **ret_coefs, struct ic_coefs **ret_copy);

void probe_kept_clear(struct probe_kept *kept); /* zeroed is fine */
