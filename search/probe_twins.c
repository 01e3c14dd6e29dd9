/* SPDX-License-Identifier: MIT */
/* Near duplicates: the same picture at another quality or size. */
#include "search/probe_dataset_priv.h"

#include <errno.h>
#include <stdlib.h>

#define NPIXELS sizeof(((struct probe_image *)0)->thumbnail)
#define SIDE 16u

/* Bits that the hashes of near duplicates may differ in, which are looked at before the pictures themselves. */
#define HASH_DISTANCE_MAX 12
/* Near is what differs by less than this part of its own contrast, or by less than a level. Copies at another quality
 * or size differ by 1 or 2 %, unlike pictures of photographs by 100 %. */
#define CONTRAST_PART 12

struct picture_hash {
	uint64_t bits; /* whether each of 8 x 8 cells is darker than the one to its right */
	unsigned mean;
	unsigned contrast; /* mean distance from the mean, in levels, times NPIXELS */
};

static unsigned cell_at(const uint8_t *thumbnail, unsigned x, unsigned y)
{
	const uint8_t *at = thumbnail + 2 * y * SIDE + 2 * x;
	return (unsigned)at[0] + at[1] + at[SIDE] + at[SIDE + 1];
}

static struct picture_hash hash_of(const uint8_t *thumbnail)
{
	struct picture_hash hash = {0};
	for (unsigned i = 0; i < 64; i++) {
		unsigned x = i % 8, y = i / 8;
		if (cell_at(thumbnail, x, y) < cell_at(thumbnail, (x + 1) % 8, y))
			hash.bits |= (uint64_t)1 << i;
	}
	for (unsigned i = 0; i < NPIXELS; i++)
		hash.mean += thumbnail[i];
	hash.mean /= (unsigned)NPIXELS;
	for (unsigned i = 0; i < NPIXELS; i++)
		hash.contrast += (unsigned)abs((int)thumbnail[i] - (int)hash.mean);
	return hash;
}

static bool is_near(const struct probe_image *a, const struct probe_image *b, unsigned contrast)
{
	unsigned distance = 0;
	for (unsigned i = 0; i < NPIXELS; i++)
		distance += (unsigned)abs((int)a->thumbnail[i] - (int)b->thumbnail[i]);
	return distance <= NPIXELS || distance * CONTRAST_PART <= contrast;
}

static uint32_t root_of(uint32_t *first, uint32_t i)
{
	while (first[i] != i)
		i = first[i] = first[first[i]];
	return i;
}

static void join(uint32_t *first, uint32_t a, uint32_t b)
{
	a = root_of(first, a);
	b = root_of(first, b);
	first[a > b ? a : b] = a > b ? b : a;
}

errint_t probe_twins(const struct probe_image *images, size_t n, const atomic_bool *cancelled, uint32_t *ret_first)
{
	struct picture_hash *hashes = malloc((n + 1) * sizeof *hashes);
	if (!hashes)
		return -ENOMEM;
	errint_t err = 0;
	for (size_t i = 0; i < n; i++) {
		hashes[i] = hash_of(images[i].thumbnail);
		ret_first[i] = (uint32_t)i;
	}
	for (size_t i = 0; i < n && !err; i++) {
		for (size_t j = 0; j < i; j++) {
			if (__builtin_popcountll(hashes[i].bits ^ hashes[j].bits) <= HASH_DISTANCE_MAX &&
			    is_near(&images[i], &images[j], hashes[i].contrast))
				join(ret_first, (uint32_t)i, (uint32_t)j);
		}
		err = probe_is_cancelled(cancelled) ? -ECANCELED : 0;
	}
	for (size_t i = 0; i < n; i++)
		ret_first[i] = root_of(ret_first, (uint32_t)i);
	free(hashes);
	return err;
}
