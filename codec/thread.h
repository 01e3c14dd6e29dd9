/* SPDX-License-Identifier: MIT */
/*
 * thread.h: threads that work beside a program's own.
 */
#pragma once

#include "codec/errint.h"

#include <pthread.h>
#include <signal.h>

/* Start a thread with all signals blocked: one that is to end the program must find a thread that waits for it. -errno. */
static inline errint_t thread_start(pthread_t *ret_thread, void *(*run)(void *context), void *context)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = pthread_create(ret_thread, NULL, run, context);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}
