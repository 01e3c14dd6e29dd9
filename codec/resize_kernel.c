/* SPDX-License-Identifier: MIT */
/*
 * Means of rows, and turning rows into columns; compiled once for each instruction set. A mean of columns is one of rows
 * of the picture on its side, so nothing has to be gathered.
 */
#include "codec/lanes_priv.h"
#include "codec/tensor_kernel_priv.h"

#define STEP LANES_NBYTES
#define PIECES (LANES_NBYTES / LANES_PIECE)

/* --- Means --------------------------------------------------------------------------------------------------------- */

/* The sums of a step: of each quarter of its bytes, as zips leave them. */
struct step_sums {
	lanes32 high[4], low[4];
};

/* Bytes as numbers: of each piece its first half, or its second. */
LANES_INLINE lanes16 first_half(lanes16 bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return lanes_zip_low_1(bytes, (lanes16){0});
#else
	return lanes_zip_low_1((lanes16){0}, bytes);
#endif
}

LANES_INLINE lanes16 second_half(lanes16 bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return lanes_zip_high_1(bytes, (lanes16){0});
#else
	return lanes_zip_high_1((lanes16){0}, bytes);
#endif
}

LANES_INLINE lanes16 splat_two(const int16_t two[2])
{
	int32_t pair;
	memcpy(&pair, two, sizeof pair);
	return lanes_splat_pair(pair);
}

/* Two rows, each byte beside the other's: pairs for lanes_madd. */
LANES_INLINE void add_rows(struct step_sums *s, const uint8_t *first, const uint8_t *second,
                           const struct resize_taps *taps)
{
	lanes16 a = lanes_load(first), b = lanes_load(second);
	lanes16 low = lanes_zip_low_1(a, b), high = lanes_zip_high_1(a, b);
	lanes16 quarters[4] = {first_half(low), second_half(low), first_half(high), second_half(high)};
	lanes16 weights_high = splat_two(taps->high), weights_low = splat_two(taps->low);
	for (unsigned q = 0; q < 4; q++) {
		s->high[q] += lanes_madd(quarters[q], weights_high);
		s->low[q] += lanes_madd(quarters[q], weights_low);
	}
}

LANES_INLINE lanes32 rounded(const struct step_sums *s, unsigned q)
{
	return lanes_shift32((s->high[q] << RESIZE_LOW_BITS) + s->low[q] + RESIZE_ONE / 2, RESIZE_BITS);
}

static void weigh(const uint8_t *rows, size_t stride, const struct resize_taps *taps, size_t npairs, size_t n,
                  uint8_t *out)
{
	for (size_t i = 0; i < n; i += STEP) {
		struct step_sums s = {0};
		const uint8_t *row = rows + i;
		for (size_t k = 0; k < npairs; k++, row += 2 * stride)
			add_rows(&s, row, row + stride, taps + k);
		lanes16 low = lanes_narrow(rounded(&s, 0), rounded(&s, 1));
		lanes16 high = lanes_narrow(rounded(&s, 2), rounded(&s, 3));
		lanes_store(out + i, lanes_narrow_u8(low, high));
	}
}

/* --- Rows to columns ----------------------------------------------------------------------------------------------- */

/* One round of four: in the number of an element's row and column, the row's first bit becomes the column's last, and the
 * column's first the row's last. */
LANES_INLINE void zip_halves(const lanes16 in[LANES_PIECE], lanes16 out[LANES_PIECE])
{
	for (unsigned i = 0; i < LANES_PIECE / 2; i++) {
		out[2 * i] = lanes_zip_low_1(in[i], in[i + LANES_PIECE / 2]);
		out[2 * i + 1] = lanes_zip_high_1(in[i], in[i + LANES_PIECE / 2]);
	}
}

static void transpose(const uint8_t *in, size_t stride, size_t n, uint8_t *out, size_t out_stride)
{
	for (size_t i = 0; i < n; i += STEP) {
		lanes16 a[LANES_PIECE], b[LANES_PIECE];
		for (unsigned row = 0; row < LANES_PIECE; row++)
			a[row] = lanes_load(in + row * stride + i);
		zip_halves(a, b);
		zip_halves(b, a);
		zip_halves(a, b);
		zip_halves(b, a);
		for (unsigned piece = 0; piece < PIECES && i + piece * LANES_PIECE < n; piece++) {
			uint8_t *columns = out + (i + piece * LANES_PIECE) * out_stride;
			for (unsigned column = 0; column < LANES_PIECE; column++)
				memcpy(columns + column * out_stride, (const uint8_t *)&a[column] + piece * LANES_PIECE,
				       LANES_PIECE);
		}
	}
}

const struct resize_kernel KERNEL(resize_kernel) = {weigh, transpose};
