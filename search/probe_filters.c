/* SPDX-License-Identifier: MIT */
#include "search/probe_filters_priv.h"

#include <errno.h>
#include <stdlib.h>

#define NPLACES (PROBE_WINDOW * PROBE_WINDOW)
#define SEED 1 /* part of what the features are; of 1, 2 and 3 none was better than the others by more than noise */

/* One turn of a phase. */
#define TURN 65536
/* Waves have at least 3 and at most 25 samples: shorter ones are aliased, longer ones are hardly a wave in 5. */
#define RATE_MIN (TURN / 25)
#define RATE_MAX (TURN / 3)

/* SplitMix64 (Steele, Lea and Flood 2014). */
static uint64_t draw(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static int draw_below(uint64_t *state, unsigned n)
{
	return (int)((draw(state) >> 32) * n >> 32);
}

/* --- Waves -------------------------------------------------------------------------------------------------------- */

struct place {
	int height;
	unsigned index;
};

static int compare_heights(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	if (a->height != b->height)
		return a->height < b->height ? -1 : 1;
	return (a->index > b->index) - (a->index < b->index);
}

/* The places of a window from the lowest to the highest of a random wave. Its shape is a zigzag: only the order counts,
 * and a sine has the same. */
static void draw_wave(uint64_t *state, struct place places[NPLACES])
{
	int across, down;
	do {
		across = draw_below(state, 2 * RATE_MAX + 1) - RATE_MAX;
		down = draw_below(state, 2 * RATE_MAX + 1) - RATE_MAX;
	} while (across * across + down * down > RATE_MAX * RATE_MAX ||
	         across * across + down * down < RATE_MIN * RATE_MIN);
	int phase = draw_below(state, TURN);
	for (unsigned i = 0; i < NPLACES; i++) {
		int at = (phase + (int)(i % PROBE_WINDOW) * across + (int)(i / PROBE_WINDOW) * down) & (TURN - 1);
		places[i] = (struct place){abs(at - TURN / 2), i};
	}
	qsort(places, NPLACES, sizeof *places, compare_heights);
}

static uint16_t offset_of(const struct probe_scale *scale, unsigned channel, unsigned place)
{
	unsigned x = place % PROBE_WINDOW, y = place / PROBE_WINDOW;
	unsigned row = (y * 3 + channel) * scale->step + x % scale->step;
	return (uint16_t)(row * scale->stride + x / scale->step);
}

static void add_wave(const struct probe_scale *scale, unsigned channel, uint64_t *state, struct probe_pair *pairs,
                     unsigned npairs)
{
	struct place places[NPLACES];
	draw_wave(state, places);
	for (unsigned p = 0; p < npairs; p++)
		pairs[p] = (struct probe_pair){
		        .plus = offset_of(scale, channel, places[NPLACES - 1 - p].index),
		        .minus = offset_of(scale, channel, places[p].index),
		};
}

/* Every other filter is of brightness, the rest of colour; one in two looks at another channel, too. */
static void draw_filter(const struct probe_scale *scale, unsigned index, uint64_t *state, struct probe_pair *pairs)
{
	unsigned channel = index % 2 ? 1 + (unsigned)draw_below(state, 2) : 0;
	unsigned nfirst = draw_below(state, 2) ? PROBE_NPAIRS : PROBE_NPAIRS / 2;
	add_wave(scale, channel, state, pairs, nfirst);
	if (nfirst < PROBE_NPAIRS)
		add_wave(scale, (channel + 1) % 3, state, pairs + nfirst, PROBE_NPAIRS - nfirst);
}

/* --- Scales ------------------------------------------------------------------------------------------------------- */

static const struct probe_scale scales[PROBE_NSCALES] = {
        {.noutputs = 64, .step = 2, .stride = PROBE_STRIDE_MAX},
        {.noutputs = 64, .step = 1, .stride = 72},
        {.noutputs = 32, .step = 1, .stride = 40},
};

errint_t probe_filters_new(struct probe_filters **ret_filters)
{
	struct probe_filters *filters = malloc(sizeof *filters);
	if (!filters)
		return -ENOMEM;
	uint64_t state = SEED;
	struct probe_pair *pairs = filters->pairs;
	for (unsigned i = 0; i < PROBE_NSCALES; i++) {
		struct probe_scale *scale = &filters->scales[i];
		*scale = scales[i];
		scale->row_step = scale->step * 3 * scale->step * scale->stride;
		scale->bank = (struct probe_bank){.pairs = pairs, .nfilters = PROBE_NFILTERS, .npairs = PROBE_NPAIRS};
		for (unsigned f = 0; f < PROBE_NFILTERS; f++, pairs += PROBE_NPAIRS)
			draw_filter(scale, f, &state, pairs);
	}
	*ret_filters = filters;
	return 0;
}

void probe_filters_free(struct probe_filters *filters)
{
	free(filters);
}

/* --- Kernels ------------------------------------------------------------------------------------------------------ */

extern const struct probe_kernel probe_kernel_c, probe_kernel_avx2;

#if defined(__x86_64__)
#define N_KERNELS 2
const struct probe_kernel *probe_kernel_at(unsigned index)
{
	static const struct probe_kernel *const kernels[N_KERNELS] = {&probe_kernel_avx2, &probe_kernel_c};
	index += __builtin_cpu_supports("avx2") ? 0 : 1;
	return index < N_KERNELS ? kernels[index] : NULL;
}
#else
const struct probe_kernel *probe_kernel_at(unsigned index)
{
	return index ? NULL : &probe_kernel_c;
}
#endif
