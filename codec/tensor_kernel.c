/* SPDX-License-Identifier: MIT */
#include "codec/tensor_kernel_priv.h"

#include "codec/dct_priv.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* The fillings of an instruction set, as codec/meson.build names them. */
#define DECLARE(set)                                                                                                   \
	extern const struct unblock_kernel unblock_kernel_##set;                                                       \
	extern const struct pixel_kernel pixel_kernel_##set;                                                           \
	extern const struct coef_kernel coef_kernel_##set;                                                             \
	extern const struct resize_kernel resize_kernel_##set;                                                         \
	static const struct tensor_kernel tensor_kernel_##set = {#set, &unblock_kernel_##set, &pixel_kernel_##set,     \
	                                                         &coef_kernel_##set, &resize_kernel_##set}

DECLARE(c);

#if defined(__x86_64__)
DECLARE(ssse3);
DECLARE(avx2);
DECLARE(avx512);

static const struct tensor_kernel *const kernels[] = {&tensor_kernel_avx512, &tensor_kernel_avx2, &tensor_kernel_ssse3,
                                                      &tensor_kernel_c, NULL};

/* Zen 4 does half of a register of 512 bits at a time, and takes longer for that than for one of 256 (docs/decoding.md). */
static const struct tensor_kernel *const kernels_zen4[] = {&tensor_kernel_avx2, &tensor_kernel_avx512,
                                                           &tensor_kernel_ssse3, &tensor_kernel_c, NULL};

/* Those that this machine can run: with all that codec/meson.build lets the compiler use. */
static const struct tensor_kernel *const *available(void)
{
	unsigned a, b, c = 0, d;
	bool has_halves = __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C; /* which clang 14 cannot be asked by name */
	if (has_halves && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return __builtin_cpu_is("amdfam19h") ? kernels_zen4 : kernels;
	if (has_halves && __builtin_cpu_supports("avx2"))
		return kernels + 1;
	return kernels + (__builtin_cpu_supports("ssse3") ? 2 : 3);
}

#else
#if defined(__aarch64__)
DECLARE(neon);

static const struct tensor_kernel *const kernels[] = {&tensor_kernel_neon, &tensor_kernel_c, NULL};
#else
static const struct tensor_kernel *const kernels[] = {&tensor_kernel_c, NULL};
#endif

static const struct tensor_kernel *const *available(void)
{
	return kernels;
}
#endif

const struct tensor_kernel *tensor_kernel_at(unsigned index)
{
	const struct tensor_kernel *const *kernel = available();
	for (; *kernel && index > 0; index--)
		kernel++;
	return *kernel;
}

static const int16_t *matrix(unsigned block)
{
	switch (block) {
	case 2:
		return dct_matrix_2;
	case 4:
		return dct_matrix_4;
	case 8:
		return dct_matrix_8;
	case 16:
		return dct_matrix_16;
	default:
		return dct_matrix_32;
	}
}

unsigned block_shape_pairs(unsigned block, int32_t *pairs)
{
	const int16_t *m = matrix(block);
	unsigned n = 0;
	pairs[n++] = tensor_pair(m[0], m[block / 2]);
	pairs[n++] = tensor_pair(m[block], m[block + block / 2]);
	for (unsigned size = 4; size <= block; size *= 2) {
		unsigned s = block / size;
		for (unsigned x = 0; x < size / 2; x++) {
			for (unsigned j = 0; j < size / 4; j++)
				pairs[n++] =
				        tensor_pair(m[x * block + s * (4 * j + 1)], m[x * block + s * (4 * j + 3)]);
		}
	}
	return n;
}
