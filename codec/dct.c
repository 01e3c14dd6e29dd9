/* SPDX-License-Identifier: MIT */
#include "codec/dct_priv.h"

extern const struct dct_kernel dct_kernel_c, dct_kernel_avx2;

#if defined(__x86_64__)
#define N_KERNELS 2
const struct dct_kernel *dct_kernel_at(unsigned index)
{
	static const struct dct_kernel *const kernels[N_KERNELS] = {&dct_kernel_avx2, &dct_kernel_c};
	index += __builtin_cpu_supports("avx2") ? 0 : 1;
	return index < N_KERNELS ? kernels[index] : 0;
}
#else
const struct dct_kernel *dct_kernel_at(unsigned index)
{
	return index ? 0 : &dct_kernel_c;
}
#endif
