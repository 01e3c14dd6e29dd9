/* SPDX-License-Identifier: MIT */
#include "queues.h"

#include <stdio.h>
#include <stdlib.h>

static struct CUstream_st defaults[QUEUES_NDEVICES];
static struct CUstream_st *streams; /* all, those included */
static unsigned nstreams, go_max;
static struct dice dice;
static uint64_t last_number;

static void *must(void *memory)
{
	if (!memory)
		abort();
	return memory;
}

/* --- Streams ------------------------------------------------------------------------------------------------------- */

static void add_stream(struct CUstream_st *stream, int device, bool is_blocking)
{
	*stream = (struct CUstream_st){.next = streams, .device = device, .is_blocking = is_blocking};
	stream->steps.end = &stream->steps.first;
	stream->captured.end = &stream->captured.first;
	streams = stream;
	nstreams++;
}

static bool is_default(const struct CUstream_st *stream)
{
	return stream == &defaults[stream->device];
}

void queues_start(uint64_t seed, unsigned nsteps_max)
{
	while (streams) {
		struct CUstream_st *stream = streams;
		streams = stream->next;
		graph_clear(&stream->steps);
		graph_clear(&stream->captured);
		if (!is_default(stream))
			free(stream);
	}
	nstreams = 0;
	dice = dice_new(seed);
	go_max = nsteps_max;
	for (int i = 0; i < QUEUES_NDEVICES; i++)
		add_stream(&defaults[i], i, false);
}

cudaStream_t queue_of(cudaStream_t stream, int device)
{
	return stream ? stream : &defaults[device];
}

cudaStream_t queue_new(int device, bool is_blocking)
{
	struct CUstream_st *stream = must(malloc(sizeof *stream));
	add_stream(stream, device, is_blocking);
	return stream;
}

void queue_free(cudaStream_t stream)
{
	struct CUstream_st **link = &streams;
	queue_drain(stream);
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	nstreams--;
	free(stream);
}

/* --- Steps --------------------------------------------------------------------------------------------------------- */

static void append(struct CUgraph_st *steps, const struct step *step)
{
	struct step *copy = must(malloc(sizeof *copy));
	*copy = *step;
	copy->next = NULL;
	copy->number = ++last_number;
	*steps->end = copy;
	steps->end = &copy->next;
}

void queue_put(cudaStream_t stream, const struct step *step)
{
	append(stream->is_capturing ? &stream->captured : &stream->steps, step);
}

void queue_put_graph(cudaStream_t stream, const struct CUgraph_st *graph)
{
	for (const struct step *step = graph->first; step; step = step->next)
		append(&stream->steps, step);
}

void graph_clear(struct CUgraph_st *graph)
{
	while (graph->first) {
		struct step *step = graph->first;
		graph->first = step->next;
		free(step);
	}
	graph->end = &graph->first;
}

/* --- Events -------------------------------------------------------------------------------------------------------- */

static void release(cudaEvent_t event)
{
	event->nsteps--;
	if (event->is_destroyed && !event->nsteps)
		free(event);
}

void event_free(cudaEvent_t event)
{
	event->is_destroyed = true;
	event->nsteps++;
	release(event);
}

static void run_record(const struct step *step)
{
	step->event.event->done = step->event.number;
	release(step->event.event);
}

static void run_wait(const struct step *step)
{
	release(step->event.event);
}

static void put_event(cudaStream_t stream, cudaEvent_t event, void (*run)(const struct step *step))
{
	const struct step step = {.run = run, .event = {event, event->recorded}};
	if (stream->is_capturing)
		abort(); /* what gpu/ captures has no events */
	event->nsteps++;
	append(&stream->steps, &step);
}

void queue_record(cudaStream_t stream, cudaEvent_t event)
{
	event->recorded++;
	put_event(stream, event, run_record);
}

void queue_wait_for(cudaStream_t stream, cudaEvent_t event)
{
	put_event(stream, event, run_wait);
}

/* --- What runs ----------------------------------------------------------------------------------------------------- */

/* The default stream waits for what was put into others before, and they for it. */
static bool must_wait_for(const struct CUstream_st *stream, const struct CUstream_st *other)
{
	if (stream->device != other->device || !other->steps.first ||
	    other->steps.first->number > stream->steps.first->number)
		return false;
	return is_default(stream) ? other->is_blocking : is_default(other) && stream->is_blocking;
}

static bool is_ready(const struct CUstream_st *stream)
{
	const struct step *step = stream->steps.first;
	if (!step || (step->run == run_wait && step->event.event->done < step->event.number))
		return false;
	for (const struct CUstream_st *other = streams; other; other = other->next) {
		if (must_wait_for(stream, other))
			return false;
	}
	return true;
}

static void run_first(struct CUstream_st *stream)
{
	struct step *step = stream->steps.first;
	stream->steps.first = step->next;
	if (!step->next)
		stream->steps.end = &stream->steps.first;
	step->run(step);
	free(step);
}

/* One of all, and often the same again: so that one may be far ahead of the others. */
static struct CUstream_st *any_stream(void)
{
	static unsigned skip;
	struct CUstream_st *stream = streams;
	if (dice_roll(&dice, 8) == 0)
		skip = dice_roll(&dice, nstreams);
	for (unsigned i = 0; i < skip % nstreams; i++)
		stream = stream->next;
	return stream;
}

/* One step of a stream that dice choose; whether there was one. */
static bool run_any(void)
{
	struct CUstream_st *stream = any_stream();
	for (unsigned i = 0; i < nstreams; i++) {
		if (is_ready(stream)) {
			run_first(stream);
			return true;
		}
		stream = stream->next ? stream->next : streams;
	}
	return false;
}

static void must_run_any(void)
{
	if (!run_any()) {
		fprintf(stderr, "cuda_on_cpu: streams wait for each other\n");
		abort();
	}
}

void queues_go(void)
{
	for (unsigned n = dice_roll(&dice, go_max + 1); n && run_any(); n--)
		;
}

void queue_drain(cudaStream_t stream)
{
	while (stream->steps.first)
		must_run_any();
}

void queues_reach(cudaEvent_t event)
{
	uint64_t wanted = event->recorded;
	while (event->done < wanted)
		must_run_any();
}

void queues_drain(void)
{
	for (struct CUstream_st *stream = streams; stream; stream = stream->next)
		queue_drain(stream);
}

bool queues_are_busy(void)
{
	for (const struct CUstream_st *stream = streams; stream; stream = stream->next) {
		if (stream->steps.first)
			return true;
	}
	return false;
}

bool queues_touch(const void *begin, size_t nbytes)
{
	for (const struct CUstream_st *stream = streams; stream; stream = stream->next) {
		for (const struct step *step = stream->steps.first; step; step = step->next) {
			for (unsigned i = 0; i < STEP_NTOUCHED; i++) {
				if ((uintptr_t)step->touched[i] - (uintptr_t)begin < nbytes)
					return true;
			}
		}
	}
	return false;
}
