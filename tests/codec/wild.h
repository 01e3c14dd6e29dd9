/* SPDX-License-Identifier: MIT */
/* wild.h: objects that no encoder wrote and every reader accepts: codes and tables of random numbers. */
#pragma once

#include "dice.h"
#include "tests/tools/jpegmake.h"

/* A valid object of width x height source pixels. Malloc'ed; aborts when memory runs out. */
struct bytes wild_object(struct dice *dice, const struct ic_design *design, uint32_t width, uint32_t height,
                         unsigned ncomponents);
