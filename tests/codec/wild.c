/* SPDX-License-Identifier: MIT */
#include "wild.h"

#include "codec/format.h"

#include <stdlib.h>
#include <string.h>

static void put_entry(struct dice *dice, unsigned bits, uint8_t *entry)
{
	bool is_extreme = dice_roll(dice, 4) == 0;

	entry[0] = is_extreme ? 255 : (uint8_t)dice_between(dice, 1, 40);
	entry[1] = is_extreme ? 8 : (uint8_t)dice_between(dice, 1, 8);
	entry[2] = entry[1] > bits ? (uint8_t)dice_word(dice) : 0;
	entry[3] = entry[1] > bits ? (uint8_t)dice_word(dice) : 0;
}

/* Planes of zeros, of the two extremes, and of anything. */
static void put_plane(struct dice *dice, uint8_t *codes, uint64_t nbytes)
{
	unsigned kind = dice_roll(dice, 4);

	for (uint64_t i = 0; i < nbytes; i++) {
		uint8_t any = (uint8_t)dice_word(dice);
		codes[i] = kind == 0 ? 0 : kind == 1 ? (any & 1 ? 0x7f : 0x80) : any;
	}
}

struct bytes wild_object(struct dice *dice, const struct ic_design *design, uint32_t width, uint32_t height,
                         unsigned ncomponents)
{
	struct ic_layout l;

	if (ic_layout_init(&l, design, width, height, ncomponents))
		abort();
	struct bytes object = {calloc(1, l.nbytes), l.nbytes};
	if (!object.data)
		abort();
	ic_header_write(object.data, &l, (uint8_t)dice_between(dice, 1, 8), 0);
	for (unsigned p = 0; p < l.nplanes; p++) {
		put_entry(dice, design->bits, object.data + IC_HEADER_SIZE + IC_TABLE_ENTRY_SIZE * p);
		put_plane(dice, object.data + ic_layout_plane_offset(&l, p), l.component[p % ncomponents].plane_nbytes);
	}
	return object;
}
