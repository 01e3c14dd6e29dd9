/* SPDX-License-Identifier: MIT */
#include "codec/tensor_kernel_priv.h"

#include "codec/dct_priv.h"

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

#define N_KERNELS 4
static const struct tensor_kernel *const kernels[N_KERNELS] = {&tensor_kernel_avx512, &tensor_kernel_avx2,
                                                               &tensor_kernel_ssse3, &tensor_kernel_c};

/* All that codec/meson.build lets the compiler use. */
static unsigned best(void)
{
	bool has_halves = __builtin_cpu_supports("f16c");
	if (has_halves && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
		return 0;
	if (has_halves && __builtin_cpu_supports("avx2"))
		return 1;
	return __builtin_cpu_supports("ssse3") ? 2 : 3;
}

#elif defined(__aarch64__)
DECLARE(neon);

#define N_KERNELS 2
static const struct tensor_kernel *const kernels[N_KERNELS] = {&tensor_kernel_neon, &tensor_kernel_c};

static unsigned best(void)
{
	return 0;
}

#else
#define N_KERNELS 1
static const struct tensor_kernel *const kernels[N_KERNELS] = {&tensor_kernel_c};

static unsigned best(void)
{
	return 0;
}
#endif

const struct tensor_kernel *tensor_kernel_at(unsigned index)
{
	index += best();
	return index < N_KERNELS ? kernels[index] : 0;
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

static int32_t pair(int16_t first, int16_t second)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (int32_t)((uint32_t)second << 16 | (uint16_t)first);
#else
	return (int32_t)((uint32_t)first << 16 | (uint16_t)second);
#endif
}

unsigned block_shape_pairs(unsigned block, int32_t *pairs)
{
	const int16_t *m = matrix(block);
	unsigned n = 0;
	pairs[n++] = pair(m[0], m[block / 2]);
	pairs[n++] = pair(m[block], m[block + block / 2]);
	for (unsigned size = 4; size <= block; size *= 2) {
		unsigned s = block / size;
		for (unsigned x = 0; x < size / 2; x++) {
			for (unsigned j = 0; j < size / 4; j++)
				pairs[n++] = pair(m[x * block + s * (4 * j + 1)], m[x * block + s * (4 * j + 3)]);
		}
	}
	return n;
}
