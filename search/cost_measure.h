/* SPDX-License-Identifier: MIT */
/* cost_measure.h: what reading and decoding take on this machine, measured on a sample of a dataset. */
#pragma once

#include "search/cost.h"
#include "search/dataset.h"
#include "search/measurement.h"

/*
 * A few images, spread over the dataset, are encoded under 60 designs: one of each sampling and block size to fit to, and 15
 * more to check with. Reading is of files that the page cache holds; decoding is to RGB, by one thread. Each time is the
 * least of some. What the catalog has of this dataset, hardware and codec is not measured again, and what is measured is in it
 * before the next one is: who is stopped loses one. Takes seconds to a minute.
 *
 * `told` (may be NULL) hears how much of how much is done. -ENODATA: no JPEG of the dataset can be encoded; -ECANCELED,
 * -ENOMEM, errors of the catalog.
 */
errint_t cost_measure(const struct dataset *dataset, struct catalog *catalog, const char *hardware,
                      const atomic_bool *cancelled, void (*told)(void *context, unsigned done, unsigned total),
                      void *context, struct cost_model *ret_model, struct ic_why *why);
