/* SPDX-License-Identifier: MIT */
#include "attempt.h"

#include <stdlib.h>
#include <string.h>

#define CHANGES_MAX 8

struct mutant {
	uint8_t *bytes;
	size_t nbytes, capacity;
};

/* A place inside, more often near the front, where the headers are. */
static size_t any_place(struct dice *dice, const struct mutant *m)
{
	size_t place = m->nbytes ? dice_roll(dice, (uint32_t)m->nbytes) : 0;
	return dice_roll(dice, 2) && m->nbytes > 700 ? place % 700 : place;
}

static size_t any_run(struct dice *dice, size_t most)
{
	size_t n = (size_t)1 << dice_roll(dice, 10);
	return n < most ? n : most;
}

static void set_byte(struct dice *dice, struct mutant *m)
{
	static const uint8_t favourites[] = {0x00, 0x01, 0x7f, 0x80, 0xff, 0xd8, 0xd9, 0xda, 0xc0, 0xc4, 0xdb, 0xdd};
	uint32_t n = dice_roll(dice, 2 * sizeof favourites);
	m->bytes[any_place(dice, m)] = n < sizeof favourites ? favourites[n] : (uint8_t)dice_roll(dice, 256);
}

static void cut_out(struct dice *dice, struct mutant *m)
{
	size_t at = any_place(dice, m), n = any_run(dice, m->nbytes - at);
	memmove(m->bytes + at, m->bytes + at + n, m->nbytes - at - n);
	m->nbytes -= n;
}

static void insert(struct dice *dice, struct mutant *m, const struct sample *from)
{
	size_t source = from->nbytes ? dice_roll(dice, (uint32_t)from->nbytes) : 0;
	size_t at = any_place(dice, m), n = any_run(dice, from->nbytes - source);
	if (m->nbytes + n > m->capacity)
		return;
	memmove(m->bytes + at + n, m->bytes + at, m->nbytes - at);
	memcpy(m->bytes + at, from->bytes + source, n);
	m->nbytes += n;
}

static void overwrite(struct dice *dice, struct mutant *m, const struct sample *from)
{
	size_t at = any_place(dice, m), n = any_run(dice, m->nbytes - at);
	size_t source = from->nbytes ? dice_roll(dice, (uint32_t)from->nbytes) : 0;
	n = n < from->nbytes - source ? n : from->nbytes - source;
	memcpy(m->bytes + at, from->bytes + source, n);
}

static void change(struct dice *dice, struct mutant *m, const struct sample *other)
{
	switch (m->nbytes ? dice_roll(dice, 8) : 4) {
	case 0:
	case 1:
		m->bytes[any_place(dice, m)] ^= (uint8_t)(1 << dice_roll(dice, 8));
		break;
	case 2:
	case 3:
		set_byte(dice, m);
		break;
	case 4:
		insert(dice, m, other);
		break;
	case 5:
		overwrite(dice, m, other);
		break;
	case 6:
		cut_out(dice, m);
		break;
	default:
		m->nbytes -= any_run(dice, m->nbytes);
	}
}

uint8_t *mutant_new(struct dice *dice, const struct sample *samples, size_t nsamples, size_t *ret_nbytes)
{
	const struct sample *origin = &samples[dice_roll(dice, (uint32_t)nsamples)];
	struct mutant m = {.nbytes = origin->nbytes, .capacity = origin->nbytes + MUTANT_GROWTH};

	m.bytes = malloc(m.capacity);
	if (!m.bytes)
		abort();
	if (origin->nbytes)
		memcpy(m.bytes, origin->bytes, origin->nbytes);
	for (unsigned n = 1 + dice_roll(dice, CHANGES_MAX); n > 0; n--)
		change(dice, &m, &samples[dice_roll(dice, (uint32_t)nsamples)]);
	*ret_nbytes = m.nbytes;
	return m.bytes;
}
