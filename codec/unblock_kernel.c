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
#define CACHE_LINE 64

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

/* The part that rows of odd multiples of B / size have in output x; it changes sign in output size - 1 - x. */
LANES_INLINE lanes32 sum_odd(unsigned block, unsigned size, unsigned n, const lanes16 *pairs, const lanes16 *constants,
                             unsigned x)
{
	unsigned s = block / size, npairs = size / 4;
	lanes32 odd = {0};
	for (unsigned j = 0; j < npairs && s * (4 * j + 1) < n; j++)
		odd += lanes_madd(pairs[first_pair(size) + j], constants[first_constant(size) + x * npairs + j]);
	return odd;
}

/* From a line of size / 2 sums to one of `size`. */
LANES_INLINE void unfold(unsigned block, unsigned size, unsigned n, const lanes16 *pairs, const lanes16 *constants,
                         lanes32 *sums)
{
	for (unsigned x = 0; x < size / 2; x++) {
		lanes32 odd = sum_odd(block, size, n, pairs, constants, x);
		sums[size - 1 - x] = sums[x] - odd;
		sums[x] += odd;
	}
}

LANES_INLINE lanes16 narrow(lanes32 low, lanes32 high, int bits)
{
	return lanes_narrow(lanes_shift32(low, bits), lanes_shift32(high, bits));
}

/* Of the line of `size` sums, from rows that are multiples of B / size: all but the last unfolding of a line. */
LANES_INLINE void sum_line(unsigned block, unsigned n, const lanes16 *pairs, const lanes16 *constants, int bits,
                           lanes32 *sums)
{
	lanes32 half = (lanes32){0} + (1u << (bits - 1));
	sums[0] = lanes_madd(pairs[0], constants[0]) + half;
	sums[1] = lanes_madd(pairs[0], constants[1]) + half;
	if (block >= 8)
		unfold(block, 4, n, pairs, constants, sums);
	if (block >= 16)
		unfold(block, 8, n, pairs, constants, sums);
	if (block >= 32)
		unfold(block, 16, n, pairs, constants, sums);
}

/* out[x] of a line whose first n inputs are not 0, rounded, clamped to 16 bits. `block` and, at 8 and less, `n` are
 * constants where this is called, so that every loop is unrolled. The last unfolding goes by pairs of outputs, so that a
 * line of 8 needs no more registers than there are. */
LANES_INLINE void inverse_line(unsigned block, unsigned n, const lanes16 *r, const lanes16 *constants, int bits,
                               lanes16 *out)
{
	lanes16 low[BLOCK_MAX / 2], high[BLOCK_MAX / 2];
	lanes32 low_sums[BLOCK_MAX / 2], high_sums[BLOCK_MAX / 2];
	zip_line(block, n, r, low, high);
	sum_line(block, n, low, constants, bits, low_sums);
	sum_line(block, n, high, constants, bits, high_sums);
	if (block == 2) {
		out[0] = narrow(low_sums[0], high_sums[0], bits);
		out[1] = narrow(low_sums[1], high_sums[1], bits);
	}
	for (unsigned x = 0; block >= 4 && x < block / 2; x++) {
		lanes32 low_odd = sum_odd(block, block, n, low, constants, x);
		lanes32 high_odd = sum_odd(block, block, n, high, constants, x);
		out[x] = narrow(low_sums[x] + low_odd, high_sums[x] + high_odd, bits);
		out[block - 1 - x] = narrow(low_sums[x] - low_odd, high_sums[x] - high_odd, bits);
	}
}

/* Of the mean alone: M[x][0] is the same for all x. */
LANES_INLINE lanes16 inverse_flat(lanes16 mean, const lanes16 *constants, int bits)
{
	lanes32 half = (lanes32){0} + (1u << (bits - 1));
	lanes16 zero = {0};
	lanes32 low = lanes_madd(lanes_zip_low_2(mean, zero), constants[0]) + half;
	lanes32 high = lanes_madd(lanes_zip_high_2(mean, zero), constants[0]) + half;
	return narrow(low, high, bits);
}

/* --- Columns: from codes to rows of half-transformed blocks -------------------------------------------------------- */

/* What a run of blocks is decoded with. Between the passes value u of row y of group i lies at
 * scratch[((i * B + y) * nu + u) * LANES]. */
struct work {
	const struct block_shape *shape;
	const struct block_run *run;
	const lanes16 *constants;
};

/* The last group takes in blocks that were done: none is read in part. */
LANES_INLINE size_t group_at(const struct work *work, size_t i)
{
	return work->run->n - i < LANES ? work->run->n - LANES : i;
}

/* Codes of a plane stay within 16 bits. Lanes past its end hold any bytes, which may leave them: hence without signs. */
LANES_INLINE lanes16 dequantize(const struct frequency *f, size_t at, bool is_product)
{
	lanes16 q = lanes_bytes(f->codes + at);
	lanes16u value = (lanes16u)q * (lanes16u)lanes_splat_pair(f->step);
	if (!is_product)
		value += (lanes16u)lanes_splat_pair(f->if_nonneg) + (lanes16u)((q >> 15) & lanes_splat_pair(f->change));
	return (lanes16)value;
}

/* Column u of all groups; n and is_product are constants where this is called. */
LANES_INLINE void column(unsigned block, unsigned n, bool is_product, unsigned u, const struct work *work)
{
	const struct frequency *frequencies = work->shape->frequencies + u * block;
	for (size_t i = 0; i < work->run->n; i += LANES) {
		int16_t *to = work->run->scratch + (i * block * work->shape->nu + u * LANES);
		size_t at = work->run->first + group_at(work, i);
		lanes16 r[BLOCK_MAX], out[BLOCK_MAX];
		for (unsigned v = 0; v < n; v++)
			r[v] = dequantize(&frequencies[v], at, is_product);
		if (n > 1)
			inverse_line(block, n, r, work->constants, FIRST_BITS, out);
		else
			out[0] = n ? inverse_flat(r[0], work->constants, FIRST_BITS) : (lanes16){0};
		for (unsigned y = 0; y < block; y++)
			lanes_store(to + (size_t)y * work->shape->nu * LANES, out[n > 1 ? y : 0]);
	}
}

/* Planes are many streams of a few bytes each, which a processor does not foresee by itself. Of the blocks that come next
 * the lines that those before do not lie in. */
LANES_INLINE void fetch_next(unsigned block, unsigned n, unsigned u, const struct work *work)
{
	const struct frequency *frequencies = work->shape->frequencies + u * block;
	const struct block_run *run = work->run;
	for (size_t i = 0; i < run->n; i += CACHE_LINE) {
		size_t last = (run->n - i < CACHE_LINE ? run->n : i + CACHE_LINE) - 1;
		for (unsigned v = 0; v < n; v++)
			__builtin_prefetch(frequencies[v].codes + run->first + run->next + last);
	}
}

/* Rounding, which codes of fewer bits than the object was made with need, has no line of its own for every n: beyond nv
 * there are products by 0. */
LANES_INLINE void any_column(unsigned block, unsigned n, unsigned u, const struct work *work)
{
	fetch_next(block, n, u, work);
	if (work->shape->is_product[u])
		column(block, n, true, u, work);
	else
		column(block, block > 8 || n <= 2 ? n : n <= 4 ? 4 : 8, false, u, work);
}

LANES_INLINE void columns(unsigned block, const struct work *work)
{
	for (unsigned u = 0; u < work->shape->nu; u++) {
		unsigned n = work->shape->nv[u];
		if (n == 0)
			any_column(block, 0, u, work);
		else if (n == 1)
			any_column(block, 1, u, work);
		else if (block > 8)
			any_column(block, n, u, work);
		else if (n == 2 || block == 2)
			any_column(block, 2, u, work);
		else if (n == 3)
			any_column(block, 3, u, work);
		else if (n == 4 || block == 4)
			any_column(block, 4, u, work);
		else if (n == 5)
			any_column(block, 5, u, work);
		else if (n == 6)
			any_column(block, 6, u, work);
		else
			any_column(block, 8, u, work);
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
			memcpy(to, bytes + piece * LANES_PIECE, stride == 8 ? 16 : 8);
			if (stride > 8)
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

LANES_INLINE void rows(unsigned block, unsigned n, const struct work *work)
{
	int bits = MATRIX_BITS + PASS_BITS + __builtin_ctz(block);
	for (size_t i = 0; i < work->run->n; i += LANES) {
		const int16_t *in = work->run->scratch + i * block * work->shape->nu;
		uint8_t *samples = work->run->samples + group_at(work, i) * block;
		for (unsigned y = 0; y < block; y++, in += work->shape->nu * LANES, samples += work->run->stride) {
			lanes16 r[BLOCK_MAX], out[BLOCK_MAX];
			for (unsigned u = 0; u < n; u++)
				r[u] = u + 1 < n || n <= work->shape->nu ? lanes_load(in + u * LANES) : (lanes16){0};
			if (n > 1)
				inverse_line(block, n, r, work->constants, bits, out);
			for (unsigned x = 0; n == 1 && x < block; x++)
				out[x] = x ? out[0] : inverse_flat(r[0], work->constants, bits);
			put_row(block, out, samples);
		}
	}
}

LANES_INLINE void inverse(unsigned block, const struct work *work)
{
	unsigned n = work->shape->nu;
	columns(block, work);
	if (n == 1)
		rows(block, 1, work);
	else if (block > 8)
		rows(block, n, work);
	else if (n == 2 || block == 2)
		rows(block, 2, work);
	else if (n <= 4)
		rows(block, 4, work);
	else if (n <= 6)
		rows(block, 6, work);
	else
		rows(block, 8, work);
}

static void inverse_any(const struct block_shape *shape, const struct block_run *run)
{
	lanes16 constants[TENSOR_PAIRS_MAX];
	struct work work = {shape, run, constants};
	for (unsigned i = 0; i < shape->npairs; i++)
		constants[i] = lanes_splat_pair(shape->pairs[i]);
	switch (shape->block) {
	case 2:
		inverse(2, &work);
		break;
	case 4:
		inverse(4, &work);
		break;
	case 8:
		inverse(8, &work);
		break;
	case 16:
		inverse(16, &work);
		break;
	case 32:
		inverse(32, &work);
		break;
	}
}

/* M is 8192, so the sample is the coefficient, clamped once. The last group takes in blocks that were done. */
static void inverse_one(const struct frequency *frequency, size_t first, size_t n, uint8_t *samples)
{
	for (size_t i = 0; i < n; i += LANES) {
		i = n - i < LANES ? n - LANES : i;
		lanes16 value = dequantize(frequency, first + i, false);
		lanes16 bytes = lanes_narrow_s8(value, value) ^ lanes_splat((int16_t)0x8080);
		for (unsigned piece = 0; piece < LANES_NBYTES / LANES_PIECE; piece++)
			memcpy(samples + i + 8 * piece, (const uint8_t *)&bytes + piece * LANES_PIECE, 8);
	}
}

extern const struct unblock_kernel KERNEL(unblock_kernel);
const struct unblock_kernel KERNEL(unblock_kernel) = {LANES, inverse_any, inverse_one};
