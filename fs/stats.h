/* SPDX-License-Identifier: MIT */
/*
 * stats.h: what a mount has counted, and how it is shown: Prometheus text, in .icfs/stats. Counting is one relaxed
 * addition.
 */
#pragma once

#include "fs/cache.h"
#include "fs/store.h"

#include <stdatomic.h>
#include <stdio.h>

enum stats_counter {
	STATS_LOOKUP,
	STATS_GETATTR,
	STATS_READ,
	STATS_READDIR,
	STATS_READLINK,
	STATS_FORGET,
	STATS_XATTR,
	STATS_OTHER,
	STATS_REQUESTS, /* how many kinds of requests there are */

	STATS_OBJECT_BYTES_MADE = STATS_REQUESTS,
	STATS_OBJECT_BYTES_SERVED,
	STATS_FILE_BYTES_SERVED,
	STATS_SOURCE_BYTES_READ,
	STATS_ENCODE_NANOSECONDS,
	STATS_HEADERS_READ,
	STATS_HEADERS_REMEMBERED,
	STATS_SIZES_REMEMBERED,
	STATS_FAILURES,
	STATS_STALE,
	STATS_INVALIDATIONS,
	STATS_COUNTERS,
};

struct stats {
	atomic_uint_fast64_t counters[STATS_COUNTERS];
};

void stats_add(struct stats *stats, enum stats_counter counter, uint64_t n);

/* What is asked of the parts when the text is written. */
struct stats_gauges {
	struct cache_counts cache;
	uint64_t cache_nbytes_max;
	uint64_t nodes;
	uint64_t names_nbytes;
	uint64_t nwaiting; /* objects that wait for memory to be made in */
};

void stats_write(struct stats *stats, const struct stats_gauges *gauges, FILE *out);
void stats_write_store(const struct store_counts *counts, uint64_t nbytes_max, FILE *out);
