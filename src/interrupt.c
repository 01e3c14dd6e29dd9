/* SPDX-License-Identifier: MIT */
#include "src/interrupt.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNAL_END SIGUSR2 /* ends the thread */

struct interrupt {
	void (*stop)(void *context);
	void *context;
	pthread_t thread;
	sigset_t signals, before;
	atomic_int came;
};

static void *wait_for_signals(void *context)
{
	struct interrupt *interrupt = context;
	int number;

	while (!sigwait(&interrupt->signals, &number) && number != SIGNAL_END) {
		if (atomic_exchange(&interrupt->came, number))
			interrupt_pass_on(number);
		interrupt->stop(interrupt->context);
	}
	return NULL;
}

/* One that whoever started us has us ignore (nohup) stays so: blocked, it would come to sigwait. */
static void add_unless_ignored(sigset_t *signals, int number)
{
	struct sigaction action;

	if (sigaction(number, NULL, &action) || action.sa_handler != SIG_IGN)
		sigaddset(signals, number);
}

errint_t interrupt_new(void (*stop)(void *context), void *context, struct interrupt **ret_interrupt)
{
	struct interrupt *interrupt = calloc(1, sizeof(*interrupt));

	if (!interrupt)
		return -ENOMEM;
	interrupt->stop = stop;
	interrupt->context = context;
	atomic_init(&interrupt->came, 0);
	sigemptyset(&interrupt->signals);
	add_unless_ignored(&interrupt->signals, SIGINT);
	add_unless_ignored(&interrupt->signals, SIGTERM);
	add_unless_ignored(&interrupt->signals, SIGHUP);
	sigaddset(&interrupt->signals, SIGNAL_END);
	pthread_sigmask(SIG_BLOCK, &interrupt->signals, &interrupt->before);
	int err = pthread_create(&interrupt->thread, NULL, wait_for_signals, interrupt);
	if (err) {
		pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
		free(interrupt);
		return -err;
	}
	*ret_interrupt = interrupt;
	return 0;
}

int interrupt_free(struct interrupt *interrupt)
{
	if (!interrupt)
		return 0;
	pthread_kill(interrupt->thread, SIGNAL_END);
	pthread_join(interrupt->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &interrupt->before, NULL);
	int came = atomic_load(&interrupt->came);
	free(interrupt);
	return came;
}

void interrupt_pass_on(int number)
{
	sigset_t set;

	fflush(stdout);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* here it ends */
}
