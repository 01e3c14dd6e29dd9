/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h: SIGINT, SIGTERM and SIGHUP end a long job well: it is told to stop, and the process ends by the signal once
 * what is under way is done. A second one ends it at once.
 */
#pragma once

#include "codec/errint.h"

struct interrupt;

/* From now on such a signal calls `stop`, once, in a thread of its own. Before any thread is started that does not block
 * them. -ENOMEM, -errno of starting a thread. */
errint_t interrupt_new(void (*stop)(void *context), void *context, struct interrupt **ret_interrupt);

/* Signals do what they did before. Returns the one that came, or 0. NULL is fine. */
int interrupt_free(struct interrupt *interrupt);

/* End the process by the signal `number`, so that who started it sees that. */
void interrupt_pass_on(int number);
