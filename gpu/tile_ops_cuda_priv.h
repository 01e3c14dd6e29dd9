/* SPDX-License-Identifier: MIT */
/* tile_ops_cuda_priv.h: the operations of tile_ops_priv.h, which defines them, as instructions. */
#pragma once

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#define TILE_INLINE static __device__ __forceinline__
#define TILE_CONSTANT static __device__ const
#define TILE_UNROLL _Pragma("unroll")
#define TILE_LOOP _Pragma("unroll 1")
#define TILE_SPMD 1u

TILE_INLINE uint32_t op_funnel(uint32_t low, uint32_t high, uint32_t shift)
{
	return __funnelshift_r(low, high, shift);
}

TILE_INLINE int32_t op_dot4(uint32_t a, uint32_t b, int32_t c)
{
	int32_t sum;
	asm("dp4a.s32.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
	return sum;
}

TILE_INLINE uint32_t op_dot2_low(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t sum;
	asm("dp2a.lo.u32.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
	return sum;
}

TILE_INLINE uint32_t op_dot2_high(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t sum;
	asm("dp2a.hi.u32.u32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(c));
	return sum;
}

/* Volatile: all lanes must meet there, so it may not be moved into what one of them does with the outcome. */
#define OP_MULTIPLY(name, a_type, b_type)                                                                              \
	TILE_INLINE void name(const uint32_t *a0, const uint32_t *a1, const uint32_t *b, int32_t(*c)[4],               \
	                      int32_t(*out)[4])                                                                        \
	{                                                                                                              \
		asm volatile("mma.sync.aligned.m16n8k16.row.col.s32." a_type "." b_type ".s32 {%0, %1, %2, %3}, "      \
		             "{%4, %5}, {%6}, {%7, %8, %9, %10};"                                                      \
		             : "=r"(out[0][0]), "=r"(out[0][1]), "=r"(out[0][2]), "=r"(out[0][3])                      \
		             : "r"(a0[0]), "r"(a1[0]), "r"(b[0]), "r"(c[0][0]), "r"(c[0][1]), "r"(c[0][2]),            \
		               "r"(c[0][3]));                                                                          \
	}
OP_MULTIPLY(op_multiply_rows, "s8", "u8")
OP_MULTIPLY(op_multiply_columns, "u8", "s8")

TILE_INLINE void op_multiply_halves(const uint32_t (*a)[4], const uint32_t (*b)[2], float (*c)[4])
{
	asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
	             "{%0, %1, %2, %3};"
	             : "+f"(c[0][0]), "+f"(c[0][1]), "+f"(c[0][2]), "+f"(c[0][3])
	             : "r"(a[0][0]), "r"(a[0][1]), "r"(a[0][2]), "r"(a[0][3]), "r"(b[0][0]), "r"(b[0][1]));
}

TILE_INLINE uint32_t op_permute(uint32_t low, uint32_t high, uint32_t selector)
{
	uint32_t out;
	asm("prmt.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(low), "r"(high), "r"(selector));
	return out;
}

TILE_INLINE uint32_t op_leading_zeros(uint32_t n)
{
	return static_cast<uint32_t>(__clz(static_cast<int>(n)));
}

TILE_INLINE int32_t op_clamp(int32_t value, int32_t min, int32_t max)
{
	return ::min(::max(value, min), max);
}

TILE_INLINE uint32_t op_pack_s16(int32_t a, int32_t b)
{
	uint32_t out;
	asm("cvt.pack.sat.s16.s32 %0, %1, %2;" : "=r"(out) : "r"(b), "r"(a));
	return out;
}

TILE_INLINE uint32_t op_pack_s8(int32_t a, int32_t b, int32_t c, int32_t d)
{
	uint32_t high, out;
	asm("cvt.pack.sat.s8.s32.b32 %0, %1, %2, 0;" : "=r"(high) : "r"(d), "r"(c));
	asm("cvt.pack.sat.s8.s32.b32 %0, %1, %2, %3;" : "=r"(out) : "r"(b), "r"(a), "r"(high));
	return out;
}

TILE_INLINE uint32_t op_add_clamp(uint32_t a, uint32_t b)
{
	return __viaddmin_s16x2_relu(a, b, 0x00ff00ff);
}

TILE_INLINE float op_tiny_low(uint32_t pair)
{
	return __low2float(*reinterpret_cast<__half2 *>(&pair));
}

TILE_INLINE float op_tiny_high(uint32_t pair)
{
	return __high2float(*reinterpret_cast<__half2 *>(&pair));
}

TILE_INLINE float op_normalize(float value, float mean, float scale)
{
	return __fmul_rn(__fsub_rn(value, mean), scale);
}

TILE_INLINE float op_product(float a, float b)
{
	return __fmul_rn(a, b);
}

TILE_INLINE float op_multiply_add(float a, float b, float c)
{
	return __fmaf_rn(a, b, c);
}

TILE_INLINE float op_fused(float a, float b, float c)
{
	return __fmaf_rn(a, b, c);
}

TILE_INLINE uint32_t op_half2_fused(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t out;
	asm("fma.rn.f16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(a), "r"(b), "r"(c));
	return out;
}

TILE_INLINE uint32_t op_half2_fused_clamped(uint32_t a, uint32_t b, uint32_t c)
{
	uint32_t out;
	asm("fma.rn.sat.f16x2 %0, %1, %2, %3;" : "=r"(out) : "r"(a), "r"(b), "r"(c));
	return out;
}

TILE_INLINE uint32_t op_float_bits(float value)
{
	return __float_as_uint(value);
}

TILE_INLINE float op_bits_float(uint32_t bits)
{
	return __uint_as_float(bits);
}

TILE_INLINE uint32_t op_half2(float a, float b)
{
	__half2 both = __floats2half2_rn(a, b);
	return *reinterpret_cast<uint32_t *>(&both);
}

TILE_INLINE uint32_t op_bfloat2(float a, float b)
{
	__nv_bfloat162 both = __floats2bfloat162_rn(a, b);
	return *reinterpret_cast<uint32_t *>(&both);
}

TILE_INLINE uint32_t op_load4(const void *from)
{
	return *static_cast<const uint32_t *>(from);
}

TILE_INLINE void op_load8(const void *from, uint32_t out[2])
{
	uint2 words = *static_cast<const uint2 *>(from);
	out[0] = words.x;
	out[1] = words.y;
}

TILE_INLINE void op_load16(const void *from, uint32_t out[4])
{
	uint4 words = *static_cast<const uint4 *>(from);
	out[0] = words.x;
	out[1] = words.y;
	out[2] = words.z;
	out[3] = words.w;
}

TILE_INLINE uint32_t op_load4_global(const void *from)
{
	return __ldg(static_cast<const uint32_t *>(from));
}

TILE_INLINE void op_load16_global(const void *from, uint32_t out[4])
{
	uint4 words = __ldg(static_cast<const uint4 *>(from));
	out[0] = words.x;
	out[1] = words.y;
	out[2] = words.z;
	out[3] = words.w;
}

TILE_INLINE const uint8_t *op_word_of(const uint8_t *from)
{
	return reinterpret_cast<const uint8_t *>(reinterpret_cast<uintptr_t>(from) & ~static_cast<uintptr_t>(3));
}

TILE_INLINE void op_copy4(void *to, const void *from)
{
	asm volatile("cp.async.ca.shared.global [%0], [%1], 4;"
	             :
	             : "r"(static_cast<uint32_t>(__cvta_generic_to_shared(to))), "l"(from)
	             : "memory");
}

TILE_INLINE void op_wait_copies(void)
{
	asm volatile("cp.async.wait_all;" ::: "memory");
}

TILE_INLINE int32_t op_load_s16(const void *from)
{
	return *static_cast<const int16_t *>(from);
}

TILE_INLINE void op_store16(void *to, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
	*static_cast<uint4 *>(to) = make_uint4(a, b, c, d);
}

TILE_INLINE void op_store8(void *to, uint32_t a, uint32_t b)
{
	*static_cast<uint2 *>(to) = make_uint2(a, b);
}

TILE_INLINE void op_store4(void *to, uint32_t word)
{
	*static_cast<uint32_t *>(to) = word;
}

TILE_INLINE void op_store2(void *to, uint32_t word)
{
	*static_cast<uint16_t *>(to) = static_cast<uint16_t>(word);
}
