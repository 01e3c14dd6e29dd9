/* SPDX-License-Identifier: MIT */
/*
 * child.h: a program of the user's, run so that nothing of it stays: not its children, nor theirs, nor one that left for a
 * session of its own.
 *
 * Between the caller and the program stands a keeper, a process that the kernel makes the parent of all orphans among its
 * descendants (PR_SET_CHILD_SUBREAPER). When the program ends, when it is to be stopped, and when the caller dies, however
 * that is, the keeper kills its children until it has none. What a program hands to a service that was there before
 * (systemd-run, at, a container's daemon) is not the keeper's, and stays.
 */
#pragma once

#include "codec/errint.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct child_settings {
	const char *line; /* for /bin/sh -c; stdin is /dev/null, directory and environment are the caller's */
	double timeout_s; /* then it is killed; 0: never */
	const atomic_bool *cancelled; /* once true it is killed, within 0.1 s. May be NULL */
	/* Told what it writes to stdout and stderr, in pieces, from within child_run. */
	void (*output)(void *context, const char *bytes, size_t nbytes);
	void *context;
};

struct child_report {
	int status; /* of the program, as waitpid tells it */
	bool is_timed_out, is_cancelled;
	double wall_s;
	double processor_s; /* of the program and of its descendants */
};

/* Run it to its end. Thread safe; the calling thread must live as long as the call. -EAGAIN, -ENOMEM, -errno of starting
 * it; -EIO where the keeper was killed. */
errint_t child_run(const struct child_settings *settings, struct child_report *ret_report, struct ic_why *why);
