/* SPDX-License-Identifier: MIT */
#include "codec/spread_priv.h"

struct dequant spread_dequant(struct ic_plane_params params, unsigned bits)
{
	int32_t step = params.step << (params.nbits > bits ? params.nbits - bits : 0);
	return (struct dequant){
	        .step = (int16_t)step,
	        .if_nonneg = (int16_t)((params.mean_nonneg * step + 128) >> 8),
	        .if_neg = (int16_t)((params.mean_neg * step + 128) >> 8),
	};
}

void spread_codes(const struct coef_kernel *kernel, const struct ic_view *view, unsigned p, uint64_t first, size_t n,
                  int8_t *out)
{
	const struct ic_layout *l = &view->layout;
	unsigned bits = l->design.bits;
	const uint8_t *plane = ic_view_plane_data(view, p);
	const uint8_t *end = plane + l->component[p % l->ncomponents].plane_nbytes;
	kernel->spread(plane + first / 8 * bits, end, bits, n, out);
}
