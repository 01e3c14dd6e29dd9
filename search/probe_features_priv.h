/* SPDX-License-Identifier: MIT */
/*
 * probe_features_priv.h: what the probe knows an image by. An object is decoded to pixels and brought onto one grid of
 * PROBE_SIDE x PROBE_SIDE, the same for all designs; then come fixed filters at several scales, whose magnitudes
 * are averaged over the cells of a coarser grid, and the mean colours of these cells.
 *
 * Whole numbers up to the sums over cells, then one correctly rounded square root each: the same bits on every machine
 * and with every instruction set.
 */
#pragma once

#include "codec/format.h"
#include "search/probe_kernel_priv.h"

#define PROBE_SIDE 128u

struct probe_filters; /* immutable; for any number of threads */
errint_t probe_filters_new(struct probe_filters **ret_filters);
void probe_filters_free(struct probe_filters *filters); /* NULL is fine */

#define PROBE_NFEATURES 1008u /* values of an image */

/* What one thread needs. Sizes of images that it met are kept, so that runs of equal ones are cheap. */
struct probe_scratch;
errint_t probe_scratch_new(const struct probe_filters *filters, struct probe_scratch **ret_scratch);
void probe_scratch_free(struct probe_scratch *scratch); /* NULL is fine */

/* The grid of an object: three planes (R, G, B) of PROBE_SIDE x PROBE_SIDE, the scratch's until its next use. The view
 * is one that ic_view_parse or ic_view_parse_prefix accepted. Errors of ic_tensor_decode; -ENOMEM. */
errint_t probe_grid(struct probe_scratch *scratch, const struct ic_view *view, const uint8_t **ret_grid,
                    struct ic_why *why);

/* The features of a grid; PROBE_NFEATURES of them. With the kernel of the caller's choice. */
void probe_features(struct probe_scratch *scratch, const struct probe_kernel *kernel, const uint8_t *grid, float *out);
