/* SPDX-License-Identifier: MIT */
#include "dice.h"

struct ic_design design_random(struct dice *dice)
{
	struct ic_design d = {
	        .sx = (uint8_t)(1 << dice_roll(dice, 3)),
	        .sy = (uint8_t)(1 << dice_roll(dice, 3)),
	        .block = (uint8_t)(1 << dice_roll(dice, 6)),
	        .bits = (uint8_t)dice_between(dice, 1, 8),
	        .chroma = (uint8_t)dice_between(dice, IC_CHROMA_FULL, IC_CHROMA_HALF),
	        .filter = (uint8_t)dice_roll(dice, 2),
	        .order = (uint8_t)dice_roll(dice, 4),
	};

	d.keep = (uint8_t)dice_between(dice, 1, 2 * d.block - 1);
	return d;
}
