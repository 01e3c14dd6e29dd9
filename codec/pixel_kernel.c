/* SPDX-License-Identifier: MIT */
/* From rows of samples to rows of pixels (docs/format.md, section 4); compiled once for each instruction set. */
#include "codec/lanes_priv.h"
#include "codec/tensor_kernel_priv.h"

#define STEP LANES_NBYTES /* samples that fill a register */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_BYTE 0
#define SECOND_BYTE 8
#define WIDE_LOW(bytes) lanes_zip_low_1(bytes, (lanes16){0})
#define WIDE_HIGH(bytes) lanes_zip_high_1(bytes, (lanes16){0})
#else
#define FIRST_BYTE 8
#define SECOND_BYTE 0
#define WIDE_LOW(bytes) lanes_zip_low_1((lanes16){0}, bytes)
#define WIDE_HIGH(bytes) lanes_zip_high_1((lanes16){0}, bytes)
#endif

/* --- The triangle filter ------------------------------------------------------------------------------------------- */

static void triangle_down(const uint8_t *near, const uint8_t *far, size_t n, uint16_t *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint16_t)(3 * near[i] + far[i]);
}

static void triangle_across(const uint16_t *in, size_t n, uint8_t *out)
{
	for (size_t i = 0; i < n; i += LANES) {
		lanes16u before = (lanes16u)lanes_load(in + i - 1), after = (lanes16u)lanes_load(in + i + 1);
		lanes16u near = (lanes16u)lanes_load(in + i) * 3;
		lanes16u even = (near + before + 8) >> 4, odd = (near + after + 7) >> 4;
		lanes_store(out + 2 * i, (lanes16)(even << FIRST_BYTE | odd << SECOND_BYTE));
	}
}

/* --- Colour -------------------------------------------------------------------------------------------------------- */

/*
 * The products of the format, in 16 bits. A constant c of 17 bits is taken as a multiple of 2^16 and a rest of 16 bits; the
 * multiple is added whole. Of the rest, (c * r + 2^15) >> 16 is (floor(2 r c / 2^16) + 1) >> 1, for the floor of a half is
 * that of the half of a floor.
 */
#define RED_OF_CR (91881 - 65536)
#define BLUE_OF_CB (116130 - 2 * 65536)
#define GREEN_OF_CB (-22554)
#define GREEN_OF_CR (-46802 + 65536)

LANES_INLINE lanes16 product(lanes16 twice, int16_t constant)
{
	return (lanes_mulhi(twice, lanes_splat(constant)) + 1) >> 1;
}

LANES_INLINE lanes16 green_of(lanes16 cb, lanes16 cr)
{
	lanes16 constants = lanes_splat_pair((int32_t)((uint32_t)GREEN_OF_CR << 16 | (uint16_t)GREEN_OF_CB));
	lanes32 low = lanes_madd(lanes_zip_low_2(cb, cr), constants) + 0x8000;
	lanes32 high = lanes_madd(lanes_zip_high_2(cb, cr), constants) + 0x8000;
	return lanes_narrow(lanes_shift32(low, 16), lanes_shift32(high, 16)) - cr;
}

struct wide_rgb {
	lanes16 r, g, b;
};

LANES_INLINE struct wide_rgb convert(lanes16 y, lanes16 cb, lanes16 cr)
{
	cb -= 128;
	cr -= 128;
	return (struct wide_rgb){
	        y + cr + product(cr + cr, RED_OF_CR),
	        y + green_of(cb, cr),
	        y + cb + cb + product(cb + cb, BLUE_OF_CB),
	};
}

/* A zipped pair of a byte and 0 is a number of 16 bits. */
LANES_INLINE struct wide_rgb convert_low(lanes16 y, lanes16 cb, lanes16 cr)
{
	return convert(WIDE_LOW(y), WIDE_LOW(cb), WIDE_LOW(cr));
}

LANES_INLINE struct wide_rgb convert_high(lanes16 y, lanes16 cb, lanes16 cr)
{
	return convert(WIDE_HIGH(y), WIDE_HIGH(cb), WIDE_HIGH(cr));
}

static void color(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, size_t n, uint8_t *const rgb[3])
{
	for (size_t i = 0; i < n; i += STEP) {
		lanes16 ys = lanes_load(y + i), cbs = lanes_load(cb + i), crs = lanes_load(cr + i);
		struct wide_rgb low = convert_low(ys, cbs, crs), high = convert_high(ys, cbs, crs);
		lanes_store(rgb[0] + i, lanes_narrow_u8(low.r, high.r));
		lanes_store(rgb[1] + i, lanes_narrow_u8(low.g, high.g));
		lanes_store(rgb[2] + i, lanes_narrow_u8(low.b, high.b));
	}
}

/* --- Out ----------------------------------------------------------------------------------------------------------- */

#define PIECES (LANES_NBYTES / LANES_PIECE)
#define NOTHING 0x80 /* for lanes_pick */

/* For each third of what a piece of pixels becomes, and each channel: which of its bytes go where. Byte n of the result is
 * channel n % 3 of pixel n / 3. */
#define NUMBER(c, n) ((n) % 3 == (c) ? (n) / 3 : NOTHING)
#define FOUR(c, n) NUMBER(c, n), NUMBER(c, (n) + 1), NUMBER(c, (n) + 2), NUMBER(c, (n) + 3)
#define SIXTEEN(c, n)                                                                                                  \
	{                                                                                                              \
		FOUR(c, n), FOUR(c, (n) + 4), FOUR(c, (n) + 8), FOUR(c, (n) + 12)                                      \
	}
static const uint8_t numbers[3][3][LANES_PIECE] = {
        {SIXTEEN(0, 0), SIXTEEN(1, 0), SIXTEEN(2, 0)},
        {SIXTEEN(0, 16), SIXTEEN(1, 16), SIXTEEN(2, 16)},
        {SIXTEEN(0, 32), SIXTEEN(1, 32), SIXTEEN(2, 32)},
};

LANES_INLINE void interleave_patterns(lanes16 patterns[3][3])
{
	for (unsigned third = 0; third < 3; third++) {
		for (unsigned c = 0; c < 3; c++) {
			uint8_t all[LANES_NBYTES];
			for (unsigned piece = 0; piece < PIECES; piece++)
				memcpy(all + piece * LANES_PIECE, numbers[third][c], LANES_PIECE);
			patterns[third][c] = lanes_load(all);
		}
	}
}

LANES_INLINE void interleave_step(const uint8_t *r, const uint8_t *g, const uint8_t *b, lanes16 patterns[3][3],
                                  uint8_t *out)
{
	lanes16 red = lanes_load(r), green = lanes_load(g), blue = lanes_load(b);
	for (unsigned third = 0; third < 3; third++) {
		lanes16 bytes = lanes_pick(red, patterns[third][0]) | lanes_pick(green, patterns[third][1]) |
		                lanes_pick(blue, patterns[third][2]);
		for (unsigned piece = 0; piece < PIECES; piece++)
			memcpy(out + (3 * piece + third) * LANES_PIECE, (const uint8_t *)&bytes + piece * LANES_PIECE,
			       LANES_PIECE);
	}
}

static void interleave(const uint8_t *const rgb[3], size_t n, uint8_t *out)
{
	const uint8_t *r = rgb[0], *g = rgb[1], *b = rgb[2];
	lanes16 patterns[3][3];
	uint8_t last[3 * STEP];
	size_t i = 0;
	interleave_patterns(patterns);
	for (; n - i >= STEP; i += STEP)
		interleave_step(r + i, g + i, b + i, patterns, out + 3 * i);
	interleave_step(r + i, g + i, b + i, patterns, last);
	memcpy(out + 3 * i, last, 3 * (n - i));
}

static void to_f32(const uint8_t *in, size_t n, float mean, float scale, float *out)
{
	for (size_t i = 0; i < n; i++)
		out[i] = ((float)in[i] - mean) * scale;
}

extern const struct pixel_kernel KERNEL(pixel_kernel);
const struct pixel_kernel KERNEL(pixel_kernel) = {
        .triangle_down = triangle_down,
        .triangle_across = triangle_across,
        .color = color,
        .interleave = interleave,
        .to_f32 = to_f32,
};
