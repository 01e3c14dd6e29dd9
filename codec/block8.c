/* SPDX-License-Identifier: MIT */
#include "codec/block8_priv.h"

#include "codec/dct_priv.h"
#include "codec/transpose8_priv.h"

#include <string.h>

static inline int16_t dequantize(int16_t coef, uint16_t step)
{
	int32_t value = coef * (int32_t)step;
	return (int16_t)(value > INT16_MAX ? INT16_MAX : value < INT16_MIN ? INT16_MIN : value);
}

void block8_inverse_c(const int16_t (*quantized)[64], const uint16_t steps[64], size_t n, uint8_t *samples,
                      size_t stride)
{
	const struct dct_kernel *dct = dct_kernel_best();
	for (size_t block = 0; block < n; block++) {
		int16_t coefs[64];
		uint16_t any = 0;
		for (unsigned i = 0; i < 64; i++) {
			coefs[i] = dequantize(quantized[block][i], steps[i]);
			any |= i ? (uint16_t)quantized[block][i] : 0;
		}
		unsigned side = any ? 8 : 1;
		dct->inverse(8, side, side, coefs, samples + block * 8, stride);
	}
}

#define LANES DCT_NBLOCKS

/* Of n blocks, from a block to a lane to one after the other. */
static void take_apart(const int16_t lanes[64 * LANES], size_t n, int16_t (*coefs)[64])
{
	for (unsigned i = 0; i < 64; i += LANES) {
		lanes16 r[LANES];
		memcpy(r, lanes + (size_t)i * LANES, sizeof r);
		transpose8(r);
		for (size_t block = 0; block < n; block++)
			memcpy(coefs[block] + i, &r[block], sizeof r[block]);
	}
}

static void forward_c(const uint8_t *samples, size_t stride, size_t n, int16_t (*coefs)[64])
{
	const struct dct_kernel *dct = dct_kernel_best();
	int16_t lanes[64 * LANES];
	for (; n >= LANES; n -= LANES, samples += 8 * LANES, coefs += LANES) {
		dct->forward(8, 8, 8, samples, stride, lanes);
		take_apart(lanes, LANES, coefs);
	}
	if (n > 0) { /* those beyond the last are of no account, and not the caller's */
		uint8_t last[8][8 * LANES] = {{0}};
		for (unsigned y = 0; y < 8; y++)
			memcpy(last[y], samples + y * stride, 8 * n);
		dct->forward(8, 8, 8, last[0], sizeof last[0], lanes);
		take_apart(lanes, n, coefs);
	}
}

static const struct block8_kernel block8_kernel_c = {"c", block8_inverse_c, forward_c};

#if defined(__x86_64__)
extern const struct block8_kernel block8_kernel_avx2;

#define N_KERNELS 2
const struct block8_kernel *block8_kernel_at(unsigned index)
{
	static const struct block8_kernel *const kernels[N_KERNELS] = {&block8_kernel_avx2, &block8_kernel_c};
	index += __builtin_cpu_supports("avx2") ? 0 : 1;
	return index < N_KERNELS ? kernels[index] : 0;
}
#else
const struct block8_kernel *block8_kernel_at(unsigned index)
{
	return index ? 0 : &block8_kernel_c;
}
#endif
