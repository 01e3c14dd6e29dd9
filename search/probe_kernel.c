/* SPDX-License-Identifier: MIT */
/*
 * The loop that the probe's time goes into. This file is compiled once for each instruction set (search/meson.build);
 * PROBE_KERNEL is the name of the table that it fills. It is plain C in vectors, which compilers bring to whatever the
 * instruction set has.
 */
#include "search/probe_kernel_priv.h"

#include <string.h>

#define LANES 16
#define NVECTORS (PROBE_COLUMNS / LANES)
#define RESPONSE_BITS 3 /* of a response that are dropped, so that PROBE_RUN_MAX of the largest fit a sum */

_Static_assert(2 * PROBE_RANGE * PROBE_NPAIRS_MAX + (1 << RESPONSE_BITS) / 2 <= INT16_MAX, "a response fits 16 bits");
_Static_assert(((2 * PROBE_RANGE * PROBE_NPAIRS_MAX >> RESPONSE_BITS) + 1) * PROBE_RUN_MAX <= UINT16_MAX,
               "a sum of responses fits 16 bits");

#define INLINE static inline __attribute__((always_inline))

typedef int16_t lanes __attribute__((vector_size(LANES * sizeof(int16_t))));

INLINE lanes load(const void *p)
{
	lanes v;
	memcpy(&v, p, sizeof v);
	return v;
}

INLINE void add_to(uint16_t *sum, lanes v)
{
	lanes all = load(sum) + v;
	memcpy(sum, &all, sizeof all);
}

/* sums += |response|, in 1/2^RESPONSE_BITS. */
INLINE void rectify(lanes response, uint16_t *sums)
{
	lanes v = (response + (1 << RESPONSE_BITS) / 2) >> RESPONSE_BITS;
	lanes negative = (lanes)(v < 0);
	add_to(sums, (v ^ negative) - negative);
}

/* One filter on PROBE_COLUMNS columns. */
INLINE void filter(const struct probe_pair *pairs, unsigned npairs, const int16_t *in, uint16_t *sums)
{
	lanes response[NVECTORS] = {0};
	for (unsigned p = 0; p < npairs; p++)
		for (unsigned i = 0; i < NVECTORS; i++)
			response[i] += load(in + pairs[p].plus + i * LANES) - load(in + pairs[p].minus + i * LANES);
	for (unsigned i = 0; i < NVECTORS; i++)
		rectify(response[i], sums + i * LANES);
}

static void add_row(const struct probe_bank *bank, const int16_t *in, unsigned ncolumns, uint16_t *sums)
{
	for (unsigned f = 0; f < bank->nfilters; f++, sums += ncolumns)
		for (unsigned column = 0; column < ncolumns; column += PROBE_COLUMNS)
			filter(bank->pairs + f * bank->npairs, bank->npairs, in + column, sums + column);
}

extern const struct probe_kernel PROBE_KERNEL;
const struct probe_kernel PROBE_KERNEL = {.name = PROBE_KERNEL_LABEL, .add_row = add_row};
