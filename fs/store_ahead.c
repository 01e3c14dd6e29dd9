/* SPDX-License-Identifier: MIT */
#include "fs/store_ahead_priv.h"

static _Atomic uint8_t *byte_of(struct store_ahead *ahead, uint64_t part)
{
	return &ahead->is_asked[part % AHEAD_PARTS / 8];
}

static uint8_t bit_of(uint64_t part)
{
	return (uint8_t)(1u << part % 8);
}

static bool is_asked(struct store_ahead *ahead, uint64_t part)
{
	return atomic_load_explicit(byte_of(ahead, part), memory_order_relaxed) & bit_of(part);
}

/* True for one caller alone. */
static bool take(struct store_ahead *ahead, uint64_t part)
{
	return !is_asked(ahead, part) && !(atomic_fetch_or(byte_of(ahead, part), bit_of(part)) & bit_of(part));
}

/* Whether a read from here on goes on where the last one ended, in its part or the next. */
static bool is_in_order(struct store_ahead *ahead, uint64_t first, uint64_t last)
{
	uint64_t next = atomic_exchange_explicit(&ahead->next, last + 1, memory_order_relaxed);

	return first == next || first + 1 == next;
}

bool ahead_take(struct store_ahead *ahead, uint64_t offset, uint64_t nbytes, struct ahead_range *ret_range)
{
	uint64_t first = offset / AHEAD_NBYTES, last = (offset + nbytes - 1) / AHEAD_NBYTES, end = last + 1;
	uint64_t from = UINT64_MAX, to = 0;

	if (is_in_order(ahead, first, last) && !is_asked(ahead, last + AHEAD_LEAD))
		end += AHEAD_RUN;
	for (uint64_t part = first; part < end; part++) {
		if (!take(ahead, part))
			continue;
		from = from < part ? from : part;
		to = part + 1;
	}
	if (from >= to)
		return false;
	*ret_range = (struct ahead_range){from * AHEAD_NBYTES, (to - from) * AHEAD_NBYTES};
	return true;
}
