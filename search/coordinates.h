/* SPDX-License-Identifier: MIT */
/*
 * coordinates.h: where a design lies among the others, so that near ones can be told from far ones. Pure, thread safe.
 *
 * What a model sees of an image is what is left of its spectrum. The coordinates say how much, each so that a step of 1 is
 * about as much everywhere:
 *
 *   0, 1  bandwidth across and down, in octaves: half of log2 of the share of frequencies kept, less log2 of the sampling.
 *         s2x2 with every frequency and s1x1 with a quarter of them keep the same band, and lie together here
 *   2     log2 of the share of frequencies kept: whether the band was cut by blocks or by sampling, which aliases
 *   3     4 * (1 - 2^-((q - 1) / 2)): a bit more is worth less the more there are; half of the amplitude's halving, since
 *         the error of q bits falls by 2 a bit and what is learned by less
 *   4     log2 of the block's side
 */
#pragma once

#include "codec/design.h"

#define COORDINATES 5

struct coordinates {
	double at[COORDINATES];
};

struct coordinates coordinates_of(const struct ic_design *design);

/* Euclidean; 2 and 4 at half weight: how the band is kept counts for less than how much of it is. */
double coordinates_distance(const struct coordinates *a, const struct coordinates *b);
