/* SPDX-License-Identifier: MIT */
/*
 * decode.h: from an object to coefficients, samples or RGB. Whole numbers all the way; docs/format.md defines each step,
 * and every implementation gives these bytes.
 *
 * The view must be one that ic_view_parse or ic_view_parse_prefix accepted. Thread safe. -ENOMEM is the only failure
 * besides -EINVAL for a component that is not there.
 */
#pragma once

#include "format.h"

/* Coefficients of one component, plane by plane: out[f * nblocks + block], f in the order of ic_design_freqs, block =
 * row * block_cols + col. In units of a JPEG coefficient (orthonormal DCT of samples less 128). `out` has room for
 * nfreqs * nblocks. */
IC_API errint_t ic_decode_coefficients(const struct ic_view *view, unsigned component, int16_t *out);

/* Samples of one component on its own grid, height rows of width bytes, `stride` bytes from row to row. */
IC_API errint_t ic_decode_component(const struct ic_view *view, unsigned component, uint8_t *out, size_t stride);

/* RGB on luma's grid: height rows of 3 * width bytes, R first, `stride` bytes from row to row. Grayscale gives R = G = B.
 * Orientation is not applied. */
IC_API errint_t ic_decode_rgb(const struct ic_view *view, uint8_t *out, size_t stride);
