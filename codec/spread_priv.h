/* SPDX-License-Identifier: MIT */
/* spread_priv.h: codes of any number of bits, one to a byte, and what turns these into coefficients. */
#pragma once

#include "codec/format.h"
#include "codec/tensor_kernel_priv.h"

struct dequant spread_dequant(struct ic_plane_params params, unsigned bits);

/* Sign-extend n codes of plane `p` from code `first`, a multiple of 8, on. `out` has room for n + SPREAD_SLACK. */
void spread_codes(const struct coef_kernel *kernel, const struct ic_view *view, unsigned p, uint64_t first, size_t n,
                  int8_t *out);
