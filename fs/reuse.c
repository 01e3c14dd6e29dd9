/* SPDX-License-Identifier: MIT */
#include "fs/reuse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NSLOTS 2048u
#define NSAMPLES_MAX 1024u /* half of the slots, so that probes stay short */
#define NINTERVALS_MIN 16u /* the longest of so few is, on average, 0.94 of the longest of all */

struct sample {
	uint64_t hash;
	uint64_t time; /* 0 where the slot is empty */
};

/* What was seen in a stretch of time. */
struct window {
	uint64_t longest;
	unsigned nintervals;
};

struct reuse {
	struct sample slots[NSLOTS];
	unsigned nsamples;
	uint64_t threshold; /* hashes up to here are in the sample */
	uint64_t now, window_start, window_length;
	struct window current, previous;
};

errint_t reuse_new(struct reuse **ret_reuse)
{
	struct reuse *reuse = calloc(1, sizeof(*reuse));

	if (!reuse)
		return -ENOMEM;
	reuse->threshold = UINT64_MAX;
	*ret_reuse = reuse;
	return 0;
}

void reuse_free(struct reuse *reuse)
{
	free(reuse);
}

/* The key's slot, or the empty one that it would get. The sample is chosen by high bits, the slot by low ones. */
static struct sample *find(struct reuse *reuse, uint64_t hash)
{
	size_t i = hash % NSLOTS;

	while (reuse->slots[i].time && reuse->slots[i].hash != hash)
		i = (i + 1) % NSLOTS;
	return &reuse->slots[i];
}

static uint64_t longest(const struct reuse *reuse)
{
	uint64_t a = reuse->current.longest, b = reuse->previous.longest;

	return a > b ? a : b;
}

uint64_t reuse_horizon(const struct reuse *reuse)
{
	if (reuse->current.nintervals + reuse->previous.nintervals < NINTERVALS_MIN)
		return 0;
	uint64_t age = 2 * longest(reuse);
	return reuse->now > age ? reuse->now - age : 0;
}

/* Keep what was asked for since `time`, and is in the sample. */
static void forget_before(struct reuse *reuse, uint64_t time)
{
	struct sample old[NSLOTS];

	memcpy(old, reuse->slots, sizeof(old));
	memset(reuse->slots, 0, sizeof(reuse->slots));
	reuse->nsamples = 0;
	for (unsigned i = 0; i < NSLOTS; i++) {
		if (!old[i].time || old[i].time < time || old[i].hash > reuse->threshold)
			continue;
		*find(reuse, old[i].hash) = old[i];
		reuse->nsamples++;
	}
}

/* Make room: keys that are out of use go, and, if that is not enough, the upper half of the hashes. */
static void thin(struct reuse *reuse)
{
	uint64_t horizon = reuse_horizon(reuse);
	unsigned nleft = 0;

	for (unsigned i = 0; i < NSLOTS; i++)
		nleft += reuse->slots[i].time && reuse->slots[i].time >= horizon;
	if (nleft > NSAMPLES_MAX / 2)
		reuse->threshold /= 2;
	forget_before(reuse, horizon);
}

/* Where nothing came again, either the set is so much larger than it was that a window is too short for it, or so much
 * smaller that nothing of it is in the sample. */
static void begin_window(struct reuse *reuse)
{
	forget_before(reuse, reuse->window_start);
	if (reuse->nsamples && !reuse->current.nintervals)
		reuse->window_length *= 2;
	uint64_t factor = reuse->nsamples ? 2 : 16;
	if (reuse->nsamples < NSAMPLES_MAX / 8) /* fewer keys are in use than there were */
		reuse->threshold = reuse->threshold > UINT64_MAX / factor ? UINT64_MAX : reuse->threshold * factor;
	reuse->previous = reuse->current;
	reuse->current = (struct window){0};
	reuse->window_start = reuse->now;
}

static void see_interval(struct reuse *reuse, uint64_t interval)
{
	reuse->current.nintervals += reuse->current.nintervals < NINTERVALS_MIN;
	if (interval > reuse->current.longest)
		reuse->current.longest = interval;
}

uint64_t reuse_note(struct reuse *reuse, uint64_t hash)
{
	uint64_t known = longest(reuse);

	reuse->now++;
	/* Long enough for every key in use to come again, so that what a window forgets is out of use; and for what it costs
	 * to begin one. */
	if (known)
		reuse->window_length = 4 * known > NSLOTS ? 4 * known : NSLOTS;
	if (reuse->window_length && reuse->now - reuse->window_start > reuse->window_length)
		begin_window(reuse);
	if (hash > reuse->threshold)
		return reuse->now;

	struct sample *sample = find(reuse, hash);
	if (sample->time) {
		see_interval(reuse, reuse->now - sample->time);
	} else {
		if (reuse->nsamples == NSAMPLES_MAX) {
			thin(reuse);
			if (hash > reuse->threshold)
				return reuse->now;
			sample = find(reuse, hash);
		}
		sample->hash = hash;
		reuse->nsamples++;
	}
	sample->time = reuse->now;
	return reuse->now;
}
