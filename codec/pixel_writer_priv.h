/* SPDX-License-Identifier: MIT */
/* pixel_writer_priv.h: rows of 8-bit pixels as the values of a tensor, in its type and its order of axes. */
#pragma once

#include "codec/tensor_priv.h"

struct pixel_writer {
	const struct tensor_job *job;
	struct pixel_numbers numbers[3]; /* of each channel; or one for all, side by side */
};

void pixel_writer_init(struct pixel_writer *writer, const struct tensor_job *job);

/* n values, which have TENSOR_SLACK, of a channel, or of all side by side. */
void pixel_writer_values(const struct pixel_writer *writer, const uint8_t *in, size_t n, unsigned channel, void *out);

/* The first `n` pixels of row `row` of the output, from planes that have TENSOR_SLACK. `joined` has room for 3 * n bytes
 * and TENSOR_SLACK; it is used where channels lie side by side. */
void pixel_writer_row(const struct pixel_writer *writer, uint32_t row, const uint8_t *const rgb[3], size_t n,
                      uint8_t *joined);
