/* SPDX-License-Identifier: MIT */
/*
 * progress.h: how far a long job is, in one line of a terminal that is drawn anew: files and bytes done, files/s, MB/s (a
 * million bytes) and time left. Nothing is drawn where stderr is no terminal.
 *
 * All functions but progress_new and progress_free are thread safe, and take NULL for no bar at all.
 */
#pragma once

#include "codec/errint.h"

#include <stdint.h>

struct progress;

/* `doing` begins the line ("exporting"); it is not copied. Totals of 0 are not known, and the time left is not told then.
 * Bytes decide how far the job is; files where there are no bytes. -ENOMEM. */
errint_t progress_new(const char *doing, uint64_t nfiles, uint64_t nbytes, struct progress **ret_progress);

/* Erase the line, so that what is printed next begins in an empty one, and free the bar. NULL is fine. */
void progress_free(struct progress *progress);

/* So much was done. Draws, but not more often than people can read. */
void progress_add(struct progress *progress, uint64_t nfiles, uint64_t nbytes);

/* So much had been done before: it is part of the whole, and not of the speed. */
void progress_skip(struct progress *progress, uint64_t nfiles, uint64_t nbytes);

/* A message as by warn() of icfs.h, in a line of its own above the bar. */
__attribute__((format(printf, 2, 3))) void progress_warn(struct progress *progress, const char *format, ...);
