/* SPDX-License-Identifier: MIT */
/*
 * gate.h: a bound on memory that several threads take for a while. First come, first served, so a big one is not starved
 * by small ones; one that is bigger than the bound waits until it is alone.
 */
#pragma once

#include "codec/errint.h"

#include <stdint.h>

struct gate;

/* limit in bytes, 0 for none. -ENOMEM. */
errint_t gate_new(uint64_t limit, struct gate **ret_gate);
void gate_free(struct gate *gate); /* NULL is fine */

void gate_enter(struct gate *gate, uint64_t nbytes); /* waits */
void gate_leave(struct gate *gate, uint64_t nbytes); /* the same number */

/* How many wait now. */
uint64_t gate_nwaiting(struct gate *gate);
