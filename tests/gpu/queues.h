/* SPDX-License-Identifier: MIT */
/*
 * queues.h: what streams of CUDA promise and no more: a stream's steps in their order, those of several streams in an order
 * that dice choose; steps of a device's default stream before and after all that was put into its other ones. Nothing here
 * locks: cuda_on_cpu.c does.
 */
#pragma once

#include "gpu/plan_priv.h"
#include "tests/codec/dice.h"

#include <cuda_runtime_api.h>

#define QUEUES_NDEVICES 2
#define STEP_NTOUCHED 4

/* What is put into a stream. */
struct step {
	void (*run)(const struct step *step);
	const void *touched[STEP_NTOUCHED]; /* memory that must be there when it runs; NULL is none */
	union {
		struct {
			void *to;
			const void *from;
			size_t nbytes;
			int byte;     /* where `from` is NULL */
			void *staged; /* a copy of the caller's bytes, which the step frees; or NULL */
		} copy;
		struct {
			struct tile_plan plan;
			const struct tile_image *images;
			uint32_t nimages;
			uint8_t *out, *chroma;
		} pixels;
		struct {
			struct tile_plan plan;
			struct scale_chunk chunk;
			const struct scale_image *images;
			uint8_t *scratch, *out;
		} scale;
		struct {
			cudaEvent_t event;
			uint64_t number; /* of the record */
		} event;
	};

	/* The queue's own. */
	struct step *next;
	uint64_t number;
};

/* CUDA's opaque types. */
struct CUgraph_st {
	struct step *first, **end;
};

struct CUstream_st {
	struct CUgraph_st steps, captured;
	struct CUstream_st *next; /* of all streams */
	int device;
	bool is_blocking; /* waits for the default stream, and that one for it */
	bool is_capturing;
};

struct CUevent_st {
	uint64_t recorded, done; /* numbers of records: the last that was put into a stream, and the last that ran */
	unsigned nsteps;         /* that are queued and know it */
	int device;
	bool is_destroyed;
};

/* Forget all streams, with what is in them. Dice are thrown with `seed`; queues_go runs up to `nsteps_max` steps. */
void queues_start(uint64_t seed, unsigned nsteps_max);

/* The default stream of a device where `stream` is NULL. */
cudaStream_t queue_of(cudaStream_t stream, int device);
cudaStream_t queue_new(int device, bool is_blocking);
void queue_free(cudaStream_t stream); /* runs what is in it first */

/* Copies the step, to the stream or to the graph that it captures. */
void queue_put(cudaStream_t stream, const struct step *step);
void queue_put_graph(cudaStream_t stream, const struct CUgraph_st *graph);
void graph_clear(struct CUgraph_st *graph);

void queue_record(cudaStream_t stream, cudaEvent_t event);
void queue_wait_for(cudaStream_t stream, cudaEvent_t event);
void event_free(cudaEvent_t event); /* at once, or when no step knows it any more */

/* Some steps, as dice choose: what a GPU does while the program goes on. */
void queues_go(void);

/* Until the stream is empty, the record that was made last has run, or all is done. Aborts where nothing can go on. */
void queue_drain(cudaStream_t stream);
void queues_reach(cudaEvent_t event);
void queues_drain(void);

bool queues_are_busy(void); /* whether there is a step still to run */

/* Whether a step that is still to run touches memory of [begin, begin + nbytes). */
bool queues_touch(const void *begin, size_t nbytes);
