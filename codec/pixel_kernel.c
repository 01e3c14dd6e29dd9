/* SPDX-License-Identifier: MIT */
/*
 * From rows of samples to rows of pixels (docs/format.md, section 4); compiled once for each instruction set.
 *
 * A step is a register of luma, whose even samples and odd samples are two registers of numbers. So chroma that is halved
 * comes to luma's grid without a shuffle: from one register of it the filter makes that of the even pixels and that of the
 * odd ones. What becomes of a pixel stays in registers until it is written.
 */
#include "codec/half_priv.h"
#include "codec/lanes_priv.h"
#include "codec/tensor_kernel_priv.h"

#define STEP LANES_NBYTES /* pixels */
#define PIECES (LANES_NBYTES / LANES_PIECE)

/* --- The triangle filter ------------------------------------------------------------------------------------------- */

/* Four of these and the rounding of an even sample are less by 128 * 16 than what docs/format.md says, so that chroma comes
 * out less 128; that of an odd one is 1 less. */
#define TRIANGLE_BIAS 510

static void triangle_down(const uint8_t *restrict near, const uint8_t *restrict far, size_t n, int16_t *restrict out)
{
	for (size_t i = 0; i < n; i += STEP) {
		for (size_t k = i; k < i + STEP; k++)
			out[k] = (int16_t)(3 * near[k] + far[k] - TRIANGLE_BIAS);
	}
}

/* Of the pixels of a step, those at even places and those at odd ones; chroma less 128. */
struct both {
	lanes16 even, odd;
};

/* Lanes past a row's end hold any numbers: hence without signs until the shift. */
LANES_INLINE struct both triangle_across(const int16_t *in)
{
	lanes16u near = (lanes16u)lanes_load(in) * 3;
	lanes16u even = near + (lanes16u)lanes_load(in - 1), odd = near + (lanes16u)lanes_load(in + 1) - 1;
	return (struct both){(lanes16)even >> 4, (lanes16)odd >> 4};
}

/* --- Colour -------------------------------------------------------------------------------------------------------- */

/* A sample as a number, at even and at odd places. */
LANES_INLINE struct both split(lanes16 bytes)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (struct both){bytes & 0xff, (lanes16)((lanes16u)bytes >> 8)};
#else
	return (struct both){(lanes16)((lanes16u)bytes >> 8), bytes & 0xff};
#endif
}

LANES_INLINE struct both split_chroma(lanes16 bytes)
{
	struct both c = split(bytes);
	return (struct both){c.even - 128, c.odd - 128};
}

/*
 * The products of the format, of chroma doubled. For red and blue (c * r + 2^15) >> 16 is the rounded product of 2r and a
 * constant that is not quite c / 4: of all r, -128..127, none tells them apart (test tensor). Green's sum is exact.
 */
#define RED_OF_CR 22970
#define BLUE_OF_CB 29033
#define GREEN_OF_CB (-11277)
#define GREEN_OF_CR (-23401)

struct rgb {
	lanes16 r, g, b;
};

LANES_INLINE lanes16 green_of(lanes16 cb, lanes16 cr)
{
	lanes16 constants = lanes_splat_pair(tensor_pair(GREEN_OF_CB, GREEN_OF_CR));
	lanes32 low = lanes_madd(lanes_zip_low_2(cb, cr), constants) + 0x8000;
	lanes32 high = lanes_madd(lanes_zip_high_2(cb, cr), constants) + 0x8000;
	return lanes_narrow(lanes_shift32(low, 16), lanes_shift32(high, 16));
}

LANES_INLINE struct rgb convert(lanes16 y, lanes16 cb, lanes16 cr)
{
	cb += cb;
	cr += cr;
	return (struct rgb){
	        y + lanes_mul_round(cr, lanes_splat(RED_OF_CR)),
	        y + green_of(cb, cr),
	        y + lanes_mul_round(cb, lanes_splat(BLUE_OF_CB)),
	};
}

/* Bytes of a step, in each piece the even pixels before the odd ones. */
LANES_INLINE struct rgb color(const uint8_t *y, struct both cb, struct both cr)
{
	struct both luma = split(lanes_load(y));
	struct rgb even = convert(luma.even, cb.even, cr.even), odd = convert(luma.odd, cb.odd, cr.odd);
	return (struct rgb){
	        lanes_narrow_u8(even.r, odd.r),
	        lanes_narrow_u8(even.g, odd.g),
	        lanes_narrow_u8(even.b, odd.b),
	};
}

/* --- Channels side by side ----------------------------------------------------------------------------------------- */

/* Where the bytes of a pixel are in its piece: as they came, or the even ones before the odd ones. */
#define AS_IS(pixel) (pixel)
#define EVEN_FIRST(pixel) ((pixel) / 2 + (pixel) % 2 * (LANES_PIECE / 2))

/* What 16 pixels become is three times 16 bytes, and byte n of the 48 is channel n % 3 of pixel n / 3. So each channel has
 * at most one of the three bytes i: one pick brings all of its bytes to their places i, and the thirds choose theirs. */
#define THIRD(c, i) (((c) + 2 * (i)) % 3)
#define PIXEL(c, i) ((LANES_PIECE * THIRD(c, i) + (i)) / 3)
#define FOUR(f, c, i) f(PIXEL(c, i)), f(PIXEL(c, (i) + 1)), f(PIXEL(c, (i) + 2)), f(PIXEL(c, (i) + 3))
#define SIXTEEN(f, c)                                                                                                  \
	{                                                                                                              \
		FOUR(f, c, 0), FOUR(f, c, 4), FOUR(f, c, 8), FOUR(f, c, 12)                                            \
	}
#define IS(c, i) ((i) % 3 == (c) ? 0xff : 0)
#define IS_FOUR(c, i) IS(c, i), IS(c, (i) + 1), IS(c, (i) + 2), IS(c, (i) + 3)
#define IS_SIXTEEN(c)                                                                                                  \
	{                                                                                                              \
		IS_FOUR(c, 0), IS_FOUR(c, 4), IS_FOUR(c, 8), IS_FOUR(c, 12)                                            \
	}
static const uint8_t picks_as_is[3][LANES_PIECE] = {SIXTEEN(AS_IS, 0), SIXTEEN(AS_IS, 1), SIXTEEN(AS_IS, 2)};
static const uint8_t picks_even_first[3][LANES_PIECE] = {SIXTEEN(EVEN_FIRST, 0), SIXTEEN(EVEN_FIRST, 1),
                                                         SIXTEEN(EVEN_FIRST, 2)};
static const uint8_t places[3][LANES_PIECE] = {IS_SIXTEEN(0), IS_SIXTEEN(1), IS_SIXTEEN(2)};
static const uint8_t order[LANES_PIECE] = {0, 8, 1, 9, 2, 10, 3, 11, 4, 12, 5, 13, 6, 14, 7, 15};

LANES_INLINE lanes16 in_each_piece(const uint8_t bytes[LANES_PIECE])
{
	uint8_t all[LANES_NBYTES];
	for (unsigned piece = 0; piece < PIECES; piece++)
		memcpy(all + piece * LANES_PIECE, bytes, LANES_PIECE);
	return lanes_load(all);
}

struct joining {
	lanes16 picks[3], places[3];
};

LANES_INLINE struct joining joining_of(const uint8_t picks[3][LANES_PIECE])
{
	struct joining j;
	for (unsigned c = 0; c < 3; c++) {
		j.picks[c] = in_each_piece(picks[c]);
		j.places[c] = in_each_piece(places[c]);
	}
	return j;
}

LANES_INLINE void join(const struct joining *j, struct rgb step, uint8_t *out)
{
	lanes16 red = lanes_pick(step.r, j->picks[0]), green = lanes_pick(step.g, j->picks[1]);
	lanes16 blue = lanes_pick(step.b, j->picks[2]);
	for (unsigned third = 0; third < 3; third++) {
		/* Bytes i of channel c with (third + i) % 3 == c. */
		lanes16 bytes = lanes_select(j->places[(4 - third) % 3], green, red);
		bytes = lanes_select(j->places[(5 - third) % 3], blue, bytes);
		for (unsigned piece = 0; piece < PIECES; piece++)
			memcpy(out + (3 * piece + third) * LANES_PIECE, (const uint8_t *)&bytes + piece * LANES_PIECE,
			       LANES_PIECE);
	}
}

static void interleave(const uint8_t *const rgb[3], size_t n, uint8_t *out)
{
	struct joining j = joining_of(picks_as_is);
	uint8_t last[3 * STEP];
	for (size_t i = 0; i < n; i += STEP) {
		struct rgb step = {lanes_load(rgb[0] + i), lanes_load(rgb[1] + i), lanes_load(rgb[2] + i)};
		bool is_whole = n - i >= STEP;
		join(&j, step, is_whole ? out + 3 * i : last);
		if (!is_whole)
			memcpy(out + 3 * i, last, 3 * (n - i));
	}
}

/* Pixels of a step, of which each piece has the even ones before the odd ones, four bytes each. */
LANES_INLINE void join_fours(struct rgb step, uint8_t *out)
{
	lanes16 full = lanes_splat(-1);
	lanes16 rg[2] = {lanes_zip_low_1(step.r, step.g), lanes_zip_high_1(step.r, step.g)};
	lanes16 bx[2] = {lanes_zip_low_1(step.b, full), lanes_zip_high_1(step.b, full)};
	for (unsigned half = 0; half < 2; half++) {
		lanes16 even = half ? lanes_zip_high_2(rg[0], bx[0]) : lanes_zip_low_2(rg[0], bx[0]);
		lanes16 odd = half ? lanes_zip_high_2(rg[1], bx[1]) : lanes_zip_low_2(rg[1], bx[1]);
		lanes16 quarters[2] = {lanes_zip_low_4(even, odd), lanes_zip_high_4(even, odd)};
		for (unsigned piece = 0; piece < PIECES; piece++) {
			uint8_t *at = out + (4 * piece + 2 * half) * LANES_PIECE;
			memcpy(at, (const uint8_t *)&quarters[0] + piece * LANES_PIECE, LANES_PIECE);
			memcpy(at + LANES_PIECE, (const uint8_t *)&quarters[1] + piece * LANES_PIECE, LANES_PIECE);
		}
	}
}

/* --- A row of pixels ----------------------------------------------------------------------------------------------- */

LANES_INLINE struct rgb color_step(const struct pixel_row *row, bool is_half, size_t i)
{
	struct both cb, cr;
	if (is_half) {
		cb = triangle_across(row->half[0] + i / 2);
		cr = triangle_across(row->half[1] + i / 2);
	} else {
		cb = split_chroma(lanes_load(row->chroma[0] + i));
		cr = split_chroma(lanes_load(row->chroma[1] + i));
	}
	return color(row->luma + i, cb, cr);
}

LANES_INLINE void color_side_by_side(const struct pixel_row *in, bool is_half, enum pixel_form form, uint8_t *out,
                                     size_t room)
{
	struct joining j = joining_of(picks_even_first);
	const size_t each = pixel_form_nbytes(form);
	struct pixel_row row = *in; /* a copy: what is written to `out` may be anything */
	uint8_t last[4 * STEP];
	for (size_t i = 0; i < row.n; i += STEP) {
		struct rgb step = color_step(&row, is_half, i);
		bool has_room = room - each * i >= each * STEP;
		uint8_t *at = has_room ? out + each * i : last;
		if (form == PIXELS_IN_FOURS)
			join_fours(step, at);
		else
			join(&j, step, at);
		if (!has_room)
			memcpy(out + each * i, last, each * (row.n - i));
	}
}

LANES_INLINE void color_apart(const struct pixel_row *in, bool is_half, uint8_t *const out[3], size_t room)
{
	lanes16 in_order = in_each_piece(order);
	struct pixel_row row = *in;
	for (size_t i = 0; i < row.n; i += STEP) {
		struct rgb step = color_step(&row, is_half, i);
		lanes16 bytes[3] = {step.r, step.g, step.b};
		for (unsigned c = 0; c < 3; c++) {
			bytes[c] = lanes_pick(bytes[c], in_order);
			if (room - i >= STEP)
				lanes_store(out[c] + i, bytes[c]);
			else
				memcpy(out[c] + i, &bytes[c], row.n - i);
		}
	}
}

static void full_joined(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_side_by_side(row, false, PIXELS_JOINED, out[0], room);
}

static void full_apart(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_apart(row, false, out, room);
}

static void half_joined(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_side_by_side(row, true, PIXELS_JOINED, out[0], room);
}

static void half_apart(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_apart(row, true, out, room);
}

static void full_in_fours(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_side_by_side(row, false, PIXELS_IN_FOURS, out[0], room);
}

static void half_in_fours(const struct pixel_row *row, uint8_t *const out[3], size_t room)
{
	color_side_by_side(row, true, PIXELS_IN_FOURS, out[0], room);
}

/* --- Numbers ------------------------------------------------------------------------------------------------------- */

enum number_kind { NUMBER_F32, NUMBER_F16, NUMBER_BF16 };

/* LANES_FLOATS values, from in[i] on, with the numbers from k on. */
LANES_INLINE void number_step(const uint8_t *in, size_t i, const struct pixel_numbers *m, size_t k,
                              enum number_kind kind, void *out)
{
	lanesf values = (lanes_floats(in + i) - lanes_load_floats(m->mean + k)) * lanes_load_floats(m->scale + k);
	float some[LANES_FLOATS];
	if (kind == NUMBER_F32) {
		memcpy((float *)out + i, &values, sizeof values);
		return;
	}
	memcpy(some, &values, sizeof some);
	if (kind == NUMBER_F16)
		half_of_all(some, LANES_FLOATS, (uint16_t *)out + i);
	else
		bfloat_of_all(some, LANES_FLOATS, (uint16_t *)out + i);
}

/* The last step takes in values that were done. */
LANES_INLINE void numbers(const uint8_t *in, size_t n, const struct pixel_numbers *m, enum number_kind kind, void *out)
{
	size_t i = 0;
	for (; n - i >= PIXEL_NUMBERS; i += PIXEL_NUMBERS) {
		for (size_t k = 0; k < PIXEL_NUMBERS; k += LANES_FLOATS)
			number_step(in, i + k, m, k, kind, out);
	}
	for (size_t k = 0; n - i >= LANES_FLOATS; i += LANES_FLOATS, k += LANES_FLOATS)
		number_step(in, i, m, k, kind, out);
	if (i < n)
		number_step(in, n - LANES_FLOATS, m, (n - LANES_FLOATS) % 3, kind, out);
}

static void to_f32(const uint8_t *in, size_t n, const struct pixel_numbers *m, float *out)
{
	float all[LANES_FLOATS];
	if (n >= LANES_FLOATS) {
		numbers(in, n, m, NUMBER_F32, out);
		return;
	}
	numbers(in, LANES_FLOATS, m, NUMBER_F32, all);
	memcpy(out, all, n * sizeof *all);
}

LANES_INLINE void to_16(const uint8_t *in, size_t n, const struct pixel_numbers *m, enum number_kind kind,
                        uint16_t *out)
{
	uint16_t all[LANES_FLOATS];
	if (n >= LANES_FLOATS) {
		numbers(in, n, m, kind, out);
		return;
	}
	numbers(in, LANES_FLOATS, m, kind, all);
	memcpy(out, all, n * sizeof *all);
}

static void to_f16(const uint8_t *in, size_t n, const struct pixel_numbers *m, uint16_t *out)
{
	to_16(in, n, m, NUMBER_F16, out);
}

static void to_bf16(const uint8_t *in, size_t n, const struct pixel_numbers *m, uint16_t *out)
{
	to_16(in, n, m, NUMBER_BF16, out);
}

extern const struct pixel_kernel KERNEL(pixel_kernel);
const struct pixel_kernel KERNEL(pixel_kernel) = {
        .triangle_down = triangle_down,
        .color = {{full_apart, full_joined, full_in_fours}, {half_apart, half_joined, half_in_fours}},
        .interleave = interleave,
        .to_f32 = to_f32,
        .to_f16 = to_f16,
        .to_bf16 = to_bf16,
};
