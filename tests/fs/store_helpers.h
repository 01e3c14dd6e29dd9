/* SPDX-License-Identifier: MIT */
/* store_helpers.h: what the suites of the store share. Where a helper cannot do its work, the Check test that called it
 * fails. */
#pragma once

#include "fs/store_priv.h"
#include "tests/codec/codec_helpers.h"

#include <limits.h>

/* A directory for one test, removed with all that is in it. */
struct scene {
	char directory[PATH_MAX];
	struct store_settings settings; /* of small segments in it, and no space kept free */
};
struct scene scene_new(void);
void scene_clear(struct scene *scene);

struct store *store_new(const struct scene *scene);

/* Source number `i`, and an object of it under a q8 design: random planes, for source_width x source_height pixels. */
struct store_source source_of(uint64_t i);
struct bytes object_of(uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height);

/* The same, put. -ENOSPC, -EFBIG: the store does not take it. */
errint_t offer(struct store *store, uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height);

/* The same; the store must take it. */
void put(struct store *store, uint64_t i, const struct ic_design *design, uint32_t width, uint32_t height);

/* Whether the store has `design` of what put(i, dense, ...) put; fails the test if it has something else. */
bool holds(struct store *store, uint64_t i, const struct ic_design *dense, const struct ic_design *design,
           uint32_t width, uint32_t height);

/* The names of the segments, sorted; how many, up to `max`. */
size_t segment_names(const struct scene *scene, char (*names)[SEGMENT_NAME_SIZE], size_t max);
uint64_t segments_nbytes(const struct scene *scene);
struct bytes file_read(const struct scene *scene, const char *name);
void file_write(const struct scene *scene, const char *name, struct bytes bytes);
