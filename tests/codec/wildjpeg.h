/* SPDX-License-Identifier: MIT */
/*
 * wildjpeg.h: sequential JPEGs that no encoder would write, though the standard allows all of them but a symbol here and
 * there: random codes of up to 16 bits, values of up to 15, runs of any length, sampling factors of up to 4. Malloc'ed.
 */
#pragma once

#include "dice.h"
#include "tests/tools/jpegmake.h"

/* The most blocks that an MCU of more than one component may have (ITU-T T.81, B.2.3). */
#define WILDJPEG_BLOCKS 10

/* Of at most 60 x 60 pixels, 1, 3 or 4 components and so many blocks in an MCU; undamaged. */
struct bytes wildjpeg_new(struct dice *dice, unsigned blocks_in_mcu_max);

/* A code of nothing but zeros, the only one of its table. */
struct wildjpeg_code {
	uint8_t nbits;  /* 1..16 */
	uint8_t symbol; /* that it stands for */
};

/* A gray one, one block wide and `nblocks` (at most 31) high, with these entropy-coded data. */
struct bytes wildjpeg_column(uint8_t nblocks, struct wildjpeg_code dc, struct wildjpeg_code ac, struct bytes data);
