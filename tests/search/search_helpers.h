/* SPDX-License-Identifier: MIT */
/* search_helpers.h: short searches by the synthetic evaluator, for suites that make many. */
#pragma once

#include "synthetic.h"

/* 40 evaluations, 16 of them in four rounds once accuracies are known, for an aim of one key; NULL: none. */
struct search_settings small_search(struct catalog *catalog, struct synthetic *synthetic, const char *key,
                                    const char *value);

/* It ends with an outcome, which the caller clears. */
struct search_outcome run_search(const struct search_settings *settings);
