/* SPDX-License-Identifier: MIT */
#include "fs/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

struct gate {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t limit, used;
	uint64_t inside;
	uint64_t next_ticket, serving;
};

errint_t gate_new(uint64_t limit, struct gate **ret_gate)
{
	struct gate *gate = calloc(1, sizeof(*gate));

	if (!gate)
		return -ENOMEM;
	gate->limit = limit;
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
	*ret_gate = gate;
	return 0;
}

void gate_free(struct gate *gate)
{
	if (!gate)
		return;
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
	free(gate);
}

static bool has_room(const struct gate *gate, uint64_t nbytes)
{
	return gate->limit == 0 || gate->inside == 0 ||
	       (gate->used <= gate->limit && nbytes <= gate->limit - gate->used);
}

void gate_enter(struct gate *gate, uint64_t nbytes)
{
	pthread_mutex_lock(&gate->lock);
	uint64_t ticket = gate->next_ticket++;
	while (gate->serving != ticket || !has_room(gate, nbytes))
		pthread_cond_wait(&gate->changed, &gate->lock);
	gate->serving++;
	gate->inside++;
	gate->used += nbytes;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void gate_leave(struct gate *gate, uint64_t nbytes)
{
	pthread_mutex_lock(&gate->lock);
	gate->used -= nbytes;
	gate->inside--;
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

uint64_t gate_nwaiting(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	uint64_t n = gate->next_ticket - gate->serving;
	pthread_mutex_unlock(&gate->lock);
	return n;
}
