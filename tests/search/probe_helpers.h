/* SPDX-License-Identifier: MIT */
/*
 * probe_helpers.h: datasets for the probe. Pictures of a class are gratings of one direction, of any phase and of a
 * short wave, over clutter: what tells classes apart is fine detail, which sparse designs lose.
 */
#pragma once

#include "search/probe.h"

#define DATASET_NCLASSES 4u

/* A new directory below $TMPDIR, and all that is in it removed again. */
struct dataset {
	char path[256];
};
struct dataset dataset_new(void);
void dataset_remove(struct dataset *dataset);

/* Add `n` pictures to a directory of it, which is made where it is missing: 0.jpg, 1.jpg and so on. The same arguments
 * give the same pictures. */
void dataset_add(const struct dataset *dataset, const char *directory, unsigned label, unsigned n, uint32_t seed);

/* The same picture as number `index` of that call, at another quality. */
void dataset_add_copy(const struct dataset *dataset, const char *directory, const char *name, unsigned label,
                      unsigned index, uint32_t seed);

void dataset_add_text(const struct dataset *dataset, const char *path, const char *text);

/* Classes a, b, c, d of n pictures each, below a directory of it ("" for itself). */
void dataset_add_classes(const struct dataset *dataset, const char *below, unsigned n, uint32_t seed);

struct evaluator_settings settings_for(const struct dataset *dataset);
