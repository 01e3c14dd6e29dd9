/* SPDX-License-Identifier: MIT */
/*
 * descriptors.h: how many files this process may hold open. A store holds each of its files open, a request or an entry of
 * a walk one or two more.
 */
#pragma once

#include <stddef.h>

/* Raise the limit as far as this process may. For programs, when they start. */
void descriptors_raise_limit(void);

/* The limit, now. */
size_t descriptors_limit(void);
