/* SPDX-License-Identifier: MIT */
/*
 * guard.h: memory between pages that may not be touched. A byte read or written past the end crashes the test, in every
 * build; one before the beginning, where guard_head is used.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct guard {
	uint8_t *end; /* behind it lies such a page */
	size_t nbytes;
};

/* Room for `nbytes`. Aborts when memory runs out. */
struct guard guard_new(size_t nbytes);
void guard_clear(struct guard *guard); /* zeroed is fine */

/* The last `nbytes` of it; aligned as far as their number is. */
void *guard_tail(const struct guard *guard, size_t nbytes);

/* All of it, from the beginning of a page on, before which lies one that may not be touched. */
void *guard_head(const struct guard *guard);

/* Grow `guard` where it is too small, and copy the bytes to its tail. */
uint8_t *guard_copy(struct guard *guard, const void *bytes, size_t nbytes);
