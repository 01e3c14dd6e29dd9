/* SPDX-License-Identifier: MIT */
/*
 * The inverse transform of docs/format.md, section 3, LANES blocks at a time, one to a lane. This file is compiled once for
 * each instruction set (codec/meson.build); KERNEL(name) is what its functions are called there.
 *
 * A sum over v is one of pairs of coefficients by pairs of constants, which one instruction multiplies and adds; no constant
 * is -2^15, so that it is exact modulo 2^32, as the format wants its sums, and narrowing clamps as it wants them. The
 * matrix folds: of the rows v that are odd multiples of s = B / size, output x and output size-1-x differ in the sign
 * alone, so a line of `size` outputs is one of half as many, plus and minus the part of these rows.
 */
#include "codec/lanes_priv.h"
#include "codec/tensor_kernel_priv.h"

/* Of a line's pairs only those are written, and only those are read, that have a row below n. */
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#define MATRIX_BITS 13
#define PASS_BITS 2
#define FIRST_BITS (MATRIX_BITS - PASS_BITS)
#define BLOCK_MAX IC_BLOCK_MAX

/* --- One line of every block --------------------------------------------------------------------------------------- */

/* Where the pairs, and the constants, of the rows that are odd multiples of B / size begin. */
LANES_INLINE unsigned first_pair(unsigned size)
{
	return size / 4;
}

LANES_INLINE unsigned first_constant(unsigned size)
{
	return size == 4 ? 2 : size == 8 ? 4 : size == 16 ? 12 : 44;
}

/* Of inputs r[0..n), the others being 0, the rows that are odd multiples of B / size, by twos. */
LANES_INLINE void zip_rows(unsigned block, unsigned size, unsigned n, const lanes16 *r, lanes16 *low, lanes16 *high)
{
	unsigned s = block / size;
	for (unsigned j = 0; j < size / 4; j++) {
		unsigned first = s * (4 * j + 1), second = s * (4 * j + 3);
		if (first < n) {
			lanes16 other = second < n ? r[second] : (lanes16){0};
			low[first_pair(size) + j] = lanes_zip_low_2(r[first], other);
			high[first_pair(size) + j] = lanes_zip_high_2(r[first], other);
		}
	}
}

LANES_INLINE void zip_line(unsigned block, unsigned n, const lanes16 *r, lanes16 *low, lanes16 *high)
{
	lanes16 other = block / 2 < n ? r[block / 2] : (lanes16){0};
	low[0] = lanes_zip_low_2(r[0], other);
	high[0] = lanes_zip_high_2(r[0], other);
	/* One by one, so that sizes are constants: no compiler unrolls a loop that doubles. */
	if (block >= 4)
		zip_rows(block, 4, n, r, low, high);
	if (block >= 8)
		zip_rows(block, 8, n, r, low, high);
	if (block >= 16)
		zip_rows(block, 16, n, r, low, high);
	if (block >= 32)
		zip_rows(block, 32, n, r, low, high);
}

/* From a line of size / 2 sums to one of `size`. */
LANES_INLINE void unfold(unsigned block, unsigned size, unsigned n, const lanes16 *pairs, const int32_t *constants,
                         lanes32 *sums)
{
	unsigned s = block / size, npairs = size / 4;
	pairs += first_pair(size);
	constants += first_constant(size);
	for (unsigned x = 0; x < size / 2; x++) {
		lanes32 odd = {0};
		for (unsigned j = 0; j < npairs && s * (4 * j + 1) < n; j++)
			odd += lanes_madd(pairs[j], lanes_splat_pair(constants[x * npairs + j]));
		sums[size - 1 - x] = sums[x] - odd;
		sums[x] += odd;
	}
}

LANES_INLINE void sum_line(unsigned block, unsigned n, const lanes16 *pairs, const int32_t *constants, int bits,
                           lanes32 *sums)
{
	lanes32 half = (lanes32){0} + (1u << (bits - 1));
	sums[0] = lanes_madd(pairs[0], lanes_splat_pair(constants[0])) + half;
	sums[1] = lanes_madd(pairs[0], lanes_splat_pair(constants[1])) + half;
	if (block >= 4)
		unfold(block, 4, n, pairs, constants, sums);
	if (block >= 8)
		unfold(block, 8, n, pairs, constants, sums);
	if (block >= 16)
		unfold(block, 16, n, pairs, constants, sums);
	if (block >= 32)
		unfold(block, 32, n, pairs, constants, sums);
}

/* out[x] of a line whose first n inputs are not 0, rounded, clamped to 16 bits. `block` and, at 8 and less, `n` are
 * constants where this is called, so that every loop is unrolled. */
LANES_INLINE void inverse_line(unsigned block, unsigned n, const lanes16 *r, const int32_t *constants, int bits,
                               lanes16 *out)
{
	lanes16 low[BLOCK_MAX / 2], high[BLOCK_MAX / 2];
	lanes32 low_sums[BLOCK_MAX], high_sums[BLOCK_MAX];
	zip_line(block, n, r, low, high);
	sum_line(block, n, low, constants, bits, low_sums);
	sum_line(block, n, high, constants, bits, high_sums);
	for (unsigned x = 0; x < block; x++)
		out[x] = lanes_narrow(lanes_shift32(low_sums[x], bits), lanes_shift32(high_sums[x], bits));
}

/* Of the mean alone: M[x][0] is the same for all x. */
LANES_INLINE void inverse_flat(unsigned block, const lanes16 *r, const int32_t *constants, int bits, lanes16 *out)
{
	lanes32 half = (lanes32){0} + (1u << (bits - 1));
	lanes16 zero = {0}, mean = lanes_splat_pair(constants[0]);
	lanes32 low = lanes_madd(lanes_zip_low_2(r[0], zero), mean) + half;
	lanes32 high = lanes_madd(lanes_zip_high_2(r[0], zero), mean) + half;
	lanes16 value = lanes_narrow(lanes_shift32(low, bits), lanes_shift32(high, bits));
	for (unsigned x = 0; x < block; x++)
		out[x] = value;
}

/* --- Columns: from codes to rows of half-transformed blocks -------------------------------------------------------- */

/* Codes of a plane stay within 16 bits. Lanes past its end hold any bytes, which may leave them: hence without signs. */
LANES_INLINE lanes16 dequantize(const int8_t *codes, const struct dequant *d)
{
	lanes16 q = lanes_bytes(codes);
	lanes16u value = (lanes16u)q * (lanes16u)lanes_splat(d->step);
	if (d->if_nonneg | d->if_neg) {
		lanes16 is_neg = q >> 15;
		value += (lanes16u)((is_neg & d->if_neg) | (~is_neg & d->if_nonneg));
	}
	return (lanes16)value;
}

LANES_INLINE void load_column(const struct block_shape *shape, unsigned u, const int8_t *const *codes, lanes16 *r)
{
	for (unsigned v = 0; v < shape->nv[u]; v++) {
		int p = shape->plane[u][v];
		r[v] = p >= 0 ? dequantize(codes[p], &shape->dequant[p]) : (lanes16){0};
	}
}

LANES_INLINE void inverse_column(unsigned block, unsigned n, lanes16 *r, const int32_t *constants, lanes16 *out)
{
	unsigned room = n <= 2 ? 2 : n <= 4 ? 4 : 8;
	if (n == 1) {
		inverse_flat(block, r, constants, FIRST_BITS, out);
		return;
	}
	if (block > 8) {
		inverse_line(block, n, r, constants, FIRST_BITS, out);
		return;
	}
	for (unsigned v = n; v < room; v++)
		r[v] = (lanes16){0};
	if (room == 2)
		inverse_line(block, 2, r, constants, FIRST_BITS, out);
	else if (room == 4)
		inverse_line(block, 4, r, constants, FIRST_BITS, out);
	else
		inverse_line(block, 8, r, constants, FIRST_BITS, out);
}

/* rows[y * nu + u] */
LANES_INLINE void columns(unsigned block, const struct block_shape *shape, const int8_t *const *codes, int16_t *rows)
{
	for (unsigned u = 0; u < shape->nu; u++) {
		lanes16 r[BLOCK_MAX], out[BLOCK_MAX];
		if (shape->nv[u]) {
			load_column(shape, u, codes, r);
			inverse_column(block, shape->nv[u], r, shape->pairs, out);
		} else {
			memset(out, 0, block * sizeof *out);
		}
		for (unsigned y = 0; y < block; y++)
			lanes_store(rows + (size_t)(y * shape->nu + u) * LANES, out[y]);
	}
}

/* --- Rows: to samples ---------------------------------------------------------------------------------------------- */

/* Eight samples x..x+7 of a row of every block, to samples[block * stride]. */
LANES_INLINE void put_eight(const lanes16 *row, size_t stride, uint8_t *samples)
{
	lanes16 middle = lanes_splat((int16_t)0x8080), b[4], pairs[4], quads[4];
	for (unsigned i = 0; i < 4; i++)
		b[i] = lanes_narrow_s8(row[i], row[i + 4]) ^ middle;
	pairs[0] = lanes_zip_low_1(b[0], b[2]); /* x 0 and 2 of eight blocks */
	pairs[1] = lanes_zip_low_1(b[1], b[3]);
	pairs[2] = lanes_zip_high_1(b[0], b[2]); /* 4 and 6 */
	pairs[3] = lanes_zip_high_1(b[1], b[3]);
	quads[0] = lanes_zip_low_1(pairs[0], pairs[1]); /* 0, 1, 2, 3 of four blocks */
	quads[1] = lanes_zip_high_1(pairs[0], pairs[1]);
	quads[2] = lanes_zip_low_1(pairs[2], pairs[3]); /* 4, 5, 6, 7 */
	quads[3] = lanes_zip_high_1(pairs[2], pairs[3]);
	for (unsigned i = 0; i < 4; i++) {
		lanes16 two = i % 2 ? lanes_zip_high_4(quads[i / 2], quads[i / 2 + 2])
		                    : lanes_zip_low_4(quads[i / 2], quads[i / 2 + 2]);
		uint8_t bytes[LANES_NBYTES];
		memcpy(bytes, &two, sizeof two);
		for (unsigned piece = 0; piece < LANES_NBYTES / LANES_PIECE; piece++) {
			uint8_t *to = samples + (8 * piece + 2 * i) * stride;
			memcpy(to, bytes + piece * LANES_PIECE, 8);
			memcpy(to + stride, bytes + piece * LANES_PIECE + 8, 8);
		}
	}
}

LANES_INLINE void put_four(const lanes16 *row, uint8_t *samples)
{
	lanes16 middle = lanes_splat((int16_t)0x8080);
	lanes16 even = lanes_narrow_s8(row[0], row[2]) ^ middle, odd = lanes_narrow_s8(row[1], row[3]) ^ middle;
	lanes16 low = lanes_zip_low_1(even, odd), high = lanes_zip_high_1(even, odd);
	lanes16 four[2] = {lanes_zip_low_2(low, high), lanes_zip_high_2(low, high)};
	for (unsigned piece = 0; piece < LANES_NBYTES / LANES_PIECE; piece++) {
		for (unsigned i = 0; i < 2; i++)
			memcpy(samples + (2 * piece + i) * LANES_PIECE, (uint8_t *)&four[i] + piece * LANES_PIECE,
			       LANES_PIECE);
	}
}

LANES_INLINE void put_two(const lanes16 *row, uint8_t *samples)
{
	lanes16 both = lanes_narrow_s8(row[0], row[1]) ^ lanes_splat((int16_t)0x8080);
	lanes_store(samples, lanes_zip_low_1(both, lanes_zip_high_8(both, both)));
}

LANES_INLINE void put_row(unsigned block, const lanes16 *row, uint8_t *samples)
{
	if (block == 2)
		put_two(row, samples);
	else if (block == 4)
		put_four(row, samples);
	for (unsigned x = 0; block >= 8 && x < block; x += 8)
		put_eight(row + x, block, samples + x);
}

LANES_INLINE void rows(unsigned block, unsigned n, const struct block_shape *shape, const int16_t *in, uint8_t *samples,
                       size_t stride)
{
	int bits = MATRIX_BITS + PASS_BITS + __builtin_ctz(block);
	for (unsigned y = 0; y < block; y++) {
		lanes16 r[BLOCK_MAX], out[BLOCK_MAX];
		r[0] = lanes_load(in + (size_t)y * shape->nu * LANES);
		for (unsigned u = 1; u < n; u++)
			r[u] = u < shape->nu ? lanes_load(in + (size_t)(y * shape->nu + u) * LANES) : (lanes16){0};
		if (n == 1)
			inverse_flat(block, r, shape->pairs, bits, out);
		else
			inverse_line(block, n, r, shape->pairs, bits, out);
		put_row(block, out, samples + y * stride);
	}
}

LANES_INLINE void inverse(unsigned block, const struct block_shape *shape, const int8_t *const *codes, int16_t *scratch,
                          uint8_t *samples, size_t stride)
{
	unsigned n = shape->nu;
	columns(block, shape, codes, scratch);
	if (n == 1)
		rows(block, 1, shape, scratch, samples, stride);
	else if (block > 8)
		rows(block, n, shape, scratch, samples, stride);
	else if (n == 2)
		rows(block, 2, shape, scratch, samples, stride);
	else if (n <= 4)
		rows(block, 4, shape, scratch, samples, stride);
	else if (n <= 6)
		rows(block, 6, shape, scratch, samples, stride);
	else
		rows(block, 8, shape, scratch, samples, stride);
}

static void inverse_any(const struct block_shape *shape, const int8_t *const *codes, int16_t *scratch, uint8_t *samples,
                        size_t stride)
{
	switch (shape->block) {
	case 2:
		inverse(2, shape, codes, scratch, samples, stride);
		break;
	case 4:
		inverse(4, shape, codes, scratch, samples, stride);
		break;
	case 8:
		inverse(8, shape, codes, scratch, samples, stride);
		break;
	case 16:
		inverse(16, shape, codes, scratch, samples, stride);
		break;
	case 32:
		inverse(32, shape, codes, scratch, samples, stride);
		break;
	}
}

/* M is 8192, so the sample is the coefficient, clamped once. The last group takes in blocks that were done. */
static void inverse_one(const int8_t *codes, struct dequant dequant, size_t n, uint8_t *samples)
{
	if (n < LANES) {
		int8_t some[LANES] = {0};
		memcpy(some, codes, n);
		inverse_one(some, dequant, LANES, samples);
		return;
	}
	for (size_t i = 0; i < n; i += LANES) {
		i = n - i < LANES ? n - LANES : i;
		lanes16 value = dequantize(codes + i, &dequant);
		lanes16 bytes = lanes_narrow_s8(value, value) ^ lanes_splat((int16_t)0x8080);
		for (unsigned piece = 0; piece < LANES_NBYTES / LANES_PIECE; piece++)
			memcpy(samples + i + 8 * piece, (const uint8_t *)&bytes + piece * LANES_PIECE, 8);
	}
}

extern const struct unblock_kernel KERNEL(unblock_kernel);
const struct unblock_kernel KERNEL(unblock_kernel) = {LANES, inverse_any, inverse_one};
