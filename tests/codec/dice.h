/* SPDX-License-Identifier: MIT */
/* dice.h: numbers that look random; the same seed gives the same ones on every machine. */
#pragma once

#include "codec/design.h"

struct dice {
	uint64_t state;
};

/* The seed may be any number: each gives its own sequence. */
static inline struct dice dice_new(uint64_t seed)
{
	return (struct dice){seed};
}

/* splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014) */
static inline uint64_t dice_word(struct dice *dice)
{
	uint64_t z = dice->state += 0x9e3779b97f4a7c15u;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* 0..sides-1 */
static inline uint32_t dice_roll(struct dice *dice, uint32_t sides)
{
	return (uint32_t)((dice_word(dice) >> 32) * sides >> 32);
}

/* low..high */
static inline int32_t dice_between(struct dice *dice, int32_t low, int32_t high)
{
	return low + (int32_t)dice_roll(dice, (uint32_t)(high - low) + 1);
}

/* Any valid design, the extended space included. */
struct ic_design design_random(struct dice *dice);
