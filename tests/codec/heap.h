/* SPDX-License-Identifier: MIT */
/*
 * heap.h: allocations that are counted, and fail when they are told to. For an executable that is linked with
 * --wrap=malloc, --wrap=calloc, --wrap=realloc and --wrap=free. Of one thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* The one place for them, since malloc takes no context. */
struct heap {
	bool watched;
	unsigned long count;              /* allocations so far */
	unsigned long fail_from, fail_to; /* these fail, counted from 1; 0: none */
	long live;                        /* not freed yet */
	size_t nbytes, peak;
};
extern struct heap heap;

/* From now on, until `heap.watched` is false; what was counted before is forgotten. */
void heap_watch(unsigned long fail_from, unsigned long fail_to);
